"""The report of a snapshot, from small tables and figures to one page for people.

``findings`` says what a report is made from, ``insights`` turns it into sentences, ``compose`` into
a document, and ``html`` and ``markdown`` write the document down. No Spark and no Dagster here, and
no file of the storage: everything is handed in.
"""
