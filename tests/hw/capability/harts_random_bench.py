"""Random cocotb test of several harts' units: on each hart a kernel process changes tables of its own and invalidates,
all harts ask about everything, and one after the other revokes.

Every answer must be what the model says of some state of the tables between the question and the answer, on whichever
hart it is asked; a state is past as soon as the invalidate that belongs to its change has been acknowledged to the hart
that asked for it.
"""

import os

import cocotb
from cocotb.triggers import Lock

from hw.abi import RevokeAnswer, RevokeState, Rights, Verdict
from hw.capability import model
from hw.capability.lookaside import InvalidateKind
from hw.capability.window import WindowCommand
from tests.hw.capability.cover_points import CHECKS, INTERFACES
from tests.hw.capability.driver import op
from tests.hw.capability.harts_driver import CONFIG, Harts, component
from tests.hw.capability.random_bench import INDICES, OBJECTS, SPACES, TAGS, TYPES, WAITS, History, Kernel, question
from tests.hw.capability.trees import Forest
from tests.hw.coverage import Coverage, crossed

__all__ = ["component"]

#: Verdicts that a check in these tables comes to: memory never fails here.
VERDICTS = [verdict for verdict in Verdict if verdict != Verdict.UNDECIDED]
#: Spaces and objects of the revocations.
FOREST_SPACES, FOREST_OBJECT = (SPACES, SPACES + 1), OBJECTS

POINTS = {
    "invalidates": CHECKS["invalidates"],
    "forgets": CHECKS["forgets"],
    "changes": {point for point in CHECKS["changes"] if point[0] != "refuse"},
    "wait states": CHECKS["wait states"],
    #: Who answered, about tables that this hart or another one changes.
    "verdicts": crossed(INTERFACES, VERDICTS, ("own", "other")),
    #: Whether another hart's invalidate was under way, or a revocation, when a hart's invalidate was asked for.
    "meanwhile": {"alone", "an invalidate", "a revocation"},
    "revocations": crossed(range(CONFIG.harts), ("port", "window")),
}


class HartKernel(Kernel):
    """Changes tables of its own from its hart; nobody else changes them."""

    def __init__(self, bench, history, coverage, everybody):
        super().__init__(bench, history, coverage)
        number, harts = bench.number, CONFIG.harts
        self.spaces = [space for space in range(1, SPACES) if space % harts == number % harts] or [SPACES + 2 + number]
        self.objects = [number for number in range(OBJECTS) if number % harts == bench.number]
        self.everybody = everybody
        bench.window_taken, self.core_lock = False, Lock()

    def populate(self):
        for space in self.spaces:
            self.kernel.space(space, pages=2)
        self.addresses = {(space, index): self.kernel.slot_address(space, index)
                          for space in self.spaces for index in INDICES}
        for number in self.objects:
            self.kernel.object(number)
        for _ in range(15):
            self.fill()

    def fill(self):
        place, number = self.random.choice(sorted(self.addresses)), self.random.choice(self.objects)
        if place in self.filled:
            return
        self.filled[place] = number, self.generations[number]
        self.kernel.slot(*place, address=self.addresses[place], cap_type=self.random.choice(TYPES), object_id=number,
                         rights=Rights(self.random.randrange(8)), generation=self.generations[number],
                         tag=self.random.randint(1, TAGS), badge=self.random.getrandbits(32))

    async def change(self):
        random = self.random
        if random.random() < 0.2:
            label, = random.choices(list(WAITS), [3, 2, 1])
            self.bench.bus.wait = WAITS[label]
            self.coverage.see("wait states", label)
        action, = random.choices([self.fill_one, self.empty, self.kill_object, self.hide_directory, self.forget_all],
                                 [50, 30, 12, 12, 6])
        await action()

    async def kill_object(self):
        before, number = len(self.history.states), self.random.choice(self.objects)
        self.generations[number] += 1
        self.kernel.object(number, generation=self.generations[number])
        self.changed("object")
        named = {place for place, (object_id, _) in self.filled.items() if object_id == number}
        await self.invalidate(InvalidateKind.OBJECT, before, named, number)

    async def hide_directory(self):
        before, space = len(self.history.states), self.random.choice(self.spaces)
        address, memory = self.kernel.directory_address(space, 0), self.bench.memory
        memory.write(address, memory.read(address) ^ 1 << 63)
        self.changed("directory")
        named = {place for place in self.addresses if place[0] == space}
        await self.invalidate(InvalidateKind.SPACE, before, named, 0, space)
        memory.write(address, memory.read(address) ^ 1 << 63)
        self.history.record()

    async def invalidate(self, *arguments):
        others = [other for other in self.everybody.kernels if other is not self]
        self.coverage.see("meanwhile", "an invalidate" if any(other.invalidating for other in others) else
                          "a revocation" if self.everybody.revoking else "alone")
        await super().invalidate(*arguments)

    async def instruction(self, wanted):
        async with self.core_lock:
            await super().instruction(wanted)
        return wanted


