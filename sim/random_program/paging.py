"""Page tables of random programs, and what changes in them while a program runs."""

from .emitter import Emitter
from .layout import MEMORY_BASE, PAGES_BASE, WINDOW_PAGES

__all__ = ["FIRST_GLOBAL_PAGE", "FRAME", "PTE", "entry", "leaf_entry", "page_tables", "tables"]

#: The frame under every 4 KiB page of the window.
FRAME = PAGES_BASE + 0x3000
#: From this page of the window on entries may be global: an sfence.vma for one address space is not enough there.
FIRST_GLOBAL_PAGE = WINDOW_PAGES - 4

#: Flag bits of a page-table entry (privileged specification, figure 65).
PTE = {"v": 1 << 0, "r": 1 << 1, "w": 1 << 2, "x": 1 << 3, "u": 1 << 4, "g": 1 << 5, "a": 1 << 6, "d": 1 << 7}


def entry(address: int, rights: str, extra: int = 0) -> int:
    """Page-table entry for the frame or table at `address`."""
    return address >> 12 << 10 | sum(PTE[right] for right in rights) | extra


def tables(space: int) -> tuple[int, int, int]:
    """Addresses of the root, middle and leaf table of an address space."""
    base = PAGES_BASE + 0x4000 * space
    return base, base + 0x1000, base + 0x2000


def page_tables(emitter: Emitter, *, spaces: int = 1, devices: bool = False, toggled: str = "vrwxugad") -> None:
    """Emit the tables of `spaces` address spaces, all over the same frame of data.

    Each maps main memory one to one for S-mode and higher by ALIAS for U-mode, and the window: 4 KiB pages of random
    rights, a 2 MiB page, a misaligned one, and an entry with a reserved bit.

    Parameters
    ----------
    devices : bool
        Map the devices, one to one for S-mode, and make what all spaces have in common global.
    toggled : str
        Rights that a page of the window may have or lack.
    """
    common = "g" if devices else ""
    # What may be global is the same everywhere.
    shared = [leaf_entry(emitter, page, toggled) for page in range(FIRST_GLOBAL_PAGE, WINDOW_PAGES)]
    for space in range(spaces):
        root, middle, leaf = tables(space)
        io = entry(0, "vrwadg") if devices else 0
        emitter.emit('.section .pages, "aw"', f".org {root - PAGES_BASE:#x}",
                     f".dword {io}, 0, {entry(MEMORY_BASE, 'vrwxad' + common)}, "
                     f"{entry(MEMORY_BASE, 'vrwxadu' + common)}, {entry(middle, 'v')}",
                     f".org {middle - PAGES_BASE:#x}",
                     f".dword {entry(leaf, 'v')}, {entry(MEMORY_BASE, 'vrad')}, "
                     f"{entry(MEMORY_BASE + 0x1000, 'vrwad')}, {entry(leaf, 'v', 1 << 60)}",
                     f".org {leaf - PAGES_BASE:#x}")
        local = [leaf_entry(emitter, page, toggled) for page in range(FIRST_GLOBAL_PAGE)]
        emitter.emit(*(f".dword {pte}" for pte in local + shared))
        if space == 0:
            # With the last halfword of the frame begins an instruction that goes on in its first.
            emitter.emit(f".org {FRAME - PAGES_BASE + 0xffe:#x}", ".2byte 0x0013")


def leaf_entry(emitter: Emitter, page: int, toggled: str = "vrwxugad") -> int:
    """A random entry for a page of the window. Only the last pages may be global."""
    if page < FIRST_GLOBAL_PAGE:
        toggled = toggled.replace("g", "")
    rights = set("vrwad") ^ set(emitter.random.sample(toggled, emitter.random.randrange(0, 3)))
    return entry(FRAME, "".join(sorted(rights)))
