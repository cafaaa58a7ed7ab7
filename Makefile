# paystream: every command a developer needs. `make demo` and `make test` set up what they need by themselves.
SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := .venv/bin
PYTEST_ARGS ?=
# Test processes, which share one stack: most tests wait more than they compute.
WORKERS ?= 2

.PHONY: help setup demo test chaos check fmt lint types imports structure structure-check protos aip gen gen-check schemas bench up down lock

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: ## Make .venv with pinned packages (runs by itself where needed)
	@scripts/setup.sh

demo: setup ## Send a few hundred payments through the whole line and show what comes out
	@$(BIN)/paystream demo

test: setup ## Run all tests on a real stack
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

chaos: setup ## Kill processes, break lines, overload: at length, and write docs/reliability.md
	@$(BIN)/pytest tests/chaos --long $(PYTEST_ARGS)

check: setup lint types imports structure-check protos aip gen-check schemas ## Everything that must hold besides the tests

fmt: setup ## Format code and protos
	@$(BIN)/ruff check --fix-only --quiet . ; $(BIN)/ruff format --quiet . && $(BIN)/buf format --write protos

lint: setup
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --check --quiet . && echo "lint: ok"

types: setup
	@$(BIN)/mypy

imports: setup
	@$(BIN)/lint-imports --no-logo

structure: setup ## Measure the structure of the code, package by package
	@$(BIN)/python -m scripts.structure

structure-check: setup
	@$(BIN)/python -m scripts.structure --quiet && echo "structure: ok"

protos: setup
	@$(BIN)/buf lint && $(BIN)/buf format --diff --exit-code protos && scripts/breaking.sh && echo "protos: ok"

aip: setup
	@$(BIN)/python -m scripts.aip && echo "aip: ok"

gen: setup ## Regenerate gen/ from protos/ and schemas/avro/
	@scripts/gen.sh

gen-check: setup
	@scripts/gen.sh --check && echo "gen: ok"

schemas: setup
	@$(BIN)/paystream schemas check

bench: setup ## Measure, print a table and write bench/results/latest.json
	@$(BIN)/python -m bench

up: setup ## Start the local stack and the services, and keep them running
	@$(BIN)/paystream up --detach

down: setup ## Stop them (make down PURGE=--purge deletes the data)
	@$(BIN)/paystream down $(PURGE)

lock: setup ## Pin packages anew (needs the package uv)
	@scripts/lock.sh
