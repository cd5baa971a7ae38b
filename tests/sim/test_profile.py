"""Profiles of the kernel: what made-up runs count, and that the sums are the times that a program measures."""

import re

import pytest

from kernel.build import build_kernel
from sim.profile import KERNEL_HALF, Symbols, Visit, collect, run, visits
from sim.toolchain import ToolError

KERNEL = KERNEL_HALF + 0x1000


def test_visits_are_what_lies_between_user_instructions():
    records = [(1, KERNEL), (3, 0x400), (10, KERNEL), (11, KERNEL + 4), (20, 0x404), (21, 0x408), (30, KERNEL),
               (35, 0x40c), (40, KERNEL)]
    assert list(visits(records)) == [
        Visit(10, [(KERNEL, 7), (KERNEL + 4, 1), (KERNEL + 4, 9)]),
        Visit(30, [(KERNEL, 9), (KERNEL, 5)]),
    ]


class _Names:
    def name(self, address):
        return "even" if address & 2 == 0 else "odd"


def test_each_function_gets_the_visits_that_came_through_it():
    found = [Visit(0, [(0, 5), (2, 1)]), Visit(9, [(0, 2), (0, 1)]), Visit(12, [(0, 4), (2, 4)])]
    profiles = collect(found, _Names())
    assert profiles["even"].lengths == [6, 3, 8] and profiles["odd"].lengths == [6, 8]
    assert profiles["even"].median == 6 and profiles["even"].typical is found[0]
    assert profiles["odd"].cycles == {"even": 9, "odd": 5} and profiles["odd"].instructions == {"even": 2, "odd": 2}


def test_names_are_those_of_the_kernel():
    symbols = Symbols(build_kernel("riscv64").with_name("kernel.elf"))
    assert "trap_entry" in symbols and "enter_cap_derive" in symbols and "nobody" not in symbols


def test_sums_are_what_the_program_measures():
    """From the system call to the instruction behind it the program measures a few cycles more than the visit takes."""
    symbols = Symbols(build_kernel("riscv64").with_name("kernel.elf"))
    lines = []
    found = run(symbols, until="operation=capability_derive", timeout=400, on_line=lines.append)["short_create"]
    measured = next(match for line in lines if (match := re.search(r"capability_create .* median=(\d+)", line)))
    # One more may have come before those that are measured.
    assert len(found.lengths) in (65, 66)
    assert 0 <= int(measured[1]) - sorted(found.lengths[-65:])[32] <= 20


def test_a_run_that_does_not_end_well_is_an_error():
    symbols = Symbols(build_kernel("riscv64").with_name("kernel.elf"))
    with pytest.raises(ToolError, match="ended with code 124"):
        run(symbols, timeout=0.5)
