# `make` lists the targets. The environment lives in .venv and is made when it is first needed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --no-deps

# Where this is set, every process that a test or a benchmark starts would compile all of onelead.
unexport PYTHONDONTWRITEBYTECODE

# What the style sheet is compiled from, which happens when the package is installed.
WEB := src/onelead/web
STYLES := setup.py $(WEB)/styles.css $(wildcard $(WEB)/templates/*.html $(WEB)/templates/*/*.html $(WEB)/static/*.js)

# What `make test-all` measures of the source, and what it wants every branch of to be run.
COVERED := --cov --cov-report=
FULLY_COVERED := src/onelead/domain/*,src/onelead/process/writer.py
# One process more than there are cores: tests often wait, for other processes or for the disk.
BUSY := -n $$(( $$(nproc) + 1 ))

# How `make lock` pins: for every platform at once, versions that still fit as they are, all
# files alike, no address of an index. What the build needs is locked, too; pip comes with Python.
LOCK := $(BIN)/uv pip compile pyproject.toml - --quiet --universal --python-version 3.11 \
  --generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links --no-emit-package pip \
  --custom-compile-command 'make lock'
AS_BENCH := --constraint requirements/bench.txt
BUILD_NEEDS := $(BIN)/python -c 'import tomllib; \
  print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")'
PLATFORMS := x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu aarch64-apple-darwin
PYTHONS := 3.11.2 3.11.14 3.12 3.13 3.14

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help serve demo company test test-slow test-all coverage check lint types imports format screenshots simulate bench soak \
  lock sbom audit-dependencies clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

serve: $(VENV)/serve.stamp ## start onelead; further options as ARGS="--port 8001"
	$(BIN)/onelead serve $(ARGS)

demo: $(VENV)/serve.stamp ## look at a living system: 5,000 leads, thrown away at the end
	$(BIN)/onelead demo $(ARGS)

company: $(VENV)/company.stamp ## install what the company sign-in needs besides

test: $(VENV)/test.stamp ## prove every promise once; options for pytest as ARGS="tests/unit -n 0"
	$(BIN)/python -m pytest $(ARGS)

test-slow: $(VENV)/test.stamp ## run the tests that `make test` leaves out
	$(BIN)/python -m pytest -m slow $(ARGS)

test-all: ## run all tests, on every engine, and check the coverage
	$(MAKE) test ARGS="-m '' $(BUSY) $(COVERED)"
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

simulate: $(VENV)/test.stamp ## try thousands of seeds on a disk that fails; one again as ARGS="--from 4711 --seeds 1"
	$(BIN)/python -m tests.support.simulation.run $(ARGS)

bench: $(VENV)/bench.stamp ## measure everything; less of it as ARGS="--quick"
	$(BIN)/python -m benchmarks $(ARGS)

lock: $(VENV)/test.stamp ## pin what pyproject.toml asks for; newer releases with ARGS="--upgrade"
	$(BUILD_NEEDS) | $(LOCK) --all-extras --output-file requirements/bench.txt $(ARGS)
	$(BUILD_NEEDS) | $(LOCK) $(AS_BENCH) --extra dev --extra company --extra parquet --output-file requirements/test.txt
	$(BUILD_NEEDS) | $(LOCK) $(AS_BENCH) --extra company --output-file requirements/company.txt
	$(BUILD_NEEDS) | $(LOCK) $(AS_BENCH) --output-file requirements/serve.txt
	@for platform in $(PLATFORMS); do for python in $(PYTHONS); do \
	  $(BIN)/uv pip install --quiet --dry-run --target $(VENV)/none --no-deps --no-build \
	    --require-hashes --requirement requirements/bench.txt \
	    --python-platform $$platform --python-version $$python \
	  || { echo "No wheels of all that is locked for Python $$python on $$platform." >&2; exit 1; } \
	done; done

sbom: $(VENV)/test.stamp ## write the software bill of materials of what serves into dist/
	@$(BIN)/python -m supply_chain.sbom

audit-dependencies: $(VENV)/test.stamp ## ask whether a known advisory is about a locked package
	@$(BIN)/python -m supply_chain.advisories

soak: $(VENV)/test.stamp ## load a server for an hour and look for leaks; less as ARGS="--minutes 2"
	$(BIN)/python -m tests.soak $(ARGS)

clean: ## remove the environment and every cache; the data stays
	rm -rf $(VENV) build dist src/*.egg-info .*_cache .hypothesis $(WEB)/static/app.css
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Every package is installed as a file whose hash is in requirements/, and nothing of others is built
# here. onelead itself is installed editable, so a change under src/ takes effect at the next start.
define install
$(make_environment)
$(PIP_INSTALL) --require-hashes --only-binary :all: --requirement requirements/$(1).txt
$(PIP_INSTALL) --no-build-isolation --editable .
endef

$(VENV)/serve.stamp: pyproject.toml requirements/serve.txt $(STYLES)
	$(call install,serve)
	@touch $@

$(VENV)/company.stamp: pyproject.toml requirements/company.txt $(STYLES)
	$(call install,company)
	@touch $@ $(VENV)/serve.stamp

$(VENV)/test.stamp: pyproject.toml requirements/test.txt $(STYLES)
	$(call install,test)
	@touch $@ $(VENV)/company.stamp $(VENV)/serve.stamp

$(VENV)/bench.stamp: pyproject.toml requirements/bench.txt $(STYLES)
	$(call install,bench)
	@touch $@ $(VENV)/company.stamp $(VENV)/serve.stamp $(VENV)/test.stamp

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
