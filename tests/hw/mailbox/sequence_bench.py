"""Command sequences by Hypothesis against the golden model of the mailbox."""

import cocotb
from cocotb.task import resume
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from hw.abi import Rights, Verdict
from hw.mailbox.registers import ControlPage, QueueWord, ThreadPage
from tests.hw.mailbox.driver import Bench, Capability, LibraryBus, message, queue_register, thread
from tests.hw.state_machine import explore

#: Few of each, so that they meet.
PAGES, CONTEXTS, QUEUES = st.integers(1, 3), st.integers(0, 1), st.integers(0, 1)
SPACES, HANDLES, ENDPOINTS = st.integers(5, 6), st.integers(1, 2), st.integers(8, 9)
BOTH = Rights.SEND | Rights.RECEIVE
CAPABILITIES = st.builds(
    Capability, ENDPOINTS, st.sampled_from([BOTH, Rights.SEND, Rights.RECEIVE, Rights.GRANT]), st.integers(0, 3),
    state=st.sampled_from([Verdict.OK, Verdict.OK, Verdict.STALE, Verdict.EMPTY, Verdict.UNDECIDED]))
MOSTLY = st.sampled_from([True, True, True, False])
#: Longer than any test: what is owed stays owed.
PERIOD = 1 << 20


class Mailbox(RuleBasedStateMachine):
    """What kernel and threads do, one thing after the other; each access is compared with the model's."""

    bench = None

    @initialize()
    @resume
    async def begin(self):
        if type(self).bench is None:
            type(self).bench = await Bench.start(self.dut, LibraryBus)
        else:
            await self.bench.reset()
        # Everybody may do everything at first.
        self.bench.unit.capabilities = {(space, handle): Capability(7 + handle, BOTH, space)
                                        for space in (5, 6) for handle in (1, 2)}
        for page in (1, 2, 3):
            await self.bench.bind_page(page, 5 + page % 2, kernel=page == 3)
        for number in (0, 1):
            await self.bench.bind_context(number, 5 + number)
            await self.bench.bind_queue(number, 8 + number)

    @rule(space=SPACES, handle=HANDLES, capability=CAPABILITIES)
    def grant(self, space, handle, capability):
        self.bench.unit.capabilities[space, handle] = capability

    @rule(page=PAGES, space=SPACES, kernel=st.booleans(), enabled=MOSTLY)
    @resume
    async def bind_page(self, page, space, kernel, enabled):
        await self.bench.bind_page(page, space, kernel=kernel, enabled=enabled)

    @rule(context=CONTEXTS, space=SPACES, enabled=MOSTLY)
    @resume
    async def bind_context(self, context, space, enabled):
        await self.bench.bind_context(context, space, enabled=enabled)

    @rule(queue=QUEUES, endpoint=ENDPOINTS, enabled=MOSTLY)
    @resume
    async def bind_queue(self, queue, endpoint, enabled):
        await self.bench.bind_queue(queue, endpoint, enabled=enabled)

    @rule(queue=QUEUES)
    @resume
    async def wipe(self, queue):
        await self.bench.write(ControlPage.WIPE, queue)

    @rule(sender=QUEUES, space=SPACES, burst=st.integers(0, 2))
    @resume
    async def limit(self, sender, space, burst):
        await self.bench.limit(sender, space, PERIOD * (burst > 0), burst * PERIOD)

    @rule(enable=st.integers(0, 3), threshold=st.integers(0, 3))
    @resume
    async def interrupt(self, enable, threshold):
        await self.bench.write(ControlPage.INTERRUPT_COALESCING, threshold | (1 << 24) - 1 << 32)
        await self.bench.write(ControlPage.INTERRUPT_ENABLE, enable)
        await self.bench.compare_lines()

    @rule(page=PAGES, word=st.integers(0, 9), value=st.integers(0, 3), lanes=st.sampled_from([0xff, 0x0f, 0x80]))
    @resume
    async def stage(self, page, word, value, lanes):
        await self.bench.write(thread(page, ThreadPage.MESSAGE, word), value * 0x0101_0101_0101_0101, lanes)

    @rule(page=PAGES, handle=HANDLES,
          register=st.sampled_from([ThreadPage.SEND, ThreadPage.RECEIVE, ThreadPage.POP, ThreadPage.NEXT]))
    @resume
    async def command(self, page, handle, register):
        if self.bench.model.pages[page].enabled:
            await self.bench.command(page, register, handle)
        else:
            await self.bench.write(thread(page, register), handle)

    @rule(page=PAGES, handle=HANDLES, number=st.integers(0, 3))
    @resume
    async def deliver(self, page, handle, number):
        if self.bench.model.pages[page].enabled:
            await self.bench.send(page, handle, message(number))

    @rule(page=PAGES, handle=HANDLES)
    @resume
    async def take(self, page, handle):
        if self.bench.model.pages[page].enabled:
            await self.bench.receive(page, handle)

    @rule(page=PAGES)
    @resume
    async def head(self, page):
        await self.bench.head(page)

    @rule(context=CONTEXTS, handle=HANDLES, number=st.integers(0, 3), pairs=st.integers(2, 4), killed=st.booleans())
    @resume
    async def send(self, context, handle, number, pairs, killed):
        words = message(number)
        self.bench.hart.context = context
        await self.bench.execute(*((f"mail.put{pair}", words[2 * pair], words[2 * pair + 1]) for pair in range(pairs)),
                                 ("mail.send", handle), kill={pairs} if killed else ())

    @rule(context=CONTEXTS, handle=HANDLES)
    @resume
    async def receive(self, context, handle):
        self.bench.hart.context = context
        await self.bench.execute(("mail.receive", handle), "mail.get0", "mail.get7")

    @rule(context=CONTEXTS, killed=st.booleans())
    @resume
    async def pop(self, context, killed):
        self.bench.hart.context = context
        await self.bench.execute("mail.get3", "mail.pop", kill={1} if killed else ())

    @rule()
    @resume
    async def forget(self):
        await self.bench.forget()

    def teardown(self):
        if self.bench is not None:
            self.compare()

    @resume
    async def compare(self):
        """What is left: counts and counters."""
        await self.bench.compare_lines()
        for queue in (0, 1):
            await self.bench.read(queue_register(queue, QueueWord.FILL))
        for number in range(8):
            await self.bench.read(ControlPage.STATISTICS + 8 * number)


@cocotb.test()
async def sequences_against_the_model(dut):
    await explore(dut, Mailbox)
