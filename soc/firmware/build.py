"""Builds the M-mode firmware.

``python -m soc.firmware.build`` prints the path of the flat binary, which belongs at FIRMWARE_BASE.
"""

import hashlib
import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata, util
from pathlib import Path

import click

from ..generate.c_header import memory_map_header
from ..generate.linker_script import firmware_script
from ..memory_map import MEMORY_BYTES, MEMORY_MIN_BYTES

__all__ = ["BASE_FLAGS", "build_firmware", "build_flat"]

FOLDER = Path(__file__).resolve().parent
BUILD = FOLDER.parent.parent / "build"

BASE_FLAGS = ("-target", "riscv64-freestanding-none", "-mcpu=generic_rv64+m+a+c+zicsr+zifencei", "-mabi=lp64",
              "-mcmodel=medany", "-std=c23", "-Os", "-ffreestanding", "-fno-stack-protector",
              "-fno-sanitize=undefined", "-fno-pic", "-fno-asynchronous-unwind-tables", "-Wall", "-Wextra", "-Werror")
STACK_BYTES = 2048


def build_firmware(harts: int = 1, memory_bytes: int = MEMORY_BYTES) -> Path:
    """The firmware for a main memory of `memory_bytes` as a flat binary; built when a source changed.

    Raises
    ------
    click.ClickException
        With the compiler's first error.
    """
    sources = sorted(path for path in FOLDER.iterdir() if path.suffix in (".c", ".S"))
    return build_flat("firmware", sources, [*BASE_FLAGS, f"-DHART_COUNT={harts}", f"-DSTACK_BYTES={STACK_BYTES}"],
                      script=firmware_script(memory_bytes), depends=[*sources, *sorted(FOLDER.glob("*.h"))],
                      headers={"memory_map.h": memory_map_header(memory_bytes)})


def build_flat(name: str, sources: Sequence[Path], flags: Sequence[str], *, script: str, depends: Iterable[Path],
               headers: Mapping[str, str]) -> Path:
    """A flat binary `name`.bin, beside its ELF file; built once for each content.

    Parameters
    ----------
    name : str
        Of the program, and of the folder below `build`.
    sources : sequence of Path
    flags : sequence of str
        Of the compiler.
    script : str
        Linker script.
    depends : iterable of Path
        All files that the result depends on.
    headers : mapping of str to str
        Generated headers, included as <veridian/NAME>.
    """
    state = hashlib.sha256(repr((tuple(flags), script, sorted(headers.items()),
                                 metadata.version("ziglang"))).encode())
    for path in depends:
        state.update(path.name.encode() + path.read_bytes())
    folder = BUILD / name / state.hexdigest()[:16]
    image = folder / f"{name}.bin"
    if image.exists():
        return image
    include = folder / "include"
    (include / "veridian").mkdir(parents=True, exist_ok=True)
    for header, text in headers.items():
        (include / "veridian" / header).write_text(text)
    (folder / f"{name}.ld").write_text(script)
    objects = []
    for source in sources:
        objects.append(folder / f"{source.name}.{os.getpid()}.o")
        _zig(name, "cc", *flags, f"-I{include}", "-c", source, "-o", objects[-1])
    # The ELF file is for people and their debuggers.
    for file, form in ((f"{name}.elf", "elf"), (f"{name}.bin", "binary")):
        part = folder / f"{file}.{os.getpid()}"
        _zig(name, "ld.lld", "--build-id=none", "--gc-sections", "-z", "max-page-size=4096", "-T",
             folder / f"{name}.ld", *(["--oformat=binary"] if form == "binary" else []), *objects, "-o", part)
        part.replace(folder / file)
    for path in objects:
        path.unlink()
    return image


def _zig(name: str, *arguments: str | Path) -> None:
    zig = Path(util.find_spec("ziglang").origin).parent / "zig"
    cache = str(BUILD / "zig-cache")
    environment = os.environ | {"ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache}
    done = subprocess.run([zig, *arguments], capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        raise click.ClickException(f"{name} does not build: {done.stderr.strip()}")


@click.command()
@click.option("--harts", default=1, show_default=True, type=click.IntRange(1, 64))
@click.option("--memory-bytes", default=MEMORY_BYTES, show_default=True, metavar="N",
              type=click.IntRange(MEMORY_MIN_BYTES, MEMORY_BYTES), help="Size of main memory, a power of two.")
def main(harts, memory_bytes):
    """Build the firmware and print where it is."""
    try:
        click.echo(build_firmware(harts, memory_bytes))
    except ValueError as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main()
