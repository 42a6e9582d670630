"""Faults drawn by seed: kills at any moment of a write, and lines that hold anything.

`make chaos` runs the long form, and prints what it found.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amazon_seg_assets.stages.raw import parts
from amazon_seg_assets.stages.raw.blocks import Block, Part
from amazon_seg_assets.stages.raw.malformed import MalformedLines
from amazon_seg_assets.stages.raw.reviews import parse_reviews, read_reviews
from amazon_seg_assets_tests.drawn import KILLS, LINES, SEED, drawn
from amazon_seg_assets_tests.raw_files import review

NAME, LINES_OF_A_FILE = "Kites.jsonl", 30

KILLED_AT_ANY_MOMENT = """
import itertools, json, os, random, signal, sys, time, uuid
from pathlib import Path
from amazon_seg_assets import processes
from amazon_seg_assets.storage.damage import damage
from amazon_seg_assets.storage.layout import Store

store, draw = Store(Path(sys.argv[1]), "Toys"), random.Random(int(sys.argv[3]))
MONTHS = ["2023-01", "2023-02"]

def put(content, months):
    with store.replacing("reviews", months) as folder:
        for month in months:
            (folder / f"month={month}").mkdir()
            for name in ("a", "b", "c"):
                (folder / f"month={month}" / f"{name}-{content}.parquet").write_text(content)

def go_on_replacing(known):
    processes._PROCESS = uuid.uuid4().hex[:8]
    for number in itertools.count(known):
        put(f"{number:08}", MONTHS)

def versions(month):
    return {path.read_text() for path in store.path("reviews", month).glob("*.parquet")}

put("00000000", MONTHS)
seen = []
for kill in range(int(sys.argv[2])):
    child = os.fork()
    if child == 0:
        try:
            go_on_replacing(100_000 * (kill + 1))
        finally:
            os._exit(1)
    time.sleep(draw.uniform(0.001, 0.06))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    found = [versions(month) for month in MONTHS]
    whole = [len(list(store.path("reviews", month).glob("*.parquet"))) == 3 for month in MONTHS]
    seen.append({
        "whole": all(whole),
        "one version": all(len(each) == 1 for each in found),
        "sound": not damage(store, "reviews"),
        "left": len(list((store.folder / ".staging").iterdir())),
    })
    processes._PROCESS = uuid.uuid4().hex[:8]
    store.remove_abandoned()
    seen[-1]["swept"] = not list((store.folder / ".staging").iterdir())
print(json.dumps(seen))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a fork")
def test_a_kill_at_any_moment_leaves_whole_months_of_one_version(tmp_path: Path) -> None:
    arguments = [str(tmp_path / "data"), str(KILLS), str(SEED)]
    command = [sys.executable, "-c", KILLED_AT_ANY_MOMENT, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
    seen = json.loads(done.stdout)
    interrupted = sum(each["left"] > 0 for each in seen)
    print(f"{len(seen)} kills, {interrupted} in the middle of a write")
    assert len(seen) == KILLS
    assert interrupted > 0
    for promise in ("whole", "one version", "sound", "swept"):
        assert all(each[promise] for each in seen), promise


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=5,
)
NO_REVIEWS = [b"", b"  ", b"\t", b"\xef\xbb\xbf", b"null", b"{}", b"0", b"\x00", b"[" * 3000]


PUBLISHED = review("somebody", "kite", "2023-01-05T00:00:00")
LINE = json.dumps(PUBLISHED).encode()
PLACES = st.integers(0, len(LINE) - 1)
TEXTS = [b"\\ud800", b"\\u0000", b"\x1b[2J", b"\xff"]


def with_bit(place: int, bit: int) -> bytes:
    return LINE[:place] + bytes([LINE[place] ^ 1 << bit]) + LINE[place + 1 :]


HOSTILE_LINES = st.one_of(
    st.just(LINE),
    st.just(LINE + LINE),
    st.sampled_from(NO_REVIEWS),
    st.builds(lambda place: LINE[:place], PLACES),
    st.builds(lambda place: LINE[place:], PLACES),
    st.builds(
        lambda place, more: LINE[:place] + more + LINE[place:], PLACES, st.binary(max_size=9)
    ),
    st.builds(with_bit, PLACES, st.integers(0, 7)),
    st.builds(lambda text: LINE.replace(b"Good", text), st.sampled_from(TEXTS)),
    st.builds(
        lambda name, value: json.dumps(PUBLISHED | {name: value}).encode(),
        st.sampled_from([*PUBLISHED]),
        ANY_JSON,
    ),
    st.builds(
        lambda name, value: LINE[:-1] + f", {json.dumps(name)}: {json.dumps(value)}}}".encode(),
        st.sampled_from([*PUBLISHED, "new"]),
        ANY_JSON,
    ),
).map(lambda line: line.replace(b"\n", b" "))
"""Reviews as they are published, or spoiled in one of many ways; without a line end."""


def alone(line: bytes) -> list[dict[str, object]]:
    """The review of one line, if it is one."""
    malformed = MalformedLines(NAME, 1.0)
    rows = parse_reviews(Block(line + b"\n", 0, 1, 1, 1.0), malformed).to_pylist()
    assert malformed.lines == len(rows) + malformed.count == bool(line.strip())
    return rows


def test_each_line_is_kept_or_counted_whatever_is_around_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, kept = tmp_path / NAME, Counter[str]()

    @drawn(LINES // LINES_OF_A_FILE)
    @given(st.lists(HOSTILE_LINES, min_size=LINES_OF_A_FILE, max_size=LINES_OF_A_FILE))
    def holds(hostile: list[bytes]) -> None:
        lines = [line.replace(b"somebody", b"user-%d" % n) for n, line in enumerate(hostile)]
        lines.insert(0, LINE)  # a file's own columns are found in its first records
        path.write_bytes(b"\n".join(lines))
        expected = [alone(line) for line in lines]
        broken = [n for n, line in enumerate(lines, 1) if line.strip() and not expected[n - 1]]
        for least_bytes in (10**9, path.stat().st_size // 8):
            monkeypatch.setattr(parts, "_LEAST_BYTES", least_bytes)
            whole, tables = MalformedLines(NAME, 1.0), list[pa.Table]()
            for part in parts.divide(path, NAME):
                of_part = MalformedLines(NAME, 1.0)
                tables += read_reviews(Part(path, NAME, part.number, part.start, part.end), of_part)
                whole.append(of_part)
            assert pa.concat_tables(tables).to_pylist() == [
                row for rows in expected for row in rows
            ]
            assert (whole.count, [number for number, _ in whole.first]) == (len(broken), broken[:5])
            assert whole.lines == sum(bool(line.strip()) for line in lines)
            assert all(example.isprintable() for example in whole.examples)
        kept.update(lines=len(lines), broken=whole.count, kept=whole.rows)

    holds()
    assert kept["lines"] >= LINES
    print(", ".join(f"{number:,} {name}" for name, number in kept.items()))
