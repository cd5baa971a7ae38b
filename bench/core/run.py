"""Builds the bench programs and runs them on the RTL."""

from collections.abc import Mapping
from pathlib import Path

from sim.bare_metal import build_program
from sim.elf import load_program
from sim.run_elf import run_program
from sim.toolchain import ToolError
from soc.config import SocConfig

from .reference import expected
from .results import KernelResult, Measurement, parse_output

__all__ = ["micro_program", "run_micro", "run_score", "score_program"]

PROGRAMS = Path(__file__).parent / "programs"
_COMMON = ("start.S", "console.c")
_MICRO = ("micro.c", "arithmetic.S", "branches.S", "memory.S", "privileged.S", "translation.S")
_SCORE = ("score.c", "list.c", "matrix.c", "state.c", "crc.c")
_MAX_CYCLES = 100_000_000
SEED = 1


def _build(sources: tuple[str, ...], flags: tuple[str, ...] = ()) -> Path:
    return build_program([PROGRAMS / name for name in (*_COMMON, *sources)], include=(PROGRAMS,), flags=flags)


def micro_program() -> Path:
    """ELF file of the micro-benchmarks."""
    return _build(_MICRO)


def score_program(iterations: int, seed: int = SEED, crcs: Mapping[str, int] | None = None) -> Path:
    """ELF file of the score: `iterations` counted ones, checked against `crcs` (the reference's)."""
    crcs = expected(seed) if crcs is None else crcs
    return _build(_SCORE, (f"-DITERATIONS={iterations}", f"-DSEED={seed}u",
                           f"-DEXPECTED={','.join(map(str, crcs.values()))}"))


def _run(elf: Path, config: SocConfig | None) -> str:
    finished = run_program(load_program(elf), config=config, max_cycles=_MAX_CYCLES, echo=False, quiet=True)
    if finished.code != 0:
        raise ToolError(f"{elf.name} ended with code {finished.code}; its last lines were\n"
                        + "\n".join(finished.output.splitlines()[-5:]))
    return finished.output


def run_micro(config: SocConfig | None = None) -> dict[str, Measurement]:
    """Run the micro-benchmarks."""
    return parse_output(_run(micro_program(), config))[0]


def run_score(config: SocConfig | None = None, iterations: int = 2, seed: int = SEED) -> dict[str, KernelResult]:
    """Run the kernels; raises ToolError when one computes something else than the reference."""
    return parse_output(_run(score_program(iterations, seed), config))[1]
