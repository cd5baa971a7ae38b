"""Directed tests of the mailbox, each against the golden model."""

import os

import cocotb

from hw.abi import CapType, MailStatus, Rights, Verdict
from hw.mailbox.registers import VERSION, ControlPage, QueueWord, SenderWord, Statistic, ThreadPage
from tests.hw.mailbox.driver import Bench, Capability, message, page_register, queue_register, sender_register, thread

SEND, RECEIVE = Rights.SEND, Rights.RECEIVE
#: Spaces, handles and endpoints of the usual stage: page 1 sends, page 2 receives, page 3 is the kernel's.
SENDER, RECEIVER, KERNEL = 11, 22, 0
TO_A, FROM_A, TO_B, FROM_B = 0x1000_0001, 0x2000_0001, 0x1000_0002, 0x2000_0002
A, B = 0xaaaa_0001, 0xbbbb_0002
BADGE_A, BADGE_B = 0x0bad_0a0a, 0x0bad_0b0b


async def stage(dut):
    bench = await Bench.start(dut)
    bench.unit.capabilities = {
        (SENDER, TO_A): Capability(A, SEND, BADGE_A),
        (SENDER, TO_B): Capability(B, SEND, BADGE_B),
        (RECEIVER, FROM_A): Capability(A, RECEIVE),
        (RECEIVER, FROM_B): Capability(B, RECEIVE),
        (KERNEL, TO_A): Capability(A, SEND | RECEIVE, 7),
        (KERNEL, FROM_A): Capability(A, SEND | RECEIVE, 7),
    }
    await bench.bind_page(1, SENDER)
    await bench.bind_page(2, RECEIVER)
    await bench.bind_page(3, KERNEL, kernel=True)
    await bench.bind_queue(0, A)
    await bench.bind_queue(1, B)
    return bench


async def set_up_again(bench):
    """The bindings of `stage`, after a reset."""
    await bench.bind_page(1, SENDER)
    await bench.bind_page(2, RECEIVER)
    await bench.bind_page(3, KERNEL, kernel=True)
    await bench.bind_queue(0, A)
    await bench.bind_queue(1, B)


@cocotb.test()
async def carries_a_message(dut):
    """All of a message arrives: words, badge; the space only at a kernel page; then nothing is left."""
    bench = await stage(dut)
    assert await bench.send(1, TO_A, message(1)) == MailStatus.OK
    assert await bench.staging(1) == [0] * 8
    status, (words, capabilities, badge, sender) = await bench.receive(2, FROM_A)
    assert (status, words, capabilities, badge, sender) == (MailStatus.OK, message(1), [0, 0], BADGE_A, 0)
    assert await bench.head(2) == ([0] * 8, [0, 0], 0, 0)
    await bench.send(1, TO_A, message(2))
    _, (words, _, badge, sender) = await bench.receive(3, FROM_A)
    assert (words, badge, sender) == (message(2), BADGE_A, SENDER)
    await bench.compare_all()


@cocotb.test()
async def asks_the_right_question(dut):
    bench = await stage(dut)
    await bench.send(1, TO_A, message(1))
    await bench.command(2, ThreadPage.RECEIVE, FROM_A)
    await bench.command(2, ThreadPage.POP, FROM_A)
    endpoint = CapType.ENDPOINT.value
    assert bench.unit.asked == [(SENDER, TO_A, endpoint, SEND.value), (RECEIVER, FROM_A, endpoint, RECEIVE.value),
                                (RECEIVER, FROM_A, endpoint, RECEIVE.value)]


@cocotb.test()
async def keeps_order(dut):
    """Two endpoints in turns, several times around the ring, never mixed."""
    bench = await stage(dut)
    depth = bench.config.depth
    for turn in range(3):
        for number in range(depth):
            assert await bench.send(1, TO_A, message(100 * turn + number)) == MailStatus.OK
            assert await bench.send(1, TO_B, message(100 * turn + number + 50)) == MailStatus.OK
        for number in range(depth - 1):
            _, (words, _, badge, _) = await bench.receive(2, FROM_A)
            assert (words, badge) == (message(100 * turn + number), BADGE_A)
        for number in range(depth):
            _, (words, _, badge, _) = await bench.receive(2, FROM_B)
            assert (words, badge) == (message(100 * turn + number + 50), BADGE_B)
        _, (words, _, _, _) = await bench.receive(2, FROM_A)
        assert words == message(100 * turn + depth - 1)


