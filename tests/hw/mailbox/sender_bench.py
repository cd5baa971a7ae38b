"""Directed tests of the senders' token buckets in the mailbox: whose rule a message is judged by, at every moment."""

import cocotb

from hw.abi import MailStatus
from hw.mailbox.registers import ControlPage, QueueWord, SenderWord, ThreadPage
from tests.hw.mailbox.driver import context_register, message, page_register, queue_register, sender_register, thread
from tests.hw.mailbox.mailbox_bench import BADGE_A, KERNEL, RECEIVER, SENDER, TO_A, A, stage

#: A rule that no message passes, and its opposite.
NOTHING_PASSES, ALL_PASS = 5, 0
#: Cycles that the unit takes, and the first delay of a store behind a doorbell that comes after the decision, as in
#: `rebind_kills_the_command`.
LATENCY, TOO_LATE = 12, 13


async def outcomes(bench, register, before, after, prepare=None):
    """What a page's message comes to when `register` changes from one value to the other, for each delay of that."""
    bus = bench.bus
    bench.unit.latency = (LATENCY, LATENCY)
    seen = []
    for delay in range(20):
        if prepare:
            await bus.write(*prepare)
        await bus.write(register, before)
        await bench.stage(1, message(delay))
        await bus.tick(100)
        await bus.write(thread(1, ThreadPage.SEND), TO_A)
        await bus.tick(delay)
        assert await bus.write(register, after)
        seen.append(await bench.status(1))
        assert await bus.read(queue_register(0, QueueWord.FILL)) == (seen[-1] == MailStatus.OK)
        await bus.write(ControlPage.WIPE, 0)
    return seen


def changes(first, then):
    return [first] * TOO_LATE + [then] * (20 - TOO_LATE)


@cocotb.test()
async def a_new_binding_counts_at_once(dut):
    """A bucket that is bound before the decision limits the message, in whatever cycle; one that is taken away does
    not."""
    bench = await stage(dut)
    register, bound = sender_register(2, SenderWord.BINDING), SENDER | 1 << 32
    await bench.bus.write(sender_register(2, SenderWord.RATE), NOTHING_PASSES)
    limited = MailStatus.RATE_LIMITED
    assert await outcomes(bench, register, 0, bound) == changes(limited, MailStatus.OK)
    assert await outcomes(bench, register, bound, 0) == changes(MailStatus.OK, limited)
    # One that belongs to another space: its owner changes, and nobody else's.
    assert await outcomes(bench, register, RECEIVER | 1 << 32, bound) == changes(limited, MailStatus.OK)
    assert await outcomes(bench, register, 0, RECEIVER | 1 << 32) == [MailStatus.OK] * 20


@cocotb.test()
async def a_new_rate_counts_at_once(dut):
    """So does a new rate, and it forgives what was owed by the old one."""
    bench = await stage(dut)
    register = sender_register(3, SenderWord.RATE)
    await bench.bus.write(sender_register(3, SenderWord.BINDING), SENDER | 1 << 32)
    limited = MailStatus.RATE_LIMITED
    assert await outcomes(bench, register, ALL_PASS, NOTHING_PASSES) == changes(limited, MailStatus.OK)
    assert await outcomes(bench, register, NOTHING_PASSES, ALL_PASS) == changes(MailStatus.OK, limited)
    # Owed for long: the same rate again forgives it.
    one = 1 << 20 | (1 << 20) << 32
    for delay in range(20):
        await bench.bus.write(register, one)
        for step in range(2):
            await bench.stage(1, message(step))
            await bench.bus.tick(100)
            await bench.bus.write(thread(1, ThreadPage.SEND), TO_A)
            if step:
                await bench.bus.tick(delay)
                await bench.bus.write(register, one)
            status = await bench.status(1)
            expected = MailStatus.OK if not step or delay < TOO_LATE else MailStatus.RATE_LIMITED
            assert status == expected, (delay, step)
        await bench.bus.write(ControlPage.WIPE, 0)


