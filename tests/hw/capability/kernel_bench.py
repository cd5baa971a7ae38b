"""kernel/cap with the RTL as its capability unit, by the state machine of capabilities (tests/kernel).

The kernel's C runs in the simulator's process on tables that the RTL walks. Its hooks are what they are on the SoC: an
invalidate is a command of the unit, done when the hook returns, and its revocations are runs of the unit's engine.
After each step every verdict is asked of the unit by instructions, and by window or check port in turns.
"""

import os
import random
from collections import deque
from types import SimpleNamespace

import cocotb
from cocotb.task import resume
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from hw.abi import RevokeState
from hw.capability import model
from hw.capability.window import WindowCommand
from tests.hw.capability.driver import Bench, op
from tests.hw.state_machine import explore
from tests.kernel.capability_machine import CapabilityMachine
from tests.kernel.capability_rules import OFTEN, PLACES, SELDOM, query
from tests.kernel.host_library import build, load

#: What the hooks say is to be forgotten, in the order of host_hooks.c.
COMMANDS = (("cap.inv.slot", WindowCommand.INVALIDATE_SLOT), ("cap.inv.space", WindowCommand.INVALIDATE_SPACE),
            ("cap.inv.object", WindowCommand.INVALIDATE_OBJECT))


class KernelWithUnit(CapabilityMachine):
    """The rules of the kernel on the host, and what only a unit can do. Verdicts are compared as on the host, too."""

    bench = None

    @initialize(seed=st.integers(1, (1 << 64) - 1), with_engine=OFTEN, attached=SELDOM)
    def start(self, seed, with_engine, attached):
        self.failure = None
        self.choose = random.Random(seed)
        self.forgets = self.ffi.callback("void(int, uint32_t, uint32_t)", self.forget, onerror=self.fail)
        super().start(seed, with_engine, attached)

    def begin(self, system, spaces=2):
        self.power_on()
        self.lib.host_set_observer(self.forgets)
        super().begin(system, spaces)

    @resume
    async def power_on(self):
        if self.bench is None:
            type(self).bench = Bench(self.dut, seed=1)
            await self.bench.start(configure=False)
        else:
            await self.bench.reset()
        self.bench.memory, self.bench.kernel = self.memory, SimpleNamespace(tables=self.tables)
        await self.bench.configure()

    # ---- hooks

    def fail(self, kind, error, traceback):
        """The kernel's C can not raise: whoever looks at the result of its call does."""
        self.failure = self.failure or error

    def no_failure(self):
        if self.failure is not None:
            raise self.failure

    @resume
    async def forget(self, what, number, handle):
        name, command = COMMANDS[what]
        operands = (handle, number) if name == "cap.inv.slot" else (number, 0)
        await self.command(name, command, *operands)

    async def command(self, name, command, *operands):
        """One command by either interface."""
        if self.choose.randrange(2):
            assert (await self.bench.one(name, *operands)).data == 0
        else:
            assert await self.bench.command(command, *operands) == 0

    def empty_descendants(self, root, limit, dead, finished):
        """The revocation engine. It makes the unit forget by itself, so only the host's cache is told."""
        try:
            object_id = self.slot(root)["object_id"]
            run = self.run_engine(root, limit, dead[0])
            self.runs += 1
            assert run.state in (RevokeState.DONE, RevokeState.STOPPED), run.state
        except Exception as error:
            self.fail(type(error), error, None)
            finished[0] = True
            return 0
        self.lib.host_set_observer(self.ffi.NULL)
        self.lib.cap_hook_invalidate_object(object_id)
        self.lib.host_set_observer(self.forgets)
        dead[0], finished[0] = run.dead, run.state == RevokeState.DONE
        return run.revoked

    @resume
    async def run_engine(self, root, limit, dead):
        await self.bench.write("dead", dead)
        return await self.bench.revoke(root, limit, by=self.choose.choice(("port", "window")))

    # ---- rules

    @rule(place=PLACES)
    def install(self, place):
        """Prefetch of a slot, which claims nothing."""
        if (capability := self.pick(place)) is not None:
            self.prefetch(capability.space, capability.handle)

    @resume
    async def prefetch(self, space, handle):
        await self.command("cap.install", WindowCommand.INSTALL, handle, space)

    @rule(place=PLACES)
    def off_and_on(self, place):
        """A unit that is off says nothing, and remembers nothing from before when it is on again."""
        self.switch(False)
        [outcomes] = self.ask([(space, query(handle, *self.questions(space, handle)[0]))
                               for space, handle in self.given[-1:]]) or [set()]
        assert outcomes <= {model.Outcome(model.Verdict.UNDECIDED)}
        self.use_engine(False)
        self.delete(place)
        self.use_engine(self.with_engine)
        self.switch(True)

    @resume
    async def switch(self, on):
        await self.bench.write("control", int(on))
        await self.bench.idle()

    # ---- what must hold

    def compare(self, places):
        """Also: by each interface of the unit, with the object's id."""
        self.no_failure()
        places = list(places)
        super().compare(places)
        asked = [(space, handle, *question) for space, handle in places for question in self.questions(space, handle)]
        answers = self.ask([(space, query(*question)) for space, *question in asked])
        for place, outcomes in zip(asked, answers, strict=True):
            expected = model.Outcome(*self.model.check(*place))
            assert outcomes == {expected}, f"space, handle, type, rights {place}: {outcomes}, model {expected}"

    @resume
    async def ask(self, questions):
        """What the unit says to each question in a space, by instructions and by one of the other interfaces."""
        bench = self.bench
        results = deque(await bench.run([op(name, question, space) for space, question in questions
                                         for name in ("cap.object", "cap.badge")]))
        answers = []
        for space, question in questions:
            first, second = results.popleft(), results.popleft()
            assert first.verdict == second.verdict
            other = self.choose.choice((bench.ask_window, bench.ask_check))
            answers.append({model.Outcome(first.verdict, first.value, second.value), await other(space, question)})
        return answers

    def after_each_of_a_burst(self):
        """An operation costs much here, and what it changed is among what was given last."""
        self.no_failure()
        self.compare(sorted(set(self.given[-3:])))
        self.derivation_tree_agrees()


@cocotb.test()
async def the_kernel_and_its_unit_agree_with_the_model(dut):
    planted = tuple(filter(None, [os.environ.get("KERNEL_FAULT")]))
    # No sanitizer of addresses: its runtime is not in the simulator.
    KernelWithUnit.ffi, KernelWithUnit.lib = load(build(planted, addresses=False))
    await explore(dut, KernelWithUnit, examples=8, rules=8)
