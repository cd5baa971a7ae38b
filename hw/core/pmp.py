"""Physical memory protection (privileged specification, 3.7) at a granularity of one page."""

from amaranth import *
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from .isa import CsrAddress
from .translation import Rights

__all__ = ["GRAIN", "ADDRESS_BITS", "AddressMatching", "PmpEntry", "PmpCheck", "protection_csrs"]

#: G of the specification: regions are multiples of 2 ** (G + 2) bytes, 4 KiB.
GRAIN = 10
#: Bits of pmpaddr that exist: physical addresses have 32 bits, and pmpaddr counts words of four bytes.
ADDRESS_BITS = 30


class AddressMatching(enum.Enum, shape=2):
    """Field A of pmpcfg. NA4 cannot be chosen at this granularity."""

    OFF = 0
    TOR = 1
    NAPOT = 3


class PmpEntry(data.Struct):
    """One region: pmpcfg byte and pmpaddr."""

    rights: Rights
    matching: AddressMatching
    locked: 1
    #: pmpaddr, from bit GRAIN - 1 on; lower bits do not exist.
    address: ADDRESS_BITS - GRAIN + 1

    def page(self):
        """Upper end of a TOR region, as a page number."""
        return self.address[1:]

    def locks_below(self):
        """The pmpaddr of the entry below is this one's lower end, and locked with it."""
        return self.locked & (self.matching == AddressMatching.TOR)


class PmpCheck(wiring.Component):
    """Combinational: what the regions leave of a page.

    Parameters
    ----------
    entries : int
        Number of regions. Without any, everything is allowed.

    Members
    -------
    regions : the entries, lowest number first.
    page : physical page number, 20 bits.
    machine : the access is made with the privilege of M-mode.
    rights : what is allowed.
    """

    def __init__(self, entries):
        self._count = entries
        super().__init__({
            "regions": In(data.ArrayLayout(PmpEntry, entries)),
            "page": In(20),
            "machine": In(1),
            "rights": Out(Rights),
        })

    def elaborate(self, platform):
        m = Module()
        everything = C(7, 3)
        if not self._count:
            m.d.comb += self.rights.as_value().eq(everything)
            return m

        # The lowest entry that matches decides.
        m.d.comb += self.rights.as_value().eq(Mux(self.machine, everything, 0))
        matches, below = [], C(1)
        for i in range(self._count):
            region = self.regions[i]
            under_end = Signal(name=f"under_end{i}")
            # A NAPOT region of 2 ** (n + 12) bytes has n ones at the low end of `address`.
            ignored = Signal(20, name=f"ignored{i}")
            matched = Signal(name=f"matched{i}")
            m.d.comb += [
                under_end.eq(self.page < region.page()),
                ignored.eq(Cat(region.address[:bit + 1].all() for bit in range(20))),
                matched.eq(Mux(
                    region.matching == AddressMatching.TOR, below & under_end,
                    (region.matching == AddressMatching.NAPOT)
                    & (((self.page ^ region.page()) & ~ignored) == 0))),
            ]
            matches.append((matched, region))
            below = ~under_end
        for matched, region in reversed(matches):
            with m.If(matched):
                m.d.comb += self.rights.as_value().eq(
                    region.rights.as_value() | (self.machine & ~region.locked).replicate(3))
        return m


def protection_csrs(regions, csr, value):
    """pmpcfg and pmpaddr (privileged specification, 3.7.1). What is locked stays as it is until reset.

    Parameters
    ----------
    regions : list of PmpEntry
        Registers.
    csr : callable
        Takes a CSR's address, what it reads as, and what its write does.
    value : Value
        What is written.
    """
    for index, region in enumerate(regions):
        following = regions[index + 1] if index + 1 < len(regions) else None
        locked = region.locked | (following.locks_below() if following is not None else 0)
        # Below the granularity NAPOT reads as ones, the others as zeros.
        napot = region.matching.as_value()[1]
        low = Cat(napot.replicate(GRAIN - 1), region.address[0] & napot)
        written = value[GRAIN - 1:ADDRESS_BITS]
        csr(CsrAddress.PMPADDR0 + index, Cat(low, region.address[1:]),
            region.address.eq(Mux(locked, region.address, written)))
    for first in range(0, len(regions), 8):
        parts, statements = [], []
        for place, region in enumerate(regions[first:first + 8]):
            byte = value[8 * place:8 * place + 8]
            parts.append(Cat(region.rights, region.matching, C(0, 2), region.locked))
            with_lock = region.locked
            # Writable but not readable is reserved; NA4 does not exist and becomes NAPOT.
            statements += [
                region.rights.as_value().eq(Mux(
                    with_lock, region.rights.as_value(), Cat(byte[0], byte[1] & byte[0], byte[2]))),
                region.matching.as_value().eq(Mux(
                    with_lock, region.matching.as_value(), Cat(byte[3] | byte[4], byte[4]))),
                region.locked.eq(region.locked | byte[7]),
            ]
        csr(CsrAddress.PMPCFG0 + first // 4, Cat(*parts), *statements)
