"""Settings of a deployment, from the environment and a ``.env`` file.

What belongs to one run (schemes, thresholds, values of k) is run configuration of the assets
instead, so that the launchpad shows it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path
from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    SettingsConfigDict,
)

from amazon_seg_assets.categories import CATEGORY_NAME, require_category
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.months import MONTH_PATTERN, Span
from amazon_seg_assets.storage.locations import Location, parse_location

PREFIX = "AMAZON_SEG_"

PSEUDONYM_KEY = f"{PREFIX}PSEUDONYM_KEY"
"""The environment variable with the key of pseudonyms. No setting, so that none shows it."""

SAMPLE = "sample"
"""The source whose customers are invented."""

_ONE_SLASH = re.compile(r"(?!file:)\w{2,}:/(?!/)")  # one letter is a drive of Windows

FROM_ENVIRONMENT = "env:"
"""Begins the value of a Spark setting that is in an environment variable, with its name."""

# As Spark itself knows secrets by their keys, but for keys that say where one is to be found.
_SECRET_KEY = re.compile(
    r"(?i)(?:secret|password|passphrase|token|(?:access|account|private|api)[._-]?key|\bsas\b)"
    r"(?!.*(?:file|path|provider|class|type|enabled|interval)$)"
)
_SECRET_OPTION = re.compile(r"(?i)-D\S*(?:secret|password|passphrase|token)\S*=")

_MASTER = re.compile(
    r"local(\[(\*|\d+)(, *\d+)?\])?|local-cluster\[[\d, ]+\]|yarn|(spark|k8s|mesos)://\S+"
)


class Settings(BaseSettings):
    """Settings of a deployment; each is the environment variable ``AMAZON_SEG_<NAME>``.

    A variable that is empty counts as not set, so that what ``.env`` says holds.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_file_encoding="utf-8-sig",  # with or without the mark that some editors begin it with
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    source: str = Field(SAMPLE, description="`sample`, `hub`, or the path of a folder.")
    category: str = Field(
        "Electronics", description="Category of Amazon Reviews 2023, or several with commas."
    )
    storage: Location = Field(
        Path("data"), description="Folder of all tables and plots, or a URL such as s3://bucket/x."
    )
    spark_master: str = Field("local[*]", description="Spark master URL.")
    spark_conf: str = Field(
        "",
        description=(
            "Further Spark settings: `key=value key=value`; a secret as `key=env:VARIABLE`."
        ),
    )
    cache: Path = Field(
        default_factory=lambda: user_cache_path("amazon-seg"),
        description="Folder on this machine for what a later start can use again.",
    )
    scheme: str = Field("standard", description="Default RFM scheme: a name, or a YAML file.")
    rules: Path | None = Field(None, description="Folder of rules in place of those built in.")
    git_url: str = Field("", description="Web address of the repository, to link code to.")
    git_branch: str = Field("main", description="Branch or commit that the links lead to.")
    first_month: str = Field("1996-05", description="First month of the span, YYYY-MM.")
    last_month: str | None = Field(
        None,
        description="Last month of the span, YYYY-MM; by default that of the ingested reviews.",
    )
    first_snapshot: str | None = Field(
        None,
        description="First month that can be a snapshot; else three years before the last.",
    )
    alert_url: str = Field("", description="Address that failed runs are posted to, as JSON.")
    fresh_days: int | None = Field(
        None, description="Days within which new data is expected, such as 35.", gt=0
    )
    keep_runs_days: int = Field(
        90, description="Days that Dagster's records of a run are kept; 0 keeps all.", ge=0
    )
    sample_reviews: int = Field(200_000, description="Reviews of the built-in sample.", gt=0)
    max_malformed_share: float = Field(
        0.001, description="Share of broken lines that is tolerated in a file.", ge=0, le=1
    )
    control_share: float = Field(
        0.1, description="Share of the customers in the control group.", ge=0, le=1
    )
    control_salt: str = Field(
        "amazon-seg-control", description="Text by which the control group is drawn."
    )

    @field_validator("storage", mode="before")
    @classmethod
    def _is_location(cls, value: str | Location) -> Location:
        if not value:
            raise ValueError("a folder or a URL is wanted")
        if _ONE_SLASH.match(str(value)):
            raise ValueError("a URL has two slashes or more, such as s3://bucket/folder")
        return parse_location(value)

    @field_validator("storage", "cache", "rules")
    @classmethod
    def _has_a_home(cls, value: Location | None) -> Location | None:
        try:
            return None if value is None else value.expanduser()
        except RuntimeError as error:
            raise ValueError("its home folder cannot be found, give the whole path") from error

    @field_validator("first_month", "last_month", "first_snapshot")
    @classmethod
    def _is_month(cls, value: str | None) -> str | None:
        if value is not None and not MONTH_PATTERN.fullmatch(value):
            raise ValueError("a month is written YYYY-MM, for example 2023-09")
        return value

    @field_validator("category")
    @classmethod
    def _are_folder_names(cls, value: str) -> str:
        for name in map(str.strip, value.split(",")):
            if not name:
                raise ValueError("an entry is empty, write names with one comma in between")
            if not CATEGORY_NAME.fullmatch(name):
                raise ValueError("a category consists of letters, digits and underscores")
        return value

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories, each once, in the order given."""
        return tuple(dict.fromkeys(map(str.strip, self.category.split(","))))

    @property
    def span(self) -> Span:
        """The months that may exist; without a last one, up to the present month.

        A review of a later month can only be an error of its source.
        """
        return Span(self.first_month, self.last_month or datetime.now(UTC).strftime("%Y-%m"))

    @field_validator("git_url")
    @classmethod
    def _is_repository(cls, value: str) -> str:
        if value and not re.fullmatch(r"https?://\S*(github|gitlab)\S*", value):
            raise ValueError("a web address on GitHub or GitLab is wanted")
        return value

    @field_validator("alert_url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if value and not re.fullmatch(r"https?://\S+", value):
            raise ValueError("a web address is wanted, such as https://hooks.example.org/x")
        return value

    @field_validator("spark_master")
    @classmethod
    def _is_master(cls, value: str) -> str:
        if not _MASTER.fullmatch(value):
            raise ValueError("a Spark master is wanted, such as local[*] or spark://host:7077")
        return value

    @field_validator("spark_conf")
    @classmethod
    def _is_pairs(cls, value: str) -> str:
        parse_spark_conf(value)
        return value

    @model_validator(mode="after")
    def _is_span(self) -> Settings:
        span, snapshot = self.span, self.first_snapshot
        if span.first > span.last:
            raise ValueError(f"{span.first} … {span.last} is no span of months")
        if snapshot is not None and snapshot not in span:
            raise ValueError(f"the first snapshot {snapshot} is not in {span.first} … {span.last}")
        return self


def parse_spark_conf(text: str) -> dict[str, str]:
    """Splits ``key=value key=value``; values with blanks go in quotes.

    Raises:
        ValueError: an entry is of another form, or has a secret in clear, which the UI would show
            and Dagster record; the message does not show it.
    """
    pairs = [item.partition("=") for item in shlex.split(text)]
    for number, (key, equals, value) in enumerate(pairs, 1):
        if not (key and equals):
            raise ValueError(f"its entry {number} is not of the form key=value")
        is_secret = _SECRET_KEY.search(key) or _SECRET_OPTION.search(value)
        if is_secret and not value.startswith(FROM_ENVIRONMENT):
            raise ValueError(
                f"{key} is a secret, put it into an environment variable and write "
                f"{key}={FROM_ENVIRONMENT} and the name of the variable"
            )
    return {key: value for key, _, value in pairs}


def with_secrets(conf: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """Spark settings with the values of those that name an environment variable.

    Raises:
        InputError: there is no such variable.
    """
    found = {}
    for key, value in conf.items():
        named = value.removeprefix(FROM_ENVIRONMENT)
        if named != value and named not in environment:
            raise InputError(
                f"{PREFIX}SPARK_CONF takes {key} from the environment variable {named}, which is "
                "not set: set it, or leave the entry out."
            )
        found[key] = value if named == value else environment[named]
    return found


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment and ``.env``; given overrides win.

    Raises:
        InputError: a setting is not valid, or there is none of that name; names it. Or ``.env``
            cannot be read. Or the sample would invent customers of a category that does not exist,
            though nobody asked for it.
    """
    _require_text(Settings.model_config["env_file"])
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        settings = Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = "".join(str(part) for part in first["loc"][:1])
        setting = f"The setting {PREFIX}{name.upper()}" if name else "The span of months"
        # What Spark is told may hold secrets.
        value = f" ({first['input']!r})" if name and name != "spark_conf" else ""
        message = first["msg"].removeprefix("Value error, ")
        raise InputError(f"{setting}{value} is not valid: {message}.") from error
    _require_known_settings(settings)
    # A category typed on the command line may be a typo, whatever else says that it is the sample.
    said = given if "category" in given else settings.model_fields_set
    if settings.source == SAMPLE and "source" not in said:
        for category in settings.categories:
            require_category(
                category,
                f" To have customers of {category} invented, give the source with it: --source "
                f"{SAMPLE} or {PREFIX}SOURCE={SAMPLE}.",
            )
    return settings


