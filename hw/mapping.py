"""Ways to write things so that synthesis for FPGAs maps them well."""

from amaranth import *

__all__ = ["BLOCK_RAM", "SEPARATE", "all_of", "equal", "pairs_equal"]

#: Attributes of a memory in block RAM. A word that is read and written at one clock edge may read as anything: without
#: that mark yosys builds a bypass around each memory. Read through a combinational port with a register without reset
#: behind it, which becomes the block RAM's own.
BLOCK_RAM = {"no_rw_check": 1, "ram_style": "block"}

#: Attributes of a signal that synthesis makes by itself, and nothing behind it together with what is before it.
SEPARATE = {"keep": 1}


def all_of(*bits):
    """Whether all bits are high, along a carry chain: nothing that is known late passes more than the chain behind its
    place, so the latest come last."""
    return (Cat(*bits) + C(1, 1))[len(bits)]


def pairs_equal(left, right):
    """Whether two values of the same width are equal, two bits at a time: for :func:`all_of`."""
    left, right = Value.cast(left), Value.cast(right)
    return [left[i:i + 2] == right[i:i + 2] for i in range(0, len(left), 2)]


def equal(left, right):
    """Whether two values of the same width are equal, along a carry chain: faster than LUTs for wide ones."""
    return all_of(*pairs_equal(left, right))
