"""Folders and URLs, as Python and as Spark have them."""

from pathlib import Path

import pytest
from upath import UPath

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.settings import load_settings
from amazon_seg_assets.storage.locations import (
    children,
    is_below,
    is_local,
    parse_location,
    spark_path,
    uploading,
    url_of,
)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("data", "data"),
        ("s3", "s3"),
        ("/srv/data", "/srv/data"),
        ("file:///srv/my%20data", "/srv/my data"),
        ("file://localhost/srv/data", "/srv/data"),
        ("file:/srv/data", "/srv/data"),
    ],
)
def test_places_of_this_machine_are_plain_paths(text: str, path: str) -> None:
    place = parse_location(text)
    assert place == Path(path)
    assert is_local(place)
    assert url_of(place) == path


def test_spark_takes_no_place_of_this_machine_for_one_on_hdfs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert spark_path(Path("/mnt/my data/100%#é")) == "file:///mnt/my data/100%#é"
    assert spark_path(Path("data")) == f"file://{tmp_path}/data"


@pytest.mark.parametrize(
    ("url", "hadoop"),
    [
        ("s3://bucket/folder", "s3a://bucket/folder/Toys/month=2023-01"),
        ("s3a://bucket/folder/", "s3a://bucket/folder/Toys/month=2023-01"),
        ("gcs://bucket/a/b", "gs://bucket/a/b/Toys/month=2023-01"),
        ("hdfs://name:8020/data", "hdfs://name:8020/data/Toys/month=2023-01"),
        ("hdfs://cluster/data", "hdfs://cluster/data/Toys/month=2023-01"),
        ("hdfs:///data", "hdfs:///data/Toys/month=2023-01"),
        (
            "abfss://a@me.dfs.core.windows.net/data",
            "abfss://a@me.dfs.core.windows.net/data/Toys/month=2023-01",
        ),
    ],
)
def test_spark_is_given_what_hadoop_calls_it(url: str, hadoop: str) -> None:
    assert spark_path(UPath(url) / "Toys" / "month=2023-01") == hadoop


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ftps3://bucket", "ftps3://bucket is of an unknown kind: give a folder, or a URL"),
        ("s3://", "names no bucket"),
        ("file://elsewhere/data", "with three slashes"),
    ],
)
def test_what_is_no_place_is_told(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_settings(storage=text)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("fsspec.get_filesystem_class", missing)
    message = r"further package \(the extra s3 of .*\): Install s3fs to access S3\.$"
    with pytest.raises(InputError, match=message):
        load_settings(storage="s3://bucket")


def test_settings_keep_a_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMAZON_SEG_STORAGE", "memory://box/data")
    assert url_of(load_settings().storage) == "memory://box/data"
    assert load_settings(storage="data").storage == Path("data")


def test_what_can_be_made_again_stays_on_this_machine(tmp_path: Path) -> None:
    from amazon_seg_assets.dag.resources import resources_for

    def samples(storage: str) -> str:
        settings = load_settings(storage=storage, cache=tmp_path / "cache")
        folder: str = resources_for(settings)["source"].model_dump()["sample_directory"]
        return folder

    assert samples("memory://box/data") == str(tmp_path / "cache" / "sample")
    assert samples(f"{tmp_path}/data") == str(tmp_path / "data" / ".cache" / "sample")


def test_what_is_below_a_folder() -> None:
    folder = UPath("hdfs://name/data/elbow_plot")
    assert is_below("hdfs://name/data/elbow_plot/elbow_plot.png", folder)
    assert is_below("hdfs://name/data/elbow_plot", folder)
    assert not is_below("hdfs://name/data/elbow_plot_2", folder)
    assert not is_below("hdfs://other/data/elbow_plot", folder)


def test_files_are_uploaded_only_if_all_were_written(tmp_path: Path) -> None:
    folder = parse_location(f"memory:/{tmp_path}/new")
    with pytest.raises(RuntimeError), uploading(folder) as local:
        (local / "a").write_text("half")
        raise RuntimeError
    assert children(folder) == set()
    with uploading(folder) as local:
        (local / "month=2023-01").mkdir()
        (local / "month=2023-01" / "a b.txt").write_text("one")
    assert not local.exists()
    assert children(folder) == {"month=2023-01"}
    assert (folder / "month=2023-01" / "a b.txt").read_text() == "one"
