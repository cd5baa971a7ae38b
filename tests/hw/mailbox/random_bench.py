"""Random tests of the mailbox: any access against the golden model, and commands of many pages at a time."""

import os
import random

import cocotb

from hw.abi import INSTRUCTIONS as ALL_INSTRUCTIONS
from hw.abi import CapType, MailStatus, Rights, Verdict
from hw.mailbox.registers import RATE_BITS, ControlPage, QueueWord, SenderWord, Statistic, ThreadPage
from tests.hw.mailbox.driver import (
    Bench,
    Capability,
    context_register,
    message,
    page_register,
    queue_register,
    sender_register,
    thread,
)

INSTRUCTIONS = [each.name for each in ALL_INSTRUCTIONS if each.name.startswith("mail.")]
STEPS = int(os.environ.get("STEPS", "400"))
SPACES, HANDLES, ENDPOINTS = range(3), range(0x50, 0x56), range(0x70, 0x76)
#: Space of the hart that sends by instructions.
HART = 0x70
#: So long that a limit's debt does not fall by a message's worth within a test.
PERIOD = 1 << 20


def random_capability():
    return Capability(
        object_id=random.choice(ENDPOINTS),
        rights=random.choice([Rights.SEND, Rights.RECEIVE, Rights.SEND | Rights.RECEIVE, Rights.SEND | Rights.RECEIVE,
                              Rights.SEND | Rights.GRANT, Rights.READ]),
        badge=random.getrandbits(32),
        cap_type=random.choice([CapType.ENDPOINT] * 9 + [CapType.CHANNEL]),
        state=random.choice([Verdict.OK] * 9 + [Verdict.STALE]))


