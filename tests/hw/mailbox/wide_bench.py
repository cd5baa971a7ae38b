"""Directed tests of a mailbox with 64 queues of 4 messages: each of them is one of its own, in every register."""

import cocotb

from hw.abi import MailStatus, Rights
from hw.mailbox.config import MAX_QUEUES
from hw.mailbox.registers import ControlPage, QueueWord
from tests.hw.mailbox.driver import Bench, Capability, message, queue_register

SENDER, RECEIVER = 11, 22
#: Queues at the ends of what a bit of 32, the words of a row or the entries' memory might wrap at.
EDGES = (0, 1, 31, 32, 33, 62, 63)


def endpoint(queue):
    return 0xe000_0000 + 7 * queue


def handle(queue):
    return 0x1000_0000 + queue


async def stage(dut):
    """All queues bound, with a sender and a receiver that hold a capability of each endpoint."""
    bench = await Bench.start(dut)
    assert (bench.config.queues, bench.config.depth) == (MAX_QUEUES, 4)
    for queue in range(MAX_QUEUES):
        for space, rights in ((SENDER, Rights.SEND), (RECEIVER, Rights.RECEIVE)):
            bench.unit.capabilities[space, handle(queue)] = Capability(endpoint(queue), rights, queue)
    await bench.bind_page(1, SENDER)
    await bench.bind_page(2, RECEIVER)
    await bench.bind_context(0, SENDER)
    for queue in range(MAX_QUEUES):
        await bench.bind_queue(queue, endpoint(queue))
    return bench


def program(queue, number):
    """A message by instructions."""
    words = message(number)
    return [*((f"mail.put{pair}", words[2 * pair], words[2 * pair + 1]) for pair in range(4)),
            ("mail.send", handle(queue))]


@cocotb.test()
async def every_queue_keeps_its_own(dut):
    """All 64 are filled to the last message, by page and by instructions in turn; each gives back its own, in order."""
    bench = await stage(dut)
    for number in range(bench.config.depth):
        for queue in range(MAX_QUEUES):
            seed = 100 * queue + number
            if (queue + number) % 2:
                assert await bench.send(1, handle(queue), message(seed)) == MailStatus.OK
            else:
                assert (await bench.execute(*program(queue, seed)))[0][-1] == MailStatus.OK.value
    assert await bench.read(ControlPage.PENDING) == (1 << MAX_QUEUES) - 1
    for queue in EDGES:
        assert await bench.send(1, handle(queue), message(0)) == MailStatus.FULL
        assert await bench.read(queue_register(queue, QueueWord.FILL)) == bench.config.depth
    for queue in reversed(range(MAX_QUEUES)):
        for number in range(bench.config.depth):
            status, (words, _, badge, _) = await bench.receive(2, handle(queue))
            assert (status, words, badge) == (MailStatus.OK, message(100 * queue + number), queue)
        assert await bench.read(ControlPage.PENDING) == (1 << queue) - 1
    await bench.compare_all()


@cocotb.test()
async def every_bit_is_its_queues(dut):
    """PENDING, INTERRUPT_ENABLE, binding, fill and wipe of each queue, and no other's."""
    bench = await stage(dut)
    for queue in range(MAX_QUEUES):
        assert await bench.send(1, handle(queue), message(queue)) == MailStatus.OK
        assert await bench.read(ControlPage.PENDING) == 1 << queue
        for enable, line in ((1 << queue, 1), ((1 << MAX_QUEUES) - 1 ^ 1 << queue, 0)):
            await bench.write(ControlPage.INTERRUPT_ENABLE, enable)
            assert await bench.read(ControlPage.INTERRUPT_ENABLE) == enable
            await bench.compare_lines()
            assert int(dut.irq.value) == line
        assert await bench.read(queue_register(queue, QueueWord.BINDING)) == endpoint(queue) | 1 << 32
        assert await bench.read(queue_register(queue, QueueWord.FILL)) == 1
        await bench.write(ControlPage.WIPE, queue)
        assert await bench.read(ControlPage.PENDING) == 0
    # What was stored for one row lies in no other's place, nor in that of any other register.
    await bench.compare_all()
    assert not await bench.write(ControlPage.WIPE, MAX_QUEUES)
    assert await bench.read(queue_register(MAX_QUEUES, QueueWord.BINDING)) is None
    for queue in EDGES:
        await bench.bind_queue(queue, 0, enabled=False)
        assert await bench.send(1, handle(queue), message(1)) == MailStatus.UNBOUND
        others = [each for each in EDGES if each > queue]
        for other in others[:1]:
            assert await bench.send(1, handle(other), message(1)) == MailStatus.OK
            await bench.write(ControlPage.WIPE, other)
