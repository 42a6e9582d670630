"""Scripts of the maintainers, started from the project's folder with ``python -m scripts.…``."""
