"""Directed cocotb tests of revocation with several harts: one engine for all, and from its end no descendant passes on
any of them."""

import cocotb

from hw.abi import CapType, RevokeAnswer, RevokeState, Rights, Verdict
from hw.capability import model
from hw.capability.window import WindowCommand
from tests.hw.capability.driver import op
from tests.hw.capability.harts_bench import pairs, timed
from tests.hw.capability.harts_driver import CONFIG, Harts, component
from tests.hw.capability.trees import Forest

__all__ = ["component"]

REFUSED = (Verdict.OK, Verdict.EMPTY, Verdict.BAD_HANDLE)


async def planted(dut):
    """The system, a forest, and a root with two relatives."""
    harts = Harts(dut)
    harts.kernel.object(1)
    harts.kernel.object(2)
    forest = Forest(harts.kernel, harts.random)
    top = forest.add()
    forest.add(top)
    root = forest.add(top)
    await harts.start()
    return harts, forest, root


async def reclaim(hart, forest, outcome):
    """Take the dead slots back as the kernel does, from whichever hart."""
    forest.collect(outcome.dead)
    await hart.write("dead", 0)


def verdicts(hart):
    """Ways to get a verdict at a certain moment, by instruction and by the check port."""
    async def by_instruction(space, query):
        return (await hart.one("cap.badge", query, space)).verdict

    async def by_check(space, query):
        return (await hart.ask_check(space, query)).verdict
    return by_instruction, by_check


@cocotb.test()
async def no_descendant_passes_on_any_hart(dut):
    """A run from each hart by each interface: all harts see it and its end, no descendant passes on any of them, and
    root and siblings do on all."""
    harts, forest, root = await planted(dut)
    for by in ("port", "window"):
        for origin in harts:
            below = forest.grow(root, 9)
            asked = {number: forest.query(number) for number in forest.places}
            for hart in harts:
                for space, query in asked.values():
                    assert (await hart.ask_check(space, query)).verdict == Verdict.OK
            counts = [await hart.read("revoked") for hart in harts]
            outcome = await origin.revoke(root, by=by)
            assert (outcome.state, outcome.revoked) == (RevokeState.DONE, 9)
            for hart, count in zip(harts, counts, strict=True):
                assert await hart.progress() == (RevokeState.DONE, 9)
                assert await hart.read("dead") == outcome.dead
                assert await hart.read("revoked") == count + (9 if hart is origin else 0)
                for number, (space, query) in asked.items():
                    expected = (model.Outcome(Verdict.BAD_HANDLE) if number in below
                                else model.Outcome(Verdict.OK, 1, number))
                    for ask in (hart.ask_port, hart.ask_window, hart.ask_check):
                        assert await ask(space, query) == expected, (by, origin.number, hart.number, number)
            # Any hart takes them back.
            await reclaim(next(hart for hart in harts if hart is not origin), forest, outcome)


@cocotb.test()
async def checks_of_another_hart_race_with_the_run_in_every_alignment(dut):
    """A check on one hart begins at each moment of a run of another, cached or not, by each interface: OK or a refusal
    until the end is reported, only a refusal afterwards."""
    harts, forest, root = await planted(dut)
    seen = {}
    for part, by in enumerate(("port", "window")):
        for origin, other in pairs(harts, part):
            for ask in verdicts(other):
                for cached in (False, True):
                    for delay in range(64 if by == "port" else 76):
                        victim = forest.grow(root, 2)[1]
                        space, query = forest.query(victim)
                        await origin.command(WindowCommand.INVALIDATE_ALL)
                        if cached:
                            assert await ask(space, query) == Verdict.OK
                            await harts.cycles(4)

                        async def check(ask=ask, space=space, query=query, delay=delay, other=other):
                            await harts.cycles(delay)
                            return await timed(other, ask(space, query))

                        async def run(by=by, origin=origin):
                            await origin.begin(root, by=by)
                            while (await poll(origin, by)) == RevokeState.RUNNING:
                                pass
                            return origin.cycle
                        done, (verdict, when) = await harts.together(run(), check())
                        assert verdict in REFUSED
                        assert when <= done or verdict != Verdict.OK, (by, cached, delay)
                        seen[verdict] = seen.get(verdict, 0) + 1
                        for each in verdicts(other):
                            assert await each(space, query) == Verdict.BAD_HANDLE, (by, cached, delay)
                        await reclaim(origin, forest, await origin.revoked())
    dut._log.info("verdicts during runs: %s", {verdict.name: count for verdict, count in seen.items()})
    assert seen[Verdict.OK] > 20 and seen[Verdict.BAD_HANDLE] > 20