@cocotb.test()
async def full_queue_refuses(dut):
    bench = await stage(dut)
    depth = bench.config.depth
    for number in range(depth):
        await bench.send(1, TO_A, message(number))
    assert await bench.send(1, TO_A, message(99)) == MailStatus.FULL
    assert await bench.read(queue_register(0, QueueWord.FILL)) == depth
    # What was refused stays staged: one store tries again.
    assert await bench.staging(1) == message(99)
    for number in range(depth):
        _, (words, *_) = await bench.receive(2, FROM_A)
        assert words == message(number)
        if number == 0:
            assert await bench.command(1, ThreadPage.SEND, TO_A) == MailStatus.OK
    _, (words, *_) = await bench.receive(2, FROM_A)
    assert words == message(99)
    await bench.compare_all()


@cocotb.test()
async def refusals_store_nothing(dut):
    """Every verdict but OK, in both directions, and numbers that are no verdict."""
    bench = await stage(dut)
    unit = bench.unit
    refusals = {
        MailStatus.EMPTY: Capability(A, SEND, state=Verdict.EMPTY),
        MailStatus.STALE: Capability(A, SEND, state=Verdict.STALE),
        MailStatus.WRONG_TYPE: Capability(A, SEND | RECEIVE, cap_type=CapType.NOTIFICATION),
        MailStatus.MISSING_RIGHTS: Capability(A, Rights.READ | Rights.WRITE | Rights.GRANT),
        MailStatus.UNDECIDED: Capability(A, SEND, state=Verdict.UNDECIDED),
    }
    assert await bench.send(1, 0xdead, message(1)) == MailStatus.BAD_HANDLE
    for status, capability in refusals.items():
        unit.capabilities[SENDER, 0x55] = unit.capabilities[RECEIVER, 0x66] = capability
        assert await bench.command(1, ThreadPage.SEND, 0x55) == status
        assert await bench.command(2, ThreadPage.RECEIVE, 0x66) == status
        assert await bench.command(2, ThreadPage.POP, 0x66) == status
    # A capability to send is none to receive, and the other way round.
    unit.capabilities[SENDER, 0x77] = Capability(A, SEND)
    unit.capabilities[RECEIVER, 0x77] = Capability(A, RECEIVE)
    assert await bench.command(1, ThreadPage.RECEIVE, 0x77) == MailStatus.MISSING_RIGHTS
    assert await bench.command(2, ThreadPage.SEND, 0x77) == MailStatus.MISSING_RIGHTS
    # Handles count in the page's own space only.
    assert await bench.command(2, ThreadPage.SEND, TO_A) == MailStatus.BAD_HANDLE
    assert await bench.read(ControlPage.PENDING) == 0
    assert await bench.staging(1) == message(1)
    for number in (7, 0x80, 0xff):
        unit.unknown_verdict = number
        await bench.bus.write(thread(1, ThreadPage.SEND), TO_A)
        assert await bench.status(1) == MailStatus.UNDECIDED
    unit.unknown_verdict = None
    assert await bench.read(ControlPage.PENDING) == 0
    assert await bench.command(1, ThreadPage.SEND, TO_A) == MailStatus.OK


@cocotb.test()
async def space_is_the_pages(dut):
    """The same handle names different endpoints in different spaces."""
    bench = await stage(dut)
    bench.unit.capabilities[0, 0x99] = Capability(B, SEND, 1)
    bench.unit.capabilities[SENDER, 0x99] = Capability(A, SEND, 2)
    assert await bench.send(1, 0x99, message(5)) == MailStatus.OK
    assert await bench.read(ControlPage.PENDING) == 1
    _, (words, _, badge, _) = await bench.receive(2, FROM_A)
    assert (words, badge) == (message(5), 2)


