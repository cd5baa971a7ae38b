"""Page-table entries of kernel/arch/aarch64, built on the host, against the rules of the Arm ARM, D8.3 and D8.4."""

import itertools
import subprocess
import sys

import pytest

from kernel.build import GENERATED, KERNEL
from sim.toolchain import BUILD
from soc.generate.c_header import write_headers

READ, WRITE, EXECUTE, USER, DEVICE, GLOBAL = (1 << i for i in range(6))
FLAGS = range(64)
PAGES = (0, 0x4000_0000, 0xffff_c000_0000)
SOURCE = r"""
#include <stdio.h>
#include "arch_types.h"
int main(void)
{
    uint64_t pages[] = { 0, 0x40000000, 0xffffc0000000 };
    for (unsigned page = 0; page < 3; page++)
        for (unsigned level = 0; level < 3; level++)
            for (unsigned flags = 0; flags < 64; flags++) {
                uint64_t entry = arch_pte_leaf(pages[page], (enum map_flags)flags, level), allowed = 0;
                for (unsigned asked = 0; asked < 16; asked++)
                    allowed |= (uint64_t)arch_pte_allows(entry, (enum map_flags)asked) << asked;
                printf("%llx %llx %d %d %llx\n", (unsigned long long)entry, (unsigned long long)arch_pte_address(entry),
                       arch_pte_present(entry), arch_pte_is_leaf(entry, level), (unsigned long long)allowed);
            }
    uint64_t table = arch_pte_table(0x40001000);
    printf("%d %d %d\n", arch_pte_present(table), arch_pte_is_leaf(table, 1), arch_pte_present(0));
}
"""


@pytest.fixture(scope="module")
def lines() -> list[str]:
    write_headers(GENERATED)
    folder = BUILD / "tests/kernel/aarch64"
    folder.mkdir(parents=True, exist_ok=True)
    source, program = folder / "entries.c", folder / "entries"
    source.write_text(SOURCE)
    subprocess.run([sys.executable, "-m", "ziglang", "cc", "-std=c23", "-fasm", "-O1", "-Wall", "-Wextra", "-Werror",
                    "-I", str(KERNEL / "include"), "-I", str(KERNEL / "arch/aarch64"), "-I", str(GENERATED),
                    str(source), "-o", str(program)], check=True)
    return subprocess.run([program], capture_output=True, text=True, check=True).stdout.splitlines()


def rights(entry: int) -> tuple[set[str], set[str]]:
    """What EL1 and EL0 may do by AP, PXN and UXN, with WXN set."""
    writable, user_data = not entry >> 7 & 1, entry >> 6 & 1
    kernel, user = {"r"} | ({"w"} if writable else set()), set()
    if user_data:
        user |= {"r"} | ({"w"} if writable else set())
    if not entry >> 53 & 1 and not writable:
        kernel.add("x")
    if not entry >> 54 & 1 and not (writable and user_data):
        user.add("x")
    return kernel, user


def cases(lines: list[str]):
    for line, (page, level, flags) in zip(lines, itertools.product(PAGES, range(3), FLAGS), strict=False):
        entry, address, present, leaf, allowed = line.split()
        yield page, level, flags, int(entry, 16), int(address, 16), int(present), int(leaf), int(allowed, 16)


def test_entries_say_what_was_asked(lines):
    count = 0
    for page, level, flags, entry, address, present, leaf, _ in cases(lines):
        count += 1
        assert (address, present, leaf) == (page, 1, 1)
        assert entry & 3 == (3 if level == 0 else 1), "page or block"
        assert entry >> 2 & 7 == (1 if flags & DEVICE else 0), "index into MAIR"
        assert entry >> 8 & 3 == 3 and entry >> 10 & 1, "inner shareable, access flag"
        assert bool(entry >> 11 & 1) == (not flags & GLOBAL), "nG"
        if flags & WRITE and flags & EXECUTE:
            continue          # W^X: nobody asks for it, the test below covers what it would give
        kernel, user = rights(entry)
        data = {"r"} if flags & (READ | WRITE) else set()
        wanted = data | ({"w"} if flags & WRITE else set()) | ({"x"} if flags & EXECUTE else set())
        assert user == (wanted if flags & USER else set()), (flags, user)
        assert kernel - {"r"} == ({"w"} if flags & WRITE else set()) | (
            {"x"} if flags & EXECUTE and not flags & USER else set()), (flags, kernel)
    assert count == len(PAGES) * 3 * len(FLAGS)


def test_nothing_is_writable_and_executable_under_wxn(lines):
    for *_, entry, _, _, _, _ in cases(lines):
        assert not any({"w", "x"} <= mode for mode in rights(entry))


def test_allows_answers_what_the_cpu_would(lines):
    for _, _, flags, entry, _, _, _, allowed in cases(lines):
        if flags & WRITE and flags & EXECUTE:
            continue
        kernel, user = rights(entry)
        for asked in range(16):
            letters = {letter for bit, letter in ((READ, "r"), (WRITE, "w"), (EXECUTE, "x")) if asked & bit}
            is_user = bool(user)
            if asked & USER and not is_user:
                expected = False
            else:
                expected = letters <= (user if is_user else kernel)
            assert bool(allowed >> asked & 1) == expected, (flags, asked)


def test_tables_and_nothing(lines):
    assert lines[-1] == "1 0 0"
