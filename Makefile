# make run: start the bot; make test: run the tests; make check: run all required checks.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

.PHONY: install run test soak check format lint types layers coverage texts lock image-steps audit clean

install: .venv/run-installed

run: install
	$(BIN)/footnoted serve

test: .venv/test-installed
	$(BIN)/python -m pytest -n auto --dist worksteal

# Run the property tests with new random examples.
soak: .venv/test-installed
	$(BIN)/python -m pytest -n auto --hypothesis-profile=soak -m hypothesis

check: .venv/check-installed format lint types layers coverage

format:
	$(BIN)/ruff format --check .

lint:
	$(BIN)/ruff check .
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yml

types:
	$(BIN)/mypy

layers:
	$(BIN)/lint-imports

coverage:
	$(BIN)/python -m slipcover --json --out .coverage.json -m pytest -n auto --dist worksteal
	$(BIN)/python -m slipcover --skip-covered --fail-under 95 --merge .coverage.json --out .coverage.json

# Add new messages to the catalogues of core/locale, and remove those that the code no longer has.
texts: .venv/check-installed
	$(BIN)/pybabel --quiet extract -F pyproject.toml --no-location --sort-output -o .venv/texts.pot .
	$(BIN)/pybabel --quiet update -i .venv/texts.pot -d core/locale -D footnoted -w 110 --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date

# Regenerate the locks from pyproject.toml; `make lock UPGRADE=--upgrade` upgrades to the latest releases.
lock: .venv/bin/uv
	$(COMPILE) $(UPGRADE) pyproject.toml --extra embedded --extra offline --extra tracing --extra pdf --extra docx --extra rst -o requirements/run.txt
	$(COMPILE) $(UPGRADE) pyproject.toml --extra offline --extra tracing --extra pdf --extra docx --extra rst -c requirements/run.txt -o requirements/image.txt
	$(COMPILE) $(UPGRADE) --group build -c requirements/run.txt -o requirements/build.txt
	$(COMPILE) $(UPGRADE) pyproject.toml --extra embedded --extra offline --extra tracing --extra pdf --extra docx --extra rst --group test -c requirements/run.txt -c requirements/build.txt -o requirements/test.txt
	$(COMPILE) $(UPGRADE) pyproject.toml --extra embedded --extra offline --extra tracing --extra pdf --extra docx --extra rst --group check -c requirements/test.txt -o requirements/check.txt

# Run the steps of the Dockerfile in an empty folder, without a container engine: half a minute, needs the network.
image-steps: .venv/test-installed
	$(BIN)/python -m tests.shipping.steps

# Check the locked versions for known vulnerabilities. Not part of `make check`, because it queries an online service;
# packages unknown to that service fail.
audit: .venv/bin/pip-audit
	$(BIN)/pip-audit --strict --disable-pip --require-hashes -r requirements/run.txt
	$(BIN)/pip-audit --strict --disable-pip --require-hashes -r requirements/build.txt

clean:
	rm -rf .venv

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Footnoted needs Python 3.11 or later; set PYTHON to one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv .venv

.venv/bin/uv: | .venv/bin/python
	$(PIP) install uv

.venv/bin/pip-audit: | .venv/bin/python
	$(PIP) install pip-audit

# The locks are complete, hence --no-deps: older pip versions otherwise resolve extras again and fail on their hashes.
# Each stamp is newer than the lock that was installed, so that a second call does nothing.
.venv/run-installed: requirements/run.txt pyproject.toml | .venv/bin/python
	@echo "Installing what Footnoted needs; the first time takes about a minute."
	$(PIP) install --require-hashes --no-deps -r requirements/run.txt
	$(PIP) install --no-deps --editable .
	@touch $@

.venv/test-installed: requirements/test.txt .venv/run-installed
	$(PIP) install --require-hashes --no-deps -r requirements/test.txt
	@touch $@

.venv/check-installed: requirements/check.txt .venv/test-installed
	$(PIP) install --require-hashes --no-deps -r requirements/check.txt
	@touch $@