@cocotb.test()
async def unbound_endpoint(dut):
    bench = await stage(dut)
    bench.unit.capabilities[SENDER, 0x42] = Capability(0xcccc, SEND | RECEIVE)
    assert await bench.send(1, 0x42, message(1)) == MailStatus.UNBOUND
    assert await bench.command(1, ThreadPage.RECEIVE, 0x42) == MailStatus.UNBOUND
    await bench.bind_queue(1, 0xcccc, enabled=False)
    assert await bench.command(1, ThreadPage.SEND, 0x42) == MailStatus.UNBOUND
    assert await bench.read(ControlPage.PENDING) == 0
    await bench.bind_queue(1, 0xcccc)
    assert await bench.command(1, ThreadPage.SEND, 0x42) == MailStatus.OK
    await bench.compare_all()


@cocotb.test()
async def rate_limit(dut):
    """A burst of a space passes, then one message a period, whatever page or context sends it, and whereto; other
    spaces are not concerned."""
    bench = await stage(dut)
    period = 3000
    await bench.bind_page(4, SENDER)
    await bench.bind_context(1, SENDER)
    bench.hart.context = 1
    await bench.limit(2, SENDER, period, 2 * period)
    words = message(3)
    pairs = [(f"mail.put{pair}", words[2 * pair], words[2 * pair + 1]) for pair in range(4)]
    assert await bench.send(1, TO_A, message(1)) == MailStatus.OK
    first = bench.bus.cycles
    assert await bench.send(4, TO_B, message(2)) == MailStatus.OK
    assert await bench.send(1, TO_A, words) == MailStatus.RATE_LIMITED
    assert await bench.command(4, ThreadPage.SEND, TO_A) == MailStatus.RATE_LIMITED
    done, _ = await bench.execute(*pairs, ("mail.send", TO_B))
    assert done[-1] == MailStatus.RATE_LIMITED.value
    # Another sender has a bucket of its own, or none.
    assert await bench.command(3, ThreadPage.SEND, TO_A) == MailStatus.OK
    await bench.limit(0, KERNEL, period, period)
    assert await bench.command(3, ThreadPage.SEND, TO_A) == MailStatus.OK
    assert await bench.command(3, ThreadPage.SEND, TO_A) == MailStatus.RATE_LIMITED
    await bench.write(ControlPage.WIPE, 0)
    await bench.bus.tick(period - (bench.bus.cycles - first) - 60)
    bench.model.advance(period - 60)
    assert await bench.command(1, ThreadPage.SEND, TO_A) == MailStatus.RATE_LIMITED
    await bench.bus.tick(120)
    bench.model.advance(120)
    done, _ = await bench.execute(("mail.send", TO_B))
    assert done == [MailStatus.OK.value]
    assert await bench.command(1, ThreadPage.SEND, TO_A) == MailStatus.RATE_LIMITED
    # No limit again, and what is owed is forgiven.
    await bench.write(sender_register(2, SenderWord.RATE), 0)
    assert await bench.command(1, ThreadPage.SEND, TO_A) == MailStatus.OK
    # A bucket that changes hands forgives, too.
    await bench.limit(2, SENDER, period, period)
    assert await bench.command(1, ThreadPage.SEND, TO_A) == MailStatus.OK
    await bench.limit(2, SENDER, period, period)
    assert await bench.command(1, ThreadPage.SEND, TO_A) == MailStatus.OK
    await bench.limit(2, SENDER, period, period, enabled=False)
    assert await bench.command(1, ThreadPage.SEND, TO_A) == MailStatus.OK
    await bench.compare_all()


