"""Which token bucket a sender has: looked for once, when spaces are bound, and not for each message.

So the buckets' spaces lie in a memory and are compared one in each cycle.
"""

from amaranth import *
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from .registers import SenderBinding

__all__ = ["SenderTable"]


class SenderTable(wiring.Component):
    """The bucket of each sender: the lowest one that is bound to its space.

    A search takes :attr:`last_step` + 1 cycles. Its last two find nothing more: by then whoever follows `bucket` by
    two cycles knows the outcome.

    Parameters
    ----------
    senders : int
        Buckets.
    owners : int
        Those who send.

    Attributes
    ----------
    last_step : int
    owner : In(range(owners))
        Who sends; `found` and `bucket` tell in the same cycle whether it has a bucket, and which.
    row : In(range(senders))
        Bucket that the following is about.
    bind, new_binding : In(1), In(SenderBinding)
        It gets another space. Until all owners have been searched for, what they find is of no use.
    search, step : In(1), In
        Step `step` of the search for the bucket of `searched`, whose space is `space`.
    clear, clear_index : In(1), In
        Unbind that bucket; that owner has none.
    """

    def __init__(self, senders, owners):
        self._senders = senders
        self._owners = owners
        self.last_step = senders + 2
        super().__init__({
            "owner": In(range(owners)),
            "found": Out(1),
            "bucket": Out(range(senders)),
            "row": In(range(senders)),
            "bind": In(1),
            "new_binding": In(SenderBinding),
            "search": In(1),
            "step": In(range(self.last_step + 1)),
            "searched": In(range(owners)),
            "space": In(32),
            "clear": In(1),
            "clear_index": In(range(max(senders, owners))),
        })

    def elaborate(self, platform):
        m = Module()
        result = data.StructLayout({"found": 1, "bucket": range(self._senders)})
        m.submodules.bindings = bindings = memory.Memory(shape=SenderBinding, depth=self._senders, init=[])
        m.submodules.results = results = memory.Memory(shape=result, depth=self._owners, init=[])
        compared, bind = bindings.read_port(domain="comb"), bindings.write_port()
        known, learn = results.read_port(domain="comb"), results.write_port()
        hit = Signal(result)
        m.d.comb += [
            known.addr.eq(self.owner),
            self.found.eq(known.data.found),
            self.bucket.eq(known.data.bucket),
            compared.addr.eq(self.step),
            bind.addr.eq(Mux(self.clear, self.clear_index, self.row)),
            bind.data.eq(Mux(self.clear, 0, self.new_binding.as_value())),
            bind.en.eq(self.bind | self.clear),
            learn.addr.eq(Mux(self.clear, self.clear_index, self.searched)),
            learn.data.eq(Mux(self.clear, 0, hit.as_value())),
            learn.en.eq(self.clear | (self.search & (self.step == self._senders))),
        ]
        with m.If(~self.search | (self.step >= self._senders)):
            m.d.sync += hit.eq(0)
        with m.Elif(~hit.found & compared.data.enabled & (compared.data.space == self.space)):
            m.d.sync += [hit.found.eq(1), hit.bucket.eq(self.step)]
        return m
