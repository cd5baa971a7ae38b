"""Directed cocotb tests of the revocation engine."""

import random

import cocotb

from hw.abi import RevokeState, Verdict
from hw.capability import model
from hw.capability.revoke_model import Revocation, revoke, slot_place
from hw.capability.window import WindowCommand
from hw.core.port import Privilege
from tests.hw.capability.driver import Bench, op
from tests.hw.capability.trees import Forest, copy_of, visible

SETS = 8
#: Cycles that a lookup may wait for the end of a run: the sweep of the sets, and the cycles around it.
PAUSE = SETS + 4


async def planted(dut, *, spaces=4, pages=8, seed=7, faults=(), **more):
    """Bench with a forest: a parent with relatives, and a root below it; the unit is running."""
    bench = Bench(dut, spaces=spaces + 1, pages=pages, objects=8)
    forest = Forest(bench.kernel, random.Random(seed), spaces=spaces, **more)
    bench.kernel.object(1)
    parent = forest.add()
    forest.grow(parent, 5)
    root = forest.add(parent)
    forest.add(parent)
    await bench.start(faults=faults)
    return bench, forest, root


async def timed(bench, coroutine):
    """Result of a coroutine and the cycle in which it came."""
    return await coroutine, bench.cycle


def badge_asker(bench):
    """A check by one instruction, as an outcome; the object is the only one there is, as far as badges tell."""
    async def ask(space, query):
        answered = await bench.one("cap.badge", query, space)
        return model.Outcome(answered.verdict, int(answered.verdict == Verdict.OK), answered.value)
    return ask


async def agree(bench, forest, before, outcome, root, *, limit=None, dead=0, marks=True):
    """The run's outcome and what is in memory are the model's, from the memory of before."""
    expected = revoke(before, forest.tables, root, limit=limit, dead=dead)
    assert outcome == expected, (outcome, expected)
    assert visible(bench.memory, forest.tables, marks=marks) == visible(before, forest.tables, marks=marks)


@cocotb.test()
async def all_descendants_and_no_one_else(dut):
    """By instruction and by window: memory is the model's, and verdicts on every interface follow, though all of it was
    in the lookaside buffer."""
    bench, forest, root = await planted(dut)
    for by in ("port", "window"):
        count = await bench.read("revoked")
        below = forest.grow(root, 9)
        asked = {number: forest.query(number) for number in forest.places}
        for _ in range(2):
            for space, query in asked.values():
                assert (await bench.ask_check(space, query)).verdict == Verdict.OK
        before = copy_of(bench.memory)
        outcome = await bench.revoke(root, by=by)
        await agree(bench, forest, before, outcome, root)
        assert outcome.state == RevokeState.DONE and outcome.revoked == 9
        assert await bench.read("revoked") == count + 9
        for number, (space, query) in asked.items():
            expected = (model.Outcome(Verdict.BAD_HANDLE) if number in below else model.Outcome(Verdict.OK, 1, number))
            for ask in (bench.ask_port, bench.ask_window, bench.ask_check):
                assert await ask(space, query) == expected, (by, number)
            # Not by the new tag either.
            if number in below:
                assert (await bench.ask_check(*forest.query(number))).verdict == Verdict.EMPTY
        forest.collect(outcome.dead)
        await bench.write("dead", 0)


@cocotb.test()
async def cycles_per_node(dut):
    """What the engine adds to the time of the transfers, for each slot: wide, deep and mixed trees."""
    bench, forest, root = await planted(dut)
    for name, make in (("star", forest.star), ("chain", forest.chain), ("tree", forest.grow)):
        for count in (1, 40):
            make(root, count)
            held, start = bench.bus.held, bench.cycle
            await bench.begin(root)
            state = dut.revoker_cyc
            last = bench.cycle
            while bench.cycle < last + 60:
                await bench.cycles(1)
                last = bench.cycle if int(state.value) else last
            outcome = await bench.revoked()
            assert (outcome.state, outcome.revoked) == (RevokeState.DONE, count)
            held, total = bench.bus.held - held, last - start
            dut._log.info("%s of %d: %d cycles, %d of them with the bus; %.2f more for each slot", name, count, total,
                          held, (total - held) / count)
            if count > 1:
                assert (total - held) / count <= 8
            forest.collect(outcome.dead)
            await bench.write("dead", 0)


