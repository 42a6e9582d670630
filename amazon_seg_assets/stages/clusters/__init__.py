"""Clusters: points, the sweep of k, its choice, labels, and each customer's cluster."""
