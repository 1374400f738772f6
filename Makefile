# Everything happens in .venv and .cache; `make clean` removes both. Data is in data/.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || echo python3)
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory

bin := .venv/bin
stamp := .venv/ready
dev_stamp := .venv/ready-dev

.PHONY: help setup run test lint faults bench-latency bench-moderation bench-rooms bench-edge bench-pipeline bench-recovery bench-growth bench-peers clean packages

help:  ## what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

setup: $(stamp)  ## set up .venv with what Parley needs

run: $(stamp)  ## run a chat on this machine: Kafka, Valkey, a worker, an edge
	@$(bin)/parley up

test: $(dev_stamp) packages lint  ## set up, check and test everything but long fault tests
	@$(bin)/python -m pytest -m "not long"

lint: $(dev_stamp)  ## check style, types, and who may import whom
	$(bin)/ruff check .
	$(bin)/mypy
	$(bin)/lint-imports

faults: $(dev_stamp)  ## kill real processes under load, prove that nothing is lost, and run all long tests
	@$(bin)/python -m pytest -p tests.faults.count -m "faults or long" $(OPTIONS)

bench-latency: $(stamp)  ## measure from POST to answer and to receipt; writes bench/out/
	@$(bin)/python -m bench.latency $(OPTIONS)

bench-moderation: $(stamp)  ## measure what rules cost a message, and what gets past them
	@$(bin)/python -m bench.moderation

bench-rooms: $(stamp)  ## measure a message by members, a sync of 1,000 rooms, a verification
	@$(bin)/python -m bench.rooms $(OPTIONS)

bench-edge: $(stamp)  ## measure the edge against nginx with nchan; writes bench/out/
	@.ci/packages bench-edge
	@$(bin)/python -m bench.edge $(OPTIONS)

bench-pipeline: $(stamp)  ## measure what one worker brings through, beside bare aiokafka and naive Faust
	@$(bin)/python -m bench.pipeline $(OPTIONS)

bench-recovery: $(stamp)  ## measure a worker's start with a million keys in its tables, cold and warm
	@$(bin)/python -m bench.recovery $(OPTIONS)

bench-growth: $(stamp)  ## measure what a message costs as rooms, members and the log grow
	@$(bin)/python -m bench.growth $(OPTIONS)

bench-peers: $(stamp)  ## measure Parley beside Synapse and Prosody, in turns; fetches both once
	@$(bin)/python -m bench.peers $(OPTIONS)

packages:
	@.ci/packages

clean:  ## remove what setup and runs made, but not data/
	rm -rf .venv .cache build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

# The constraints pin every version; a change of them or of pyproject.toml sets up again.
$(stamp): pyproject.toml constraints.txt app/runtime/_murmur2.c web/native/_broadcast.c web/native/_polls.c
	@echo "Setting up .venv (once; a minute or two)"
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
		{ echo "Python 3.11 to 3.13 is needed: make PYTHON=/path/to/python …" >&2; exit 1; }
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
