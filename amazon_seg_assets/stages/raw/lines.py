"""Reads JSON Lines: parses and validates records, and leaves out those that are broken.

The fields of a record are the business of the readers of reviews and products.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Any, Required, TypeVar

import pyarrow as pa
from pydantic import BeforeValidator, Field, FiniteFloat, TypeAdapter, ValidationError
from pydantic_core import from_json
from typing_extensions import TypedDict

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.stages.raw.blocks import Block
from amazon_seg_assets.stages.raw.malformed import MalformedLines
from amazon_seg_assets.texts import printable

_RECORDS_LOOKED_AT = 1000
_SURROGATE = re.compile("[\ud800-\udfff]")
_BROKEN = (ValueError, OverflowError, RecursionError)
_KINDS = {
    "string_type": "a text",
    "bool_type": "true or false",
    "float_type": "a number",
    "finite_number": "a number",
    "int_type": "a whole number",
    "greater_than_equal": "a whole number",
    "less_than_equal": "a whole number",
    "list_type": "a list",
    "dict_type": "an object",
}
"""Expected values in words, by the types of Pydantic's errors."""

T = TypeVar("T")
Record = dict[str, Any]
Forms = Mapping[str, Callable[[Any], Any]]


def _without_fraction(value: Any) -> Any:
    """The integer that JSON writes as ``2.0`` or ``1.6e12``; anything else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_TYPES: Mapping[pa.DataType, Any] = {
    pa.string(): str,
    pa.bool_(): bool,
    pa.float64(): FiniteFloat,
    pa.int64(): Annotated[
        int, BeforeValidator(_without_fraction), Field(ge=-(2**63), le=2**63 - 1)
    ],
}


def record_type(schema: pa.Schema, required: str, forms: Forms) -> TypeAdapter[Any]:
    """The type of records that become rows of a table.

    Any column but ``required`` may be null or missing. ``forms`` has by column a function that
    brings other forms of a value into the column's own.
    """
    fields = {}
    for name, type_ in zip(schema.names, schema.types, strict=True):
        value = _type_of(type_)
        if name in forms:
            value = Annotated[value, BeforeValidator(forms[name])]
        fields[name] = Required[value] if name == required else value | None
    return TypeAdapter(TypedDict("Record", fields, total=False))  # type: ignore[operator]


def _type_of(type_: pa.DataType) -> Any:
    if pa.types.is_list(type_):
        return list[_type_of(type_.value_type) | None]  # type: ignore[misc]
    if pa.types.is_struct(type_):
        fields = {field.name: _type_of(field.type) | None for field in type_}
        return TypedDict("Item", fields, total=False)  # type: ignore[operator]
    return _TYPES[type_]


def parse_object(line: bytes) -> Record:
    """The object of one line.

    Half a surrogate pair, which UTF-8 cannot hold, becomes U+FFFD; of equal keys the last counts.

    Raises:
        ValueError: the line holds something else; says what.
    """
    try:
        record = from_json(line, allow_inf_nan=False, cache_strings="keys")
    except ValueError:
        record = _parse_carefully(line)
    if not isinstance(record, dict):
        raise ValueError("not a JSON object")
    return record


def _parse_carefully(line: bytes) -> Any:
    """Slow, but repairs surrogates, and says what is wrong in words."""
    try:
        record = json.loads(line.decode(), parse_constant=_reject_constant)
    except json.JSONDecodeError as error:
        what = error.msg.removesuffix(" at")
        raise ValueError(f"{what} at character {error.colno}") from error
    return json.loads(_SURROGATE.sub("\ufffd", json.dumps(record, ensure_ascii=False)))


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def validate(adapter: TypeAdapter[Any], record: Any) -> Record:
    """The fields that a type of records declares, in their stored form.

    Raises:
        ValueError: the first of them that is not as declared, in words.
    """
    try:
        return adapter.validate_python(record, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
    place, value = ".".join(map(str, first["loc"])), first["input"]
    if value is None or first["type"] == "missing":
        raise ValueError(f"no {place}")
    raise ValueError(f"{place} is {value!r:.40}, not {_KINDS.get(first['type'], first['msg'])}")


def read_records(
    lines: Iterable[tuple[int, T]], read: Callable[[T], Record], malformed: MalformedLines
) -> list[Record]:
    """The records of numbered lines, without those that are broken, so that `read` fails."""
    records = []
    for number, line in lines:
        malformed.lines += 1
        try:
            records.append(read(line))
        except _BROKEN as error:
            malformed.add(number, _reason(error))
    return records


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deep"
    return next(iter(str(error).splitlines()), "unreadable")


def convert_blocks(
    blocks: Iterable[Block],
    convert: Callable[[Block, MalformedLines], pa.Table],
    malformed: MalformedLines,
    required: Sequence[str],
    known: Sequence[str],
) -> Iterator[pa.Table]:
    """Converts blocks of a file in turn; ends early where there are too many errors.

    Args:
        blocks: of JSON Lines.
        convert: makes a table of a block, and counts its lines, all and broken ones.
        malformed: gets the length of what is read and, at a file's start, its unknown fields.
        required: columns that some record of the file's first block must hold.
        known: all columns that a record may hold.

    Raises:
        InputError: the file lacks a required column; or as `blocks` does.
    """
    for block in blocks:
        if block.offset == 0 and (fields := _first_fields(block, required)):
            judge_columns(fields, malformed, required, known)
        yield convert(block, malformed)
        malformed.length += block.line_ends
        if malformed.judge_so_far(block.read_share):
            return


def _first_fields(block: Block, required: Sequence[str]) -> set[str]:
    """Fields of the first records of a block, and of further ones until each required is found."""
    fields: set[str] = set()
    for looked_at, (_, line) in enumerate(block.lines()):
        if looked_at >= _RECORDS_LOOKED_AT and fields.issuperset(required):
            break
        with suppress(*_BROKEN):
            fields.update(parse_object(line))
    return fields


def judge_columns(
    found: set[str], malformed: MalformedLines, required: Sequence[str], known: Sequence[str]
) -> None:
    """Notes the columns found in a file that are not known.

    Raises:
        InputError: the file lacks a required column.
    """
    malformed.unknown_fields = sorted(map(printable, found.difference(known)))
    if missing := [column for column in required if column not in found]:
        raise InputError(
            f"{malformed.name} lacks the column {', '.join(missing)}: it is not in the layout of "
            "Amazon Reviews 2023; choose another file or source."
        )
