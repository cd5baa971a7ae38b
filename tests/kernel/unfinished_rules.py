"""Revocations that stay unfinished: rules for kernel/cap on the host, which can stop after any step.

Which descendants die first is the kernel's choice. The model is told of them by their handles, and holds it to the
rest: none dies before its own descendants, what has the mark is neither derived from nor moved, and whoever deletes it
finishes first.
"""

import functools
import random

from hypothesis import strategies as st
from hypothesis.stateful import rule

from hw.abi import Rights, Status, Verdict
from tests.kernel.capability_model import Capability
from tests.kernel.capability_rules import ALL_RIGHTS, OFTEN, PLACES, CapabilityRules, query

__all__ = ["UnfinishedRevocations"]


class UnfinishedRevocations(CapabilityRules):
    """To be mixed in where `lib`, `slot` and `insert` are those of capability_machine.py; `use_engine` switches it."""

    #: Root of the revocation that is not finished.
    revoking: Capability | None = None

    def marked(self, capability: Capability) -> bool:
        """Has it, which is there, the mark?"""
        return bool(self.slot(self.slot_number(capability))["mark"])

    def expected(self, capability, needed):
        status = super().expected(capability, needed)
        uses = needed & (Rights.DERIVE.value | Rights.GRANT.value)
        return Status.WOULD_BLOCK if status == Status.OK and uses and self.marked(capability) else status

    def sync(self) -> None:
        """Bring the model to what the kernel has killed until now."""
        if self.revoking is None:
            return
        tree = [self.revoking, *self.revoking.descendants()]
        dead = {id(c) for c in tree[1:]
                if self.lib.cap_check_badge(c.space, query(c.handle, 0, 0)) & 0xff == Verdict.BAD_HANDLE.value}
        for capability in tree:
            assert id(capability) not in dead or all(id(child) in dead for child in capability.children)
            capability.children = [child for child in capability.children if id(child) not in dead]
            if id(capability) in dead:
                del self.model.spaces[capability.space][capability.handle]
        if not self.marked(self.revoking):
            assert not self.revoking.children
            self.revoking = None

    def finish(self) -> None:
        """The kernel has come to the end of what was not finished."""
        if self.revoking is not None:
            self.model.revoke(self.revoking)
            self.revoking = None

    @rule(place=PLACES)
    def destroy_space(self, place):
        if len(self.model.spaces) > 1:
            space = self.pick_space(place)
            self.system.destroy_space(space)
            self.finish()
            self.model.destroy_space(space)

    def delete_marked(self, capability: Capability) -> bool:
        """Deletes one that has the mark; false if it has none, or is not there."""
        if self.model.lookup(capability.space, capability.handle) is not capability or not self.marked(capability):
            return False
        root = capability is self.revoking
        assert self.system.delete(capability.space, capability.handle) == (Status.OK if root else Status.BAD_HANDLE)
        if root:
            self.finish()
            self.model.delete(capability)
        self.sync()
        return True

    def revoke_capability(self, capability, limit):
        while self.revoking not in (None, capability):
            assert self.lib.cap_settle()
            self.sync()
        super().revoke_capability(capability, limit)
        if capability is self.revoking and not self.marked(capability):
            self.revoking = None

    @rule(place=PLACES, limit=st.integers(0, 4), steps=st.integers(1, 12), pausing=OFTEN)
    def revoke_some(self, place, limit, steps, pausing):
        """Some steps of a revocation."""
        if (capability := self.pick(place)) is None:
            return
        while place % 3 and capability.parent is not None:
            capability = capability.parent
        if self.expected(capability, Rights.REVOKE.value) != Status.OK:
            return
        self.lib.host_set_pause(pausing)
        out = self.ffi.new("uint64_t *")
        for _ in range(steps):
            status = Status(self.lib.cap_revoke(capability.space, capability.handle, limit, out))
            if status != Status.WOULD_BLOCK:
                break
            self.revoking = self.revoking or capability
            self.sync()
        self.lib.host_set_pause(False)
        if status == Status.OK:
            assert self.revoking in (None, capability) and not self.marked(capability)
            self.model.revoke(capability)
            self.revoking = None
        else:
            # It may have been below the one that was to be finished first.
            assert status == Status.WOULD_BLOCK or self.model.lookup(capability.space, capability.handle) is None

    def use_marked(self, place: int) -> None:
        """Whoever meets the mark is told, or goes on with the revocation."""
        marked = [c for slots in self.model.spaces.values() for c in slots.values() if self.marked(c)]
        assert bool(marked) == (self.revoking is not None)
        if not marked:
            return
        capability, what = marked[place // 8 % len(marked)], place % 8
        if what < 4:
            status, _ = self.system.derive(capability.space, capability.handle, 0, 0)
            assert status == self.expected(capability, Rights.DERIVE.value)
        elif what < 7:
            to, move = self.pick_space(place), place >> 7 & 1
            status, _ = self.system.transfer(capability.space, to, [capability.handle], move)
            assert status == self.expected(capability, Rights.GRANT.value)
        else:
            self.delete_capability(capability)

    @rule(seed=st.integers(0, (1 << 32) - 1))
    def interrupted(self, seed):
        """Trees of some size, revocations that stop, and what others do with what has the mark."""
        choose = random.Random(seed)
        place = functools.partial(choose.randrange, 1 << 16)
        self.insert(place(), place(), ALL_RIGHTS, 0)
        for _ in range(choose.randrange(4, 12)):
            self.derive(place() * 24 + 1, ALL_RIGHTS, 0)
        for _ in range(choose.randrange(1, 6)):
            self.revoke_some(place(), choose.randrange(4), choose.randrange(1, 4), choose.randrange(4) > 0)
            for _ in range(choose.randrange(4)):
                self.use_marked(place())
            self.after_each_of_a_burst()
        if choose.randrange(3) == 0:
            self.destroy_space(place())
        else:
            self.settle_by_steps(place())

    def settle_by_steps(self, place: int) -> None:
        """However short the steps of software are, each gets somewhere: to a slot below, or one slot less."""
        self.use_engine(False)
        self.revoke_some(place, 4, 1, True)
        self.lib.host_set_pause(True)
        for _ in range(2 * sum(map(len, self.model.spaces.values())) + 2):
            if not self.lib.cap_settle():
                break
            self.sync()
        self.lib.host_set_pause(False)
        self.use_engine(self.with_engine)
        assert self.revoking is None and not self.lib.cap_settle()
