"""Where the parts of a random program lie, and which registers are whose."""

from soc.memory_map import region

__all__ = ["ALIAS", "DATA_BYTES", "FAR_BASE", "LINKER_SCRIPT", "MEMORY_BASE", "PAGES_BASE", "SPARE",
           "WINDOW", "WINDOW_PAGES"]

MEMORY_BASE = region("memory").base
PAGES_BASE = MEMORY_BASE + 0x10_0000
#: Every other block lies here, a whole number of MiB from the rest: a predictor that keeps only low bits of an address
#: takes the one for the other.
FAR_BASE = MEMORY_BASE + 0x20_0000
#: U-mode sees main memory that much higher: S-mode may not execute user pages.
ALIAS = 0x4000_0000
#: Under Sv39, pages of random rights lie here; without, nothing does.
WINDOW = 1 << 32
WINDOW_PAGES = 16
#: 2 MiB of main memory that nothing lies in: superpages through which a program may write show these.
SPARE = MEMORY_BASE + 0x180_0000
#: Size of the area at x3.
DATA_BYTES = 1024

#: Where each section of a program lies.
LINKER_SCRIPT = f"""
ENTRY(_start)
SECTIONS {{
    . = {MEMORY_BASE:#x};
    .text : {{ *(.text.init) *(.text*) }}
    .tohost : ALIGN(64) {{ *(.tohost) }}
    .data : ALIGN(4096) {{ *(.data*) }}
    . = {PAGES_BASE:#x};
    .pages : {{ *(.pages) }}
    . = {FAR_BASE:#x};
    .far : {{ *(.far) }}
}}
"""
