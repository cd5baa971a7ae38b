"""Place and route of a board's design, seed by seed within a budget."""

import json
import re
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from sim.toolchain import ToolError, digest, run_tool, tool_versions

from .cache import CACHE, cached
from .design import Design

__all__ = ["Clock", "Stopped", "Trial", "place_seeds", "progress_of", "read_trial", "router_watch", "try_seed"]

#: Steps of the router without a new lowest number of wires in two nets, after which it is ended: placements that have
#: been routed took up to 75, others went on like that for ever.
STANDSTILL = 200

_ROUTER_STEP = re.compile(r"\biter=(\d+) wires=\d+ overused=(\d+)")


class Stopped(Exception):
    """A trial was ended before it was done."""


@dataclass(frozen=True)
class Clock:
    """A clock of the design: what it reached and what it has to."""

    name: str
    fmax_mhz: float
    goal_mhz: float

    @property
    def met(self) -> bool:
        return self.fmax_mhz >= self.goal_mhz


@dataclass(frozen=True)
class Trial:
    """Result of one seed.

    Attributes
    ----------
    seed : int
    clocks : tuple of Clock
        The one that is nearest to its limit, or farthest beyond it, first.
    folder : Path
        With nextpnr's `report.json` and `configuration`, which the packer reads.
    used : dict
        Cells that the device has, and how many of them are used.
    seconds : float
        What it took, 0 if it was there already.
    """

    seed: int
    clocks: tuple[Clock, ...]
    folder: Path
    used: dict[str, tuple[int, int]]
    seconds: float = 0

    @property
    def met(self) -> bool:
        return all(clock.met for clock in self.clocks)

    @property
    def fmax_mhz(self) -> float:
        """Of the worst clock."""
        return self.clocks[0].fmax_mhz

    @property
    def quality(self) -> float:
        """The worst clock, as a part of what it has to be."""
        return self.clocks[0].fmax_mhz / self.clocks[0].goal_mhz


def read_trial(folder: Path, seed: int, seconds: float = 0) -> Trial:
    """Trial from what nextpnr left in `folder`. Raises ToolError for anything else."""
    path = folder / "report.json"
    try:
        report = json.loads(path.read_text())
        clocks = sorted((Clock(name.removeprefix("$glbnet$"), clock["achieved"], clock["constraint"])
                         for name, clock in report["fmax"].items()), key=lambda clock: clock.fmax_mhz / clock.goal_mhz)
        if not clocks:
            raise ToolError("the design has no path from register to register: no clock to report")
        used = {name: (cell["used"], cell["available"]) for name, cell in report["utilization"].items()}
        return Trial(seed, tuple(clocks), folder, used, seconds)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ToolError(f"{path} is no report of nextpnr: {error!r}") from None


def try_seed(design: Design, netlist: Path, seed: int, *, on_line=lambda line: None,
             on_start=lambda process: None) -> Trial:
    """Place and route with `seed`; from the cache if it has been done.

    Timing that fails is a result here, and the caller's business.
    """
    family = design.family
    arguments = [*design.options, "--freq", f"{design.board.clock_hz / 1e6:g}", "--seed", str(seed),
                 "--timing-allow-fail"]
    constraints = f"pins.{family.constraints}"
    key = digest(netlist, design.constraints, arguments, tool_versions(family.package, "yowasp-runtime"))
    started = time.monotonic()
    watch = router_watch()

    def heard(line: str) -> None:
        watch(line)
        on_line(line)

    def run(folder: Path) -> None:
        # The tool sees its working folder and little else.
        shutil.copyfile(netlist, folder / "netlist.json")
        (folder / constraints).write_text(design.constraints)
        try:
            run_tool([Path(sys.executable).parent / family.placer, *arguments, "--json", "netlist.json",
                      f"--{family.constraints}", constraints, "--report", "report.json",
                      family.configuration, "configuration"],
                     log=CACHE / f"board-{key}.log", directory=folder, on_line=heard, on_start=on_start)
        finally:
            (folder / "netlist.json").unlink()
        if missing := [name for name in ("report.json", "configuration") if not (folder / name).exists()]:
            raise ToolError(f"{family.placer} stopped without an error before it wrote {missing[0]} (its output is "
                            f"in {CACHE / f'board-{key}.log'})")
    there = (CACHE / f"board-{key}").exists()
    return read_trial(cached(f"board-{key}", run), seed, 0 if there else time.monotonic() - started)


