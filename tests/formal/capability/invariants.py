"""Invariants of the capability unit, which make its properties inductive. Each is asserted as well as used."""

from functools import reduce
from itertools import combinations
from operator import and_, or_

from amaranth.hdl import Array, Assert, C, Cat, Mux, Signal
from amaranth.utils import exact_log2

from hw.abi import Answer, Verdict
from hw.capability.check import CheckRequest, CheckResponse
from hw.capability.command import Operation
from hw.capability.front import _Phase
from hw.capability.lookaside import SPACE_LIMIT, InvalidateKind, SlotKey, content_of, has_room_for

__all__ = ["buffer_invariants", "front_invariants", "requester_invariants"]


def _any(state, *names):
    return reduce(or_, (state[name] for name in names))


def _one_hot(m, state):
    m.d.comb += Assert(reduce(lambda a, b: a + b, state.values()) == 1)


def buffer_invariants(m, bench):
    """Lookaside buffer, walker and arbitration."""
    engine, lookaside, walker = bench.engine._inside, bench.lookaside, bench.walker
    inside, found, truth = lookaside._inside, bench.walker.found, bench.truth
    state, rows, sets = inside.state, lookaside.rows, bench.config.sets
    bits = exact_log2(sets)
    _one_hot(m, state)

    def same_lines(number):
        """What was read last is what the set `number` holds."""
        return reduce(and_, (lookaside.read[way].as_value() == Array(row.as_value() for row in ways)[number]
                             for way, ways in enumerate(rows)))

    def request_key(request):
        return Cat(request.space, request.query.handle[:16])

    def holds(row, number):
        """The row is a line of the tracked slot."""
        return (row.valid & (row.space == bench.space) & (row.index_high == bench.index[bits:])
                & (number == (bench.index[:bits] ^ bench.space[:bits])))

    # Who does what.
    sweeping = _any(state, "SWEEP", "SWEEP_LAST")
    m.d.comb += [
        Assert(~engine.busy | sweeping | state["CLEAR"] | state["SKIP"]),
        Assert(~sweeping | (engine.busy & (inside.current.kind != InvalidateKind.ALL))),
        Assert(~state["CLEAR"] | (engine.busy == ~bench.resetting)),
        Assert(~bench.resetting | state["CLEAR"]),
        Assert(~(state["CLEAR"] & engine.busy) | (inside.current.kind == InvalidateKind.ALL)),
        Assert(~state["SKIP"]),
        Assert(~bench.first | (bench.resetting & (inside.step == 0) & ~bench.begun & ~bench.begun_object)),
        Assert((engine.s_owner & (engine.s_owner - 1)) == 0), Assert((engine.w_owner & (engine.w_owner - 1)) == 0),
        Assert(~walker.busy | (engine.w_owner != 0)), Assert(~walker.choose | walker.busy),
        Assert(~bench.resetting | ~walker.busy),
        Assert(~walker.busy | (walker.chosen_key == request_key(engine.w_request))),
        # The walk that an invalidate concerns starts over in the cycle after its start.
        Assert(~engine.started | (engine.busy & (inside.swept == 0) & ~state["SWEEP_LAST"] & (engine.s_owner == 0))),
        Assert(~engine.started | ~state["CLEAR"] | (inside.step == 0)),
        Assert(~engine.s_owner[2] & ~engine.w_owner[2]),
    ]
    # A slot has one line at most.
    for number, ways in enumerate(zip(*rows, strict=True)):
        cleared = ~state["CLEAR"] | (inside.step > number)
        for one, other in combinations(ways, 2):
            m.d.comb += Assert(~cleared | ~one.valid | ~other.valid | (one.space != other.space)
                               | (one.index_high != other.index_high))
    # What has been read. Of a space that no table reaches, the lines of any set.
    with m.If(engine.s_owner != 0):
        m.d.comb += [
            Assert(_any(state, "IDLE", "FILL_READ", "THROW_OUT")),
            Assert(inside.seen_key.as_value() == request_key(engine.s_request)),
        ]
        own = Signal(SlotKey)
        m.d.comb += [
            own.eq(inside.seen_key),
            Assert(reduce(or_, (same_lines(number) & (
                (own.space == SPACE_LIMIT) | ((own.index[:bits] ^ own.space[:bits]) == number))
                for number in range(sets)))),
        ]
    # A sweep reads each set and writes it in the next cycle.
    slot_kind = inside.current.kind == InvalidateKind.SLOT
    slot_set = inside.current.name[:bits] ^ inside.current.space[:bits]
    with m.If(sweeping):
        m.d.comb += Assert(inside.last == Mux(slot_kind, slot_set, sets - 1))
    with m.If(state["SWEEP"]):
        m.d.comb += Assert(Mux(inside.swept, ~slot_kind & (inside.step != 0) & (inside.swept_set == inside.step - 1),
                               inside.step == Mux(slot_kind, slot_set, 0)))
    with m.If(state["SWEEP_LAST"]):
        m.d.comb += Assert(inside.swept & (inside.swept_set == inside.last))
    with m.If(sweeping & inside.swept):
        m.d.comb += Assert(same_lines(inside.swept_set) & (
            inside.seen_key.as_value() == Cat(inside.current.space, inside.current.name[:16])))
    with m.If(state["CLEAR"]):
        for ways in rows:
            for number, row in enumerate(ways):
                m.d.comb += Assert((inside.step <= number) | ~row.valid)
    # A fill keeps what the walk found.
    with m.If(state["FILL_READ"]):
        m.d.comb += Assert(~walker.busy & bench.cacheable(found)
                           & has_room_for(engine.w_request.space, found.content))
    with m.If(state["FILL_WRITE"]):
        m.d.comb += Assert((~walker.busy | walker.choose) & bench.cacheable(found)
                           & has_room_for(inside.seen_key.space, found.content) & same_lines(
                               inside.seen_key.index[:bits] ^ inside.seen_key.space[:bits]))

    # What is known of the tracked slot, after an invalidate of the slot and after one of the object.
    def right(content):
        return (content.as_value() == truth.content.as_value()) & bench.cacheable(truth)

    def other_object(content):
        return content.object_id != bench.object_id

    flavours = (
        (bench.begun, bench.clean, bench.current, bench.names_slot(inside.current), right,
         (found.as_value() == truth.as_value()) | found.error),
        (bench.begun_object, bench.clean_object, bench.current_object, bench.names_object(inside.current),
         lambda content: right(content) | other_object(content),
         (found.as_value() == truth.as_value()) | found.error | other_object(found.content)),
    )
    for begun, clean, current, names, fine, walk_fine in flavours:
        m.d.comb += [
            Assert(~clean | begun), Assert(~begun | bench.settled), Assert(~(bench.resetting & clean)),
            Assert(~(engine.busy & current) | (begun & names)),
        ]
        with m.If(begun & ~clean):
            m.d.comb += [Assert(bench.resetting | (engine.busy & current)), Assert(engine.s_owner == 0)]
        with m.If(begun & walker.busy & ~walker.choose & ~walker.restart & bench.concerns(engine.w_request)):
            m.d.comb += Assert(walk_fine)
        with m.If(begun & state["FILL_READ"] & bench.concerns(engine.w_request)):
            m.d.comb += Assert(fine(found.content))
        with m.If(begun & state["FILL_WRITE"] & bench.tracks(inside.seen_key)):
            m.d.comb += Assert(fine(found.content))
        for ways in rows:
            for number, row in enumerate(ways):
                swept = begun & sweeping & current & inside.swept & (number < inside.swept_set)
                with m.If((clean | swept) & holds(row, number)):
                    m.d.comb += Assert(fine(content_of(row)))


