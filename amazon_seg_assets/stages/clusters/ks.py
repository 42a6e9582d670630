"""The numbers of clusters that may be tried, and those that are."""

POSSIBLE_KS = range(2, 51)
"""Of more clusters, neither distances nor pictures fit into memory, and nobody can use them."""

DEFAULT_KS = tuple(range(2, 13))
