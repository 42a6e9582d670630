"""Verdicts: what was found held against a threshold, without Dagster.

``tables`` judges what follows from a table's declaration, ``control_totals`` sums customers up.
"""
