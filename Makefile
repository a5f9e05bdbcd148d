# `make` lists the targets. The environment lives in .venv and is made when it is first needed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt --editable

# Where this is set, every process that a test or a benchmark starts would compile all of onelead.
unexport PYTHONDONTWRITEBYTECODE

# What the style sheet is compiled from, which happens when the package is installed.
WEB := src/onelead/web
STYLES := setup.py $(WEB)/styles.css $(wildcard $(WEB)/templates/*.html $(WEB)/templates/*/*.html $(WEB)/static/*.js)

# What `make test-all` measures of the source, and what it wants every branch of to be run.
COVERED := --cov --cov-report=
FULLY_COVERED := src/onelead/domain/*,src/onelead/process/writer.py

# The tests start hundreds of processes; without compiled files each would compile the source again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help serve demo test test-slow test-all coverage check lint types imports format screenshots bench soak clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

serve: $(VENV)/serve.stamp ## start onelead; further options as ARGS="--port 8001"
	$(BIN)/onelead serve $(ARGS)

demo: $(VENV)/serve.stamp ## look at a living system: 5,000 leads, thrown away at the end
	$(BIN)/onelead demo $(ARGS)

test: $(VENV)/test.stamp ## prove every promise once; options for pytest as ARGS="tests/unit -n 0"
	$(BIN)/python -m pytest $(ARGS)

test-slow: $(VENV)/test.stamp ## run the tests that `make test` leaves out
	$(BIN)/python -m pytest -m slow $(ARGS)

test-all: ## run all tests, on every engine, and check the coverage
	$(MAKE) test ARGS="-m '' $(COVERED)"
	$(MAKE) coverage

coverage: $(VENV)/test.stamp ## check the coverage that the last `make test-all` has measured
	$(BIN)/coverage report --fail-under 95
	$(BIN)/coverage report --fail-under 100 --include '$(FULLY_COVERED)'

check: lint types imports test ## format check, lint, types, import rules, tests

lint: $(VENV)/test.stamp ## check the format and lint
	$(BIN)/ruff format --check
	$(BIN)/ruff check

types: $(VENV)/test.stamp ## check the types
	$(BIN)/mypy

imports: $(VENV)/test.stamp ## check the import rules
	$(BIN)/lint-imports --no-logo

format: $(VENV)/test.stamp ## format the code and repair what lint can repair
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

screenshots: $(VENV)/test.stamp ## take a picture of every page of the demo; some as ARGS="overview try"
	$(BIN)/python -m tests.browser.gallery $(ARGS)

bench: $(VENV)/bench.stamp ## measure everything; less of it as ARGS="--quick"
	$(BIN)/python -m benchmarks $(ARGS)

soak: $(VENV)/test.stamp ## load a server for an hour and look for leaks; less as ARGS="--minutes 2"
	$(BIN)/python -m tests.soak $(ARGS)

clean: ## remove the environment and every cache; the data stays
	rm -rf $(VENV) build dist src/*.egg-info .*_cache .hypothesis $(WEB)/static/app.css
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The package is installed editable, so a change under src/ takes effect at the next start.
$(VENV)/serve.stamp: pyproject.toml constraints.txt $(STYLES)
	$(make_environment)
	$(PIP_INSTALL) .
	@touch $@

$(VENV)/test.stamp: pyproject.toml constraints.txt $(STYLES)
	$(make_environment)
	$(PIP_INSTALL) '.[dev]'
	@touch $@ $(VENV)/serve.stamp

$(VENV)/bench.stamp: pyproject.toml constraints.txt $(STYLES)
	$(make_environment)
	$(PIP_INSTALL) '.[dev,bench]'
	@touch $@ $(VENV)/serve.stamp $(VENV)/test.stamp

define make_environment
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
  echo 'onelead needs Python 3.11 or newer: install it, or name it, as in "make PYTHON=python3.12 serve".' >&2; \
  exit 1; }
@test -x $(BIN)/pip || $(PYTHON) -c 'import ensurepip' 2>/dev/null || $(install_venv)
@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
endef

# Debian keeps the module that makes environments in a package of its own.
define install_venv
if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
  apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv; \
else \
  echo 'Python cannot make an environment here: install the package "python3-venv" and run make again.' >&2; \
  exit 1; \
fi
endef
