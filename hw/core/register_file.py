"""Integer register file, banked by thread context."""

from amaranth import *
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["RegisterFile"]


class RegisterFile(wiring.Component):
    """Two read ports and one write port over `contexts` banks of 32 registers.

    A read takes a cycle and sees a write of the same cycle, so that block RAM serves, of which there is plenty.
    Register 0 is an
    ordinary word that nobody writes. After reset every word is cleared, one a cycle, while `clearing` is high.

    Parameters
    ----------
    contexts : int
        Number of banks.
    """

    def __init__(self, contexts=1):
        if not isinstance(contexts, int) or not 1 <= contexts <= 16:
            raise ValueError(f"Contexts must be an integer between 1 and 16, not {contexts!r}")
        self._depth = 32 * contexts
        width = (self._depth - 1).bit_length()
        super().__init__({
            "read1_address": In(width),
            "read1_data": Out(64),
            "read2_address": In(width),
            "read2_data": Out(64),
            "write": In(1),
            "write_address": In(width),
            "write_data": In(64),
            "clearing": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.registers = registers = memory.Memory(
            shape=64, depth=self._depth, init=[], attrs={"ram_style": "block"})
        write = registers.write_port()
        for number in (1, 2):
            read = registers.read_port(transparent_for=(write,))
            m.d.comb += [
                read.en.eq(1),
                read.addr.eq(getattr(self, f"read{number}_address")),
                getattr(self, f"read{number}_data").eq(read.data),
            ]

        clearing = Signal(init=1)
        sweep = Signal(range(self._depth))
        m.d.comb += self.clearing.eq(clearing)
        m.d.comb += [write.en.eq(self.write), write.addr.eq(self.write_address), write.data.eq(self.write_data)]
        with m.If(clearing):
            m.d.comb += [write.en.eq(1), write.addr.eq(sweep), write.data.eq(0)]
            m.d.sync += sweep.eq(sweep + 1)
            with m.If(sweep == self._depth - 1):
                m.d.sync += clearing.eq(0)
        return m
