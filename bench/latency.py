"""Latency on all targets: ``python -m bench.latency`` (``make bench``).

Boots the program `latency` on each target, writes `build/bench/latency.json` and prints the comparison. What each
operation measures, from where to where, stands in `bench/operations.md`.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict
from pathlib import Path

import click
from rich.table import Table

from sim.boot import TARGETS, BootResult, Target, boot, find_target
from sim.results import print_table
from sim.toolchain import BUILD, ROOT, ToolError, console
from soc.config import SocConfig
from soc.presets import PRESETS

__all__ = ["RESULTS", "comparison", "config_option", "configuration", "document", "measure", "measure_all"]

RESULTS = BUILD / "bench" / "latency.json"
SCHEMA = 1
#: The one source of a clock that turns cycles into nanoseconds.
PLACE_AND_ROUTE = "place and route"
_TIMEOUT_SECONDS = 900


def _commit() -> str:
    """Commit that is measured; a `+` behind it when the checkout differs from it."""
    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    try:
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain") else "")
    except (FileNotFoundError, subprocess.CalledProcessError):
        return "unknown"


def _describe(target: Target, config: SocConfig | None = None) -> dict:
    """The target's entry: its unit, and a clock only where cycles have one."""
    if target.emulated:
        return {"unit": target.unit, "clock_hz": None, "clock_source": None,
                "config": {"emulator": "QEMU, -icount shift=0", "bootargs": list(target.bootargs)}}
    config = config or SocConfig()
    memory = f"SDRAM {config.sdram}" if config.sdram else "ideal, 2 cycles to the first word"
    return {"unit": target.unit, "clock_hz": config.clock_hz,
            "clock_source": "goal",
            "config": asdict(config) | {"bootargs": list(target.bootargs),
                                        "memory": memory}}


def measure(target: Target, program: str | None = None, config: SocConfig | None = None) -> BootResult:
    """Boot `target`, with `program` as its first, and collect what it measured; raises :class:`ToolError` when the boot
    fails or measures nothing. `config` is for the targets on the RTL."""
    result = boot(target, init=program, echo=False, timeout=_TIMEOUT_SECONDS,
                  config=None if target.emulated else config)
    if result.code != 0:
        last = "\n".join(result.output.splitlines()[-5:])
        raise ToolError(f"{target.name} ended with code {result.code}; its last lines were\n{last}")
    if not result.measurements:
        raise ToolError(f"{target.name} measured nothing")
    return result


def document(results: list[BootResult], config: SocConfig | None = None) -> dict:
    """The content of `latency.json` (DESIGN 9)."""
    rows = []
    for result in results:
        description = _describe(result.target, config)
        for one in result.measurements:
            clock = description["clock_hz"] if description["clock_source"] == PLACE_AND_ROUTE else None
            rows.append({"target": result.target.name, "operation": one.operation, "variant": one.variant,
                         "unit": description["unit"], "n": one.n, "min": one.min, "median": one.median, "p99": one.p99,
                         "max": one.max, "ns_median": one.median * 1e9 / clock if clock else None})
    described = {result.target.name: _describe(result.target, config) for result in results}
    return {"schema": SCHEMA, "commit": _commit(), "targets": described, "results": rows}


def comparison(content: dict, title: str = "Latency", *, order=sorted,
               show=lambda operation, median: f"{median:,}") -> Table:
    """One row for each operation and variant, in this order; one column for each target: medians, as `show` writes
    them."""
    table = Table(title=f"{title}: medians", title_justify="left", caption_justify="left",
                  caption="cycles on the RTL (soc, soc-sw); instruction counts, not times, in QEMU")
    table.add_column("operation", no_wrap=True)
    table.add_column("variant")
    for name, target in content["targets"].items():
        table.add_column(f"{name}\n{target['unit']}", justify="right")
    cells = {(row["operation"], row["variant"], row["target"]): row["median"] for row in content["results"]}
    for operation, variant in order(dict.fromkeys(key[:2] for key in cells)):
        medians = (cells.get((operation, variant, name)) for name in content["targets"])
        table.add_row(operation, variant, *("" if median is None else show(operation, median) for median in medians))
    return table


def measure_all(names: tuple[str, ...], output: Path, program: str | None = None,
                config: SocConfig | None = None) -> dict:
    """Measure on the targets called `names` (all that run the kernel for real if there are none), with a line for each;
    write the document to `output` and return it."""
    targets = [find_target(name) for name in names] or [target for target in TARGETS.values() if not target.functional]
    results = []
    for number, target in enumerate(targets, 1):
        console.print(f"[{number}/{len(targets)}] {target.name}", markup=False)
        results.append(measure(target, program, config))
    content = document(results, config)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(content, indent=1) + "\n")
    return content


def configuration(text: str | None) -> SocConfig | None:
    """What `--config` says; raises :class:`ToolError` (exit code 2) where that is nothing."""
    try:
        return None if text is None else SocConfig.from_json(text)
    except (TypeError, ValueError) as error:
        raise ToolError(str(error), 2) from None


config_option = click.option("--config", "text", metavar="JSON", help="Fields of SocConfig that differ from their "
                             f"defaults, or {', '.join(PRESETS)} (SoC).")


@click.command()
@click.option("--target", "names", multiple=True, metavar="TARGET", help="Only these: " + ", ".join(TARGETS))
@config_option
@click.option("--output", type=click.Path(path_type=Path), default=RESULTS, show_default="build/bench/latency.json")
def main(names: tuple[str, ...], text: str | None, output: Path):
    """Measure latencies on all targets and compare them."""
    print_table(comparison(measure_all(names, output, config=configuration(text))))
    click.echo(f"written to {output}")


if __name__ == "__main__":
    main()
