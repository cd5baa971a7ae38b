"""SDR SDRAM chips and what a clock makes of their timings."""

from dataclasses import dataclass
from math import ceil, floor

__all__ = ["AS4C16M16SA_7", "CHIPS", "IS42S16160G_7", "BURST_LENGTH", "SdramChip", "SdramConfig"]

#: Columns that one command reads or writes: a word of the bus.
BURST_LENGTH = 4
#: A10 of a precharge means all banks.
ALL_BANKS_BIT = 10


@dataclass(frozen=True)
class SdramChip:
    """A chip as its datasheet describes it. Times are nanoseconds.

    Attributes
    ----------
    name : str
    row_bits, column_bits, bank_bits, data_bits : int
    cas : tuple of (latency, hertz)
        CAS latencies and the highest clock for each.
    t_rc : activate to activate or refresh of the same bank.
    t_ras : activate to precharge.
    t_rp : precharge to activate or refresh.
    t_rcd : activate to read or write.
    t_rrd : activate to activate of another bank.
    t_wr : last written datum to precharge.
    t_rfc : refresh to activate or refresh.
    t_mrd : mode register set to any command.
    t_refi : average time between refreshes.
    t_power_up : stable clock to first command.
    initial_refreshes : int
    """

    name: str
    cas: tuple[tuple[int, float], ...]
    t_rc: float
    t_ras: float
    t_rp: float
    t_rcd: float
    t_rrd: float
    t_wr: float
    t_rfc: float
    t_mrd: float
    row_bits: int = 13
    column_bits: int = 9
    bank_bits: int = 2
    data_bits: int = 16
    t_refi: float = 64e6 / 8192
    t_power_up: float = 200_000
    initial_refreshes: int = 8

    @property
    def size(self):
        """Bytes."""
        return (1 << self.row_bits + self.column_bits + self.bank_bits) * self.data_bits // 8


#: Alliance AS4C16M16SA, speed grade 7, on most ULX3S.
AS4C16M16SA_7 = SdramChip("AS4C16M16SA-7", cas=((2, 100e6), (3, 143e6)), t_rc=63, t_ras=42, t_rp=21, t_rcd=21,
                          t_rrd=14, t_wr=14, t_rfc=63, t_mrd=14)
#: ISSI IS42S16160G, speed grade 7, on others.
IS42S16160G_7 = SdramChip("IS42S16160G-7", cas=((2, 100e6), (3, 143e6)), t_rc=60, t_ras=37, t_rp=15, t_rcd=15,
                          t_rrd=14, t_wr=14, t_rfc=60, t_mrd=14)
CHIPS = {chip.name: chip for chip in (AS4C16M16SA_7, IS42S16160G_7)}


@dataclass(frozen=True)
class SdramConfig:
    """A controller for a chip at a clock.

    Attributes
    ----------
    chip : SdramChip
    clock_hz : int
        Clock of controller and chip.
    input_registers : int
        Registers between the chip's data pins and `dq_i`.

    Raises
    ------
    TypeError, ValueError
        With the field's name, for anything that cannot be built.
    """

    chip: SdramChip = AS4C16M16SA_7
    clock_hz: int = 60_000_000
    input_registers: int = 0

    def __post_init__(self):
        if not isinstance(self.chip, SdramChip):
            raise TypeError(f"chip must be an SdramChip, not {self.chip!r}")
        if not isinstance(self.clock_hz, int) or isinstance(self.clock_hz, bool) or self.clock_hz <= 0:
            raise TypeError(f"clock_hz must be a positive integer, not {self.clock_hz!r}")
        if not isinstance(self.input_registers, int) or not 0 <= self.input_registers <= 4:
            raise ValueError(f"input_registers must be from 0 to 4, not {self.input_registers!r}")
        fastest = max(hertz for _, hertz in self.chip.cas)
        if self.clock_hz > fastest:
            raise ValueError(f"clock_hz must be at most {fastest / 1e6:g} MHz for {self.chip.name}, not "
                             f"{self.clock_hz / 1e6:g} MHz")
        if self.refresh_interval < 2 * self.rfc + 32:
            raise ValueError(f"clock_hz of {self.clock_hz / 1e6:g} MHz leaves no time between the refreshes of "
                             f"{self.chip.name}")

    def cycles(self, nanoseconds):
        """Cycles that last at least so long."""
        # A hair less, so that a whole number of cycles is not rounded up by floating point.
        return max(1, ceil(nanoseconds * self.clock_hz / 1e9 - 1e-6))

    @property
    def cas_latency(self):
        """Lowest latency that the clock allows."""
        return min(latency for latency, hertz in self.chip.cas if self.clock_hz <= hertz)

    @property
    def rcd(self):
        return self.cycles(self.chip.t_rcd)

    @property
    def rp(self):
        return self.cycles(self.chip.t_rp)

    @property
    def ras(self):
        """Activate to precharge, long enough for t_rc as well."""
        return max(self.cycles(self.chip.t_ras), self.cycles(self.chip.t_rc) - self.rp)

    @property
    def rrd(self):
        return self.cycles(self.chip.t_rrd)

    @property
    def wr(self):
        return self.cycles(self.chip.t_wr)

    @property
    def rfc(self):
        return self.cycles(self.chip.t_rfc)

    @property
    def mrd(self):
        return max(2, self.cycles(self.chip.t_mrd))

    @property
    def power_up(self):
        return self.cycles(self.chip.t_power_up)

    @property
    def refresh_interval(self):
        return floor(self.chip.t_refi * self.clock_hz / 1e9)

    @property
    def mode(self):
        """Mode register: sequential bursts of four columns."""
        return self.cas_latency << 4 | BURST_LENGTH.bit_length() - 1

    @property
    def word_bits(self):
        """Bits of a bus word."""
        return BURST_LENGTH * self.chip.data_bits

    @property
    def address_bits(self):
        """Bits of a word address."""
        return self.chip.row_bits + self.chip.bank_bits + self.chip.column_bits - (BURST_LENGTH.bit_length() - 1)
