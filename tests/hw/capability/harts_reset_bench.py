"""Cocotb tests of capability units of several harts of which one is in reset, or does not forget in time."""

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge

from hw.abi import CapType, RevokeState, Verdict
from hw.capability import model
from hw.capability.check import CheckRequest, CheckResponse
from hw.capability.window import WindowCommand
from tests.hw.capability.driver import encode
from tests.hw.capability.harts_bench import EMPTY, OLD, QUERY, SEND, empty, fill, forget, pairs, started, timed
from tests.hw.capability.harts_driver import CONFIG, component
from tests.hw.capability.trees import Forest

__all__ = ["component"]

FAILED = model.answer(Verdict.UNDECIDED)
LIMIT = CONFIG.max_broadcast_cycles
OTHER_QUERY = model.query(model.handle(1, 5), CapType.ENDPOINT, SEND)


@cocotb.test()
async def a_unit_in_reset_has_not_forgotten(dut):
    """While a unit is in reset no invalidate is done: it fails in time, says so by both interfaces, and the window says
    whose fault it is. Others go on, and the unit is clean when it comes back."""
    harts = await started(dut)
    for origin, other in pairs(harts):
        fill(harts)
        for hart in harts:
            assert await hart.ask_check(3, QUERY) == OLD
        harts.hold_in_reset(other)
        await harts.cycles(2)
        unanswered = await origin.read("unanswered")
        empty(harts)
        for number, by in enumerate(("port", "window")):
            begin = origin.cycle
            result, done = await forget(origin, "slot", by)
            assert result == FAILED, by
            assert LIMIT <= done - begin < LIMIT + 60
            assert await origin.read("unanswered") == unanswered + number + 1
        assert await origin.read("harts") == origin.number | CONFIG.harts << 8 | 1 << 16 + other.number
        # Nothing is said of the slot that is not so, and the unit itself says nothing.
        for hart in harts:
            if hart is not other:
                assert await hart.ask_check(3, QUERY) == EMPTY
        assert not int(other.dut.port_issue_ready.value)
        assert not int(other.dut.check_request_ready.value)
        try:
            await other.read("status")
        except model.BusError:
            pass
        else:
            raise AssertionError("a unit in reset has registers")
        harts.hold_in_reset()
        await harts.cycles(4 * CONFIG.sets)
        assert await origin.read("harts") >> 16 == 0
        assert await other.ask_port(3, QUERY) == model.Outcome(Verdict.UNDECIDED)
        await other.configure()
        assert await other.ask_port(3, QUERY) == EMPTY
        assert (await forget(origin, "slot", "port"))[0] == 0


@cocotb.test()
async def reset_at_every_moment_of_a_broadcast(dut):
    """A reset of another hart at each moment around an invalidate, for one cycle and for longer: no acknowledge while
    it lasts nor before the unit has cleared and forgotten, and no invalidate is lost or fails."""
    harts = await started(dut)
    clears = 0
    for origin, other in pairs(harts):
        for length in (1, 30):
            for delay in range(24):
                fill(harts)
                for hart in harts:
                    assert await hart.ask_check(3, QUERY) == OLD
                empty(harts)

                async def reset(delay=delay, length=length, other=other):
                    await harts.cycles(delay)
                    harts.hold_in_reset(other)
                    await harts.cycles(length)
                    end = other.cycle
                    harts.hold_in_reset()
                    return delay, end
                (_, end), (result, done) = await harts.together(reset(), forget(origin, "object", "port"))
                assert result == 0, (length, delay)
                # Either it was over before the reset (and the core had two cycles to see it), or it waited for the unit
                # to come back.
                clears += done > end + CONFIG.sets
                assert done <= end - length + 2 or done > end + CONFIG.sets, (length, delay)
                for hart in harts:
                    if hart is not other:
                        assert await hart.ask_check(3, QUERY) == EMPTY
                await harts.cycles(2 * CONFIG.sets)
                await other.configure()
                assert await other.ask_check(3, QUERY) == EMPTY, (length, delay)
    assert clears > 30


@cocotb.test()
async def walks_end_before_a_reset(dut):
    """A reset in the middle of a walk leaves no transfer cut off on the bus that all share."""
    harts = await started(dut)
    for origin, other in pairs(harts):
        for wait in (0, 3):
            harts.bus.wait = (wait, wait)
            for delay in range(30):
                fill(harts)
                await origin.command(WindowCommand.INVALIDATE_ALL)
                other.dut.check_request_payload.value = model.pack(CheckRequest, query=QUERY, space=3)
                other.dut.check_request_valid.value = 1
                await harts.cycles(1)
                other.dut.check_request_valid.value = 0
                asking = cocotb.start_soon(origin.ask_check(4, OTHER_QUERY))
                await harts.cycles(delay)
                harts.hold_in_reset(other)
                await harts.cycles(1)
                harts.hold_in_reset()
                # What was on the bus is not answered to somebody else.
                assert (await asking) == model.Outcome(Verdict.OK, 2, 0xb), (wait, delay)
                await harts.cycles(4 * CONFIG.sets + 40)
                await other.configure()