@cocotb.test()
async def interrupts_are_coalesced(dut):
    """The line waits for enough messages in an enabled queue, or until the first of too few has waited long enough."""
    bench = await stage(dut)
    delay = 900
    await bench.write(ControlPage.INTERRUPT_ENABLE, 0b01)
    await bench.write(ControlPage.INTERRUPT_COALESCING, 3 | delay << 32)
    for number in range(3):
        assert int(dut.irq.value) == 0
        await bench.send(1, TO_A, message(number))
        await bench.send(1, TO_B, message(number))
    assert int(dut.irq.value) == 1
    # The others of what interrupted may take their time; the line falls below the threshold.
    await bench.receive(2, FROM_A)
    assert int(dut.irq.value) == 0
    await bench.receive(2, FROM_A)
    await bench.receive(2, FROM_A)
    # Queue 1 is not enabled, so nothing has waited until now.
    await bench.bus.tick(2 * delay)
    bench.model.advance(2 * delay)
    await bench.compare_lines()
    await bench.send(1, TO_A, message(4))
    await bench.bus.tick(40)
    began = bench.bus.cycles
    while not int(dut.irq.value):
        assert bench.bus.cycles - began <= delay, "no interrupt, however long it waits"
        await bench.bus.tick()
    assert delay - 60 <= bench.bus.cycles - began <= delay - 30
    bench.model.advance(delay)
    await bench.compare_lines()
    # The next one waits anew.
    await bench.receive(2, FROM_A)
    await bench.send(1, TO_A, message(5))
    await bench.compare_lines()
    assert int(dut.irq.value) == 0
    await bench.write(ControlPage.INTERRUPT_COALESCING, 0)
    assert int(dut.irq.value) == 1
    await bench.compare_all()


@cocotb.test()
async def wipe_and_rebind_queue(dut):
    bench = await stage(dut)
    for action in ("wipe", "rebind"):
        for number in range(3):
            await bench.send(1, TO_A, message(number))
        await bench.send(1, TO_B, message(9))
        await bench.command(2, ThreadPage.RECEIVE, FROM_A)
        assert (await bench.head(2))[0] == message(0)
        if action == "wipe":
            await bench.write(ControlPage.WIPE, 0)
        else:
            await bench.bind_queue(0, A)
        assert await bench.read(ControlPage.PENDING) == 2
        assert await bench.head(2) == ([0] * 8, [0, 0], 0, 0)
        assert await bench.command(2, ThreadPage.POP, FROM_A) == MailStatus.LOST
        assert await bench.command(2, ThreadPage.RECEIVE, FROM_A) == MailStatus.NO_MESSAGE
        _, (words, *_) = await bench.receive(2, FROM_B)
        assert words == message(9)
    assert not await bench.write(ControlPage.WIPE, bench.config.queues)
    await bench.compare_all()


@cocotb.test()
async def rebind_page(dut):
    """A new owner finds nothing of the old one."""
    bench = await stage(dut)
    await bench.stage(1, message(1))
    await bench.bind_page(1, 33)
    assert await bench.staging(1) == [0] * 8
    await bench.send(3, TO_A, message(2))
    await bench.command(2, ThreadPage.RECEIVE, FROM_A)
    await bench.bind_page(2, 44)
    assert await bench.head(2) == ([0] * 8, [0, 0], 0, 0)
    assert await bench.status(2) == MailStatus.IDLE
    await bench.bind_page(2, 44, enabled=False)
    assert await bench.read(thread(2, ThreadPage.STATUS)) is None
    await bench.compare_all()


@cocotb.test()
async def a_death_before_the_decision(dut):
    """An answer that waits for a wipe when the capability dies is asked for again."""
    bench = await stage(dut)
    await bench.stage(1, message(1))
    bench.unit.latency = (12, 12)
    doorbell = thread(1, ThreadPage.SEND)
    await bench.bus.write(doorbell, TO_A, 0x0f)
    await bench.write(ControlPage.WIPE, 1)
    await bench.bus.tick(15)
    assert await bench.bus.read(thread(1, ThreadPage.STATUS)) == MailStatus.BUSY.value
    assert len(bench.unit.asked) == 1 and not bench.unit.response_taken
    bench.unit.capabilities[SENDER, TO_A] = Capability(A, SEND, BADGE_A, state=Verdict.EMPTY)
    await bench.hart.forget()
    bench.model.write(doorbell, TO_A, 0x0f)
    assert await bench.status(1) == MailStatus.EMPTY
    assert len(bench.unit.asked) == 2
    await bench.compare_all()


