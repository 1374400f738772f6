# Everything happens in .venv and .cache; `make clean` removes both. Data is in data/.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3.14 || echo python3)
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory

bin := .venv/bin
stamp := .venv/ready
dev_stamp := .venv/ready-dev

.PHONY: help setup run test lint faults fuzz-api bench-latency bench-moderation bench-rooms bench-edge bench-pipeline bench-agents bench-subscriptions bench-push bench-recovery bench-growth bench-abuse bench-regions bench-metrics bench-sizes bench-peers metrics-page clean packages

# A line `##@ Name` begins a group of `make help`; the text after a target's `##` is its line there.
help:  ## list the targets
	@awk -F ':.*## ' '/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' Makefile

##@ Running

setup: $(stamp)  ## set up .venv with the libraries of Parley

run: $(stamp)  ## run a chat on this machine: Kafka, Valkey, a worker, an edge
	@$(bin)/parley up

##@ Testing

test: $(dev_stamp) packages lint  ## lint, then all tests except slow and long ones (half an hour on two cores)
	@$(bin)/python -m pytest -n 2 -m "not long and not slow" $(OPTIONS)

lint: $(dev_stamp)  ## check style, types, and the imports between packages
	$(bin)/ruff check .
	$(bin)/mypy
	$(bin)/lint-imports

faults: $(dev_stamp)  ## kill processes under load and count every message; all slow and long tests (an hour)
	@$(bin)/python -m tests.faults $(OPTIONS)

fuzz-api: $(dev_stamp)  ## thousands of requests, made from the API's own description, to an edge
	@$(bin)/python -m pytest -m long tests/web/description $(OPTIONS)

packages:  ## install what the tests need beside Python: Chromium, PostgreSQL, Prometheus, nginx
	@.ci/packages

##@ Measuring (reports in bench/out/)

bench-latency: $(stamp)  ## latency from a POST to its answer and to its receipt
	@$(bin)/python -m bench.latency $(OPTIONS)

bench-moderation: $(stamp)  ## cost of moderation rules for a message, and evasions that they miss
	@$(bin)/python -m bench.moderation

bench-rooms: $(stamp)  ## a message by number of members, a sync of 1,000 rooms, parley verify
	@$(bin)/python -m bench.rooms $(OPTIONS)

bench-edge: $(stamp)  ## the edge beside nginx with nchan
	@.ci/packages bench-edge
	@$(bin)/python -m bench.edge $(OPTIONS)

bench-pipeline: $(stamp)  ## throughput of one worker, beside bare aiokafka and plain Faust
	@$(bin)/python -m bench.pipeline $(OPTIONS)

bench-agents: $(stamp)  ## an agent of the kit beside the inner loop and plain Faust
	@$(bin)/python -m bench.agents $(OPTIONS)

bench-subscriptions: $(stamp)  ## webhooks: catching up, one endpoint, a thousand subscriptions
	@$(bin)/python -m bench.subscriptions $(OPTIONS)

bench-push: $(stamp)  ## push: a message by members and by those who are to be called
	@$(bin)/python -m bench.push $(OPTIONS)

bench-recovery: $(stamp)  ## a worker's start with a million keys in its tables, cold and warm
	@$(bin)/python -m bench.recovery $(OPTIONS)

bench-growth: $(stamp)  ## cost of a message as rooms, members and the log grow
	@$(bin)/python -m bench.growth $(OPTIONS)

bench-abuse: $(stamp)  ## one abuser at full speed in ten ways, and what the others notice
	@$(bin)/python -m bench.abuse $(OPTIONS)

bench-regions: $(stamp)  ## two regions: delay, a move of homes, a loss and its failover
	@$(bin)/python -m bench.regions $(OPTIONS)

bench-metrics: $(dev_stamp)  ## what metrics and traces cost a message, in turns, and which goals are met
	@$(bin)/python -m bench.metrics_cost $(OPTIONS)

bench-sizes: $(stamp)  ## what a core, a message and a stream take: the figures of docs/deploy.md
	@$(bin)/python -m bench.sizes $(OPTIONS)

bench-peers: $(stamp)  ## Parley beside Synapse and Prosody, in turns; downloads both once
	@$(bin)/python -m bench.peers $(OPTIONS)

##@ Housekeeping

metrics-page: $(dev_stamp)  ## write the tables of docs/metrics.md anew, from the code
	@$(bin)/python -m tests.docs.metrics_page

clean:  ## remove .venv, caches and builds, but not data/
	rm -rf .venv .cache build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

# The constraints pin every version; a change of them or of pyproject.toml sets up again.
sources_in_c := app/runtime/_murmur2.c web/native/_broadcast.c web/native/_polls.c web/native/_send.h
$(stamp): pyproject.toml setup.py constraints.txt $(sources_in_c)
	@echo "Setting up .venv (once; a minute or two)"
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' || \
		{ echo "Python 3.11 to 3.14 is needed: make PYTHON=/path/to/python …" >&2; exit 1; }
	@test -x $(bin)/python || $(PYTHON) -m venv .venv
	@echo "  pip"
	@$(bin)/python -m pip install --quiet --upgrade "pip>=25.1"
	@echo "  libraries"
	@PYTHONWARNINGS=ignore $(bin)/python -m pip install --quiet -c constraints.txt -e .
	@$(bin)/python -c 'import web.native._broadcast, web.native._polls' 2>/dev/null || \
		echo "  no C compiler: the edge delivers in Python, which costs it half as much again"
	@touch $@

$(dev_stamp): $(stamp)
	@echo "  libraries for the tests"
	@$(bin)/python -m pip install --quiet -c constraints.txt --group dev
	@touch $@
