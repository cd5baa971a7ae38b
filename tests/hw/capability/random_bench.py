"""Random cocotb test: three requesters ask while a kernel process changes the tables as DESIGN 5 prescribes.

Every answer must be what the model says of some state of the tables between the question and the answer; a state is
past as soon as the invalidate that belongs to its change has been acknowledged.
"""

import os
from bisect import bisect_left, bisect_right
from collections import Counter

import cocotb
from cocotb.triggers import FallingEdge

from hw.abi import CapType, Handle, Query, Rights, Slot, Verdict
from hw.capability import model
from hw.capability.lookaside import InvalidateKind
from hw.capability.window import WindowCommand
from tests.hw.capability.cover_points import CHECKS, INTERFACES, OF_LINES
from tests.hw.capability.driver import BY_NAME, Bench, op
from tests.hw.coverage import Coverage

SPACES, PAGES, OBJECTS, TAGS = 4, 2, 12, 3
INDICES = (0, 1, 2, 3, 8, 16, 127, 128, 200)
TYPES = (CapType.ENDPOINT, CapType.MEMORY)
WAITS = {"none": (0, 0), "few": (0, 3), "many": (4, 8)}
NAMES = {(each.funct7, each.funct3): name for name, each in BY_NAME.items()}
#: Each invalidate as an instruction and as a command.
INVALIDATES = {
    InvalidateKind.SLOT: ("cap.inv.slot", WindowCommand.INVALIDATE_SLOT),
    InvalidateKind.SPACE: ("cap.inv.space", WindowCommand.INVALIDATE_SPACE),
    InvalidateKind.OBJECT: ("cap.inv.object", WindowCommand.INVALIDATE_OBJECT),
    InvalidateKind.ALL: (None, WindowCommand.INVALIDATE_ALL),
}


class History:
    """States of memory since the last acknowledged invalidate."""

    def __init__(self, memory):
        self.memory = memory
        self.states = [(dict(memory.words), set())]
        #: Number of the first state that may still be seen, and of the first one in the list.
        self.oldest = 0

    def record(self):
        """Memory has changed."""
        self.states.append((dict(self.memory.words), set(self.memory.refused)))

    def acknowledged(self, since):
        """What was before state `since` is past."""
        self.oldest = max(self.oldest, since)

    def outcomes(self, bench, first, space, query):
        """What may be answered to a question asked when state `first` was the oldest visible."""
        found = set()
        for words, refused in self.states[first:]:
            image = model.Memory()
            image.words, image.refused = words, refused
            found.add(model.check(image, bench.kernel.tables, space, query))
        return found


