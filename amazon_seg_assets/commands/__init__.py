"""The commands, one module each: its options, and what it does.

Dagster, Spark and matplotlib take seconds to import, so commands import them late: a wrong option
is told before.
"""

import argparse
from typing import Any

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.settings import SAMPLE, Settings, load_settings


def add_command(commands: Any, name: str, help: str) -> argparse.ArgumentParser:
    """Adds a command, whose options are not abbreviated."""
    made: argparse.ArgumentParser = commands.add_parser(name, help=help, allow_abbrev=False)
    return made


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
    """The settings, with those given as options.

    Raises:
        InputError: one is not valid, or they do not go together.
    """
    settings = load_settings(
        source=options.source,
        category=options.category,
        storage=options.storage,
        sample_reviews=options.reviews,
        spark_master=options.master,
    )
    if options.reviews is not None and settings.source != SAMPLE:
        raise InputError(
            f"--reviews {options.reviews} is the size of the built-in sample, but the source is "
            f"{settings.source}: leave it out, or give --source {SAMPLE}."
        )
    return settings
