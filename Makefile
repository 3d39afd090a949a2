# `make help` lists the targets. Each target installs what it needs, except Python 3.11 to 3.14 and Node 22 or later.

PYTHON ?= python3
BIN := .venv/bin
CDK := node_modules/.bin/cdk

# Debian 12 has Node 20, which runs the tests but is past its end of life: jsii, which runs the CDK's Python library, no
# longer supports it. This variable names the version about which jsii does not warn. To deploy, use Node 22 or later.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20

.DEFAULT_GOAL := help
.PHONY: help install synth deploy redrive demo bench pictures test lint types permissions constraints

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 14

install: .venv/developer node_modules/.package-lock.json ## create the virtual environment and node_modules

synth: .venv/deployer node_modules/.package-lock.json ## check the settings in cdk.json and create the template
	$(CDK) synth --quiet
	@echo "The settings are valid. The template is in cdk.out."

deploy: .venv/deployer node_modules/.package-lock.json ## deploy to the AWS account of your credentials
	$(CDK) deploy

redrive: .venv/deployer ## send the messages of the dead-letter queues again
	$(BIN)/python -m scripts.redrive

demo: install ## run all eight steps on this machine, then show the channel in your browser; ONCE=1 stops after the steps
	$(BIN)/python -m local.demo $(if $(ONCE),--once)

bench: install ## measure cold starts beside naive handlers, clicks, and copies in parts
	$(BIN)/python -m benchmarks.cold_start
	$(BIN)/python -m benchmarks.click
	$(BIN)/python -m benchmarks.parts

# With the fonts that the page names first; on Debian: apt-get install fonts-lato fonts-noto-color-emoji
pictures: install ## take the pictures of every message for the documents; needs Chromium
	$(BIN)/python -m local.screenshots.pictures

test: install lint types ## run all checks; LONG=1 generates ten times as many object keys
	$(BIN)/pytest --numprocesses 2 --dist loadfile $(if $(LONG),--hypothesis-profile=long)

lint: .venv/developer ## check the style, and which module imports which
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports

types: .venv/developer ## check the types with mypy
	$(BIN)/mypy

permissions: .venv/developer ## write tests/stacks/permissions.txt again
	$(BIN)/python -m tests.stacks.permissions

constraints: ## write constraints.txt again
	$(PYTHON) -m venv --clear .cache/constraints
	echo '# Every version of a full installation, so that two installations are the same. Made by `make constraints`.' > constraints.txt
	.cache/constraints/bin/python -m pip install --quiet --requirement requirements-dev.txt
	.cache/constraints/bin/python -m pip freeze >> constraints.txt

# Two stamps: the virtual environment can deploy, and it can also test.
.venv/deployer: requirements.txt constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -c 'import sys; (3, 11) <= sys.version_info[:2] <= (3, 14) or sys.exit("Python 3.11 to 3.14 is needed: delete .venv, then set PYTHON")'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -c constraints.txt
	touch $@

.venv/developer: .venv/deployer requirements-dev.txt lambdas/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

node_modules/.package-lock.json: package.json package-lock.json
	npm ci --no-audit --no-fund
	touch $@
