"""The instruction side of the mailbox: a hart's `mail.*` instructions at its capability port (hw.core.port).

Two instructions are kept, the older of which is answered. Whatever an instruction changes, it changes in the cycle in
which the core takes its result, and so not before its commit. `mail.put` and `mail.get` are answered at once.
`mail.send` and `mail.receive` have their check begun when they are issued, if nothing is in the way, and are decided as
the commands of pages are. `mail.pop` needs no check: a view is closed by whatever may end the right to it.

An instruction that is not committed holds nobody up. What is older may be an access to the mailbox's own window.
"""

from types import SimpleNamespace

from amaranth import *
from amaranth.lib import data, enum, memory
from amaranth.utils import ceil_log2

from ..abi import CUSTOM_0, INSTRUCTIONS, MESSAGE_WORDS, MailAnswer, MailStatus
from ..core.port import Privilege
from .parts import PLACE_BITS

__all__ = ["MailOperation", "add_instructions"]


class MailOperation(enum.Enum, shape=3):
    """What an instruction does."""

    PUT = 0
    GET = 1
    SEND = 2
    RECEIVE = 3
    POP = 4


#: Mnemonic to operation and the number of its words.
_MEANING = {
    "mail.send": (MailOperation.SEND, 0),
    "mail.receive": (MailOperation.RECEIVE, 0),
    "mail.pop": (MailOperation.POP, 0),
    **{f"mail.put{pair}": (MailOperation.PUT, pair) for pair in range(MESSAGE_WORDS // 2)},
    **{f"mail.get{word}": (MailOperation.GET, word) for word in range(MESSAGE_WORDS)},
}


def _entry(contexts):
    """An instruction that has been issued."""
    return data.StructLayout({
        "valid": 1,
        "committed": 1,
        #: It is the one whose check is under way.
        "started": 1,
        "operation": MailOperation,
        "number": range(MESSAGE_WORDS),
        #: Of a put: where its words lie.
        "place": PLACE_BITS,
        "context": range(contexts),
        "handle": 32,
    })


def _asks(entry):
    return (entry.operation == MailOperation.SEND) | (entry.operation == MailOperation.RECEIVE)


def add_instructions(m, parts, side, port):
    """Answer the port of one hart, whose side of the mailbox this is."""
    config, table, client = parts.config, parts.table, parts.client
    issue, commit, result = port.issue, port.commit, port.result
    entry = _entry(config.contexts)
    first, second, offered = (Signal(entry, name=name) for name in ("first", "second", "offered"))
    open_views, view_queues = side.own(parts.context_view_open), side.own(parts.context_view_queue)
    staged_pairs = side.own(parts.staged)

    # ---- issue
    known, fire = Signal(), Signal()
    means, place = Signal(MailOperation), Signal.like(offered.number)
    m.d.comb += [offered.context.eq(issue.context), offered.handle.eq(issue.rs1), offered.valid.eq(fire),
                 offered.operation.eq(means), offered.number.eq(place)]
    for instruction in INSTRUCTIONS:
        operation, number = _MEANING.get(instruction.name, (None, 0))
        words = {MailOperation.PUT: parts.pairs, MailOperation.GET: config.message_words}.get(operation, 1)
        if operation is None or number >= words:
            continue
        with m.If((issue.insn[:7] == CUSTOM_0) & (issue.insn[12:15] == instruction.funct3)
                  & (issue.insn[25:] == instruction.funct7)):
            m.d.comb += [
                known.eq(1 if instruction.user else issue.privilege != Privilege.USER),
                means.eq(operation),
                place.eq(number),
            ]
    is_put = offered.operation == MailOperation.PUT
    m.d.comb += [
        issue.accept.eq(known),
        # Sending is a release: what was stored before is in memory first.
        issue.fence.eq(known & (offered.operation == MailOperation.SEND)),
        issue.ready.eq(~second.valid & parts.cleared),
        fire.eq(issue.valid & issue.ready & known),
    ]

    # ---- commit, in order
    to_first, to_second, kill_first, committed = Signal(), Signal(), Signal(), Signal()
    m.d.comb += [
        to_first.eq(commit.valid & first.valid & ~first.committed),
        to_second.eq(commit.valid & first.valid & first.committed),
        kill_first.eq(to_first & commit.kill),
        committed.eq(first.committed | (to_first & ~commit.kill)),
    ]
    second_stays = second.valid & ~(to_second & commit.kill)

    # ---- staged words: written when issued, to a place that holds nothing; staged when the instruction happens. What
    # is staged, what waits in front and what is being copied may be of the same pair, so it has four places, and none
    # of its instructions ever waits.
    pair_bits = ceil_log2(parts.pairs)
    pairs = memory.Memory(shape=128, depth=config.contexts << (pair_bits + PLACE_BITS), init=[])
    m.submodules[side.name("pairs")] = pairs
    put, moved = pairs.write_port(), pairs.read_port(domain="comb")
    pair = offered.number[:pair_bits]
    places = side.own(parts.places)
    copies = parts.copying & parts.moves_pairs & side.moves
    waits = first.valid & (first.operation == MailOperation.PUT) & (first.number[:pair_bits] == pair)
    holds = [(~parts.fault("reuse_staged"), places[offered.context].word_select(pair, PLACE_BITS)),
             (waits & ~parts.fault("reuse_waiting"), first.place),
             (copies & ~parts.fault("reuse_copied"), parts.moved_places.word_select(pair, PLACE_BITS))]
    for place in reversed(range(1 << PLACE_BITS)):
        with m.If(~Cat(there & (held == place) for there, held in holds).any()):
            m.d.comb += offered.place.eq(place)
    m.d.comb += [
        put.addr.eq(Cat(offered.place, pair, offered.context)),
        put.data.eq(Cat(issue.rs1, issue.rs2)),
        put.en.eq(fire & is_put),
    ]
    source = (parts.written >> 1)[:pair_bits]
    m.d.comb += [
        moved.addr.eq(Cat(parts.moved_places.word_select(source, PLACE_BITS), source,
                          side.own_number(parts.moved_context))),
        # Instructions stage no capabilities.
        side.moved_word.eq(Mux(parts.written < config.message_words,
                               moved.data.word_select(parts.written[0], 64), 0)),
    ]

    # ---- the first instruction: its result, and what it changes
    view = open_views.bit_select(first.context, 1)
    enabled = side.own(parts.context_enabled).bit_select(first.context, 1)
    opened = parts.entries.read_port()
    answer, take = Signal(MailAnswer), Signal()
    status, badge = Signal.like(answer.status), Signal.like(answer.badge)
    opens_early = parts.cuts_through & (first.operation == MailOperation.RECEIVE)
    decided = client.done & (parts.settled | opens_early) & first.committed & first.started & ~parts.killed
    # What another hart has just sent may be open before all of it is written. Word w is written in step w + 1 and can
    # be read two steps later.
    ripe, fresh = C(1), None
    if config.harts > 1:
        decided &= ~parts.pauses
        m.d.comb += side.pop_waits.eq(side.pops & committed)
        fresh = Signal(config.contexts, name=side.name("fresh"))
        ripe = ~(fresh.bit_select(first.context, 1) & parts.copying & (parts.step < first.number + 3)
                 ) | parts.fault("read_ahead")
        with m.If(~parts.copying):
            m.d.sync += fresh.eq(0)
        with m.If(take & (first.operation == MailOperation.RECEIVE)):
            m.d.sync += fresh.bit_select(first.context, 1).eq(
                parts.copying & (parts.moved_queue == parts.decide_queue) & (parts.moved_entry == table.head))
    m.d.comb += [
        result.we.eq(first.operation != MailOperation.PUT),
        answer.status.eq(status), answer.badge.eq(badge),
        result.data.eq(answer),
        take.eq(result.valid & result.ready & ~kill_first),
        side.may_decide.eq(first.valid & first.started & first.committed),
        side.take.eq(take),
        side.pops.eq(first.valid & (first.operation == MailOperation.POP)),
        side.pop_queue.eq(view_queues[first.context]),
    ]
    with m.If(first.valid):
        with m.Switch(first.operation):
            with m.Case(MailOperation.PUT):
                m.d.comb += result.valid.eq(1)
            with m.Case(MailOperation.GET):
                sees = view | parts.fault("get_without_view")
                m.d.comb += [result.valid.eq(ripe), result.data.eq(Mux(sees, opened.data, 0))]
            with m.Case(MailOperation.POP):
                pops = view | parts.fault("pop_without_view")
                m.d.comb += [
                    result.valid.eq(parts.settled & ~parts.deciding & side.may_pop),
                    status.eq(Mux(pops, MailStatus.OK, MailStatus.LOST)),
                    badge.eq(Mux(view, opened.data, 0)),
                    side.pop_now.eq(take),
                    side.pop_removes.eq(take & pops),
                ]
            with m.Default():
                # Where the kernel has bound nothing, it does the work itself.
                with m.If(~first.started & ~enabled):
                    m.d.comb += [result.valid.eq(1), status.eq(MailStatus.UNBOUND)]
                with m.Else():
                    m.d.comb += [result.valid.eq(decided), status.eq(parts.status_now)]
    stages = ((take | (kill_first & parts.fault("put_before_commit"))) & (first.operation == MailOperation.PUT))
    bound_anew = side.own(parts.binds_context).bit_select(first.context, 1) & ~parts.fault("keep_pairs")
    with m.If(stages & first.valid & ~bound_anew):
        bit = first.number[:pair_bits]
        m.d.sync += [
            staged_pairs[first.context].bit_select(bit, 1).eq(1),
            places[first.context].word_select(bit, PLACE_BITS).eq(first.place),
        ]

    # ---- asking: the first instruction, or the one that is being issued
    first_asks = first.valid & _asks(first)
    m.d.comb += [
        side.context.eq(Mux(first_asks, first.context, offered.context)),
        side.wants_send.eq(Mux(first_asks, first.operation, offered.operation) == MailOperation.SEND.value),
        side.wants_handle.eq(Mux(client.idle & ~first_asks, issue.rs1[:32],
                                 Mux(first_asks, first.handle, second.handle))),
        side.wants.eq(Mux(first_asks, ~first.started & ~kill_first, fire & _asks(offered))
                      & side.own(parts.context_enabled).bit_select(side.context, 1)),
        offered.started.eq(side.starts & ~first_asks),
    ]
    # Killed: its check goes on, and ends without effect.
    with m.If((kill_first & first.started) | (to_second & commit.kill & second.valid & second.started)):
        m.d.sync += parts.killed.eq(~parts.fault("send_after_kill"))

    # ---- entries move up
    leaves = take | kill_first
    moves = leaves | ~first.valid
    with m.If(moves):
        m.d.sync += second.valid.eq(0)
        with m.If(second.valid):
            m.d.sync += [first.eq(second), first.valid.eq(second_stays),
                         first.committed.eq(second.committed | to_second)]
        with m.Else():
            m.d.sync += first.eq(offered)
    with m.Else():
        m.d.sync += [first.committed.eq(committed), first.started.eq(first.started | (side.starts & first_asks))]
        with m.If(second.valid):
            m.d.sync += [second.valid.eq(second_stays), second.committed.eq(second.committed | to_second)]
        with m.Else():
            m.d.sync += second.eq(offered)

    if config.harts > 1:
        with m.If(parts.gives_way & side.serves):
            m.d.sync += [first.started.eq(0), second.started.eq(0)]

    # ---- the open message: read a cycle ahead, of whoever comes next and of the view that it will have
    opening = parts.deciding & parts.by_instruction & ~parts.killed & ~parts.sends & side.serves
    upcoming = Signal(entry)
    m.d.comb += upcoming.eq(Mux(~moves, first, Mux(second.valid, second, offered)))
    badge = config.message_words + config.capability_words
    context_view = table.context_view[side.number]
    m.d.comb += [
        context_view.eq(Mux(opening, parts.decide_queue, view_queues[upcoming.context])),
        opened.en.eq(1),
        opened.addr.eq(Cat(Mux(upcoming.operation == MailOperation.POP, badge, upcoming.number)[:len(parts.within)],
                           table.context_view_head[side.number], context_view)),
    ]

    # The proofs look at them from outside.
    side.inside = SimpleNamespace(first=first, second=second, pairs=pairs, fresh=fresh)

    # ---- what died may have been somebody's right to his open message, or an answer that is not yet used
    with m.If(parts.forgotten):
        m.d.sync += open_views.eq(0)
        with m.If(client.done & parts.by_instruction):
            m.d.sync += parts.discarded.eq(1)