class Kernel:
    """Changes tables; every change that takes something away is followed by its invalidate."""

    def __init__(self, bench, history, coverage):
        self.bench, self.history, self.coverage = bench, history, coverage
        self.kernel, self.random = bench.kernel, bench.random
        self.generations = [1] * OBJECTS
        self.filled = {}
        self.turn = None
        self.finished = False
        #: Slot that changed last, and slot asked about last.
        self.recent = self.asked = None
        #: Places that the lookaside buffer may hold.
        self.known = set()
        #: Place with a word that memory refuses at the moment.
        self.refused = []
        #: The only interface that asks at the moment.
        self.alone = None
        #: Kind and interface of the invalidate that is under way.
        self.invalidating = None

    def populate(self):
        for space in range(1, SPACES):
            self.kernel.space(space, pages=PAGES)
        self.addresses = {(space, index): self.kernel.slot_address(space, index)
                          for space in range(1, SPACES) for index in INDICES}
        for number in range(OBJECTS):
            self.kernel.object(number)
        for _ in range(30):
            self.fill()
        self.history.states = [(dict(self.bench.memory.words), set())]

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
        random = self.random
        if random.random() < 0.2:
            label, = random.choices(list(WAITS), [3, 2, 1])
            self.bench.bus.wait = WAITS[label]
            self.coverage.see("wait states", label)
        action, = random.choices([self.fill_one, self.empty, self.kill_object, self.hide_directory, self.refuse,
                                  self.forget_all, self.leave_alone], [50, 30, 12, 12, 16, 6, 20])
        await action()

    def changed(self, what):
        """A step of a change is in memory."""
        self.history.record()
        walking = int(self.bench.dut.walker_cyc.value)
        self.coverage.see("changes", what, "walking" if walking else "quiet")

    async def fill_one(self):
        self.fill()
        self.changed("fill")

    async def empty(self):
        """Empty a slot: the valid bit first, then the tag changes."""
        if not self.filled:
            return
        before, memory = len(self.history.states), self.bench.memory
        # Those that a dead object left are the likelier to go, but not at once.
        stale = self.stale()
        space, index = self.random.choice(stale if len(stale) > 4 else sorted(self.filled))
        if self.asked in self.filled and self.random.random() < 0.6:
            space, index = self.asked
        self.recent = space, index
        del self.filled[space, index]
        address = self.addresses[space, index]
        memory.write(address + 16, memory.read(address + 16) & ~(1 << 31))
        self.changed("empty")
        if self.random.random() < 0.5:
            await self.bench.cycles(self.random.randrange(12))
        word = memory.read(address + 8)
        memory.write(address + 8, word & ~(0xffff << 16) | self.random.randint(1, TAGS) << 16)
        self.history.record()
        await self.invalidate(InvalidateKind.SLOT, before, {(space, index)}, model.handle(index, 0), space)

    def stale(self):
        """Places of capabilities whose object has died."""
        return sorted(place for place, (number, generation) in self.filled.items()
                      if generation != self.generations[number])

    async def kill_object(self):
        before, number = len(self.history.states), self.random.randrange(OBJECTS)
        self.generations[number] += 1
        self.kernel.object(number, generation=self.generations[number])
        self.changed("object")
        named = {place for place, (object_id, _) in self.filled.items() if object_id == number}
        await self.invalidate(InvalidateKind.OBJECT, before, named, number)

    async def hide_directory(self):
        """A page of slots disappears, and comes back: then there is nothing to invalidate."""
        before, space = len(self.history.states), self.random.randrange(1, SPACES)
        address, memory = self.kernel.directory_address(space, 0), self.bench.memory
        memory.write(address, memory.read(address) ^ 1 << 63)
        self.changed("directory")
        named = {place for place in self.addresses if place[0] == space}
        await self.invalidate(InvalidateKind.SPACE, before, named, 0, space)
        memory.write(address, memory.read(address) ^ 1 << 63)
        self.history.record()

    async def refuse(self):
        """Memory refuses a word of the tables for a while."""
        space, index = place = self.random.choice(sorted(set(self.filled) - self.known or self.filled))
        self.bench.memory.refused = {self.random.choice([
            self.kernel.space_address(space), *(self.addresses[place] + offset for offset in (0, 8, 16)),
            self.kernel.object_address(self.filled[place][0])])}
        self.refused = [place]
        self.changed("refuse")
        await self.bench.cycles(self.random.choice([10, 60, 120]))
        self.bench.memory.refused, self.refused = set(), []
        self.history.record()

    async def leave_alone(self):
        """One of the interfaces has the unit for itself, as long as nothing changes."""
        self.alone = self.random.choice(INTERFACES)
        await self.bench.cycles(120)
        self.alone = None

    async def may_ask(self, who):
        """Wait while another is alone."""
        while self.alone not in (None, who):
            await self.bench.cycles(1)

    async def forget_all(self):
        await self.invalidate(InvalidateKind.ALL, self.history.oldest, set(self.addresses))

    async def invalidate(self, kind, before, named, first=0, second=0):
        """Forget the places `named`; states before number `before` are past then."""
        name, command = INVALIDATES[kind]
        by = "port" if name is not None and self.random.random() < 0.6 else "window"
        if kind != InvalidateKind.ALL or named & self.known:
            self.coverage.see("forgets", kind, "known" if named & self.known else "unknown")
        self.known -= named
        self.invalidating = kind, by
        if by == "port":
            await self.instruction(op(name, first, second, commit_after=self.random.randint(1, 5)))
        else:
            await self.window(self.bench.command(command, first, second))
        self.invalidating = None
        self.history.acknowledged(before)

    async def watch(self):
        """What the unit is doing when an invalidate begins."""
        dut = self.bench.dut
        while True:
            await FallingEdge(dut.clk)
            if int(dut.forgets.value) and self.invalidating:
                walking = int(dut.walker_cyc.value)
                self.coverage.see("invalidates", *self.invalidating, "walking" if walking else "quiet")
                self.invalidating = None

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
    # Rather something that is remembered, cannot be read now, lost its object, or has just changed.
    likely = random.choice([sorted(kernel.known), kernel.stale(), [kernel.recent], []])
    if kernel.refused and random.random() < 0.6:
        likely = kernel.refused
    if likely and likely[0]:
        space, index = random.choice(likely)
    kernel.asked = space, index
    words = [bench.memory.words.get(addresses[space, index] + 8 * word, 0) for word in range(2)]
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