def _require_text(env_file: Any) -> None:
    """Checks that the file of settings, if it is there, is text in UTF-8.

    Raises:
        InputError: it is not, and its settings would be lost.
    """
    if not env_file or not (path := Path(env_file)).is_file():
        return
    try:
        # UTF-16 without a mark is valid UTF-8 with zeros, in which no setting would be found.
        is_text = "\0" not in path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        is_text = False
    except OSError as error:
        raise InputError(
            f"{path.absolute()} cannot be read ({error.strerror}): make it readable, or remove it."
        ) from error
    if not is_text:
        raise InputError(
            f"{path.absolute()} is not text in UTF-8, but perhaps in UTF-16, as some editors and "
            "shells of Windows write it: save it in UTF-8."
        )


def _require_known_settings(settings: Settings) -> None:
    conf = parse_spark_conf(settings.spark_conf).values()
    others = [PSEUDONYM_KEY, *(value.removeprefix(FROM_ENVIRONMENT) for value in conf)]
    known = [
        *map(str.upper, Settings.model_fields),
        *(name.removeprefix(PREFIX) for name in others),
    ]
    of_file, of_environment = DotEnvSettingsSource(Settings), EnvSettingsSource(Settings)
    for variable in map(str.upper, {**of_file.env_vars, **of_environment.env_vars}):
        name = variable.removeprefix(PREFIX)
        if variable.startswith(PREFIX) and name not in known:
            near = [f"did you mean {PREFIX}{each}?" for each in get_close_matches(name, known, n=1)]
            advice = near or ["see docs/settings.md, or remove it."]
            raise InputError(f"There is no setting {variable}: {advice[0]}")
