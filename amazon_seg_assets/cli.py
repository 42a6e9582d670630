"""The command line, ``amazon-seg``: parses, and hands over to the command."""

import argparse
import sys
from collections.abc import Sequence

import shtab

from amazon_seg_assets import __version__
from amazon_seg_assets.commands import report, run, sample, score, status, ui
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.settings import PREFIX
from amazon_seg_assets.texts import printable


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a command; exits with 1 on failure, with its cause in one sentence."""
    options = parser().parse_args(arguments)
    try:
        options.command(options)
    except InputError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        _fail(
            "Interrupted; the steps that had ended are stored, the rest is as before: run again to "
            "complete it.",
            status=130,
        )


def _fail(message: str, status: int = 1) -> None:
    lines = "\n".join(map(printable, message.split("\n")))
    print(f"\nError: {lines}", file=sys.stderr)
    raise SystemExit(status)


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    made = argparse.ArgumentParser(
        prog="amazon-seg",
        description="Customer segmentation from Amazon product reviews.",
        allow_abbrev=False,
        epilog=f"Every setting can also come from the environment ({PREFIX}…) or a .env file.",
    )
    made.add_argument("--version", action="version", version=__version__)
    shtab.add_argument_to(made, "--print-completion")
    commands = made.add_subparsers(required=True, metavar="COMMAND")
    for command in (run, status, report, score, ui, sample):
        command.add_to(commands)
    return made
