"""Lockstep over random programs: `python -m sim.lockstep --seed 1 --count 20`.

Three comparisons, each up to a program's store to `tohost`:

- `--oracle model`: the RTL, checked on line by the reference model, on programs that use everything that the machine
  has. Every report of the trace port is checked, traps and interrupts included, and main memory at the end.
- `--oracle spike`: commit logs of the RTL and of Spike (privilege, pc, instruction, register written, memory accessed),
  on programs that do only what the specification fixes.
- `--reference`: the same between the reference model and Spike, without RTL.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import click
from rich.progress import MofNCompleteColumn, Progress

from soc.config import SocConfig
from soc.presets import PRESETS

from .commit_log import Mismatch, compare
from .elf import load_program
from .model import build_model
from .process import watch
from .random_program import LINKER_SCRIPT, ProgramOptions, generate, options_of
from .reference.__main__ import run_program as run_on_model
from .run_elf import host_arguments, run_program
from .spike import commit_log
from .toolchain import BUILD, ROOT, ToolError, console, run_command, run_tool

__all__ = ["Outcome", "assemble", "check_seed", "run_seed"]

_ASSEMBLER_FLAGS = ("-target", "riscv64-freestanding-none", "-mcpu=generic_rv64+m+a+c+zicsr+zifencei", "-mabi=lp64",
                    "-nostdlib", "-static", "-Wl,--build-id=none")
_CYCLE_LIMIT = 4_000_000
#: How much of a waveform before a mismatch is worth looking at.
_WAVE_CYCLES = 2000


@dataclass(frozen=True)
class Outcome:
    """Result of one program.

    Attributes
    ----------
    seed : int
    instructions, interrupts, exceptions : int
        How many agreed; interrupts and exceptions are known to the model only.
    cycles : int
        Of the RTL.
    mismatch : Mismatch or None
    """

    seed: int
    instructions: int
    mismatch: Mismatch | None
    interrupts: int = 0
    exceptions: int = 0
    cycles: int = 0


def assemble(text: str, path: Path) -> Path:
    """Assemble and link a program; returns the ELF's path."""
    source, script = path.with_suffix(".S"), path.with_suffix(".ld")
    source.write_text(text)
    script.write_text(LINKER_SCRIPT)
    command = [sys.executable, "-m", "ziglang", "cc", *_ASSEMBLER_FLAGS, f"-Wl,-T,{script}", source, "-o", path]
    run_tool(command, log=path.with_suffix(".asm.log"))
    return path


def _clean(folder: Path, seed: int) -> None:
    for file in folder.glob(f"random-{seed}.*"):
        file.unlink()


def run_seed(seed: int, folder: Path, options: ProgramOptions | None = None, config: SocConfig | None = None, *,
             reference: bool = False) -> Outcome:
    """Run program `seed` on Spike and on the RTL, or on the reference model, and compare the logs.

    Its files stay in `folder` only when they differ.
    """
    core = (config or SocConfig()).core
    options = options or options_of(seed, pmp_entries=core.pmp_entries)
    elf = assemble(generate(seed, options), folder / f"random-{seed}.elf")
    name = "model" if reference else "rtl"
    expected, actual = folder / f"random-{seed}.spike.log", folder / f"random-{seed}.{name}.log"
    commit_log(elf, expected, pmp_entries=options.pmp_entries)
    program = load_program(elf)
    if reference:
        run_on_model(program, trace=actual, max_cycles=_CYCLE_LIMIT, core=core, echo=False, quiet=True)
    else:
        run_program(program, trace=actual, max_cycles=_CYCLE_LIMIT, config=config, echo=False, quiet=True)
    count, mismatch = compare(expected, actual, program.symbols["tohost"], ("spike", name))
    if mismatch is None:
        _clean(folder, seed)
    return Outcome(seed, count, mismatch)


def check_seed(seed: int, folder: Path, options: ProgramOptions | None = None, config: SocConfig | None = None, *,
               latency: int | None = None, latency_noise: bool = False) -> Outcome:
    """Run privileged program `seed` on the RTL, checked by the reference model as it runs.

    Parameters
    ----------
    latency : int, optional
        Cycles to the first word of an ideal main memory.
    latency_noise : bool
        It takes more at random.
    """
    config = config or SocConfig()
    options = options or options_of(seed, privileged=True, contexts=config.core.contexts,
                                    pmp_entries=config.core.pmp_entries)
    elf = assemble(generate(seed, options), folder / f"random-{seed}.elf")
    program = load_program(elf)
    report = folder / f"random-{seed}.json"
    with host_arguments(program) as arguments:
        finished = watch([build_model(config, quiet=True), *arguments, *host_options(seed, latency, latency_noise),
                          "--oracle", "--quiet", "--max-cycles", str(_CYCLE_LIMIT), "--report", report], echo=False)
    if not report.exists():
        raise ToolError(f"seed {seed}: the simulation ended with code {finished.code}")
    ending = json.loads(report.read_text())
    seen = ending["oracle"]
    mismatch = None
    if ending["reason"] == "mismatch":
        mismatch = Mismatch(seen["instructions"], seen["expected"], seen["actual"], tuple(seen["before"]),
                            ("model", "rtl"), f"{seen['rule']}, cycle {seen['cycle']}")
    elif ending["reason"] != "tohost":
        mismatch = Mismatch(seen["instructions"], "(a store to tohost)", f"({ending['reason']})", (), ("model", "rtl"))
    else:
        _clean(folder, seed)
    return Outcome(seed, seen["instructions"], mismatch, seen["interrupts"], seen["exceptions"], ending["cycles"])


