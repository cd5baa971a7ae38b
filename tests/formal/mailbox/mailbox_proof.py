"""The mailbox together with what is proven about it.

One page, one word and one message are chosen freely (`AnyConst`, `mark`), so what holds for them holds for all.
*Specification* registers follow the ports: what the page stored, which space it has, what was asked and answered,
how many messages stand ahead of the marked one. *Properties* compare with them. *Links* tie them to the inside, so
that induction closes in two steps.
"""

from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Assert, Assume, Cat, Cover, Mux, Signal

from hw.abi import CapType, Rights, Verdict
from hw.capability.check import CheckRequest, CheckResponse
from hw.mailbox.config import MailboxConfig
from hw.mailbox.mailbox import Mailbox
from hw.mailbox.parts import Operation
from hw.mailbox.registers import PageBinding
from tests.formal.mailbox.instruction_proof import ContextProof

__all__ = ["MailboxProof"]


class MailboxProof(Mailbox):
    """A small mailbox with its properties.

    Parameters
    ----------
    fault : str, optional
        Planted defect that is switched on all the time.
    harts : int
    """

    def __init__(self, fault=None, harts=1):
        super().__init__(MailboxConfig(queues=2, depth=2, pages=2, senders=1, contexts=1, harts=harts, message_words=1,
                                       capability_words=2, check_timeout=4, faults=(fault,) if fault else ()))

    def elaborate(self, platform):
        m = super().elaborate(platform)
        self.mark = AnySeq(1)
        if self.config.faults:
            m.d.comb += Assume(self.fault == 1)
        self._choose(m)
        self._follow_page(m)
        self._follow_check(m)
        self.contexts = [ContextProof(m, self, side) for side in self.parts.sides]
        self._follow_message(m)
        for context in self.contexts:
            context.outcomes(m, self)
        self._reads(m)
        self._book_keeping(m)
        return m

    def _choose(self, m):
        """Any page and any word of its message, the last one standing for badge and sender."""
        parts, config = self.parts, self.config
        self.payload = config.message_words + config.capability_words
        self.any_page = AnyConst(len(parts.index))
        self.any_word = AnyConst(len(parts.within))
        m.d.comb += [
            Assume((self.any_page != 0) & (self.any_page <= config.pages)),
            Assume(self.any_word <= self.payload),
        ]
        staging = parts.staging.read_port(domain="comb")
        self.entry = parts.entries.read_port(domain="comb")
        spaces = parts.spaces.read_port(domain="comb")
        handles = parts.handles.read_port(domain="comb")
        m.d.comb += [
            staging.addr.eq(Cat(self.any_word, self.any_page)),
            spaces.addr.eq(self.any_page),
            handles.addr.eq(self.any_page),
        ]
        self.staging_inside, self.space_inside, self.handle_inside = staging.data, spaces.data, handles.data
        self.in_payload = self.any_word < self.payload

    def _follow_page(self, m):
        """What the page staged, its space, its command; staging is zero after send and bind."""
        parts, bus = self.parts, self.bus
        store = parts.accept & parts.ok & bus.we & ~parts.clearing
        here = store & (bus.adr[9:] == self.any_page)
        word = bus.adr[:9]
        # Offset of the word in the page: messages from 0, capabilities from 8 (docs/datasheet/mailbox.md).
        messages = self.config.message_words
        offset = Mux(self.any_word < messages, self.any_word, 8 + self.any_word - messages)
        self.staged, self.space, self.handle = Signal(64), Signal(32), Signal(32)
        self.command, self.busy = Signal(Operation), Signal()
        self.enabled, self.kernel = Signal(), Signal()
        with m.If(here & (word == offset) & self.in_payload):
            for lane in range(8):
                with m.If(bus.sel[lane]):
                    m.d.sync += self.staged.word_select(lane, 8).eq(bus.dat_w.word_select(lane, 8))
            # Capability words are the kernel's.
            m.d.comb += Assert((self.any_word < messages) | self.kernel)
        self.doorbell = here & (word >= 0x10) & (word < 0x14)
        with m.If(self.doorbell):
            m.d.sync += [self.handle.eq(bus.dat_w[:32]), self.command.eq(Operation(word[:2])), self.busy.eq(1)]
        self.bind = store & (bus.adr == 0x20 + self.any_page)
        binding = PageBinding(bus.dat_w[:PageBinding.as_shape().size])
        with m.If(self.bind):
            m.d.sync += [self.space.eq(binding.space), self.enabled.eq(binding.enabled),
                         self.kernel.eq(binding.kernel), self.staged.eq(0), self.busy.eq(0)]
        self.mine = parts.active_page == self.any_page
        self.decided = parts.client.done & parts.settled & ~parts.killed & self.mine
        self.sends = parts.start_copy & self.mine
        with m.If(self.decided):
            m.d.sync += self.busy.eq(0)
        self.source = Signal(64)
        with m.If(self.sends):
            m.d.sync += [self.source.eq(self.staged), self.staged.eq(0)]

        # Links.
        mine_moves = parts.moved_page == self.any_page
        address = Cat(self.any_word, self.any_page)
        inside = self.staging_inside
        with m.If(parts.clearing):
            m.d.comb += [Assert(self.staged == 0), Assert((parts.step <= address) | (inside == 0)),
                         Assert(self.space == 0), Assert(~self.busy),
                         Assert((parts.step <= self.any_page) | (self.space_inside == 0))]
        with m.Else():
            m.d.comb += Assert(self.space == self.space_inside)
            with m.If(self.in_payload):
                with m.If(parts.copying & mine_moves):
                    m.d.comb += [Assert(self.staged == 0),
                                 Assert(inside == Mux(parts.step > self.any_word + 1, 0, self.source)),
                                 Assert((parts.step != self.any_word + 1)
                                        | (parts.staging_read.data == self.source))]
                with m.Elif(parts.wiping_page & mine_moves):
                    m.d.comb += [Assert(self.staged == 0), Assert((parts.step <= self.any_word) | (inside == 0))]
                with m.Else():
                    m.d.comb += Assert(inside == self.staged)
        bit = lambda vector: vector.bit_select(self.any_page, 1)  # noqa: E731
        m.d.comb += [
            Assert(self.busy == bit(parts.busy)),
            Assert(~bit(parts.waiting) | self.busy),
            Assert(self.enabled == bit(parts.enabled)),
            Assert(self.kernel == bit(parts.kernel)),
        ]
        with m.If(self.busy):
            m.d.comb += [Assert(self.handle == self.handle_inside),
                         Assert(self.command.as_value() == parts.operation[self.any_page])]

    def _follow_check(self, m):
        """A command takes effect only on an OK to its own question, asked after it was given, and answered after
        whatever the unit has forgotten."""
        parts = self.parts
        client, request, response = parts.client, self.check.request, self.check.response
        valid_before, offered = Signal(), Signal()
        m.d.sync += valid_before.eq(request.valid & ~request.ready)
        m.d.comb += offered.eq(request.valid & ~valid_before)
        question, answer = Signal(CheckRequest), Signal(CheckResponse)
        asked, answered, outdated, forgotten = Signal(), Signal(), Signal(), Signal()
        taken = response.valid & response.ready
        m.d.sync += forgotten.eq(self.forget)
        with m.If(offered):
            m.d.sync += outdated.eq(0)
        with m.Elif(forgotten & answered):
            m.d.sync += outdated.eq(1)
        with m.If(self.doorbell | self.bind | (parts.asks_again & self.mine)):
            m.d.sync += [asked.eq(0), answered.eq(0)]
        with m.Elif(offered):
            m.d.sync += [asked.eq(self.busy & self.mine & ~parts.killed), question.eq(request.payload), answered.eq(0)]
        with m.Elif(taken):
            m.d.sync += answered.eq(asked)
        with m.If(taken):
            m.d.sync += answer.eq(response.payload)

        # A stream keeps what it offers, and one question is open at a time.
        payload_before = Signal(CheckRequest)
        m.d.sync += payload_before.eq(request.payload)
        m.d.comb += [
            Assert(~valid_before | (request.valid & (request.payload == payload_before))),
            Assert(~(request.valid & client.owed)),
        ]
        row = parts.table.rows[parts.decide_queue]
        wanted = Mux(self.command == Operation.SEND, Rights.SEND, Rights.RECEIVE)
        right_question = ((question.space == self.space) & (question.query.handle == self.handle)
                          & (question.query.cap_type == CapType.ENDPOINT) & (question.query.rights == wanted))
        right_answer = ((answer.verdict == Verdict.OK) & row.binding.enabled
                        & (answer.object_id == row.binding.endpoint))
        page_pops = parts.table.pop & self.mine
        effect = self.sends | page_pops
        with m.If(effect):
            m.d.comb += [Assert(self.busy), Assert(asked), Assert(answered), Assert(~outdated),
                         Assert(right_question), Assert(right_answer)]
        with m.If(self.sends):
            m.d.comb += Assert(self.command == Operation.SEND)
        with m.If(page_pops):
            m.d.comb += Assert((self.command == Operation.POP) | (self.command == Operation.NEXT))
        self.answer, self.row = answer, row

        # Links.
        at_work = ~client.idle & self.mine & ~parts.killed
        m.d.comb += Assert(~offered | client.asked)
        not_yet = parts.waiting.bit_select(self.any_page, 1) | (at_work & ~client.asked & ~client.done)
        m.d.comb += Assert(~(self.busy & not_yet) | ~(asked | answered))
        with m.If(at_work):
            m.d.comb += [Assert(self.busy), Assert(~parts.waiting.bit_select(self.any_page, 1))]
            with m.If(client.asked):
                payload = request.payload
                m.d.comb += [
                    Assert(request.valid | client.owed),
                    Assert(~asked | ~answered),
                    Assert(payload.space == self.space),
                    Assert(payload.query.handle == self.handle),
                    Assert(payload.query.cap_type == CapType.ENDPOINT),
                    Assert(payload.query.rights == wanted),
                    Assert(offered | (asked & ~outdated & (question == payload))),
                ]
            with m.If(client.done & (client.answer.verdict == Verdict.OK)):
                m.d.comb += [Assert(asked), Assert(answered), Assert(~outdated), Assert(right_question),
                             Assert(client.answer == answer), Assert(request.payload == question)]
        m.d.comb += Assert(~valid_before | ~client.owed)
        with m.If(client.done & (client.answer.verdict == Verdict.OK)):
            m.d.comb += Assert(~request.valid & ~client.owed)
            m.d.comb += Assert(~parts.found | parts.discarded | (row.binding.enabled
                                               & (client.answer.object_id == row.binding.endpoint)))

    def _follow_message(self, m):
        """The marked message: its place in the queue falls by one for each pop, and its word stays what it was."""
        parts, table = self.parts, self.parts.table
        self.tracked, self.ahead = Signal(), Signal(range(self.config.depth + 1))
        self.queue, self.slot = Signal.like(parts.decide_queue), Signal.like(parts.moved_entry)
        self.expected = Signal(64)
        self.copying = copying = Signal()
        by_context = Signal(len(self.contexts))
        for context in self.contexts:
            with m.If(context.sends & ~self.tracked & self.mark):
                m.d.sync += self.expected.eq(Mux(self.in_payload, context.word(self.any_word),
                                                 Cat(context.answer.badge, context.space)))
        sends = Cat(context.sends for context in self.contexts)
        with m.If(self.sends & ~self.tracked & self.mark):
            m.d.sync += self.expected.eq(Mux(self.in_payload, self.staged, Cat(self.answer.badge, self.space)))
        with m.If((self.sends | sends.any()) & ~self.tracked & self.mark):
            m.d.sync += [
                by_context.eq(sends),
                self.tracked.eq(1),
                copying.eq(1),
                self.queue.eq(parts.decide_queue),
                self.slot.eq(table.tail),
                self.ahead.eq(table.count),
            ]
        here = self.tracked & (table.select == self.queue)
        removed = (here & table.pop) | (self.tracked & table.drop & (table.drop_select == self.queue))
        self.delivered = removed & (self.ahead == 0)
        with m.If(here & (table.wipe | table.bind)):
            m.d.sync += self.tracked.eq(0)
        with m.Elif(self.delivered):
            m.d.sync += self.tracked.eq(0)
        with m.Elif(removed):
            m.d.sync += self.ahead.eq(self.ahead - 1)
        # Between harts it is in the queue from the first step on.
        early = parts.cuts_through
        with m.If(parts.copying & (parts.step == self.payload)):
            m.d.sync += copying.eq(0)

        row = table.rows[self.queue]
        m.d.comb += self.entry.addr.eq(Cat(self.any_word, self.slot, self.queue))
        inside, step = self.entry.data, parts.step
        with m.If(self.tracked):
            m.d.comb += [
                Assert(self.slot == (row.head + self.ahead)[:len(self.slot)]),
                Assert(~parts.clearing),
                Assert(row.binding.enabled),
            ]
            with m.If(copying):
                there = Mux(self.in_payload, step > self.any_word + 1, step > 0)
                m.d.comb += [
                    Assert(parts.copying),
                    Assert(row.count == self.ahead + early),
                    Assert(parts.moved_queue == self.queue),
                    Assert(parts.moved_entry == self.slot),
                    Assert(parts.moves_pairs == by_context.any()),
                    Assert(by_context.any() | (parts.moved_page == self.any_page)),
                    Assert(~there | (inside == self.expected)),
                    *(Assert(~by_context[context.side.number] | (context.moves & (~self.in_payload | (
                        context.moved(self.any_word) == self.expected)))) for context in self.contexts),
                    Assert(by_context.any() | ~self.in_payload | (self.source == self.expected)),
                    Assert(self.in_payload | (step != 0) | (self.expected == Cat(
                        parts.client.answer.badge, self.check.request.payload.space))),
                ]
            with m.Else():
                # What is being copied is another one.
                others = early & (parts.moved_queue == self.queue)
                m.d.comb += [Assert(row.count > self.ahead + others), Assert(inside == self.expected)]
                # Whoever wipes entries, it is not this queue's.
                m.d.comb += Assert(~parts.wiping_queue | (parts.moved_queue != self.queue))

        # What carries capabilities is open in the kernel's pages only.
        capability = self.in_payload & (self.any_word >= self.config.message_words) & (self.expected != 0)
        with m.If(self.tracked & capability):
            with m.If(copying):
                m.d.comb += Assert((step <= self.any_word + 1) | parts.carries)
            with m.Else():
                m.d.comb += Assert(row.capabilities.bit_select(self.slot, 1))
            for number in range(1, self.config.pages + 1):
                with m.If(parts.view_open[number] & (parts.view_queue[number] == self.queue) & (self.ahead == 0)):
                    m.d.comb += Assert(parts.kernel[number])
        m.d.comb += Cover(self.delivered & (self.any_word == 0) & (self.expected == 0x1234_5678))

    def _reads(self, m):
        """A page reads its open message, and 0 without one; the message is the first of its queue."""
        parts, bus = self.parts, self.bus
        page, word = bus.adr[9:], bus.adr[:9]
        messages = self.config.message_words
        head = 0x20 + Mux(self.any_word < messages, self.any_word, 8 + self.any_word - messages)
        first = self.tracked & (self.ahead == 0)
        queue = parts.view_queue[parts.index]
        sees = parts.view_open.bit_select(parts.index, 1)
        reading = parts.accept & parts.ok & ~bus.we & (page != 0)
        expects, value = Signal(), Signal(64)
        m.d.sync += expects.eq(0)
        with m.If(reading & (word >= 0x20)):
            with m.If(~sees):
                m.d.sync += [expects.eq(1), value.eq(0)]
            with m.Elif(first & (queue == self.queue)):
                with m.If(self.in_payload & (word == head)):
                    m.d.sync += [expects.eq(1), value.eq(self.expected)]
                with m.Elif(~self.in_payload & (word == 0x2a)):
                    m.d.sync += [expects.eq(1), value.eq(self.expected[:32])]
                with m.Elif(~self.in_payload & (word == 0x2b)):
                    kernel = parts.kernel.bit_select(parts.index, 1)
                    m.d.sync += [expects.eq(1), value.eq(Mux(kernel, self.expected[32:], 0))]
        with m.If(expects):
            m.d.comb += [Assert(bus.ack), Assert(bus.dat_r == value)]
        # Staged words read as stored.
        stages, staged = Signal(), Signal(64)
        here = reading & (page == self.any_page) & (word == head - 0x20) & self.in_payload
        m.d.sync += [stages.eq(here), staged.eq(self.staged)]
        with m.If(stages):
            m.d.comb += [Assert(bus.ack), Assert(bus.dat_r == staged)]
        m.d.comb += Cover(expects & (value == 0x1234_5678) & (self.any_word == 0))

        # No view of what was popped, and none without a message.
        popped, popper, of = Signal(), Signal.like(parts.active_page), Signal.like(parts.decide_queue)
        m.d.sync += [popped.eq(parts.table.pop | parts.table.drop),
                     popper.eq(Mux(parts.table.drop, 0, parts.active_page)),
                     of.eq(Mux(parts.table.drop, parts.table.drop_select, parts.table.select))]
        m.d.comb += Assert(~(parts.table.drop & (parts.table.pop | parts.table.push)))
        for number in range(1, self.config.pages + 1):
            with m.If(popped & (popper != number) & (parts.view_queue[number] == of)):
                m.d.comb += Assert(~parts.view_open[number])
            with m.If(parts.view_open[number]):
                m.d.comb += Assert(parts.table.rows[parts.view_queue[number]].count != 0)

    def _book_keeping(self, m):
        """Ranges that hold at all times."""
        parts, config, table = self.parts, self.config, self.parts.table
        step = parts.step
        for number, row in enumerate(table.rows[index] for index in range(config.queues)):
            m.d.comb += [Assert(row.count <= config.depth), Assert((row.count == 0) | row.binding.enabled)]
            with m.If(parts.copying & (parts.moved_queue == number)):
                early = parts.cuts_through
                m.d.comb += [Assert(row.count < config.depth + early), Assert(row.binding.enabled),
                             Assert(~early | (row.count != 0)),
                             Assert(parts.moved_entry == (row.head + row.count - early)[:len(parts.moved_entry)])]
            with m.If(parts.clearing):
                m.d.comb += [Assert(row.count == 0), Assert(~row.binding.enabled)]
        m.d.comb += [
            Assert(parts.active_page <= config.pages),
            Assert(parts.client.idle | ((parts.active_page != 0) ^ parts.by_instruction)),
            Assert(parts.client.idle | (parts.active_owner == Mux(
                parts.by_instruction, config.pages + 1 + parts.active_hart, parts.active_page))),
            Assert(~parts.waiting[0]),
            Assert(~parts.kernel[0]),
        ]
        if config.harts > 1:
            # Each has one context.
            m.d.comb += [Assert(parts.active_context == parts.active_hart),
                         Assert(parts.moved_context == parts.moved_hart)]
        with m.If(parts.settled):
            m.d.comb += Assert(step == 0)
        with m.If(parts.copying):
            m.d.comb += Assert(step <= self.payload)
        with m.If(parts.wiping_page):
            m.d.comb += Assert(step < max(parts.entry_words, parts.senders.last_step + 1))
        with m.If(parts.searching):
            m.d.comb += Assert(step <= parts.senders.last_step)
        with m.If(parts.wiping_queue):
            m.d.comb += Assert(step < config.depth * parts.entry_words)
        states = (parts.settled, parts.clearing, parts.copying, parts.wiping_page, parts.wiping_queue, parts.searching)
        m.d.comb += [Assert(sum(states) == 1), Assert(~(parts.cleared & parts.clearing))]
        with m.If(parts.clearing):
            m.d.comb += [Assert(parts.client.idle), Assert(parts.waiting == 0), Assert(parts.busy == 0),
                         Assert(parts.view_open == 0), Assert(parts.enabled == 0)]
        with m.If(self.bus.ack | self.bus.err):
            m.d.comb += Assert(~(self.bus.ack & self.bus.err))
