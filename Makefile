# Needs python3 >= 3.11, make and a package index that pip can reach; the rest goes to .venv here.
# .ci/bootstrap.py does the setting up; when nothing has changed since, it ends at once.

.DEFAULT_GOAL := help
.PHONY: help demo test lint format bench constraints clean runtime dev

# The caller's Python settings must not leak into .venv.
unexport PYTHONPATH PYTHONHOME

ARGS =

define HELP
permit0: decides whether an AI agent's tool call may run

  make demo         the published attacks, step by step        ARGS="--fast"
  make test         all tests                                  ARGS="-k money"
  make lint         ruff, mypy, import contracts, tree check
  make format       let ruff rewrite what it can
  make bench        benchmarks                                 ARGS="..."
  make constraints  renew the pinned versions                  ARGS="--upgrade"
  make clean        remove .venv, caches and built files

Each target sets up what it needs in .venv. PYTHON=python3.12 chooses the interpreter.
endef

# Any Python that starts will do to start with: bootstrap.py looks for the right one.
BOOTSTRAP = for python in python3 python3.13 python3.12 python3.11; do \
	if "$$python" -c '' 2>/dev/null; then exec "$$python" .ci/bootstrap.py $(1); fi; done; \
	echo "permit0: this needs Python 3.11 or newer, and there is no python3 on PATH" >&2; exit 1

help:
	$(info $(HELP))
	@:

runtime:
	@$(call BOOTSTRAP,runtime)

dev:
	@$(call BOOTSTRAP,dev)

demo: runtime
	@.venv/bin/permit0 demo $(ARGS)

test: dev
	@.venv/bin/python -m pytest $(ARGS)

lint: dev
	@echo "== ruff check"
	@.venv/bin/ruff check .
	@echo "== ruff format"
	@.venv/bin/ruff format --check .
	@echo "== mypy"
	@.venv/bin/mypy
	@echo "== import contracts"
	@.venv/bin/lint-imports
	@echo "== tree"
	@.venv/bin/python .ci/check_tree.py

format: dev
	@.venv/bin/ruff check --fix-only .
	@.venv/bin/ruff format .

bench: dev
	@.venv/bin/python benchmarks/run.py $(ARGS)

constraints:
	@bash .ci/constraints/compile $(ARGS)

clean:
	rm -rf .venv dist build packages/*/dist packages/*/build
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage htmlcov
	@find packages tests benchmarks examples .ci -name __pycache__ -type d -prune \
		-exec rm -rf {} + 2>/dev/null || true
