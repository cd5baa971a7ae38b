"""The kernel's page of the mailbox: bindings, rate limits, interrupts, counters."""

from amaranth import *

from ..abi import MailStatus
from .config import MAX_QUEUES
from .parts import Source, word_of
from .registers import (
    COALESCING_BITS,
    RATE_FIELDS,
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
        identity.harts.eq(config.harts),
    ]
    accepted = parts.accept & parts.ok & bus.we
    row_words = 4
    # The rows of queues take the words 0b0_1000_0000 to 0b1_0111_1111.
    queue, column = Cat(word[2:7], word[8]), word[:2]
    sender, sender_column = word[1:5], word[:1]
    senders = word_of(ControlPage.SENDERS)
    pages, queues = word_of(ControlPage.PAGES), word_of(ControlPage.QUEUES)
    contexts = word_of(ControlPage.CONTEXTS)
    statistics = word_of(ControlPage.STATISTICS)
    assert pages % 16 == 0 and contexts % 16 == 0 and senders % 32 == 0 and queues == 32 * row_words
    assert statistics % len(Statistic) == 0

    binding = PageBinding(bus.dat_w[:PageBinding.as_shape().size])
    target = word[:4]
    # Contexts' bindings lie behind those of pages.
    owner = Signal.like(parts.search_owner)
    m.d.comb += [
        owner.eq(Mux(word[4], parts.context_owner(target), target)),
        parts.search_owner.eq(owner),
        parts.wipe_page.eq(target),
        parts.wipe_queue.eq(parts.bus_queue),
        parts.bus_queue.eq(queue),
        table.new_binding.eq(bus.dat_w),
        limiter.new_rate.eq(bus.dat_w),
        limiter.row.eq(sender),
        parts.senders.new_binding.eq(bus.dat_w),
        parts.senders.row.eq(sender),
    ]
    with m.If(parts.page == 0):
        with m.If(word == word_of(ControlPage.IDENTITY)):
            m.d.comb += [parts.ok.eq(~bus.we), parts.data.eq(identity)]
        with m.Elif(word == word_of(ControlPage.PENDING)):
            m.d.comb += [parts.ok.eq(~bus.we), parts.data.eq(table.not_empty)]
        with m.Elif(word == word_of(ControlPage.INTERRUPT_ENABLE)):
            _setting(m, parts, MAX_QUEUES, (1 << config.queues) - 1)
            with m.If(accepted):
                m.d.sync += parts.interrupt_enable.eq(bus.dat_w)
        with m.Elif(word == word_of(ControlPage.INTERRUPT_COALESCING)):
            _setting(m, parts, Coalescing.as_shape().size, COALESCING_BITS)
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
            m.d.comb += [parts.ok.eq(~bus.we), parts.source.eq(Source.STATISTIC)]
        with m.Elif((word[4:] == pages >> 4) & (target != 0) & (target <= config.pages)):
            _setting(m, parts, PageBinding.as_shape().size)
            m.d.comb += [
                parts.bind_page.eq(accepted),
                parts.start_wipe_page.eq(accepted & ~parts.fault("keep_staging")),
            ]
        if config.contexts:
            with m.Elif((word[4:] == contexts >> 4) & (target < config.all_contexts)):
                _setting(m, parts, ContextBinding.as_shape().size)
                m.d.comb += parts.start_search.eq(accepted)
                _bind_context(m, parts, target, accepted)
                if config.harts > 1:
                    with m.If(parts.unbound.bit_select(target, 1) & ~bus.we):
                        m.d.comb += parts.source.eq(Source.REGISTER)
        with m.Elif((word[5:] == senders >> 5) & (sender < config.senders)):
            with m.If(sender_column == SenderWord.BINDING):
                _setting(m, parts, SenderBinding.as_shape().size)
                m.d.comb += [
                    parts.senders.bind.eq(accepted),
                    limiter.forgive.eq(accepted),
                    # Any owner may have won or lost it. The first one does not exist.
                    parts.start_search.eq(accepted),
                    parts.search_all.eq(1),
                    parts.search_owner.eq(0),
                ]
            with m.Else():
                _setting(m, parts, SenderRate.as_shape().size, RATE_FIELDS)
                m.d.comb += limiter.write.eq(accepted)
        with m.Elif((word[7] ^ word[8]) & (queue < config.queues)):
            with m.Switch(column):
                with m.Case(QueueWord.BINDING):
                    _setting(m, parts, QueueBinding.as_shape().size)
                    m.d.comb += [
                        table.bind.eq(accepted),
                        parts.start_wipe_queue.eq(accepted),
                    ]
                with m.Case(QueueWord.FILL):
                    m.d.comb += [parts.ok.eq(~bus.we), parts.data.eq(table.shown_count)]

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
        parts.space_write.addr.eq(owner),
        parts.space_write.data.eq(binding.space),
        parts.space_write.en.eq(parts.bind_page | parts.binds_context.any()),
    ]
    parts.close_views(m, parts.bus_queue, table.wipe | table.bind)


def _setting(m, parts, size, bits=None):
    """A register of `size` bits that reads as it was stored, of which it keeps `bits`."""
    bits = (1 << size) - 1 if bits is None else bits
    lanes = [bits >> 8 * lane & 0xff for lane in range(8)]
    # A byte without any bit is not written, so its bits do not count.
    kept = sum((lane or 0xff) << 8 * number for number, lane in enumerate(lanes))
    stored = parts.accept & parts.bus.we & parts.ok
    m.d.comb += [
        parts.ok.eq(~parts.bus.we | covers(parts, size)),
        parts.source.eq(Source.STAGING),
        parts.store_setting.eq(stored),
        parts.setting_bits.eq(kept),
        parts.setting_lanes.eq(sum(bool(lane) << number for number, lane in enumerate(lanes))),
    ]


def _bind_context(m, parts, target, accepted):
    """A context's binding; a store discards what its instructions staged and opened, and the command in flight."""
    stored = ContextBinding(parts.bus.dat_w[:ContextBinding.as_shape().size])
    for number in range(parts.config.all_contexts):
        with m.If(target == number):
            with m.If(accepted):
                m.d.comb += parts.binds_context[number].eq(1)
                m.d.sync += parts.context_enabled[number].eq(stored.enabled)
                if parts.config.harts > 1:
                    m.d.sync += parts.unbound[number].eq(0)
                kept = parts.fault("keep_other_hart") if number >= parts.config.contexts else C(0)
                with m.If(~parts.fault("keep_pairs") & ~kept):
                    m.d.sync += parts.staged[number].eq(0)
                with m.If(~parts.fault("keep_context_view") & ~kept):
                    m.d.sync += parts.context_view_open[number].eq(0)
                with m.If(parts.by_instruction & (parts.active_context == number)):
                    m.d.sync += parts.discarded.eq(1)