def requester_invariants(m, bench, asked):
    """The check port's requester; `asked` is what the bench knows to be the question."""
    engine, inside, walker = bench.engine._inside, bench.checker._inside, bench.walker
    state, kept = inside.state, inside.kept_request.as_value()
    _one_hot(m, state)
    m.d.comb += [
        Assert(state["IDLE"] | (asked.as_value() == kept)),
        Assert(state["LOOK"] == engine.s_owner[1]),
        # The engine counts on that: who has waited for long goes first until it leaves off asking.
        Assert(~(engine.s_owner[1] & bench.checker.lookup.valid)),
        Assert(~state["LOOK"] | (engine.s_request.as_value() == kept)),
        Assert(state["WALK"] == (engine.w_owner[1] & walker.busy)),
        Assert(~state["HELD"] | ~engine.started),
        Assert(~state["WALK"] | (engine.w_request.as_value() == kept)),
        # An invalidate waits while an answer does.
        Assert(~(state["HELD"] & ((bench.begun & ~bench.clean) | (bench.begun_object & ~bench.clean_object)))),
        Assert(~(state["HELD"] & bench.resetting)),
    ]
    with m.If(state["HELD"]):
        m.d.comb += Assert(bench.right(m, inside.kept_request, inside.kept_response, C(1, 1), C(1, 1)))


