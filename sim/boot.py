"""Boots the kernel on a target and shows its console: ``python -m sim.boot --target TARGET``.

Builds what is missing, streams the console to stdout, and prints a table of the latencies that the guest reported.
The exit code is the guest's; our own are 2 for bad input, 124 when `--timeout` is over, 3 when `--max-cycles` are,
130 after Ctrl-C, each with one line on stderr.
"""

import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import click

from hw.peripherals.straps import BootStraps
from soc.config import SocConfig
from soc.firmware.boot_rom import build_boot_rom
from soc.image import pack
from soc.presets import PRESETS

from . import qemu
from .model import build_model, wave_format
from .process import EXIT_INTERRUPTED, EXIT_TIMEOUT, watch
from .reference.build import build_program
from .results import Measurement, latency_table, parse_measurement, print_table
from .system import build_guest, build_image
from .toolchain import ToolError, console, run_command

__all__ = ["DEFAULT_TIMEOUT", "BootResult", "MemorySpeed", "SOURCES", "TARGETS", "Target", "Wave", "boot",
           "find_target"]

#: Seconds after which a boot from the command line is given up.
DEFAULT_TIMEOUT = 900.0


@dataclass(frozen=True)
class Target:
    """Something that boots the kernel.

    Attributes
    ----------
    name, architecture : str
    emulated : bool
        In QEMU, else as the SoC.
    bootargs : tuple of str
        What the target adds to the kernel's command line.
    functional : bool
        The SoC is the reference model, else the RTL.
    unit : str
        What its cycle counter counts.
    """

    name: str
    architecture: str
    emulated: bool
    bootargs: tuple[str, ...] = ()
    functional: bool = False

    @property
    def unit(self) -> str:
        return "instructions" if self.emulated or self.functional else "cycles"


TARGETS = {target.name: target for target in (
    Target("soc", "riscv64", emulated=False, bootargs=("accel=on",)),
    Target("soc-sw", "riscv64", emulated=False, bootargs=("accel=off",)),
    Target("model", "riscv64", emulated=False, bootargs=("accel=on",), functional=True),
    Target("qemu-riscv64", "riscv64", emulated=True),
    Target("qemu-x86_64", "x86_64", emulated=True),
    Target("qemu-aarch64", "aarch64", emulated=True),
)}


#: Where the SoC finds its programs: in main memory, put there by the simulation; in its flash; or over its UART.
SOURCES = ("memory", "flash", "uart")


@dataclass(frozen=True)
class Wave:
    """A waveform of the RTL: from cycle `start` to the end, or for `cycles` cycles, which then is the end."""

    path: str
    start: int = 0
    cycles: int | None = None


@dataclass
class BootResult:
    """How a boot went.

    Attributes
    ----------
    target : Target
    code : int
        The guest's exit code, or ours (see the module's text) unless `ended_by_guest`.
    ended_by_guest : bool
        Through the exit device.
    output : str
        Everything on the console.
    measurements : list of Measurement
    cycles, seconds : int, float or None
        Length of the run and its wall time, on the RTL.
    """

    target: Target
    code: int = 0
    ended_by_guest: bool = False
    output: str = ""
    measurements: list[Measurement] = field(default_factory=list)
    cycles: int | None = None
    seconds: float | None = None


def find_target(name: str) -> Target:
    """The target called `name`; raises :class:`ToolError` (exit code 2) with the list of those there are."""
    if name not in TARGETS:
        raise ToolError(f"there is no target '{name}'; there are {', '.join(TARGETS)}", 2)
    return TARGETS[name]


@dataclass(frozen=True)
class MemorySpeed:
    """The RTL's ideal main memory: cycles to the first word of a transfer, and for each further word of a burst."""

    latency: int = 2
    beat: int = 1


