"""Lockstep of the RTL against Spike on random programs, and the comparison's own tests."""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from hw.core.config import CoreConfig
from sim.commit_log import commits, compare, disassembled
from sim.elf import load_program
from sim.lockstep import assemble, check_seed, host_options, run_seed
from sim.model import build_model
from sim.random_program import ProgramOptions, generate, options_of
from sim.run_elf import host_arguments
from soc.config import SocConfig


@dataclass(frozen=True)
class Configuration:
    """A machine to run random programs on."""

    config: SocConfig
    latency: int | None = None
    latency_noise: bool = False


def machine(**core):
    return SocConfig(core=CoreConfig(**core), sdram="")


#: Sizes at both ends of what the core allows, so that everything is replaced often, or hardly ever. The memory of all
#: but the first is ideal: its speed can be random, which that of an SDRAM chip is not.
CONFIGURATIONS = {
    "default": Configuration(SocConfig()),
    "small": Configuration(machine(icache_bytes=64, dcache_bytes=64, cache_ways=1, tlb_entries=2, branch_entries=4,
                                   branch_history_bits=2, contexts=2), latency=1, latency_noise=True),
    "wide": Configuration(machine(icache_bytes=32768, dcache_bytes=16384, cache_ways=8, tlb_entries=64,
                                  branch_entries=1024, contexts=4), latency=9),
    "direct": Configuration(machine(icache_bytes=4096, dcache_bytes=512, cache_ways=1, tlb_entries=4, contexts=16,
                                    branch_entries=0), latency_noise=True),
    "l2": Configuration(SocConfig(l2_bytes=16384, l2_ways=2, sdram=""), latency=9, latency_noise=True),
}

#: What can be planted in the reports that the oracle sees (sim/host/plant.cpp).
FAULTS = ("pc", "insn", "privilege", "rd", "rd_value", "rd_missing", "load_address", "store_address", "store_data",
          "store_size", "csr", "csr_value", "exception_cause", "exception_tval", "exception_missing",
          "interrupt_cause", "interrupt_missing", "interrupt_due", "lost", "memory")

LINE = "core   0: 3 0x0000000080000000 (0x00000013)\n"
TOHOST = 0x8000_1000
END = f"core   0: 3 0x0000000080000008 (0x00533023) mem {TOHOST:#018x} 0x0000000000000001\n"


@pytest.fixture(scope="module")
def checked_program(tmp_path_factory):
    """A short program with interrupts, and its seed."""
    folder = tmp_path_factory.mktemp("program")
    return assemble(generate(3, options_of(3, privileged=True, blocks=40)), folder / "program.elf"), 3


@pytest.fixture
def logs(tmp_path):
    def write(expected: str, actual: str) -> tuple[Path, Path]:
        (tmp_path / "expected").write_text(expected)
        (tmp_path / "actual").write_text(actual)
        return tmp_path / "expected", tmp_path / "actual"
    return write


def add(register, value):
    return f"core   0: 3 0x0000000080000004 (0x00100093) x{register}  {value:#018x}\n"


def test_boot_code_and_csr_writes_are_left_out(logs):
    boot = "core   0: 3 0x0000000000001000 (0x00000297) x5  0x0000000000001000\n"
    csr = "core   0: 3 0x0000000080000004 (0x34039073) c832_mscratch 0x0000000000000001\n"
    path, _ = logs(boot + LINE + csr, "")
    assert list(commits(path)) == ["3 0x0000000080000000 (0x00000013) ", "3 0x0000000080000004 (0x34039073) "]


def test_equal_logs_agree_up_to_tohost(logs):
    assert compare(*logs(LINE + add(1, 5) + END, LINE + add(1, 5) + END + LINE), TOHOST) == (3, None)


@pytest.mark.parametrize("actual", [LINE + add(1, 6) + END, LINE + add(2, 5) + END, LINE + END, LINE])
def test_a_difference_is_seen(logs, actual):
    count, mismatch = compare(*logs(LINE + add(1, 5) + END, actual), TOHOST)
    assert count == 1 and "x1 0x0000000000000005" in str(mismatch)


def test_a_log_without_end_is_a_mismatch(logs):
    assert compare(*logs(LINE, LINE), TOHOST)[1] is not None


def test_a_line_is_shown_with_its_instruction():
    assert disassembled(add(1, 5).strip()).split() == ["M", "0x0000000080000004", "0x00100093", "addi", "ra,", "zero,",
                                                       "1", "x1", "0x0000000000000005"]
    assert disassembled("main memory differs") == "main memory differs"


