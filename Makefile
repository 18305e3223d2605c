# The whole of vconsole's workflow. `make` alone lists it.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help run test check faults bench docs engine clean

help: ## List what can be made
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(STAMP) ## Engine, demo model, server, console: everything, in one go
	@if [ -t 0 ] && [ -t 1 ]; then $(BIN)/vconsole demo; else $(BIN)/vconsole demo --headless; fi

test: $(STAMP) engine ## All tests, those on a real vLLM among them
	$(BIN)/python -m pytest --cov --cov-report=term:skip-covered

check: $(STAMP) ## Lint, types, import contract and the fast tests: the loop of a developer
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m pytest -q -n 2 -m "not engine and not terminal and not systemd and not fault_matrix"

faults: $(STAMP) engine ## Inject every fault into a real server, and keep the table
	$(BIN)/python -m pytest tests/faults -m "" -q --reliability docs/reliability.md

bench: $(STAMP) engine ## Measure what the goals are about, side by side
	$(BIN)/python -m tests.bench

docs: $(STAMP) engine ## Regenerate the pictures of README and docs from a running server
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