def _soc_command(target: Target, folder: Path, config: SocConfig, kernel: Path | None, initrd: Path | None,
                 bootargs: str, *,
                 max_cycles: int | None, wave: Wave | None, trace: Path | None, retired: Path | None, oracle: bool,
                 speed: MemorySpeed | None, jtag: int | None, report: Path, source: str, image: Path | None,
                 until: str | None) -> list[str | Path]:
    """Command that boots the SoC on the RTL or on the reference model; what it loads lies in `folder`."""
    loads = build_image(config, bootargs=bootargs, kernel=kernel, initrd=initrd) if image is None else None
    if target.functional:
        command = [build_program(), "--contexts", str(config.core.contexts),
                   "--pmp-entries", str(config.core.pmp_entries), "--memory-bytes", str(config.memory_bytes)]
    else:
        command = [build_model(config, wave=wave_format(wave.path) if wave else None)]
    command += ["--oracle"] if oracle else []
    command += ["--boot-rom", build_boot_rom(config)] if oracle or target.functional else []
    if source == "memory":
        for segment in loads.segments:
            path = folder / f"{segment.address:x}.bin"
            path.write_bytes(segment.contents)
            command += ["--load", hex(segment.address), path]
    else:
        if image is None:
            image = folder / "image.bin"
            image.write_bytes(pack(loads, config.layout))
        straps = BootStraps.const({"quick": 1, "upload": source == "uart"}).as_bits()
        command += ["--straps", str(straps)]
        command += ["--flash", hex(config.flash_offset), image] if source == "flash" else ["--uart-pty"]
    command += [] if until is None else ["--until", until]
    if wave is not None:
        command += ["--wave", wave.path, "--wave-start", str(wave.start)]
        command += ["--cycles", str(wave.start + wave.cycles)] if wave.cycles is not None else []
    if speed is not None:
        command += ["--memory-latency", str(speed.latency), "--memory-beat", str(speed.beat)]
    for option, value in (("--max-cycles", max_cycles), ("--trace", trace), ("--retired", retired),
                          ("--jtag", jtag), ("--report", report)):
        command += [option, str(value)] if value is not None else []
    return command


def boot(target: Target, *, bootargs: str = "", init: str | None = None, config: SocConfig | None = None,
         max_cycles: int | None = None, wave: Wave | None = None, trace: Path | None = None,
         speed: MemorySpeed | None = None, jtag: int | None = None, timeout: float | None = None, echo: bool = True,
         interactive: bool = False, on_line: Callable[[str], None] = lambda line: None, kernel: Path | None = None,
         initrd: Path | None = None, oracle: bool = False, source: str = "memory", image: Path | None = None,
         until: str | None = None, retired: Path | None = None, keys: int | None = None) -> BootResult:
    """Boot the kernel on `target` and wait for its end.

    Parameters
    ----------
    bootargs : str
        Added to the target's own arguments.
    init : str, optional
        First program to run (boot argument ``init=``).
    config : SocConfig, optional
        The machine; only for the SoC. The reference model heeds the core's contexts, PMP entries and memory's size.
    max_cycles, wave, trace, speed, jtag, retired : optional
        As the simulation program's options; only for targets on the RTL.
    timeout : float, optional
        Seconds of wall time.
    echo, interactive, on_line, keys
        As :func:`sim.process.watch`.
    kernel, initrd : Path, optional
        Instead of the built ones.
    oracle : bool
        Check every instruction by the reference model; only for targets on the RTL.
    source : str
        One of :data:`SOURCES`; others than memory only for targets on the RTL.
    image : Path, optional
        For flash and UART: this in place of an image of firmware, kernel, initrd and device tree.
    until : str, optional
        End when the console has shown this; only for targets on the RTL.
    """
    for option, value in (("--config", config), ("--max-cycles", max_cycles), ("--trace", trace)):
        if target.emulated and value is not None:
            raise ToolError(f"{option} is for the SoC, not for {target.name}", 2)
    for option, value in (("--wave", wave), ("--jtag", jtag), ("--oracle", oracle or None),
                          ("--from", source if source != "memory" else None), ("--until", until),
                          ("--retired", retired),
                          ("--memory-latency or --memory-beat", speed)):
        if (target.emulated or target.functional) and value is not None:
            raise ToolError(f"{option} is for the targets on the RTL, not for {target.name}", 2)
    if image is not None and source == "memory":
        raise ToolError("--image wants --from flash or --from uart", 2)
    if source == "flash" and config is not None and not config.flash:
        raise ToolError("--from flash wants a SoC with flash", 2)
    if speed is not None and (config or SocConfig()).sdram:
        raise ToolError("--memory-latency and --memory-beat are for an ideal memory; add --config ideal", 2)
    if wave is not None:
        wave_format(wave.path)
    arguments = " ".join([*target.bootargs, *([f"init={init}"] if init else []), *([bootargs] if bootargs else [])])
    result = BootResult(target)

    def see(line: str) -> None:
        if (measurement := parse_measurement(line)) is not None:
            result.measurements.append(measurement)
        on_line(line)

    if target.emulated:
        qemu.ensure_installed(qemu.EMULATORS[target.architecture])
    options = {"timeout": timeout, "echo": echo, "interactive": interactive, "on_line": see, "keys": keys}
    if target.emulated:
        if kernel is None or initrd is None:
            built_kernel, built_initrd = build_guest(target.architecture)
            kernel, initrd = kernel or built_kernel, initrd or built_initrd
        finished = qemu.run_kernel(target.architecture, kernel, initrd=initrd, bootargs=arguments, **options)
    else:
        with tempfile.TemporaryDirectory(prefix="veridian-") as folder:
            report = Path(folder) / "report.json"
            machine = replace(config or SocConfig(), **({} if jtag is None else {"debug": True}))
            finished = watch(_soc_command(target, Path(folder), machine, kernel, initrd, arguments,
                                          max_cycles=max_cycles, wave=wave, trace=trace, retired=retired, oracle=oracle,
                                          speed=speed, jtag=jtag, report=report, source=source,
                                          image=image, until=until), **options)
            if report.exists():
                ending = json.loads(report.read_text())
                result.cycles, result.seconds = ending["cycles"], ending["seconds"]
                result.ended_by_guest = ending["reason"] in ("finisher", "tohost", "until")
    result.code, result.output = finished.code, finished.output
    if target.emulated:
        result.ended_by_guest = finished.code not in (EXIT_TIMEOUT, EXIT_INTERRUPTED)
    return result


