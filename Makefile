# `make help` tells the targets. Each installs what it needs: Python 3.11 and Node 22 are all there must be.

PYTHON ?= python3
BIN := .venv/bin
CDK := node_modules/.bin/cdk

# Node 20, which Debian has, works as well, though jsii does not support it any more.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20

.DEFAULT_GOAL := help
.PHONY: help install synth deploy redrive demo bench pictures test lint types permissions constraints

help: ## tell the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 14

install: .venv/developer node_modules/.package-lock.json ## make the virtual environment and node_modules

synth: .venv/deployer node_modules/.package-lock.json ## check cdk.json's settings and make the template
	$(CDK) synth --quiet

deploy: .venv/deployer node_modules/.package-lock.json ## deploy to the AWS account of your credentials
	$(CDK) deploy

redrive: .venv/deployer ## send what lies in the dead-letter queues through again
	$(BIN)/python -m scripts.redrive

demo: install ## all eight steps on this machine, then the channel in your browser; ONCE=1 stops after the steps
	$(BIN)/python -m local.demo $(if $(ONCE),--once)

bench: install ## measure cold starts beside naive handlers, clicks, and copying in parts
	$(BIN)/python -m benchmarks.cold_start
	$(BIN)/python -m benchmarks.click
	$(BIN)/python -m benchmarks.parts

pictures: install ## photograph the sandbox's messages for the README; needs Chromium
	$(BIN)/python -m local.screenshots.pictures

test: install lint types ## run all checks; LONG=1 generates ten times as many object keys
	$(BIN)/pytest --numprocesses 2 --dist loadfile $(if $(LONG),--hypothesis-profile=long)

lint: .venv/developer ## style, and who may import whom
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports

types: .venv/developer ## mypy, strict
	$(BIN)/mypy

permissions: .venv/developer ## write tests/stacks/permissions.txt anew
	$(BIN)/python -m tests.stacks.permissions

constraints: ## write constraints.txt anew
	$(PYTHON) -m venv --clear .cache/constraints
	echo '# Every version of a full installation, so that two installations are the same. Made by `make constraints`.' > constraints.txt
	.cache/constraints/bin/python -m pip install --quiet --requirement requirements-dev.txt
	.cache/constraints/bin/python -m pip freeze >> constraints.txt

# The stamps: a virtual environment that can deploy, then one that can also test.
.venv/deployer: requirements.txt constraints.txt
	$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info < (3, 15) or sys.exit("Python 3.11 to 3.14 is needed, which Lambda runs")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -c constraints.txt
	touch $@

.venv/developer: .venv/deployer requirements-dev.txt lambdas/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

node_modules/.package-lock.json: package.json package-lock.json
	npm ci --no-audit --no-fund
	touch $@
