"""What a cache must know of other initiators' stores."""

from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from . import wishbone

__all__ = ["SnoopSignature"]


class SnoopSignature(wiring.Signature):
    """Stores of others to memory that a cache holds copies of, seen from the system.

    A store is told of one cycle after the bus has acknowledged it: registered, and in time, because no transfer by the
    cache's owner can end in either of these two cycles.

    Members
    -------
    valid : a store; `adr` is its word address (64-bit words).
    """

    def __init__(self):
        super().__init__({"valid": Out(1), "adr": Out(wishbone.PHYSICAL_ADDRESS_BITS - 3)})
