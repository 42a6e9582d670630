"""The report of a snapshot, from small tables and figures to one page for people."""
