"""Main categories whose products are left out."""

from __future__ import annotations

from pathlib import Path

from amazon_seg_assets.rules.files import Rules, built_in, load_rules


class ExcludedCategories(Rules):
    """Lists of main categories, by category of the data set."""

    excluded: dict[str, list[str]]


def load_excluded_categories(category: str, path: Path | None = None) -> tuple[str, ...]:
    """The main categories that are left out of a category of the data set; none by default.

    Args:
        category: of the data set, as the hub spells it.
        path: the user's own file, instead of the one that comes with the package.

    Raises:
        InputError: the file is not valid.
    """
    return tuple(load_category_rules(path).excluded.get(category, ()))


def load_category_rules(path: Path | None = None) -> ExcludedCategories:
    """All lists, by default those that come with the package.

    Raises:
        InputError: the file is not valid.
    """
    return load_rules(ExcludedCategories, path or built_in("excluded_categories.yaml"))
