# `make help` lists the targets. Python 3.11 or newer with pip is all that `make run` and `make test` need.
PYTHON ?= python3
SCALE ?= 0.01
VENV := .venv
BIN := $(VENV)/bin
PG15 ?= /usr/lib/postgresql/15/bin

.PHONY: run compiled help test check lint types deployment format bench bench-throughput bench-scale bench-report \
	bench-cost bench-ledger bench-matching bench-polls bench-crowd bench-claims bench-paired bench-strangers \
	bench-timings torture faults fuzz openapi lock clean

run: compiled  ## run the demo on made-up data; SCALE=1 is the whole petition of 2022
	@$(BIN)/python -m app demo --scale $(SCALE)

compiled: $(VENV)/ready  ## compile the matcher, once, where there is a C compiler; without one it runs as it is
	@$(BIN)/python tools/compile.py

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-17s %s\n", $$1, $$2}' Makefile

# Or each process would compile the program and the tests anew.
unexport PYTHONDONTWRITEBYTECODE

# A process for each core and one more, since tests also wait; each has a database server of its own, and one that has no
# tests left takes some of another's. At most four, since a container may show more cores than it may use.
CORES := $(shell getconf _NPROCESSORS_ONLN)
TESTS := $(BIN)/pytest --numprocesses $$(($(CORES) + 1)) --maxprocesses 4 --dist worksteal
test: $(VENV)/ready  ## run every check and test that continuous integration runs
	@$(MAKE) --no-print-directory --jobs 2 check compiled
	COMPILED=no $(TESTS)
	@if $(BIN)/python -c 'import sys; from app.compiled import IN_USE; sys.exit(not IN_USE)'; then \
		echo "The tests of law and matching again, compiled:"; \
		$(TESTS) tests/law tests/matching tests/test_compiled.py tests/http/test_matcher.py; \
	else \
		echo "NOT RUN: the tests of law and matching on compiled code."; \
	fi
	@if [ -x $(PG15)/postgres ]; then \
		echo "The database tests again, on PostgreSQL 15 of $(PG15):"; \
		TEST_PG_BIN=$(PG15) $(TESTS) tests/database; \
	else \
		echo "NOT RUN: the database tests on PostgreSQL 15, since $(PG15) has no server."; \
	fi

check: types lint deployment  ## check format, lint, types, imports, deployment files and merge-conflict markers

lint: $(VENV)/ready
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/lint-imports
	$(BIN)/python tools/conflict_markers.py

types: $(VENV)/ready
	$(BIN)/mypy

