"""``amazon-seg ui``: starts the Dagster web UI on this machine."""

import argparse
import os
import socket
import sys
from typing import Any

from amazon_seg_assets.commands import add_command, add_settings, settings_of
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.settings import PREFIX
from amazon_seg_assets.storage.locations import url_of

HOST = "127.0.0.1"
DEFAULT_PORT = 3000


def address(port: int = DEFAULT_PORT) -> str:
    """The page to begin with: the graph of all assets."""
    return f"http://localhost:{port}/asset-groups"


def add_to(commands: Any) -> None:
    """Adds the command and its options."""
    parser = add_command(commands, "ui", "start the Dagster web UI on this machine")
    add_settings(parser)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="default: %(default)s")
    parser.set_defaults(command=start)


def start(options: argparse.Namespace) -> None:
    """Becomes the process of Dagster's web server and daemon."""
    settings = settings_of(options)
    _require_usable(options.port)
    from amazon_seg_assets.run.instance import (
        WORKSPACE,
        end_dead_runs,
        ensure_dagster_home,
        open_instance,
    )

    with open_instance(ensure_dagster_home()) as instance:
        end_dead_runs(instance)
    # The web server starts processes of its own, which read their settings from the environment.
    for name in ("source", "category", "sample_reviews", "spark_master"):
        os.environ[PREFIX + name.upper()] = str(getattr(settings, name))
    os.environ[PREFIX + "STORAGE"] = url_of(settings.storage)
    what = ["-w", str(WORKSPACE)]
    where = ["--host", HOST, "--port", str(options.port)]
    # Flushed, as this process becomes another one.
    print(f"Dagster UI: {address(options.port)} (Ctrl-C stops it)", flush=True)
    # Dagster would have its newer tool `dg` used, which asks for another layout of the project.
    quiet = ["-W", "ignore:Function `dev_command` is superseded"]
    os.execv(sys.executable, [sys.executable, *quiet, "-m", "dagster", "dev", *what, *where])


def _require_usable(port: int) -> None:
    with socket.socket() as probe:
        # As the web server does: a port whose last connections are still closing is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise InputError(
                f"The UI cannot use port {port} ({reason}): choose another, such as "
                f"`--port {DEFAULT_PORT + 1}`, or stop what listens there."
            ) from error
