"""The kernel's page of the mailbox: bindings, rate limits, interrupts, counters."""

from amaranth import *

from ..abi import MailStatus
from .parts import word_of
from .registers import (
    COALESCING_BITS,
    VERSION,
    Coalescing,
    ContextBinding,
    ControlPage,
    Identity,
    PageBinding,
    QueueBinding,
    QueueWord,
    SenderBinding,
    SenderRate,
    SenderWord,
    Statistic,
)
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
        identity.contexts.eq(config.contexts),
        identity.senders.eq(config.senders),
    ]
    accepted = parts.accept & parts.ok & bus.we
    row_words = 4
    queue, column = word[2:7], word[:2]
    sender, sender_column = word[1:5], word[:1]
    senders = word_of(ControlPage.SENDERS)
    pages, queues = word_of(ControlPage.PAGES), word_of(ControlPage.QUEUES)
    contexts = word_of(ControlPage.CONTEXTS)
    statistics = word_of(ControlPage.STATISTICS)
    assert pages % 16 == 0 and contexts % 16 == 0 and senders % 32 == 0 and queues % (32 * row_words) == 0
    assert statistics % len(Statistic) == 0

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
        limiter.new_binding.eq(bus.dat_w),
        limiter.row.eq(sender),
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
        with m.Elif(word == word_of(ControlPage.INTERRUPT_COALESCING)):
            m.d.comb += [parts.ok.eq(~bus.we | covers(parts, Coalescing.as_shape().size)),
                         parts.data.eq(parts.coalescing)]
            with m.If(accepted):
                m.d.sync += parts.coalescing.eq(bus.dat_w[:Coalescing.as_shape().size] & COALESCING_BITS)
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
                parts.ok.eq(~bus.we | covers(parts, PageBinding.as_shape().size)),
                parts.data.eq(shown),
                parts.bind_page.eq(accepted),
                parts.start_wipe_page.eq(accepted & ~parts.fault("keep_staging")),
            ]
        with m.Elif((word[4:] == contexts >> 4) & (target < config.contexts)):
            m.d.comb += parts.ok.eq(~bus.we | covers(parts, ContextBinding.as_shape().size))
            _bind_context(m, parts, target, accepted)
        with m.Elif((word[5:] == senders >> 5) & (sender < config.senders)):
            with m.If(sender_column == SenderWord.BINDING):
                m.d.comb += [
                    parts.ok.eq(~bus.we | covers(parts, SenderBinding.as_shape().size)),
                    parts.data.eq(limiter.binding),
                    limiter.bind.eq(accepted),
                ]
            with m.Else():
                m.d.comb += [
                    parts.ok.eq(~bus.we | covers(parts, SenderRate.as_shape().size)),
                    parts.data.eq(limiter.rate),
                    limiter.write.eq(accepted),
                ]
        with m.Elif((word[7:] == queues >> 7) & (queue < config.queues)):
            with m.Switch(column):
                with m.Case(QueueWord.BINDING):
                    m.d.comb += [
                        parts.ok.eq(~bus.we | covers(parts, QueueBinding.as_shape().size)),
                        parts.data.eq(table.binding),
                        table.bind.eq(accepted),
                        parts.start_wipe_queue.eq(accepted),
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


def _bind_context(m, parts, target, accepted):
    """A context's binding; a store discards what its instructions staged and opened, and the command in flight."""
    shown = ContextBinding(parts.data[:ContextBinding.as_shape().size])
    stored = ContextBinding(parts.bus.dat_w[:ContextBinding.as_shape().size])
    for number in range(parts.config.contexts):
        with m.If(target == number):
            m.d.comb += [
                shown.space.eq(parts.context_space[number]),
                shown.enabled.eq(parts.context_enabled[number]),
            ]
            with m.If(accepted):
                m.d.comb += parts.binds_context[number].eq(1)
                m.d.sync += [parts.context_space[number].eq(stored.space),
                             parts.context_enabled[number].eq(stored.enabled)]
                with m.If(~parts.fault("keep_pairs")):
                    m.d.sync += parts.staged[number].eq(0)
                with m.If(~parts.fault("keep_context_view")):
                    m.d.sync += parts.context_view_open[number].eq(0)
                with m.If(parts.by_instruction & (parts.active_context == number)):
                    m.d.sync += parts.discarded.eq(1)
