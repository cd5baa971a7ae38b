"""Random cocotb test: three requesters ask while a kernel process changes the tables as DESIGN 5 prescribes.

Every answer must be what the model says of some state of the tables between the question and the answer; a state is
past as soon as the invalidate that belongs to its change has been acknowledged.
"""

import os

import cocotb

from hw.abi import CapType, Rights, Slot, Verdict
from hw.capability import model
from hw.capability.window import WindowCommand
from tests.hw.capability.driver import Bench, op

SPACES, PAGES, OBJECTS, TAGS = 4, 2, 12, 3
INDICES = (0, 1, 2, 3, 8, 16, 127, 128, 200)
TYPES = (CapType.ENDPOINT, CapType.MEMORY)


class History:
    """States of memory since the last acknowledged invalidate."""

    def __init__(self, memory):
        self.memory = memory
        self.states = [dict(memory.words)]
        #: Number of the first state that may still be seen, and of the first one in the list.
        self.oldest = 0

    def record(self):
        """Memory has changed."""
        self.states.append(dict(self.memory.words))

    def acknowledged(self, since):
        """What was before state `since` is past."""
        self.oldest = max(self.oldest, since)

    def outcomes(self, bench, first, space, query):
        """What may be answered to a question asked when state `first` was the oldest visible."""
        found = set()
        for words in self.states[first:]:
            image = model.Memory()
            image.words = words
            found.add(model.check(image, bench.kernel.tables, space, query))
        return found


class Kernel:
    """Changes tables; every change that takes something away is followed by its invalidate."""

    def __init__(self, bench, history):
        self.bench, self.history = bench, history
        self.kernel, self.random = bench.kernel, bench.random
        self.generations = [1] * OBJECTS
        self.filled = {}
        self.turn = None
        self.finished = False
        #: Slot that changed last, and slot asked about last.
        self.recent = self.asked = None

    def populate(self):
        for space in range(1, SPACES):
            self.kernel.space(space, pages=PAGES)
        self.addresses = {(space, index): self.kernel.slot_address(space, index)
                          for space in range(1, SPACES) for index in INDICES}
        for number in range(OBJECTS):
            self.kernel.object(number)
        for _ in range(30):
            self.fill()
        self.history.states = [dict(self.bench.memory.words)]

    def fill(self):
        """Put a capability into an empty slot: nothing to invalidate."""
        place = self.random.choice(sorted(self.addresses))
        if place in self.filled:
            return
        number = self.random.randrange(OBJECTS)
        self.filled[place] = number, self.generations[number]
        self.kernel.slot(*place, address=self.addresses[place], cap_type=self.random.choice(TYPES), object_id=number,
                         rights=Rights(self.random.randrange(8)), generation=self.generations[number],
                         tag=self.random.randint(1, TAGS), badge=self.random.getrandbits(32))

    async def change(self):
        """One change and its invalidate."""
        history, memory = self.history, self.bench.memory
        choice = self.random.randrange(10)
        if choice < 5:
            self.fill()
            history.record()
            return
        before = len(history.states)
        if choice < 8 and self.filled:
            # Those that a dead object left are the likelier to go, but not at once.
            stale = [place for place, (number, generation) in self.filled.items()
                     if generation != self.generations[number]]
            space, index = self.random.choice(sorted(stale if len(stale) > 4 else self.filled))
            if self.asked in self.filled and self.random.random() < 0.6:
                space, index = self.asked
            self.recent = space, index
            del self.filled[space, index]
            address = self.addresses[space, index]
            memory.write(address + 16, memory.read(address + 16) & ~(1 << 31))
            history.record()
            if self.random.random() < 0.5:
                await self.bench.cycles(self.random.randrange(12))
            # The tag changes when the slot is emptied.
            word = memory.read(address + 8)
            memory.write(address + 8, word & ~(0xffff << 16) | self.random.randint(1, TAGS) << 16)
            history.record()
            request = ("cap.inv.slot", WindowCommand.INVALIDATE_SLOT, model.handle(index, 0), space)
        elif choice < 9:
            number = self.random.randrange(OBJECTS)
            self.generations[number] += 1
            self.kernel.object(number, generation=self.generations[number])
            history.record()
            request = ("cap.inv.object", WindowCommand.INVALIDATE_OBJECT, number, 0)
        else:
            space = self.random.randrange(1, SPACES)
            address = self.kernel.directory_address(space, 0)
            memory.write(address, memory.read(address) ^ 1 << 63)
            history.record()
            request = ("cap.inv.space", WindowCommand.INVALIDATE_SPACE, 0, space)
        name, command, first, second = request
        if self.random.random() < 0.6:
            await self.instruction(op(name, first, second, commit_after=self.random.randint(1, 5)))
        else:
            await self.window(self.bench.command(command, first, second))
        history.acknowledged(before)
        if command == WindowCommand.INVALIDATE_SPACE:
            # The directory entry comes back: nothing to invalidate.
            memory.write(address, memory.read(address) ^ 1 << 63)
            history.record()

    async def instruction(self, wanted):
        self.turn = wanted
        while self.turn is not None:
            await self.bench.cycles(1)

    async def window(self, coroutine):
        while self.bench.window_taken:
            await self.bench.cycles(1)
        self.bench.window_taken = True
        result = await coroutine
        self.bench.window_taken = False
        return result


