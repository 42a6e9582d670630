"""Ways to cluster customers, by name."""

KMEANS = "kmeans"
ONE_START = "kmeans_one_start"
BISECTING = "bisecting_kmeans"
MIXTURE = "gaussian_mixture"
DENSITY = "hdbscan"

NAMES = {
    KMEANS: "K-Means",
    ONE_START: "K-Means, one start",
    BISECTING: "bisecting K-Means",
    MIXTURE: "Gaussian mixture",
    DENSITY: "HDBSCAN",
}
"""As people call them."""

ALGORITHMS = tuple(NAMES)

SELECTABLE = tuple(name for name in ALGORITHMS if name != DENSITY)
"""Ways that a run can take: HDBSCAN has no rule for customers whom it has not seen."""
