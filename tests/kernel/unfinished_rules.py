"""Revocations that stay unfinished: rules for kernel/cap on the host, which can stop after any step.

Which descendants die first is the kernel's choice. The model is told of them by their handles, and holds it to the
rest: none dies before its own descendants, nothing is derived or copied from the root and what is below it, what has
the mark is not moved, and whoever deletes it finishes first.
"""

import functools
import random
import re

from hypothesis import strategies as st
from hypothesis.stateful import rule

from hw.abi import Rights, Status, Verdict
from kernel.build import KERNEL
from tests.kernel.capability_model import Capability
from tests.kernel.capability_rules import ALL_RIGHTS, OFTEN, PLACES, CapabilityRules, query

__all__ = ["UnfinishedRevocations"]


#: So far the kernel follows the way up to see whether a capability is below the root.
KNOWN_DEPTH = int(re.search(r"CAP_KNOWN_DEPTH = (\d+)", (KERNEL / "cap" / "cap.h").read_text())[1])


class UnfinishedRevocations(CapabilityRules):
    """To be mixed in where `lib`, `slot` and `insert` are those of capability_machine.py; `use_engine` switches it."""

    #: Root of the revocation that is not finished.
    revoking: Capability | None = None

    def marked(self, capability: Capability) -> bool:
        """Has it, which is there, the mark?"""
        return bool(self.slot(self.slot_number(capability))["mark"])

    def being_revoked(self, capability: Capability) -> bool:
        """Is it the root that is being revoked, or below it, or too deep below its object for the kernel to see?"""
        if self.revoking is None or capability.target.identifier != self.revoking.target.identifier:
            return False
        way = [capability]
        while way[-1].parent is not None:
            way.append(way[-1].parent)
        return self.revoking in way or len(way) > KNOWN_DEPTH

    def expected_to_bear(self, capability, rights):
        status = super().expected_to_bear(capability, rights)
        return Status.WOULD_BLOCK if status == Status.OK and self.being_revoked(capability) else status

    def expected_to_travel(self, capability, moves):
        status = super().expected_to_travel(capability, moves)
        stays = status == Status.OK and (self.marked(capability) if moves else self.being_revoked(capability))
        return Status.WOULD_BLOCK if stays else status

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
        self.revoke_steps(capability, limit, steps, pausing)

    def revoke_steps(self, capability: Capability, limit: int, steps: int, pausing: bool) -> None:
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
            assert status == self.expected_to_bear(capability, 0)
        elif what < 7:
            to, move = self.pick_space(place), place >> 7 & 1
            status, _ = self.system.transfer(capability.space, to, [capability.handle], move)
            assert status == self.expected_to_travel(capability, bool(move))
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

    def new_root(self) -> Capability | None:
        """One without descendants, if there is room and an object."""
        given = len(self.ever)
        self.insert(0, 0, ALL_RIGHTS, 0)
        return None if len(self.ever) == given else self.ever[-1]

    @rule(children=st.integers(3, 6), made=st.integers(1, 3))
    def undermined(self, children, made):
        """Who holds descendants derives from them and deletes them while they are revoked, which gives their children
        to the root: it ends nevertheless, after as many steps as there were descendants."""
        if (root := self.new_root()) is None:
            return
        while self.lib.cap_settle():
            self.sync()
        for _ in range(children):
            self.derive_from(root, ALL_RIGHTS, 0)
        # Another tree of the object goes on, as far as the kernel looks.
        other = deep = self.new_root()
        for _ in range(KNOWN_DEPTH if other is not None else 0):
            deep = self.derive_from(deep, ALL_RIGHTS, 0) or deep
        for _ in range(len(root.children) + 1):
            self.revoke_steps(root, 1, 1, False)
            if other is not None:
                self.derive_from(other, 0, 0)
                self.derive_from(deep, 0, 0)
            if root.children:
                # The walk comes to the oldest last.
                oldest = root.children[0]
                for _ in range(made):
                    self.derive_from(oldest, ALL_RIGHTS, 0)
                self.delete_capability(oldest)
        assert not root.children and self.revoking is None, "the revocation goes on and on"

    @rule(children=st.integers(3, 6))
    def end_in_one_go(self, children):
        """A space that ends has the rest of a revocation done without a pause: no engine is stopped after each slot."""
        if len(self.model.spaces) < 2 or (root := self.new_root()) is None:
            return
        while self.lib.cap_settle():
            self.sync()
        for _ in range(children):
            self.derive_from(root, ALL_RIGHTS, 0)
        self.revoke_steps(root, 1, 1, False)
        self.lib.host_set_pause(True)
        runs = self.runs
        self.destroy_space(0)
        self.lib.host_set_pause(False)
        assert self.runs <= runs + 1

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
