# Academe: two commands are enough to start, `make demo` and `make test`. `make` alone prints what there is.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.PHONY: help setup setup-dev demo serve worker test check format format-check lint types contract budgets writes \
	links migrations check-demo ci screenshots frontend wheel audit lock clean

# Handed to the command of the target: make test ARGS='-k roster -x', make demo ARGS='--port 9000'
ARGS ?=
python := .venv/bin/python

help: ## Print this list
	@printf 'usage: make TARGET [ARGS=...]\n\n'
	@awk -F ':.*## ' '/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@printf '\nACADEME_DATA_DIR says where the embedded database and files live (default: your data folder).\n'

##@ Start
demo: setup ## Bring up the demo institution and print its address and sign-ins
	@.venv/bin/academe demo $(ARGS)

test: setup-dev ## Run all tests; a part of them: make test ARGS='tests/platform -k money -x'
	@$(python) -m pytest -n logical --maxprocesses 4 --dist worksteal $(ARGS)

setup: ## Prepare .venv and the front end in this checkout, nothing else
	@scripts/setup.sh runtime

setup-dev: # what setup does, with the tools of the tests and checks
	@scripts/setup.sh dev

serve: setup ## Serve the institution of ACADEME_DATA_DIR or DATABASE_URL
	@.venv/bin/academe serve $(ARGS)

worker: setup ## Run the background jobs
	@.venv/bin/academe worker $(ARGS)

##@ Checks
check: format-check lint types contract budgets writes links ## All static checks below

format-check: setup-dev ## Formatting, without changing anything
	@.venv/bin/ruff format --check

lint: setup-dev ## Lint rules
	@.venv/bin/ruff check $(ARGS)

types: setup-dev ## Types, strictly
	@.venv/bin/mypy

contract: setup-dev ## Who may import whom (.importlinter)
	@.venv/bin/lint-imports

budgets: setup-dev ## Length of files, functions and templates; imports at the top
	@$(python) -m scripts.check_budgets

writes: setup-dev ## No module writes another module's tables
	@$(python) -m scripts.check_module_writes

links: setup-dev ## Every relative link in the documents leads somewhere
	@$(python) -m scripts.check_links

migrations: setup-dev ## Migrations up, down, up again, and no drift from the models
	@$(python) -m scripts.check_migrations

check-demo: setup ## Start the demo twice in an empty data folder and time it
	@$(python) -m scripts.check_demo

audit: setup-dev ## Known vulnerabilities in what is locked
	@$(python) -m scripts.audit

ci: ## Everything the build server runs
	@.ci/run

##@ Change
format: setup-dev ## Format, and apply the lint fixes that are safe
	@.venv/bin/ruff check --fix-only --quiet
	@.venv/bin/ruff format

lock: setup-dev ## Refresh the locks after a change of pyproject.toml; newest: ARGS=--upgrade
	@scripts/lock.sh $(ARGS)

frontend: setup ## Build the front end
	@$(python) scripts/frontend.py $(ARGS)

wheel: setup ## Build the package, with its front end and migrations, into dist/
	@.venv/bin/hatchling build -t wheel

screenshots: setup-dev ## Take the screenshots of the documents from a running demo
	@$(python) -m scripts.screenshots $(ARGS)

clean: ## Remove what was built or installed in this checkout; data stays
	@rm -rf .venv node_modules frontend/node_modules src/academe/platform/static/dist build dist \
		.mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
