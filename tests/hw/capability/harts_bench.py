"""Directed cocotb tests of capability units of several harts: what one hart takes away, no other is told is there."""

import os

import cocotb

from hw.abi import CapType, Rights, Verdict
from hw.capability import model
from hw.capability.window import WindowCommand
from tests.hw.capability.harts_driver import CONFIG, Harts, component

__all__ = ["component"]

SEND = Rights.SEND
#: Each kind of invalidate: instruction (if there is one), command, operands of slot 0 of space 3 with object 1.
KINDS = {
    "slot": ("cap.inv.slot", WindowCommand.INVALIDATE_SLOT, (model.handle(0, 0), 3)),
    "space": ("cap.inv.space", WindowCommand.INVALIDATE_SPACE, (0, 3)),
    "object": ("cap.inv.object", WindowCommand.INVALIDATE_OBJECT, (1, 0)),
    "all": (None, WindowCommand.INVALIDATE_ALL, (0, 0)),
}
WAYS = [(kind, by) for kind, (name, *_) in KINDS.items() for by in ("port", "window") if name or by == "window"]
OLD, EMPTY = model.Outcome(Verdict.OK, 1, 0xa), model.Outcome(Verdict.EMPTY)
QUERY = model.query(model.handle(0, 5), CapType.ENDPOINT, SEND)


def pairs(harts, part=None):
    """Every two of them, in both orders. In the part with that number of a test that is long otherwise, one of these,
    another in each; all if FULL is set."""
    found = [(one, other) for one in harts for other in harts if one is not other]
    return found if part is None or os.environ.get("FULL") else [found[part % len(found)]]


async def started(dut):
    """The system, with a capability in slot 0 of space 3 and one in slot 1 of space 4 of another object."""
    harts = Harts(dut)
    kernel = harts.kernel
    for space, number in ((3, 1), (4, 2)):
        kernel.space(space)
        kernel.object(number, generation=1)
    fill(harts)
    kernel.slot(4, 1, object_id=2, tag=5, badge=0xb, rights=SEND)
    await harts.start()
    return harts


def fill(harts):
    harts.kernel.slot(3, 0, object_id=1, tag=5, badge=0xa, rights=SEND)


def empty(harts):
    harts.kernel.slot(3, 0, object_id=1, tag=5, badge=0xa, rights=SEND, valid=0)


async def forget(hart, kind, by):
    """An invalidate of slot 0 of space 3; its result, and the cycle in which that is there."""
    name, command, operands = KINDS[kind]
    if by == "port":
        done = await hart.one(name, *operands)
        return done.data, done.taken
    return await hart.command(command, *operands), hart.cycle


async def ask_once(hart, space, query):
    """A check by one instruction; the badge is the model's."""
    checked = await hart.one("cap.object", query, space)
    return model.Outcome(checked.verdict, checked.value, 0xa if checked.verdict == Verdict.OK else 0)


def askers(hart):
    """Ways to ask for a verdict at a certain moment."""
    async def by_instruction(space, query):
        return await ask_once(hart, space, query)
    return by_instruction, hart.ask_check


async def timed(hart, coroutine):
    """Result of a coroutine and the cycle in which it came."""
    return await coroutine, hart.cycle


@cocotb.test()
async def invalidates_reach_every_hart(dut):
    """Of each kind, by each interface, from each hart; and lines that are not named stay."""
    harts = await started(dut)
    other_query = model.query(model.handle(1, 5), CapType.ENDPOINT, SEND)
    for origin in harts:
        for kind, by in WAYS:
            fill(harts)
            for hart in harts:
                assert await hart.ask_check(3, QUERY) == OLD
                assert (await hart.ask_check(4, other_query)).verdict == Verdict.OK
            empty(harts)
            before = [(await hart.read("invalidations"), await hart.read("remote_invalidations")) for hart in harts]
            assert (await forget(origin, kind, by))[0] == 0
            reads = len(harts.bus.transfers)
            for hart in harts:
                for ask in (hart.ask_check, hart.ask_port, hart.ask_window):
                    assert await ask(3, QUERY) == EMPTY, (origin.number, kind, by, hart.number, ask.__name__)
            assert len(harts.bus.transfers) > reads
            reads = len(harts.bus.transfers)
            for hart in harts:
                assert (await hart.ask_check(4, other_query)).verdict == Verdict.OK
            assert (len(harts.bus.transfers) == reads) == (kind != "all"), kind
            for hart, (total, remote) in zip(harts, before, strict=True):
                assert await hart.read("invalidations") == total + 1
                assert await hart.read("remote_invalidations") == remote + (hart is not origin)
    for hart in harts:
        assert await hart.read("unanswered") == 0
        assert await hart.read("harts") == hart.number | CONFIG.harts << 8


