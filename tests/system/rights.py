"""Prints the table of system calls and rights with what a booted program found: ``python -m tests.system.rights``.

Boots `suite`, whose walk (kernel/user/programs/suite/rights_tests.c) tries each call with capabilities that lack a
right, are of the wrong type, dead, forged or empty, and holds what it says against the table. Exit code 1 if anything
differs.
"""

import re
import sys
from dataclasses import dataclass

import click

from hw import abi
from sim.boot import TARGETS, boot, find_target
from sim.results import print_table
from sim.toolchain import ToolError, run_command
from soc.generate.call_page import needs

__all__ = ["Walked", "faults", "parse"]

_LINE = re.compile(r"rights call=(\d+) handle=(\d+) ((?:\w+=\d+ ?)+)$")
_MEMORY_RIGHTS = abi.Rights.READ | abi.Rights.WRITE | abi.Rights.EXECUTE


@dataclass(frozen=True)
class Walked:
    """What the walk found for one handle argument.

    Attributes
    ----------
    call : int
    handle : int
        Which of the call's handles.
    found : dict of str to int
        `refused`: mask of the rights without which the call said MISSING_RIGHTS; the others are a Status.
    """

    call: int
    handle: int
    found: dict[str, int]


def parse(output: str) -> list[Walked]:
    """The walk's lines in a console log."""
    found = filter(None, (_LINE.match(line.strip()) for line in output.splitlines()))
    return [Walked(int(match[1]), int(match[2]), {name: int(value) for name, value in
                                                  (word.split("=") for word in match[3].split())}) for match in found]


def _expected(handle: abi.HandleArgument) -> dict[str, int]:
    rights = handle.rights | (_MEMORY_RIGHTS if handle.asked is not None else abi.Rights(0))
    status = abi.Status
    return {"refused": rights.value, "wrong_type": (status.WRONG_TYPE if handle.cap_type else status.OK).value,
            "deleted": status.BAD_HANDLE.value, "empty": status.EMPTY.value, "wide": status.BAD_HANDLE.value,
            "stale": (status.OK if handle.stale else status.STALE).value,
            "enough": status.OK.value}


def _differences(handle: abi.HandleArgument, walked: Walked | None) -> list[str]:
    if walked is None:
        return ["was not walked"]
    return [f"{name} is {walked.found.get(name)}, not {value}" for name, value in _expected(handle).items()
            if walked.found.get(name) != value]


def faults(walks: list[Walked]) -> list[str]:
    """Where the walk differs from the table; empty when all is well."""
    by_place = {(walk.call, walk.handle): walk for walk in walks}
    rows = [(rule, index, handle) for rule in abi.CALLS for index, handle in enumerate(rule.handles)]
    unknown = by_place.keys() - {(rule.call.value, index) for rule, index, _ in rows}
    return [f"{rule.call.name}, {handle.name}: {difference}" for rule, index, handle in rows
            for difference in _differences(handle, by_place.get((rule.call.value, index)))
            ] + [f"call {call}, handle {index}: not in the table" for call, index in sorted(unknown)]


def _rows(walks: list[Walked]) -> list[tuple[str, ...]]:
    by_place = {(walk.call, walk.handle): walk for walk in walks}
    rows = []
    for rule in abi.CALLS:
        for index, handle in enumerate(rule.handles):
            wrong = _differences(handle, by_place.get((rule.call.value, index)))
            rows.append((str(rule.call.value), rule.call.name, handle.name, needs(handle).replace("`", ""),
                         "; ".join(wrong) or "as stated"))
        if not rule.handles:
            rows.append((str(rule.call.value), rule.call.name, "", "no capability", ""))
    return rows


@click.command()
@click.option("--target", "name", default="qemu-riscv64", show_default=True, metavar="TARGET", help=", ".join(TARGETS))
def main(name: str) -> None:
    """Boot the walk of all system calls on a target and print the table with its results."""
    from rich.table import Table

    result = boot(find_target(name), init="suite", echo=False, timeout=900)
    walks = parse(result.output)
    if not walks:
        raise ToolError(f"{name}: the suite printed no walk; its exit code is {result.code}")
    shown = Table("number", "call", "argument", "needs", "refused otherwise",
                  title=f"System calls and rights on {name}")
    for row in _rows(walks):
        shown.add_row(*row)
    print_table(shown)
    wrong = faults(walks)
    click.echo(f"{len(abi.CALLS)} calls, {len(walks)} handles walked, {len(wrong)} differences")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    run_command(main)
