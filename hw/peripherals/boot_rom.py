"""Boot ROM: what a hart fetches first."""

from ..bus.sram import Sram

__all__ = ["BootRom"]


class BootRom(Sram):
    """Read-only memory with contents given at elaboration.

    Parameters
    ----------
    contents : bytes
        From the first address on; the rest is zero, which is an illegal instruction.
    size : int
        Bytes, a power of two.

    Attributes
    ----------
    bus : Interface, In
        Target port with `err`, `cti` and `bte`; writes are answered with `err`.
    """

    def __init__(self, contents, *, size=0x1000):
        if not isinstance(contents, bytes | bytearray):
            raise TypeError(f"Contents must be bytes, not {contents!r}")
        if not contents:
            raise ValueError("Contents are empty: there would be nothing to fetch after reset")
        super().__init__(size, init=contents, writable=False, name="boot_rom")
