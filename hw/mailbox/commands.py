"""Commands of thread pages and of instructions: take them in turn, have them checked, decide."""

from amaranth import *

from ..abi import CapType, MailStatus, Rights, Verdict
from .parts import Operation
from .registers import Statistic

__all__ = ["add_commands"]


def add_commands(m, parts):
    """Take waiting pages, and whatever an instruction wants, in turn, have them checked, decide."""
    config, client, table = parts.config, parts.client, parts.table
    page = parts.active_page
    chosen = Signal.like(page)
    last = Signal.like(page)
    for turn in (parts.waiting, parts.waiting & ~((2 << last) - 1)):
        for candidate in reversed(range(1, config.pages + 1)):
            with m.If(turn[candidate]):
                m.d.comb += chosen.eq(candidate)
    control_store = parts.accept & parts.bus.we & (parts.page == 0)
    asking = Signal.like(page)
    # Instructions go first, but after one a page that waits. Which of the two it is holds until the decision.
    yields, instruction = Signal(), Signal()
    m.d.comb += [
        instruction.eq(Mux(client.idle, parts.wants & ~(yields & parts.waiting.any()), parts.by_instruction)),
        parts.starts_instruction.eq(client.start & instruction),
    ]
    sends = Mux(client.idle, parts.wants_send, parts.sends)
    operation = Mux(instruction, Mux(sends, Operation.SEND, Operation.RECEIVE), parts.operation[asking])
    needs_send = (operation == Operation.SEND.value) | parts.fault("wrong_right")
    owner = Signal.like(parts.active_owner)
    m.d.comb += [
        client.start.eq(client.idle & (parts.waiting.any() | parts.wants) & ~control_store),
        client.hold.eq(control_store),
        asking.eq(Mux(client.idle, chosen, page)),
        parts.handle_read.addr.eq(asking),
        owner.eq(Mux(client.idle, Mux(instruction, parts.context_owner(parts.context), chosen), parts.active_owner)),
        parts.space_read.addr.eq(owner),
        client.query.handle.eq(Mux(instruction, parts.wants_handle, parts.handle_read.data)),
        client.query.cap_type.eq(CapType.ENDPOINT),
        client.query.rights.eq(Mux(needs_send, Rights.SEND, Rights.RECEIVE)),
        client.space.eq(Mux(parts.fault("wrong_space"), 0, parts.space_read.data)),
    ]
    with m.If(client.start):
        m.d.sync += [
            parts.killed.eq(0),
            parts.discarded.eq(0),
            parts.by_instruction.eq(instruction),
            yields.eq(instruction),
            parts.active_owner.eq(owner),
        ]
        with m.If(instruction):
            # No page has the number 0.
            m.d.sync += [page.eq(0), parts.sends.eq(parts.wants_send), parts.active_context.eq(parts.context),
                         parts.active_hart.eq(parts.wanting_hart)]
        with m.Else():
            m.d.sync += [page.eq(chosen), last.eq(chosen), parts.waiting.bit_select(chosen, 1).eq(0)]
    # An answer that waits for its instruction does not outlive a change of what it was looked up in.
    with m.If(control_store & client.done & parts.by_instruction):
        m.d.sync += parts.discarded.eq(1)

    # The sender's debt is worked out while the answer arrives, and on while it waits.
    senders, limiter = parts.senders, parts.limiter
    early_found, early_bucket, early = Signal(), Signal.like(senders.bucket), Signal()
    with m.If(client.arrive):
        m.d.sync += [early_found.eq(senders.found), early_bucket.eq(senders.bucket)]
    m.d.comb += [
        early.eq(parts.fault("early_bucket") & client.done),
        senders.owner.eq(parts.active_owner),
        limiter.found.eq(Mux(early, early_found, senders.found)),
        limiter.bucket.eq(Mux(early, early_bucket, senders.bucket)),
    ]

    # The endpoint's queue is looked up while the answer arrives. No binding changes between that and the
    # decision: the client holds for a store to page 0 and the bus waits while `deciding`. That it is there comes late:
    # what is found before is overwritten.
    found, queue = parts.found, parts.decide_queue
    m.d.comb += table.object_id.eq(parts.check.response.payload.object_id)
    with m.If(client.asked):
        m.d.sync += [found.eq(table.found), queue.eq(table.found_queue)]

    # A page's answer that still waits when the unit forgets is asked for again. The bus is held up meanwhile.
    decide = Signal()
    opens_early = parts.cuts_through & parts.by_instruction & ~parts.sends & ~parts.killed
    may_decide = client.done if config.harts == 1 else client.done & ~parts.pauses
    m.d.comb += [
        parts.asks_again.eq(client.done & parts.forgotten & ~decide & ~parts.by_instruction & ~parts.killed),
        parts.deciding.eq(may_decide & (~parts.by_instruction | parts.killed | parts.may_decide)),
        decide.eq(parts.deciding & (parts.settled | opens_early)
                  & (~parts.by_instruction | parts.killed | parts.taken)),
        client.take.eq(decide | parts.asks_again | parts.gives_way),
    ]
    with m.If(parts.asks_again):
        m.d.sync += parts.waiting.bit_select(page, 1).eq(1)
    _decide(m, parts, decide & ~parts.killed, found, queue)


