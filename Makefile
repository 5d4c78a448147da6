# Thin names for tools/dev.py, which does the work and skips what is done already.
PYTHON ?= python3
JOBS ?= 2
DEV = $(PYTHON) tools/dev.py

.DEFAULT_GOAL := help
.PHONY: help demo test check bench build clean

help:           ## this list
	@sed -n 's/^\([a-z]*\): *## */make \1\t/p' Makefile | expand -t 14
	@echo "More, with options: $(DEV) --help"

demo:           ## set up .venv and run examples/demo.py; the pictures are left in out/
	@$(DEV) setup --extras demo
	@$(DEV) demo

test:           ## set up .venv, compile, and run all tests compiled and then as plain Python
	@$(DEV) setup
	@$(DEV) test --both --jobs $(JOBS)

check:          ## format, lint, types, layers, budgets, generated code, smoke tests: half a minute
	@$(DEV) setup
	@$(DEV) check

bench:          ## time wengert, compiled, against PyTorch
	@$(DEV) setup
	@$(DEV) build
	@$(DEV) bench

build:          ## compile into the checkout (`make clean` goes back to plain Python)
	@$(DEV) setup
	@$(DEV) build

clean:          ## remove all that was built or cached, but not .venv
	@$(DEV) clean
