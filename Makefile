# Set-up happens by itself: each target first makes a virtual environment in .venv, of the first
# Python here that starts and fits; PYTHON=... chooses another.
FITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,\
	$(shell $(name) -c '$(FITS)' 2>/dev/null && echo $(name))))
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: demo test tests lint chaos lowest newest ui bench screenshots help
help:            ## what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/:/'

demo: $(INSTALLED)     ## the main job on the built-in sample
	$(BIN)/amazon-seg run --source sample

test: $(INSTALLED)     ## lint, types, definitions, tests
	@$(MAKE) --no-print-directory -j2 lint tests

tests: $(INSTALLED)
	$(BIN)/python -m pytest -n 2

lint: $(INSTALLED)     ## lint, types, definitions, reference
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/dg check defs --no-check-yaml
	$(BIN)/python -m scripts.reference --check

chaos: $(INSTALLED)    ## the long form of the tests of faults: half an hour on two cores
	CHAOS='50 100000 24 1' $(BIN)/python -m pytest -s \
		amazon_seg_assets_tests/test_chaos*.py amazon_seg_assets_tests/test_hub.py -k 'chaos or faults_of_a_hub'

TESTS ?=

lowest:          ## the tests with the lowest versions that pyproject.toml allows; TESTS=... for some
newest:          ## the same with the newest versions
lowest: RESOLUTION := lowest-direct
newest: RESOLUTION := highest
lowest newest:
	$(PYTHON) -m venv $(VENV)-$@
	$(VENV)-$@/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv
	$(VENV)-$@/bin/uv pip install --python $(VENV)-$@ --upgrade --resolution $(RESOLUTION) -e '.[dev]'
	$(VENV)-$@/bin/python -m pytest -n 2 $(TESTS)

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
	@test -n '$(PYTHON)' || { echo >&2 'No Python 3.11, 3.12 or 3.13 is on the PATH: install one, or' \
		'name it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)'; exit 1; }
	@echo 'Installing into $(VENV) with $(PYTHON): some 150 packages, one to three minutes, 1.8 GB.'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv
# uv takes a third of the time; pip knows mirrors that are set up for it alone.
	$(BIN)/uv pip install --python $(VENV) -c constraints.txt -e '.[dev]' || \
		$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
