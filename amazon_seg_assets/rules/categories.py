"""Main categories whose products are left out."""

from pathlib import Path

from amazon_seg_assets.rules.files import Rules, load_rules, rules_file


class ExcludedCategories(Rules):
    """Lists of main categories, by category of the data set."""

    excluded: dict[str, list[str]]


def load_category_rules(folder: Path | None = None) -> ExcludedCategories:
    """The lists in a folder of the deployment's own, else the built-in ones."""
    return load_rules(ExcludedCategories, rules_file("excluded_categories.yaml", folder))


def load_excluded_categories(category: str, folder: Path | None = None) -> tuple[str, ...]:
    """The main categories that are left out of a category of the data set, as the hub spells it."""
    return tuple(load_category_rules(folder).excluded.get(category, ()))
