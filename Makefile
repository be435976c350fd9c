# Everything a person or CI does here. `make help` lists it.
# Needs python3 >= 3.11, make and a package index; the rest is installed below .local/ and .venv/.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PORT ?= 8787

UV_VERSION := 0.13.8
UV := .local/uv/bin/uv
export UV_PYTHON_DOWNLOADS := never
# A mirror that pip is told of serves uv as well.
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif

ENVS := .local/envs
DEV := $(ENVS)/dev
LOCAL := $(ENVS)/local
STACK := $(LOCAL)/.synced $(ENVS)/engine/.synced $(ENVS)/runtime/.synced

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(UV):
	@echo "installing uv $(UV_VERSION)"
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed, this is " + sys.version)'
	@rm -rf .local/uv && python3 -m venv .local/uv
	@.local/uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

# One environment for each group of uv.lock; installed from the lock with hashes, from whatever index is configured.
$(ENVS)/%/.synced: uv.lock pyproject.toml scripts/environment.sh | $(UV)
	@scripts/environment.sh $(UV) $* $(ENVS)/$*
	@touch $@

.PHONY: demo
demo: $(STACK) ## run one job for real, from the OpenAI SDK to a film in the bucket
	@$(LOCAL)/bin/python -m local.demo

.PHONY: up
up: $(STACK) ## run the whole stack on this machine until Ctrl-C   [PORT=8787]
	@$(LOCAL)/bin/python -m local.up --port $(PORT)

.PHONY: test
test: $(STACK) $(DEV)/.synced ## run all tests
	@$(DEV)/bin/python -m pytest

.PHONY: check
check: $(STACK) $(DEV)/.synced lint cover ## all that CI runs
	@echo "check passed"

.PHONY: lint
lint: $(DEV)/.synced ## style, types, arrows, spelling, template
	$(DEV)/bin/ruff check
	$(DEV)/bin/ruff format --check
	$(DEV)/bin/mypy
	PYTHONPATH=layers/rushes:. $(DEV)/bin/lint-imports --no-logo
	$(DEV)/bin/codespell
	$(DEV)/bin/cfn-lint template.yaml

.PHONY: cover
cover: $(STACK) $(DEV)/.synced # the tests, with branch coverage
	@$(DEV)/bin/python -m pytest --cov --cov-report=term

.PHONY: format
format: $(DEV)/.synced ## put the code into its one form
	@$(DEV)/bin/ruff check --fix-only --quiet
	@$(DEV)/bin/ruff format