@cocotb.test()
async def each_question_has_one_answer(dut):
    """A reset at each moment of a question of the check port, with an answer that is taken at once and with one that
    lies there: whoever asks hears the old answer or UNDECIDED, once, and the next question is answered as ever."""
    harts = await started(dut)
    undecided = model.Outcome(Verdict.UNDECIDED)
    for origin, other in pairs(harts):
        heard = []
        for length in (1, 20):
            for take_after in (0, 90):
                for delay in range(34):
                    await origin.command(WindowCommand.INVALIDATE_ALL)
                    asking = cocotb.start_soon(ask_across_a_reset(other, take_after))
                    await harts.cycles(delay)
                    harts.hold_in_reset(other)
                    await harts.cycles(length)
                    harts.hold_in_reset()
                    outcome = await asking
                    assert outcome == undecided or (outcome == OLD and not take_after), (length, delay, outcome)
                    heard.append(outcome)
                    await harts.cycles(4 * CONFIG.sets)
                    await other.configure()
                    assert await other.ask_check(3, QUERY) == OLD, (length, take_after, delay)
        assert heard.count(OLD) > 5 and heard.count(undecided) > 90


async def ask_across_a_reset(hart, take_after):
    """A question whose answer is taken so many cycles after it was asked, if it is there; it may change until then."""
    dut, check = hart.dut, hart.deadline()
    dut.check_request_payload.value = model.pack(CheckRequest, query=QUERY, space=3)
    dut.check_request_valid.value, dut.check_response_ready.value = 1, int(take_after == 0)
    taken, offered, begin = False, False, hart.cycle
    while True:
        check()
        await FallingEdge(dut.clk)
        ready, valid = (int(signal.value) for signal in (dut.check_request_ready, dut.check_response_valid))
        payload = int(dut.check_response_payload.value)
        assert taken or not valid, "an answer without a question"
        assert valid or not offered, "an answer was withdrawn"
        assert not (taken and valid and ready), "another question would be taken before the answer is"
        offered = valid and not int(dut.check_response_ready.value)
        done = valid and not offered
        taken = taken or bool(ready)
        await RisingEdge(dut.clk)
        if done:
            break
        dut.check_request_valid.value = int(not taken)
        dut.check_response_ready.value = int(hart.cycle - begin >= take_after)
    fields = model.unpack(CheckResponse, payload)
    return model.Outcome(Verdict(fields["verdict"]), fields["object_id"], fields["badge"])


@cocotb.test()
async def a_short_reset_outlives_a_long_transfer(dut):
    """The reset of a hart is over before its unit's transfer on a slow bus is: whatever the hart asks for from then on
    waits, and is not answered with what was asked before; nor are its registers written to no effect."""
    harts = await started(dut)
    for _, other in pairs(harts):
        for delay in (2, 5, 9):
            await other.command(WindowCommand.INVALIDATE_ALL)
            harts.bus.wait = (60, 60)
            dut = other.dut
            dut.port_issue_insn.value = encode("cap.object")
            dut.port_issue_rs1.value, dut.port_issue_rs2.value = QUERY, 3
            dut.port_issue_privilege.value = 1
            dut.port_issue_valid.value = 1
            await harts.cycles(1)
            dut.port_issue_valid.value, dut.port_commit_valid.value = 0, 1
            await harts.cycles(1)
            dut.port_commit_valid.value = 0
            await harts.cycles(delay + 3)
            assert int(dut.memory_cyc.value)
            harts.hold_in_reset(other)
            await harts.cycles(1)
            harts.hold_in_reset()
            begin = other.cycle
            await harts.cycles(5)
            try:
                await other.write("control", 1)
            except model.BusError:
                pass
            else:
                raise AssertionError("a unit that will be in reset takes a store")
            # It is configured by nobody now: the old question would be answered OK.
            again = await other.one("cap.object", QUERY, 3)
            assert again.verdict == Verdict.UNDECIDED, delay
            assert again.issued - begin > 40, "it waits for the end of the transfer"
            harts.bus.wait = (0, 0)
            await other.configure()
            assert await other.ask_port(3, QUERY) == OLD


