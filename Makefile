.DEFAULT_GOAL := help
PYTHON ?= python3
PY := .venv/bin/python
ARGS ?=

.venv/installed: requirements.lock deploy/local/bootstrap.py
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "roviec: no $(PYTHON) here; install Python 3.11 or newer, or set PYTHON=" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "roviec: Python 3.11 or newer is needed; $(PYTHON) is older, set PYTHON=" >&2; exit 1; }
	@$(PYTHON) deploy/local/bootstrap.py && touch $@

run: .venv/installed ## the whole platform here (PORT= LOCAL_DIR= FRESH=1 KAFKA_BOOTSTRAP= MONGO_URI=)
	@exec $(PY) -m deploy.local.run

demo: .venv/installed ## play the main job through the gateway while `make run` runs
	@exec $(PY) -m deploy.local.demo $(ARGS)

test: .venv/installed ## the whole suite with a broker and a database (ARGS="-k some")
	@$(PY) -m pytest -n 2 --dist loadgroup -q $(ARGS)

check: .venv/installed ## format, lint, types, import rules, generated files, secrets
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy libs services gateway deploy tools tests $(wildcard bench)
	@.venv/bin/lint-imports
	@$(PY) -m tools.contracts --check
	@$(PY) -m tools.check

contracts: .venv/installed ## write again what is generated from the code
	@$(PY) -m tools.contracts $(ARGS)

bench: .venv/installed ## ratios against bare parts and peers (ONE=gateway ARGS=--quick)
	@$(PY) -m bench $(ONE) $(ARGS)

faults: .venv/installed ## play the fault matrix against real processes (ROW= number or name, SEED=)
	@$(PY) -m tests.faults $(if $(ROW),--row $(ROW)) $(if $(SEED),--seed $(SEED)) $(ARGS)

faults-smoke: .venv/installed ## some of all faults and a negative control, at most 3 minutes (SEED=)
	@$(PY) -m tests.faults --smoke $(if $(SEED),--seed $(SEED)) $(ARGS)

soak: .venv/installed ## an hour of load and idleness, every process watched for leaks (MINUTES=60)
	@$(PY) -m tests.faults.soak $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) $(ARGS)

fmt: .venv/installed ## format the code and sort its imports
	@$(PY) -m ruff check --fix-only -q .
	@$(PY) -m ruff format .

setup: .venv/installed ## only install, into .venv, from requirements.lock with hashes

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run demo test check contracts bench faults faults-smoke soak fmt setup help
