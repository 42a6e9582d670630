"""What needs clusters and segments: their summary and its pictures, and how good the clusters are."""
