"""When to run what: jobs, sensors, and what is to be made again."""