def question(bench, kernel):
    """A space and a query, mostly about something that is there."""
    random, addresses = bench.random, kernel.addresses
    space, index = random.choice(sorted(addresses))
    if kernel.recent is not None and random.random() < 0.3:
        space, index = kernel.recent
    kernel.asked = space, index
    words = [bench.memory.read(addresses[space, index] + 8 * word) for word in range(2)]
    slot = model.unpack(Slot, words[0] | words[1] << 64)
    tag, cap_type, rights = slot["tag"], slot["cap_type"], slot["rights"]
    if random.random() < 0.15:
        tag = random.randint(0, TAGS)
    if random.random() < 0.15:
        cap_type = random.choice([*TYPES, CapType.NONE])
    rights = random.choice([0, rights, rights & random.getrandbits(16), random.randrange(8)])
    if random.random() < 0.05:
        space = random.choice([0, SPACES, 15, 16, 1 << 31])
    if random.random() < 0.05:
        index = random.randrange(1 << 16)
    return space, model.query(model.handle(index, tag), cap_type, rights)


@cocotb.test()
async def random_against_the_model(dut):
    """Run for CYCLES cycles."""
    bench = Bench(dut, spaces=SPACES, pages=8, objects=OBJECTS)
    random = bench.random
    history = History(bench.memory)
    kernel = Kernel(bench, history)
    kernel.populate()
    bench.window_taken = False
    bench.bus.wait = (0, random.choice([0, 3, 9]))
    await bench.start()
    end = bench.cycle + int(os.environ.get("CYCLES", 6000))
    counts = {verdict: 0 for verdict in Verdict}

    def judge(who, first, space, query, outcome):
        allowed = history.outcomes(bench, first, space, query)
        counts[outcome.verdict] += 1
        assert outcome in allowed, f"{who}: {outcome} to {query:#x} in {space}, allowed {allowed}"

    async def asking(who, ask):
        while bench.cycle < end:
            await bench.cycles(random.choice([1, 1, 2, 5, 20]))
            space, query = question(bench, kernel)
            first = history.oldest
            if who == "window":
                outcome = await kernel.window(ask(space, query))
            else:
                outcome = await ask(space, query, take_after=random.choice([0, 0, 0, 3]))
            judge(who, first, space, query, outcome)

    async def core():
        while not kernel.finished:
            if kernel.turn is not None:
                wanted = kernel.turn
                await bench.run([wanted])
                assert wanted.data == 0
                kernel.turn = None
                continue
            ops = []
            for _ in range(random.randint(1, 6)):
                space, query = question(bench, kernel)
                ops.append(op(random.choice(["cap.badge", "cap.object", "cap.install"]), query, space,
                              kill=random.random() < 0.1, commit_after=random.choice([1, 1, 1, 4]),
                              take_after=random.choice([0, 0, 0, 5, 30]), gap=random.choice([0, 0, 2])))
            # An answer is as of when it is taken: it may not be older than the last invalidate before that.
            first = history.oldest
            await bench.run(ops)
            for each in ops:
                if each.data is None:
                    continue
                kind = (each.insn >> 25, each.insn >> 12 & 7)
                if kind == (1, 2):
                    assert each.data == 0
                    continue
                allowed = {(each.verdict, outcome.object_id if kind == (1, 0) else outcome.badge)
                           for outcome in history.outcomes(bench, first, each.rs2, each.rs1)}
                counts[each.verdict] += 1
                assert (each.verdict, each.value) in allowed, f"port: {each} allowed {allowed}"

    async def mutating():
        while bench.cycle < end:
            await bench.cycles(random.choice([3, 30, 200]))
            await kernel.change()

    tasks = [cocotb.start_soon(core()), cocotb.start_soon(asking("check", bench.ask_check)),
             cocotb.start_soon(asking("window", bench.ask_window))]
    await mutating()
    kernel.finished = True
    for task in tasks:
        await task
    names = ("hits", "misses", "invalidations", "restarts")
    dut._log.info("verdicts %s", {verdict.name: count for verdict, count in counts.items()})
    dut._log.info("counters %s", {name: await bench.read(name) for name in names})
    assert all(counts[verdict] > 2 for verdict in Verdict if verdict != Verdict.UNDECIDED), counts