@cocotb.test()
async def a_unit_that_does_not_forget_says_nothing(dut):
    """Who asks the check port of one hart does not take the answer: invalidates of others fail in time, the unit looks
    nothing up, and once the answer is taken everything that it missed is forgotten."""
    harts = await started(dut)
    kernel = harts.kernel
    queries = [model.query(model.handle(8 + number, 5), CapType.ENDPOINT, SEND) for number in range(3)]
    for origin, other in pairs(harts):
        fill(harts)
        for number in range(3):
            kernel.slot(3, 8 + number, object_id=1, tag=5, badge=number, rights=SEND)
        for query in (QUERY, *queries):
            assert (await other.ask_port(3, query)).verdict == Verdict.OK
        other.dut.check_response_ready.value = 0
        waiting = cocotb.start_soon(timed(other, other.ask_check(3, QUERY, take_after=3 * LIMIT + 400)))
        await harts.cycles(10)
        for number in range(2):
            kernel.slot(3, 8 + number, object_id=1, tag=5, badge=number, valid=0)
            failed = await origin.one("cap.inv.slot", model.handle(8 + number, 0), 3)
            assert failed.data == FAILED
            assert (await origin.ask_check(3, queries[number])).verdict == Verdict.EMPTY
        # It does not say OK to what it still has, nor anything else.
        asking = cocotb.start_soon(timed(other, other.ask_port(3, queries[0])))
        kernel.slot(3, 10, object_id=1, tag=5, badge=2, valid=0)
        assert (await origin.command(WindowCommand.INVALIDATE_SLOT, model.handle(10, 0), 3)) == FAILED
        assert not asking.done()
        outcome, taken = await waiting
        assert outcome == OLD
        answered, when = await asking
        assert answered.verdict == Verdict.EMPTY and when > taken
        for query in queries:
            assert (await other.ask_port(3, query)).verdict == Verdict.EMPTY
        assert await origin.read("harts") >> 16 == 0
        assert (await origin.one("cap.inv.slot", model.handle(10, 0), 3)).data == 0


@cocotb.test()
async def a_reset_origin_hears_nothing_of_what_it_asked(dut):
    """A hart is reset while its invalidate is under way, at each moment: the others forget all the same, and the
    acknowledge does not pass for that of what it asks next."""
    harts = await started(dut)
    for origin, other in pairs(harts):
        for delay in range(20):
            fill(harts)
            assert await other.ask_check(3, QUERY) == OLD
            assert (await other.ask_port(4, OTHER_QUERY)).verdict == Verdict.OK
            other.dut.check_response_ready.value = 0
            holding = cocotb.start_soon(other.ask_check(4, OTHER_QUERY, take_after=100))
            await harts.cycles(4)
            empty(harts)
            origin.dut.port_issue_insn.value = encode("cap.inv.slot")
            origin.dut.port_issue_rs1.value, origin.dut.port_issue_rs2.value = model.handle(0, 0), 3
            origin.dut.port_issue_privilege.value = 1
            origin.dut.port_issue_valid.value = 1
            await harts.cycles(1)
            origin.dut.port_issue_valid.value = 0
            origin.dut.port_commit_valid.value = 1
            await harts.cycles(1)
            origin.dut.port_commit_valid.value = 0
            await harts.cycles(delay)
            harts.hold_in_reset(origin)
            await harts.cycles(1)
            harts.hold_in_reset()
            # This one waits as long as the answer at the other's check port lies there.
            again = cocotb.start_soon(timed(origin, origin.one("cap.inv.space", 0, 4)))
            await holding
            taken = other.cycle
            done, when = await again
            assert done.data == 0 and when > taken + CONFIG.sets, delay
            await origin.configure()
            await forget(other, "all", "window")


@cocotb.test()
async def a_revocation_that_a_unit_does_not_hear_of_is_no_success(dut):
    """The engine empties the slots, but a unit does not forget them in time: TIMEOUT, whoever began."""
    harts = await started(dut)
    harts.kernel.object(1)
    forest = Forest(harts.kernel, harts.random, spaces=2)
    root = forest.add()
    for by in ("port", "window"):
        for origin, other in pairs(harts):
            below = forest.grow(root, 5)
            space, query = forest.query(below[-1])
            assert (await other.ask_check(space, query)).verdict == Verdict.OK
            other.dut.check_response_ready.value = 0
            waiting = cocotb.start_soon(other.ask_check(3, QUERY, take_after=LIMIT + 400))
            await harts.cycles(20)
            outcome = await origin.revoke(root, by=by)
            assert (outcome.state, outcome.revoked) == (RevokeState.TIMEOUT, 5), outcome
            assert (await other.progress())[0] == RevokeState.TIMEOUT
            assert await origin.read("unanswered")
            await waiting
            assert (await other.ask_check(space, query)).verdict == Verdict.BAD_HANDLE
            forest.collect(outcome.dead)
            await origin.write("dead", 0)
            outcome = await origin.revoke(root, by=by)
            assert outcome.state == RevokeState.DONE
