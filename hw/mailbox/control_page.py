"""The kernel's page of the mailbox: bindings, rate limits, interrupts, counters."""

from amaranth import *

from ..abi import MailStatus
from .parts import word_of
from .registers import VERSION, ControlPage, Identity, PageBinding, QueueRate, QueueWord, Statistic
from .thread_pages import covers

__all__ = ["add_control_page"]


def add_control_page(m, parts):
    """Decode of page 0."""
    bus, config, word = parts.bus, parts.config, parts.word
    table, limiter = parts.table, parts.limiter
    identity = Signal(Identity)
    m.d.comb += [
        identity.version.eq(VERSION),
        identity.queues.eq(config.queues),
        identity.depth.eq(config.depth),
        identity.pages.eq(config.pages),
    ]
    accepted = parts.accept & parts.ok & bus.we
    row_words = 4
    queue, column = word[2:7], word[:2]
    pages, queues = word_of(ControlPage.PAGES), word_of(ControlPage.QUEUES)
    statistics = word_of(ControlPage.STATISTICS)
    assert pages % 16 == 0 and queues % (32 * row_words) == 0 and statistics % len(Statistic) == 0

    shown = Signal(PageBinding)
    binding = PageBinding(bus.dat_w[:PageBinding.as_shape().size])
    target = word[:4]
    m.d.comb += [
        parts.space_shown.addr.eq(target),
        shown.space.eq(parts.space_shown.data),
        shown.enabled.eq(parts.enabled.bit_select(target, 1)),
        shown.kernel.eq(parts.kernel.bit_select(target, 1)),
        parts.wipe_page.eq(target),
        parts.wipe_queue.eq(parts.bus_queue),
        parts.bus_queue.eq(queue),
        table.new_binding.eq(bus.dat_w),
        limiter.new_rate.eq(bus.dat_w),
    ]
    with m.If(parts.page == 0):
        with m.If(word == word_of(ControlPage.IDENTITY)):
            m.d.comb += [parts.ok.eq(~bus.we), parts.data.eq(identity)]
        with m.Elif(word == word_of(ControlPage.PENDING)):
            m.d.comb += [parts.ok.eq(~bus.we), parts.data.eq(table.not_empty)]
        with m.Elif(word == word_of(ControlPage.INTERRUPT_ENABLE)):
            m.d.comb += [parts.ok.eq(~bus.we | covers(parts, 32)), parts.data.eq(parts.interrupt_enable)]
            with m.If(accepted):
                m.d.sync += parts.interrupt_enable.eq(bus.dat_w)
        with m.Elif(word == word_of(ControlPage.WIPE)):
            m.d.comb += [
                parts.ok.eq(bus.we & covers(parts, 32) & (bus.dat_w[:32] < config.queues)),
                parts.bus_queue.eq(bus.dat_w),
                parts.start_wipe_queue.eq(accepted),
                table.wipe.eq(accepted),
            ]
        with m.Elif(word[3:] == statistics >> 3):
            m.d.comb += [parts.ok.eq(~bus.we), parts.data.eq(parts.statistic_read.data)]
        with m.Elif((word[4:] == pages >> 4) & (target != 0) & (target <= config.pages)):
            m.d.comb += [
                parts.ok.eq(~bus.we | covers(parts, 34)),
                parts.data.eq(shown),
                parts.bind_page.eq(accepted),
                parts.start_wipe_page.eq(accepted & ~parts.fault("keep_staging")),
            ]
        with m.Elif((word[7:] == queues >> 7) & (queue < config.queues)):
            with m.Switch(column):
                with m.Case(QueueWord.BINDING):
                    m.d.comb += [
                        parts.ok.eq(~bus.we | covers(parts, 33)),
                        parts.data.eq(table.binding),
                        table.bind.eq(accepted),
                        parts.start_wipe_queue.eq(accepted),
                    ]
                with m.Case(QueueWord.RATE):
                    m.d.comb += [
                        parts.ok.eq(~bus.we | covers(parts, QueueRate.as_shape().size)),
                        parts.data.eq(limiter.rate),
                        limiter.write.eq(accepted),
                    ]
                with m.Case(QueueWord.FILL):
                    m.d.comb += [parts.ok.eq(~bus.we), parts.data.eq(table.count)]

    with m.If(parts.bind_page):
        m.d.sync += [
            parts.enabled.bit_select(target, 1).eq(binding.enabled),
            parts.kernel.bit_select(target, 1).eq(binding.kernel),
            parts.status[target].eq(MailStatus.IDLE),
            parts.view_open.bit_select(target, 1).eq(0),
        ]
        with m.If(~parts.fault("no_kill")):
            m.d.sync += [
                parts.busy.bit_select(target, 1).eq(0),
                parts.waiting.bit_select(target, 1).eq(0),
            ]
            with m.If(~parts.client.idle & (parts.active_page == target)):
                m.d.sync += parts.killed.eq(1)
    m.d.comb += [
        parts.space_write.addr.eq(target),
        parts.space_write.data.eq(binding.space),
        parts.space_write.en.eq(parts.bind_page),
    ]
    parts.close_views(m, parts.bus_queue, table.wipe | table.bind)