def front_invariants(m, bench, watched):
    """The instruction front; `watched` is the bench's account of instructions and of the one it watches."""
    engine, inside, walker = bench.engine._inside, bench.front._inside, bench.walker
    first, second, phase = inside.first, inside.second, inside.phase
    operation = first.command.operation
    request = Signal(CheckRequest)
    m.d.comb += [request.query.eq(first.command.operand), request.space.eq(first.command.space)]

    def looks(command):
        return command.is_lookup()

    walking = walker.busy & engine.w_owner[0]
    for entry in (first, second):
        with m.If(entry.valid & ~looks(entry.command)):
            m.d.comb += Assert(inside.serial.as_value() == entry.command.as_value())
    m.d.comb += [
        Assert(~second.valid | (first.valid & looks(first.command))),
        Assert(~(second.valid & second.committed) | first.committed),
        Assert((inside.taken_early == 0) | ~first.valid | ~first.committed),
        Assert(watched.untaken == first.valid + second.valid),
        Assert(watched.uncommitted == inside.taken_early + (first.valid & ~first.committed)
               + (second.valid & ~second.committed)),
        Assert(watched.uncommitted <= 4),
        Assert(first.command.operation.as_value() <= max(each.value for each in Operation)),
        Assert(second.command.operation.as_value() <= max(each.value for each in Operation)),
        Assert(phase.as_value() <= _Phase.HELD.value),
        Assert(engine.owner < len(bench.engine.invalidates)),
        Assert(walking == (first.valid & (phase == _Phase.BUSY) & looks(first.command))),
        Assert(bench.waiting == (first.valid & (phase == _Phase.BUSY) & (operation == Operation.INVALIDATE))),
        Assert((phase != _Phase.BUSY) | (first.valid & first.committed & (
            looks(first.command) | (operation == Operation.INVALIDATE)))),
        Assert((phase != _Phase.HELD) | first.valid),
        Assert((phase != _Phase.HELD) | looks(first.command) | first.committed),
        Assert(~(first.valid & (phase == _Phase.LOOK))
               | (looks(first.command) & engine.s_owner[0] & (engine.s_request.as_value() == request.as_value()))),
        Assert(~walking | (engine.w_request.as_value() == request.as_value())),
    ]
    # A kept answer is asked for again when an invalidate starts.
    kept_check = (phase == _Phase.HELD) & looks(first.command)
    m.d.comb += Assert(~(kept_check & ((bench.begun & ~bench.clean) | (bench.begun_object & ~bench.clean_object)
                                       | bench.resetting)))
    answer, response = Answer(inside.kept), Signal(CheckResponse)
    shows_object = operation == Operation.OBJECT
    m.d.comb += [
        response.verdict.eq(answer.verdict),
        response.object_id.eq(Mux(shows_object, answer.value, 0)),
        response.badge.eq(Mux(shows_object, 0, answer.value)),
    ]
    with m.If(kept_check & (operation != Operation.INSTALL)):
        m.d.comb += [Assert((answer.verdict == Verdict.OK) | (answer.value == 0)),
                     Assert(bench.right(m, request, response, shows_object, ~shows_object))]
    # The watched check is one of the two entries.
    for place, entry in enumerate((first, second)):
        with m.If(watched.watching & (watched.older_untaken == place)):
            m.d.comb += [
                Assert(entry.valid & (watched.committed == entry.committed)),
                Assert(Mux(watched.shows_object, entry.command.operation == Operation.OBJECT,
                           entry.command.operation == Operation.BADGE)),
                Assert((entry.command.operand.as_value() == watched.asked.query.as_value())
                       & (entry.command.space == watched.asked.space)),
                Assert(watched.committed | (watched.older_uncommitted == inside.taken_early + (
                    (~first.committed) if place else 0))),
            ]
    m.d.comb += Assert(~watched.watching | (watched.older_untaken < 2))
