"""Where the kernel's cycles go: ``python -m sim.profile --through enter_cap_derive``.

Boots the SoC on the RTL and follows which instruction ends in which cycle. A *visit* is what lies between two
instructions of user mode: everything from the trap to the return. Each cycle of a visit counts for the instruction that
ends next, so waiting (misses, flushed instructions, devices) is part of the instruction that waited; the
`sret` and what refills the pipeline behind it count for the last function of the visit.
"""

import bisect
import os
import struct
import tempfile
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click
from elftools.elf.elffile import ELFFile
from rich.table import Table

from .boot import DEFAULT_TIMEOUT, boot, find_target
from .pipeline import disassembler
from .results import print_table
from .toolchain import ToolError, run_command

__all__ = ["Profile", "Symbols", "Visit", "collect", "visits"]

#: Addresses from here on are the kernel's: user programs and firmware lie below.
KERNEL_HALF = 1 << 63
RECORD = struct.Struct("=QQ")


class Symbols:
    """Names of code by address: functions, and labels of assembly that are no mapping symbols."""

    def __init__(self, elf: Path):
        with elf.open("rb") as file:
            parsed = ELFFile(file)
            text = {index for index, section in enumerate(parsed.iter_sections()) if section["sh_flags"] & 4}
            found = {symbol["st_value"]: symbol.name for symbol in parsed.get_section_by_name(".symtab").iter_symbols()
                     if symbol["st_shndx"] in text and symbol.name and symbol.name[0] not in "$."}
            self._segments = [(segment["p_vaddr"], segment.data()) for segment in parsed.iter_segments()
                              if segment["p_type"] == "PT_LOAD"]
        self._addresses = sorted(found)
        self._names = [found[address] for address in self._addresses]

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def name(self, address: int) -> str:
        """Of the function that `address` lies in."""
        place = bisect.bisect_right(self._addresses, address) - 1
        return self._names[place] if place >= 0 else hex(address)

    def code(self, address: int) -> bytes:
        """The instruction there; empty outside of the file."""
        for start, content in self._segments:
            if start <= address < start + len(content):
                found = content[address - start:address - start + 4]
                return found if found[0] & 3 == 3 else found[:2]
        return b""


@dataclass
class Visit:
    """One stay in the kernel: addresses of what ended, with the cycles that went by until it did."""

    start: int
    steps: list[tuple[int, int]] = field(default_factory=list)

    @property
    def cycles(self) -> int:
        return sum(cycles for _, cycles in self.steps)


def visits(records: Iterable[tuple[int, int]]) -> Iterator[Visit]:
    """The visits of a run from its (cycle, address) records; one that has not ended is left out."""
    visit, before = None, None
    for cycle, address in records:
        if address >= KERNEL_HALF:
            if visit is None and before is not None:
                visit = Visit(cycle)
            if visit is not None:
                visit.steps.append((address, cycle - before))
        elif visit is not None:
            visit.steps.append((visit.steps[-1][0], cycle - before))
            yield visit
            visit = None
        before = cycle


