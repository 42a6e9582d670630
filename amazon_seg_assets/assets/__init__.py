"""The software-defined assets: each selects its input, calls one pure function, stores, reports.

One module a stage of the way: ingestion, cleaning, rfm, clustering, segmentation, plots,
report, export. What all of them need to declare themselves and to report is in ``declaration`` and
``metadata``.
"""
