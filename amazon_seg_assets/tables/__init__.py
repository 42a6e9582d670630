"""What each stored table is: columns, types, units, descriptions and lineage, declared once.

The declarations feed schema enforcement on write, Dagster's column schema and lineage, the
checks and the documentation. No Dagster and no transformations here.
"""