class Judge:
    """Holds answers against the model, and keeps what they were answers to."""

    def __init__(self, bench, history, kernel, coverage):
        self.bench, self.history, self.kernel, self.coverage = bench, history, kernel, coverage
        #: Interfaces that wait for an answer, and slots that they asked about.
        self.waiting, self.slots = set(), Counter()

    def place(self, space, query):
        """Space and index that a question is about."""
        return space, model.unpack(Handle, model.unpack(Query, query)["handle"])["index"]

    def reads(self, first, last):
        """Addresses that the walker read in these cycles."""
        cycles = self.bench.bus.read_cycles
        return self.bench.bus.reads[bisect_left(cycles, first):bisect_right(cycles, last)]

    def origin(self, verdict, place, first, last):
        """Whether the answer came from the lookaside buffer; None if the walks of others leave that open."""
        if not self.reads(first - 1, last + 1):
            return "hit" if verdict in OF_LINES and place in self.kernel.known else None
        space = place[0]
        walked = space < SPACES and self.kernel.kernel.space_address(space) in self.reads(first, last)
        return "miss" if walked and self.slots[place] <= 1 else None

    def seen(self, who, verdict, space, query, first, last):
        """An answer, and the cycles from the question to it."""
        place = self.place(space, query)
        origin = self.origin(verdict, place, first, last)
        if origin is not None:
            self.coverage.see("verdicts", who, verdict, origin)
        self.coverage.see("together", who, len(self.waiting - {who}))
        if verdict in (Verdict.OK, Verdict.WRONG_TYPE, Verdict.MISSING_RIGHTS):
            self.kernel.known.add(place)

    async def asking(self, who, ask, end):
        """Questions by the window or the check port, until cycle `end`."""
        bench, random = self.bench, self.bench.random
        while bench.cycle < end:
            await bench.cycles(random.choice([1, 1, 2, 5, 20, 60]))
            await self.kernel.may_ask(who)
            space, query = question(bench, self.kernel)
            first, began, place = self.history.oldest, bench.cycle, self.place(space, query)
            self.waiting.add(who)
            self.slots[place] += 1
            if who == "window":
                outcome = await self.kernel.window(ask(space, query))
            else:
                lying = random.choice([0, 0, 0, 3])
                outcome = await ask(space, query, take_after=lying)
                self.coverage.see("answers", who, "left lying" if lying else "taken")
            allowed = self.history.outcomes(bench, first, space, query)
            assert outcome in allowed, f"{who}: {outcome} to {query:#x} in {space}, allowed {allowed}"
            self.seen(who, outcome.verdict, space, query, began, bench.cycle)
            self.waiting.discard(who)
            self.slots[place] -= 1

    def instructions(self, selected):
        """A few instructions with the space that each is about, and the space that is selected behind them."""
        random, found = self.bench.random, []

        def add(name, *operands, space):
            found.append((op(name, *operands, kill=random.random() < 0.1, commit_after=random.choice([1, 1, 1, 4]),
                             take_after=random.choice([0, 0, 0, 5, 30]), gap=random.choice([0, 0, 2])), space))
        for _ in range(random.randint(1, 6)):
            space, query = question(self.bench, self.kernel)
            name = random.choice(["cap.badge", "cap.object", "cap.badge", "cap.object", "cap.check", "cap.install"])
            if name != "cap.check":
                add(name, query, space, space=space)
                continue
            add("cap.space", space, space=selected)
            selected = selected if found[-1][0].kill else space
            add(name, query, space=selected)
        return found, selected

    async def core(self):
        """Instructions, those of the kernel among them, until it is finished."""
        bench, kernel, selected = self.bench, self.kernel, 0
        while not kernel.finished:
            if kernel.turn is not None:
                wanted = kernel.turn
                await bench.run([wanted])
                assert wanted.data == 0
                kernel.turn = None
                continue
            await bench.cycles(bench.random.choice([0, 0, 20, 60]))
            if kernel.alone not in (None, "port"):
                await bench.cycles(1)
                continue
            program, selected = self.instructions(selected)
            # An answer is as of when it is taken: it may not be older than the last invalidate before that.
            first = self.history.oldest
            self.waiting.add("port")
            await bench.run([each for each, _ in program])
            for each, space in program:
                self.judge_instruction(each, space, first)
            self.waiting.discard("port")

    def judge_instruction(self, each, space, first):
        """`space` is the one it is about; of `cap.space` the one that was selected before."""
        name = NAMES[each.insn >> 25, each.insn >> 12 & 7]
        self.coverage.see("instructions", name, "killed" if each.kill else "done")
        if each.data is None:
            return
        self.coverage.see("answers", "port", "left lying" if each.take_after else "taken")
        if name in ("cap.install", "cap.space"):
            assert each.data == (0 if name == "cap.install" else space), each
            return
        allowed = {(outcome.verdict, outcome.object_id if name == "cap.object" else outcome.badge)
                   for outcome in self.history.outcomes(self.bench, first, space, each.rs1)}
        assert (each.verdict, each.value) in allowed, f"port: {each} allowed {allowed}"
        self.seen("port", each.verdict, space, each.rs1, each.issued, each.offered)


@cocotb.test()
async def random_against_the_model(dut):
    """Run for CYCLES cycles."""
    bench = Bench(dut, spaces=SPACES, pages=8, objects=OBJECTS)
    random, history = bench.random, History(bench.memory)
    coverage = Coverage("capability-random", CHECKS)
    kernel = Kernel(bench, history, coverage)
    kernel.populate()
    judge = Judge(bench, history, kernel, coverage)
    bench.window_taken = False
    await bench.start()
    end = bench.cycle + int(os.environ.get("CYCLES", 6000))
    watching = cocotb.start_soon(kernel.watch())
    tasks = [cocotb.start_soon(task) for task in (judge.core(), judge.asking("check", bench.ask_check, end),
                                                  judge.asking("window", bench.ask_window, end))]
    while bench.cycle < end:
        await bench.cycles(random.choice([3, 20, 100]))
        await kernel.change()
    kernel.finished = True
    for task in tasks:
        await task
    watching.cancel()
    names = ("hits", "misses", "invalidations", "restarts")
    dut._log.info("counters %s", {name: await bench.read(name) for name in names})
    coverage.finish(dut._log)
