# Needs python3 >= 3.11, make and a package index that pip can reach; the rest goes to .venv here, and for
# the integrations to .venv-FRAMEWORK-ENV. .ci/bootstrap.py does the setting up; when nothing has changed
# since, it ends at once.

FRAMEWORKS = langchain llamaindex openai-agents crewai
TEST_ONE = $(FRAMEWORKS:%=test-%)
TYPES_ONE = $(FRAMEWORKS:%=types-%)

.DEFAULT_GOAL := help
.PHONY: help demo test test-core test-frameworks lint types format mutation bench constraints clean runtime dev
.PHONY: $(TEST_ONE) $(TYPES_ONE)

# The caller's Python settings must not leak into .venv. The last one would make every import of a
# framework compile it anew.
unexport PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE

ARGS =
# new or old: the newest release of a framework, or the oldest that its integration works with.
ENV = new

define HELP
permit0: decides whether an AI agent's tool call may run

  make demo         the published attacks, step by step        ARGS="--fast"
  make test         all tests: the core, then each integration with its framework
  make test-core    the core alone                             ARGS="-k money"
  make test-NAME    one integration: langchain, llamaindex,    ENV=old ARGS="-x"
                    openai-agents or crewai; ENV=old has the oldest release that it works with
  make test-frameworks
                    every integration, all frameworks in one environment
  make lint         ruff, mypy, import contracts, tree check
  make types        mypy of the integrations, with the types of their frameworks
  make types-NAME   of one
  make format       let ruff rewrite what it can
  make mutation     changes of the packs that no case notices  ARGS="--max-survivors 3"
  make bench        benchmarks                                 ARGS="..."
  make constraints  renew the pinned versions                  ARGS="--upgrade"
  make clean        remove .venv*, caches and built files

Each target sets up what it needs in .venv*. PYTHON=python3.12 chooses the interpreter.
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

test: test-core $(TEST_ONE)

test-core: dev
	@.venv/bin/python -m pytest $(ARGS)

$(TEST_ONE): test-%:
	@$(call BOOTSTRAP,$*-$(ENV))
	@echo "== $* ($(ENV))"
	@.venv-$*-$(ENV)/bin/python -m pytest tests/$(subst -,_,$*) $(ARGS)

# Each in a process of its own, for no user has four frameworks loaded at once.
test-frameworks:
	@$(call BOOTSTRAP,frameworks)
	@set -e; for name in $(subst -,_,$(FRAMEWORKS)) frameworks; do echo "== $$name (frameworks)"; \
		.venv-frameworks/bin/python -m pytest tests/$$name $(ARGS); done

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

types: $(TYPES_ONE)

# The mypy of .venv, looking for modules where the framework is.
$(TYPES_ONE): types-%: dev
	@$(call BOOTSTRAP,$*-new)
	@echo "== mypy $*"
	@.venv/bin/mypy --python-executable .venv-$*-new/bin/python --cache-dir .mypy_cache/$* \
		packages/$(subst -,_,$*)/src tests/$(subst -,_,$*)

format: dev
	@.venv/bin/ruff check --fix-only .
	@.venv/bin/ruff format .

# Each threshold, flag and amplifier is changed, one at a time; about a minute on one processor.
mutation: dev
	@.venv/bin/permit0 pack test --mutate $(ARGS)

bench: dev
	@.venv/bin/python benchmarks/run.py $(ARGS)
	@.venv/bin/python benchmarks/enforce.py
	@.venv/bin/python benchmarks/start.py
	@$(MAKE) --no-print-directory $(FRAMEWORKS:%=bench-%)

# What a guard costs in a framework: guarded minus unguarded, p50 and p99.
$(FRAMEWORKS:%=bench-%): bench-%:
	@$(call BOOTSTRAP,$*-new)
	@echo "== $* (overhead)"
	@.venv-$*-new/bin/python benchmarks/overhead_$(subst -,_,$*).py

constraints:
	@bash .ci/constraints/compile $(ARGS)

clean:
	rm -rf .venv .venv-* dist build packages/*/dist packages/*/build
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage htmlcov
	@find packages tests benchmarks examples .ci -name __pycache__ -type d -prune \
		-exec rm -rf {} + 2>/dev/null || true
