.DEFAULT_GOAL := help
PYTHON ?= python3
PY := .venv/bin/python

.venv/installed: requirements.lock deploy/local/bootstrap.py
	@command -v $(PYTHON) >/dev/null || { echo "roviec: no $(PYTHON) here; install Python 3.11 or newer, or set PYTHON=" >&2; exit 1; }
	@$(PYTHON) deploy/local/bootstrap.py && touch $@

setup: .venv/installed ## install everything into .venv, from requirements.lock with hashes

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup help
