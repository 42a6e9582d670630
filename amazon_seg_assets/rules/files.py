"""Loads and validates YAML files of rules."""

from __future__ import annotations

import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from amazon_seg_assets.errors import InputError


class Rules(BaseModel):
    """Base of all rules: unknown entries are errors, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


RulesT = TypeVar("RulesT", bound=Rules)


def built_in(name: str) -> Traversable:
    """A file of rules that comes with the package."""
    return files(__package__).joinpath(*name.split("/"))


def load_rules(kind: type[RulesT], file: Traversable | Path) -> RulesT:
    """Reads a file of rules.

    Raises:
        InputError: it cannot be read, is no YAML, or breaks a rule; names file and entry.
    """
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        return kind.model_validate(content)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The rules {file} cannot be read: {error}.") from error
    except yaml.YAMLError as error:
        where = " ".join(str(error).split())
        raise InputError(f"The rules {file} are no valid YAML: {where}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        entry = " → ".join(str(part) for part in first["loc"])
        message = re.sub(r"^(Value|Assertion) error, ", "", first["msg"])
        raise InputError(
            f"The rules {file} are not valid: {entry + ': ' if entry else ''}{message}."
        ) from error
