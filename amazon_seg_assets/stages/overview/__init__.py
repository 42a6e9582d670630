"""The summary of clusters and segments, its pictures, and the evaluation of the clusters."""