def _decide(m, parts, decide, found, queue):
    """The one cycle in which a command takes effect or is refused."""
    client, table, limiter, page = parts.client, parts.table, parts.limiter, parts.active_page
    by_instruction, context = parts.by_instruction, parts.active_context
    operation = Signal(Operation)
    m.d.comb += operation.eq(parts.operation[page])
    with m.If(by_instruction):
        m.d.comb += operation.eq(Mux(parts.sends, Operation.SEND, Operation.RECEIVE))
    staged = parts.staged[context]
    in_part = by_instruction & ~staged.all() & ~parts.fault("send_in_part")
    kernel = parts.kernel.bit_select(page, 1) | parts.fault("anyone_receives_capabilities")
    refused = (client.answer.verdict != Verdict.OK) & ~parts.fault("store_on_refusal")
    full = table.count == parts.config.depth
    sees = parts.view_open.bit_select(page, 1) & (parts.view_queue[page] == queue)
    status = parts.status_now
    event, counts = Signal(Statistic), Signal()
    open_view = Signal()
    m.d.comb += counts.eq(1)

    def outcome(new_status, statistic=None):
        m.d.comb += status.eq(new_status)
        m.d.comb += counts.eq(0) if statistic is None else event.eq(statistic)

    def open_next(has_message, has_capabilities):
        """Open a message if there is one that the page may have."""
        with m.If(~has_message):
            m.d.comb += status.eq(MailStatus.NO_MESSAGE)
        with m.Elif(has_capabilities & ~kernel):
            m.d.comb += status.eq(MailStatus.NEEDS_KERNEL)
        with m.Else():
            m.d.comb += [status.eq(MailStatus.OK), open_view.eq(1)]

    remove = Signal()
    with m.If(parts.discarded):
        outcome(MailStatus.RETRY)
    with m.Elif(refused):
        known = client.answer.verdict.as_value() < Verdict.UNDECIDED.value
        with m.If(known):
            outcome(client.answer.verdict.as_value(), Statistic.REFUSED)
        with m.Else():
            outcome(MailStatus.UNDECIDED, Statistic.UNDECIDED)
    with m.Elif(~found & ~parts.fault("store_on_refusal")):
        outcome(MailStatus.UNBOUND, Statistic.UNBOUND)
    with m.Elif((operation == Operation.SEND) & in_part):
        outcome(MailStatus.RETRY)
    with m.Elif(operation == Operation.SEND):
        with m.If(full & ~parts.fault("overwrite_when_full")):
            outcome(MailStatus.FULL, Statistic.FULL)
        with m.Elif(~limiter.allowed & ~parts.fault("no_rate_limit")):
            outcome(MailStatus.RATE_LIMITED, Statistic.RATE_LIMITED)
        with m.Else():
            outcome(MailStatus.OK, Statistic.SENT)
            m.d.comb += [parts.start_copy.eq(decide), limiter.charge.eq(decide & ~parts.fault("no_charge"))]
    with m.Elif(operation == Operation.RECEIVE):
        open_next(table.count != 0, table.head_capabilities)
        m.d.comb += [event.eq(Statistic.NOTHING), counts.eq(~open_view)]
    with m.Elif(~sees):
        outcome(MailStatus.LOST, Statistic.NOTHING)
    with m.Else():
        outcome(MailStatus.OK, Statistic.RECEIVED)
        m.d.comb += remove.eq(decide)
        with m.If(operation == Operation.NEXT):
            open_next(table.count > 1, table.next_capabilities)

    m.d.comb += [
        table.pop.eq(remove),
        table.drop.eq(parts.pop_removes),
        table.drop_select.eq(parts.pop_queue),
    ]
    with m.If(parts.fault("lose_on_pop")):
        m.d.comb += table.pop_count.eq(2)
    with m.If(parts.fault("duplicate_on_pop")):
        m.d.comb += table.pop_count.eq(0)
    # What happened is known late in its cycle, so it is counted in the next one. A read of a counter waits for that.
    m.d.sync += [
        parts.counting.eq((decide & counts) | parts.pop_now),
        parts.counted.eq(Mux(parts.deciding, event, Mux(parts.pop_removes, Statistic.RECEIVED, Statistic.NOTHING))),
    ]
    m.d.comb += [
        parts.statistic_read.addr.eq(Mux(parts.counting, parts.counted, parts.word[:3])),
        parts.statistic_write.addr.eq(parts.counted),
        parts.statistic_write.data.eq(parts.statistic_read.data + 1),
        parts.statistic_write.en.eq(parts.counting),
    ]
    with m.If(decide & ~by_instruction):
        m.d.sync += [
            parts.status[page].eq(status),
            parts.busy.bit_select(page, 1).eq(0),
        ]
    # A message that is gone is seen by nobody; a receiving command leaves its page with a view only if it
    # ends OK.
    parts.close_views(m, queue, remove & ~parts.fault("keep_view"))
    parts.close_views(m, parts.pop_queue, parts.pop_removes)
    with m.If(decide & by_instruction):
        with m.If(~parts.sends):
            m.d.sync += [parts.context_view_open.bit_select(context, 1).eq(open_view),
                         parts.context_view_queue[context].eq(queue)]
        with m.Elif((status == MailStatus.OK) | (status == MailStatus.RETRY)):
            m.d.sync += staged.eq(0)
    with m.Elif(decide & (operation != Operation.SEND)):
        with m.If(open_view):
            m.d.sync += [parts.view_open.bit_select(page, 1).eq(1), parts.view_queue[page].eq(queue)]
        with m.Elif(~parts.fault("keep_view")):
            m.d.sync += parts.view_open.bit_select(page, 1).eq(0)