@cocotb.test()
async def rebind_kills_the_command(dut):
    """A command whose page is bound anew before its check ends never happens, whatever the moment."""
    bench = await stage(dut)
    bench.unit.latency = (12, 12)
    stored = []
    for delay in range(0, 20):
        await bench.stage(1, message(1))
        await bench.bus.write(thread(1, ThreadPage.SEND), TO_A)
        await bench.bus.tick(delay)
        await bench.bus.write(page_register(1), 33 | 1 << 32)
        assert await bench.bus.read(thread(1, ThreadPage.STATUS)) == MailStatus.IDLE.value
        await bench.bus.tick(40)
        stored.append(await bench.bus.read(queue_register(0, QueueWord.FILL)))
        assert await bench.bus.read(ControlPage.STATISTICS + 8 * Statistic.SENT) == sum(stored)
        assert await bench.bus.read(thread(1, ThreadPage.STATUS)) == MailStatus.IDLE.value
        assert await bench.bus.write(ControlPage.WIPE, 0)
        await bench.bus.write(page_register(1), SENDER | 1 << 32)
    # Killed up to the cycle of the decision, done from then on: at no moment half.
    assert stored == sorted(stored)
    assert stored.index(1) == 13, stored


@cocotb.test()
async def capabilities_pass_the_kernel(dut):
    bench = await stage(dut)
    slots = [0x0000_0002_0000_0001, 0x0000_0004_0000_0003]
    assert not await bench.write(thread(1, ThreadPage.CAPABILITIES), slots[0])
    assert not await bench.write(thread(1, ThreadPage.CAPABILITIES, 1), 0, 0x01)
    assert await bench.read(thread(1, ThreadPage.CAPABILITIES)) is None
    for carried in (slots, [slots[0], 0], [0, slots[1]]):
        assert await bench.send(3, TO_A, message(1), carried) == MailStatus.OK
        assert await bench.send(1, TO_A, message(2)) == MailStatus.OK
        assert await bench.command(2, ThreadPage.RECEIVE, FROM_A) == MailStatus.NEEDS_KERNEL
        assert await bench.head(2) == ([0] * 8, [0, 0], 0, 0)
        assert await bench.command(2, ThreadPage.POP, FROM_A) == MailStatus.LOST
        status, (words, capabilities, badge, sender) = await bench.receive(3, FROM_A)
        assert (status, words, capabilities, badge, sender) == (MailStatus.OK, message(1), carried, 7, KERNEL)
        # The next message does not inherit them.
        _, (words, capabilities, *_) = await bench.receive(2, FROM_A)
        assert (words, capabilities) == (message(2), [0, 0])
    await bench.send(1, TO_A, message(3))
    await bench.send(3, TO_A, message(4), slots)
    await bench.command(2, ThreadPage.RECEIVE, FROM_A)
    assert await bench.command(2, ThreadPage.NEXT, FROM_A) == MailStatus.NEEDS_KERNEL
    await bench.compare_all()


@cocotb.test()
async def two_receivers(dut):
    """Both see the first message; the first to pop has it."""
    bench = await stage(dut)
    await bench.send(1, TO_A, message(1))
    await bench.send(1, TO_A, message(2))
    for page in (2, 3):
        assert await bench.command(page, ThreadPage.RECEIVE, FROM_A) == MailStatus.OK
        assert (await bench.head(page))[0] == message(1)
    assert await bench.command(3, ThreadPage.POP, FROM_A) == MailStatus.OK
    assert await bench.head(2) == ([0] * 8, [0, 0], 0, 0)
    assert await bench.command(2, ThreadPage.POP, FROM_A) == MailStatus.LOST
    assert await bench.command(2, ThreadPage.RECEIVE, FROM_A) == MailStatus.OK
    assert (await bench.head(2))[0] == message(2)
    # A pop names its endpoint: the view of another one does not count.
    assert await bench.command(2, ThreadPage.POP, FROM_B) == MailStatus.LOST
    assert await bench.read(queue_register(0, QueueWord.FILL)) == 1


