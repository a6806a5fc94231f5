# Two commands: `make lab` and `make test`. Both may be run again at any time and continue.
.PHONY: lab test test-all unit setup lint down
HANOI := .venv/bin/hanoi

lab: setup  ## three real hosts here, deployed and proven
	scripts/lab

test: setup  ## with the real lab, in minutes
	scripts/test

test-all: setup  ## and the further proofs, which take long
	scripts/test all

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
