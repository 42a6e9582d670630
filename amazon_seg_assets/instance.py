"""Where Dagster keeps its records: ``DAGSTER_HOME``, or a folder of the project."""

import os
from importlib.resources import files
from pathlib import Path

DEFAULT_HOME = ".dagster_home"


def ensure_dagster_home() -> Path:
    """Makes sure that ``DAGSTER_HOME`` names a folder with a ``dagster.yaml``, and returns it."""
    home = Path(os.environ.get("DAGSTER_HOME") or DEFAULT_HOME).expanduser().absolute()
    home.mkdir(parents=True, exist_ok=True)
    config = home / "dagster.yaml"
    if not config.exists():
        config.write_text(files(__package__).joinpath("dagster.yaml").read_text())
    os.environ["DAGSTER_HOME"] = str(home)
    return home
