"""Facts about a stored table or partition that its files do not tell, kept beside them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.locations import Location
from amazon_seg_assets.storage.layout import Store

_FILE = "_figures.json"  # readers of Parquet folders skip names that begin with an underscore

Figures = Mapping[str, Any]

MADE_FROM = "made_from"
"""The figure that tells a partition's inputs: equal means that it need not be made again."""


def made_from(*inputs: str) -> dict[str, str]:
    """The figure ``MADE_FROM`` for versions of inputs, of rules and of code."""
    return {MADE_FROM: hashlib.sha256("\0".join(inputs).encode()).hexdigest()[:16]}


def write_figures(folder: Location, figures: Figures) -> None:
    """Writes the facts into the folder of a table or partition; nothing if there are none."""
    if figures:
        (folder / _FILE).write_text(json.dumps(figures, indent=1))


def read_figures(store: Store, asset: str, month: str | None = None) -> dict[str, Any]:
    """The facts about a partition, or about an artifact that has none; empty if there are no facts.

    Raises:
        InputError: it has not been materialized.
    """
    store.require(asset, None if month is None else [month])
    path = store.path(asset, month) / _FILE
    figures: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return figures


def require_figures(store: Store, asset: str, month: str, *names: str) -> dict[str, Any]:
    """The facts about one month of a table, which must have some, and these among them.

    Raises:
        InputError: it has not been materialized, or by a version that did not keep these facts.
    """
    figures = read_figures(store, asset, month)
    if not figures or not figures.keys() >= set(names):
        raise InputError(
            f"{asset} of {store.category} lacks figures of {month} beside it, as an earlier "
            "version has stored it: materialize it again."
        )
    return figures
