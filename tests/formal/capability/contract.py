"""Stand-ins for parts of the capability unit in its proof: the walker's contract, a lookaside buffer of registers with
the contract of parity."""

from amaranth.asserts import AnySeq
from amaranth.hdl import Array, Module, Mux, Signal
from amaranth.lib import wiring

from hw.capability.lookaside import Lookaside
from hw.capability.walker import Walker, WalkResult
from tests.formal.capability.reference import symbolic

__all__ = ["RegisterLookaside", "WalkerContract"]


class RegisterLookaside(Lookaside):
    """The lookaside buffer with registers in place of block RAM: `rows[way][set]`.

    A line may be read wrong, each time, and then as anything; `read` has it as it was. That parity tells when one bit
    of a line that was stored is wrong is proven by `parity_bench`.
    """

    def __init__(self, config, planted):
        super().__init__(config, planted)
        self.rows, self.read, self._wrong = [], [], []

    def _create_way(self, m, way, layout, read_set, write_set, write_line, write_enable):
        # As memory, they keep their content through a reset.
        rows = [Signal(layout, name=f"row{way}_{number}", reset_less=True) for number in range(self._config.sets)]
        read = Signal(layout, name=f"read{way}", reset_less=True)
        # A word that is read and written at once reads as anything (hw.mapping.BLOCK_RAM).
        torn = symbolic(m, AnySeq, layout, f"torn{way}")
        m.d.sync += read.eq(Mux(write_enable & (write_set == read_set), torn.as_value(),
                                Array(row.as_value() for row in rows)[read_set]))
        for number, row in enumerate(rows):
            with m.If(write_enable & (write_set == number)):
                m.d.sync += row.eq(write_line)
        self.rows.append(rows)
        self.read.append(read)
        line, anything = Signal(layout, name=f"line{way}"), symbolic(m, AnySeq, layout, f"anything{way}")
        wrong = symbolic(m, AnySeq, 1, f"wrong{way}")
        m.d.comb += line.eq(Mux(wrong, anything.as_value(), read.as_value()))
        self._wrong.append(wrong)
        return line

    def _check_parity(self, m, line, way):
        return ~self._wrong[way] | self._planted("drop_parity")


class WalkerContract(wiring.Component):
    """What the walker promises, as `walker_bench` proves it of the real one.

    A walk that begins or is restarted when the tables are `settled`, and that is of the slot that is `tracked`, finds
    `truth` or an error; every other walk finds anything. It says truthfully which object it has found, when it says so.
    """

    def __init__(self, planted):
        super().__init__(Walker.__annotations__)
        self._planted = planted
        self.tracked = Signal()
        self.truth = Signal(WalkResult)
        self.settled = Signal()
        self.busy, self.choose = Signal(), Signal()
        self.found = Signal(WalkResult)
        #: What its user must keep: start an idle walker only, and leave the key alone from then to its end.
        self.misused = Signal()
        self.chosen_key = Signal(48)

    def elaborate(self, platform):
        m = Module()
        busy, choose, found = self.busy, self.choose, self.found
        restart = self.restart & ~self._planted("keep_walk")
        anything = symbolic(m, AnySeq, WalkResult, "anything")
        free = {name: symbolic(m, AnySeq, 1, name) for name in ("may_idle", "may_deliver", "may_know")}
        m.d.comb += [
            self.idle.eq(~busy & free["may_idle"]),
            self.stuck.eq(~busy & ~self.idle),
            self.result.eq(found),
            self.valid.eq(busy & free["may_deliver"] & ~choose & ~restart),
            self.object_known.eq(free["may_know"] & ~choose),
            self.object_id.eq(found.content.object_id),
            self.misused.eq((self.start & ~self.idle) | (busy & (self.key.as_value() != self.chosen_key))),
        ]
        with m.If(self.start):
            m.d.sync += self.chosen_key.eq(self.key.as_value())
        # What the walk will find is chosen in its first cycle.
        m.d.sync += choose.eq(self.start | (busy & restart))
        with m.If(choose):
            m.d.sync += found.as_value().eq(
                Mux(self.settled & self.tracked & ~anything.error, self.truth.as_value(), anything.as_value()))
        with m.If(self.start):
            m.d.sync += busy.eq(1)
        with m.Elif(self.valid & self.ready):
            m.d.sync += busy.eq(0)
        return m
