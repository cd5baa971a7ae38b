"""Second-level cache: replacement of a line, and flush.

The old line goes through the read side of the arrays to a buffer, word by word in the order in which memory gives
the new one, and always a cycle ahead of it. When both are done the way gets its new tag, and the buffer is written to
memory while the cache goes on.
"""

from amaranth import *

from ..bus import wishbone

__all__ = ["add_flush", "add_replacement", "start_replacement"]


def start_replacement(m, parts):
    """In the cycle in which a miss stands in `serve` and the buffer is free."""
    config, serve = parts.config, parts.serve
    victim = Signal(config.ways)
    m.d.comb += victim.eq(parts.next_victim)
    for way in reversed(range(config.ways)):
        with m.If(~parts.serve_present[way]):
            m.d.comb += victim.eq(1 << way)
    m.d.comb += [
        parts.fill.start.eq(1),
        parts.arrays.read_en.eq(1),
    ]
    m.d.sync += [
        parts.serve_ways.eq(victim),
        parts.next_victim.eq(parts.next_victim.rotate_left(1)),
        parts.forwarding.eq(~serve.we),
        parts.wanted.eq(parts.word_of(serve.address)),
        parts.read_word.eq(parts.word_of(serve.address) + 1),
        parts.step.eq(0),
        # A read is still on the bus and will be looked up from there; writes have been acknowledged.
        parts.compare_valid.eq(parts.compare_valid & parts.compare.we),
        parts.compare_stale.eq(1),
    ]


def add_replacement(m, parts):
    """The state "replace"."""
    config, arrays, serve = parts.config, parts.arrays, parts.serve
    fill, write_back, planted = parts.fill, parts.write_back, parts.planted
    with m.State("replace"):
        m.d.comb += [
            parts.replacing.eq(1),
            arrays.read_en.eq(1),
            parts.look_address.eq(Cat(parts.read_word, parts.set_of(serve.address))),
            arrays.write_ways.eq(Mux(fill.valid, parts.serve_ways, 0)),
            write_back.put.eq((parts.step != 0) & ~parts.copied),
            parts.forward_ready.eq(fill.valid & parts.wanted_here),
        ]
        m.d.sync += [parts.read_word.eq(parts.read_word + 1), parts.serve_words.eq(arrays.words)]
        with m.If(~parts.copied):
            m.d.sync += parts.step.eq(parts.step + 1)
        with m.If(parts.step == 0):
            for way in range(config.ways):
                with m.If(parts.serve_ways[way]):
                    m.d.sync += parts.old_tag.eq(arrays.tags[way])
                    m.d.sync += parts.old_tag.tag.eq(Mux(planted("wrong_victim"),
                                                         arrays.tags[(way + 1) % config.ways].tag,
                                                         arrays.tags[way].tag))
        with m.If(fill.failed):
            m.d.sync += parts.failed.eq(1)
        _follow_reader(m, parts)
        with m.If(parts.copied & ~fill.busy):
            m.d.comb += [
                arrays.tag_ways.eq(parts.serve_ways),
                parts.tag.valid.eq(Mux(parts.flushes, ~parts.flush_invalidates,
                                       ~parts.failed | planted("keep_failed_line"))),
                write_back.start.eq(parts.old_tag.valid & parts.old_tag.dirty & ~planted("skip_write_back")),
                parts.store_failed.eq(parts.serve_valid & serve.we & parts.failed),
            ]
            with m.If(parts.flushes):
                m.d.comb += parts.tag.tag.eq(parts.old_tag.tag)
            # A write goes on as a hit.
            m.d.sync += [
                parts.serve_valid.eq(parts.serve_valid & serve.we & ~parts.failed),
                parts.serve_dirty.eq(0),
                parts.failed.eq(0),
                parts.past_wrote.eq(0), parts.past_marked.eq(0),
                parts.forwarding.eq(0),
            ]
            with m.If(parts.flushes):
                m.next = "flush-wait"
            with m.Else():
                m.next = "run"


def _follow_reader(m, parts):
    """Which word of the line the reader wants next, as long as it goes on within the line."""
    config, bus, bits = parts.config, parts.bus, parts.word_bits
    following = Signal(config.address_bits)
    m.d.comb += following.eq(wishbone.next_burst_address(Cat(parts.wanted, C(0, config.address_bits - bits)),
                                                         bus.cti, bus.bte))
    leaves = following[bits:].any()
    with m.If(~bus.cyc | bus.err):
        m.d.sync += parts.forwarding.eq(0)
    with m.Elif(bus.ack):
        m.d.sync += [parts.wanted.eq(following), parts.forwarding.eq(parts.forwarding & ~parts.last_beat & ~leaves)]


def add_flush(m, parts):
    """The states of a flush: for each set, write back one dirty line after the other. `serve.address` counts sets."""
    config, arrays, serve = parts.config, parts.arrays, parts.serve
    with m.State("flush-wait"):
        with m.If(~parts.write_back.busy):
            m.next = "flush-read"
    with m.State("flush-read"):
        m.d.comb += [arrays.read_en.eq(1), parts.look_address.eq(Cat(C(0, parts.word_bits),
                                                                     parts.set_of(serve.address)))]
        m.next = "flush-tags"
    with m.State("flush-tags"):
        first = Signal(config.ways)
        for way in reversed(range(config.ways)):
            forgotten = parts.planted("flush_skips_way") if way == config.ways - 1 else C(0)
            with m.If(arrays.tags[way].valid & arrays.tags[way].dirty & ~forgotten):
                m.d.comb += first.eq(1 << way)
        m.d.sync += [parts.serve_ways.eq(first), parts.step.eq(0), parts.read_word.eq(1)]
        m.next = "flush-choose"
    with m.State("flush-choose"):
        with m.If(parts.hit):
            m.next = "replace"
        with m.Else():
            following = Signal(config.set_bits)
            m.d.comb += [following.eq(parts.set_of(serve.address) + 1),
                         arrays.tag_ways.eq(parts.flush_invalidates.replicate(config.ways))]
            m.d.sync += parts.set_of(serve.address).eq(following)
            m.next = "flush-read"
            with m.If(following == 0):
                m.d.sync += parts.flushes.eq(0)
                m.next = "run"
