"""Which endpoint each queue serves, and where its messages lie: bindings, first and free entries, counts."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .registers import QueueBinding

__all__ = ["QueueTable"]


class QueueTable(wiring.Component):
    """Book-keeping of all queues. Only one of `push`, `pop`, `bind` and `wipe` in a cycle, on queue `select`.

    Parameters
    ----------
    queues, depth : int

    Attributes
    ----------
    object_id : In(32)
        Endpoint to look for; `found` and `found_queue` answer in the same cycle.
    select : In(range(queues))
        Queue that everything below is about.
    push, push_capabilities : In(1)
        The entry at `tail` became the last message; it carries capabilities or not.
    pop : In(1)
        The entry at `head` is free.
    wipe : In(1)
        The queue loses its messages.
    bind : In(1)
        The queue gets `new_binding` and loses its messages.
    view, view_head, context_view, context_view_head : In(range(queues)), Out(range(depth))
        First entry of another queue, for a reader.
    not_empty : Out(queues)
    threshold, ripe : In(8), Out(queues)
        Which of them hold that many messages.
    pop_count : In(2)
        Entries that `pop` frees: 1, unless a test plants a defect.
    """

    def __init__(self, queues, depth):
        self._queues = queues
        self._depth = depth
        super().__init__({
            "object_id": In(32),
            "found": Out(1),
            "found_queue": Out(range(queues)),
            "select": In(range(queues)),
            "binding": Out(QueueBinding),
            "count": Out(range(depth + 1)),
            "head": Out(range(depth)),
            "tail": Out(range(depth)),
            "head_capabilities": Out(1),
            "next_capabilities": Out(1),
            "push": In(1),
            "push_capabilities": In(1),
            "pop": In(1),
            "pop_count": In(2, init=1),
            "wipe": In(1),
            "bind": In(1),
            "new_binding": In(QueueBinding),
            "view": In(range(queues)),
            "view_head": Out(range(depth)),
            "context_view": In(range(queues)),
            "context_view_head": Out(range(depth)),
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
            chosen.eq(rows[self.select]),
            head.eq(chosen.head),
            self.binding.eq(chosen.binding),
            self.count.eq(chosen.count),
            self.head.eq(head),
            # Modulo depth, which is a power of two: the port is as wide as an entry number.
            self.tail.eq(head + chosen.count),
            self.head_capabilities.eq(chosen.capabilities.bit_select(head, 1)),
            self.next_capabilities.eq(chosen.capabilities.bit_select((head + 1)[:len(head)], 1)),
            self.view_head.eq(rows[self.view].head),
            self.context_view_head.eq(rows[self.context_view].head),
        ]

        # Lowest queue first, if the kernel bound two queues to one endpoint.
        for number in reversed(range(queues)):
            with m.If(rows[number].binding.enabled & (rows[number].binding.endpoint == self.object_id)):
                m.d.comb += [self.found.eq(1), self.found_queue.eq(number)]

        for number in range(queues):
            this = rows[number]
            m.d.comb += [self.not_empty[number].eq(this.count != 0), self.ripe[number].eq(this.count >= self.threshold)]
            with m.If(self.select == number):
                with m.If(self.push):
                    m.d.sync += [
                        this.count.eq(this.count + 1),
                        this.capabilities.bit_select(self.tail, 1).eq(self.push_capabilities),
                    ]
                with m.If(self.pop):
                    m.d.sync += [
                        this.count.eq(this.count - self.pop_count),
                        this.head.eq(this.head + self.pop_count),
                    ]
                with m.If(self.wipe | self.bind):
                    m.d.sync += [this.count.eq(0), this.head.eq(0), this.capabilities.eq(0)]
                with m.If(self.bind):
                    m.d.sync += this.binding.eq(self.new_binding)
        return m
