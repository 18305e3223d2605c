# The whole of vconsole's workflow. `make` alone lists it.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help run test check lint fast faults long bench docs reference pictures engine clean

help: ## List what can be made
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(STAMP) ## Engine, demo model, server, console: everything, in one go
	@if [ -t 0 ] && [ -t 1 ]; then $(BIN)/vconsole demo; else $(BIN)/vconsole demo --headless; fi

# What drives real servers, terminals and systems runs after all else. A vLLM wants the machine for
# itself: two of them on two cores start ten times as slowly, and hand out an answer in one piece.
REAL := engine or terminal or systemd or slow
ALONE := engine or alone
# What `make faults` and `make long` add, for the days before a release.
APART := fault_matrix or long

test: $(STAMP) engine ## All tests but those of `make faults` and `make long`: also those on a real vLLM
	$(BIN)/python -m pytest -q -n 2 -m "not ($(REAL)) and not ($(APART))" --cov --cov-report=
	$(BIN)/python -m pytest -n 2 --dist loadfile --durations=10 -m "($(REAL)) and not ($(ALONE)) and not ($(APART))" --cov --cov-append --cov-report=
	$(BIN)/python -m pytest --durations=25 -m "($(ALONE)) and not ($(APART))" --cov --cov-append --cov-report=term:skip-covered

check: lint fast ## Lint, types, import contract and the fast tests: the developer's loop

lint: $(STAMP) ## Lint, types and the import contract
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

fast: $(STAMP) ## The tests that need no vLLM, two at a time
	$(BIN)/python -m pytest -q -n 2 -m "not ($(REAL)) and not ($(APART))"

faults: $(STAMP) engine ## Inject every fault into a real server, and keep the table
	$(BIN)/python -m pytest tests/faults -m "" -q --reliability docs/reliability.md
	$(BIN)/python -m pytest tests --ignore tests/faults -m fault_matrix -q

long: $(STAMP) engine ## The tests that take minutes each: every failure of a start, upgrades, whole proofs
	$(BIN)/python -m pytest --durations=10 -m long

bench: $(STAMP) engine ## Measure start-up, latency, memory and the other goals, side by side
	$(BIN)/python -m tests.bench

docs: $(STAMP) pictures reference ## Build the site of docs/ into site/: pictures, reference, pages
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

reference: $(STAMP) ## Write the reference pages, the man page and the keys anew from the code
	$(BIN)/python -m tests.docs.reference docs

pictures: $(STAMP) engine ## Draw the pictures of README and docs anew from a running server
	$(BIN)/python -m tests.console.make_docs docs

engine: $(STAMP)
	@$(BIN)/vconsole engine status >/dev/null 2>&1 || $(BIN)/vconsole engine install --yes

clean: ## Remove the environment and everything generated; engines and state stay
	rm -rf $(VENV) build dist site .coverage htmlcov .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -rf .import_linter_cache *.egg-info snapshot_report.html

# Compiled bytecode is most of a quick start, whatever the environment says of it.
$(STAMP): pyproject.toml Makefile
	@$(PYTHON) -c 'import sys; sys.exit(not ((3, 11) <= sys.version_info[:2] <= (3, 13)))' || \
	  { echo "vconsole needs Python 3.11 to 3.13; name one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "the venv module is missing; install it: sudo apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m compileall -q $(VENV)/lib vconsole || true
	@touch $@
