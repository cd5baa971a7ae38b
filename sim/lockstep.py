"""Lockstep of the RTL against Spike over random programs: `python -m sim.lockstep --seed 1 --count 20`.

Both run the same ELF; their commit logs (privilege, pc, instruction, register written, memory accessed) must be
equal line by line from the program's first instruction to its store to `tohost`.
"""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
from rich.progress import Progress

from soc.config import SocConfig

from .elf import load_program
from .random_program import LINKER_SCRIPT, MEMORY_BASE, ProgramOptions, generate, options_of
from .run_elf import run_program
from .spike import commit_log
from .toolchain import BUILD, ROOT, ToolError, console, run_tool

__all__ = ["Mismatch", "Outcome", "assemble", "compare", "run_seed"]

_ASSEMBLER_FLAGS = ("-target", "riscv64-freestanding-none", "-mcpu=generic_rv64+m+a+c+zicsr+zifencei", "-mabi=lp64",
                    "-nostdlib", "-static", "-Wl,--build-id=none")
_CYCLE_LIMIT = 2_000_000
_COMMIT = re.compile(r"core +\d+: (\d) (0x[0-9a-f]{16}) \((0x[0-9a-f]+)\)(.*)")
#: Spike also lists CSR writes; what a program reads back shows them on both sides.
_CSR = re.compile(r" c\d+_\w+ 0x[0-9a-f]+")


@dataclass(frozen=True)
class Mismatch:
    """First difference of two commit logs: its position and the lines around it."""

    position: int
    expected: str
    actual: str
    before: tuple[str, ...]

    def __str__(self) -> str:
        context = "\n".join(f"    {line}" for line in self.before)
        return f"at commit {self.position}:\n{context}\n  - spike {self.expected}\n  + rtl   {self.actual}"


@dataclass(frozen=True)
class Outcome:
    """Result of one program: how many instructions agreed, and the first mismatch if any."""

    seed: int
    instructions: int
    mismatch: Mismatch | None


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


def compare(expected: Path, actual: Path, tohost: int) -> tuple[int, Mismatch | None]:
    """Compare two logs up to the store to `tohost`. Returns the number of equal commits and the first mismatch."""
    recent: list[str] = []
    end = f"mem {tohost:#018x}"
    alias = f"mem {tohost + 0x4000_0000:#018x}"
    for position, (left, right) in enumerate(itertools.zip_longest(commits(expected), commits(actual), fillvalue="")):
        if left != right:
            return position, Mismatch(position, left, right, tuple(recent))
        if end in left or alias in left:
            return position + 1, None
        recent = [*recent[-5:], left]
    return 0, Mismatch(0, "(a store to tohost)", "(log ended)", tuple(recent))


def assemble(text: str, path: Path) -> Path:
    """Assemble and link a program; returns the ELF's path."""
    source, script = path.with_suffix(".S"), path.with_suffix(".ld")
    source.write_text(text)
    script.write_text(LINKER_SCRIPT)
    command = [sys.executable, "-m", "ziglang", "cc", *_ASSEMBLER_FLAGS, f"-Wl,-T,{script}", source, "-o", path]
    run_tool(command, log=path.with_suffix(".asm.log"))
    return path


def run_seed(seed: int, folder: Path, options: ProgramOptions | None = None,
             config: SocConfig | None = None) -> Outcome:
    """Generate program `seed`, run it on both, compare. Its files stay in `folder` only when they differ."""
    elf = assemble(generate(seed, options or options_of(seed)), folder / f"random-{seed}.elf")
    expected, actual = folder / f"random-{seed}.spike.log", folder / f"random-{seed}.rtl.log"
    commit_log(elf, expected)
    program = load_program(elf)
    run_program(program, trace=actual, max_cycles=_CYCLE_LIMIT, config=config, echo=False, quiet=True)
    count, mismatch = compare(expected, actual, program.symbols["tohost"])
    if mismatch is None:
        for file in folder.glob(f"random-{seed}.*"):
            file.unlink()
    return Outcome(seed, count, mismatch)




@click.command()
@click.option("--seed", type=int, default=1, show_default=True, help="First seed.")
@click.option("--count", type=click.IntRange(min=1), default=20, show_default=True, help="Number of programs.")
def main(seed: int, count: int):
    """Run COUNT random programs on the RTL and on Spike; exit code 1 at the first mismatch."""
    folder = BUILD / "lockstep"
    folder.mkdir(parents=True, exist_ok=True)
    total = 0
    with Progress(console=console) as progress:
        for number in progress.track(range(seed, seed + count), description="Lockstep"):
            outcome = run_seed(number, folder)
            if outcome.mismatch is not None:
                elf = folder / f"random-{number}.elf"
                raise ToolError(f"seed {number}: {outcome.mismatch}\nwaveform: python -m sim.run_elf "
                                f"{elf.relative_to(ROOT)} --wave {number}.vcd")
            total += outcome.instructions
    click.echo(f"{count} programs, {total} instructions, 0 mismatches")


if __name__ == "__main__":
    main()
