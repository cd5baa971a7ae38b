"""Random tests of two harts at one mailbox, and that nothing is lost between them."""

import os
import random

import cocotb

from hw.abi import MailStatus, Rights
from hw.mailbox.registers import ControlPage, QueueWord, ThreadPage
from tests.hw.mailbox.driver import Capability, context_register, message, queue_register, thread
from tests.hw.mailbox.hart_record import AT_A, AT_B, FULL, NOWHERE, SPACES, A, B, Record, begin
from tests.hw.mailbox.instruction_bench import GETS, OK, receiving, sending

STEPS = int(os.environ.get("STEPS", "300"))


@cocotb.test()
async def any_instructions_of_both(dut):
    """Random programs on both harts, killed and delayed, while contexts and queues are bound anew, the unit forgets and
    one hart or the other is reset: mailbox and model agree."""
    bench = await begin(dut)
    bench.unit.latency, bench.unit.stall = (1, 6), (0, 2)
    record = Record(bench)
    bench.unit.capabilities[SPACES[1][1], AT_B] = Capability(B, Rights.SEND, 1)
    moved = [0, 0]

    def program():
        send = [*(f"mail.put{pair}" for pair in range(4)), "mail.send"]
        receive = ["mail.receive", *random.sample(GETS, 3), "mail.pop"]
        names = random.choice([send, send, receive, receive, receive[:-1],
                               random.choices([*send, *GETS, "mail.receive", "mail.pop"], k=random.randint(1, 8))])
        return [(name, random.choice([AT_A, AT_A, AT_B, NOWHERE]) if name in ("mail.send", "mail.receive")
                 else random.getrandbits(64), random.getrandbits(64)) for name in names]

    async def works(hart):
        for _ in range(STEPS):
            driver = bench.harts[hart]
            driver.context, driver.slow_stores = random.randrange(2), random.choice([0, 0, 3])
            instructions = program()
            numbers = range(len(instructions))
            kill = {number for number in numbers if random.random() < 0.05}
            hold = {number: random.randint(1, 30) for number in numbers
                    if random.random() < (0.5 if number in kill else 0.1)}
            done, _ = await record.run(hart, instructions, kill=kill, hold=hold)
            moved[hart] += done.count(OK)
            await bench.bus.tick(random.choice([0, 0, 1, 2, 11]))

    async def governs(done):
        while not done():
            await bench.bus.tick(random.randrange(60))
            what = random.randrange(20)
            if what == 19:
                hart = random.randrange(2)
                await record.reset(hart, random.choice([1, 1, 2, 30]))
                await bench.bus.tick(random.randrange(40))
                for context, space in enumerate(SPACES[hart]):
                    await record.store(context_register(2 * hart + context), space | 1 << 32)
            elif what % 6 < 2:
                number = random.randrange(4)
                await record.store(context_register(number), SPACES[number // 2][number % 2] | 1 << 32)
            elif what % 6 == 2:
                await record.store(queue_register(random.randrange(2), QueueWord.BINDING),
                                   random.choice([A, B, A]) | 1 << 32)
            elif what % 6 == 3:
                await record.store(ControlPage.WIPE, random.randrange(2))
            else:
                await record.forget()
    working = [cocotb.start_soon(works(hart)) for hart in (0, 1)]
    kernel = cocotb.start_soon(governs(lambda: all(task.done() for task in working)))
    for task in (*working, kernel):
        await task
    await bench.bus.tick(80)
    record.check()
    await bench.compare_all()
    assert min(moved) > STEPS // 4, moved


@cocotb.test()
async def nothing_lost_between_harts(dut):
    """Both harts send to both endpoints and receive from both, and a page takes part: each message arrives once, whole,
    in the order of its sender, at its endpoint."""
    bench = await begin(dut)
    bench.unit.latency, bench.unit.stall = (1, 5), (0, 2)
    await bench.bind_page(1, SPACES[0][1])
    each = STEPS // 3
    handles = (AT_A, AT_B)
    sent, received = {}, {handle: [] for handle in handles}
    total = 3 * each

    async def works(hart):
        driver, sequence = bench.harts[hart], 0
        while sum(map(len, received.values())) < total:
            if sequence < each and random.random() < 0.6:
                handle = random.choice(handles)
                done, _ = await driver.run(sending(message(hart << 16 | sequence), handle))
                if done[-1].data == OK:
                    sent[hart, sequence] = handle
                    sequence += 1
                    continue
                assert done[-1].data == FULL
            handle = random.choice(handles)
            done, _ = await driver.run([(each,) if isinstance(each, str) else each for each in receiving(handle)])
            if done[-1].data & 0xff == OK:
                take(handle, done[-1].taken, [one.data for one in done[1:9]])

    def take(handle, cycle, words):
        number = next(
            (hart, sequence) for hart in range(3) for sequence in range(each)
            if words == message(hart << 16 | sequence))
        received[handle].append((cycle, number))

    async def page_sends():
        for sequence in range(each):
            handle = random.choice(handles)
            for index, word in enumerate(message(2 << 16 | sequence)):
                await bench.bus.write(thread(1, ThreadPage.MESSAGE, index), word)
            status = FULL
            while status == FULL:
                await bench.bus.write(thread(1, ThreadPage.SEND), handle)
                while (status := await bench.bus.read(thread(1, ThreadPage.STATUS))) == MailStatus.BUSY.value:
                    pass
            assert status == OK
            sent[2, sequence] = handle
    for task in [cocotb.start_soon(each()) for each in (lambda: works(0), lambda: works(1), page_sends)]:
        await task
    for handle, messages in received.items():
        numbers = [number for _, number in sorted(messages)]
        assert sorted(numbers) == sorted(number for number, where in sent.items() if where == handle)
        for sender in range(3):
            order = [sequence for hart, sequence in numbers if hart == sender]
            assert order == sorted(order), (sender, order)

