"""How the project is installed and deployed: Makefile, Pythons, image, containers, CI."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", "")
WITH_PACKAGE = ("code", "webserver", "daemon")


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs make in a folder, where nothing but its programs are on the PATH."""
    found = shutil.which("make")
    assert found
    command = [found, "-f", str(ROOT / "Makefile"), *arguments]
    return subprocess.run(
        command, cwd=folder, env={"PATH": str(folder)}, capture_output=True, text=True
    )


def put_python(folder: Path, name: str, fits: bool) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\nexit {int(not fits)}\n")
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("there", "chosen"),
    [
        ({"python3.11": True, "python3.12": True}, "python3.11"),
        # A shim of a version manager is on the PATH, but does not start.
        ({"python3.11": False, "python3.12": False, "python3.13": True}, "python3.13"),
        ({"python3": True}, "python3"),
        ({"python3.11": False, "python3": False}, ""),
    ],
)
def test_make_takes_the_first_python_that_fits(
    tmp_path: Path, there: dict[str, bool], chosen: str
) -> None:
    for name, fits in there.items():
        put_python(tmp_path, name, fits)
    shown = tmp_path / "shown.mk"
    shown.write_text("shown:\n\t@echo '$(PYTHON)' && :\n")  # in a shell, which has echo
    assert make(tmp_path, "-f", str(shown), "shown").stdout.strip() == chosen


def test_make_says_that_it_lacks_a_python_and_how_to_name_one(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "setup.py", "constraints.txt"):
        (tmp_path / name).touch()
    done = make(tmp_path, "demo")
    assert done.returncode != 0
    assert done.stdout == ""
    told = "No Python 3.11, 3.12 or 3.13 is on the PATH: install one, or name it: make PYTHON=/path"
    assert done.stderr.startswith(told)


def test_the_same_pythons_are_named_everywhere() -> None:
    prefix = "Programming Language :: Python :: 3."
    minors = [int(c.removeprefix(prefix)) for c in PROJECT["classifiers"] if prefix in c]
    assert minors == [*range(minors[0], minors[-1] + 1)]
    assert PROJECT["requires-python"] == f">=3.{minors[0]},<3.{minors[-1] + 1}"
    tried = re.findall(r"python3\.(\d+)", (ROOT / "Makefile").read_text().partition("VENV")[0])
    assert sorted({int(minor) for minor in tried}) == minors
    jobs = WORKFLOW["jobs"]
    [suite] = [step["with"] for step in jobs["suite"]["steps"] if "python-version" in str(step)]
    others = jobs["demo"]["strategy"]["matrix"]["python-version"]
    assert [suite["python-version"], *others] == [f"3.{minor}" for minor in minors]
    [image] = re.findall(r"^FROM python:3\.(\d+)", DOCKERFILE, re.M)
    assert int(image) in minors


def test_the_image_copies_what_is_there_and_its_context_has() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    context = {line[1:] for line in lines if line.startswith("!")}
    copied = [line.split()[1:-1] for line in DOCKERFILE.splitlines() if line.startswith("COPY")]
    for name in (name for names in copied for name in names):
        assert (ROOT / name).exists(), name
        assert name.split("/")[0] in context, name
    [extras] = re.findall(r"\.\[([\w,]+)\]", DOCKERFILE)
    assert set(extras.split(",")) <= PROJECT["optional-dependencies"].keys()


def test_containers_share_what_they_must_and_start_in_order() -> None:
    services = COMPOSE["services"]
    declared = set(COMPOSE["volumes"])
    for name in WITH_PACKAGE:
        places = dict(volume.split(":") for volume in services[name]["volumes"])
        assert places.keys() <= declared
        environment = services[name]["environment"]
        # A volume takes its owner from the folder of the image.
        for folder in (*places.values(), environment["AMAZON_SEG_STORAGE"]):
            assert folder in DOCKERFILE.partition("install --directory")[2].splitlines()[0]
    assert services["code"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    for name in ("webserver", "daemon"):
        assert services[name]["depends_on"]["code"]["condition"] == "service_healthy"
    [server] = yaml.safe_load((ROOT / "deploy/workspace.compose.yaml").read_text())["load_from"]
    place = server["grpc_server"]
    assert place["host"] in services
    assert f"--port {place['port']} " in services[place["host"]]["command"]
    assert all(port.startswith("127.0.0.1:") for port in services["webserver"]["ports"])


def test_secrets_of_the_containers_come_from_the_environment() -> None:
    instance = yaml.safe_load((ROOT / "deploy/dagster.compose.yaml").read_text())
    wanted = [
        value["env"]
        for value in instance["storage"]["postgres"]["postgres_db"].values()
        if isinstance(value, dict)
    ]
    for name in WITH_PACKAGE:
        environment = COMPOSE["services"][name]["environment"]
        assert set(wanted) <= environment.keys()
        assert environment["DAGSTER_PG_PASSWORD"].startswith("${DAGSTER_PG_PASSWORD:?")


def commands(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def test_ci_runs_what_is_there() -> None:
    lines = [line for job in WORKFLOW["jobs"].values() for line in commands(job)]
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    assert {line.split()[1] for line in lines if line.startswith("make ")} <= targets
    paths = re.findall(r"(?:amazon_seg_assets_tests|\.ci)/\S+", " ".join(lines))
    assert paths
    assert all((ROOT / path).exists() for path in paths)
