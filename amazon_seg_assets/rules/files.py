"""Loads and validates YAML files of rules."""

import hashlib
import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from amazon_seg_assets.errors import InputError


class Rules(BaseModel):
    """Base of all rules: unknown entries are errors, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @property
    def fingerprint(self) -> str:
        """Changes whenever a rule does; comments and the layout of the file do not count."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]


RulesT = TypeVar("RulesT", bound=Rules)

# Where pydantic speaks of Python, the reader of a YAML file needs other words.
_MESSAGES = {
    "extra_forbidden": "no such entry is known, correct or remove it",
    "missing": "the entry is missing, add it",
    "model_type": "needs entries of the form 'name: value'",
    "dict_type": "needs entries of the form 'name: value'",
    "list_type": "needs a list",
    "string_type": "needs a text",
    "int_type": "needs a whole number without quotes",
    "float_type": "needs a number such as 0.05, without quotes",
}


class _Loader(yaml.SafeLoader):
    """Refuses an entry that stands twice, of which YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            # Not the text, as 5 and 5.0 are the same entry.
            entry = self.construct_object(key)
            if entry in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"the entry {key.value!r} stands twice, remove one",
                    problem_mark=key.start_mark,
                )
            seen.add(entry)
        return super().construct_mapping(node, deep)


# As in YAML 1.2; to PyYAML, 4e-1 is a text.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"),
    list("-+.0123456789"),
)

# What merges another mapping in (<<) is an entry like others when they are counted.
_Loader.add_constructor("tag:yaml.org,2002:merge", lambda _, node: node.value)


def built_in(name: str) -> Traversable:
    """A file of rules that comes with the package."""
    return files(__package__).joinpath(*name.split("/"))


def own_file(name: str, folder: Path | None) -> Path | None:
    """The file of that name in the folder of the deployment's own rules, if it has one.

    Raises:
        InputError: there is no such folder, or a file in it has a name that is not known.
    """
    return folder / name if folder is not None and name in _names_in(folder) else None


def rules_file(name: str, folder: Path | None) -> Traversable | Path:
    """The file of rules that counts: the deployment's own, else the built-in one.

    Raises:
        InputError: as ``own_file`` does.
    """
    return own_file(name, folder) or built_in(name)


def _names_in(folder: Path) -> list[str]:
    known = sorted(file.name for file in files(__package__).iterdir() if _is_rules(file.name))
    names = f"{', '.join(known[:-1])} or {known[-1]}"
    setting = f"The setting AMAZON_SEG_RULES ({str(folder)!r}) is not valid"
    try:
        found = sorted(file.name for file in folder.iterdir() if _is_rules(file.name))
    except OSError as error:
        raise InputError(
            f"{setting}: it cannot be read ({error.strerror}), give a folder with files of your "
            f"own called {names}."
        ) from error
    # A misspelt name would silently leave the built-in rules in force.
    if unknown := [name for name in found if name not in known]:
        raise InputError(
            f"{setting}: {unknown[0]} in it is no file of rules, call it {names}, or move it "
            "elsewhere."
        )
    return found


def _is_rules(name: str) -> bool:
    # Hidden files are left by editors and file managers.
    return name.lower().endswith((".yaml", ".yml")) and not name.startswith(".")


def load_rules(kind: type[RulesT], file: Traversable | Path) -> RulesT:
    """Reads a file of rules.

    Raises:
        InputError: it cannot be read, is no YAML, or breaks a rule; names file and entry.
    """
    content = _parse(file)
    try:
        # Strict, as YAML's yes, on and true would be taken for the number 1.
        return kind.model_validate(content, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = _place(content, first["loc"])
        message = _MESSAGES.get(first["type"]) or re.sub(r"^Value error, ", "", first["msg"])
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise InputError(f"The rules {file} are not valid: {where}{message}{more}.") from error


def _parse(file: Traversable | Path) -> Any:
    try:
        path = file.expanduser() if isinstance(file, Path) else file
        return yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise InputError(f"The rules {file} are no valid YAML: {line}{error.problem}.") from error
    except yaml.YAMLError as error:
        words = " ".join(str(error).split())
        raise InputError(f"The rules {file} are no valid YAML: {words}.") from error
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"The rules {file} cannot be read: {error}.") from error


def _place(content: Any, path: tuple[int | str, ...]) -> str:
    """The entry that an error is about, items of lists counted from 1."""
    parts = []
    for part in path:
        is_item = isinstance(content, list) and isinstance(part, int)
        parts.append(f"item {int(part) + 1}" if is_item else str(part))
        inside = is_item or (isinstance(content, dict) and part in content)
        content = content[part] if inside else None
    return " → ".join(parts) + ": " if parts else ""
