"""Runs without the UI: in this process, told on the terminal, recorded by Dagster."""
