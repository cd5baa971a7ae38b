"""Where the CSRs lie that are kept in LUT RAM."""

from amaranth.lib import enum

__all__ = ["StoredCsr"]


class StoredCsr(enum.IntEnum, shape=3):
    """CSRs of which one is read and one written a cycle, by name."""

    MTVEC = 0
    STVEC = 1
    MEPC = 2
    SEPC = 3
    MTVAL = 4
    STVAL = 5
    MSCRATCH = 6
    SSCRATCH = 7
