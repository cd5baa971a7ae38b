"""What is proven about the mailbox's instructions: :class:`ContextProof`, a part of `MailboxProof`.

The hart issues anything within the rules of :mod:`hw.core.port`. *Specification* registers follow its port: which
instructions are in flight, what was staged, whether a message may be open. No instruction changes anything before it is
committed and its result is taken; a message that one sends was staged as a whole since the context was bound, and had
an OK to its own question; one opens and removes only with an OK for receiving since the context was bound and since
something was last forgotten. In the reset of a hart among several nothing of it happens, and nothing is left of what it
had issued, staged and open.
"""

from amaranth.hdl import Assert, Assume, Const, Mux, Signal
from amaranth.lib import data

from hw.abi import CUSTOM_0, INSTRUCTIONS, CapType, MailAnswer, MailStatus, Rights, Verdict
from hw.capability.check import CheckRequest, CheckResponse
from hw.mailbox.instructions import MailOperation
from hw.mailbox.registers import ContextBinding, ControlPage

__all__ = ["ContextProof"]

_OPERATIONS = {"mail.put0": MailOperation.PUT, "mail.get0": MailOperation.GET, "mail.send": MailOperation.SEND,
               "mail.receive": MailOperation.RECEIVE, "mail.pop": MailOperation.POP}


class _Issued(data.Struct):
    valid: 1
    committed: 1
    operation: MailOperation
    handle: 32
    word: 64


