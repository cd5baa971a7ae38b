"""Builds the M-mode firmware.

``python -m soc.firmware.build`` prints the path of the flat binary, which belongs at FIRMWARE_BASE.
"""

import hashlib
import os
import subprocess
from importlib import metadata, util
from pathlib import Path

import click

from ..generate.c_header import memory_map_header
from ..generate.linker_script import firmware_script

__all__ = ["build_firmware"]

FOLDER = Path(__file__).resolve().parent
BUILD = FOLDER.parent.parent / "build"

FLAGS = ("-target", "riscv64-freestanding-none", "-mcpu=generic_rv64+m+a+c+zicsr+zifencei", "-mabi=lp64",
         "-mcmodel=medany", "-std=c23", "-Os", "-ffreestanding", "-fno-stack-protector",
         "-fno-sanitize=undefined", "-fno-pic", "-fno-asynchronous-unwind-tables", "-Wall", "-Wextra", "-Werror")
STACK_BYTES = 2048


def build_firmware(harts: int = 1) -> Path:
    """The firmware as a flat binary; built when a source changed.

    Raises
    ------
    click.ClickException
        With the compiler's first error.
    """
    include = BUILD / "generated" / "firmware"
    script = firmware_script()
    header = memory_map_header()
    flags = [*FLAGS, f"-DHART_COUNT={harts}", f"-DSTACK_BYTES={STACK_BYTES}"]
    sources = sorted(path for path in FOLDER.iterdir() if path.suffix in (".c", ".S"))
    state = hashlib.sha256(repr((flags, script, header, metadata.version("ziglang"))).encode())
    for path in [*sources, *sorted(FOLDER.glob("*.h"))]:
        state.update(path.name.encode() + path.read_bytes())
    folder = BUILD / "firmware" / state.hexdigest()[:16]
    image = folder / "firmware.bin"
    if image.exists():
        return image
    folder.mkdir(parents=True, exist_ok=True)
    (include / "veridian").mkdir(parents=True, exist_ok=True)
    (include / "veridian" / "memory_map.h").write_text(header)
    (folder / "firmware.ld").write_text(script)
    objects = []
    for source in sources:
        objects.append(folder / f"{source.name}.{os.getpid()}.o")
        _zig("cc", *flags, f"-I{include}", "-c", source, "-o", objects[-1])
    # The ELF file is for people and their debuggers.
    for name, form in (("firmware.elf", "elf"), ("firmware.bin", "binary")):
        part = folder / f"{name}.{os.getpid()}"
        _zig("ld.lld", "--build-id=none", "-z", "max-page-size=4096", "-T", folder / "firmware.ld",
             *(["--oformat=binary"] if form == "binary" else []), *objects, "-o", part)
        part.replace(folder / name)
    for path in objects:
        path.unlink()
    return image


def _zig(*arguments: str | Path) -> None:
    zig = Path(util.find_spec("ziglang").origin).parent / "zig"
    cache = str(BUILD / "zig-cache")
    environment = os.environ | {"ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache}
    done = subprocess.run([zig, *arguments], capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        raise click.ClickException(f"the firmware does not build: {done.stderr.strip()}")


@click.command()
@click.option("--harts", default=1, show_default=True, type=click.IntRange(1, 64))
def main(harts):
    """Build the firmware and print where it is."""
    click.echo(build_firmware(harts))


if __name__ == "__main__":
    main()
