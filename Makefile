# Two commands do everything, each by itself on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
# The newest pip that is needed, the tested versions, the package itself where it stands.
INSTALL := $(BIN)/pip install --quiet --constraint constraints.txt --editable

# A test a processor: small networks gain less from a second thread than from a second test. An
# idle processor takes over what another one has not begun, or the longest tests end alone.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses logical --dist worksteal

.PHONY: demo test test-slow fuzz check default-weights clean

demo: $(VENV)/.ready
	$(BIN)/fwi demo

test: $(VENV)/.ready-dev
	$(PYTEST) -m "not slow"

test-slow: $(VENV)/.ready-dev
	$(PYTEST) -m slow

# A search for files that no reader refuses in its own words; finds are left beside the seeds.
FUZZ_SECONDS ?= 60
FUZZED := npy npz mat h5 sgy config csv store checkpoint cifar

fuzz: $(VENV)/.ready-fuzz
	set -e; for target in $(FUZZED); do mkdir -p .fuzz/$$target; \
	$(BIN)/python fuzz/readers.py $$target -max_total_time=$(FUZZ_SECONDS) \
	-artifact_prefix=fuzz/seeds/$$target/ .fuzz/$$target fuzz/seeds/$$target; done

check: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

# The weights in the package, anew: some twenty minutes of simulation and an hour of training.
default-weights: $(VENV)/.ready
	$(BIN)/fwi prepare --config configs/default.yaml
	$(BIN)/fwi train --config configs/default.yaml
	$(BIN)/python -c "from pathlib import Path; from fwi.inference.checkpoint import ship_checkpoint; \
	ship_checkpoint(Path('runs/default/checkpoints/best'), Path('fwi/weights/default'))"

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV) || python3 -m venv $(VENV)

$(VENV)/.ready: pyproject.toml constraints.txt $(VENV)/bin/python
	$(INSTALL) .
	touch $@

$(VENV)/.ready-dev: pyproject.toml constraints.txt $(VENV)/bin/python
	$(INSTALL) '.[dev]'
	touch $@ $(VENV)/.ready

$(VENV)/.ready-fuzz: $(VENV)/.ready-dev
	$(INSTALL) '.[fuzz]'
	touch $@

clean:
	rm -rf $(VENV) .fuzz .mypy_cache .ruff_cache .pytest_cache
	find fwi -name '*.nb[ci]' -delete
