"""Where raw review and metadata files come from, and the readers that turn them into Arrow.

A source finds the files of a category in the layout of the hub; it does not know Spark, Dagster
or where tables are stored.
"""
