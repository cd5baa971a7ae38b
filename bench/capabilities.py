"""Operations on capabilities by system call, on all targets: ``python -m bench.capabilities``.

Boots the program `capabilities` on each target and prints what create, derive, delete and revoke take; a
revocation for each descendant as well. The same in `build/bench/capabilities.json`, in the form of `latency.json`
(:mod:`bench.latency`).
"""

import re
from pathlib import Path

import click

from sim.boot import TARGETS
from sim.results import print_table
from sim.toolchain import BUILD, ToolError, run_command

from .latency import comparison, config_option, configuration, measure_all

__all__ = ["PROGRAM", "RESULTS", "missed"]

PROGRAM = "capabilities"
RESULTS = BUILD / "bench" / "capabilities.json"
#: Cycles for each descendant that a revocation by the unit may take, from so many on that its start is spread.
GOAL_FOR_EACH, FROM = 20, 256


def descendants(operation: str) -> int | None:
    """How many a revocation kills; None for other operations."""
    found = re.fullmatch(r"capability_revoke_\w+_(\d+)", operation)
    return int(found[1]) if found else None


def missed(content: dict) -> list[str]:
    """Revocations of many by the unit that take longer than the goal, on the RTL."""
    return [f"{row['operation']} on {row['target']}: {row['median'] / count:.1f}"
            for row in content["results"]
            if row["target"] == "soc" and row["variant"] == "hw-hit" and (count := descendants(row["operation"]))
            and count >= FROM and row["median"] > GOAL_FOR_EACH * count]


def _show(operation: str, median: int) -> str:
    count = descendants(operation)
    return f"{median:,}" + (f" ({median / count:.1f})" if count else "")


@click.command()
@click.option("--target", "names", multiple=True, metavar="TARGET", help="Only these: " + ", ".join(TARGETS))
@config_option
@click.option("--check", is_flag=True, help=f"Fail when a revocation by the unit of {FROM} or more takes more than "
              f"{GOAL_FOR_EACH} cycles for each.")
@click.option("--output", type=click.Path(path_type=Path), default=RESULTS,
              show_default="build/bench/capabilities.json")
def main(names: tuple[str, ...], text: str | None, check: bool, output: Path):
    """Measure operations on capabilities and compare the targets."""
    content = measure_all(names, output, PROGRAM, configuration(text))
    print_table(comparison(content, "Capabilities (in parentheses: for each descendant)", order=list, show=_show))
    click.echo(f"written to {output}")
    if check and (late := missed(content)):
        raise ToolError("missed: " + "; ".join(late))


if __name__ == "__main__":
    run_command(main)
