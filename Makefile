# Set-up happens by itself: each target first makes a virtual environment in .venv.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: demo test lint ui bench screenshots help
help:            ## what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/:/'

demo: $(INSTALLED)     ## the main job on the built-in sample
	$(BIN)/amazon-seg run --source sample

test: lint       ## lint, types, definitions, tests
	$(BIN)/python -m pytest -n 2

lint: $(INSTALLED)     ## lint, types, definitions, reference
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/dagster definitions validate -w workspace.yaml
	$(BIN)/python -m scripts.reference --check

ui: $(INSTALLED)       ## the Dagster web UI on localhost
	$(BIN)/amazon-seg ui

SIZE ?= quick
BENCH ?=

bench: $(INSTALLED)    ## our pipeline against others: SIZE=full for all, BENCH='--parts all' for more
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	$(BIN)/python -m benchmarks --size $(SIZE) $(BENCH)

screenshots: $(INSTALLED)      ## the pictures of the README, from a demo in a headless Chromium
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[browser]'
	$(BIN)/python -m scripts.screenshots

$(INSTALLED): pyproject.toml setup.py constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@