deployment: $(VENV)/ready
	$(BIN)/yamllint --strict compose.yaml deploy
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml
	$(BIN)/hadolint Dockerfile
	@if command -v caddy >/dev/null; then \
		HOST=recall.example.org caddy validate --adapter caddyfile --config deploy/Caddyfile; \
	else \
		echo "NOT RUN: the check of deploy/Caddyfile, since there is no caddy."; \
	fi
	@if command -v promtool >/dev/null; then \
		promtool test rules deploy/*_test.yml; \
	else \
		echo "NOT RUN: the cases of the alert rules, since there is no promtool."; \
	fi

format: $(VENV)/ready  ## format the code and apply the fixes that the linter is sure of
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

openapi: $(VENV)/ready  ## write openapi/openapi.json anew from the routes
	$(BIN)/python -m app openapi > openapi/openapi.json

# Races and deaths for SECONDS, with a report of what they hit; SEED= draws the same again.
SECONDS ?= 600
torture: $(VENV)/ready  ## provoke races and kill processes for SECONDS (600), and report what was hit
	$(BIN)/python tools/torture.py --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

# Each fault on a service of its own under load; FAULT= names those to provoke anew, else all.
faults: $(VENV)/ready  ## provoke real faults under load, and write what came of them to docs/faults.md
	$(BIN)/python tools/faults.py $(FAULT)

# Requests made up from the OpenAPI document, EXAMPLES of each operation; SEED= makes the same ones up again.
EXAMPLES ?= 50
fuzz: $(VENV)/ready  ## send EXAMPLES (50) generated requests to each operation of the API
	FUZZ="--max-examples=$(EXAMPLES) $(if $(SEED),--seed=$(SEED))" $(BIN)/pytest tests/http/test_fuzz.py -s

# What docs/benchmarks.md tells of; within minutes, on a machine that does nothing else. BENCH= is the county's scale, as
# is SCALE= where it is given: 1 is the whole petition.
BENCH ?= $(if $(filter command environment,$(origin SCALE)),$(SCALE),0.02)
bench: bench-throughput bench-cost bench-ledger bench-matching bench-polls bench-crowd bench-strangers  ## run every benchmark below but scale and report

# The ratios that were promised. DATA= is a folder with a county made already, REUSE= one to keep the database in, JSON=
# the file to write everything to, ARGS= anything else that the program takes.
bench-throughput: $(VENV)/ready  ## measure throughput and compare it with the baselines
	PYTHONPATH=. $(BIN)/python bench/throughput.py --scale $(BENCH) $(if $(DATA),--data $(DATA)) \
		$(if $(REUSE),--reuse $(REUSE)) $(if $(JSON),--json $(JSON)) $(ARGS)

# What larger counts need, from the file that bench-throughput wrote to JSON=.
bench-scale: $(VENV)/ready  ## compute what larger counts need, from JSON=
	PYTHONPATH=. $(BIN)/python bench/scale.py $(JSON) $(ARGS)

# The same file's results into docs/benchmarks.md and docs/scale.md.
bench-report: $(VENV)/ready  ## write the results in JSON= into docs/benchmarks.md and docs/scale.md
	PYTHONPATH=. $(BIN)/python bench/report.py $(JSON)

# This checkout against another one, in turns: BEFORE= is its folder.
bench-paired: $(VENV)/ready  ## compare this checkout with the one in BEFORE=, in turns
	PYTHONPATH=. $(BIN)/python bench/paired.py --before $(BEFORE) --scale $(BENCH) $(ARGS)

bench-cost: $(VENV)/ready  ## measure what findings and the ledger cost a batch
	PYTHONPATH=. $(BIN)/python bench/cost.py --scale $(BENCH)

bench-ledger: $(VENV)/ready  ## measure verification, export and the independent verifier
	PYTHONPATH=. $(BIN)/python bench/ledger.py --lines 200000

bench-polls: $(VENV)/ready  ## measure polls of the tally and its stream
	PYTHONPATH=. $(BIN)/python bench/polls.py

bench-crowd: $(VENV)/ready  ## measure whether stations are served beside a crowd of everything else
	PYTHONPATH=. $(BIN)/python bench/crowd.py $(ARGS)

# At full size, with 100,000 claims: some ten minutes. ARGS= names other numbers.
bench-claims: $(VENV)/ready  ## measure claims of 400 clerks while clients are killed
	PYTHONPATH=. $(BIN)/python bench/claims.py $(ARGS)

bench-strangers: $(VENV)/ready  ## measure what answering bad input costs
	PYTHONPATH=. $(BIN)/python bench/strangers.py

bench-timings: $(VENV)/ready  ## compare how long lines of confidential voters take with others
	PYTHONPATH=. $(BIN)/python bench/timings.py

# The matcher against truth: a made-up county and petitions (NOISE=1: in another hand than the demo's), or ROLL=, PETITION=
# and TRUTH= name files. SPLINK=1 adds it.
bench-matching: $(VENV)/ready  ## measure the matcher against known truth
	$(BIN)/python bench/matching.py $(if $(ROLL),--roll $(ROLL) --petition $(PETITION) --truth $(TRUTH),--generate $(if $(NOISE),--noise)) $(if $(SPLINK),--splink)

# The environment, from the hash-checked lock alone. Without pip of its own: not every Python 3.11 can make one.
$(VENV)/ready: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=…")'
	@echo "Installing into $(VENV) …"
	@$(PYTHON) -m venv --clear --without-pip $(VENV)
	@$(PYTHON) -m pip --disable-pip-version-check --python $(BIN)/python install --quiet --require-hashes -r requirements.lock
	@touch $@

# The locks name no host.
lock:  ## resolve the dependencies anew into the three lock files (needs uv)
	uv pip compile pyproject.toml --group dev --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-header -o requirements.lock
	uv pip compile pyproject.toml --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-header -o requirements-service.lock
	uv pip compile --group compiler -c requirements-service.lock --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-header -o requirements-compiler.lock

# ./data holds the databases, keys and demo files: nothing here may ever remove it.
clean:  ## remove .venv, what was compiled and the tools' caches; ./data and the other files stay
	rm -rf $(VENV) .build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
