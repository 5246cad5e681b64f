# Everything from a clean clone, with nothing installed by hand but git, make and Python 3.11 or newer.
# What is installed for the tests comes first, as in an activated environment: ruff, git-tiny, this Python.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# An installed program has its bytecode; without it every process of the tests would compile itself anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test test-all bench man pins format clean

help: ## what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

demo: environment ## the main job, stage by stage, on a clone of this repository
	@PATH="$(CURDIR)/.venv/bin:$$PATH" scripts/demo.sh

test: environment check ## lint, types, import rules, tests (what takes long is sampled)
	.venv/bin/python -m pytest -n auto -m "not slow"

test-all: environment check ## the same with everything that takes long
	.venv/bin/python -m pytest -n auto --whole

bench: environment ## every figure of the README, measured on this machine
	.venv/bin/python benchmarks

man: environment ## write the manual pages and the README's verbs from the help texts
	.venv/bin/python scripts/docs.py

pins: ## pin the newest versions that the project allows, in constraints.txt
	rm -rf .venv
	: > constraints.txt
	@scripts/environment.sh
	.venv/bin/python -m pip freeze --quiet --exclude-editable > constraints.txt

format: environment ## format the source and mend what ruff can
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

clean: ## remove what these commands made
	rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache benchmarks/.cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: environment check
environment:
	@scripts/environment.sh

check: environment
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/mypy tests scripts
	.venv/bin/lint-imports
