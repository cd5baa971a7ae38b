"""Reset of one hart of two at a mailbox: nothing of that hart stays, and the other one and the queues go on."""

import cocotb

from hw.mailbox.registers import QueueWord
from tests.hw.mailbox.driver import context_register, message, queue_register
from tests.hw.mailbox.hart_record import AT_A, AT_B, GETS_, NO_MESSAGE, SPACES, Record, badge, begin
from tests.hw.mailbox.instruction_bench import LOST, OK, RETRY, puts, receiving, sending

#: What the other hart does meanwhile.
OTHERS = {"sends": sending(message(50), AT_A), "sends elsewhere": sending(message(51), AT_B),
          "receives": receiving(AT_A), "waits": []}


async def bind(record, hart):
    """The kernel binds the contexts of a hart again."""
    for context, space in enumerate(SPACES[hart]):
        await record.store(context_register(2 * hart + context), space | 1 << 32)


async def drain(record, hart):
    """Receive all that there is; how many of each queue."""
    counts = []
    for handle in (AT_A, AT_B):
        counts.append(0)
        while (await record.run(hart, receiving(handle)))[0][0] == OK:
            counts[-1] += 1
    return counts


async def is_as_new(bench, record, hart):
    """A hart after its reset: bound to nothing, with nothing staged and nothing open, until the kernel binds it."""
    for number in range(4):
        bound = SPACES[number // 2][number % 2] | 1 << 32
        assert await bench.bus.read(context_register(number)) == (0 if number // 2 == hart else bound)
    done, _ = await record.run(hart, [*GETS_, ("mail.pop",)])
    assert done == [0] * 8 + [LOST]
    await bind(record, hart)
    await bench.bus.tick(20)
    assert (await record.run(hart, [("mail.send", AT_A)]))[0] == [RETRY]
    done, _ = await record.run(hart, [*sending(message(70), AT_B), *receiving(AT_B)])
    assert done[4] == OK


async def in_every_cycle(dut, program, moments, *, level=0, latencies=(1,)):
    """Reset a hart in every cycle of a program, for one cycle and for longer, whatever the other hart does."""
    bench = await begin(dut)
    record, sent = Record(bench), 0
    for latency in latencies:
        bench.unit.latency = latency, latency
        for number, moment in enumerate(moments):
            for what, busy in OTHERS.items():
                victim = (number + latency) % 2
                for _ in range(level):
                    await record.run(1 - victim, sending(message(1), AT_A))
                await bench.bus.tick(20)
                running = cocotb.start_soon(record.run(victim, program))
                other = cocotb.start_soon(record.run(1 - victim, busy))
                await bench.bus.tick(moment)
                await record.reset(victim, 1 + number % 3)
                await running
                # What it stages at once is no part of a message from before, whose last words are copied last.
                await record.run(victim, puts(message(60))[::-1])
                done, _ = await other
                assert what == "waits" or done[4 if "sends" in what else 0] in (OK, NO_MESSAGE)
                await record.reset(victim)
                await is_as_new(bench, record, victim)
                record.check()
                counts = await drain(record, 1 - victim)
                record.check()
                sent += counts[0]
                assert await bench.read(queue_register(0, QueueWord.FILL)) == 0
    await bench.compare_all()
    return sent


@cocotb.test()
async def reset_in_every_cycle_of_a_send(dut):
    """The message has been sent whole, or not at all."""
    program = [*sending(message(7), AT_A), *puts(message(8))[::-1]]
    sent = await in_every_cycle(dut, program, range(26), latencies=(1, 6))
    assert sent > 20, sent


@cocotb.test()
async def reset_in_every_cycle_of_a_receive(dut):
    """The message has been removed, or is still the first one."""
    await in_every_cycle(dut, receiving(AT_A), range(24), level=2)


@cocotb.test()
async def reset_while_both_have_it_open(dut):
    """In every alignment with a removal by the other hart."""
    bench = await begin(dut)
    record = Record(bench)
    for delay in range(-3, 8):
        for number in range(2):
            await record.run(0, sending(message(number), AT_A))
        for hart in (0, 1):
            assert (await record.run(hart, [("mail.receive", AT_A)]))[0] == [OK]
        victim = delay % 2
        pops = [("mail.get0",), ("mail.pop",)]
        running = [cocotb.start_soon(record.run(hart, pops)) for hart in (0, 1)]
        await bench.bus.tick(max(0, delay))
        await record.reset(victim)
        for task in running:
            await task
        await is_as_new(bench, record, victim)
        await drain(record, 1 - victim)
        record.check()
    await bench.compare_all()


@cocotb.test()
async def reset_of_a_hart_that_waits(dut):
    """One whose instruction waits for its commit, or for a unit that does not answer, holds nobody up when it is
    gone."""
    bench = await begin(dut)
    record = Record(bench)
    for program in (sending(message(1), AT_A), [("mail.receive", AT_A)]):
        for moment in range(4, 40, 3):
            for held in (True, False):
                bench.unit.mute = not held
                running = cocotb.start_soon(record.run(0, program, hold={len(program) - 1: 200} if held else None))
                await bench.bus.tick(moment)
                await record.reset(0, 2)
                bench.unit.mute = False
                await running
                # With nobody else to give way to, it is itself that would be held up.
                if moment % 2:
                    done, _ = await record.run(1, [*sending(message(2), AT_A), *receiving(AT_A)])
                    assert done[4] == OK and done[-1] == OK | badge(SPACES[1][0]) << 32
                await is_as_new(bench, record, 0)
                record.check()
    await bench.compare_all()


@cocotb.test()
async def bound_in_reset(dut):
    """While a hart is in reset its contexts take no binding; those of the other do, in the same cycles."""
    bench = await begin(dut)
    record = Record(bench)
    for hart in (0, 1):
        reset = cocotb.start_soon(record.reset(hart, 60))
        await bench.bus.tick(4)
        await bind(record, hart)
        await bind(record, 1 - hart)
        await reset
        done, _ = await record.run(1 - hart, [*sending(message(hart), AT_A), *receiving(AT_A)])
        assert done[4] == OK
        await is_as_new(bench, record, hart)
        record.check()
    await bench.compare_all()
