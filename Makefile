# make demo    set up, convert a sample, show it, and prove that it computes what the original does
# make test    set up, check style and types, run the tests      (make test FULL=1: the long ones too)
# make docs    write the generated pages of docs/
#
# PYTHON=python3.12 chooses an interpreter, PIP_ARGS="--index-url ..." reaches pip, for example with
# PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu" for torch without CUDA.

PYTHON ?= python3
PIP_ARGS ?=
VENV ?= .venv
# More than there are cores: many tests wait for processes of their own.
JOBS ?= 3
FULL ?=

BIN := $(VENV)/bin
# The name holds a checksum, so that a change of either file installs again.
READY := $(VENV)/.ready-$(shell cat pyproject.toml constraints.txt | cksum | cut -d ' ' -f 1)
SAMPLE := samples/lenet_cifar10/model.py

export OMP_NUM_THREADS ?= 1
export JAX_PLATFORMS ?= cpu

.PHONY: setup demo test lint docs coverage clean

setup: $(READY)

$(READY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is older than 3.11; choose another: make PYTHON=python3.12 ..." >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) -c constraints.txt -e '.[dev]'
	rm -f $(VENV)/.ready-*
	touch $@

# The first class of the sample, before and after; then both run on the same weights and inputs.
demo: $(READY)
	@printf '\n=== %s ===\n\n' $(SAMPLE)
	@sed '/^class LeNet5/,$$d' $(SAMPLE)
	@printf '=== torch2jax convert %s ===\n\n' $(SAMPLE)
	@$(BIN)/torch2jax convert $(SAMPLE) | sed '/^class LeNet5/,$$d'
	@printf '\n=== torch2jax verify %s ===\n\n' $(SAMPLE)
	@$(BIN)/torch2jax verify $(SAMPLE)

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest -q -n $(JOBS) $(if $(FULL),--full)

coverage: $(READY)
	$(BIN)/python -m pytest -q -n $(JOBS) --cov --cov-report=term $(if $(FULL),--full)

docs: $(READY)
	$(BIN)/python docs/generate.py

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage* dist build
