"""Lockstep of the RTL against Spike on random programs, and the comparison's own tests."""

import re
from pathlib import Path

import pytest

from sim.lockstep import commits, compare, run_seed
from sim.random_program import ProgramOptions, generate

LINE = "core   0: 3 0x0000000080000000 (0x00000013)\n"
TOHOST = 0x8000_1000
END = f"core   0: 3 0x0000000080000008 (0x00533023) mem {TOHOST:#018x} 0x0000000000000001\n"


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


def test_programs_depend_on_the_seed_alone():
    assert generate(7) == generate(7) != generate(8)


def test_programs_meet_every_kind_of_instruction():
    text = "\n".join(generate(seed) for seed in range(8))
    for mnemonic in ("mulhsu", "divuw", "amomaxu.d", "lr.w", "sc.d", "lwu", "sraiw", "fence.i", "sfence.vma", "jalr"):
        assert re.search(rf"\b{re.escape(mnemonic)}\b", text), mnemonic


@pytest.mark.parametrize("first", [1, 9, 17, 25])
def test_rtl_agrees_with_spike(tmp_path, first):
    """About 90,000 instructions each."""
    total = 0
    for seed in range(first, first + 8):
        outcome = run_seed(seed, tmp_path)
        assert outcome.mismatch is None, f"seed {seed}: {outcome.mismatch}"
        total += outcome.instructions
    assert total > 60_000


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 1400, 50))
def test_rtl_agrees_with_spike_for_long(tmp_path, first):
    """About 600,000 instructions each."""
    for seed in range(first, first + 50):
        outcome = run_seed(seed, tmp_path, ProgramOptions(blocks=120, paging=seed % 4 != 0, compressed=seed % 5 != 0))
        assert outcome.mismatch is None, f"seed {seed}: {outcome.mismatch}"