async def poll(hart, by):
    """State of the engine, by an instruction or by the window."""
    if by == "port":
        return RevokeState(model.unpack(RevokeAnswer, (await hart.one("cap.revoke", 0, 0)).data)["state"])
    return (await hart.progress())[0]


@cocotb.test()
async def all_harts_revoke_at_once(dut):
    """Two harts start runs at every distance, by instruction and by window: one begins and the other is refused and
    told that a run is under way, or begins behind its end. Nobody waits for ever, and what both wanted is gone."""
    harts, forest, root = await planted(dut)
    roots = [root, forest.add(object_id=2)]
    refused = accepted = 0
    for part, by in enumerate(("port", "window")):
        for one, other in pairs(harts, part):
            for distance in range(0, 80, 1 if by == "port" else 3):
                below = [forest.grow(roots[0], 3), star_of(forest, roots[1], 2)]
                asked = [forest.query(number) for number in (*below[0], *below[1])]
                for hart in harts:
                    for space, query in asked:
                        assert (await hart.ask_check(space, query)).verdict == Verdict.OK

                async def start(hart, mine, wait, by=by):
                    await harts.cycles(wait)
                    return await hart.begin(mine, by=by)
                answers = await harts.together(start(one, roots[0], 0), start(other, roots[1], distance))
                assert answers[0]["accepted"] == 1
                for answer in answers:
                    assert answer["state"] == RevokeState.RUNNING.value, (by, distance, answers)
                outcome = await one.revoked()
                assert outcome.state == RevokeState.DONE
                assert outcome == await other.revoked()
                if answers[1]["accepted"]:
                    accepted += 1
                else:
                    refused += 1
                    outcome = await other.revoke(roots[1], by=by)
                    assert (outcome.state, outcome.revoked) == (RevokeState.DONE, 2)
                for hart in harts:
                    for space, query in asked:
                        assert (await hart.ask_check(space, query)).verdict == Verdict.BAD_HANDLE, (by, distance)
                await reclaim(one, forest, outcome)
    assert refused > 40 and accepted, (refused, accepted)


def star_of(forest, root, count):
    """Children of another object."""
    return [forest.add(root, object_id=2) for _ in range(count)]


@cocotb.test()
async def in_the_very_same_cycle_one_run_begins(dut):
    """Both instructions reach the engine in one cycle: the one of the first hart begins, the other knows of the run."""
    harts, forest, root = await planted(dut)
    second = forest.add(object_id=2)
    forest.grow(root, 3)
    first_ops, second_ops = [op("cap.revoke", root, 0)], [op("cap.revoke", second, 0)]
    await harts.together(harts.harts[0].run(first_ops), harts.harts[1].run(second_ops))
    assert first_ops[0].issued == second_ops[0].issued and first_ops[0].taken == second_ops[0].taken
    answers = [model.unpack(RevokeAnswer, each.data) for each in (*first_ops, *second_ops)]
    assert [each["accepted"] for each in answers] == [1, 0]
    assert [each["state"] for each in answers] == [RevokeState.RUNNING.value] * 2
    assert (await harts.harts[1].revoked()).revoked == 3


