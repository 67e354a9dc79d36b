# Every task of a developer; needs only Python (3.11 or later), git and make.
PYTHON ?= python3
BIN := .venv/bin
# Compile modules when they are first used: compiling all of them takes a quarter of the installation time.
PIP := $(BIN)/python requirements/install.py --no-compile --no-deps
# Two workers for two processors, and one for the moments in which they wait.
PYTEST := $(BIN)/pytest -n 3
# A worker runs whole files, so that no server or browser of a file is started twice, nor the same user made at a shared host.
WHOLE_FILES := --dist loadfile --no-loadscope-reorder
# The files that take longest. Any worker may take a test of theirs.
SHARED_FILES := tests/test_mutations.py tests/api/test_schemathesis.py
LOCK := uv pip compile --quiet --universal --upgrade --generate-hashes --no-header --no-annotate
# Many container images set it; then each process that the tests start would compile every module again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-slow check format lock pictures coverage group bench wheel clean

demo: .venv/.runtime ## install a small Connect app on a fresh host and link a repository's commit messages
	@$(BIN)/roadstead demo --color always

test: .venv/.dev check ## lint, types and the default test suite
	@$(PYTEST) $(WHOLE_FILES) -m "not slow"

test-slow: .venv/.dev ## everything, long runs included
	@$(PYTEST) $(WHOLE_FILES) $(SHARED_FILES:%=--ignore=%)
	@$(PYTEST) --dist worksteal $(SHARED_FILES)

check: .venv/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: .venv/.dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

pictures: .venv/.dev ## take the pictures in the docs again (needs Chromium)
	@PICTURES=docs/pictures $(BIN)/pytest tests/web/test_pictures.py

coverage: .venv/.dev ## write docs/reference/coverage.md again
	@$(BIN)/python -m tests.coverage_page

group: .venv/.dev ## begin a group of Bitbucket's API: make group NAME=snippets
	@$(BIN)/python -m tests.scaffold $(NAME)
	@$(BIN)/ruff format --quiet src tests
	@$(BIN)/ruff check --quiet --fix src tests
	@$(BIN)/python -m tests.coverage_page

bench: .venv/.dev
	@$(BIN)/python -m bench

wheel: .venv/.runtime ## build dist/roadstead-VERSION-py3-none-any.whl, which pip and pipx install
	@$(BIN)/python -m pip --disable-pip-version-check wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	@ls dist/*.whl

lock: ## pin every dependency again (needs uv)
	$(LOCK) pyproject.toml -o requirements/runtime.txt
	$(LOCK) -c requirements/runtime.txt --group build -o requirements/build.txt
	$(LOCK) -c requirements/runtime.txt -c requirements/build.txt --group build --group dev pyproject.toml -o requirements/dev.txt

.venv/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Roadstead needs Python 3.11 or later; say which with: make PYTHON=python3.11")'
	@echo "Building .venv, which happens once …"
	@$(PYTHON) requirements/environment.py .venv
	@touch $@

.venv/.runtime: .venv/.created requirements/runtime.txt requirements/build.txt pyproject.toml
	@$(PIP) --require-hashes -r requirements/runtime.txt -r requirements/build.txt
	@$(PIP) --no-build-isolation --editable .
	@touch $@

.venv/.dev: .venv/.runtime requirements/dev.txt
	@$(PIP) --require-hashes -r requirements/dev.txt
	@touch $@

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache
