"""A SPI NOR flash as its datasheet describes it (W25Q128JV, the commands that makers share), for test benches."""

__all__ = ["FlashChip", "QUAD_ENABLE"]

READ, QUAD_IO_READ, IDENTIFY, READ_STATUS_2 = 0x03, 0xeb, 0x9f, 0x35
#: Bit of status register 2 without which quad commands are not understood.
QUAD_ENABLE = 0x02
#: Clocks between address and data of a quad I/O read: two for the mode bits, four of waiting.
_QUAD_GAP = 6
#: Mode bits 5:4 with this value would make the chip expect an address in place of the next command.
_CONTINUOUS = 0b10


class FlashChip:
    """The chip: samples while its clock rises, changes its outputs as it falls.

    Parameters
    ----------
    contents : bytes
        From address 0; the rest is erased.
    quad : bool
        Quad commands are enabled.
    identity : bytes
        JEDEC identification: maker, kind, log2 of the size.

    Attributes
    ----------
    deselected : int
        Cycles for which the chip was not selected between the last two commands.
    codes : list of int
        Commands, in order.
    """

    def __init__(self, contents=b"", *, quad=True, identity=b"\xef\x40\x18"):
        self.contents = contents
        self.quad = quad
        self.identity = identity
        self.codes = []
        self.deselected = 0
        self._rest = 0
        self._selected = self._clk = False
        self._outputs = None
        self._start()

    def _start(self):
        self._clocks = 0
        self._in = []      # values of all four lines while the clock rose
        self._outputs = None

    def step(self, cs, clk, d_o, d_oe):
        """One cycle of the system: pins as they are in it; returns the lines that the chip sees or drives."""
        if not cs:
            self._rest += 1
            if self._selected:
                self._start()
        else:
            if not self._selected:
                self.deselected, self._rest = self._rest, 0
                assert not clk, "the clock is high when the chip is selected"
            elif clk and not self._clk:
                self._in.append(d_o & d_oe)
                if self._outputs is not None:
                    mask = 0b1111 if self._is_quad() else 0b0010
                    assert not d_oe & mask, "both sides drive a line"
                self._clocks += 1
            elif self._clk and not clk:
                self._outputs = self._answer()
        self._selected, self._clk = bool(cs), bool(clk)
        lines = d_o & d_oe | ~d_oe & 0b1111
        if cs and self._outputs is not None:
            mask = 0b1111 if self._is_quad() else 0b0010
            lines = lines & ~mask | self._outputs & mask
        return lines

    def _bits(self, first, count):
        """`count` bits from clock `first` on, one a clock."""
        return sum((value & 1) << count - 1 - place for place, value in enumerate(self._in[first:first + count]))

    def _nibbles(self, first, count):
        return sum(value << 4 * (count - 1 - place) for place, value in enumerate(self._in[first:first + count]))

    def _code(self):
        return self._bits(0, 8)

    def _is_quad(self):
        return self._clocks >= 8 and self._code() == QUAD_IO_READ and self.quad

    def _byte(self, address):
        address %= 1 << 24
        return self.contents[address] if address < len(self.contents) else 0xff

    def _answer(self):
        """What the chip drives from this falling edge on, on all four lines; None: nothing."""
        if self._clocks < 8:
            return None
        code = self._code()
        if self._clocks == 8:
            self.codes.append(code)
        if code == READ and self._clocks >= 32:
            byte, bit = divmod(self._clocks - 32, 8)
            return (self._byte(self._bits(8, 24) + byte) >> 7 - bit & 1) << 1
        if code == QUAD_IO_READ and self.quad:
            assert self._clocks < 16 or self._nibbles(14, 2) >> 4 & 3 != _CONTINUOUS
            if self._clocks >= 14 + _QUAD_GAP:
                byte, nibble = divmod(self._clocks - 14 - _QUAD_GAP, 2)
                return self._byte(self._nibbles(8, 6) + byte) >> 4 * (1 - nibble) & 15
            return None
        if code == IDENTIFY:
            byte, bit = divmod(self._clocks - 8, 8)
            return ((self.identity[byte] if byte < len(self.identity) else 0) >> 7 - bit & 1) << 1
        if code == READ_STATUS_2:
            return ((QUAD_ENABLE * self.quad) >> 7 - (self._clocks - 8) % 8 & 1) << 1
        return None