@cocotb.test()
async def hits_go_on(dut):
    """A stream of hits during a run: each verdict in the cycle after issue, but for one pause when the run settles."""
    bench, forest, root = await planted(dut)
    forest.grow(root, 30)
    bench.kernel.object(2)
    space, query = forest.query(forest.add(object_id=2))
    await bench.one("cap.space", space)
    await bench.one("cap.check", query)
    await bench.cycles(4)
    await bench.write("operand1", root)
    await bench.write("operand2", 0)
    stream = cocotb.start_soon(bench.run([op("cap.check", query, privilege=Privilege.USER) for _ in range(1000)]))
    await bench.cycles(20)
    await bench.write("command", WindowCommand.REVOKE.value)
    ops = await stream
    assert (await bench.revoked()).state == RevokeState.DONE
    waits = [each.offered - each.issued - 1 for each in ops]
    gaps = [later.issued - each.issued - 1 for each, later in zip(ops, ops[1:], strict=False)]
    dut._log.info("delayed hits: %s, longest pause %d cycles", [wait for wait in waits if wait], max(gaps))
    # Two instructions are on their way when the sweep begins.
    assert max(waits) <= PAUSE and sum(wait > 0 for wait in waits) <= 2 and sum(gaps) <= PAUSE
    assert {each.verdict for each in ops} == {Verdict.OK}
    assert await bench.read("revoked") == 30


@cocotb.test()
async def checks_race_with_the_run_in_every_alignment(dut):
    """A check that begins at each moment of a run, cached or not: OK or a refusal until the end is reported, only a
    refusal afterwards, and never an OK kept from before."""
    bench, forest, root = await planted(dut)
    seen = {}
    for cached in (False, True):
        for ask in (bench.ask_check, badge_asker(bench)):
            for delay in range(64):
                victim = forest.grow(root, 3)[2]
                space, query = forest.query(victim)
                await bench.command(WindowCommand.INVALIDATE_ALL)
                if cached:
                    assert (await ask(space, query)).verdict == Verdict.OK
                await bench.write("operand1", root)
                await bench.write("operand2", 0)
                await bench.write("command", WindowCommand.REVOKE.value)
                await bench.cycles(delay)
                asking = cocotb.start_soon(timed(bench, ask(space, query)))
                outcome = await bench.revoked()
                done = bench.cycle
                assert outcome.state == RevokeState.DONE
                answered, when = await asking
                assert answered.verdict in (Verdict.OK, Verdict.EMPTY, Verdict.BAD_HANDLE), answered
                assert when < done or answered.verdict != Verdict.OK, (cached, delay)
                seen[answered.verdict] = seen.get(answered.verdict, 0) + 1
                for each in (bench.ask_check, bench.ask_port):
                    assert (await each(space, query)).verdict == Verdict.BAD_HANDLE, (cached, delay)
                forest.collect(outcome.dead)
                await bench.write("dead", 0)
    dut._log.info("verdicts during runs: %s", {verdict.name: count for verdict, count in seen.items()})
    assert seen[Verdict.OK] > 20 and seen[Verdict.BAD_HANDLE] > 20


