# Commands for development and operation; `make help` lists them.
# They need python3 >= 3.11, make and a package index, and install the rest below .local/.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PORT ?= 8787
ARCH ?= arm64
BYTECODE ?= yes
STACK_NAME ?= rushes
SEEDS ?= 100000
SEED ?= 1
ONLY ?=
# `make TARGET SMALL=1` is the small form of a measurement; JOBS and SEEDS set the size of the others.
SMALL ?=
# `make package` uploads to this bucket, below this name.
ARTIFACTS ?=
VERSION ?= $(shell git describe --tags --always)
BENCHES := write_units search load_model init_cost collect_memory history hanging_endpoint isolation

UV_VERSION := 0.13.8
UV := .local/uv/bin/uv
export UV_PYTHON_DOWNLOADS := never
# uv uses the index that is configured for pip.
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif

ENVS := .local/envs
DEV := $(ENVS)/dev
LOCAL := $(ENVS)/local
# The SAM CLI runs without telemetry and without credentials of an account.
SAM := env SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 AWS_ACCESS_KEY_ID=none AWS_SECRET_ACCESS_KEY=none sam
# The command without its wrapper, which would call make.
RUSHES := $(LOCAL)/bin/python -m cli
STACK := $(LOCAL)/.synced $(ENVS)/engine/.synced $(ENVS)/runtime/.synced
# Each group of pyproject.toml and each folder of tools/ is an environment below .local/envs.
GROUPS := runtime local dev
TOOLS := docs generators engine sam clients clients-older clients-oldest boto3-oldest scanners template-rules vendors
TESTS := $(STACK) $(DEV)/.synced $(TOOLS:%=$(ENVS)/%/.synced)

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z -]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

$(UV):
	@echo "installing uv $(UV_VERSION)"
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed, this is " + sys.version)'
	@rm -rf .local/uv && python3 -m venv .local/uv
	@.local/uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

# Environments are installed from a lock with hashes, and again when the lock changes.
$(GROUPS:%=$(ENVS)/%/.synced): $(ENVS)/%/.synced: uv.lock | $(UV)
	@scripts/environment.sh $(UV) $(ENVS)/$* --only-group $*
	@touch $@

$(TOOLS:%=$(ENVS)/%/.synced): $(ENVS)/%/.synced: tools/%/uv.lock | $(UV)
	@scripts/environment.sh $(UV) $(ENVS)/$* --project tools/$*
	@touch $@

.PHONY: demo
demo: $(STACK) ## run one job on a local stack, from the OpenAI SDK to a video in the bucket
	@PYTHONPATH=layers/rushes $(LOCAL)/bin/python -m local.demo

.PHONY: up
up: $(STACK) ## run the stack on this machine until Ctrl-C   [PORT=8787]
	@$(LOCAL)/bin/python -m local.up --port $(PORT)

# Four workers for two cores: the tests of the local stack wait for it most of the time. They come first, as they take longest.
PYTEST := $(DEV)/bin/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

.PHONY: unit
unit: $(DEV)/.synced $(ENVS)/engine/.synced $(ENVS)/scanners/.synced ## the fast tests, without a local stack (below two minutes)
	@$(PYTEST) tests/unit tests/contract tests/template

.PHONY: test
test: $(TESTS) ## all tests
	@$(PYTEST)

.PHONY: probes
probes: $(TESTS) ## compare the local engine's answers with AWS's; docs/emulator.md is the table
	@$(PYTEST) tests/probes

.PHONY: check
check: $(TESTS) ## all that CI runs: lint, all tests with coverage, every command in its small form
	@$(MAKE) --no-print-directory --jobs 2 lint cover
	@echo "check passed"

.PHONY: lint
lint: $(DEV)/.synced $(ENVS)/engine/.synced $(ENVS)/scanners/.synced $(ENVS)/template-rules/.synced ## style, types, layers, spelling, templates, configuration, security rules, workflows, secrets
	$(DEV)/bin/ruff check
	$(DEV)/bin/ruff format --check
	$(DEV)/bin/mypy
	PYTHONPATH=layers/rushes:. $(DEV)/bin/lint-imports --no-logo
	$(DEV)/bin/codespell
	$(DEV)/bin/cfn-lint template.yaml examples/downstream/template.yaml
	$(DEV)/bin/python -m cli config check
	$(DEV)/bin/python -m cli config check layers/rushes/rushes/catalog/built_in.toml
	PYTHONPATH=layers/rushes:. $(DEV)/bin/python -m scripts.scan_template
	scripts/scan_code.sh
	scripts/scan_workflows.sh
	git ls-files -z | xargs -0 scripts/scan_secrets.sh

.PHONY: audit
audit: $(DEV)/.synced $(ENVS)/scanners/.synced ## look for known vulnerabilities of the dependencies; skipped without a network   [REQUIRED=1]
	@$(DEV)/bin/python scripts/audit_dependencies.py $(if $(REQUIRED),--required)

.PHONY: cover
cover: $(TESTS) # all tests with branch coverage
	@$(PYTEST) --cov --cov-report=term --durations=10

.PHONY: requirements
requirements: $(UV) # write the layer's requirements.txt from uv.lock
	@$(UV) export --quiet --frozen --only-group layer --no-emit-project --no-annotate --no-header > layers/dependencies/requirements.txt

.PHONY: build
build: $(ENVS)/sam/.synced ## build the stack for `sam deploy`; needs Python 3.13   [ARCH=arm64 or x86_64, BYTECODE=no]
	@python=$$(BYTECODE=$(BYTECODE) scripts/lambda_python.sh); \
	  PATH="$(CURDIR)/.local/uv/bin:$(CURDIR)/$(ENVS)/sam/bin:$$PATH" ARCH=$(ARCH) BYTECODE=$(BYTECODE) LAMBDA_PYTHON="$$python" $(SAM) build

