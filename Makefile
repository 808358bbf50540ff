# make demo: run the main job on a real photograph.  make test: run every test.  Both set up .venv by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check lint torch bench clean

demo: $(VENV)/installed
	$(BIN)/vlnn demo --output demo-output --force

test: $(VENV)/installed
	$(BIN)/python -m pytest -n auto $(ARGS)

# What a change has to pass before it is committed.
check: lint test

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# PyTorch, for the benchmarks and for the tests that need it.
torch: $(VENV)/torch-installed

bench: $(VENV)/torch-installed
	$(BIN)/python tools/bench.py

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@

$(VENV)/torch-installed: $(VENV)/installed
	$(BIN)/python -m pip install --quiet torch==2.13.0
	touch $@

clean:
	rm -rf $(VENV) demo-output dist build