@cocotb.test()
async def the_first_read_of_the_end_is_behind_the_invalidate(dut):
    """Poll without a pause and check at once, by instructions: whoever sees DONE sees no descendant, and an OK that
    waited at the check port has been taken by then."""
    bench, forest, root = await planted(dut)
    for count in range(1, 9):
        below = forest.star(root, count)
        asked = [forest.query(number) for number in below]
        for space, query in asked:
            assert (await bench.ask_port(space, query)).verdict == Verdict.OK
        waiting = cocotb.start_soon(timed(bench, bench.ask_check(*asked[0], take_after=40 * count)))
        await bench.cycles(3)
        await bench.begin(root)
        while True:
            ops = await bench.run([op("cap.revoke", 0, 0), *(op("cap.badge", query, space) for space, query in asked)])
            if ops[0].data & 0xff != RevokeState.RUNNING.value:
                break
        assert ops[0].data & 0xff == RevokeState.DONE.value
        assert {each.verdict for each in ops[1:]} == {Verdict.BAD_HANDLE}
        outcome, when = await waiting
        assert outcome.verdict == Verdict.OK and when <= ops[0].taken, "an OK was taken behind the end"
        forest.collect(await bench.read("dead"))
        await bench.write("dead", 0)


@cocotb.test()
async def stopped_at_every_moment_and_started_again(dut):
    """Wherever a stop comes, the tree is whole, exactly the counted slots are gone, and another run kills the rest."""
    bench, forest, root = await planted(dut)
    stops = set()
    for wait in (0, 3):
        bench.bus.wait = (wait, wait)
        for delay in range(0, 150, 1 if wait == 0 else 7):
            forest.grow(root, 8)
            asked = {number: forest.query(number) for number in forest.below(root)}
            for space, query in asked.values():
                await bench.ask_check(space, query)
            before = copy_of(bench.memory)
            await bench.begin(root)
            await bench.cycles(delay)
            await bench.stop()
            outcome = await bench.revoked()
            stops.add(outcome.revoked)
            if outcome.state == RevokeState.STOPPED:
                await agree(bench, forest, before, outcome, root, limit=outcome.revoked, marks=False)
                left = forest.check_whole(root)
                assert len(left) == 8 - outcome.revoked
                # The mark is on the way down to where it stopped and nowhere else.
                marked = {number for number in (root, *left) if forest.read(number)["mark"]}
                assert all(forest.parents[number] in marked for number in marked - {root})
                for number, (space, query) in asked.items():
                    verdict = (await bench.ask_check(space, query)).verdict
                    assert verdict == (Verdict.OK if number in left else Verdict.BAD_HANDLE)
                before = copy_of(bench.memory)
                rest = await bench.revoke(root)
                await agree(bench, forest, before, rest, root, dead=outcome.dead)
                assert (rest.state, rest.revoked) == (RevokeState.DONE, 8 - outcome.revoked)
                outcome = rest
            assert outcome.state == RevokeState.DONE and forest.check_whole(root) == []
            forest.collect(outcome.dead)
            await bench.write("dead", 0)
    dut._log.info("stopped after %s slots", sorted(stops))
    assert stops == set(range(9))


@cocotb.test()
async def a_stop_is_heard_at_once(dut):
    """Within the time of one slot and the sweep, also in the window while a check is under way there."""
    bench, forest, root = await planted(dut)
    forest.chain(root, 60)
    await bench.begin(root)
    await bench.cycles(300)
    start = bench.cycle
    assert await bench.command(WindowCommand.REVOKE, 0, 1) & 0xff == RevokeState.RUNNING.value
    assert (await bench.revoked()).state == RevokeState.STOPPED
    assert bench.cycle - start < 60


@cocotb.test()
async def limits_count_exactly(dut):
    """A limit stops a run before another slot is emptied; the same as the model's, marks and all."""
    bench, forest, root = await planted(dut)
    for limit in (1, 2, 3, 5, 9, 10, 11):
        forest.grow(root, 10)
        dead, total = 0, 0
        while True:
            before = copy_of(bench.memory)
            outcome = await bench.revoke(root, limit, by="window")
            await agree(bench, forest, before, outcome, root, limit=limit, dead=dead)
            dead, total = outcome.dead, total + outcome.revoked
            if outcome.state == RevokeState.DONE:
                break
            assert outcome.state == RevokeState.STOPPED and outcome.revoked == limit
        assert total == 10
        forest.collect(dead)
        await bench.write("dead", 0)


