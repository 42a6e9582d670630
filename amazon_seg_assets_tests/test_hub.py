"""The hub source, with the real client in a process of its own: it reads the environment once."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from amazon_seg_assets.categories import CATEGORIES, near_categories
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.sources.base import Kind
from amazon_seg_assets.sources.hub import HubSource
from amazon_seg_assets.stages.raw.ingest import READER_VERSION
from amazon_seg_assets_tests.drawn import HUB_FAULTS, SEED
from amazon_seg_assets_tests.raw_files import product, review
from amazon_seg_assets_tests.stand_in_hub import REPOSITORY, Break, StandInHub

CATEGORY = "Gift_Cards"
REVIEWS = "raw/review_categories/Gift_Cards.jsonl"
PRODUCTS = "raw/meta_categories/meta_Gift_Cards.jsonl"
CHUNK_BYTES = 2**14

# Waits are skipped, and chunks are small, so that little content comes in many.
CLIENT = f"""
import json, sys, time
time.sleep = lambda seconds: None
from huggingface_hub import constants
constants.DOWNLOAD_CHUNK_SIZE = {CHUNK_BYTES}
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.sources.base import Kind
from amazon_seg_assets.sources.hub import HubSource
kind, revision = sys.argv[1:]
try:
    source = HubSource(revision or None)
    [file] = source.files(Kind(kind), "{CATEGORY}")
    version = source.version(Kind(kind), "{CATEGORY}")
    assert source.version_of([file]) == version
    missing = file.download.size if file.download else 0
    said = dict(vars(file), download=missing, fetch=str(file.fetch()), version=version)
except InputError as error:
    said = {{"error": str(error)}}
print(json.dumps(said))
"""


INGEST = f"""
import json, sys
from pathlib import Path
from amazon_seg_assets.stages.raw.ingest import RAW_TABLES, ingest
from amazon_seg_assets.sources.hub import HubSource
from amazon_seg_assets.storage.layout import Store
store, source, said = Store(Path(sys.argv[1]), "{CATEGORY}"), HubSource(), {{}}
for kind in RAW_TABLES:
    table, renewed = ingest(kind, source, store, 0, False, lambda _: None, processes=1)
    read = table.files_read if renewed else None
    said[kind] = (table.version, table.rows, read, table.months_changed)
print(json.dumps(said))
"""


def lines(field: str, count: int) -> bytes:
    return b"".join(b'{"%s": "invented %d"}\n' % (field.encode(), i) for i in range(count))


def json_lines(*records: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


FILES = {REVIEWS: lines("text", 20_000), PRODUCTS: lines("title", 500)}
SIZE = len(FILES[REVIEWS])


@pytest.fixture
def hub() -> Iterator[StandInHub]:
    with StandInHub(dict(FILES)) as started:
        yield started


def python(
    code: str, environment: dict[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )


def fetch(
    environment: dict[str, str], kind: Kind = Kind.REVIEWS, revision: str = ""
) -> dict[str, Any]:
    """What the source says about a file of Gift_Cards.

    ``fetch`` is its path, and ``download`` how many bytes of it were missing.
    """
    said: dict[str, Any] = json.loads(python(CLIENT, environment, kind, revision).stdout)
    return said


def content(said: dict[str, Any]) -> bytes:
    assert "error" not in said
    return Path(said["fetch"]).read_bytes()


def test_downloads_once_with_a_token_for_the_hub_alone(tmp_path):
    with StandInHub(FILES, token="hf_invented") as hub:
        environment = {**hub.environment(tmp_path), "HF_TOKEN": "hf_invented"}
        reviews, products = fetch(environment), fetch(environment, Kind.METADATA)
        assert content(reviews) == FILES[REVIEWS]
        assert content(products) == FILES[PRODUCTS]
        assert (reviews["name"], reviews["size"]) == (REVIEWS, SIZE)
        assert reviews["version"] == products["version"] == hub.commit
        assert reviews["fingerprint"] == hashlib.sha256(FILES[REVIEWS]).hexdigest()
        assert reviews["download"] == SIZE
        assert Path(reviews["fetch"]).is_relative_to(tmp_path)
        assert [each.sent for each in hub.downloads()] == [SIZE, len(FILES[PRODUCTS])]
        asked = [each for each in hub.requests if REPOSITORY in each.path]
        assert {each.token for each in asked} == {"hf_invented"}
        assert {each.token for each in hub.downloads()} == {None}

        assert fetch(environment) == reviews | {"download": 0}
        assert len(hub.downloads()) == 2


def test_shows_progress(hub, tmp_path):
    environment = {**hub.environment(tmp_path), "TQDM_POSITION": "-1"}  # as on a terminal
    shown = python(CLIENT, environment, Kind.REVIEWS, "").stderr
    assert REVIEWS in shown
    assert "100%" in shown


def test_datasets_finds_what_was_downloaded(hub, tmp_path):
    said = fetch(hub.environment(tmp_path))
    code = f"""
