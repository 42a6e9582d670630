"""Measures the pipeline against others that do the same work, each as a process of its own.

``python -m benchmarks`` is the command (``make bench``); see docs/performance.md. ``parts`` says
what is run, ``measure`` watches a process and its children, ``profile`` reads what Dagster recorded
of a run, ``agreement`` compares results, ``figures`` and ``report`` make ratios and tables.
``peer``, ``plain_spark`` and ``session_start`` are the programs that are compared with ours; they
use none of its code but the reader of its rule files.
"""