def place_seeds(seeds: Iterable[int], run: Callable[..., Trial], *, jobs: int, budget_s: float, all_seeds: bool,
                ) -> tuple[list[Trial], dict[int, str]]:
    """Try seeds, `jobs` at a time.

    No seed is started that would not end within the budget, by what the longest one has taken. When the budget is
    spent, those under way are ended, unless there is no result yet. The first seed that meets timing ends all, unless
    `all_seeds`.

    Parameters
    ----------
    seeds : iterable of int
    run : callable
        ``run(seed, on_start=...)`` makes a trial.

    Returns
    -------
    list of Trial
        In the order of their seeds.
    dict
        What went wrong, by seed.

    Raises
    ------
    ToolError
        If no seed came to a result.
    """
    waiting, results, failures = list(seeds), [], {}
    processes, lock = set(), threading.Lock()
    stopping = threading.Event()

    def one(seed: int) -> Trial:
        def on_start(process):
            with lock:
                processes.add(process)
            if stopping.is_set():
                process.terminate()
        try:
            return run(seed, on_start=on_start)
        except ToolError:
            if stopping.is_set():
                raise Stopped from None
            raise

    def stop():
        stopping.set()
        with lock:
            for process in processes:
                process.terminate()

    began, longest = time.monotonic(), 0.0
    under_way = {}
    with ThreadPoolExecutor(jobs) as pool:
        try:
            while waiting or under_way:
                left = began + budget_s - time.monotonic()
                while waiting and len(under_way) < jobs and (left > longest or not (results or under_way)):
                    seed = waiting.pop(0)
                    under_way[pool.submit(one, seed)] = seed
                if not under_way:
                    break
                done, _ = wait(under_way, timeout=0.5, return_when=FIRST_COMPLETED)
                for future in done:
                    seed = under_way.pop(future)
                    try:
                        results.append(future.result())
                        longest = max(longest, results[-1].seconds)
                    except ToolError as error:
                        failures[seed] = error.message
                if results and (left <= 0 or not all_seeds and any(trial.met for trial in results)):
                    break
        finally:
            stop()
    if not results:
        raise ToolError(f"no seed was placed and routed: {next(iter(failures.values()), 'none was tried')}")
    return sorted(results, key=lambda trial: trial.seed), failures


def router_watch() -> Callable[[str], None]:
    """A function that is told each line of nextpnr, and raises ToolError when its router does not get on any more."""
    lowest, since = None, 0

    def watch(line: str) -> None:
        nonlocal lowest, since
        if not (found := _ROUTER_STEP.search(line)):
            return
        overused = int(found[2])
        lowest, since = (overused, 0) if lowest is None or overused < lowest else (lowest, since + 1)
        if since == STANDSTILL:
            raise ToolError(f"routing stands still: {lowest} wires in two nets for {STANDSTILL} steps; another seed, "
                            "or a smaller design")
    return watch


def progress_of(line: str, state: dict) -> str | None:
    """How far nextpnr is, in words, from a line of its output; None if the line does not say.

    Parameters
    ----------
    state : dict
        Kept from line to line.
    """
    if found := re.search(r"at (?:initial placer )?iter(?:ation)? #?(\d+)|\biter=(\d+) steplen", line):
        return f"placing, step {found[1] or found[2]}"
    if found := _ROUTER_STEP.search(line):
        return f"routing, step {found[1]}: {found[2]} wires in two nets"
    if found := re.search(r"Routing (\d+) arcs", line):
        state["arcs"] = int(found[1])
        return "routing"
    if state.get("arcs") and (found := re.search(r"^Info:\s+\d+ \|\s+\d+\s+\d+ \|\s+\d+\s+\d+ \|\s*(\d+)", line)):
        done = max(0, state["arcs"] - int(found[1]))
        return f"routing, {100 * done // state['arcs']} %"
    for words, phase in (("Packing", "packing"), ("Running main analytical placer", "placing"),
                         ("Running simulated annealing", "refining"), ("Routing complete", "checking timing")):
        if words in line:
            return phase
    return None
