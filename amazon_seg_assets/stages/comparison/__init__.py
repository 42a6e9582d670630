"""Other ways to cluster the customers of a snapshot, beside its K-Means."""
