"""Wishbone B4 bus signature (Wishbone B4 specification, chapters 2-4), in the shape of amaranth-soc.

Veridian's buses are 64 bits wide with byte granularity; addresses count 64-bit words. Transfers are classic
cycles with registered-feedback bursts (`cti`, `bte`).
"""

from amaranth import *
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

__all__ = ["Answer", "CycleType", "BurstTypeExt", "Feature", "Signature", "Interface", "PHYSICAL_ADDRESS_BITS",
           "next_burst_address", "peripheral_signature", "system_signature"]


class CycleType(enum.Enum, shape=3):
    """Wishbone B4 table 4-2, CTI_IO()."""

    CLASSIC = 0b000
    CONST_BURST = 0b001
    INCR_BURST = 0b010
    END_OF_BURST = 0b111


class BurstTypeExt(enum.Enum, shape=2):
    """Wishbone B4 table 4-3, BTE_IO()."""

    LINEAR = 0b00
    WRAP_4 = 0b01
    WRAP_8 = 0b10
    WRAP_16 = 0b11


class Feature(enum.Enum):
    """Optional signals."""

    ERR = "err"
    LOCK = "lock"
    CTI = "cti"
    BTE = "bte"


class Answer(data.Struct):
    """A target's answer to a request."""

    ack: 1
    err: 1


class Signature(wiring.Signature):
    """Wishbone signature, seen from the initiator.

    Parameters
    ----------
    addr_width : int
        Bits of `adr`, which counts words of `data_width` bits.
    data_width : 8, 16, 32 or 64
        Bits of `dat_w` and `dat_r`.
    granularity : 8, 16, 32 or 64
        Smallest unit that `sel` names; default `data_width`.
    features : iterable of :class:`Feature`
        Optional signals to have.

    Members
    -------
    adr, dat_w, dat_r, sel, cyc, stb, we, ack, and by feature err, lock, cti, bte.
    """

    def __init__(self, *, addr_width, data_width, granularity=None, features=()):
        granularity = data_width if granularity is None else granularity
        if not isinstance(addr_width, int) or addr_width < 0:
            raise TypeError(f"Address width must be a non-negative integer, not {addr_width!r}")
        if data_width not in (8, 16, 32, 64):
            raise ValueError(f"Data width must be one of 8, 16, 32, 64, not {data_width!r}")
        if granularity not in (8, 16, 32, 64):
            raise ValueError(f"Granularity must be one of 8, 16, 32, 64, not {granularity!r}")
        if granularity > data_width:
            raise ValueError(f"Granularity {granularity} may not be greater than data width {data_width}")
        self.addr_width = addr_width
        self.data_width = data_width
        self.granularity = granularity
        self.features = frozenset(Feature(feature) for feature in features)
        members = {
            "adr": Out(addr_width),
            "dat_w": Out(data_width),
            "dat_r": In(data_width),
            "sel": Out(data_width // granularity),
            "cyc": Out(1),
            "stb": Out(1),
            "we": Out(1),
            "ack": In(1),
        }
        if Feature.ERR in self.features:
            members["err"] = In(1)
        if Feature.LOCK in self.features:
            members["lock"] = Out(1)
        if Feature.CTI in self.features:
            members["cti"] = Out(CycleType)
        if Feature.BTE in self.features:
            members["bte"] = Out(BurstTypeExt)
        super().__init__(members)

    def create(self, *, path=None, src_loc_at=0):
        return Interface(self, path=path, src_loc_at=1 + src_loc_at)

    def __eq__(self, other):
        return (isinstance(other, Signature) and self.addr_width == other.addr_width
                and self.data_width == other.data_width and self.granularity == other.granularity
                and self.features == other.features)


class Interface(wiring.PureInterface):
    """A set of Wishbone signals. `memory_map` describes what a target holds, if it says so."""

    def __init__(self, signature, *, path=None, src_loc_at=0):
        super().__init__(signature, path=path, src_loc_at=1 + src_loc_at)
        self._memory_map = None

    addr_width = property(lambda self: self.signature.addr_width)
    data_width = property(lambda self: self.signature.data_width)
    granularity = property(lambda self: self.signature.granularity)
    features = property(lambda self: self.signature.features)

    @property
    def word_bits(self):
        """Address bits that lie below `adr`."""
        return exact_log2(self.data_width // self.granularity)

    @property
    def memory_map(self):
        if self._memory_map is None:
            raise AttributeError(f"{self!r} does not have a memory map")
        return self._memory_map

    @memory_map.setter
    def memory_map(self, memory_map):
        self._memory_map = memory_map


#: Bytes of physical address space: 32 bits on every Veridian SoC.
PHYSICAL_ADDRESS_BITS = 32


def system_signature(*, burst=True):
    """The SoC's bus: 64 bits, byte granularity, errors, and bursts unless the user is a plain register."""
    features = {Feature.ERR, Feature.LOCK, Feature.CTI, Feature.BTE} if burst else {Feature.ERR}
    return Signature(addr_width=PHYSICAL_ADDRESS_BITS - 3, data_width=64, granularity=8, features=features)


def peripheral_signature(window_bits):
    """Port of a peripheral with a window of ``2 ** window_bits`` bytes: 64 bits, byte granularity, errors."""
    if not isinstance(window_bits, int) or not 3 <= window_bits <= PHYSICAL_ADDRESS_BITS:
        raise ValueError(f"Window must have 3 to {PHYSICAL_ADDRESS_BITS} address bits, not {window_bits!r}")
    return Signature(addr_width=window_bits - 3, data_width=64, granularity=8, features={Feature.ERR})


def next_burst_address(adr, cti, bte):
    """Address of the beat behind the one at `adr` (Wishbone B4 section 4.3).

    Parameters
    ----------
    adr : Value
        Word address of this beat.
    cti : :class:`CycleType` view
        Anything but an incrementing burst stays at `adr`.
    bte : :class:`BurstTypeExt` view
        Where the address wraps.
    """
    wrapped = Array(Cat((adr + 1)[:bits], adr[bits:]) for bits in (len(adr), 2, 3, 4))
    return Mux(cti == CycleType.INCR_BURST, wrapped[bte.as_value()], adr)