@cocotb.test()
async def next_opens_the_next(dut):
    bench = await stage(dut)
    for number in range(3):
        await bench.send(1, TO_A, message(number))
    await bench.command(2, ThreadPage.RECEIVE, FROM_A)
    for number in range(3):
        assert (await bench.head(2))[0] == message(number)
        expected = MailStatus.OK if number < 2 else MailStatus.NO_MESSAGE
        assert await bench.command(2, ThreadPage.NEXT, FROM_A) == expected
    assert await bench.command(2, ThreadPage.NEXT, FROM_A) == MailStatus.LOST
    await bench.compare_all()


@cocotb.test()
async def revoked_receiver(dut):
    """A capability that died between receive and pop removes nothing and sees nothing more."""
    bench = await stage(dut)
    await bench.send(1, TO_A, message(1))
    await bench.command(2, ThreadPage.RECEIVE, FROM_A)
    bench.unit.capabilities[RECEIVER, FROM_A] = Capability(A, RECEIVE, state=Verdict.EMPTY)
    assert await bench.command(2, ThreadPage.POP, FROM_A) == MailStatus.EMPTY
    assert await bench.head(2) == ([0] * 8, [0, 0], 0, 0)
    assert await bench.read(queue_register(0, QueueWord.FILL)) == 1


@cocotb.test()
async def interrupts(dut):
    bench = await stage(dut)
    await bench.send(1, TO_A, message(1))
    assert int(dut.irq.value) == 0
    for mask in (0b10, 0b01, 0b11, 0b00, 0b01):
        await bench.write(ControlPage.INTERRUPT_ENABLE, mask)
        await bench.compare_lines()
        assert int(dut.irq.value) == mask & 1
    await bench.receive(2, FROM_A)
    assert int(dut.irq.value) == 0
    await bench.write(ControlPage.INTERRUPT_ENABLE, (1 << 64) - 1)
    await bench.send(1, TO_B, message(1))
    assert int(dut.irq.value) == 1
    await bench.write(ControlPage.WIPE, 1)
    assert int(dut.irq.value) == 0


@cocotb.test()
async def unit_that_never_answers(dut):
    """Refusal in time, the bus stays usable, and the late answer is for nobody."""
    bench = await stage(dut)
    unit, bus, timeout = bench.unit, bench.bus, bench.config.check_timeout
    for trouble in ("mute", "deaf"):
        await bench.stage(1, message(1))
        setattr(unit, trouble, True)
        await bus.write(thread(1, ThreadPage.SEND), TO_A)
        began = bus.cycles
        # The unit may wait for this very bus: no access waits for the unit.
        for _ in range(10):
            for address in (ControlPage.PENDING, thread(2, ThreadPage.MESSAGE), thread(2, ThreadPage.HEAD_BADGE),
                            thread(1, ThreadPage.STATUS)):
                assert await bus.read(address) is not None and bus.took == 2
        assert await bench.status(1) == MailStatus.UNDECIDED
        assert timeout <= bus.cycles - began <= timeout + 10
        # The next question, of another page that would be refused, is not answered by the old one's OK.
        await bus.write(thread(2, ThreadPage.SEND), 0xdead)
        await bus.tick(20)
        assert await bus.read(thread(2, ThreadPage.STATUS)) == MailStatus.BUSY.value
        setattr(unit, trouble, False)
        assert await bench.status(2) == MailStatus.BAD_HANDLE
        assert await bus.read(ControlPage.PENDING) == 0
        # And a question that never reaches the unit is refused as well.
        setattr(unit, trouble, True)
        await bus.write(thread(1, ThreadPage.SEND), TO_A)
        await bus.write(thread(2, ThreadPage.SEND), TO_A)
        assert await bench.status(1) == await bench.status(2) == MailStatus.UNDECIDED
        assert await bus.read(ControlPage.PENDING) == 0
        setattr(unit, trouble, False)
        await bus.tick(10)
        assert await bench.bus.read(ControlPage.STATISTICS + 8 * Statistic.SENT) == 0
    await bus.write(thread(1, ThreadPage.SEND), TO_A)
    assert await bench.status(1) == MailStatus.OK


