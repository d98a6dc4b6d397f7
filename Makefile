# Two commands on a fresh machine with Python 3.11+, git and make:
#   make demo    set up and play a whole simulated call on the embedded model
#   make test    set up and run all tests
# `make serve` serves, `make setup` only sets up, `make lint` checks style and types.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)

# What was installed is remembered in a stamp file, so that a second run does nothing.
RUN_STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev
NEEDS := pyproject.toml constraints.txt

ifeq ($(UV),)
MAKE_VENV = $(PYTHON) -m venv $(VENV)
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-warn-script-location -c constraints.txt
else
MAKE_VENV = $(UV) venv --seed --quiet --allow-existing --python $(PYTHON) $(VENV)
INSTALL = $(UV) pip install --quiet --python $(BIN)/python -c constraints.txt
endif

.PHONY: setup demo test serve lint clean
.DEFAULT_GOAL := demo

setup: $(RUN_STAMP)

demo: $(RUN_STAMP)
	@$(BIN)/offhook demo

serve: $(RUN_STAMP)
	@$(BIN)/offhook serve

test: $(DEV_STAMP)
	@$(BIN)/python -m pytest -q

lint: $(DEV_STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Offhook needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Set PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@echo "Setting up $(VENV) …"
	@$(MAKE_VENV)

$(RUN_STAMP): $(NEEDS) | $(BIN)/python
	@echo "Installing what Offhook runs on (a minute or two, once) …"
	@$(INSTALL) -e .
	@touch $@

$(DEV_STAMP): $(NEEDS) | $(BIN)/python
	@echo "Installing what the tests need (a minute or two, once) …"
	@$(INSTALL) -e '.[dev]'
	@touch $@ $(RUN_STAMP)
