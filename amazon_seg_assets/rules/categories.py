"""Main categories whose products are left out."""

from __future__ import annotations

from amazon_seg_assets.rules.files import Rules, load_rules, rules_file


class ExcludedCategories(Rules):
    """Lists of main categories, by category of the data set."""

    excluded: dict[str, list[str]]


def load_excluded_categories(category: str) -> tuple[str, ...]:
    """The main categories that are left out of a category of the data set, as the hub spells it."""
    return tuple(load_category_rules().excluded.get(category, ()))


def load_category_rules() -> ExcludedCategories:
    """The lists of the deployment."""
    return load_rules(ExcludedCategories, rules_file("excluded_categories.yaml"))
