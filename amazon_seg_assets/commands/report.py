"""``amazon-seg report``: the place of a report, which a browser may open."""

from __future__ import annotations

import argparse
import webbrowser
from typing import Any

from amazon_seg_assets.commands import add_command, add_settings, settings_of
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.locations import is_local, url_of

_REPORT = "executive_report"  # by its name, as what declares it takes seconds to import


def add_to(commands: Any) -> None:
    """Adds the command and its options."""
    parser = add_command(commands, "report", "where the report of a snapshot is")
    add_settings(parser)
    parser.add_argument("--snapshot", metavar="YYYY-MM", help="month; default: last with a report")
    parser.add_argument("--open", action="store_true", help="open it in a browser")
    parser.set_defaults(command=show)


def show(options: argparse.Namespace) -> None:
    """Prints the place of the report of each category, and opens it if asked to.

    Raises:
        InputError: there is no such report, or no browser.
    """
    settings = settings_of(options)
    for category in settings.categories:
        store = Store(settings.storage.absolute(), category)
        months = store.months(_REPORT)
        month = options.snapshot or (months[-1] if months else "")
        if month not in months:
            of_month = f" --snapshot {month}" if month else ""
            there = f" Those of {', '.join(months)} are there." if months else ""
            raise InputError(
                f"There is no report of {category}{f' {month}' if month else ''} in "
                f"{url_of(store.root)}: make it with `amazon-seg run{of_month}`.{there}"
            )
        place = store.path(_REPORT, month) / f"{_REPORT}.html"
        print(url_of(place))
        url = place.as_uri() if is_local(place) else url_of(place)
        if options.open and not webbrowser.open(url):
            raise InputError("There is no browser to open it in: open the file above yourself.")
