"""The bus side of the mailbox: taking accesses, and the pages that threads see."""

from amaranth import *

from ..abi import MailStatus
from .parts import Operation, Source, setting_address, word_of
from .registers import ThreadPage

__all__ = ["add_bus", "add_thread_pages", "covers"]


def covers(parts, bits):
    """Whether a store writes at least the lowest `bits` bits."""
    return parts.bus.sel[:-(-bits // 8)].all()


def add_bus(m, parts):
    """Accept an access, acknowledge it in the next cycle; a read's data comes with the acknowledge."""
    bus = parts.bus
    source, answered, blocked = Signal(Source), Signal(), Signal()
    request = bus.cyc & bus.stb & ~answered & ~bus.err
    # A status may be read at any time; all else waits for a decision that is being made and for the sequencer.
    poll = (parts.page != 0) & (parts.word == word_of(ThreadPage.STATUS)) & ~bus.we & ~parts.clearing
    control = parts.page == 0
    place = Cat(parts.within, parts.index)
    m.d.comb += [
        parts.index.eq(parts.page),
        parts.staging_address.eq(Mux(control, setting_address(parts.word, parts.config.queues), place)),
        parts.staging_address[-1].eq(control),
        parts.accept.eq(request & ((parts.settled & ~parts.deciding) | poll)),
        # A counter is read in the cycle of its acknowledge, unless it is just the turn of an event.
        blocked.eq((source == Source.STATISTIC) & parts.counting),
        bus.ack.eq(answered & ~blocked),
    ]
    m.d.sync += [
        answered.eq((parts.accept & parts.ok) | (answered & blocked & bus.cyc)),
        bus.err.eq(parts.accept & ~parts.ok),
    ]

    if parts.config.harts > 1:
        m.d.comb += parts.bus_waits.eq(request & ~poll)

    data, sees, is_kernel = Signal(64), Signal(), Signal()
    with m.If(parts.accept):
        m.d.sync += [
            source.eq(parts.source),
            data.eq(parts.data),
            sees.eq(parts.view_open.bit_select(parts.index, 1)),
            is_kernel.eq(parts.kernel.bit_select(parts.index, 1)),
        ]
    with m.If(bus.ack):
        with m.Switch(source):
            with m.Case(Source.REGISTER):
                m.d.comb += bus.dat_r.eq(data)
            with m.Case(Source.STATISTIC):
                m.d.comb += bus.dat_r.eq(parts.statistic_read.data)
            with m.Case(Source.STAGING):
                m.d.comb += bus.dat_r.eq(parts.staging_read.data)
            with m.Case(Source.HEAD):
                m.d.comb += bus.dat_r.eq(Mux(sees, parts.entry_read.data, 0))
            with m.Case(Source.BADGE):
                m.d.comb += bus.dat_r.eq(Mux(sees, parts.entry_read.data[:32], 0))
            with m.Case(Source.SENDER):
                m.d.comb += bus.dat_r.eq(Mux(sees & is_kernel, parts.entry_read.data[32:], 0))


def add_thread_pages(m, parts):
    """Decode of pages 1 and up."""
    bus, config, word, index = parts.bus, parts.config, parts.word, parts.index
    messages, capabilities = config.message_words, config.capability_words
    enabled = parts.enabled.bit_select(index, 1)
    kernel = parts.kernel.bit_select(index, 1)
    may_store = bus.we & ~parts.busy.bit_select(index, 1)

    # Both memories hold a message's words in the page's order, with the badge's word behind.
    within = parts.within
    capability = word[:3] + messages
    with m.If(word[:4] < 8):
        m.d.comb += within.eq(word[:3])
    with m.Elif(word[:4] < 10):
        m.d.comb += within.eq(capability)
    with m.Else():
        m.d.comb += within.eq(messages + capabilities)
    # Half of the page's first words: 0 staging, 1 commands, 2 open message.
    part = word[4:]
    in_message = word[:4] < messages
    in_capabilities = (word[:4] >= 8) & (word[:4] < 8 + capabilities)
    head = word_of(ThreadPage.HEAD_MESSAGE)
    assert head == 0x20 and word_of(ThreadPage.HEAD_CAPABILITIES) == head + 8
    assert word_of(ThreadPage.CAPABILITIES) == 8 and word_of(ThreadPage.MESSAGE) == 0

    view = parts.view_queue[index]
    m.d.comb += [
        parts.table.view.eq(view),
        parts.entry_read.addr.eq(Cat(within, parts.table.view_head, view)),
        parts.entry_read.en.eq(1),
    ]
    first_command = word_of(ThreadPage.SEND)
    is_command = (word >= first_command) & (word < first_command + len(Operation))
    with m.If((parts.page != 0) & (parts.page <= config.pages) & enabled):
        with m.If(part == 0):
            # A user page's capability words do not exist: they fault, in both directions.
            may_pass = kernel | parts.fault("anyone_stages_capabilities")
            m.d.comb += [
                parts.ok.eq((in_message | (in_capabilities & may_pass)) & (~bus.we | may_store)),
                parts.source.eq(Source.STAGING),
                parts.store_staging.eq(parts.accept & parts.ok & bus.we),
            ]
        with m.Elif(is_command & bus.we):
            m.d.comb += parts.ok.eq(may_store & covers(parts, 32))
            with m.If(parts.accept & parts.ok):
                m.d.sync += [
                    parts.busy.bit_select(index, 1).eq(1),
                    parts.waiting.bit_select(index, 1).eq(1),
                    parts.operation[index].eq(Operation(word[:2])),
                    parts.status[index].eq(MailStatus.BUSY),
                ]
                m.d.comb += parts.handle_write.en.eq(1)
        with m.Elif((word == word_of(ThreadPage.STATUS)) & ~bus.we):
            m.d.comb += [parts.ok.eq(1), parts.data.eq(parts.status[index])]
        with m.Elif((part == head >> 4) & ~bus.we):
            with m.If(in_message | in_capabilities):
                m.d.comb += [parts.ok.eq(1), parts.source.eq(Source.HEAD)]
            with m.Elif(word == word_of(ThreadPage.HEAD_BADGE)):
                m.d.comb += [parts.ok.eq(1), parts.source.eq(Source.BADGE)]
            with m.Elif(word == word_of(ThreadPage.HEAD_SENDER)):
                m.d.comb += [parts.ok.eq(1), parts.source.eq(Source.SENDER)]
    m.d.comb += [
        parts.handle_write.addr.eq(index),
        parts.handle_write.data.eq(bus.dat_w[:32]),
    ]
