"""Ways to write things so that synthesis for FPGAs maps them well."""

from amaranth import *

__all__ = ["BLOCK_RAM", "equal"]

#: Attributes of a memory in block RAM. A word that is read and written at one clock edge may read as anything: without
#: that mark yosys builds a bypass around each memory. Read through a combinational port with a register without reset
#: behind it, which becomes the block RAM's own.
BLOCK_RAM = {"no_rw_check": 1, "ram_style": "block"}


def equal(left, right):
    """Whether two values of the same width are equal, along a carry chain: faster than LUTs for wide ones."""
    left, right = Value.cast(left), Value.cast(right)
    pairs = [left[i:i + 2] == right[i:i + 2] for i in range(0, len(left), 2)]
    return (Cat(*pairs) + C(1, 1))[len(pairs)]
