"""Command sequences by Hypothesis against the golden models of check and revocation."""

import random

import cocotb
from cocotb.task import resume
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from hw.abi import CapType, RevokeState, Rights
from hw.capability import model
from hw.capability.window import WindowCommand
from tests.hw.capability.driver import Bench
from tests.hw.capability.revoke_bench import agree
from tests.hw.capability.trees import Forest, copy_of
from tests.hw.state_machine import explore

INTERFACES, BOTH_WAYS = st.sampled_from(["port", "window", "check"]), st.sampled_from(["port", "window"])
#: Which of the capabilities there are, in the order in which they came.
WHICH = st.integers(0, 7)
OBJECTS = st.integers(1, 2)


class Unit(RuleBasedStateMachine):
    """A kernel that derives, revokes and kills, and processes that check; what it takes away it invalidates."""

    bench = None

    @initialize()
    @resume
    async def begin(self):
        fresh = Bench(self.dut, seed=1, spaces=3, pages=4, objects=4) if self.bench is None else self.bench
        if self.bench is None:
            type(self).bench = fresh
            await fresh.start(configure=False)
        else:
            fresh.memory.words.clear()
            fresh.kernel = model.KernelTables(fresh.memory, spaces=3, pages=4, objects=4)
            await fresh.reset()
        self.forest = Forest(fresh.kernel, random.Random(1), spaces=2)
        self.generations = {1: 1, 2: 1}
        for number in (1, 2):
            fresh.kernel.object(number)
        self.on = True
        await fresh.configure()
        self.forest.add()

    def chosen(self, which):
        places = list(self.forest.places)
        return places[which % len(places)]

    @rule(object_id=OBJECTS)
    def create(self, object_id):
        self.forest.add(object_id=object_id)

    @rule(which=WHICH)
    def derive(self, which):
        parent = self.chosen(which)
        self.forest.add(parent, object_id=self.forest.read(parent)["object_id"], rights=Rights.SEND)

    @rule(which=WHICH, by=INTERFACES, rights=st.sampled_from([Rights.SEND, Rights.GRANT, Rights.READ, Rights(0)]),
          cap_type=st.sampled_from([CapType.ENDPOINT, CapType.ENDPOINT, CapType.MEMORY]),
          off=st.sampled_from([0, 0, 1]))
    @resume
    async def check(self, which, by, rights, cap_type, off):
        number = self.chosen(which)
        space, index = self.forest.places[number]
        query = model.query(model.handle(index, self.forest.read(number)["tag"] ^ off), cap_type, rights)
        answered = await getattr(self.bench, f"ask_{by}")(space, query)
        expected = self.bench.kernel.check(space, query) if self.on else model.Outcome(model.Verdict.UNDECIDED)
        assert answered == expected, f"{answered}, model {expected}"

    @rule(which=WHICH, by=BOTH_WAYS)
    @resume
    async def install(self, which, by):
        space, query = self.forest.query(self.chosen(which))
        await self.command("cap.install", WindowCommand.INSTALL, by, query & 0xffff_ffff, space)

    @rule(object_id=OBJECTS, by=BOTH_WAYS)
    @resume
    async def kill_object(self, object_id, by):
        self.generations[object_id] += 1
        self.bench.kernel.object(object_id, generation=self.generations[object_id])
        await self.command("cap.inv.object", WindowCommand.INVALIDATE_OBJECT, by, object_id)

    @rule(which=WHICH, by=BOTH_WAYS)
    @resume
    async def empty(self, which, by):
        """Take a capability's slot out of use for good; its place in the tree stays."""
        number = self.chosen(which)
        if self.forest.children[number] or self.forest.parents[number]:
            return
        space, index = self.forest.places[number]
        self.forest.write(number, valid=0)
        await self.command("cap.inv.slot", WindowCommand.INVALIDATE_SLOT, by, model.handle(index, 0), space)

    async def command(self, name, command, by, first, second=0):
        """One command by either interface."""
        if by == "port":
            assert (await self.bench.one(name, first, second)).data == 0
        else:
            assert await self.bench.command(command, first, second) == 0

    @precondition(lambda self: self.on)
    @rule(which=WHICH, by=BOTH_WAYS, limit=st.sampled_from([None, 1, 2]))
    @resume
    async def revoke(self, which, by, limit):
        root, before = self.chosen(which), copy_of(self.bench.memory)
        outcome = await self.bench.revoke(root, limit, by=by)
        await agree(self.bench, self.forest, before, outcome, root, limit=limit)
        assert outcome.state in (RevokeState.DONE, RevokeState.STOPPED, RevokeState.BAD_ROOT)
        self.forest.collect(outcome.dead)
        await self.bench.write("dead", 0)

    @rule()
    @resume
    async def switch(self):
        self.on = not self.on
        await self.bench.write("control", int(self.on))
        await self.bench.idle()


@cocotb.test()
async def sequences_against_the_models(dut):
    await explore(dut, Unit)