@cocotb.test()
async def moved_and_derived_during_a_run_of_another_hart(dut):
    """While one hart revokes, another moves a capability of another tree and derives from it, at every moment of the
    run: the old place is refused on all harts from the acknowledge on, the new ones are OK, and of what was revoked
    nothing is. From a slot with the mark, or from a dead one, nothing can be derived."""
    harts, forest, root = await planted(dut)
    kernel = harts.kernel
    kernel.space(9)
    for part, by in enumerate(("port", "window")):
        for origin, other in pairs(harts, part):
            for delay in range(0, 72, 1 if by == "port" else 3):
                below = forest.grow(root, 3)
                asked = [forest.query(number) for number in below]
                common = {"cap_type": CapType.ENDPOINT, "object_id": 2, "rights": Rights.SEND}
                kernel.slot(9, 0, tag=5, badge=7, **common)
                old, new = (model.query(model.handle(index, 5), CapType.ENDPOINT, Rights.SEND) for index in (0, 1))
                for hart in harts:
                    for space, query in (*asked, (9, old)):
                        assert (await hart.ask_check(space, query)).verdict == Verdict.OK

                async def move(other=other, delay=delay, common=common, old=old, new=new, below=below):
                    await harts.cycles(delay)
                    # What the kernel asks before it derives: the lock, or here what it would find without.
                    for number in below:
                        slot = forest.read(number)
                        assert slot["valid"] or slot["mark"] or (await poll(other, "port")) != RevokeState.RUNNING
                    kernel.slot(9, 1, tag=5, badge=7, **common)
                    kernel.slot(9, 0, tag=5, badge=7, valid=0, **common)
                    done = await other.one("cap.inv.slot", model.handle(0, 0), 9)
                    assert done.data == 0
                    kernel.slot(9, 2, tag=5, badge=8, **common)
                    for hart in harts:
                        assert (await hart.ask_check(9, old)).verdict == Verdict.EMPTY
                        assert (await hart.ask_check(9, new)) == model.Outcome(Verdict.OK, 2, 7)
                outcome, _ = await harts.together(origin.revoke(root, by=by), move())
                assert (outcome.state, outcome.revoked) == (RevokeState.DONE, 3)
                for hart in harts:
                    for space, query in asked:
                        assert (await hart.ask_port(space, query)).verdict == Verdict.BAD_HANDLE, (by, delay)
                    assert (await hart.ask_port(9, new)).verdict == Verdict.OK
                    child = model.query(model.handle(2, 5), CapType.ENDPOINT, Rights.SEND)
                    assert (await hart.ask_port(9, child)) == model.Outcome(Verdict.OK, 2, 8)
                for index in (1, 2):
                    kernel.slot(9, index, tag=5, valid=0, **common)
                    await other.command(WindowCommand.INVALIDATE_SLOT, model.handle(index, 0), 9)
                await reclaim(other, forest, outcome)


@cocotb.test()
async def runs_use_the_tables_of_whose_hart_began(dut):
    """A hart whose unit is off begins nothing that goes on; one that is switched off during its run stops it, one whose
    hart did not begin it does not."""
    harts, forest, root = await planted(dut)
    for origin, other in pairs(harts):
        forest.grow(root, 6)
        await other.write("control", 0)
        await other.begin(root)
        assert (await origin.revoked()).state == RevokeState.DISABLED
        await origin.begin(root)
        await other.write("control", 1)
        outcome = await origin.revoked()
        assert (outcome.state, outcome.revoked) == (RevokeState.DONE, 6)
        await other.idle()
        await reclaim(origin, forest, outcome)


@cocotb.test()
async def a_stop_from_another_hart_is_heard(dut):
    """Any hart stops the run, and another goes on with it."""
    harts, forest, root = await planted(dut)
    for origin, other in pairs(harts):
        forest.star(root, 12)
        await origin.begin(root)
        await harts.cycles(40)
        await other.stop()
        outcome = await other.revoked()
        assert outcome.state == RevokeState.STOPPED and 0 < outcome.revoked < 12
        rest = await other.revoke(root)
        assert rest.state == RevokeState.DONE and outcome.revoked + rest.revoked == 12
        await reclaim(other, forest, rest)


@cocotb.test()
async def invalidates_and_checks_go_on_during_runs(dut):
    """All harts invalidate and check without a pause while one revokes: nobody waits longer than everybody's turn."""
    harts, forest, root = await planted(dut)
    for origin in harts:
        below = forest.grow(root, 12)
        space, query = forest.query(below[0])
        bound = (2 * CONFIG.harts + 1) * (CONFIG.sets + 8) + 200
        running = cocotb.start_soon(origin.revoke(root, by="window"))

        async def keep_on(hart, running=running, space=space, query=query, bound=bound):
            longest = 0
            while not running.done():
                ops = await hart.run([op("cap.inv.space", 0, 3), op("cap.badge", query, space),
                                      op("cap.inv.object", 5)])
                assert [each.data for each in (ops[0], ops[2])] == [0, 0]
                # Of many harts the invalidates by object use up a walk's time here, as each makes it begin again.
                assert ops[1].verdict in REFUSED or (CONFIG.harts > 2 and ops[1].verdict == Verdict.UNDECIDED)
                longest = max(longest, *(each.taken - each.committed for each in ops))
            assert longest < bound
            return longest
        waits = await harts.together(*(keep_on(hart) for hart in harts))
        outcome = await running
        assert (outcome.state, outcome.revoked) == (RevokeState.DONE, 12)
        dut._log.info("longest waits of the harts: %s cycles, of a run by hart %d", waits, origin.number)
        await reclaim(origin, forest, outcome)