@dataclass
class Profile:
    """Sums over all visits that came through a function.

    Attributes
    ----------
    cycles, instructions : Counter
        By name of function.
    lengths : list of int
        Cycles of each visit.
    typical : Visit or None
        Of the visits of median length the first.
    """

    cycles: Counter = field(default_factory=Counter)
    instructions: Counter = field(default_factory=Counter)
    lengths: list[int] = field(default_factory=list)
    _kept: dict[int, Visit] = field(default_factory=dict)

    def add(self, visit: Visit, names: list[str]) -> None:
        """`names` are those of the visit's steps."""
        for name, (_, cycles) in zip(names, visit.steps, strict=True):
            self.cycles[name] += cycles
            self.instructions[name] += 1
        self.lengths.append(visit.cycles)
        self._kept.setdefault(visit.cycles, visit)

    @property
    def median(self) -> int:
        return sorted(self.lengths)[len(self.lengths) // 2]

    @property
    def typical(self) -> Visit | None:
        return self._kept[self.median] if self.lengths else None


def collect(found: Iterable[Visit], symbols: Symbols) -> dict[str, Profile]:
    """A profile for each function, of the visits that came through it."""
    name = {}
    profiles: dict[str, Profile] = defaultdict(Profile)
    for visit in found:
        for address, _ in visit.steps:
            if address not in name:
                name[address] = symbols.name(address)
        names = [name[address] for address, _ in visit.steps]
        for function in set(names):
            profiles[function].add(visit, names)
    return profiles


def _read(path: Path) -> Iterator[tuple[int, int]]:
    with path.open("rb") as file:
        while chunk := file.read(RECORD.size << 12):
            yield from RECORD.iter_unpack(chunk[:len(chunk) - len(chunk) % RECORD.size])


def run(symbols: Symbols, *, target: str = "soc", init: str = "capabilities", bootargs: str = "",
        until: str | None = None, timeout: float | None = None,
        on_line: Callable[[str], None] = lambda line: None) -> dict[str, Profile]:
    """Boot and profile; the options are those of :func:`sim.boot.boot`.

    Raises
    ------
    ToolError
        If the run did not end well.
    """
    result: dict[str, Profile] = {}
    with tempfile.TemporaryDirectory(prefix="veridian-") as folder:
        pipe = Path(folder) / "retired"
        os.mkfifo(pipe)
        # The pipe is open for writing until the run is over, so that the reader gets its end in any case.
        reader = threading.Thread(target=lambda: result.update(collect(visits(_read(pipe)), symbols)))
        reader.start()
        holder = os.open(pipe, os.O_WRONLY)
        try:
            ending = boot(find_target(target), init=init, bootargs=bootargs, until=until, retired=pipe,
                          timeout=timeout, echo=False, on_line=on_line)
        finally:
            os.close(holder)
            reader.join()
    if ending.code != 0:
        raise ToolError(f"the run ended with code {ending.code}")
    return result


def _overview(profiles: dict[str, Profile], prefix: str) -> Table:
    table = Table(title="Visits of the kernel", title_justify="left")
    table.add_column("through")
    for name in ("visits", "min", "median", "max"):
        table.add_column(name, justify="right")
    for name in sorted(profiles):
        if name.startswith(prefix):
            lengths = profiles[name].lengths
            table.add_row(name, *(f"{value:,}" for value in (len(lengths), min(lengths), profiles[name].median,
                                                            max(lengths))))
    return table


def _by_function(name: str, profile: Profile, symbols: Symbols) -> Table:
    lengths = profile.lengths
    table = Table(title=f"{len(lengths)} visits through {name}: {min(lengths):,}, median {profile.median:,}, "
                        f"{max(lengths):,} cycles", title_justify="left")
    table.add_column("function")
    for column in ("cycles, mean", "instructions, mean", "cycles, typical", "instructions, typical"):
        table.add_column(column, justify="right")
    cycles, instructions = Counter(), Counter()
    for address, spent in profile.typical.steps:
        cycles[symbols.name(address)] += spent
        instructions[symbols.name(address)] += 1
    for function, total in profile.cycles.most_common():
        table.add_row(function, f"{total / len(lengths):.1f}",
                      f"{profile.instructions[function] / len(lengths):.1f}", str(cycles[function]),
                      str(instructions[function]))
    return table


def _steps(visit: Visit, symbols: Symbols) -> Iterator[str]:
    text_of, function = disassembler(), None
    for address, cycles in visit.steps:
        if symbols.name(address) != function:
            function = symbols.name(address)
            yield f"{function}:"
        yield f"{cycles:6}  {address & 0xffffffff:08x}  {text_of(address, symbols.code(address))}"


@click.command()
@click.option("--init", default="capabilities", show_default=True, help="First program to run.")
@click.option("--target", default="soc", show_default=True, help="soc or soc-sw.")
@click.option("--bootargs", default="", help="Added to the kernel's command line.")
@click.option("--through", "function", metavar="FUNCTION", help="Cycles by function, of the visits through it.")
@click.option("--steps", is_flag=True, help="With --through: each instruction of a median visit, with cycles.")
@click.option("--prefix", default="enter_", show_default=True, help="Without --through: the functions that are listed.")
@click.option("--until", metavar="TEXT", help="End when the console has shown TEXT.")
@click.option("--timeout", type=float, default=DEFAULT_TIMEOUT, show_default=True, metavar="SECONDS")
def main(init: str, target: str, bootargs: str, function: str | None, steps: bool, prefix: str, until: str | None,
         timeout: float):
    """Boot the SoC and show which of the kernel's functions take how many cycles."""
    from kernel.build import BuildError, build_kernel

    if steps and function is None:
        raise ToolError("--steps wants --through", 2)
    try:
        symbols = Symbols(build_kernel("riscv64").with_name("kernel.elf"))
    except BuildError as error:
        raise ToolError(f"the kernel does not build: {error}") from None
    if function is not None and function not in symbols:
        raise ToolError(f"the kernel has no function '{function}'; without --through the command lists some", 2)
    profiles = run(symbols, target=target, init=init, bootargs=bootargs, until=until, timeout=timeout)
    if function is None:
        print_table(_overview(profiles, prefix))
    elif function not in profiles:
        raise ToolError(f"nothing came through {function}")
    else:
        print_table(_by_function(function, profiles[function], symbols))
        for line in _steps(profiles[function].typical, symbols) if steps else ():
            click.echo(line)


if __name__ == "__main__":
    run_command(main)
