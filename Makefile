# Every target does its own set-up; `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
RUN_STAMP := $(VENV)/.installed-run
DEV_STAMP := $(VENV)/.installed-dev
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
PYTEST_ARGS ?=

.PHONY: help setup run test test-slow check guides lock redis-local client sender clean format faults faults-deliveries states drill demo watch autobahn schemathesis bench bench-scaling bench-churn bench-kafka bench-deliveries bench-lateness build build-dir smoke watch-check release-check docker-up docker-logs docker-down

help: ## what can be made
	@grep -hE '^[a-z-]+:.*?## ' $(MAKEFILE_LIST) | awk -F ':.*?## ' '{printf "  make %-18s %s\n", $$1, $$2}'

setup: $(DEV_STAMP) ## the virtual environment with everything for tests
	@echo "ready: $(BIN)/notifier"

run: $(RUN_STAMP) ## the server on http://localhost:8080, with its own Redis
	@exec $(BIN)/notifier serve $(ARGS)

client: $(RUN_STAMP) ## follow the inbox of 1:test_user
	@exec $(BIN)/notifier client $(ARGS)

sender: $(RUN_STAMP) ## send it a notification
	@exec $(BIN)/notifier send --to 1:test_user $(ARGS) "Hello from make sender"

# A sixth of their time tests wait for peers: one process more than there are cores, four at most. Compiled modules are
# kept, as hundreds of tests start the program.
CORES := $(shell getconf _NPROCESSORS_ONLN)
SUITE := -m "not slow" --numprocesses $(shell echo $$(( $(CORES) < 3 ? $(CORES) + 1 : 4 ))) --dist worksteal
unexport PYTHONDONTWRITEBYTECODE

test: $(DEV_STAMP) ## the tests, in about three minutes
	@$(BIN)/python -m pytest $(SUITE) $(PYTEST_ARGS)

test-slow: $(DEV_STAMP) ## the other tests: short runs of faults, the page in a browser, made-up requests
	@bash build/packages.sh "SSH and alerts are tried with" /usr/sbin/sshd:openssh-server amtool:prometheus-alertmanager
	@$(BIN)/python -m pytest -m slow --numprocesses 2 --dist loadfile $(PYTEST_ARGS)

check: $(DEV_STAMP) ## format, lint, types, import table, tests
	@$(BIN)/ruff format --check notifier tests build $(wildcard tui)
	@$(BIN)/ruff check notifier tests build $(wildcard tui)
	@$(BIN)/mypy
	@$(BIN)/python -m pytest $(SUITE) $(PYTEST_ARGS)

guides: $(DEV_STAMP) ## write the parts of the guides that are made from the source
	@$(BIN)/python build/guides.py

format: $(DEV_STAMP) ## let ruff write the format
	@$(BIN)/ruff format notifier tests build $(wildcard tui)
	@$(BIN)/ruff check --fix --quiet notifier tests build $(wildcard tui)

faults: $(DEV_STAMP) ## under load: 1,050 kills, 1,000 moves, faults of Redis, failovers, paused instances, hostile clients; counts losses
	@failed=0; heading() { printf '\n== %s\n' "$$*"; }; \
	heading "kill -9 of server and Redis, 300 times"; $(BIN)/python -m tests.e2e.kills --kills 300 || failed=1; \
	heading "kill -9 with three workers, 300 times"; $(BIN)/python -m tests.e2e.kills --kills 300 --workers 3 || failed=1; \
	heading "the same without keys, as the lean path takes it"; $(BIN)/python -m tests.e2e.kills --kills 450 --plain || failed=1; \
	heading "clients that move between two instances, instances that die"; $(BIN)/python -m tests.e2e.moves || failed=1; \
	heading "what may happen to an external Redis"; $(BIN)/python -m tests.e2e.store_faults || failed=1; \
	heading "what open connections are not sent, over every kind of store, on one and on three workers"; $(BIN)/python -m tests.e2e.gaps || failed=1; \
	heading "the same without keys"; $(BIN)/python -m tests.e2e.gaps --plain --store own --store server || failed=1; \
	heading "failover of Sentinel and Cluster"; $(BIN)/python -m tests.e2e.failover || failed=1; \
	heading "an instance paused for a minute, killed, ended"; $(BIN)/python -m tests.e2e.paused_pod || failed=1; \
	heading "hostile clients"; $(BIN)/python -m tests.e2e.hostile || failed=1; \
	exit $$failed

faults-deliveries: $(DEV_STAMP) ## instances killed, Redis paused for 10 s, a provider that flaps; counts losses and repeats
	@$(BIN)/python -m tests.e2e.delivery_faults $(ARGS)

states: $(DEV_STAMP) ## random marks, updates and snoozes over killed instances: counts drifts; DURATION=1h, or 100,000 operations
	@$(BIN)/python -m tests.e2e.inbox_states $(if $(DURATION),--duration $(DURATION) --rate 40,--operations 100000)

