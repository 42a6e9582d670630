"""Declarations of assets, checks and plots, and what binds them to Dagster for a category."""
