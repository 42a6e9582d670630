"""The commands, one module each: its options, and what it does.

Dagster, Spark and matplotlib take seconds to import, so commands import them late: a wrong option
is told before.
"""

import argparse

from amazon_seg_assets.settings import Settings, load_settings


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Adds the options that take the place of settings."""
    parser.add_argument("--source", help="sample, hub, or the path of a folder")
    parser.add_argument(
        "--category", metavar="A,B", help="category, such as Electronics, or several with commas"
    )
    parser.add_argument("--storage", metavar="DIR", help="folder or URL of tables and plots")
    parser.add_argument("--reviews", type=int, metavar="N", help="reviews of the built-in sample")
    parser.add_argument("--master", metavar="URL", help="Spark master, such as local[*]")


def settings_of(options: argparse.Namespace) -> Settings:
    """The settings, with those given as options."""
    return load_settings(
        source=options.source,
        category=options.category,
        storage=options.storage,
        sample_reviews=options.reviews,
        spark_master=options.master,
    )
