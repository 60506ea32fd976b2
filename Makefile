# `make` shows what there is. Everything runs in .venv, which each target sets up by itself.

VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$p; break; }; done)

CORE_TESTS := tests/golden $(addprefix tests/test_,bad_input.py binning.py calendar.py dropin.py errors.py events.py html.py invariants.py \
	kernels.py panel.py performance.py plotting.py sheets.py tears.py utils.py \
	doubt.py holding.py lags.py metric_options.py stats.py trials.py combination.py comparison.py) tests/factors

# A file stays on one worker, which makes what its tests share once; the long files come early.
# One worker more than processors: many tests wait for a process, a socket or a server.
WORKERS := $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
SPREAD := -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup demo dashboard test check static lint types imports docs cover minimum bench bench-growth crash crash-all lock audit clean

help: ## show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(READY) ## make .venv and install the locked packages

# pip alone needs minutes for the full list; uv, installed by pip, needs seconds.
$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or run  make PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m uv --version >/dev/null 2>&1 || $(BIN)/python -m pip install -q "$$(sed -n 's/^\(uv==[0-9.]*\).*/\1/p' requirements.lock)"
	$(BIN)/python -m uv pip install -q --python $(BIN)/python -r requirements.lock
	$(BIN)/python -m uv pip install -q --python $(BIN)/python --no-deps -e .
	@touch $(READY)

demo: $(READY) ## research a factor, trade it on paper, write demo/report.html
	$(BIN)/alphalens demo --out demo

dashboard: $(READY) ## show the last demo run on http://127.0.0.1:8501
	$(BIN)/streamlit run examples/dashboard.py --server.address 127.0.0.1 --server.headless true --browser.gatherUsageStats false \
		--client.toolbarMode viewer --theme.primaryColor "#2f6f9f"

test: $(READY) ## run the tests
	$(BIN)/pytest $(SPREAD)

check: static cover ## lint, types, layers, tests with coverage (documentation included)

static: lint types imports ## all that runs no code

lint: $(READY) ## ruff and flake8
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/flake8 alphalens tests examples benchmarks

types: $(READY) ## mypy, strict
	$(BIN)/mypy

imports: $(READY) ## layers, no cycles, no OpenAI
	$(BIN)/lint-imports

cover: $(READY) ## the tests with coverage (90 % or more); COVER=--cov-branch counts branches too
	rm -f .coverage .coverage.*
	$(BIN)/pytest $(SPREAD) --cov $(COVER) --cov-report=term:skip-covered

docs: $(READY) ## links, commands, code blocks and docstring examples are true
	$(BIN)/pytest -q tests/test_docs.py

# Old third parties warn of their own deprecations; that is not ours to turn into errors.
minimum: $(READY) ## the factor library's tests with the oldest dependencies allowed
	$(BIN)/python -m uv venv -q --clear --python $(BIN)/python $(VENV)-minimum
	$(BIN)/python -m uv pip install -q --python $(VENV)-minimum/bin/python --resolution lowest-direct . "pytest>=8.3" "hypothesis>=6.120"
	$(VENV)-minimum/bin/python -m pytest -q -p no:cacheprovider -W "default::DeprecationWarning" -W "default::PendingDeprecationWarning" $(CORE_TESTS)

bench: $(READY) ## compare with alphalens-reloaded and pandas; rows go to docs/benchmarks.md
	$(BIN)/python -m benchmarks.core
	$(BIN)/python -m benchmarks.growth
	$(BIN)/python -m benchmarks.expressions
	$(BIN)/python -m benchmarks.orders
	$(BIN)/python -m benchmarks.market_data
	$(BIN)/python -m benchmarks.streams

bench-growth: $(READY) ## the store of bars from 1M to 20M (10 minutes, 5 GB of disk)
	$(BIN)/python -m benchmarks.market_growth

crash: $(READY) ## kill a trading day at every place and restart it: nothing is lost or doubled (25 minutes)
	$(BIN)/python -m tests.crash

crash-all: $(READY) ## the same at every point of the day (hours)
	$(BIN)/python -m tests.crash --all

audit: $(READY) ## known vulnerabilities of the locked packages
	$(BIN)/pip-audit -r requirements.lock --no-deps --disable-pip

lock: $(READY) ## resolve requirements.lock anew
	$(BIN)/python -m uv pip compile pyproject.toml --extra all --extra dev --universal --python-version 3.11 -o requirements.lock --upgrade -q

clean: ## remove everything that was made here
	rm -rf $(VENV) $(VENV)-minimum build dist demo .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
