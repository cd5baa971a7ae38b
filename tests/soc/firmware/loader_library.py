"""Builds the loader's parser and receiver for the host, under AddressSanitizer and UBSan, with faults if wanted."""

import subprocess
import sys
from pathlib import Path

import cffi

from sim.toolchain import BUILD, ROOT, digest, locked, tool_versions
from soc.generate.c_header import image_header

__all__ = ["build", "load"]

SOURCES = ROOT / "soc" / "firmware" / "boot"
HOST = Path(__file__).with_name("loader_host.c")
FLAGS = ("-std=c23", "-O1", "-g", "-fPIC", "-Wall", "-Wextra", "-Werror", "-fno-stack-protector",
         "-fsanitize=address,undefined", "-fsanitize-trap=undefined", "-fno-omit-frame-pointer")
_DECLARATIONS = """
uint8_t *host_begin(uint64_t base, size_t bytes, int fill);
int host_feed(const uint8_t *bytes, size_t words);
int host_complete(void);
int host_upload(int (*get)(uint64_t ticks), void (*put)(int byte), uint64_t second);
"""


def build(fault: str = "") -> Path:
    """The library. `fault`: ``file:old=>new``, one replacement in a copy of a source."""
    name, _, change = fault.partition(":")
    old, _, new = change.partition("=>")
    texts = {path.name: path.read_text() for path in sorted(SOURCES.iterdir())
             if path.name.startswith(("image", "upload", "serial.h"))}
    if fault:
        if old not in texts[name]:
            raise ValueError(f"No {old!r} in {name} to plant a fault at")
        texts[name] = texts[name].replace(old, new, 1)
    header = image_header()
    key = digest(repr(texts), header, HOST, FLAGS, tool_versions("ziglang"))
    library = BUILD / "tests" / "loader" / key / "loader.so"
    with locked("host-loader"):
        if library.exists():
            return library
        folder = library.parent
        (folder / "veridian").mkdir(parents=True, exist_ok=True)
        (folder / "veridian" / "image.h").write_text(header)
        for file, text in texts.items():
            (folder / file).write_text(text)
        objects = []
        unused = ["-w"] if fault else []
        for source in (*sorted(folder.glob("*.c")), HOST):
            objects.append(folder / f"{source.stem}.o")
            subprocess.run([sys.executable, "-m", "ziglang", "cc", *FLAGS, *unused, f"-I{folder}", "-c", source, "-o",
                            objects[-1]], check=True)
        # The wheel of the compiler ships no ASan runtime; the host's gcc does.
        part = library.with_suffix(".part")
        subprocess.run(["gcc", "-shared", "-fsanitize=address", *objects, "-o", part], check=True)
        part.rename(library)
    return library


def load(library: Path):
    """(ffi, lib) of a built library; wants tests.kernel.host_library's environment."""
    ffi = cffi.FFI()
    ffi.cdef(_DECLARATIONS)
    return ffi, ffi.dlopen(str(library))
