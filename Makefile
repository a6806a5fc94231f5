# Two commands: `make lab` and `make test`. Both may be run again at any time and continue.
.PHONY: lab lab-full test test-all test-full unit setup lint down
HANOI := .venv/bin/hanoi

lab: setup  ## three real hosts here, deployed and proven
	scripts/lab

lab-full: setup  ## and all applications and ways to run them, with a unit's own host
	scripts/lab full

test: setup  ## with the real lab, in minutes
	scripts/test

test-all: setup  ## and the further proofs, which take long
	scripts/test all

test-full: setup  ## the full lab, and the proofs that need it
	scripts/test full

unit: setup  ## what needs no lab
	.venv/bin/python -m pytest tests/unit tests/golden -m "not lab and not docker"

setup:
	@scripts/setup

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

down: setup  ## remove the lab with all its data
	$(HANOI) lab down --yes
