"""``amazon-seg sample``: writes the raw files of the built-in sample."""

import argparse
from pathlib import Path
from typing import Any

from amazon_seg_assets.commands import add_command


def add_to(commands: Any) -> None:
    """Adds the command and its options."""
    parser = add_command(commands, "sample", "write the built-in sample's raw files")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--category", default="Electronics")
    parser.add_argument("--reviews", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=42)
    parser.set_defaults(command=write)


def write(options: argparse.Namespace) -> None:
    """Writes the files."""
    from amazon_seg_assets.sample import write_sample

    write_sample(options.directory, options.category, options.reviews, options.seed)
    print(f"{options.reviews:,} reviews of {options.category} are in {options.directory}.")
