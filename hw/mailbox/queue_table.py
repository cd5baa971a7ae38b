"""Which endpoint each queue serves, and where its messages lie: bindings, first and free entries, counts."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..mapping import SEPARATE, pairs_equal
from .registers import QueueBinding

__all__ = ["QueueTable"]


class QueueTable(wiring.Component):
    """Book-keeping of all queues. Only one of `push`, `pop`, `bind` and `wipe` in a cycle, on queue `select`.

    Parameters
    ----------
    queues, depth : int
    harts : int
        Readers that have contexts.

    Attributes
    ----------
    object_id : In(32)
        Endpoint to look for; `found` and `found_queue` answer in the same cycle.
    look : In(range(queues))
        Queue that `count`, `head`, `tail`, `head_capabilities` and `next_capabilities` are of.
    shown, shown_count : In(range(queues)), Out(range(depth + 1))
        Messages of another queue.
    select : In(range(queues))
        Queue that changes by what follows.
    push, push_capabilities, push_entry : In(1), In(1), In(range(depth))
        The entry at its tail, which is `push_entry`, became the last message; it carries capabilities or not.
    pop : In(1)
        The first entry is free.
    drop, drop_select : In(1), In(range(queues))
        So is the first one of that queue, in a cycle without `push` and `pop`. Known late, so it has a path of its own;
        `wipe` or `bind` of the same cycle come after it.
    wipe : In(1)
        The queue loses its messages.
    bind : In(1)
        The queue gets `new_binding` and loses its messages.
    view, view_head : In(range(queues)), Out(range(depth))
    context_view, context_view_head : the same for each hart
        First entry of another queue, for a reader.
    not_empty : Out(queues)
    threshold, ripe : In(8), Out(queues)
        Which of them hold that many messages.
    pop_count : In(2)
        Entries that `pop` and `drop` free: 1, unless a test plants a defect. 2: two if there are two.
    """

    def __init__(self, queues, depth, harts=1):
        self._queues = queues
        self._depth = depth
        super().__init__({
            "object_id": In(32),
            "found": Out(1),
            "found_queue": Out(range(queues)),
            "look": In(range(queues)),
            "shown": In(range(queues)),
            "shown_count": Out(range(depth + 1)),
            "select": In(range(queues)),
            "count": Out(range(depth + 1)),
            "head": Out(range(depth)),
            "tail": Out(range(depth)),
            "head_capabilities": Out(1),
            "next_capabilities": Out(1),
            "push": In(1),
            "push_capabilities": In(1),
            "push_entry": In(range(depth)),
            "pop": In(1),
            "drop": In(1),
            "drop_select": In(range(queues)),
            "pop_count": In(2, init=1),
            "wipe": In(1),
            "bind": In(1),
            "new_binding": In(QueueBinding),
            "view": In(range(queues)),
            "view_head": Out(range(depth)),
            "context_view": In(range(queues)).array(harts),
            "context_view_head": Out(range(depth)).array(harts),
            "not_empty": Out(queues),
            "threshold": In(8),
            "ripe": Out(queues),
        })
        row = data.StructLayout({
            "binding": QueueBinding,
            "count": range(depth + 1),
            "head": range(depth),
            # Bit e: the message in entry e carries capabilities.
            "capabilities": depth,
        })
        #: State of each queue; the proofs look at it from outside.
        self.rows = Array(Signal(row, name=f"queue{number}") for number in range(queues))

    def elaborate(self, platform):
        m = Module()
        queues, depth = self._queues, self._depth
        rows = self.rows
        chosen = Signal.like(rows[0])
        head = Signal(range(depth))
        m.d.comb += [
            chosen.eq(rows[self.look]),
            self.shown_count.eq(rows[self.shown].count),
            head.eq(chosen.head),
            self.count.eq(chosen.count),
            self.head.eq(head),
            # Modulo depth, which is a power of two: the port is as wide as an entry number.
            self.tail.eq(head + chosen.count),
            self.head_capabilities.eq(chosen.capabilities.bit_select(head, 1)),
            self.next_capabilities.eq(chosen.capabilities.bit_select((head + 1)[:len(head)], 1)),
            self.view_head.eq(rows[self.view].head),
        ]
        for view, first in zip(self.context_view, self.context_view_head, strict=True):
            m.d.comb += first.eq(rows[view].head)

        # Lowest queue first, if the kernel bound two queues to one endpoint.
        # What is looked for is late, so each comparison is three LUTs behind each other, whatever else there is.
        matches = Signal(queues, attrs=SEPARATE)
        for number in reversed(range(queues)):
            binding = rows[number].binding
            pairs = Cat(pairs_equal(binding.endpoint, self.object_id))
            # High bits come earlier: lines of the capability unit's buffer have none.
            equal = Signal(4, name=f"equal{number}", attrs=SEPARATE)
            m.d.comb += [equal.eq(Cat(pairs[:4].all(), pairs[4:8].all(), pairs[8:12].all(),
                                      pairs[12:].all() & binding.enabled)),
                         matches[number].eq(equal.all())]
            with m.If(matches[number]):
                m.d.comb += self.found_queue.eq(number)
        m.d.comb += self.found.eq(matches.any())

        carries = Signal()
        m.d.comb += carries.eq(self.push & self.push_capabilities)
        for number in range(queues):
            this = rows[number]
            m.d.comb += [self.not_empty[number].eq(this.count != 0), self.ripe[number].eq(this.count >= self.threshold)]
            with m.If(self.select == number):
                with m.If(self.push):
                    m.d.sync += this.count.eq(this.count + 1)
                # What a message carries is known late, so it meets one gate for all entries.
                for entry in range(depth):
                    with m.If((self.push & (self.push_entry == entry)) | self.wipe | self.bind):
                        m.d.sync += this.capabilities[entry].eq(carries)
            freed = Mux((self.pop_count == 2) & (this.count < 2), 1, self.pop_count)
            with m.If((self.pop & (self.select == number)) | (self.drop & (self.drop_select == number))):
                m.d.sync += [this.count.eq(this.count - freed), this.head.eq(this.head + freed)]
            with m.If(self.select == number):
                with m.If(self.wipe | self.bind):
                    m.d.sync += [this.count.eq(0), this.head.eq(0)]
                with m.If(self.bind):
                    m.d.sync += this.binding.eq(self.new_binding)
        return m