@click.command()
@click.option("--target", "name", default="soc", show_default=True, metavar="TARGET", help=", ".join(TARGETS))
@click.option("--bootargs", default="", help="Added to the kernel's command line.")
@click.option("--init", help="First program to run.")
@click.option("--config", "text", metavar="JSON",
              help=f"Fields of SocConfig that differ from their defaults, or {', '.join(PRESETS)} (SoC). "
                   "The reference model heeds only the core's contexts and PMP entries, and the size of memory.")
@click.option("--max-cycles", type=click.IntRange(min=1), metavar="N", help="Give up after N cycles (SoC).")
@click.option("--timeout", type=float, metavar="SECONDS",
              help=f"Give up then.  [default: {DEFAULT_TIMEOUT:g}; with --jtag never]")
@click.option("--wave", metavar="FILE", help="Write a waveform, .vcd or .fst (RTL).")
@click.option("--wave-start", type=click.IntRange(min=0), default=0, metavar="N", help="First cycle of the waveform.")
@click.option("--wave-cycles", type=click.IntRange(min=1), metavar="N", help="End after as many cycles of waveform.")
@click.option("--trace", type=click.Path(path_type=Path), metavar="FILE", help="Write a commit log (SoC).")
@click.option("--jtag", type=click.IntRange(0, 65535), metavar="PORT",
              help="Build the machine with a debug module, and wait for OpenOCD at this port (RTL; 0: any free one).")
@click.option("--oracle", is_flag=True, help="Check every instruction by the reference model (RTL).")
@click.option("--memory-latency", type=click.IntRange(min=1), metavar="N",
              help="Cycles to the first word of an ideal main memory (RTL, --config ideal).  [default: 2]")
@click.option("--memory-beat", type=click.IntRange(min=1), metavar="N",
              help="Cycles for each further word of a burst of it (RTL, --config ideal).  [default: 1]")
@click.option("--from", "source", type=click.Choice(SOURCES), default="memory", show_default=True,
              help="Where the SoC finds firmware, kernel, initrd and device tree (RTL).")
@click.option("--image", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
              help="This image in place of a built one, for --from flash and uart.")
@click.option("--until", metavar="TEXT", help="End when the console has shown TEXT (RTL).")
@click.option("--interactive", is_flag=True, help="The guest's console reads the keyboard.")
def main(name, bootargs, init, text, max_cycles, timeout, wave, wave_start, wave_cycles, trace, jtag, oracle,
         memory_latency, memory_beat, interactive, source, image, until):
    """Boot the kernel on a target, show its console and a table of the latencies it measured."""
    target = find_target(name)
    try:
        config = None if text is None else SocConfig.from_json(text)
    except (TypeError, ValueError) as error:
        raise ToolError(str(error), 2) from None
    if timeout is None and jtag is None:
        timeout = DEFAULT_TIMEOUT
    speed = None
    if memory_latency or memory_beat:
        speed = MemorySpeed(memory_latency or MemorySpeed.latency, memory_beat or MemorySpeed.beat)
    try:
        result = boot(target, bootargs=bootargs, init=init, config=config, max_cycles=max_cycles, timeout=timeout,
                      wave=Wave(wave, wave_start, wave_cycles) if wave else None, trace=trace, oracle=oracle,
                      speed=speed, jtag=jtag, interactive=interactive, source=source, image=image, until=until)
    except ValueError as error:
        raise ToolError(str(error)) from None
    if result.measurements:
        title = f"Latency on {target.name}"
        print_table(latency_table(result.measurements, target.unit, title))
    if result.ended_by_guest:
        if result.code != 0:
            console.print(f"veridian: the guest ended with code {result.code}")
    elif result.code == EXIT_TIMEOUT:
        console.print(f"veridian: no end after {timeout:g} seconds")
    elif result.code == EXIT_INTERRUPTED and target.emulated:
        console.print("veridian: interrupted")
    sys.exit(result.code)


if __name__ == "__main__":
    run_command(main)
