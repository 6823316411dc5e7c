# Development commands; `make` alone lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The stamp records a finished installation, so that an interrupted one is repeated.
SETUP := $(VENV)/.installed

# Several tests run at a time; fewer of those that share the servers or break servers of their own, and one of those that
# measure.
PYTEST := $(BIN)/pytest -n auto --dist worksteal
BY_FILE := $(BIN)/pytest --dist loadfile
TEST_ALL := failed=0; $(PYTEST) -m "not cluster and not alone" || failed=1; \
  $(BY_FILE) --no-loadscope-reorder -n 3 -m "cluster and not chaos and not alone" || failed=1; \
  $(BY_FILE) -n 2 -m "chaos and not alone" tests/chaos || failed=1; \
  $(BIN)/pytest -m alone || failed=1; exit $$failed

# Without bytecode files, each of the many processes of the tests would compile its imports again, for seconds.
export PYTHONDONTWRITEBYTECODE :=

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup run demo test test-all test-import test-hostile lint types check up down status simulate test-faults test-moves test-jobs test-datacenters bench clean

help: ## List these commands
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r name text; do printf '  make %-17s %s\n' "$$name" "$$text"; done

setup: $(SETUP) ## Create .venv and install the project with its development tools

$(SETUP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "AMP needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2> /dev/null || echo missing). Name another: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(BIN)/python -m pip --version > /dev/null 2>&1 || $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "Python's venv module is incomplete; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "Setting up $(VENV) (a minute, once)"
	@$(BIN)/python -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' > $(VENV)/install.log 2>&1 || \
	  { echo "Setting up failed. The end of $(VENV)/install.log:"; tail -n 15 $(VENV)/install.log; exit 1; } >&2
	@touch $@

run: $(SETUP) ## Serve on 127.0.0.1:8080, with the data in .amp
	@exec $(BIN)/amp serve

demo: $(SETUP) ## Import real data into a temporary folder and search it
	@$(BIN)/amp demo

test: $(SETUP) ## Run the tests; those that need servers run only if the servers run
	@$(TEST_ALL)

test-all: $(SETUP) ## Start the real servers if needed and run every test
	@AMP_TEST_CLUSTER=required $(BIN)/python -m tests.support.stack run $(SHELL) -c '$(TEST_ALL)'

test-import: $(SETUP) ## Import 2,000 random files, whole and broken ones (three minutes)
	@AMP_IMPORT_FILES=500 $(BIN)/pytest -s tests/functional/importing/test_random_files.py

test-hostile: $(SETUP) ## Attack the service at length: slow and broken clients, raw HTTP, costly requests, odd settings
	@AMP_HOSTILE_FULL=1 $(BIN)/pytest -s tests/hostile

# Print the output of a tool only if it finds something.
QUIETLY = out=$$($(1) 2>&1) || { echo "$$out"; exit 1; }

lint: $(SETUP) ## Lint; check formatting, wording, imports between packages and declared dependencies
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(call QUIETLY,$(BIN)/lint-imports --no-logo --no-cache)
	@$(call QUIETLY,$(BIN)/deptry --no-ansi .)
	@$(BIN)/python -m tests.support.plain_english

types: $(SETUP) ## Check the types
	@$(BIN)/mypy

check: lint types ## Run the linters, the type checker and the tests that need no servers
	@$(PYTEST) -m "not cluster and not alone"
	@$(BIN)/pytest -m "alone and not cluster"

up: $(SETUP) ## Start Cassandra, Kafka, Elasticsearch and Redis, or find them running
	@$(BIN)/python -m tests.support.stack up

down: $(SETUP) ## Stop the servers that `make up` started
	@$(BIN)/python -m tests.support.stack down

status: $(SETUP) ## Show which servers run, and their addresses
	@$(BIN)/python -m tests.support.stack status || true

test-faults: $(SETUP) ## Break servers and processes at length, and run 100,000 random operations under faults (an hour; OPERATIONS=n: another number)
	@AMP_TEST_CLUSTER=required AMP_FAULT_KILLS=50 AMP_FAULT_OUTAGE_S=60 AMP_FAULT_FOLLOWED_S=60 \
	  $(BIN)/pytest -s tests/chaos/servers/test_nothing_is_lost.py tests/chaos/servers/test_outages.py \
	  tests/chaos/servers/test_read_after_write.py tests/chaos/servers/test_many_clients.py tests/chaos/servers/test_restarts.py
	@AMP_TEST_CLUSTER=required AMP_FAULT_OPERATIONS=$(or $(OPERATIONS),100000) \
	  $(BIN)/pytest -s tests/chaos/random_operations/test_random_operations.py

simulate: $(SETUP) ## Move buckets in 20,000 simulated runs (SEEDS=n: another number; SEED=n: one run, with its trace)
	@$(BIN)/python -m tests.simulation

test-moves: $(SETUP) ## Move 200,000 assets under load, and break moves at length (two hours; WRITES_PER_S=n SEARCHES_PER_S=n: another load)
	@AMP_TEST_CLUSTER=required AMP_MOVES_FULL=1 AMP_MOVES_ASSETS=200000 AMP_MOVES_CHECKS=50000 \
	  AMP_MOVES_WRITES_PER_S=$(or $(WRITES_PER_S),100) AMP_MOVES_SEARCHES_PER_S=$(or $(SEARCHES_PER_S),20) \
	  $(BIN)/pytest -s tests/chaos/moves/test_moves_under_load.py
	@AMP_TEST_CLUSTER=required AMP_MOVES_FULL=1 AMP_MOVES_KILLS=30 \
	  AMP_MOVES_WRITES_PER_S=$(or $(WRITES_PER_S),50) AMP_MOVES_SEARCHES_PER_S=$(or $(SEARCHES_PER_S),10) \
	  $(BIN)/pytest -s tests/chaos/moves --deselect tests/chaos/moves/test_moves_under_load.py

test-jobs: $(SETUP) ## Repair 1,000 faults, kill workers during jobs, rebuild an index of 200,000 assets beside live traffic (an hour)
	@AMP_TEST_CLUSTER=required AMP_FAULT_KILLS=50 AMP_FAULT_FOLLOWED_S=60 AMP_JOBS_ASSETS=200000 \
	  AMP_JOBS_FAULTS=1000 AMP_JOBS_BESIDE_POISON=10000 $(BIN)/pytest -s tests/functional/jobs/test_jobs_at_size.py \
	  tests/chaos/servers/test_jobs_survive.py tests/chaos/servers/test_backfill_beside_traffic.py

test-datacenters: $(SETUP) ## Race writers in two data centres, on two additional servers (two minutes)
	@AMP_TEST_CLUSTER=required AMP_TEST_DATACENTERS=1 $(BIN)/pytest -s tests/contract/cassandra/test_two_datacenters.py

bench: $(SETUP) ## Measure performance on the running servers
	@$(BIN)/python -m tests.bench

clean: ## Stop the servers; remove their data, .venv and all caches, but not your data in .amp
	@test ! -e $(SETUP) || $(BIN)/python -m tests.support.stack down --wipe
	@rm -rf .stack $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
