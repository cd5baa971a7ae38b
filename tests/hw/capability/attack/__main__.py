"""Attacks the capability unit at random: ``python -m tests.hw.capability.attack --help``.

A kernel in C++ keeps capabilities in tables in memory and changes them all the time: it creates, derives, deletes,
revokes, lets objects die and come back, takes pages and spaces away. Meanwhile two attackers ask the Verilated unit,
one by instructions, the other through the register window. An answer must be what the kernel's own book says
(`book.cpp`, which knows nothing of tables): accepted only where that space holds that capability.
"""

import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import click
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from hw.capability.config import FAULTS
from sim.toolchain import ToolError, console, run_command

from .build import build_program

__all__ = ["BLOCK", "INTERFACES", "Failure", "Result", "run_block"]

#: Checks of each interface that one seed makes; a longer campaign goes on with the next seed.
BLOCK = 100_000
INTERFACES = ("instructions", "window")


class Failure(Exception):
    """An answer that the book does not allow."""


@dataclass
class Result:
    """What was asked, by interface and attack, and how often the answer was OK."""

    asked: dict = field(default_factory=dict)
    accepted: dict = field(default_factory=dict)
    cycles: int = 0
    changes: int = 0

    def add(self, line: str) -> None:
        """Take in a line of the harness."""
        word, *rest = line.split()
        if word == "tally":
            key, (asked, accepted) = tuple(rest[:2]), map(int, rest[2:])
            self.asked[key] = self.asked.get(key, 0) + asked
            self.accepted[key] = self.accepted.get(key, 0) + accepted
        elif word in ("cycles", "changes"):
            setattr(self, word, getattr(self, word) + int(rest[0]))


def run_block(program: Path, seed: int, count: int, faults=(), *, result: Result | None = None,
              advance=lambda judged: None) -> Result:
    """Let the harness make `count` checks on each interface.

    Parameters
    ----------
    program : Path
        Of :func:`tests.hw.capability.attack.build.build_program`.
    seed, count : int
    faults : iterable of str
        Faults to plant, out of :data:`hw.capability.config.FAULTS`.
    result : Result, optional
        To add to.
    advance : callable
        Called with the number of checks that have been judged.

    Raises
    ------
    Failure
        With what was asked, answered and expected.
    ToolError
        When the harness itself breaks.
    """
    result = Result() if result is None else result
    mask = sum(1 << FAULTS.index(name) for name in faults)
    with subprocess.Popen([program, str(seed), str(count), str(mask)], stdout=subprocess.PIPE, text=True) as process:
        try:
            for line in process.stdout:
                word, _, rest = line.strip().partition(" ")
                if word == "failure":
                    raise Failure(rest)
                if word == "judged":
                    advance(int(rest))
                else:
                    result.add(line)
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise ToolError(f"the attack harness ended with exit code {process.returncode}")
    return result


def _print(result: Result, seconds: float) -> None:
    table = Table(title="Checks, and how many were answered OK")
    table.add_column("attack")
    for interface in INTERFACES:
        table.add_column(interface, justify="right")
        table.add_column("OK", justify="right")
    for kind in dict.fromkeys(kind for _, kind in result.asked):
        cells = [f"{numbers.get((interface, kind), 0):,}" for interface in INTERFACES
                 for numbers in (result.asked, result.accepted)]
        table.add_row(kind, *cells)
    console.print(table)
    checks = sum(count for (_, kind), count in result.asked.items() if kind not in ("forbidden", "killed"))
    click.echo(f"{checks:,} checks in {result.cycles:,} cycles and {result.changes:,} changes of the tables, "
               f"{checks / max(seconds, 1e-9):,.0f} checks a second: all answered right")


@click.command()
@click.option("--count", type=click.IntRange(min=1), default=BLOCK, show_default=True, metavar="N",
              help="Checks on each of the two interfaces.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, metavar="S",
              help=f"Of the first {BLOCK:,} checks; each {BLOCK:,} more take the next one.")
@click.option("--fault", "faults", multiple=True, type=click.Choice(FAULTS), metavar="NAME",
              help="Plant a fault of hw/capability/config.py, to see it found.")
def main(count, seed, faults):
    """Ask the capability unit for what is held and for what is not, at random, while the tables change.

    Exit code 1 with the first wrong answer. After Ctrl-C the last line says how to go on from there.
    """
    program = build_program()
    result, done, start = Result(), 0, time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,} of {task.total:,} checks"),
               TimeElapsedColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=console) as progress:
            task = progress.add_task(f"Seed {seed}", total=2 * count)
            while done < count:
                block = min(BLOCK, count - done)
                run_block(program, seed, block, faults, result=result,
                          advance=lambda judged, done=done: progress.update(task, completed=2 * done + judged))
                done += block
                seed += 1
                progress.update(task, description=f"Seed {seed}")
    except Failure as failure:
        options = "".join(f" --fault {name}" for name in faults)
        raise ToolError(f"seed {seed}: {failure} (again: --seed {seed} --count {block}{options})") from None
    except KeyboardInterrupt:
        click.echo(f"Go on with: --seed {seed} --count {count - done}", err=True)
        raise click.Abort from None
    _print(result, time.monotonic() - start)


if __name__ == "__main__":
    run_command(main)