class Everybody:
    """All that go on at the same time."""

    def __init__(self, harts, coverage):
        self.harts, self.coverage, self.random = harts, coverage, harts.random
        self.kernels = [HartKernel(hart, History(harts.memory), coverage, self) for hart in harts]
        #: Nobody needs a core any more.
        self.revoking = self.finished = False
        self.answers = self.undecided = 0
        for kernel in self.kernels:
            kernel.populate()
        harts.kernel.object(FOREST_OBJECT)
        for kernel in self.kernels:
            kernel.history.states = [(dict(harts.memory.words), set())]

    def question(self, hart):
        """A question that a hart asks, and the kernel whose tables it is about."""
        kernel = self.random.choice(self.kernels)
        space, query = question(hart, kernel)
        return space, query, next((each for each in self.kernels if space in each.spaces), kernel)

    def judge(self, hart, who, outcomes, found, kernel, space, query):
        """`found` must be among the outcomes of the model. Few are undecided: a walk may use up its time with slow
        memory, others on the bus, and invalidates that make it begin again."""
        verdict = found[0] if isinstance(found, tuple) else found.verdict
        self.answers += 1
        if verdict == Verdict.UNDECIDED:
            self.undecided += 1
            return
        assert found in outcomes, f"hart {hart.number}, {who}: {found} to {query:#x} in {space}, allowed {outcomes}"
        self.coverage.see("verdicts", who, verdict, "own" if kernel.bench is hart else "other")
        if verdict in (Verdict.OK, Verdict.WRONG_TYPE, Verdict.MISSING_RIGHTS):
            index = query & 0xffff
            kernel.known.add((space, index))

    async def asking(self, hart, who, ask, end):
        """Questions by window or check port."""
        own = self.kernels[hart.number]
        while hart.cycle < end:
            await hart.cycles(self.random.choice([1, 1, 2, 5, 20, 60]))
            space, query, kernel = self.question(hart)
            first = kernel.history.oldest
            if who == "window":
                outcome = await own.window(ask(space, query))
            else:
                outcome = await ask(space, query, take_after=self.random.choice([0, 0, 0, 3]))
            self.judge(hart, who, kernel.history.outcomes(hart, first, space, query), outcome, kernel, space, query)

    async def core(self, hart):
        """Instructions, the kernel's among them."""
        own, random = self.kernels[hart.number], self.random
        while not self.finished:
            if own.turn is not None:
                wanted = own.turn
                await hart.run([wanted])
                assert wanted.insn == op("cap.revoke").insn or wanted.data == 0
                own.turn = None
                continue
            await hart.cycles(random.choice([0, 1, 20, 60]))
            asked = [self.question(hart) for _ in range(random.randint(1, 4))]
            firsts = [kernel.history.oldest for *_, kernel in asked]
            program = [op(random.choice(["cap.badge", "cap.object"]), query, space, kill=random.random() < 0.1,
                          commit_after=random.choice([1, 1, 4]), take_after=random.choice([0, 0, 5, 30]))
                       for space, query, _ in asked]
            is_object = [each.insn == op("cap.object").insn for each in program]
            await hart.run(program)
            for each, objects, first, (space, query, kernel) in zip(program, is_object, firsts, asked, strict=True):
                if each.data is not None:
                    allowed = {(outcome.verdict, outcome.object_id if objects else outcome.badge)
                               for outcome in kernel.history.outcomes(hart, first, space, query)}
                    self.judge(hart, "port", allowed, (each.verdict, each.value), kernel, space, query)

    async def changes(self, kernel, end):
        while kernel.bench.cycle < end:
            await kernel.bench.cycles(self.random.choice([3, 20, 100]))
            await kernel.change()

    async def revocations(self, end):
        """One hart after the other revokes a tree; from the end of the run no hart says OK to any of it."""
        random, harts = self.random, list(self.harts)
        forest = Forest(self.harts.kernel, random, first=FOREST_SPACES[0], spaces=len(FOREST_SPACES))
        root = forest.add(object_id=FOREST_OBJECT)
        while harts[0].cycle < end:
            below = [root]
            for _ in range(random.randint(1, 6)):
                below.append(forest.add(random.choice(below), object_id=FOREST_OBJECT))
            asked = [forest.query(number) for number in below[1:]]

            async def ask(hart, space, query):
                return (await self.kernels[hart.number].window(hart.ask_window(space, query))).verdict
            for space, query in asked:
                assert await ask(random.choice(harts), space, query) == Verdict.OK
            hart, by = random.choice(harts), random.choice(("port", "window"))
            self.revoking = True
            if by == "port":
                answer = (await self.kernels[hart.number].instruction(op("cap.revoke", root, 0))).data
            else:
                answer = await self.kernels[hart.number].window(hart.command(WindowCommand.REVOKE, root, 0))
            assert model.unpack(RevokeAnswer, answer)["accepted"]
            outcome = await hart.revoked()
            self.revoking = False
            assert (outcome.state, outcome.revoked) == (RevokeState.DONE, len(asked))
            self.coverage.see("revocations", hart.number, by)
            for space, query in asked:
                for other in harts:
                    assert await ask(other, space, query) == Verdict.BAD_HANDLE, (hart.number, other.number)
            forest.collect(outcome.dead)
            await hart.write("dead", 0)


