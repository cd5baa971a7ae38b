"""Commit logs in Spike's format: reading, comparing, and showing a difference to people."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .random_program import ALIAS, MEMORY_BASE

__all__ = ["Mismatch", "commits", "compare", "disassembled"]

_COMMIT = re.compile(r"core +\d+: (\d) (0x[0-9a-f]{16}) \((0x[0-9a-f]+)\)(.*)")
#: Spike also lists CSR writes; what a program reads back shows them on both sides.
_CSR = re.compile(r" c\d+_\w+ 0x[0-9a-f]+")


def disassembled(line: str) -> str:
    """`line` with its instruction in words between the encoding and its effects; as it is without a disassembler."""
    match = re.match(r"(?:core +\d+: )?(\d) (0x[0-9a-f]{16}) \((0x[0-9a-f]+)\) *(.*)", line)
    if match is None:
        return line
    privilege, pc, insn, effects = match.groups()
    try:
        import capstone
    except ModuleNotFoundError:  # It comes with the tests.
        return line
    engine = capstone.Cs(capstone.CS_ARCH_RISCV, capstone.CS_MODE_RISCV64 | capstone.CS_MODE_RISCVC)
    code = int(insn, 16).to_bytes((len(insn) - 2) // 2, "little")
    words = [f"{found.mnemonic} {found.op_str}" for found in engine.disasm(code, int(pc, 16))]
    return f"{'USHM'[int(privilege)]} {pc} {insn:10} {words[0] if words else 'undefined':34} {effects}".rstrip()


@dataclass(frozen=True)
class Mismatch:
    """First difference of two runs.

    Attributes
    ----------
    position : int
        Commits that agreed.
    expected, actual : str
        Lines of the log, or what else differs.
    before : tuple of str
        The commits before it.
    names : tuple of str
        Whose line `expected` is, and whose `actual`.
    rule : str
        What was broken, if there is more to say than that the lines differ.
    """

    position: int
    expected: str
    actual: str
    before: tuple[str, ...]
    names: tuple[str, str] = ("spike", "rtl")
    rule: str = ""

    def __str__(self) -> str:
        width = max(map(len, self.names))
        lines = [f"at commit {self.position}{': ' + self.rule if self.rule else ''}"]
        lines += [f"      {disassembled(line)}" for line in self.before]
        lines += [f"  - {self.names[0]:{width}} {disassembled(self.expected)}",
                  f"  + {self.names[1]:{width}} {disassembled(self.actual)}"]
        return "\n".join(lines)


def commits(path: Path) -> Iterator[str]:
    """Commit lines of a log in Spike's format from the first instruction in main memory on, without CSR writes."""
    started = False
    with path.open() as log:
        for line in log:
            match = _COMMIT.match(line)
            if match is None:
                continue
            privilege, pc, insn, effects = match.groups()
            started = started or int(pc, 16) == MEMORY_BASE
            if started:
                yield f"{privilege} {pc} ({insn}) {' '.join(_CSR.sub('', effects).split())}"


def compare(expected: Path, actual: Path, tohost: int,
            names: tuple[str, str] = ("spike", "rtl")) -> tuple[int, Mismatch | None]:
    """Compare two logs up to the store to `tohost`. Returns the number of equal commits and the first mismatch."""
    recent: list[str] = []
    end = f"mem {tohost:#018x}"
    # U-mode reaches it through its alias of main memory.
    alias = f"mem {tohost + ALIAS:#018x}"
    for position, (left, right) in enumerate(itertools.zip_longest(commits(expected), commits(actual), fillvalue="")):
        if left != right:
            return position, Mismatch(position, left, right, tuple(recent), names)
        if end in left or alias in left:
            return position + 1, None
        recent = [*recent[-5:], left]
    return 0, Mismatch(0, "(a store to tohost)", "(log ended)", tuple(recent), names)
