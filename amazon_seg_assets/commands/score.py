"""``amazon-seg score``: customers from elsewhere, scored as a stored snapshot scores its own."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from amazon_seg_assets.commands import add_command
from amazon_seg_assets.formats import counted


def add_to(commands: Any) -> None:
    """Adds the command and its options."""
    parser = add_command(commands, "score", "cluster, segment, churn and value of new customers")
    parser.add_argument("file", type=Path, metavar="FILE", help="customers or their reviews")
    parser.add_argument("--snapshot", metavar="YYYY-MM", help="whose rules to use; default: last")
    parser.add_argument("--category", metavar="NAME", help="of the snapshot")
    parser.add_argument("--storage", metavar="DIR", help="folder or URL of tables and plots")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", required=True, help="CSV or Parquet, by its name"
    )
    parser.set_defaults(command=score)


def score(options: argparse.Namespace) -> None:
    """Scores the file, and says how many customers are in the other.

    Raises:
        InputError: one of the files, or the snapshot, cannot be used.
    """
    from amazon_seg_assets import api

    where = {"storage": options.storage, "category": options.category}
    month = options.snapshot or api.months("rfm_segments", **where)[-1]
    scored = api.score_file(options.file, options.output, month, **where)
    print(f"{counted(scored.customers, 'customer')} by the rules of {month} in {options.output}.")
    if scored.left_out:
        print(f"{counted(scored.left_out, 'user')} without a review that counts left out.")
    for sentence in scored.unknown:
        print(sentence)