.PHONY: package
package: $(ENVS)/sam/.synced $(LOCAL)/.synced ## upload the built stack and its template, which deploys without a clone   ARTIFACTS=bucket [VERSION=name]
	@$(LOCAL)/bin/python scripts/package.py --bucket "$(ARTIFACTS)" --version "$(VERSION)"

.PHONY: key
key: $(LOCAL)/.synced ## create an API key on a deployed stack   ACCOUNT=name [STACK_NAME=rushes]
	@$(RUSHES) key create --account "$(ACCOUNT)" --stack "$(STACK_NAME)"

.PHONY: stuck show retry cancel
stuck show retry cancel: $(LOCAL)/.synced ## inspect and repair the jobs of a deployed stack: `rushes job`   [JOB=id] [STACK_NAME=rushes]
	@$(RUSHES) job $@ $(if $(filter stuck,$@),,$(JOB)) --stack "$(STACK_NAME)"

.PHONY: invoke
invoke: $(LOCAL)/.synced ## invoke a function of a stack with a payload of events/invoke   EVENT=submit/first [STACK_NAME=rushes]
	@$(RUSHES) invoke "$(EVENT)" --stack "$(STACK_NAME)"

.PHONY: redrive
redrive: $(LOCAL)/.synced ## move dead letters of a deployed stack back to their queues   [STACK_NAME=rushes]
	@$(RUSHES) redrive --stack "$(STACK_NAME)"

.PHONY: reencrypt
reencrypt: $(LOCAL)/.synced ## encrypt the webhook signing secrets of a deployed stack with its current key   [STACK_NAME=rushes]
	@$(RUSHES) reencrypt --stack "$(STACK_NAME)"

.PHONY: reindex
reindex: $(LOCAL)/.synced ## rewrite the jobs of older releases, which lists and searches then find   [STACK_NAME=rushes]
	@$(RUSHES) reindex --stack "$(STACK_NAME)"

.PHONY: bench
bench: $(TESTS) ## measure write units, cold start, memory, history, a hanging endpoint and isolation (minutes)   [SMALL=1]
	@for bench in $(BENCHES); do \
	  echo "== $$bench"; PYTHONPATH=layers/rushes:. $(DEV)/bin/python -W ignore -m bench.$$bench $(if $(SMALL),--small); done

.PHONY: simulate
simulate: $(DEV)/.synced ## run the core on simulated ports, with crashes and interleavings at every call   [SEEDS=100000]
	@PYTHONPATH=layers/rushes:. $(DEV)/bin/python -m tests.simulation --seeds $(SEEDS)

.PHONY: faults
faults: $(DEV)/.synced ## run the functions with every kind of fault (minutes)   [JOBS=10000 SEED=1]
	@PYTHONPATH=layers/rushes:. $(DEV)/bin/python -m tests.faults --jobs $(or $(JOBS),10000) --seed $(SEED)

.PHONY: corpora
corpora: $(DEV)/.synced ## send 75,000 hostile requests to the api function (minutes)   [SMALL=1]
	@PYTHONPATH=layers/rushes:. $(DEV)/bin/python -m tests.security.corpora $(if $(SMALL),--family keys)

.PHONY: schemathesis
schemathesis: $(DEV)/.synced ## send 20,000 requests made from the OpenAPI documents to the api function (minutes)   [SMALL=1]
	@PYTHONPATH=layers/rushes:. $(DEV)/bin/python -W ignore -m tests.openapi $(if $(SMALL),--cases 2)

.PHONY: docs
docs: $(ENVS)/docs/.synced ## build the documentation site, .local/site, without a network
	@scripts/build_docs.sh

.PHONY: vendors
vendors: $(DEV)/.synced ## check all create calls of the shipped models against the vendors' published types   [VENDOR=name SAMPLE=n]
	@PYTHONPATH=layers/rushes:. $(DEV)/bin/python -m tests.contract.vendors.report $(if $(SAMPLE),--sample $(SAMPLE)) $(VENDOR)

.PHONY: mutants
mutants: $(TESTS) ## remove the guards of tests/mutants.toml one by one; the tests must fail (minutes)   [ONLY=text]
	@$(DEV)/bin/python scripts/mutants.py --only "$(ONLY)"

.PHONY: matrix
matrix: $(STACK) ## run a job for every dialect and provider; the table is in README.md   [SMALL=1]
	@PYTHONPATH=layers/rushes $(LOCAL)/bin/python -m tests.matrix $(if $(SMALL),--small,--write)

.PHONY: chaos
chaos: $(STACK) ## run jobs while the functions and the engine are killed (minutes)   [JOBS=500]
	@PYTHONPATH=layers/rushes $(LOCAL)/bin/python -m tests.chaos --jobs $(or $(JOBS),500)

.PHONY: webhook-soak
webhook-soak: $(STACK) ## deliver webhooks to a subscriber that fails and is killed (minutes)   [JOBS=1000]
	@PYTHONPATH=layers/rushes $(LOCAL)/bin/python -m tests.webhook_soak --jobs $(or $(JOBS),1000)

.PHONY: format
format: $(DEV)/.synced ## fix and format the Python code
	@$(DEV)/bin/ruff check --fix-only --quiet
	@$(DEV)/bin/ruff format

.PHONY: clean
clean: ## remove caches and build outputs; the environments and the local stack's state stay
	@rm -rf .aws-sam .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache htmlcov .coverage .coverage.*
	@find . -name __pycache__ -type d -not -path './.local/*' -not -path './.venv/*' -prune -exec rm -rf {} +
