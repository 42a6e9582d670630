"""Scores of customers from elsewhere, by what a stored snapshot keeps of its own.

Recency, frequency and monetary value lead to cluster and segment, in memory and without Spark.
Reviews lead there too, by the transformations of the pipeline, and to churn and value.
"""