def test_programs_depend_on_the_seed_alone():
    assert generate(7) == generate(7) != generate(8)


def test_programs_meet_every_kind_of_instruction():
    text = "\n".join(generate(seed) for seed in range(8))
    for mnemonic in ("mulhsu", "divuw", "amomaxu.d", "lr.w", "sc.d", "lwu", "sraiw", "fence.i", "sfence.vma", "jalr"):
        assert re.search(rf"\b{re.escape(mnemonic)}\b", text), mnemonic


def test_privileged_programs_meet_everything():
    text = "\n".join(generate(seed, ProgramOptions(privileged=True, contexts=2, pmp_entries=4)) for seed in range(8))
    for part in ("mret", "sret", "wfi", "csrrci", "0x5c4", "0x3b0", "csrw 0x14d", "csrw satp", r"sfence.vma x\d+, x\d+",
                 r"sfence.vma x0, x\d+", r"sfence.vma x\d+, x0", "lr.d", "sc.w", "bnez", "fence.i", "mip", "mideleg"):
        assert re.search(part, text), part


@pytest.mark.parametrize("first", [1, 9])
def test_rtl_agrees_with_spike(tmp_path, first):
    """About 90,000 instructions each."""
    total = 0
    for seed in range(first, first + 8):
        outcome = run_seed(seed, tmp_path)
        assert outcome.mismatch is None, f"seed {seed}: {outcome.mismatch}"
        total += outcome.instructions
    assert total > 60_000


def check(seeds, folder, name="default", *, blocks=120):
    """Check privileged programs on a configuration; returns the sums of instructions, interrupts and exceptions."""
    machine = CONFIGURATIONS[name]
    core = machine.config.core
    totals = [0, 0, 0]
    for seed in seeds:
        options = options_of(seed, privileged=True, blocks=blocks, contexts=core.contexts,
                             pmp_entries=core.pmp_entries)
        outcome = check_seed(seed, folder, options, machine.config, latency=machine.latency,
                             latency_noise=machine.latency_noise)
        assert outcome.mismatch is None, f"{name}, seed {seed}: {outcome.mismatch}"
        for index, number in enumerate((outcome.instructions, outcome.interrupts, outcome.exceptions)):
            totals[index] += number
    return totals


@pytest.mark.parametrize("name", ["default", "small"])
def test_rtl_agrees_with_the_model(tmp_path, name):
    """About 200,000 instructions each, some hundreds of interrupts."""
    instructions, interrupts, exceptions = check(range(1, 6), tmp_path, name)
    assert instructions > 100_000 and interrupts > 200 and exceptions > 1000


@pytest.mark.parametrize("fault", FAULTS)
def test_the_oracle_sees_what_is_wrong(checked_program, tmp_path, fault):
    elf, seed = checked_program
    report = tmp_path / "report.json"
    with host_arguments(load_program(elf)) as arguments:
        command = [build_model(SocConfig(), quiet=True), *arguments, *host_options(seed), "--oracle"]
        done = subprocess.run([*command, "--plant", fault, "--report", report], capture_output=True, text=True)
    assert done.returncode == 4, done.stderr
    ending = json.loads(report.read_text())
    assert ending["reason"] == "mismatch"
    rules = {"interrupt_due": "interrupt 3 is pending and must be taken here",
             "memory": "main memory differs at the end"}
    assert ending["oracle"]["rule"] == rules.get(fault, ending["oracle"]["rule"])
    # At once, but for what only the end shows.
    assert fault == "memory" or ending["oracle"]["instructions"] < 20_000


def test_without_a_fault_the_same_program_passes(checked_program, tmp_path):
    elf, seed = checked_program
    with host_arguments(load_program(elf)) as arguments:
        done = subprocess.run([build_model(SocConfig(), quiet=True), *arguments, "--oracle", "--quiet",
                               *host_options(seed)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_fault_that_does_not_exist():
    command = [build_model(SocConfig(), quiet=True), "--oracle", "--plant", "nonsense"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, "veridian: there is no fault 'nonsense' to plant\n")


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 1200, 50))
def test_rtl_agrees_with_spike_for_long(tmp_path, first):
    """About 600,000 instructions each."""
    for seed in range(first, first + 50):
        outcome = run_seed(seed, tmp_path)
        assert outcome.mismatch is None, f"seed {seed}: {outcome.mismatch}"


@pytest.mark.slow
@pytest.mark.parametrize("first", range(2000, 2200, 50))
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_rtl_agrees_with_the_model_for_long(tmp_path, name, first):
    """About four million instructions each."""
    check(range(first, first + 50), tmp_path, name, blocks=240)
