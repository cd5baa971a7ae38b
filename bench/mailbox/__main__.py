"""Cycles of the mailbox on the RTL, from user mode: ``python -m bench.mailbox``."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from hw.mailbox.config import MailboxConfig
from hw.mailbox.registers import constants
from kernel.registers import write_register_headers
from sim.bare_metal import build_program
from sim.elf import load_program
from sim.run_elf import run_program
from sim.toolchain import BUILD, ROOT, ToolError, run_command
from soc.config import SocConfig

__all__ = ["FIGURES", "HART_TO_HART", "Figure", "between_harts", "mailbox_program", "measure"]

PROGRAMS = Path(__file__).parent / "programs"
#: Start-up and console.
COMMON = ROOT / "bench" / "core" / "programs"
#: Messages in a row.
BURST = MailboxConfig.depth
_MAX_CYCLES = 10_000_000


@dataclass(frozen=True)
class Figure:
    """One line of the result.

    Attributes
    ----------
    measurement : str
        Routine of programs/routines.S.
    meaning : str
    messages : int
        How many it sends or receives.
    goal : float, optional
        Cycles for each that it may take.
    """

    measurement: str
    meaning: str
    messages: int = 1
    goal: float | None = None


FIGURES = (
    Figure("enqueue", "send 64 bytes: mail.put0 to 3, mail.send", goal=12),
    Figure("enqueue_tested", "and a branch on its status"),
    Figure("dequeue", "receive 64 bytes: mail.receive, mail.get0 to 7, mail.pop", goal=12),
    Figure("dequeue_tested", "and a branch on its status"),
    Figure("enqueue_burst", "send, one after the other", BURST, 24),
    Figure("dequeue_burst", "receive, one after the other", BURST, 24),
    Figure("exchange", "send and receive in turn, by one thread", BURST, 24),
    Figure("enqueue_page", "send 64 bytes by a page, with its status", goal=40),
    Figure("dequeue_page", "receive 64 bytes by a page, with its status", goal=40),
)


#: The system has one hart, so two of them are driven at the mailbox's ports as the core drives one.
HART_TO_HART = Figure("hart_to_hart", "hart to hart, at worst: first instruction of the send to last word", goal=30)


def between_harts() -> dict[str, int]:
    """Cycles from a hart's first instruction of a send of 64 bytes to the last word in a register of another hart that
    polls, `best` and `worst` over how its polls lie. Raises ToolError without the tests' packages, or when a message
    does not arrive."""
    try:
        from tests.hw.cocotb_bench import BenchFailure, model_of, run
    except ModuleNotFoundError as error:
        raise ToolError(f"hart to hart is measured with the packages of the tests, and {error.name} is missing; "
                        "`make bench-mailbox` installs them") from None
    bench, environment = "tests.hw.mailbox.hart_bench", {"MAILBOX": "harts"}
    try:
        log = run(model_of(bench, environment=environment), bench, HART_TO_HART.measurement, environment=environment)
    except BenchFailure as error:
        raise ToolError(str(error)) from None
    return ast.literal_eval(re.search(r"FIGURES ({.*})", log)[1])


def mailbox_program() -> Path:
    """ELF file of the bench."""
    headers = BUILD / "generated" / "include"
    write_register_headers(headers)
    # Assembly knows no constants of C.
    numbers = tuple(f"-DASM_{name}={value:#x}" for name, value in constants().items())
    sources = [COMMON / "start.S", COMMON / "console.c", PROGRAMS / "routines.S", PROGRAMS / "mailbox.c"]
    return build_program(sources, include=(COMMON, headers / "veridian"), flags=(f"-DBURST={BURST}", *numbers))


def measure(config: SocConfig | None = None) -> dict[str, float]:
    """Median cycles of each figure, for each message. Raises ToolError when the program fails."""
    program = load_program(mailbox_program())
    finished = run_program(program, config=config, max_cycles=_MAX_CYCLES, echo=False, quiet=True)
    if finished.code != 0:
        raise ToolError(f"the program ended with code {finished.code}:\n{finished.output}")
    medians = {name: int(median) for name, median in re.findall(
        r"^mailbox measurement=(\w+) .*\bmedian=(\d+)", finished.output, re.MULTILINE)}
    return {figure.measurement: medians[figure.measurement] / figure.messages for figure in FIGURES}


@click.command()
@click.option("--check", is_flag=True, help="Fail when a goal is missed.")
def main(check):
    """Measure the mailbox's instructions and pages on the RTL."""
    cycles = measure() | {HART_TO_HART.measurement: between_harts()["worst"]}
    table = Table("operation", "cycles", "goal")
    missed = []
    for figure in (*FIGURES, HART_TO_HART):
        value = cycles[figure.measurement]
        table.add_row(figure.meaning, f"{value:g}", "" if figure.goal is None else f"<= {figure.goal:g}")
        if figure.goal is not None and value > figure.goal:
            missed.append(figure.meaning)
    Console().print(table)
    if check and missed:
        raise ToolError("missed: " + ", ".join(missed))


if __name__ == "__main__":
    run_command(main)
