# Everything a person or CI does here. `make help` lists it.
# Needs python3 >= 3.11, make and a package index; the rest is installed below .local/ and .venv/.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PORT ?= 8787
ARCH ?= arm64
STACK_NAME ?= rushes
SEEDS ?= 100000

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
# The SAM CLI looks neither for an account nor for a newer self.
SAM := env SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 AWS_ACCESS_KEY_ID=none AWS_SECRET_ACCESS_KEY=none sam
STACK := $(LOCAL)/.synced $(ENVS)/engine/.synced $(ENVS)/runtime/.synced
# Groups of pyproject.toml, and folders of tools/: each is an environment below .local/envs.
GROUPS := runtime local dev
TOOLS := engine sam openai-json clients clients-older
TESTS := $(STACK) $(DEV)/.synced $(TOOLS:%=$(ENVS)/%/.synced)

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z -]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(UV):
	@echo "installing uv $(UV_VERSION)"
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed, this is " + sys.version)'
	@rm -rf .local/uv && python3 -m venv .local/uv
	@.local/uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

# Environments are installed from a lock with hashes, from whatever index is configured; again when that lock changes.
$(GROUPS:%=$(ENVS)/%/.synced): $(ENVS)/%/.synced: uv.lock | $(UV)
	@scripts/environment.sh $(UV) $(ENVS)/$* --only-group $*
	@touch $@

$(TOOLS:%=$(ENVS)/%/.synced): $(ENVS)/%/.synced: tools/%/uv.lock | $(UV)
	@scripts/environment.sh $(UV) $(ENVS)/$* --project tools/$*
	@touch $@

.PHONY: demo
demo: $(STACK) ## run one job for real, from the OpenAI SDK to a film in the bucket
	@PYTHONPATH=layers/rushes $(LOCAL)/bin/python -m local.demo

.PHONY: up
up: $(STACK) ## run the whole stack on this machine until Ctrl-C   [PORT=8787]
	@$(LOCAL)/bin/python -m local.up --port $(PORT)

.PHONY: test
test: $(TESTS) ## run all tests
	@$(DEV)/bin/python -m pytest -n 2 --dist loadfile

.PHONY: probes
probes: $(TESTS) ## ask the local engine what AWS would answer; the table is docs/emulator.md
	@$(DEV)/bin/python -m pytest -q tests/probes

.PHONY: check
check: $(TESTS) lint cover ## all that CI runs
	@echo "check passed"

.PHONY: lint
lint: $(DEV)/.synced ## style, types, arrows, spelling, template
	$(DEV)/bin/ruff check
	$(DEV)/bin/ruff format --check
	$(DEV)/bin/mypy
	PYTHONPATH=layers/rushes:. $(DEV)/bin/lint-imports --no-logo
	$(DEV)/bin/codespell
	$(DEV)/bin/cfn-lint template.yaml examples/downstream/template.yaml
	$(DEV)/bin/python scripts/check_catalog.py

.PHONY: cover
cover: $(TESTS) # the tests, with branch coverage
	@$(DEV)/bin/python -m pytest -n 2 --dist loadfile --cov --cov-report=term --durations=10

.PHONY: requirements
requirements: $(UV) # what the layer's builder installs, from the lock
	@$(UV) export --quiet --frozen --only-group layer --no-emit-project --no-annotate --no-header > layers/dependencies/requirements.txt

.PHONY: build
build: $(ENVS)/sam/.synced ## what `sam deploy` takes, for ARCH=arm64 or x86_64
	@PATH="$(CURDIR)/.local/uv/bin:$(CURDIR)/$(ENVS)/sam/bin:$$PATH" ARCH=$(ARCH) $(SAM) build
	@python3.13 -c '' 2>/dev/null || echo "note: no python3.13 here, so the layers have no bytecode and functions start more slowly"

.PHONY: key
key: $(LOCAL)/.synced ## make an API key for a deployed stack   ACCOUNT=name [STACK_NAME=rushes]
	@$(LOCAL)/bin/python scripts/create_key.py --stack "$(STACK_NAME)" --account "$(ACCOUNT)"

.PHONY: stuck show retry cancel redrive
stuck show retry cancel redrive: $(LOCAL)/.synced ## look after the jobs of a deployed stack   [JOB=id] [STACK_NAME=rushes]
	@$(LOCAL)/bin/python scripts/jobs.py --stack "$(STACK_NAME)" $@ $(JOB)

.PHONY: bench
bench: $(TESTS) ## measure: memory, cold start, history (minutes)
	@for bench in init_cost collect_memory history; do \
	  echo "== $$bench"; PYTHONPATH=layers/rushes:. $(DEV)/bin/python -W ignore -m bench.$$bench; done

.PHONY: simulate
simulate: $(DEV)/.synced ## crash and interleave the core at every call, in many small worlds   [SEEDS=100000]
	@PYTHONPATH=layers/rushes:. $(DEV)/bin/python -m tests.simulation --seeds $(SEEDS)

.PHONY: faults
faults: $(DEV)/.synced ## every kind of fault at 10,000 jobs (minutes)   [JOBS=10000 SEED=1]
	@PYTHONPATH=layers/rushes:. $(DEV)/bin/python -m tests.faults --jobs $(or $(JOBS),10000) --seed $(or $(SEED),1)

.PHONY: mutants
mutants: $(TESTS) ## remove the guards one by one, and see that the tests notice (minutes)
	@$(DEV)/bin/python scripts/mutants.py

.PHONY: matrix
matrix: $(STACK) ## every dialect with every provider, a real job for each; the table is in README.md
	@PYTHONPATH=layers/rushes $(LOCAL)/bin/python -m tests.matrix.__main__ --write

.PHONY: kill
kill: $(STACK) ## 500 jobs while functions and the engine are killed under them (minutes)   [JOBS=500]
	@PYTHONPATH=layers/rushes $(LOCAL)/bin/python -m tests.chaos --jobs $(or $(JOBS),500)

.PHONY: deliveries
deliveries: $(STACK) ## 1,000 jobs told to a subscriber that fails, and is killed (minutes)   [JOBS=1000]
	@PYTHONPATH=layers/rushes $(LOCAL)/bin/python -m tests.webhook_soak --jobs $(or $(JOBS),1000)

.PHONY: format
format: $(DEV)/.synced ## put the code into its one form
	@$(DEV)/bin/ruff check --fix-only --quiet
	@$(DEV)/bin/ruff format
