"""Area of the two blocks by configuration: ``python -m fpga.area --help``.

Synthesis alone, as in :mod:`fpga.size`; results are kept, so a run that was interrupted goes on where it was.
"""

import re
import subprocess
from pathlib import Path

import click

from sim.toolchain import ROOT, ToolError, console, run_command
from soc.blocks import ROOTS, find_block
from soc.parameters import configure

from .size import COLUMNS, measure

__all__ = ["BEGIN", "CONFIGURATIONS", "END", "page", "table", "with_table"]

#: Configurations of each block that its page of the datasheet lists; the empty one is the default.
CONFIGURATIONS = {
    "capability-unit": ((), ("lines=64",), ("lines=64", "revocation=false"),
                        ("lines=64", "revocation=false", "counters=false"), ("lines=1024", "ways=4")),
    "mailbox": ((), ("contexts=0",), ("queues=4", "pages=3", "senders=4"), ("queues=64",)),
}
#: Lines of a page between which the table stands.
BEGIN, END = "<!-- python -m fpga.area --write: from here -->", "<!-- to here -->"


def page(block: str) -> Path:
    """The page of the datasheet."""
    return ROOT / "docs" / "datasheet" / f"{block}.md"


def version(block: str) -> str:
    """The commit that changed the RTL of `block` last, with a plus sign if it has been changed since."""
    sources = ["hw/" + ROOTS[block].make.__module__.split(".")[1], "hw/bus", "hw/abi/hardware.py",
               "hw/core/port.py"]

    def git(*arguments):
        return subprocess.run(["git", *arguments, "--", *sources], cwd=ROOT, capture_output=True, text=True,
                              check=True).stdout.strip()
    try:
        return git("log", "-1", "--format=%h") + ("+" if git("status", "--porcelain") else "")
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        raise ToolError(f"no history of {block}: {error}") from None


def table(block: str, totals: list[dict], commit: str) -> str:
    """Markdown, a row for each of `CONFIGURATIONS[block]`."""
    lines = [f"| parameters (the others as by default; {commit}) | {' | '.join(COLUMNS.values())} |",
             "|---" * (1 + len(COLUMNS)) + "|"]
    for parameters, total in zip(CONFIGURATIONS[block], totals, strict=True):
        name = ", ".join(f"`{parameter}`" for parameter in parameters) or "default"
        lines.append(f"| {name} | {' | '.join(f'{total[column]:,}' for column in COLUMNS)} |")
    return "\n".join(lines) + "\n"


def with_table(text: str, rows: str) -> str:
    """A page with its table replaced. Raises ValueError if it has no place for one."""
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError("the page has no place for the table")
    return re.sub(f"{re.escape(BEGIN)}\n.*?{re.escape(END)}", lambda _: f"{BEGIN}\n\n{rows}\n{END}", text,
                  flags=re.DOTALL)


@click.command()
@click.option("--block", "blocks", multiple=True, type=click.Choice(list(CONFIGURATIONS)), help="Default: both.")
@click.option("--write", is_flag=True, help="Put the tables into docs/datasheet.")
def main(blocks, write):
    """Synthesise the configurations of the capability unit and the mailbox and print what they take."""
    for block in blocks or CONFIGURATIONS:
        totals = []
        for parameters in CONFIGURATIONS[block]:
            configuration = configure(ROOTS[block].configuration, parameters=parameters, defaults=ROOTS[block].defaults)
            with console.status(f"Synthesising {block} {' '.join(parameters)}"):
                totals.append(measure(find_block(block, configuration), placed=False, by_unit=False)["total"])
        rows = table(block, totals, version(block))
        click.echo(f"{block}\n\n{rows}")
        if write:
            path = page(block)
            try:
                path.write_text(with_table(path.read_text(), rows))
            except ValueError as error:
                raise ToolError(f"{path.relative_to(ROOT)}: {error}") from None


if __name__ == "__main__":
    run_command(main)