class Walk:
    """One random step after the other."""

    def __init__(self, bench):
        self.bench = bench
        self.pages = range(1, bench.config.pages + 1)
        self.queues = range(bench.config.queues)
        self.seen = set()

    async def step(self):
        actions = {self.send: 30, self.receive: 14, self.pop: 10, self.next: 8, self.any_read: 10, self.bind_page: 3,
                   self.bind_queue: 2, self.rate: 2, self.wipe: 1, self.mask: 2, self.any_write: 4,
                   self.change_capability: 6}
        if self.bench.hart:
            actions |= {self.instructions: 25, self.bind_context: 3, self.forget: 1}
        action, = random.choices(list(actions), list(actions.values()))
        await action()

    async def bind_page(self):
        await self.bench.bind_page(random.choice(self.pages), random.choice(SPACES),
                                   enabled=random.random() < 0.95, kernel=random.random() < 0.3)

    async def bind_context(self):
        await self.bench.bind_context(random.randrange(self.bench.config.contexts), random.choice(SPACES),
                                      enabled=random.random() < 0.95)

    async def forget(self):
        await self.bench.forget()

    async def instructions(self):
        """Any of them, often in the order that makes sense; some killed, some behind slow ones."""
        bench = self.bench
        bench.hart.context = random.randrange(bench.config.contexts)
        bench.hart.slow_stores = random.choice([0, 0, 3])
        send = [*(f"mail.put{pair}" for pair in range(4)), "mail.send"]
        receive = ["mail.receive", *random.sample([name for name in INSTRUCTIONS if "get" in name], 3), "mail.pop"]
        names = random.choice([send, send, receive, receive, random.choices(INSTRUCTIONS, k=random.randint(1, 8))])
        program = [(name, random.choice(HANDLES) if name in ("mail.send", "mail.receive") else random.getrandbits(64),
                    random.getrandbits(64)) for name in names]
        numbers = range(len(program))
        done, _ = await bench.execute(*program, kill={number for number in numbers if random.random() < 0.05},
                            hold={number: random.randint(1, 15) for number in numbers if random.random() < 0.1})
        self.seen |= {(name, MailStatus(data)) for name, data in zip(names, done, strict=True)
                      if name in ("mail.send", "mail.receive") and data is not None}
        await bench.compare_lines()

    async def bind_queue(self):
        await self.bench.bind_queue(random.choice(self.queues), random.choice(ENDPOINTS),
                                    enabled=random.random() < 0.9)

    async def rate(self):
        burst = random.choice([0, 0, 1, 2, 5])
        value = PERIOD | (burst * PERIOD + PERIOD // 2) << 32 if burst else 0
        sender = random.randrange(self.bench.config.senders)
        await self.bench.write(sender_register(sender, SenderWord.RATE), value)
        if random.random() < 0.5:
            await self.bench.write(sender_register(sender, SenderWord.BINDING),
                                   random.choice(SPACES) | (random.random() < 0.8) << 32)

    async def wipe(self):
        await self.bench.write(ControlPage.WIPE, random.randrange(self.bench.config.queues + 1))

    async def mask(self):
        if random.random() < 0.5:
            delay = random.choice([0, (1 << RATE_BITS) - 1])
            await self.bench.write(ControlPage.INTERRUPT_COALESCING, random.randrange(6) | delay << 32)
        await self.bench.write(ControlPage.INTERRUPT_ENABLE, random.getrandbits(32))
        await self.bench.compare_lines()

    async def change_capability(self):
        key = random.choice(SPACES), random.choice(HANDLES)
        if random.random() < 0.1:
            self.bench.unit.capabilities.pop(key, None)
        else:
            self.bench.unit.capabilities[key] = random_capability()

    async def command(self, register):
        """A command of a random page, by a random handle, then its status."""
        page = random.choice(self.pages)
        if not self.bench.model.pages[page].enabled:
            assert not await self.bench.write(thread(page, register), 1)
            return
        status = await self.bench.command(page, register, random.choice(HANDLES))
        self.seen.add((register, status))
        if register != ThreadPage.SEND and random.random() < 0.5:
            await self.bench.head(page)

    async def send(self):
        page = random.choice(self.pages)
        for _ in range(random.choice([0, 1, 3, 10])):
            await self.bench.write(thread(page, ThreadPage.MESSAGE, random.randrange(10)), random.getrandbits(64),
                                   random.choice([0xff, 0xff, 0x0f, 0x10, random.getrandbits(8)]))
        await self.command(ThreadPage.SEND)

    async def receive(self):
        await self.command(ThreadPage.RECEIVE)

    async def pop(self):
        await self.command(ThreadPage.POP)

    async def next(self):
        await self.command(ThreadPage.NEXT)

    def any_address(self):
        return random.choice([
            random.randrange(0, 0x10000, 8),
            random.randrange(0, 0x180, 8),
            context_register(random.randrange(4)),
            thread(random.choice(self.pages), random.randrange(0, 0x180, 8)),
            queue_register(random.randrange(self.bench.config.queues + 1), random.randrange(4)),
        ])

    async def any_read(self):
        for _ in range(5):
            await self.bench.read(self.any_address())

    async def any_write(self):
        """A store to anywhere, commands aside: those are compared with their status."""
        address = self.any_address()
        if address >= 0x1000 and 0x80 <= address & 0xfff < 0xa0:
            return
        if ControlPage.SENDERS <= address < ControlPage.QUEUES or address == ControlPage.INTERRUPT_COALESCING:
            return
        await self.bench.write(address, random.getrandbits(64), random.choice([0xff, 0x0f, random.getrandbits(8)]))


@cocotb.test()
async def any_access(dut):
    """Whatever software does, mailbox and model agree."""
    bench = await Bench.start(dut)
    bench.unit.latency, bench.unit.stall = (1, 12), (0, 4)
    bench.unit.capabilities = {(space, handle): random_capability() for space in SPACES for handle in HANDLES}
    walk = Walk(bench)
    for page in walk.pages:
        await bench.bind_page(page, page % len(SPACES), kernel=page % 3 == 0)
    for context in range(bench.config.contexts):
        await bench.bind_context(context, context)
    for queue in walk.queues:
        await bench.bind_queue(queue, ENDPOINTS[0] + queue, enabled=queue < 4)
    for number in range(STEPS):
        await walk.step()
        if number % 50 == 0:
            await bench.compare_all()
    await bench.compare_all()
    cocotb.log.info("REACHED %d outcomes", len(walk.seen))
    # The walk is worth something only if it meets the outcomes.
    outcomes = {status for _, status in walk.seen}
    assert outcomes >= {MailStatus.OK, MailStatus.FULL, MailStatus.UNBOUND, MailStatus.MISSING_RIGHTS}, outcomes
    if STEPS >= 10_000:
        assert outcomes == set(MailStatus) - {MailStatus.IDLE, MailStatus.BUSY, MailStatus.EMPTY,
                                              MailStatus.UNDECIDED}, outcomes


@cocotb.test()
async def many_pages_at_a_time(dut):
    """All pages but two and a hart send as fast as they can, two pages receive: nothing lost, doubled, mixed or out of
    order. Instructions are killed and issued again."""
    bench = await Bench.start(dut)
    bus, config = bench.bus, bench.config
    bench.unit.latency, bench.unit.stall = (1, 9), (0, 3)
    senders, receivers = range(1, config.pages - 1), (config.pages - 1, config.pages)
    endpoints = (0x71, 0x72)
    for page in senders:
        await bus.write(page_register(page), page | 1 << 32)
        for number, endpoint in enumerate(endpoints):
            bench.unit.capabilities[page, 0x60 + number] = Capability(endpoint, Rights.SEND, badge=page << 8 | number)
    for number, page in enumerate(receivers):
        await bus.write(page_register(page), page | 1 << 32)
        bench.unit.capabilities[page, 0x60] = Capability(endpoints[number], Rights.RECEIVE)
        await bus.write(queue_register(number, QueueWord.BINDING), endpoints[number] | 1 << 32)

    each = 12
    everybody = [*senders, *([HART] if bench.hart else [])]
    # Next message of each sender, and the endpoint of the one that is staged.
    position = {page: 0 for page in senders}
    staged = {}
    sent = {number: [] for number in range(len(endpoints))}
    received = {number: [] for number in range(len(endpoints))}
    opened = {page: False for page in receivers}

    async def hart_sends():
        for sequence in range(each):
            number = random.randrange(len(endpoints))
            words = message(HART << 8 | sequence)
            program = [*((f"mail.put{pair}", words[2 * pair], words[2 * pair + 1]) for pair in range(4)),
                       ("mail.send", 0x60 + number)]
            done = MailStatus.RETRY.value
            while done != MailStatus.OK.value:
                killed = random.choice([None, *range(5)])
                if killed is not None:
                    wait = {killed: random.randrange(12)}
                    await bench.hart.run(program[:killed + 1], kill={killed}, hold=wait)
                done = (await bench.hart.run(program[killed or 0:]))[0][-1].data
                assert done in (MailStatus.OK.value, MailStatus.FULL.value), MailStatus(done)
            sent[number].append((HART, sequence))

    if bench.hart:
        await bus.write(context_register(0), HART | 1 << 32)
        for number, endpoint in enumerate(endpoints):
            bench.unit.capabilities[HART, 0x60 + number] = Capability(endpoint, Rights.SEND, badge=HART << 8 | number)
        hart = cocotb.start_soon(hart_sends())
    while sum(map(len, received.values())) < each * len(everybody):
        page = random.choice([*senders, *receivers])
        status = await bus.read(thread(page, ThreadPage.STATUS))
        if status == MailStatus.BUSY.value:
            continue
        if page in senders:
            if page in staged and status == MailStatus.OK.value:
                sent[staged.pop(page)].append((page, position[page]))
                position[page] += 1
            if page not in staged:
                if position[page] == each:
                    continue
                staged[page] = random.randrange(len(endpoints))
                for index, word in enumerate(message(page << 8 | position[page])):
                    await bus.write(thread(page, ThreadPage.MESSAGE, index), word)
            await bus.write(thread(page, ThreadPage.SEND), 0x60 + staged[page])
            continue
        number = receivers.index(page)
        if opened[page] and status == MailStatus.OK.value:
            words = [await bus.read(thread(page, ThreadPage.HEAD_MESSAGE, index)) for index in range(8)]
            badge = await bus.read(thread(page, ThreadPage.HEAD_BADGE))
            sender = badge >> 8
            earlier = [item for item in received[number] if item[0] == sender]
            sequence = next(n for n in range(each) if words == message(sender << 8 | n))
            assert badge & 0xff == number, "a message of another endpoint"
            assert not earlier or sequence > earlier[-1][1], "out of order or twice"
            received[number].append((sender, sequence))
            await bus.write(thread(page, ThreadPage.NEXT), 0x60)
        else:
            await bus.write(thread(page, ThreadPage.RECEIVE), 0x60)
        opened[page] = True
    # What arrived while other pages were looked at.
    for page, number in staged.items():
        assert await bench.status(page) == MailStatus.OK
        sent[number].append((page, position[page]))
    if bench.hart:
        await hart
    assert {key: sorted(value) for key, value in sent.items()} \
        == {key: sorted(value) for key, value in received.items()}
    assert await bus.read(ControlPage.STATISTICS + 8 * Statistic.SENT) == each * len(everybody)