@cocotb.test()
async def reset_at_any_moment(dut):
    """Reset while a message is staged, checked, copied or wiped: the mailbox is empty and works."""
    bench = await stage(dut)
    for delay in range(0, 26, 1 if os.environ.get("THOROUGH") else 3):
        await bench.limit(0, SENDER, 5, 500)
        await bench.send(1, TO_A, message(8))
        await bench.limit(0, SENDER, 5, 500)
        await bench.write(ControlPage.INTERRUPT_COALESCING, 2 | 7 << 32)
        await bench.command(2, ThreadPage.RECEIVE, FROM_A)
        await bench.stage(1, message(9))
        await bench.bus.write(thread(1, ThreadPage.SEND), TO_A)
        await bench.bus.tick(delay)
        await bench.reset()
        for queue in range(2):
            await bench.read(sender_register(queue, SenderWord.BINDING))
            await bench.read(sender_register(queue, SenderWord.RATE))
            await bench.read(queue_register(queue, QueueWord.FILL))
        await bench.read(ControlPage.INTERRUPT_COALESCING)
        for number in range(len(Statistic)):
            await bench.read(ControlPage.STATISTICS + 8 * number)
        for page in (1, 2, 3):
            await bench.read(page_register(page))
        await set_up_again(bench)
        assert await bench.head(2) == ([0] * 8, [0, 0], 0, 0)
        assert await bench.staging(1) == [0] * 8
        assert await bench.command(2, ThreadPage.RECEIVE, FROM_A) == MailStatus.NO_MESSAGE
        assert await bench.send(1, TO_A, message(1)) == MailStatus.OK
        _, (words, *_) = await bench.receive(2, FROM_A)
        assert words == message(1)


@cocotb.test()
async def reset_clears_before_the_first_access(dut):
    bench = await stage(dut)
    await bench.reset()
    assert int(dut.clearing.value) == 1
    began = bench.bus.cycles
    assert await bench.read(ControlPage.IDENTITY) == VERSION | 8 << 8 | 4 << 16 | 7 << 24 | 2 << 32 | 5 << 40 | 1 << 48
    assert bench.bus.cycles - began == 8 * 4 * 16 + 2
    assert int(dut.clearing.value) == 0
    await bench.compare_all()


@cocotb.test()
async def bus_errors(dut):
    """What is not in the map, not allowed, or not wide enough is answered with an error and does nothing."""
    bench = await stage(dut)
    for address in (0x028, 0x080, 0x0f8, 0x100, 0x140, 0x178, 0x190, 0x1f8, 0x250, 0x2f8, 0x300, 0x3f8,
                    0x418, 0x500, 0x800, 0xff8,
                    0x1050, 0x1078, 0x10a8, 0x1160, 0x1178, 0x1180, 0x1ff8, 0x4000, 0x40a0, 0x8000, 0xf000):
        await bench.write(address, 1)
    for address in (0x028, 0x018, 0x100, 0x418, 0x500, 0x1050, 0x1080, 0x1090, 0x1160, 0x4000, 0x40a0, 0xf000):
        assert await bench.read(address) is None, hex(address)
    for address in (ControlPage.IDENTITY, ControlPage.PENDING, ControlPage.STATISTICS, 0x10a0, 0x1100, 0x1150):
        assert not await bench.write(address, 1)
    for address, select in ((page_register(1), 0x0f), (queue_register(0, QueueWord.BINDING), 0x0f),
                            (sender_register(0, SenderWord.RATE), 0x3f), (ControlPage.INTERRUPT_COALESCING, 0x3f),
                            (ControlPage.WIPE, 0x01),
                            (thread(1, ThreadPage.SEND), 0x03), (ControlPage.INTERRUPT_ENABLE, 0xf0),
                            (ControlPage.INTERRUPT_ENABLE, 0x0f)):
        assert not await bench.write(address, 0, select)
    # Staging takes any bytes.
    await bench.write(thread(1, ThreadPage.MESSAGE, 2), 0x1122_3344_5566_7788)
    await bench.write(thread(1, ThreadPage.MESSAGE, 2), 0xff << 24, 0x08)
    assert await bench.read(thread(1, ThreadPage.MESSAGE, 2)) == 0x1122_3344_ff66_7788
    # A page with a command in flight takes no stores; its reads work.
    bench.unit.mute = True
    await bench.bus.write(thread(1, ThreadPage.SEND), TO_A)
    for register in (ThreadPage.MESSAGE, ThreadPage.SEND, ThreadPage.POP):
        assert not await bench.bus.write(thread(1, register), 1)
    assert await bench.bus.read(thread(1, ThreadPage.MESSAGE, 2)) is not None
    bench.unit.mute = False
    assert await bench.status(1) == MailStatus.OK