@cocotb.test()
async def checks_race_with_invalidates_of_another_hart_in_every_alignment(dut):
    """A check on one hart begins at each moment around an invalidate on another, cached or not, by each interface:
    the old slot or the new one until the acknowledge, nothing but the new one from then on."""
    harts = await started(dut)
    late = 0
    for part, (kind, by) in enumerate(WAYS):
        for origin, other in pairs(harts, part):
            for ask in askers(other):
                for cached in (False, True):
                    # From a check that is over before the invalidate begins to one that begins behind it.
                    for delay in range(-14, 14) if by == "port" else range(-4, 26):
                        fill(harts)
                        await origin.command(WindowCommand.INVALIDATE_ALL)
                        if cached:
                            assert await ask(3, QUERY) == OLD
                            await harts.cycles(4)

                        async def change(kind=kind, by=by, origin=origin, delay=delay):
                            await harts.cycles(max(-delay, 0))
                            empty(harts)
                            return await forget(origin, kind, by)

                        async def check(ask=ask, other=other, delay=delay):
                            await harts.cycles(max(delay, 0))
                            return await timed(other, ask(3, QUERY))
                        (result, done), (outcome, when) = await harts.together(change(), check())
                        assert result == 0
                        assert outcome in (OLD, EMPTY)
                        assert when <= done or outcome == EMPTY, (kind, by, ask.__name__, cached, delay)
                        late += when <= done
                        for after in (other.ask_check, other.ask_port):
                            assert await after(3, QUERY) == EMPTY, (kind, by, cached, delay)
    assert late > 100, "hardly a check ended before the acknowledge: the test looked at too few moments"


