"""Random tests of the mailbox: any access against the golden model, and commands of many pages at a time."""

import os
import random
from dataclasses import replace

import cocotb

from hw.abi import INSTRUCTIONS as ALL_INSTRUCTIONS
from hw.abi import CapType, MailStatus, Rights, Verdict
from hw.mailbox.registers import RATE_BITS, ControlPage, QueueWord, SenderWord, Statistic, ThreadPage
from tests.hw.coverage import Coverage
from tests.hw.mailbox.cover_points import points
from tests.hw.mailbox.driver import (
    Bench,
    Capability,
    LibraryBus,
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
#: Handles of what is never of use.
ODD = range(0x60, 0x63)
#: Space of the hart that sends by instructions.
HART = 0x70
#: So long that a limit's debt does not fall by a message's worth within a test.
PERIOD = 1 << 20


def random_handle():
    return random.choice(random.choices((HANDLES, ODD), (7, 3))[0])


def random_capability(handle):
    """What a handle may name; None: nothing."""
    usual = Capability(random.choice(ENDPOINTS), random.choice(
        [Rights.SEND | Rights.RECEIVE] * 3 + [Rights.SEND, Rights.RECEIVE, Rights.SEND | Rights.GRANT]),
        badge=random.getrandbits(32))
    if handle in HANDLES:
        return usual
    states = Verdict.STALE, Verdict.EMPTY, Verdict.UNDECIDED
    return random.choice([None, replace(usual, rights=Rights.READ), replace(usual, cap_type=CapType.CHANNEL),
                          *(replace(usual, state=state) for state in states)])


class Walk:
    """One random step after the other."""

    def __init__(self, bench, coverage):
        self.bench, self.coverage = bench, coverage
        self.pages = range(1, bench.config.pages + 1)
        self.queues = range(bench.config.queues)

    async def step(self):
        actions = {self.send: 34, self.receive: 22, self.pop: 22, self.next: 26, self.any_read: 4, self.bind_page: 3,
                   self.bind_queue: 2, self.rate: 2, self.wipe: 3, self.mask: 4, self.any_write: 6,
                   self.change_capability: 6}
        if self.bench.hart:
            actions |= {self.instructions: 45, self.bind_context: 4, self.forget: 2}
        action, = random.choices(list(actions), list(actions.values()))
        before = self.levels()
        await action()
        self.coverage.see("interrupt", self.line())
        for old, new in zip(before, self.levels(), strict=True):
            if new == old + 1:
                self.coverage.see("stored at", old)
            elif new == old - 1 and action in (self.pop, self.next):
                self.coverage.see("removed at", old)

    def levels(self):
        """How many messages each queue holds."""
        return [len(queue.messages) for queue in self.bench.model.queues]

    # -- What the kernel does.

    def owner(self, owner):
        """What a page or a context that is bound anew loses."""
        pairs = getattr(owner, "pairs", None)
        staged = any(owner.staging) if pairs is None else pairs
        return "open" if owner.view else "staged" if staged else "idle"

    async def bind_page(self):
        page = random.choice(self.pages)
        self.coverage.see("page bound", self.owner(self.bench.model.pages[page]))
        await self.bench.bind_page(page, random.choice(SPACES), enabled=random.random() < 0.95,
                                   kernel=random.random() < 0.4)

    async def bind_context(self):
        context = random.randrange(self.bench.config.contexts)
        self.coverage.see("context bound", self.owner(self.bench.model.contexts[context]))
        await self.bench.bind_context(context, random.choice(SPACES), enabled=random.random() < 0.95)

    async def forget(self):
        opened = any(context.view for context in self.bench.model.contexts)
        self.coverage.see("forgotten", "open" if opened else "nothing open")
        await self.bench.forget()

    def emptied(self, how, number):
        """A queue loses its messages."""
        model = self.bench.model
        queue = model.queues[number]
        for owners, what in ((model.pages, "open in a page"), (model.contexts, "open in a context")):
            if any(owner.view_queue is queue for owner in owners):
                self.coverage.see("emptied", how, what)
        self.coverage.see("emptied", how, "messages" if queue.messages else "empty")

    async def bind_queue(self):
        queue = random.choice(self.queues)
        self.emptied("bind", queue)
        await self.bench.bind_queue(queue, random.choice(ENDPOINTS), enabled=random.random() < 0.9)

    async def rate(self):
        burst = random.choice([0, 0, 1, 2, 5])
        value = PERIOD | (burst * PERIOD + PERIOD // 2) << 32 if burst else 0
        sender = random.randrange(self.bench.config.senders)
        await self.bench.write(sender_register(sender, SenderWord.RATE), value)
        if random.random() < 0.5:
            await self.bench.write(sender_register(sender, SenderWord.BINDING),
                                   random.choice(SPACES) | (random.random() < 0.8) << 32)

    async def wipe(self):
        queue = random.randrange(self.bench.config.queues + 1)
        if queue in self.queues:
            self.emptied("wipe", queue)
        await self.bench.write(ControlPage.WIPE, queue)

    async def mask(self):
        if random.random() < 0.5:
            delay = random.choice([0, (1 << RATE_BITS) - 1])
            await self.bench.write(ControlPage.INTERRUPT_COALESCING, random.randrange(6) | delay << 32)
        # Both halves alike: as many numbers are drawn as for 32 queues.
        enable = random.choice([0, 1, random.getrandbits(32) * 0x1_0000_0001])
        await self.bench.write(ControlPage.INTERRUPT_ENABLE, enable)
        await self.bench.compare_lines()

    def line(self):
        """Why the interrupt line is as it is."""
        model = self.bench.model
        if not model.pending & model.interrupt_enable:
            return "masked" if model.pending else "nothing pending"
        if any(len(queue.messages) >= model.threshold for number, queue in enumerate(model.queues)
               if model.interrupt_enable >> number & 1):
            return "enough"
        return "waited" if model.irq else "too few"

    async def change_capability(self):
        for handles in (HANDLES, ODD):
            handle = random.choice(handles)
            self.bench.unit.capabilities[random.choice(SPACES), handle] = random_capability(handle)

    # -- What threads do.

    def sent(self, space, status, capabilities=()):
        """A send was decided."""
        if status == MailStatus.OK:
            self.coverage.see("sent", "with capabilities" if any(capabilities) else "without")
        bucket = next((each for each in self.bench.model.senders if each.enabled and each.space == space), None)
        kind = "none" if bucket is None else "limited" if bucket.period else "unlimited"
        if status in (MailStatus.OK, MailStatus.RATE_LIMITED):
            self.coverage.see("buckets", kind, status)

    async def instructions(self):
        """Any of them, often in the order that makes sense; some killed, some behind slow ones."""
        bench = self.bench
        bench.hart.context = random.randrange(bench.config.contexts)
        context = bench.model.contexts[bench.hart.context]
        bench.hart.slow_stores = random.choice([0, 0, 3])
        send = [*(f"mail.put{pair}" for pair in range(4)), "mail.send"]
        receive = ["mail.receive", *random.sample([name for name in INSTRUCTIONS if "get" in name], 3), "mail.pop"]
        names = random.choice([send, send, receive, receive[:-1], receive[:-1],
                               random.choices(INSTRUCTIONS, k=random.randint(1, 8))])
        program = [(name, random_handle() if name in ("mail.send", "mail.receive") else random.getrandbits(64),
                    random.getrandbits(64)) for name in names]
        numbers = range(len(program))
        kill = {number for number in numbers if random.random() < 0.05}
        hold = {number: random.randint(1, 15) for number in numbers
                if random.random() < (0.5 if number in kill else 0.1)}
        done, _ = await bench.execute(*program, kill=kill, hold=hold)
        for number, (name, data) in enumerate(zip(names, done, strict=True)):
            operation = name.removeprefix("mail.").rstrip("01234567")
            if number in kill:
                self.coverage.see("killed", operation, "held back" if number in hold else "at once")
            elif operation in ("send", "receive", "pop"):
                status = MailStatus(data & 0xff)
                self.coverage.see("instructions", operation, status)
                if operation == "send":
                    self.sent(context.space, status)
        await bench.compare_lines()

    async def command(self, register):
        """A command of a random page, by a random handle, then its status."""
        number = random.choice(self.pages)
        page, capabilities = self.bench.model.pages[number], self.bench.model.pages[number].staging[8:]
        if not page.enabled:
            assert not await self.bench.write(thread(number, register), 1)
            return
        if register in (ThreadPage.POP, ThreadPage.NEXT) and random.random() < 0.5:
            # By the handle that opened it, as far as there is a message.
            await self.bench.command(number, ThreadPage.RECEIVE, handle := random_handle())
        else:
            handle = random_handle()
        status = await self.bench.command(number, register, handle)
        self.coverage.see("commands", register, "kernel" if page.kernel else "user", status)
        if register == ThreadPage.SEND:
            self.sent(page.space, status, capabilities)
        elif register != ThreadPage.POP and status == MailStatus.OK:
            self.coverage.see("opened at", len(page.view_queue.messages))
        if register != ThreadPage.SEND and random.random() < 0.5:
            await self.bench.head(number)

    async def send(self):
        number = random.choice(self.pages)
        for _ in range(random.choice([0, 1, 3])):
            select = random.choice([0xff, 0xff, 0x0f, 0, random.getrandbits(8)])
            word = thread(number, ThreadPage.MESSAGE, random.choice([*range(10), 8, 9]))
            if await self.bench.write(word, random.getrandbits(64), select):
                self.coverage.see("lanes", {0xff: "all", 0: "none"}.get(select, "some"))
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
            address = self.any_address()
            value = await self.bench.read(address)
            where = "page" if address >> 12 else "control"
            self.coverage.see("bus", "read", where, "refused" if value is None else "done")

    async def any_write(self):
        """A store to anywhere, commands aside: those are compared with their status."""
        address = self.any_address()
        if address >= 0x1000 and 0x80 <= address & 0xfff < 0xa0:
            return
        if ControlPage.SENDERS <= address < ControlPage.QUEUES or address == ControlPage.INTERRUPT_COALESCING:
            return
        done = await self.bench.write(address, random.getrandbits(64),
                                      random.choice([0xff, 0x0f, random.getrandbits(8)]))
        self.coverage.see("bus", "write", "page" if address >> 12 else "control", "done" if done else "refused")


@cocotb.test()
async def any_access(dut):
    """Whatever software does, mailbox and model agree."""
    bench = await Bench.start(dut, LibraryBus)
    bench.unit.latency, bench.unit.stall = (1, 12), (0, 4)
    bench.unit.capabilities = {(space, handle): random_capability(handle)
                               for space in SPACES for handle in (*HANDLES, *ODD)}
    coverage = Coverage("mailbox-random", points(bench.config))
    walk = Walk(bench, coverage)
    for page in walk.pages:
        await bench.bind_page(page, page % len(SPACES), kernel=page % 3 == 0)
    for context in range(bench.config.contexts):
        await bench.bind_context(context, context)
    for queue in walk.queues:
        await bench.bind_queue(queue, ENDPOINTS[0] + queue, enabled=queue < 4)
    for number in range(1, STEPS + 1):
        await walk.step()
        if number % 200 == 0:
            await bench.compare_all()
    await bench.compare_all()
    coverage.finish(dut._log)


@cocotb.test()
async def many_pages_at_a_time(dut):
    """All pages but two and a hart send as fast as they can, two pages receive: nothing lost, doubled, mixed or out of
    order. Instructions are killed and issued again."""
    bench = await Bench.start(dut, LibraryBus)
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