drill: $(DEV_STAMP) ## ten faults, one after the other: does the dashboard's first line name and clear each within 10 s?
	@$(BIN)/python -m tests.e2e.drill $(ARGS)

demo: $(DEV_STAMP) ## deliveries in a minute: four channels, failures, a provider that is cut, a schedule
	@$(BIN)/python -m tests.e2e.demo

watch: $(DEV_STAMP) ## the dashboard left open for an hour under life: selection, CPU, memory: ARGS="--minutes 10"
	@$(BIN)/python -m tests.e2e.watch $(ARGS)

autobahn: $(DEV_STAMP) ## the Autobahn cases against the protocol class of /ws
	@$(BIN)/python -m tests.e2e.autobahn

schemathesis: $(DEV_STAMP) ## requests made up from /openapi.json, for four minutes
	@$(BIN)/python -m tests.e2e.schemathesis_run

bench: $(DEV_STAMP) ## the figures of the README, with pass or FAIL; takes minutes
	@$(BIN)/python -m tests.bench.figures $(ARGS)

bench-scaling: $(DEV_STAMP) ## CPU per message as users, inboxes and messages grow
	@$(BIN)/python -m tests.bench.scaling $(ARGS)

bench-churn: $(DEV_STAMP) ## memory while users come, read and leave: ARGS="--minutes 60"
	@$(BIN)/python -m tests.bench.churn $(ARGS)

bench-deliveries: $(DEV_STAMP) ## deliveries a second through the simulator; lists of a million records
	@$(BIN)/python -m tests.bench.deliveries $(ARGS)

bench-lateness: $(DEV_STAMP) ## how late scheduled deliveries and retries start
	@$(BIN)/python -m tests.bench.lateness $(ARGS)

bench-kafka: $(DEV_STAMP) ## how fast deliveries are taken from Kafka
	@$(BIN)/python -m tests.bench.kafka

# Needed: Debian's redis-server, gcc, libc6-dev, binutils, tmux, the Python's shared library and headers; what is missing is
# installed or named.
build: ## dist/notifier: the one executable, with its own Redis; tested
	@bash build/freeze.sh file
	@python3 build/smoke.py dist/notifier

build-dir: ## dist/notifier-dir: the same as a folder, which starts sooner
	@bash build/freeze.sh dir
	@python3 build/smoke.py dist/notifier-dir/notifier

smoke: ## the executable's test alone
	@python3 build/smoke.py dist/notifier

watch-check: $(DEV_STAMP) ## board and alert rules, with promtool of Debian's package prometheus
	@bash build/packages.sh "the alert rules are checked with" promtool:prometheus
	@command -v promtool >/dev/null || { echo "promtool is missing: apt-get install prometheus" >&2; exit 1; }
	@$(BIN)/python -m pytest tests/build/test_watching.py $(PYTEST_ARGS)

release-check: $(DEV_STAMP) ## wheel and sdist, installed into a clean environment and run
	@$(BIN)/python build/release.py

COMPOSE = docker compose -f build/compose.yaml $(if $(FULL),-f build/compose.full.yaml)
DOCKER = @docker compose version >/dev/null 2>&1 || { \
	echo "docker with its compose plugin is needed: https://docs.docker.com/engine/install; or use make run" >&2; exit 1; };

docker-up: ## the service with Redis in containers; FULL=1 adds Kafka, Prometheus, Grafana and consoles
	$(DOCKER) $(COMPOSE) up --build --detach --wait

docker-logs: ## what the containers say
	$(DOCKER) $(COMPOSE) logs --follow --tail 100

docker-down: ## ends the containers; their data stay
	$(DOCKER) $(COMPOSE) down

lock: $(DEV_STAMP) ## write the lock files anew
	@$(BIN)/python build/lock.py

redis-local: $(RUN_STAMP) ## a Redis on 127.0.0.1:6379 in the foreground, for REDIS_ADDR
	@$(BIN)/python -m notifier.store.embedded.binary 6379

clean: ## what was made here; the data in DATA_DIR stays
	@rm -rf $(VENV) dist .work *.egg-info .hypothesis .mypy_cache .ruff_cache .pytest_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@[ -n "$(PYTHON)" ] || { echo "Python 3.11 or newer is needed: apt-get install python3" >&2; exit 1; }
	@bash build/venv.sh "$(PYTHON)" $(VENV)

$(RUN_STAMP): $(BIN)/python build/requirements.txt pyproject.toml
	@echo "installing what the program needs (once)"
	@$(PIP) install --use-pep517 --no-deps -r build/requirements.txt
	@$(BIN)/python build/link.py
	@touch $@

$(DEV_STAMP): $(RUN_STAMP) build/requirements-dev.txt
	@echo "installing what the tests need (once)"
	@$(PIP) install --use-pep517 --no-deps -r build/requirements-dev.txt
	@bash build/packages.sh "the tests drive" redis-server:redis-server chromium:chromium node:nodejs npm:npm tmux:tmux
	@touch $@