@cocotb.test()
async def cycles(dut):
    """The figures of the datasheet, with a unit that answers in the cycle after it takes the request."""
    bench = await stage(dut)
    bus = bench.bus
    await bus.tick(80)

    async def cost(action):
        began = bus.cycles
        result = await action
        return bus.cycles - began, result

    async def one_store(page, offset, value):
        await bus.write(thread(page, offset), value)

    async def until_status(page):
        while (value := await bus.read(thread(page, ThreadPage.STATUS))) == MailStatus.BUSY.value:
            pass
        return value

    figures = {}
    figures["store or load"], _ = await cost(one_store(1, ThreadPage.MESSAGE, 1))
    # Decision: the status is there in the cycle in which a read that is accepted in it returns it.
    for name, register, handle, page in (("send", ThreadPage.SEND, TO_A, 1),
                                         ("receive", ThreadPage.RECEIVE, FROM_A, 2),
                                         ("pop", ThreadPage.POP, FROM_A, 2)):
        await one_store(page, register, handle)
        figures[f"{name}: store to status"], status = await cost(until_status(page))
        assert status == 0
        await bus.tick(30)
    # Sent to visible: doorbell to the interrupt line.
    await bus.write(ControlPage.INTERRUPT_ENABLE, 1)
    await one_store(1, ThreadPage.SEND, TO_A)
    began = bus.cycles
    while not int(dut.irq.value):
        await bus.tick()
    figures["send: store to interrupt"] = bus.cycles - began
    await bus.write(ControlPage.WIPE, 0)
    await bus.tick(80)

    async def enqueue(words):
        for index, word in enumerate(words):
            await one_store(1, ThreadPage.MESSAGE + 8 * index, word)
        await one_store(1, ThreadPage.SEND, TO_A)
        return await until_status(1)

    async def dequeue():
        await one_store(2, ThreadPage.RECEIVE, FROM_A)
        assert await until_status(2) == 0
        words = [await bus.read(thread(2, ThreadPage.HEAD_MESSAGE, index)) for index in range(8)]
        await bus.read(thread(2, ThreadPage.HEAD_BADGE))
        await one_store(2, ThreadPage.POP, FROM_A)
        assert await until_status(2) == 0
        return words

    figures["enqueue, 64 bytes"], status = await cost(enqueue(message(1)))
    assert status == 0
    await bus.tick(20)
    figures["dequeue, 64 bytes"], words = await cost(dequeue())
    assert words == message(1)
    cocotb.log.info("FIGURES %r", figures)
    assert figures == {
        "store or load": 2,
        "send: store to status": 6,
        "receive: store to status": 6,
        "pop: store to status": 6,
        "send: store to interrupt": 14,
        "enqueue, 64 bytes": 24,
        "dequeue, 64 bytes": 34,
    }