class ContextProof:
    """The context of a hart of a small mailbox: messages of one word, so one pair.

    Attributes
    ----------
    sends : Signal
        A message of the context enters its queue.
    space, answer : Signal
        The context's space; the capability unit's answer to the question of the instruction that is served.
    """

    def __init__(self, m, proof, side):
        self.parts, self.side, self.check = proof.parts, side, proof.check
        self.port = proof.port if len(proof.parts.sides) == 1 else proof.port[side.number]
        #: The command that is served, or the message that is being copied, would be this hart's.
        self.serves, self.moves = (getattr(self.parts, f"{what}_hart") == side.number for what in ("active", "moved"))
        #: Its reset, at any moment.
        self.reset = Const(0) if len(proof.parts.sides) == 1 else proof.resets[side.number]
        self.view_open = self.parts.context_view_open[side.number]
        self.view_queue = self.parts.context_view_queue[side.number]
        self.forget = proof.forget
        self.bus = proof.bus
        self._follow_port(m)
        self._follow_context(m)
        self._follow_check(m)
        self._links(m)

    def word(self, number):
        """Word of the staged message."""
        return Mux(number == 0, self.staged_word, 0)

    def moved(self, number):
        """Word of the message that is being copied, as it lies in memory."""
        return Mux(number == 0, self.moved_inside.data[:64], 0)

    def _follow_port(self, m):
        """Instructions in flight, and what the hart may do (hw.core.port)."""
        issue, commit, result = self.port.issue, self.port.commit, self.port.result
        self.first, self.second = first, second = Signal(_Issued), Signal(_Issued)
        offered, known = Signal(_Issued), Signal()
        m.d.comb += [offered.valid.eq(issue.valid & issue.ready & issue.accept), offered.handle.eq(issue.rs1),
                     offered.word.eq(issue.rs1)]
        for each in INSTRUCTIONS:
            if each.name in _OPERATIONS:
                with m.If((issue.insn[:7] == CUSTOM_0) & (issue.insn[12:15] == each.funct3)
                          & (issue.insn[25:] == each.funct7)):
                    m.d.comb += [known.eq(1), offered.operation.eq(_OPERATIONS[each.name])]
        kill = commit.valid & commit.kill
        open_first = first.valid & ~first.committed
        open_second = second.valid & ~second.committed
        m.d.comb += [
            Assume(issue.privilege.as_value() != 2),
            Assume(~commit.valid | open_first | open_second),
            Assume(~result.ready | ~kill),
            # A result is taken together with its commit at the earliest.
            Assume(~result.ready | (first.valid & first.committed) | (open_first & commit.valid)),
            Assert(issue.accept == known),
            Assert(~(offered.valid & second.valid)),
            Assert(first.valid | ~second.valid),
            Assert(first.committed | ~(second.valid & second.committed)),
        ]
        self.take, self.kills_first = Signal(), Signal()
        m.d.comb += [self.take.eq(result.valid & result.ready), self.kills_first.eq(kill & open_first)]
        first_next, second_next = Signal(_Issued), Signal(_Issued)
        m.d.comb += [first_next.eq(first), second_next.eq(second)]
        with m.If(commit.valid & open_first):
            m.d.comb += first_next.committed.eq(1)
        with m.Elif(commit.valid):
            m.d.comb += [second_next.committed.eq(1), second_next.valid.eq(second.valid & ~kill)]
        with m.If(self.take | self.kills_first | ~first.valid):
            m.d.sync += [first.eq(Mux(second.valid, second_next, offered)), second.valid.eq(0)]
            with m.If(~second.valid):
                m.d.sync += first.committed.eq(0)
        with m.Else():
            m.d.sync += [first.eq(first_next), second.eq(Mux(second.valid, second_next, offered))]
        # Nothing is answered that was not asked, and nothing in the cycle of a kill.
        m.d.comb += Assert(~self.take | first.valid)
        with m.If(self.reset):
            m.d.sync += [first.valid.eq(0), second.valid.eq(0)]
            m.d.comb += [Assert(~self.take), Assert(~offered.valid), Assert(~self.side.pop_removes)]

    def _follow_context(self, m):
        """Binding, staged word."""
        parts, bus, first = self.parts, self.bus, self.first
        self.space, self.enabled = Signal(32), Signal()
        self.staged_word, self.staged = Signal(64), Signal()
        binding = ContextBinding(bus.dat_w[:ContextBinding.as_shape().size])
        self.bind = (parts.accept & parts.ok & bus.we & (bus.adr == ControlPage.CONTEXTS // 8 + self.side.number)
                     & ~parts.clearing)
        answer = MailAnswer(self.port.result.data)
        self.status = answer.status
        sent = self.take & (first.operation == MailOperation.SEND)
        with m.If(self.take & (first.operation == MailOperation.PUT)):
            m.d.sync += [self.staged.eq(1), self.staged_word.eq(first.word)]
        with m.If(sent & ((self.status == MailStatus.OK) | (self.status == MailStatus.RETRY))):
            m.d.sync += self.staged.eq(0)
        with m.If(self.bind):
            m.d.sync += [self.space.eq(binding.space), self.enabled.eq(binding.enabled), self.staged.eq(0)]
        with m.If(self.reset):
            m.d.sync += [self.enabled.eq(0), self.staged.eq(0)]
        self.sends = parts.start_copy & parts.by_instruction & self.serves
        m.d.comb += [
            Assert(self.sends == (sent & (self.status == MailStatus.OK))),
            Assert(~self.sends | (first.committed & self.staged)),
        ]

    def _follow_check(self, m):
        """The question of the instruction that is served, and its answer."""
        parts, request, response = self.parts, self.check.request, self.check.response
        valid_before, offered = Signal(), Signal()
        m.d.sync += valid_before.eq(request.valid & ~request.ready)
        m.d.comb += offered.eq(request.valid & ~valid_before)
        self.question, self.answer = Signal(CheckRequest), Signal(CheckResponse)
        self.asked, self.answered, self.outdated = Signal(), Signal(), Signal()
        taken = response.valid & response.ready
        self.forgotten = Signal()
        m.d.sync += self.forgotten.eq(self.forget)
        with m.If(self.side.starts | (parts.gives_way & self.serves)):
            m.d.sync += [self.asked.eq(0), self.answered.eq(0), self.outdated.eq(0)]
        with m.Elif(offered):
            m.d.sync += [self.asked.eq(parts.by_instruction & self.serves), self.question.eq(request.payload),
                         self.answered.eq(0)]
        with m.Elif(taken):
            m.d.sync += [self.answered.eq(self.asked), self.answer.eq(response.payload)]
        with m.If(~self.side.starts & (self.bind | (self.forgotten & self.answered))):
            m.d.sync += self.outdated.eq(1)
        first, second = self.first, self.second

        def asks(entry):
            return (entry.operation == MailOperation.SEND) | (entry.operation == MailOperation.RECEIVE)

        self.served = Signal(_Issued)
        m.d.comb += self.served.eq(Mux(asks(first), first, second))
        wanted = Mux(self.served.operation == MailOperation.SEND, Rights.SEND, Rights.RECEIVE)
        row = parts.table.rows[parts.decide_queue]

        def right(question):
            return ((question.space == self.space) & (question.query.handle == self.served.handle)
                    & (question.query.cap_type == CapType.ENDPOINT) & (question.query.rights == wanted))

        self.right_answer = ((self.answer.verdict == Verdict.OK) & row.binding.enabled
                             & (self.answer.object_id == row.binding.endpoint))
        opens = self.take & (first.operation == MailOperation.RECEIVE) & (self.status == MailStatus.OK)
        with m.If(self.sends | opens):
            m.d.comb += [Assert(asks(first)), Assert(self.asked), Assert(self.answered), Assert(~self.outdated),
                         Assert(right(self.question)), Assert(self.right_answer), Assert(first.committed)]

        # Whether a message may be open: what a removal rests on.
        self.may_see = Signal()
        with m.If(self.bind | self.forgotten | self.reset):
            m.d.sync += self.may_see.eq(0)
        with m.Elif(self.take & (first.operation == MailOperation.RECEIVE)):
            m.d.sync += self.may_see.eq(self.status == MailStatus.OK)
        with m.Elif(self.take & (first.operation == MailOperation.POP)):
            m.d.sync += self.may_see.eq(0)
        with m.If(self.side.pop_removes):
            m.d.comb += [Assert(self.take), Assert(first.operation == MailOperation.POP), Assert(self.may_see),
                         Assert(self.status == MailStatus.OK)]

        # Links.
        client, own = parts.client, self.side.inside
        serving = own.first.valid & own.first.started | own.second.valid & own.second.started
        m.d.comb += [
            Assert(serving == (parts.by_instruction & self.serves & ~client.idle & ~parts.killed)),
            Assert(~(own.first.valid & own.first.started & own.second.valid & own.second.started)),
            Assert(~(own.first.valid & own.first.started) | asks(first)),
            Assert(~(own.second.valid & own.second.started) | (asks(second) & ~asks(first))),
            Assert(~self.view_open | (self.may_see & self.enabled)),
        ]
        with m.If(serving):
            m.d.comb += [
                Assert(parts.sends == (self.served.operation == MailOperation.SEND)),
                Assert(~self.outdated | parts.discarded),
                Assert(self.outdated | self.enabled),
            ]
            with m.If(client.asked):
                m.d.comb += [Assert(~self.answered),
                             Assert(offered | (self.asked & (self.question == request.payload)))]
            with m.If(client.asked & ~self.outdated):
                m.d.comb += Assert(right(request.payload))
            with m.If(~client.asked & ~client.done):
                m.d.comb += Assert(~self.asked & ~self.answered)
            with m.If(client.done & (client.answer.verdict == Verdict.OK)):
                m.d.comb += [Assert(self.asked), Assert(self.answered), Assert(self.answer == client.answer),
                             Assert(self.question == request.payload),
                             Assert(self.outdated | right(self.question))]

    def _links(self, m):
        """What stands inside is what followed from the port."""
        parts, own, number = self.parts, self.side.inside, self.side.number
        for mine, its in ((self.first, own.first), (self.second, own.second)):
            m.d.comb += Assert(mine.valid == its.valid)
            with m.If(mine.valid):
                m.d.comb += [Assert(mine.committed == its.committed), Assert(mine.operation == its.operation),
                             Assert(mine.handle == its.handle), Assert(its.number == 0)]
        m.d.comb += [
            Assert(self.staged == parts.staged[number]),
            Assert(self.enabled == parts.context_enabled[number]),
        ]
        bound = parts.spaces.read_port(domain="comb")
        owner = parts.config.pages + 1 + number
        m.d.comb += bound.addr.eq(owner)
        with m.If(parts.clearing):
            m.d.comb += [Assert(self.space == 0), Assert((parts.step <= owner) | (bound.data == 0))]
        with m.Else():
            m.d.comb += Assert(self.space == bound.data)
        inside, self.moved_inside = own.pairs.read_port(domain="comb"), own.pairs.read_port(domain="comb")
        m.d.comb += [inside.addr.eq(parts.places[number]), self.moved_inside.addr.eq(parts.moved_places)]
        copies = parts.copying & parts.moves_pairs & self.moves
        puts = [entry.valid & (entry.operation == MailOperation.PUT) for entry in (self.first, self.second)]
        with m.If(self.staged):
            m.d.comb += Assert(inside.data[:64] == self.staged_word)
        for entry, its, put in zip((self.first, self.second), (own.first, own.second), puts, strict=True):
            waiting = own.pairs.read_port(domain="comb")
            m.d.comb += waiting.addr.eq(its.place)
            with m.If(put):
                m.d.comb += [Assert(waiting.data[:64] == entry.word), Assert(its.place != parts.places[number]),
                             Assert(~copies | (its.place != parts.moved_places))]
        with m.If(puts[0] & puts[1]):
            m.d.comb += Assert(own.first.place != own.second.place)
        m.d.comb += Assert(~(parts.copying & parts.moves_pairs) | (parts.moved_page == 0))
        m.d.comb += Assert(~parts.clearing | (~self.first.valid & ~self.staged & ~self.enabled
                                              & ~self.view_open))

    def outcomes(self, m, proof):
        """What `mail.get` and `mail.pop` say: of the first message of the queue, or nothing without one."""
        parts, first = self.parts, self.first
        view = self.view_queue
        row = parts.table.rows[view]
        sees = self.view_open
        here = proof.tracked & (proof.ahead == 0) & (view == proof.queue)
        answer = MailAnswer(self.port.result.data)
        fresh = self.side.inside.fresh
        if fresh is not None:
            # What is open before all of it is written is known to be.
            m.d.comb += Assert(~(sees & here & proof.copying) | fresh[0])
        with m.If(sees):
            m.d.comb += Assert(row.count != 0)
            # What carries capabilities is opened by pages of the kernel only.
            with m.If(here & proof.in_payload & (proof.any_word >= 1)):
                m.d.comb += Assert(proof.expected == 0)
        with m.If(self.take & (first.operation == MailOperation.GET)):
            with m.If(~sees):
                m.d.comb += Assert(self.port.result.data == 0)
            with m.Elif(here & (proof.any_word == 0)):
                m.d.comb += Assert(self.port.result.data == proof.expected)
        with m.If(self.take & (first.operation == MailOperation.POP)):
            m.d.comb += Assert(self.side.pop_removes == sees)
            with m.If(~sees):
                m.d.comb += Assert((answer.status == MailStatus.LOST) & (answer.badge == 0))
            with m.Elif(here & ~proof.in_payload):
                m.d.comb += Assert(answer.badge == proof.expected[:32])
