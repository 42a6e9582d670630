"""Secrets among Spark's settings: by name alone, wherever something is shown or recorded."""

import traceback
from pathlib import Path
from typing import Any

import pytest

from amazon_seg_assets.dag import resources
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.settings import load_settings, parse_spark_conf


@pytest.mark.parametrize(
    "entry",
    [
        "spark.hadoop.fs.s3a.secret.key=hunter2",
        "spark.hadoop.fs.s3a.access.key=hunter2",
        "spark.ssl.keyPassword=hunter2",
        "spark.hadoop.fs.azure.account.key.here.dfs.core.windows.net=hunter2",
        "spark.kubernetes.authenticate.submission.oauthToken=hunter2",
        "spark.driver.extraJavaOptions='-Xss4m -Djavax.net.ssl.trustStorePassword=hunter2'",
    ],
)
def test_a_secret_in_clear_is_refused_without_showing_it(entry: str) -> None:
    key = entry.partition("=")[0]
    with pytest.raises(InputError, match=f"{key} is a secret, .* write {key}=env:") as raised:
        load_settings(spark_conf=f"spark.ui.enabled=false {entry}")
    shown = "".join(traceback.format_exception(raised.value))
    assert "hunter2" not in shown


def test_what_only_names_a_secret_is_no_secret() -> None:
    names = {
        "spark.hadoop.fs.s3a.aws.credentials.provider": "a.b.Provider",
        "spark.kubernetes.authenticate.driver.oauthTokenFile": "/run/token",
        "spark.hadoop.fs.s3a.secret.key": "env:KEY",
    }
    assert parse_spark_conf(" ".join(f"{key}={value}" for key, value in names.items())) == names


def test_secrets_of_spark_come_from_the_environment_when_it_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[Any] = []
    key = "spark.hadoop.fs.s3a.secret.key"

    def start(_master: str, conf: dict[str, str], _cache: Path) -> dict[str, str]:
        given.append(conf)
        return conf

    monkeypatch.setattr(resources, "start_session", start)
    spark = resources.spark_resource(load_settings(spark_conf=f"{key}=env:TEST_KEY a=b"))
    with pytest.raises(InputError, match=f"takes {key} from the environment variable TEST_KEY"):
        spark.spark_session  # noqa: B018
    monkeypatch.setenv("TEST_KEY", "hunter2")
    assert spark.spark_session
    assert given == [{key: "hunter2", "a": "b"}]
    assert "hunter2" not in repr(spark)