@cocotb.test()
async def marks_come_before_descent(dut):
    """In the cycle in which a child is read, its parent has the mark already."""
    bench, forest, root = await planted(dut)
    forest.grow(root, 12)
    base = forest.tables.slot_base

    def look(address, store):
        number = (address - base) // 32
        parent = forest.parents.get(number)
        if not store and number != root and number in forest.places and forest.read(number)["valid"]:
            assert forest.read(parent)["mark"], (number, parent)
    bench.bus.on_transfer = look
    assert (await bench.revoke(root)).revoked == 12
    assert not forest.read(root)["mark"]


@cocotb.test()
async def refused_starts(dut):
    """Roots that are none, a second start during a run, an unknown number, the list of dead slots during a run."""
    bench, forest, root = await planted(dut)
    assert await bench.progress() == (RevokeState.IDLE, 0)
    assert (await bench.begin(0))["accepted"] == 0
    assert await bench.progress() == (RevokeState.IDLE, 0)
    empty = next(number for number in range(128, 256) if number not in forest.places)
    for wrong in (forest.tables.slot_count, (1 << 31) - 1, 1 << 31, root | 1 << 40, (1 << 64) - 1, empty):
        before = dict(bench.memory.words)
        outcome = await bench.revoke(wrong)
        assert outcome == Revocation(RevokeState.BAD_ROOT, 0, 0), hex(wrong)
        assert bench.memory.words == before
    below = forest.chain(root, 20)
    assert (await bench.begin(root))["accepted"] == 1
    for by in ("port", "window"):
        answer = await bench.begin(below[3], by=by)
        assert answer["accepted"] == 0 and answer["state"] == RevokeState.RUNNING.value
    await bench.write("dead", 77)
    outcome = await bench.revoked()
    assert (outcome.state, outcome.revoked) == (RevokeState.DONE, 20)
    assert sorted(forest.dead_list(outcome.dead)) == sorted(below)
    # Killed before the commit: nothing begins.
    forest.collect(outcome.dead)
    await bench.write("dead", 0)
    assert await bench.read("dead") == 0
    forest.add(root)
    for delay in (1, 2, 5):
        await bench.run([op("cap.revoke", root, 0, kill=True, commit_after=delay), op("cap.revoke", 0, 0)])
        await bench.cycles(60)
        assert len(forest.check_whole(root)) == 1


