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
        "context": range(contexts),
        "handle": 32,
    })


def _asks(entry):
    return (entry.operation == MailOperation.SEND) | (entry.operation == MailOperation.RECEIVE)


def add_instructions(m, parts, port):
    """Answer the port."""
    config, table, client = parts.config, parts.table, parts.client
    issue, commit, result = port.issue, port.commit, port.result
    entry = _entry(config.contexts)
    first, second, offered = (Signal(entry, name=name) for name in ("first", "second", "offered"))
    open_views = parts.context_view_open

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
    # A pair has one place for words that are not committed, and none while what lies there is being copied.
    put_waits = ((first.valid & (first.operation == MailOperation.PUT) & (first.number == offered.number))
                 | (parts.copying & parts.moves_pairs
                    & parts.staged[offered.context].bit_select(offered.number[:2], 1)))
    m.d.comb += [
        issue.accept.eq(known),
        # Sending is a release: what was stored before is in memory first.
        issue.fence.eq(known & (offered.operation == MailOperation.SEND)),
        issue.ready.eq(~second.valid & ~parts.clearing & ~(is_put & put_waits)),
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

    # ---- staged words: written when issued, beside the committed ones; staged when the instruction happens
    pair_bits = ceil_log2(parts.pairs)
    m.submodules.pairs = pairs = memory.Memory(shape=128, depth=config.contexts << (pair_bits + 1), init=[])
    put, moved = pairs.write_port(), pairs.read_port(domain="comb")
    pair = offered.number[:pair_bits]
    versions = parts.version[offered.context]
    m.d.comb += [
        put.addr.eq(Cat(~versions.bit_select(pair, 1), pair, offered.context)),
        put.data.eq(Cat(issue.rs1, issue.rs2)),
        put.en.eq(fire & is_put),
    ]
    source = (parts.written >> 1)[:pair_bits]
    m.d.comb += [
        moved.addr.eq(Cat(parts.moved_version.bit_select(source, 1), source, parts.moved_context)),
        # Instructions stage no capabilities.
        parts.moved_word.eq(Mux(parts.written < config.message_words,
                                moved.data.word_select(parts.written[0], 64), 0)),
    ]

    # ---- the first instruction: its result, and what it changes
    view = open_views.bit_select(first.context, 1)
    enabled = parts.context_enabled.bit_select(first.context, 1)
    opened = parts.entries.read_port()
    answer, take = Signal(MailAnswer), Signal()
    status, badge = Signal.like(answer.status), Signal.like(answer.badge)
    decided = client.done & parts.settled & first.committed & first.started & ~parts.killed
    m.d.comb += [
        result.we.eq(first.operation != MailOperation.PUT),
        answer.status.eq(status), answer.badge.eq(badge),
        result.data.eq(answer),
        take.eq(result.valid & result.ready & ~kill_first),
        parts.may_decide.eq(first.valid & first.started & first.committed),
        parts.taken.eq(take),
        parts.pop_queue.eq(parts.context_view_queue[first.context]),
    ]
    with m.If(first.valid):
        with m.Switch(first.operation):
            with m.Case(MailOperation.PUT):
                m.d.comb += result.valid.eq(1)
            with m.Case(MailOperation.GET):
                sees = view | parts.fault("get_without_view")
                m.d.comb += [result.valid.eq(1), result.data.eq(Mux(sees, opened.data, 0))]
            with m.Case(MailOperation.POP):
                pops = view | parts.fault("pop_without_view")
                m.d.comb += [
                    result.valid.eq(parts.settled & ~parts.deciding),
                    status.eq(Mux(pops, MailStatus.OK, MailStatus.LOST)),
                    badge.eq(Mux(view, opened.data, 0)),
                    parts.pop_now.eq(take),
                    parts.pop_removes.eq(take & pops),
                ]
            with m.Default():
                # Where the kernel has bound nothing, it does the work itself.
                with m.If(~first.started & ~enabled):
                    m.d.comb += [result.valid.eq(1), status.eq(MailStatus.UNBOUND)]
                with m.Else():
                    m.d.comb += [result.valid.eq(decided), status.eq(parts.status_now)]
    stages = ((take | (kill_first & parts.fault("put_before_commit"))) & (first.operation == MailOperation.PUT))
    bound_anew = parts.binds_context.bit_select(first.context, 1) & ~parts.fault("keep_pairs")
    with m.If(stages & first.valid & ~bound_anew):
        bit = first.number[:pair_bits]
        m.d.sync += [
            parts.staged[first.context].bit_select(bit, 1).eq(1),
            parts.version[first.context].bit_select(bit, 1).eq(~parts.version[first.context].bit_select(bit, 1)),
        ]

    # ---- asking: the first instruction, or the one that is being issued
    first_asks = first.valid & _asks(first)
    m.d.comb += [
        parts.context.eq(Mux(first_asks, first.context, offered.context)),
        parts.wants_send.eq(Mux(first_asks, first.operation, offered.operation) == MailOperation.SEND.value),
        parts.wants_handle.eq(Mux(client.idle & ~first_asks, issue.rs1[:32],
                                  Mux(first_asks, first.handle, second.handle))),
        parts.wants.eq(Mux(first_asks, ~first.started & ~kill_first, fire & _asks(offered))
                       & parts.context_enabled.bit_select(parts.context, 1)),
        offered.started.eq(parts.starts_instruction & ~first_asks),
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
        m.d.sync += [first.committed.eq(committed), first.started.eq(first.started | (parts.starts_instruction
                                                                                      & first_asks))]
        with m.If(second.valid):
            m.d.sync += [second.valid.eq(second_stays), second.committed.eq(second.committed | to_second)]
        with m.Else():
            m.d.sync += second.eq(offered)

    # ---- the open message: read a cycle ahead, of whoever comes next and of the view that it will have
    opening = parts.deciding & parts.by_instruction & ~parts.killed & ~parts.sends
    upcoming = Signal(entry)
    m.d.comb += upcoming.eq(Mux(~moves, first, Mux(second.valid, second, offered)))
    badge = config.message_words + config.capability_words
    m.d.comb += [
        table.context_view.eq(Mux(opening, parts.decide_queue, parts.context_view_queue[upcoming.context])),
        opened.en.eq(1),
        opened.addr.eq(Cat(Mux(upcoming.operation == MailOperation.POP, badge, upcoming.number)[:len(parts.within)],
                           table.context_view_head, table.context_view)),
    ]

    # The proofs look at them from outside.
    parts.front = SimpleNamespace(first=first, second=second, pairs=pairs, pair_bits=pair_bits)

    # ---- what died may have been somebody's right to his open message, or an answer that is not yet used
    with m.If(parts.forgotten):
        m.d.sync += open_views.eq(0)
        with m.If(client.done & parts.by_instruction):
            m.d.sync += parts.discarded.eq(1)