@cocotb.test()
async def walks_of_another_hart_are_killed_in_every_alignment(dut):
    """The slot changes and is forgotten on one hart at each moment of a walk on another, with fast and slow memory."""
    harts = await started(dut)
    restarts = sum([await hart.read("restarts") for hart in harts])
    for wait in (0, 2):
        harts.bus.wait = (wait, wait)
        for part, kind in enumerate(("slot", "space", "object")):
            for origin, other in pairs(harts, part + wait // 2):
                for delay in range(24 if wait == 0 else 36):
                    fill(harts)
                    await origin.command(WindowCommand.INVALIDATE_ALL)
                    asking = cocotb.start_soon(timed(other, other.ask_check(3, QUERY)))
                    await harts.cycles(delay)
                    empty(harts)
                    result, done = await forget(origin, kind, "port")
                    after = (await other.ask_port(3, QUERY), await origin.ask_check(3, QUERY))
                    assert result == 0 and after == (EMPTY, EMPTY), (kind, delay)
                    outcome, when = await asking
                    assert outcome in (OLD, EMPTY) and (when <= done or outcome == EMPTY), (kind, delay)
    assert sum([await hart.read("restarts") for hart in harts]) > restarts + 50


@cocotb.test()
async def kept_answers_do_not_outlive_an_invalidate_of_another_hart(dut):
    """A core leaves an OK lying while another hart empties the slot: what it takes then is a refusal. An answer at the
    check port stays as it is, and holds the acknowledge up until it is taken."""
    harts = await started(dut)
    for origin, other in pairs(harts):
        for cached in (True, False):
            fill(harts)
            await origin.command(WindowCommand.INVALIDATE_ALL)
            if cached:
                assert await other.ask_check(3, QUERY) == OLD
            waiting = cocotb.start_soon(other.one("cap.badge", QUERY, 3, take_after=60))
            await harts.cycles(25)
            empty(harts)
            result, done = await forget(origin, "slot", "port")
            checked = await waiting
            assert result == 0 and checked.taken > done
            assert checked.data == model.answer(Verdict.EMPTY), cached

            fill(harts)
            await origin.command(WindowCommand.INVALIDATE_ALL)
            waiting = cocotb.start_soon(timed(other, other.ask_check(3, QUERY, take_after=60)))
            await harts.cycles(30)
            empty(harts)
            result, done = await forget(origin, "slot", "port")
            outcome, when = await waiting
            assert result == 0 and outcome == OLD and when <= done


@cocotb.test()
async def invalidates_at_once_do_not_wait_for_each_other(dut):
    """All harts invalidate, each by instruction and window, at every distance; each comes back within the time that all
    together take, and every slot is forgotten everywhere."""
    harts = await started(dut)
    kernel, numbers = harts.kernel, range(2 * CONFIG.harts)
    bound = len(numbers) * (CONFIG.sets + 8) + 16
    for distance in range(16):
        for number in numbers:
            kernel.slot(3, 8 + number, object_id=1, tag=5, badge=number, rights=SEND)
        queries = [model.query(model.handle(8 + number, 5), CapType.ENDPOINT, SEND) for number in numbers]
        for hart in harts:
            for query in queries:
                assert (await hart.ask_check(3, query)).verdict == Verdict.OK
        for number in numbers:
            kernel.slot(3, 8 + number, object_id=1, tag=5, badge=number, valid=0)
        for hart in harts:
            await hart.write("operand1", model.handle(8 + 2 * hart.number + 1, 0))
            await hart.write("operand2", 3)

        async def by_window(hart):
            await hart.write("command", WindowCommand.INVALIDATE_SLOT.value)
            await hart.idle()
        tasks = [cocotb.start_soon(by_window(hart)) for hart in harts]
        invalidates = [cocotb.start_soon(hart.one("cap.inv.slot", model.handle(8 + 2 * hart.number, 0), 3,
                                                  gap=distance * hart.number)) for hart in harts]
        for hart, task in zip(harts, invalidates, strict=True):
            done = await task
            assert done.data == 0 and done.taken - done.issued < bound, distance
            for other in harts:
                assert (await other.ask_check(3, queries[2 * hart.number])).verdict == Verdict.EMPTY, distance
        for task in tasks:
            await task
        for hart in harts:
            assert await hart.read("result") == 0
            for query in queries:
                assert (await hart.ask_check(3, query)).verdict == Verdict.EMPTY, distance


@cocotb.test()
async def each_hart_has_a_space_of_its_own(dut):
    """cap.space on one hart changes nothing on another."""
    harts = await started(dut)
    for hart in harts:
        assert (await hart.one("cap.space", 3 + hart.number)).data == 0
    for hart in harts:
        assert await hart.read("selected") == 3 + hart.number
        assert (await hart.one("cap.check", QUERY)).data == (
            model.answer(Verdict.OK, 0xa) if hart.number == 0 else model.answer(Verdict.BAD_HANDLE))


@cocotb.test()
async def wrong_lines_do_not_come_back(dut):
    """A bit of a line flips on one hart, so that an invalidate of another does not recognise it; it is thrown out all
    the same, and not there when the bit flips back."""
    harts = await started(dut)
    for origin, other in pairs(harts):
        # The lowest bits of what stands in a line: valid, then the space.
        for bit in (0, 1, 2):
            for kind in ("slot", "space", "object"):
                fill(harts)
                await origin.command(WindowCommand.INVALIDATE_ALL)
                assert await other.ask_check(3, QUERY) == OLD
                errors = await other.read("parity_errors")
                for way in range(CONFIG.ways):
                    await other.flip(3, 0, way, bit)
                empty(harts)
                assert (await forget(origin, kind, "port"))[0] == 0
                assert await other.read("parity_errors") == errors + CONFIG.ways
                for way in range(CONFIG.ways):
                    await other.flip(3, 0, way, bit)
                assert (await other.ask_check(3, QUERY)).verdict in (Verdict.EMPTY, Verdict.UNDECIDED)
                assert await other.ask_check(3, QUERY) == EMPTY
