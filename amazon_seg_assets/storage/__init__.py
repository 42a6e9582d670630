"""Tables and artifacts: where they lie, and how they are written whole or not at all.

No transformations and no Dagster here. ``layout`` says where things lie; ``renaming`` and
``versions`` are the two ways in which a new version takes the old one's place.
"""
