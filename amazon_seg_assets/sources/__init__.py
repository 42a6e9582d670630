"""Sources of raw review and metadata files.

A source finds the files of a category in the layout of the hub; it does not know Spark, Dagster
or where tables are stored.
"""
