# Each target is one line over a Python module with --help; the first use sets the virtual environment up.
# `make help` lists them.

TARGET ?= soc
BOOT ?=
BLOCK ?= soc
BOARD :=
PARAMS ?=
WAVE ?= build/boot.fst
TEST :=
SEED ?= 1
SET :=
PYTHON ?= python3

VENV := .venv
RUN := $(VENV)/bin/python
TOOLS := $(VENV)/.$(shell sha256sum requirements.lock 2>/dev/null | cut -c1-16)-tools
TESTS := $(VENV)/.$(shell sha256sum requirements-test.lock 2>/dev/null | cut -c1-16)-tests

.PHONY: help boot test test-all bench bench-capabilities bench-core bench-mailbox fpga program size verilog wave docs clean
.DEFAULT_GOAL := help

help: ## This list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

boot: $(TOOLS) ## Boot the kernel on TARGET=soc (soc-sw, model, qemu-riscv64, qemu-x86_64, qemu-aarch64)
	@$(RUN) -m sim.boot --target '$(TARGET)' $(BOOT)

test: $(TESTS) ## Run all tests but the long campaigns
	@$(RUN) -m pytest -n 2 -m "not slow"

test-all: $(TESTS) ## Run all tests
	@$(RUN) -m pytest -n 2

bench: $(TOOLS) ## Measure latencies on all targets: build/bench/latency.json
	@$(RUN) -m bench.latency

bench-capabilities: $(TOOLS) ## Measure operations on capabilities on all targets: build/bench/capabilities.json
	@$(RUN) -m bench.capabilities

bench-core: $(TOOLS) ## Measure the core in cycles, and its score: build/bench/core.json
	@$(RUN) -m bench.core

bench-mailbox: $(TESTS) ## Measure the mailbox in cycles, from user mode
	@$(RUN) -m bench.mailbox

fpga: $(TOOLS) ## List the boards; or make the bitstream of BOARD=ulx3s-85f: build/fpga/BOARD
	@$(RUN) -m fpga.build $(if $(BOARD),'$(BOARD)',--list) $(PARAMS)

program: $(TOOLS) ## Load the bitstream that was made for BOARD=ulx3s-85f
	@$(RUN) -m fpga.program $(if $(BOARD),'$(BOARD)') $(PARAMS)

size: $(TOOLS) ## LUTs and clock of BLOCK=core (soc, core.fetch, ...), PARAMS='NAME=VALUE ...': build/fpga/size
	@$(RUN) -m fpga.size --block '$(if $(filter file,$(origin BLOCK)),core,$(BLOCK))' $(PARAMS)

verilog: $(TOOLS) ## Write BLOCK=soc (core, capability-unit, mailbox) as Verilog: build/veridian.v
	@$(RUN) -m soc.generate verilog --block '$(BLOCK)' $(PARAMS) \
		--output 'build/$(if $(filter soc,$(BLOCK)),veridian,$(BLOCK)).v'

wave: $(if $(TEST),$(TESTS),$(TOOLS)) ## Boot the SoC with a waveform, WAVE=build/boot.fst; or run one bench, TEST=NAME [SEED=1]
	@$(RUN) $(if $(TEST),-m tests.hw.wave '$(TEST)' --seed '$(SEED)' --set '$(SET)',-m sim.boot --target '$(TARGET)' \
		--wave '$(WAVE)' --wave-cycles 100000 $(BOOT))

docs: $(TOOLS) ## Write the generated reference tables to docs/reference
	@$(RUN) -m soc.generate tables

clean: ## Remove everything that was built, but not the virtual environment
	rm -rf build

$(TOOLS): | requirements.lock
	@$(PYTHON) -m sim.environment requirements.lock $@

$(TESTS): | requirements-test.lock
	@$(PYTHON) -m sim.environment requirements-test.lock $@