@cocotb.test()
async def malformed_trees_end_with_an_error(dut):
    """Cycles of every kind, links that contradict each other, links out of the table: the model's state, nothing
    outside is touched, and checks go on."""
    bench, forest, root = await planted(dut)
    outside = (forest.tables.slot_count, (1 << 31) - 1, 1 << 27)
    seen = set()
    for case in range(13 + len(outside) * 3):
        other, below = forest.add(forest.parents[root]), [forest.add(root), forest.add(root)]
        inner = below[1]
        below += forest.star(inner, 3)
        # In the middle of its siblings.
        leaf = below[3]
        changes = [
            (inner, dict(first_child=root)), (leaf, dict(first_child=inner)), (leaf, dict(first_child=leaf)),
            (leaf, dict(next=root)), (leaf, dict(next=leaf)), (leaf, dict(next=inner)),
            (root, dict(first_child=root)), (leaf, dict(parent=other)), (leaf, dict(parent=0)),
            (leaf, dict(valid=0)), (leaf, dict(previous=other)), (leaf, dict(next=other)),
            (leaf, dict(first_child=forest.parents[root])),
            *((leaf, {name: number}) for number in outside for name in ("next", "first_child")),
            *((root, dict(first_child=number)) for number in outside),
        ]
        number, change = changes[case]
        forest.write(number, **change)
        if case == 0:
            # The cycle whose links are all right.
            forest.write(root, parent=inner)
        asked = {each: forest.query(each) for each in (other, *below)}
        for space, query in asked.values():
            await bench.ask_check(space, query)
        before, words = copy_of(bench.memory), copy_of(bench.memory)
        dead = await bench.read("dead")
        outcome = await bench.revoke(root, by=("port", "window")[case % 2])
        seen.add(outcome.state)
        assert outcome.state in (RevokeState.BAD_TREE, RevokeState.OUTSIDE), (case, outcome)
        await agree(bench, forest, before, outcome, root, dead=dead)
        for each, (space, query) in asked.items():
            assert await bench.ask_check(space, query) == bench.kernel.check(space, query), (case, each)
        # The kernel clears up, and all is well again.
        bench.memory.words = words.words
        forest.write(number, **{name: 0 for name in change})
        for each in (*below, root):
            forest.write(each, first_child=0, mark=0)
        if case == 0:
            forest.write(root, parent=forest.parents[root])
        for each in reversed(below):
            for word in range(4):
                bench.memory.write(slot_place(forest.tables, each) + 8 * word, 0)
            forest.write(each, tag=1)
            forest._forget(each)
        await bench.write("dead", 0)
        await bench.command(WindowCommand.INVALIDATE_ALL)
        forest.grow(root, 3)
        outcome = await bench.revoke(root)
        assert outcome.state == RevokeState.DONE and outcome.revoked == 3, (case, outcome)
        forest.collect(outcome.dead)
        await bench.write("dead", 0)
    assert seen == {RevokeState.BAD_TREE, RevokeState.OUTSIDE}


@cocotb.test()
async def every_bus_error_ends_the_run(dut):
    """Each transfer of a run fails once: BUS_ERROR, nothing that was emptied passes, relatives are untouched."""
    bench, forest, root = await planted(dut)
    forest.chain(root, 2)
    forest.star(root, 2)
    await each_transfer(bench, forest, root, failure=True, state=RevokeState.BUS_ERROR)


@cocotb.test()
async def a_silent_bus_ends_the_run(dut):
    """Each transfer stays without an answer once: TIMEOUT; hits go on; a store that comes late is not remembered wrong;
    a new run begins when the bus is there again."""
    bench, forest, root = await planted(dut)
    forest.chain(root, 2)
    forest.star(root, 2)
    await each_transfer(bench, forest, root, failure="silent", state=RevokeState.TIMEOUT)


async def each_transfer(bench, forest, root, *, failure, state):
    """Let each transfer of a run fail once."""
    below = forest.below(root)
    relatives = set(forest.places) - {root, *below}
    start = dict(bench.memory.words)
    asked = {number: forest.query(number) for number in forest.places}
    which = 0
    while True:
        bench.memory.words = dict(start)
        await bench.write("dead", 0)
        await bench.command(WindowCommand.INVALIDATE_ALL)
        for space, query in asked.values():
            assert (await bench.ask_check(space, query)).verdict == Verdict.OK
        count = 0

        def fail(address, store, which=which):
            nonlocal count
            count += 1
            return failure if count == which + 1 else None
        bench.bus.on_transfer = fail
        outcome = await bench.revoke(root, by=("port", "window")[which % 2])
        if outcome.state == RevokeState.DONE:
            assert count <= which
            break
        assert outcome.state == state, (which, outcome)
        if failure == "silent":
            assert (await bench.begin(root))["accepted"] == 0, "the bus is still taken"
            # Checks go on, and the buffer remembers again who is still valid.
            for space, query in asked.values():
                assert await bench.ask_check(space, query) == bench.kernel.check(space, query)
            # The answer comes at last; if it is a store's, a slot may be empty only now.
            bench.bus.on_transfer, bench.bus.hung = None, False
            await bench.cycles(2 * PAUSE)
        for number in forest.places:
            space, query = asked[number]
            for ask in (bench.ask_check, bench.ask_port):
                assert await ask(space, query) == bench.kernel.check(space, query), (which, number)
        for number in relatives:
            assert bench.kernel.check(*asked[number]).verdict == Verdict.OK
        which += 1
    bench.dut._log.info("%d transfers for %d slots", which, outcome.revoked)
    assert which > 20


