"""How assets, checks and plots are declared, and what binds the declarations of a category to Dagster."""