@cocotb.test()
async def random_against_the_model(dut):
    """Run for CYCLES cycles."""
    harts = Harts(dut, spaces=FOREST_SPACES[-1] + 1 + CONFIG.harts, pages=16, objects=OBJECTS + 1)
    coverage = Coverage("capability-harts", POINTS)
    everybody = Everybody(harts, coverage)
    await harts.start()
    end = harts.cycle + int(os.environ.get("CYCLES", 6000))
    watching = [cocotb.start_soon(kernel.watch()) for kernel in everybody.kernels]
    cores = [cocotb.start_soon(everybody.core(hart)) for hart in harts]
    tasks = [everybody.revocations(end)]
    for hart, kernel in zip(harts, everybody.kernels, strict=True):
        tasks += [everybody.changes(kernel, end),
                  everybody.asking(hart, "check", hart.ask_check, end),
                  everybody.asking(hart, "window", hart.ask_window, end)]
    await harts.together(*tasks)
    everybody.finished = True
    for each in cores:
        await each
    for each in watching:
        each.cancel()
    names = ("hits", "misses", "invalidations", "remote_invalidations", "restarts", "unanswered")
    for hart in harts:
        counts = {name: await hart.read(name) for name in names}
        dut._log.info("counters of hart %d: %s", hart.number, counts)
        assert counts["remote_invalidations"] and not counts["unanswered"]
    dut._log.info("of %d answers to harts %d undecided", everybody.answers, everybody.undecided)
    assert everybody.undecided < 0.03 * everybody.answers
    coverage.finish(dut._log)