@cocotb.test()
async def an_unit_switched_off_ends_the_run(dut):
    """Switching off, or moving a table, ends a run at the next slot."""
    bench, forest, root = await planted(dut)
    forest.chain(root, 40)
    await bench.begin(root)
    await bench.cycles(100)
    await bench.write("control", 0)
    assert (await bench.revoked()).state == RevokeState.DISABLED
    assert (await bench.revoke(root)).state == RevokeState.DISABLED
    await bench.write("control", 1)
    await bench.idle()
    await bench.write("slot_count", root)
    await bench.idle()
    assert (await bench.revoke(root)).state == RevokeState.BAD_ROOT


@cocotb.test()
async def off_and_on_within_a_transfer_ends_the_run(dut):
    """A run does not go on with tables that moved, or a unit that was off, while it waited for memory."""
    bench, forest, root = await planted(dut)
    forest.chain(root, 40)
    for changes in ({"control": 0}, {"slot_count": forest.tables.slot_count}):
        bench.bus.wait = 100, 100
        await bench.begin(root)
        await bench.cycles(20)
        for name, value in changes.items():
            await bench.write(name, value)
        await bench.write("control", 1)
        await bench.idle()
        assert int(dut.revoker_cyc.value), "the transfer lasts longer than that"
        bench.bus.wait = 0, 0
        assert (await bench.revoked()).state == RevokeState.DISABLED
    assert (await bench.revoke(root)).state == RevokeState.DONE


@cocotb.test()
async def descendants_of_other_objects(dut):
    """A tree whose capabilities name different objects is not what the kernel makes; none of them passes either."""
    bench, forest, root = await planted(dut)
    bench.kernel.object(2)
    strange = forest.add(root, object_id=2)
    forest.add(strange)
    asked = {number: forest.query(number) for number in forest.below(root)}
    for space, query in asked.values():
        assert (await bench.ask_port(space, query)).verdict == Verdict.OK
    assert (await bench.revoke(root)).revoked == 2
    for space, query in asked.values():
        assert (await bench.ask_port(space, query)).verdict == Verdict.BAD_HANDLE


@cocotb.test()
async def walks_get_the_bus(dut):
    """During a run a miss takes little longer than without: the engine steps back between slots."""
    bench, forest, root = await planted(dut)
    other = next(number for number in forest.places if number != root)
    space, query = forest.query(other)

    async def miss():
        await bench.one("cap.inv.slot", query & 0xffff_ffff, space)
        start = bench.cycle
        assert (await bench.ask_check(space, query)).verdict == Verdict.OK
        return bench.cycle - start
    alone = await miss()
    forest.chain(root, 60)
    await bench.begin(root)
    waits = [await miss() for _ in range(12)]
    assert (await bench.progress())[0] == RevokeState.RUNNING
    dut._log.info("a miss: %d cycles alone, at most %d during a run, transfers of the engine: %d", alone, max(waits),
                  len(bench.bus.transfers))
    assert max(waits) <= alone + 1
    assert (await bench.revoked()).revoked == 60


@cocotb.test()
async def user_mode_cannot_revoke(dut):
    """The instruction is illegal there, whatever its operands."""
    bench, forest, root = await planted(dut)
    forest.add(root)
    for operands in ((root, 0), (0, 0), (0, 1)):
        assert not (await bench.one("cap.revoke", *operands, privilege=Privilege.USER)).accepted
    await bench.cycles(60)
    assert len(forest.check_whole(root)) == 1
    assert await bench.progress() == (RevokeState.IDLE, 0)
