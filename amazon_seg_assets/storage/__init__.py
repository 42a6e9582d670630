"""Tables and artifacts on disk: where they lie, how they are written whole or not at all.

No transformations and no Dagster here. ``layout`` is the only module that knows paths.
"""