import datasets
url = "hf://datasets/{REPOSITORY}@{hub.commit}/{REVIEWS}"
print(datasets.DownloadManager(record_checksums=False).download(url))
"""
    found = python(code, hub.environment(tmp_path)).stdout.strip()
    assert Path(found).samefile(said["fetch"])
    assert len(hub.downloads()) == 1


@pytest.mark.parametrize("reset", [False, True])
def test_goes_on_after_a_broken_connection(hub, tmp_path, reset):
    hub.breaks = [Break(SIZE // 2, reset), Break(0, reset), Break(SIZE // 4, reset)]
    assert content(fetch(hub.environment(tmp_path))) == FILES[REVIEWS]
    starts = [each.first_byte for each in hub.downloads()]
    assert starts[0] == 0
    assert SIZE // 2 - CHUNK_BYTES <= starts[1] <= SIZE // 2
    assert starts[2] == starts[1] < starts[3]
    assert sum(each.sent for each in hub.downloads()) <= SIZE + 2 * CHUNK_BYTES


def test_next_run_goes_on_where_a_failed_one_stopped(hub, tmp_path):
    hub.breaks = [Break(SIZE // 2), *[Break(0)] * 100]
    error = fetch(hub.environment(tmp_path))["error"]
    assert error.startswith(f"The connection to the hub at {hub.endpoint} fails for {REVIEWS} of")
    assert error.endswith("what has been downloaded is kept.")
    assert hub.breaks, "it tries for ever"

    hub.breaks = []
    [incomplete] = tmp_path.rglob("*.incomplete")
    missing = SIZE - incomplete.stat().st_size
    said = fetch(hub.environment(tmp_path))
    assert content(said) == FILES[REVIEWS]
    assert said["download"] == missing < SIZE
    assert sum(each.sent for each in hub.downloads()) <= SIZE + CHUNK_BYTES


def test_new_commit_with_the_same_content_downloads_nothing(hub, tmp_path):
    former = fetch(hub.environment(tmp_path))
    hub.commit = "decade" + "0" * 34
    latter = fetch(hub.environment(tmp_path))
    assert (latter["version"], content(latter)) == (hub.commit, FILES[REVIEWS])
    assert len(hub.downloads()) == 1
    assert fetch(hub.environment(tmp_path), revision=former["version"]) == former | {"download": 0}
    assert latter["fingerprint"] == former["fingerprint"]


def test_damaged_content_is_downloaded_anew(hub, tmp_path):
    hub.breaks = [Break(SIZE // 2), *[Break(0)] * 100]
    fetch(hub.environment(tmp_path))
    [incomplete] = tmp_path.rglob("*.incomplete")
    incomplete.write_bytes(b"!" * incomplete.stat().st_size)
    hub.breaks = []
    assert content(fetch(hub.environment(tmp_path))) == FILES[REVIEWS]


def test_content_that_is_damaged_each_time_is_deleted(hub, tmp_path):
    hub.etag = "0" * 64  # a hash that the content does not have
    assert "was damaged on its way from" in fetch(hub.environment(tmp_path))["error"]
    assert len(hub.downloads()) == 2
    assert list(tmp_path.rglob("blobs/*")) == []


def test_raw_tables_follow_the_content_of_the_hub_not_its_commits(tmp_path):
    january, february = (review("a", "card", f"2023-0{m}-05T00:00:00") for m in (1, 2))
    march = review("a", "card", "2023-03-05T00:00:00")
    with StandInHub({}) as hub:

        def ingest(
            commit: str, *reviews: dict[str, Any], **switches: str
        ) -> tuple[list[Any], list[Any]]:
            hub.commit = commit * 40
            hub.files = {REVIEWS: json_lines(*reviews), PRODUCTS: json_lines(product("card", 9.5))}
            environment = hub.environment(tmp_path / "cache") | switches
            said = json.loads(python(INGEST, environment, str(tmp_path / "data")).stdout)
            assert {version for version, *_ in said.values()} == {f"{READER_VERSION}-{hub.commit}"}
            return said["reviews"][1:], said["metadata"][1:]

        months = ["2023-01", "2023-02"]
        assert ingest("a", january, february) == ([2, [REVIEWS], months], [1, [PRODUCTS], []])
        assert ingest("a", january, february) == ([2, None, months], [1, None, []])
        assert ingest("b", january, february) == ([2, [], []], [1, [], []])
        offline = ingest("b", january, february, HF_HUB_OFFLINE="1")
        assert offline == ([2, None, []], [1, None, []])
        assert len(hub.downloads()) == 2
        assert ingest("c", january, march) == ([2, [REVIEWS], [*months, "2023-03"]], [1, [], []])
        assert len(hub.downloads()) == 3


@pytest.mark.parametrize("switch", ["HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"])
def test_offline(hub, tmp_path, switch):
    online = fetch(hub.environment(tmp_path))
    hub.requests.clear()
    offline = {**hub.environment(tmp_path), switch: "1"}
    assert fetch(offline) == online | {"download": 0}
    assert fetch(offline, revision=hub.commit)["version"] == hub.commit
    error = fetch(offline, Kind.METADATA)["error"]
    assert error.startswith(f"{PRODUCTS} of {REPOSITORY} is not in the cache {tmp_path}")
    assert "offline mode is on" in error
    error = fetch(offline | {"HF_HOME": str(tmp_path / "other")})["error"]
    assert error.startswith(f"{REVIEWS} of {REPOSITORY} is not in the cache {tmp_path}")
    assert hub.requests == []


def test_without_a_connection_the_cache_is_used(tmp_path):
    with StandInHub(FILES) as hub:
        environment = hub.environment(tmp_path)
        online = fetch(environment)
    assert fetch(environment) == online | {"download": 0}
    error = fetch(environment, Kind.METADATA)["error"]
    assert error.startswith(f"The connection to the hub at {hub.endpoint} fails for {PRODUCTS} of")


def test_no_access_names_the_token(tmp_path):
    with StandInHub(FILES, token="hf_invented") as hub:
        error = fetch(hub.environment(tmp_path))["error"]
    assert error.startswith(f"The hub at {hub.endpoint} has no data set {REPOSITORY}, or")
    assert "HF_TOKEN" in error


def test_what_the_hub_lacks(hub, tmp_path):
    del hub.files[PRODUCTS]
    error = fetch(hub.environment(tmp_path), Kind.METADATA)["error"]
    assert f"has no {PRODUCTS} in {REPOSITORY} at main" in error
    error = fetch(hub.environment(tmp_path), revision="v9")["error"]
    assert f"has no revision v9 of {REPOSITORY}" in error


@pytest.mark.parametrize("etag", ["../../../outside", "/nowhere/outside", "..", "a/b", "x" * 300])
def test_a_hub_cannot_have_a_file_written_outside_of_the_cache(hub, tmp_path, etag):
    hub.etag = etag
    home = tmp_path / "one" / "two" / "three"
    error = fetch(hub.environment(home))["error"]
    assert f"does not answer as a hub does when asked for {REVIEWS}" in error
    assert "cannot name a file" in error
    assert hub.downloads() == []
    assert list(tmp_path.rglob("*outside*")) == []


def test_hub_is_down_or_none(hub, tmp_path):
    environment = hub.environment(tmp_path)
    error = fetch(environment | {"HF_ENDPOINT": hub.storage})["error"]
    assert f"{hub.storage} does not answer as a hub does when asked for {REVIEWS}" in error
    error = fetch(environment | {"HF_ENDPOINT": "hub"})["error"]
    assert "The hub at hub does not answer as a hub does" in error
    hub.status = 503
    error = fetch(environment)["error"]
    assert f"answers with HTTP status 503 when asked for {REVIEWS}" in error


@pytest.mark.parametrize("cached", [False, True])
def test_a_hub_that_asks_to_wait_for_long_is_told(hub, tmp_path, cached):
    if cached:
        fetch(hub.environment(tmp_path))
    hub.status, hub.retry_after = 429, 3600
    asked = len(hub.requests)
    error = fetch(hub.environment(tmp_path), Kind.METADATA)["error"]
    assert f"asks to wait 60 minutes before it is asked for {PRODUCTS}" in error
    assert len(hub.requests) - asked <= 2
    hub.retry_after = 100  # which is obeyed, but for a clock of tests
    error = fetch(hub.environment(tmp_path), Kind.METADATA)["error"]
    assert f"answers with HTTP status 429 when asked for {PRODUCTS}" in error


def fault_of_a_hub(draw: random.Random, hub: StandInHub) -> str:
    """Gives a hub a fault, and tells it."""
    kinds = ("breaks", "status", "wait", "name", "damage")
    match kind := draw.choice(kinds):
        case "breaks":
            times = range(draw.randrange(1, 9))
            hub.breaks = [Break(draw.randrange(SIZE), draw.random() < 0.5) for _ in times]
        case "status":
            hub.status = draw.choice([400, 401, 403, 404, 418, 429, 500, 502, 503, 504])
        case "wait":
            hub.status, hub.retry_after = draw.choice([429, 503]), draw.choice([0, 30, 86_400])
        case "name":
            hub.etag = draw.choice(["", " ", "..", "/", "a\\b", "../x", "ä", "x" * 300])
        case "damage":
            hub.etag = f"{draw.getrandbits(256):064x}"
    return kind


def test_faults_of_a_hub_end_in_the_content_or_in_a_sentence(tmp_path):
    """And the next time, without a fault, in the content."""
    draw, ended = random.Random(SEED), Counter[str]()
    for number in range(HUB_FAULTS):
        home = tmp_path / f"{number}" / "home"
        home.parent.mkdir()
        with StandInHub(dict(FILES)) as hub:
            kind = fault_of_a_hub(draw, hub)
            said = fetch(hub.environment(home))
            error = said.get("error")
            assert error is None or (error.endswith(".") and "\n" not in error), (kind, said)
            assert error or content(said) == FILES[REVIEWS], kind
            ended[f"{kind}: {'a sentence' if error else 'the content'}"] += 1
            assert [each.name for each in home.parent.iterdir()] in ([], ["home"]), kind
            hub.breaks, hub.status, hub.etag = [], None, None
            assert content(fetch(hub.environment(home))) == FILES[REVIEWS], kind
    print(dict(ended))


def test_unknown_category_needs_no_network():
    with pytest.raises(InputError, match=r"no category electronic: did you mean Electronics\?"):
        HubSource().files(Kind.REVIEWS, "electronic")
    with pytest.raises(InputError, match="no category qqq: it has All_Beauty, "):
        HubSource().version(Kind.REVIEWS, "qqq")


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("gift cards", "Gift_Cards"),
        ("Movies & TV", "Movies_and_TV"),
        ("Vinyl", "CDs_and_Vinyl"),
        ("Clothing-Shoes-Jewelry", "Clothing_Shoes_and_Jewelry"),
        ("Books_", "Books"),
    ],
)
def test_near_categories(name, near):
    assert near_categories(name, CATEGORIES)[0] == near


def test_nothing_is_near():
    assert len(set(CATEGORIES)) == 34
    assert near_categories("qqq", CATEGORIES) == near_categories("", CATEGORIES) == []