def host_options(seed: int, latency: int | None = None, latency_noise: bool = False) -> list[str]:
    """Options of the simulation program that a privileged program wants, besides the oracle."""
    return ["--uart-noise", str(seed), *(["--memory-latency", str(latency)] if latency is not None else []),
            *(["--latency-noise", str(seed)] if latency_noise else [])]


def _explain(outcome: Outcome, folder: Path, config: SocConfig, *, reference: bool, options: list[str]) -> str:
    """What a mismatch was, and how to look at it."""
    elf = (folder / f"random-{outcome.seed}.elf").relative_to(ROOT)
    text = f"seed {outcome.seed}: {outcome.mismatch}\nprogram: {elf.with_suffix('.S')}"
    if reference:
        return text
    changed = {name: value for name, value in json.loads(config.to_json()).items()
               if value != json.loads(SocConfig().to_json())[name]}
    more = ["--config", f"'{json.dumps(changed)}'"] if changed else []
    if options:
        more += ["--oracle", *options, "--wave-start", str(max(0, outcome.cycles - _WAVE_CYCLES))]
    return f"{text}\nwaveform: python -m sim.run_elf {elf} --wave {outcome.seed}.vcd {' '.join(more)}".rstrip()


@click.command()
@click.option("--seed", type=int, default=1, show_default=True, help="First seed.")
@click.option("--count", type=click.IntRange(min=1), default=20, show_default=True, help="Number of programs.")
@click.option("--oracle", type=click.Choice(["model", "spike"]), default="model", show_default=True,
              help="What the RTL is compared with.")
@click.option("--reference", is_flag=True, help="Compare the reference model with Spike, without RTL.")
@click.option("--blocks", type=click.IntRange(min=1), default=120, show_default=True, help="Length of a program.")
@click.option("--config", "text", metavar="JSON",
              help=f"Fields of SocConfig that differ from their defaults, or {', '.join(PRESETS)}.")
@click.option("--latency", type=click.IntRange(min=1), help="Cycles to the first word of an ideal memory.")
@click.option("--latency-noise", is_flag=True, help="An ideal memory takes longer at random.")
@click.option("--keep-going", is_flag=True, help="Do not stop at the first mismatch.")
def main(seed, count, oracle, reference, blocks, text, latency, latency_noise, keep_going):
    """Run COUNT random programs in lockstep; exit code 1 if one differs."""
    try:
        config = SocConfig.from_json(text) if text else SocConfig()
    except (TypeError, ValueError) as error:
        raise ToolError(str(error), 2) from None
    if config.sdram and (latency is not None or latency_noise):
        raise ToolError("--latency and --latency-noise are for an ideal memory; add --config ideal", 2)
    checked = oracle == "model" and not reference
    if not reference:
        build_model(config)
    folder = BUILD / "lockstep"
    folder.mkdir(parents=True, exist_ok=True)
    instructions = interrupts = exceptions = wrong = 0
    with Progress(*Progress.get_default_columns(), MofNCompleteColumn(), console=console) as progress:
        for number in progress.track(range(seed, seed + count), description="Lockstep"):
            if checked:
                options = options_of(number, privileged=True, blocks=blocks, contexts=config.core.contexts,
                                     pmp_entries=config.core.pmp_entries)
                outcome = check_seed(number, folder, options, config, latency=latency, latency_noise=latency_noise)
            else:
                options = options_of(number, blocks=blocks, pmp_entries=config.core.pmp_entries)
                outcome = run_seed(number, folder, options, config, reference=reference)
            instructions += outcome.instructions
            interrupts += outcome.interrupts
            exceptions += outcome.exceptions
            if outcome.mismatch is not None:
                wrong += 1
                explanation = _explain(outcome, folder, config, reference=reference,
                                       options=host_options(number, latency, latency_noise) if checked else [])
                if not keep_going:
                    raise ToolError(explanation)
                console.print(explanation, markup=False)
    traps = f", {interrupts} interrupts, {exceptions} exceptions" if checked else ""
    click.echo(f"{count} programs, {instructions} instructions{traps}, {wrong} mismatches")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    run_command(main)
