# Every command sets up what it needs. `make help` lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv pip
UV_PIN := uv==0.13.9

.DEFAULT_GOAL := help
.PHONY: help demo test bench parity conformance check format lock bundles template deploy cdk fuzz clean

help: ## list the commands
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*##/\t/' | expand -t 12

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Cairn needs Python 3.11 or later; this is " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(UV_PIN)

$(VENV)/local.stamp: $(BIN)/uv requirements/local.txt pyproject.toml
	$(UV) install --quiet --python $(BIN)/python --require-hashes -r requirements/local.txt
	$(UV) install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/local.stamp requirements/dev.txt
	$(UV) install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@touch $@

demo: $(VENV)/local.stamp ## see a real crash go all the way, on this machine
	@$(BIN)/cairn demo

test: $(VENV)/dev.stamp ## run everything that decides whether a change may land
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -n 2 --dist loadfile

bench: $(VENV)/dev.stamp ## measure Cairn beside its peers (docs/performance.md); Debian, 700 MB the first time
	@$(BIN)/python -m tests.bench $(ARGS)

parity: $(VENV)/dev.stamp ## compare the walker with Breakpad's and rust-minidump's (docs/parity.md)
	@$(BIN)/python -m tests.parity $(ARGS)

conformance: $(VENV)/dev.stamp ## run the tests of what clients of Sentry depend on, and write docs/conformance.md
	@$(BIN)/python -m tests.conformance

format: $(VENV)/dev.stamp ## put the code into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bundles: $(VENV)/local.stamp ## build the layers and functions as AWS runs them, into build/lambda
	$(BIN)/python -m infra.bundling

template: $(VENV)/dev.stamp ## write the template that the local run deploys
	$(BIN)/python -m infra.template

deploy: $(VENV)/dev.stamp ## deploy to the AWS account of your credentials (docs/deploying.md)
	$(BIN)/python -m infra.deploy $(ARGS)

cdk: $(VENV)/dev.stamp ## run the CDK command line, for instance: make cdk ARGS=diff
	@$(BIN)/python -m infra.cdk_cli $(ARGS)

build/fuzz/atheris.stamp: requirements/fuzz.txt $(BIN)/uv
	$(UV) install --quiet --python $(BIN)/python --require-hashes --no-deps --target build/fuzz/atheris -r requirements/fuzz.txt
	@touch $@

fuzz: $(VENV)/dev.stamp build/fuzz/atheris.stamp ## look for inputs that break Cairn (docs/fuzzing.md): make fuzz ARGS="walker --seconds 60"
	@$(BIN)/python -m tests.fuzz $(ARGS)

lock: $(BIN)/uv ## resolve the dependencies again and write requirements/*.txt
	requirements/lock.sh $(BIN)/uv

clean: ## remove the environment and everything built
	rm -rf $(VENV) build cdk.out
