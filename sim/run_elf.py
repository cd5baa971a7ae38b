"""Runs a bare-metal program on the SoC's RTL: ``python -m sim.run_elf FILE``.

The program starts in machine mode at 0x8000_0000 (a0: hart id, a1: where a device tree would be). It ends by a
store of an odd value to the symbol ``tohost`` (1: success, else the exit code is the value shifted right by one),
or through the test finisher. Exit codes of our own: 2 for a file that cannot be run, 3 when `--max-cycles` are
over, 4 when `--oracle` finds a difference, 5 for a broken rule of the SDRAM chip, 130 after Ctrl-C; each comes with a
line on stderr, a program's own code with none of these.
"""

import sys
import tempfile
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click

from soc.config import SocConfig
from soc.presets import PRESETS

from .elf import BAD_INPUT, Program, load_program
from .model import build_model, wave_format
from .pipeline import Pipeline
from .process import Finished, watch
from .toolchain import ToolError, run_command

__all__ = ["DEFAULT_MAX_CYCLES", "host_arguments", "run_program"]

DEFAULT_MAX_CYCLES = 50_000_000


@contextmanager
def host_arguments(program: Program, *, signature: Path | None = None) -> Iterable[list[str]]:
    """Arguments of the simulation program that load `program`; its segments lie in files as long as this lasts."""
    with tempfile.TemporaryDirectory(prefix="veridian-") as folder:
        arguments = []
        for number, (address, content) in enumerate(program.segments):
            file = Path(folder) / f"segment{number}"
            file.write_bytes(content)
            arguments += ["--load", hex(address), str(file)]
        if (tohost := program.symbols.get("tohost")) is not None:
            arguments += ["--tohost", hex(tohost)]
        if signature is not None:
            try:
                begin, end = program.symbols["begin_signature"], program.symbols["end_signature"]
            except KeyError as missing:
                raise ToolError(f"--signature wants the symbol {missing.args[0]}, which the program lacks",
                                BAD_INPUT) from None
            arguments += ["--signature", hex(begin), hex(end), str(signature)]
        yield arguments


def run_program(program: Program, *, signature: Path | None = None,
                max_cycles: int | None = DEFAULT_MAX_CYCLES, trace: Path | None = None, wave: str | None = None,
                config: SocConfig | None = None, echo: bool = True, quiet: bool = False, timeout: float | None = None,
                pipeline: Pipeline | None = None, options: Iterable[str] = ()) -> Finished:
    """Run `program` on the model of `config`; see the module's text for the exit codes.

    `options` are more of the simulation program's own.
    """
    model = build_model(SocConfig() if config is None else config, wave=wave_format(wave))
    with host_arguments(program, signature=signature) as arguments:
        arguments += ["--max-cycles", str(max_cycles)] if max_cycles is not None else []
        arguments += ["--trace", str(trace)] if trace is not None else []
        arguments += pipeline.arguments() if pipeline is not None else []
        arguments += ["--wave", wave] if wave is not None else []
        arguments += ["--quiet"] if quiet else []
        arguments += options
        finished = watch([model, *arguments], timeout=timeout, echo=echo)
    if pipeline is not None and pipeline.path.exists():
        pipeline.disassemble()
    return finished


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--signature", type=click.Path(path_type=Path), metavar="OUT",
              help="Write begin_signature to end_signature as 32-bit words in hexadecimal, one a line.")
@click.option("--max-cycles", type=click.IntRange(min=1), metavar="N",
              help=f"Give up after N cycles with exit code 3.  [default: {DEFAULT_MAX_CYCLES}; with --jtag never]")
@click.option("--trace", type=click.Path(path_type=Path), metavar="OUT",
              help="Write a commit log in the format of spike --log-commits.")
@click.option("--pipeline", type=click.Path(path_type=Path), metavar="OUT",
              help="Write which instruction is in which stage when, for the viewer Konata.")
@click.option("--pipeline-start", type=click.IntRange(min=0), default=0, metavar="N", help="From cycle N on.")
@click.option("--pipeline-cycles", type=click.IntRange(min=1), default=100_000, show_default=True, metavar="N",
              help="For N cycles.")
@click.option("--wave", metavar="OUT", help="Write a waveform (.vcd or .fst); builds a slower model once.")
@click.option("--wave-start", type=click.IntRange(min=0), metavar="N", help="First cycle of the waveform.")
@click.option("--oracle", is_flag=True, help="Check every instruction by the reference model.")
@click.option("--config", "text", metavar="JSON",
              help=f"Fields of SocConfig that differ from their defaults, or {', '.join(PRESETS)}.")
@click.option("--memory-latency", type=click.IntRange(min=1), metavar="N",
              help="Cycles to the first word of an ideal memory (--config ideal).")
@click.option("--latency-noise", type=click.IntRange(min=1), metavar="SEED",
              help="An ideal memory takes longer at random.")
@click.option("--uart-noise", type=click.IntRange(min=1), metavar="SEED", help="Characters come in at random.")
@click.option("--jtag", type=click.IntRange(0, 65535), metavar="PORT",
              help="Build the machine with a debug module, and wait for OpenOCD at this port (0: any free one).")
@click.option("--quiet", is_flag=True, help="No line about speed at the end.")
def main(file, signature, max_cycles, trace, pipeline, pipeline_start, pipeline_cycles, wave, wave_start, oracle, text,
         memory_latency, latency_noise, uart_noise, jtag, quiet):
    """Run the bare-metal RISC-V program FILE on the SoC's RTL, in machine mode from 0x8000_0000."""
    program = load_program(file)
    try:
        config = SocConfig.from_json(text) if text else SocConfig()
    except (TypeError, ValueError) as error:
        raise ToolError(str(error), BAD_INPUT) from None
    if config.sdram and (memory_latency is not None or latency_noise is not None):
        raise ToolError("--memory-latency and --latency-noise are for an ideal memory; add --config ideal", BAD_INPUT)
    if jtag is not None:
        config = replace(config, debug=True)
    elif max_cycles is None:
        max_cycles = DEFAULT_MAX_CYCLES
    options = ["--oracle"] if oracle else []
    for name, value in (("--wave-start", wave_start), ("--memory-latency", memory_latency),
                        ("--latency-noise", latency_noise), ("--uart-noise", uart_noise), ("--jtag", jtag)):
        options += [name, str(value)] if value is not None else []
    stages = None if pipeline is None else Pipeline(pipeline, pipeline_start, pipeline_cycles)
    sys.exit(run_program(program, signature=signature, max_cycles=max_cycles, trace=trace, wave=wave, config=config,
                         quiet=quiet, pipeline=stages, options=options).code)


if __name__ == "__main__":
    run_command(main)
