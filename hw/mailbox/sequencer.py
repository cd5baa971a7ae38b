"""Moves the mailbox's words: copies what is sent, wipes what changes hands, clears all after reset."""

from amaranth import *
from amaranth.utils import ceil_log2

__all__ = ["add_sequencer"]


def add_sequencer(m, parts):
    """Move words: copy, wipe, clear. Owns the write side of all memories while it runs."""
    config, client, table = parts.config, parts.client, parts.table
    words = parts.entry_words
    payload = config.message_words + config.capability_words
    within_bits = ceil_log2(words)
    step, page, queue, tail = parts.step, parts.moved_page, parts.moved_queue, parts.moved_entry
    written = parts.written
    #: What is copied: the staged word of a page, or of a context.
    word = Mux(parts.moves_pairs, parts.moved_word, parts.staging_read.data)
    carries = parts.carries
    #: The word is not 0, and a page's: instructions stage no capabilities.
    bears = (parts.staging_read.data != 0) & ~parts.moves_pairs
    copy, clear = parts.copying, parts.clearing
    # Between harts a message of instructions is in its queue from the first step on. It carries no capabilities.
    early = parts.moves_pairs if config.harts > 1 else C(0)
    m.d.comb += parts.cuts_through.eq(copy & early & (step != 0))

    # One queue at a time changes: the sequencer's, the decision's, or the bus's.
    selected = Signal.like(queue)
    m.d.comb += [
        selected.eq(Mux(copy, queue, Mux(parts.deciding, parts.decide_queue, parts.bus_queue))),
        table.select.eq(selected),
        table.look.eq(parts.decide_queue),
        table.shown.eq(parts.bus_queue),
        table.push_entry.eq(tail),
        parts.limiter.clear.eq(clear),
        parts.limiter.clear_index.eq(step),
        parts.senders.clear.eq(clear),
        parts.senders.clear_index.eq(step),
        parts.senders.search.eq(parts.searching | parts.wiping_page),
        parts.senders.step.eq(step),
        parts.senders.searched.eq(parts.searched),
        parts.senders.space.eq(Mux(parts.fault("limit_by_page"), parts.searched, parts.space_shown.data)),
    ]
    last_search, all_owners = parts.senders.last_step, Signal()

    staging, entry = parts.staging_write, parts.entry_write
    m.d.comb += [
        parts.staging_read.en.eq(1),
        parts.staging_read.addr.eq(parts.staging_address),
        staging.addr.eq(parts.staging_address),
        staging.data.eq(parts.bus.dat_w & parts.setting_bits),
        staging.en.eq(Mux(parts.store_staging | parts.store_setting, parts.bus.sel & parts.setting_lanes, 0)),
    ]
    m.d.sync += parts.cleared.eq(~clear)
    with m.FSM(init="clear") as fsm:
        m.d.comb += [
            clear.eq(fsm.ongoing("clear")),
            copy.eq(fsm.ongoing("copy")),
            parts.wiping_page.eq(fsm.ongoing("wipe_page")),
            parts.wiping_queue.eq(fsm.ongoing("wipe_queue")),
            parts.searching.eq(fsm.ongoing("search")),
        ]
        with m.State("clear"):
            m.d.comb += [
                staging.addr.eq(step), staging.data.eq(0), staging.en.eq((1 << 8) - 1),
                entry.addr.eq(step), entry.en.eq(1),
                parts.handle_write.addr.eq(step), parts.handle_write.data.eq(0), parts.handle_write.en.eq(1),
                parts.space_write.addr.eq(step), parts.space_write.data.eq(0), parts.space_write.en.eq(1),
                parts.statistic_write.addr.eq(step), parts.statistic_write.data.eq(0),
                parts.statistic_write.en.eq(1),
            ]
            m.d.sync += step.eq(step + 1)
            with m.If((step == parts.last_clear) | parts.fault("no_clear")):
                m.d.sync += step.eq(0)
                m.next = "idle"
            with m.If(parts.fault("no_clear")):
                m.d.comb += [staging.en.eq(0), entry.en.eq(0), parts.handle_write.en.eq(0),
                             parts.space_write.en.eq(0), parts.statistic_write.en.eq(0)]
        with m.State("idle"):
            m.d.comb += parts.settled.eq(1)
            m.d.sync += carries.eq(0)
            with m.If(parts.start_copy):
                m.d.sync += [
                    page.eq(parts.active_page), queue.eq(parts.decide_queue), tail.eq(table.tail),
                    parts.moves_pairs.eq(parts.by_instruction), parts.moved_context.eq(parts.active_context),
                    parts.moved_hart.eq(parts.active_hart),
                    parts.moved_places.eq(parts.places[parts.active_context]),
                ]
                m.next = "copy"
            with m.Elif(parts.start_wipe_page):
                m.d.sync += [page.eq(parts.wipe_page), parts.searched.eq(parts.wipe_page)]
                m.next = "wipe_page"
            with m.Elif(parts.start_wipe_queue):
                m.d.sync += queue.eq(parts.wipe_queue)
                m.next = "wipe_queue"
            with m.Elif(parts.start_search):
                m.d.sync += [parts.searched.eq(parts.search_owner), all_owners.eq(parts.search_all)]
                m.next = "search"
        with m.State("copy"):
            # Step s reads staged word s and writes word s-1, which is zeroed behind it: what was sent leaves
            # no residue. The first step writes badge and sender, which the client still holds.
            target = Mux(parts.fault("mix_queues"), 0, queue)
            m.d.comb += [
                written.eq(step - 1),
                parts.staging_read.addr.eq(Cat(step[:within_bits], page)),
                entry.addr.eq(Cat(written, tail, target)),
                entry.data.eq(word),
                entry.en.eq(1),
                staging.addr.eq(Cat(written, page)),
                staging.data.eq(0),
                staging.en.eq(Mux((step != 0) & ~parts.moves_pairs, (1 << 8) - 1, 0)),
            ]
            m.d.sync += step.eq(step + 1)
            with m.If(step == 0):
                m.d.comb += [
                    table.push.eq(early),
                    written.eq(payload),
                    entry.data.eq(Cat(client.answer.badge, client.check.request.payload.space)),
                ]
            with m.Elif(step > config.message_words):
                m.d.sync += carries.eq(carries | bears)
            with m.If((step == config.message_words) & parts.fault("drop_last_word")):
                m.d.comb += entry.en.eq(0)
            with m.If(step == payload):
                m.d.comb += [
                    table.push.eq(~early),
                    table.push_capabilities.eq(carries | bears),
                ]
                m.d.sync += step.eq(0)
                m.next = "idle"
        with m.State("wipe_page"):
            # Meanwhile the bucket of its new space is looked for.
            m.d.comb += [parts.space_shown.addr.eq(parts.searched),
                         staging.addr.eq(Cat(step[:within_bits], page)), staging.data.eq(0),
                         staging.en.eq((1 << 8) - 1)]
            m.d.sync += step.eq(step + 1)
            with m.If(step == max(words - 1, last_search)):
                m.d.sync += step.eq(0)
                m.next = "idle"
        with m.State("search"):
            m.d.comb += parts.space_shown.addr.eq(parts.searched)
            m.d.sync += step.eq(step + 1)
            with m.If(step == last_search):
                m.d.sync += [step.eq(0), parts.searched.eq(parts.searched + 1)]
                with m.If(~all_owners | (parts.searched == parts.owners - 1)):
                    m.next = "idle"
        with m.State("wipe_queue"):
            m.d.comb += [entry.addr.eq(Cat(step[:ceil_log2(config.depth * words)], queue)), entry.en.eq(1)]
            m.d.sync += step.eq(step + 1)
            with m.If(step == config.depth * words - 1):
                m.d.sync += step.eq(0)
                m.next = "idle"