@cocotb.test()
async def the_lowest_bucket_of_a_space_counts(dut):
    """Whatever the order in which buckets, pages and contexts are bound."""
    bench = await stage(dut)
    last, period = bench.config.senders - 1, 1 << 20

    async def sends(*expected):
        await bench.write(ControlPage.WIPE, 0)
        for number, status in enumerate(expected):
            assert await bench.send(1, TO_A, message(number)) == status

    ok, limited = MailStatus.OK, MailStatus.RATE_LIMITED
    await bench.limit(last, SENDER, period, period)
    await sends(ok, limited)
    await bench.limit(1, SENDER, ALL_PASS, 0)
    await sends(ok, ok, ok)
    await bench.limit(2, SENDER, NOTHING_PASSES, 0)
    await sends(ok)
    await bench.limit(0, SENDER, period, period)
    await sends(ok, limited)
    await bench.limit(0, SENDER, period, period, enabled=False)
    await sends(ok, ok)
    await bench.limit(1, RECEIVER, ALL_PASS, 0)
    await sends(limited)
    await bench.limit(0, SENDER, period, period)
    # Owners that are bound after the buckets.
    await bench.bind_page(4, SENDER)
    await bench.bind_context(1, SENDER)
    bench.hart.context = 1
    program = [*((f"mail.put{pair}", 1, 2) for pair in range(4)), ("mail.send", TO_A)]
    assert (await bench.execute(*program))[0][-1] == MailStatus.OK.value
    assert await bench.send(4, TO_A, message(1)) == MailStatus.RATE_LIMITED
    assert await bench.send(1, TO_A, message(1)) == MailStatus.RATE_LIMITED
    # And those that leave it.
    await bench.write(page_register(4), KERNEL | 1 << 32)
    assert await bench.send(4, TO_A, message(1)) == MailStatus.OK
    await bench.write(context_register(1), KERNEL | 1 << 32)
    assert (await bench.execute(*program))[0][-1] == MailStatus.OK.value
    await bench.compare_all()


@cocotb.test()
async def a_flood_fills_its_queue_and_no_other(dut):
    """Attack: a sender that never stops fills one queue up to its depth, by page and by instructions. Others' queues
    and commands are served, the full one loses nothing, and a bucket ends it."""
    bench = await stage(dut)
    await bench.bind_context(0, SENDER)
    bench.hart.context = 0
    depth = bench.config.depth
    program = [*((f"mail.put{pair}", 7, 8) for pair in range(4)), ("mail.send", TO_A)]
    for number in range(depth):
        assert await bench.send(1, TO_A, message(number)) == MailStatus.OK
    flood = cocotb.start_soon(bench.hart.run(program * 40))
    served = 0
    while not flood.done():
        await bench.bus.write(thread(3, ThreadPage.SEND), TO_A)
        while await bench.bus.read(thread(3, ThreadPage.STATUS)) == MailStatus.BUSY.value:
            pass
        assert await bench.bus.read(thread(3, ThreadPage.STATUS)) == MailStatus.FULL.value
        served += 1
    done, _ = await flood
    assert {one.data for one in done if one.name == "mail.send"} == {MailStatus.FULL.value}
    assert served >= 10
    for number in range(depth):
        await bench.bus.write(thread(3, ThreadPage.RECEIVE), TO_A)
        assert await bench.status(3) == MailStatus.OK
        words = [await bench.bus.read(thread(3, ThreadPage.HEAD_MESSAGE, index)) for index in range(8)]
        assert words == message(number)
        assert await bench.bus.read(thread(3, ThreadPage.HEAD_BADGE)) == BADGE_A
        await bench.bus.write(thread(3, ThreadPage.POP), TO_A)
        assert await bench.status(3) == MailStatus.OK
    # With a bucket the flood does not even fill the queue.
    await bench.bus.write(sender_register(0, SenderWord.BINDING), SENDER | 1 << 32)
    await bench.bus.write(sender_register(0, SenderWord.RATE), 1 << 20 | (1 << 20) << 32)
    done, _ = await bench.hart.run(program * 10)
    sent = [one.data for one in done if one.name == "mail.send"]
    assert sent == [MailStatus.OK.value] + [MailStatus.RATE_LIMITED.value] * 9
    assert await bench.bus.read(queue_register(0, QueueWord.FILL)) == 1


@cocotb.test()
async def sends_to_a_dying_endpoint(dut):
    """Attack: a message whose endpoint loses its queue while it is checked is in no queue, in whatever cycle: neither
    in the one that was wiped nor in its next owner's."""
    bench = await stage(dut)
    bench.unit.latency = (LATENCY, LATENCY)
    other, seen = 0xdddd, []
    for delay in range(26):
        await bench.stage(1, message(delay))
        await bench.bus.write(thread(1, ThreadPage.SEND), TO_A)
        await bench.bus.tick(delay)
        await bench.bus.write(queue_register(0, QueueWord.BINDING), other | 1 << 32)
        seen.append(await bench.status(1))
        assert await bench.bus.read(queue_register(0, QueueWord.FILL)) == 0
        assert await bench.bus.read(ControlPage.PENDING) == 0
        await bench.bus.write(queue_register(0, QueueWord.BINDING), A | 1 << 32)
        assert await bench.bus.read(queue_register(0, QueueWord.FILL)) == 0
        await bench.bus.write(page_register(1), SENDER | 1 << 32)
    assert seen == [MailStatus.UNBOUND] * TOO_LATE + [MailStatus.OK] * (26 - TOO_LATE)
