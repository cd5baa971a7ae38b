"""The Hypothesis state machine of capabilities, whatever carries them out: :class:`CapabilityRules`.

A :class:`System` is kernel/cap on the host (capability_machine.py), a booted kernel (tests/system/booted_machine.py),
or kernel/cap with the RTL of the capability unit as its unit (tests/hw/capability/kernel_bench.py). Rules and model are
the same; each adds what only it can do or see.
"""

from __future__ import annotations

import functools
import random
from abc import ABC, abstractmethod
from collections.abc import Iterable

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from hw.abi import TYPE_RIGHTS, CapType, Query, Rights, Status, Verdict
from tests.kernel.capability_model import Capability, CapabilityModel, ModelObject

__all__ = ["ALL_RIGHTS", "OFTEN", "PLACES", "RIGHT_SETS", "SELDOM", "TYPES", "CapabilityRules", "System", "query"]

ALL_RIGHTS = sum(r.value for r in Rights)
RIGHT_SETS = st.one_of(st.just(ALL_RIGHTS), st.integers(0, ALL_RIGHTS))
TYPES = st.sampled_from([CapType.ENDPOINT, CapType.MEMORY, CapType.NOTIFICATION, CapType.CHANNEL,
                         CapType.SHARED_BUFFER])
PLACES = st.integers(0, 1 << 16)
OFTEN, SELDOM = st.integers(0, 3).map(bool), st.integers(0, 3).map(lambda number: not number)


def query(handle: int, cap_type: int, rights: int) -> int:
    return Query.const({"handle": handle, "cap_type": cap_type, "rights": rights}).as_bits()


class System(ABC):
    """Operations on capabilities as the kernel offers them. Handles, spaces and statuses are the kernel's own.

    Attributes
    ----------
    most_spaces : int
        That exist at a time.
    full_spaces_refuse : bool
        Whether one more is refused with NO_SLOTS; otherwise nobody asks for it.
    answers_for_dead_spaces : bool
        Whether one can ask about a space that is no more.
    space_slots : int
        Capabilities that a space may hold, if it is not sealed.
    limits_rise : bool
        Whether a space that is sealed may be given more again.
    """

    most_spaces = 3
    full_spaces_refuse = True
    answers_for_dead_spaces = True
    limits_rise = False
    space_slots: int

    @abstractmethod
    def new_space(self) -> tuple[Status, int]: ...

    @abstractmethod
    def destroy_space(self, space: int) -> None: ...

    @abstractmethod
    def create(self, space: int, cap_type: CapType) -> tuple[Status, int, int]:
        """A new object with a capability of all rights of its type; status, the object's id and the handle."""

    @abstractmethod
    def destroy(self, space: int, handle: int) -> Status:
        """Kill the object that a capability names."""

    @abstractmethod
    def derive(self, space: int, handle: int, rights: int, badge: int) -> tuple[Status, int]: ...

    @abstractmethod
    def transfer(self, source: int, to: int, handles: list[int], move: int) -> tuple[Status, list[int]]: ...

    @abstractmethod
    def delete(self, space: int, handle: int) -> Status: ...

    @abstractmethod
    def revoke(self, space: int, handle: int, limit: int) -> tuple[Status, int]:
        """To the end, in steps of at most `limit` if there are such; status and how many died."""

    @abstractmethod
    def seal(self, space: int, limit: int) -> Status: ...

    @abstractmethod
    def used(self, spaces: list[int]) -> list[int]:
        """Capabilities that each space holds, and only those."""

    @abstractmethod
    def check(self, asked: list[tuple[int, int]]) -> Iterable[set[tuple[Verdict, int]]]:
        """Verdict and badge of each Query in a space, from everything that answers them."""

    def can_transfer(self, source: int, to: int, count: int, move: int) -> bool:
        """Whether such a transfer can be asked for at all."""
        return True

    def room(self, model: CapabilityModel, space: int, count: int) -> bool:
        """Are there slots for `count` more? Then it must not be refused for want of them."""
        return len(model.spaces[space]) + count <= model.limits.get(space, self.space_slots)

    def has_objects(self, alive: int) -> bool:
        """Is there an id for one more object?"""
        return True


class CapabilityRules(RuleBasedStateMachine):
    """Random operations of all kinds. `system` and `model` are there from the first rule on; see :meth:`begin`."""

    system: System
    #: Handles that were given out last, compared after every step.
    recent = 12

    def begin(self, system: System, spaces: int = 2) -> None:
        """To be called by an @initialize rule."""
        self.system = system
        self.model = CapabilityModel()
        self.objects: list[ModelObject] = []
        self.given: list[tuple[int, int]] = []
        self.ever: list[Capability] = []
        for _ in range(spaces):
            self.new_space()

    @property
    def begun(self) -> bool:
        return hasattr(self, "model")

    # ---- helpers

    def give(self, capability: Capability) -> None:
        self.given.append((capability.space, capability.handle))
        self.ever.append(capability)

    def pick(self, place: int) -> Capability | None:
        """Mostly a capability that lives, sometimes one that once did."""
        live = [c for slots in self.model.spaces.values() for c in slots.values()]
        chosen = [c for c in self.ever if self.askable(c.space)] if place % 8 == 0 or not live else live
        return chosen[place // 8 % len(chosen)] if chosen else None

    def askable(self, space: int) -> bool:
        return self.system.answers_for_dead_spaces or space in self.model.spaces

    def pick_space(self, place: int) -> int | None:
        spaces = sorted(self.model.spaces)
        return spaces[place % len(spaces)] if spaces else None

    def expected(self, capability: Capability, needed: int) -> Status:
        """Status of finding a capability with rights `needed`."""
        if self.model.lookup(capability.space, capability.handle) is not capability:
            return Status.BAD_HANDLE
        if not capability.target.alive:
            return Status.STALE
        return Status.MISSING_RIGHTS if needed & ~capability.rights.value else Status.OK

    def expected_to_bear(self, capability: Capability, rights: int) -> Status:
        """Status of finding one that is to be derived from."""
        return self.expected(capability, rights | Rights.DERIVE.value)

    def expected_to_travel(self, capability: Capability, moves: bool) -> Status:
        """Status of finding one that is to be copied or moved."""
        return self.expected(capability, Rights.GRANT.value)

    # ---- rules

    @rule()
    def new_space(self):
        full = len(self.model.spaces) == self.system.most_spaces
        if full and not self.system.full_spaces_refuse:
            return
        status, space = self.system.new_space()
        if status != Status.OK:
            # The system's pages may have gone to spaces that are large.
            assert status == Status.NO_SLOTS and (full or self.system.full_spaces_refuse)
            return
        assert not full and space not in self.model.spaces
        self.model.spaces[space] = {}

    @rule(place=PLACES)
    def destroy_space(self, place):
        if len(self.model.spaces) > 1:
            space = self.pick_space(place)
            self.system.destroy_space(space)
            self.model.destroy_space(space)

    @rule(place=PLACES, cap_type=TYPES)
    def create(self, place, cap_type):
        if (space := self.pick_space(place)) is None:
            return
        status, identifier, handle = self.system.create(space, cap_type)
        if status == Status.NO_SLOTS:
            assert not self.system.room(self.model, space, 1)
        elif status == Status.NO_OBJECTS:
            assert not self.system.has_objects(sum(o.alive for o in self.objects))
        else:
            assert status == Status.OK and all(o.identifier != identifier for o in self.objects if o.alive)
            self.objects.append(ModelObject(identifier, cap_type))
            self.give(self.model.add(Capability(space, handle, self.objects[-1], TYPE_RIGHTS[cap_type], 0)))

    @rule(place=PLACES)
    def destroy(self, place):
        """The object that a capability names dies: every capability to it is stale."""
        if (capability := self.pick(place)) is not None:
            expected = self.expected(capability, Rights.MANAGE.value)
            status = self.system.destroy(capability.space, capability.handle)
            assert status == expected, f"{status}, model {expected}"
            if expected == Status.OK:
                capability.target.alive = False

    @rule(place=PLACES, rights=RIGHT_SETS, badge=st.integers(0, 2))
    def derive(self, place, rights, badge):
        if (parent := self.pick(place)) is not None:
            self.derive_from(parent, rights & parent.rights.value if place % 3 else rights, badge)

    def derive_from(self, parent: Capability, rights: int, badge: int) -> Capability | None:
        """A child of `parent`, if there is to be one."""
        status, handle = self.system.derive(parent.space, parent.handle, rights, badge)
        expected = self.expected_to_bear(parent, rights)
        if expected == Status.OK and badge and parent.badge and badge != parent.badge:
            expected = Status.BAD_ARGUMENT
        if expected == Status.OK and status == Status.NO_SLOTS:
            assert not self.system.room(self.model, parent.space, 1)
            return None
        assert status == expected, f"{status}, model {expected}"
        if status != Status.OK:
            return None
        child = Capability(parent.space, handle, parent.target, Rights(rights), badge or parent.badge, parent)
        self.give(self.model.add(child))
        return child

    @rule(places=st.lists(PLACES, min_size=1, max_size=5), place=PLACES, move=st.integers(0, 31))
    def transfer(self, places, place, move):
        chosen = [c for c in map(self.pick, places) if c is not None]
        if not chosen:
            return
        source, to = chosen[0].space, self.pick_space(place)
        chosen = [c for c in chosen if c.space == source]
        if place % 4:
            move &= (1 << len(chosen)) - 1
        if not self.system.can_transfer(source, to, len(chosen), move):
            return
        status, received = self.system.transfer(source, to, [c.handle for c in chosen], move)
        if len(chosen) > 4 or move >> len(chosen):
            assert status == Status.BAD_ARGUMENT
            return
        expected = Status.OK
        for i, capability in enumerate(chosen):
            expected = self.expected_to_travel(capability, bool(move >> i & 1))
            if expected != Status.OK:
                break
            if any(c is capability and (move >> i | move >> j) & 1 for j, c in enumerate(chosen[:i])):
                expected = Status.BAD_ARGUMENT
                break
        if expected == Status.OK and status == Status.NO_SLOTS:
            assert not self.system.room(self.model, to, len(chosen))
            return
        assert status == expected, f"{status}, model {expected}"
        if status != Status.OK:
            return
        for i, capability in enumerate(chosen):
            if move >> i & 1:
                self.model.move(capability, to, received[i])
                self.give(capability)
            else:
                copy = Capability(to, received[i], capability.target, capability.rights, capability.badge, capability)
                self.give(self.model.add(copy))

    @rule(place=PLACES)
    def delete(self, place):
        if (capability := self.pick(place)) is not None:
            self.delete_capability(capability)

    def delete_capability(self, capability: Capability) -> None:
        present = self.model.lookup(capability.space, capability.handle) is capability
        assert self.system.delete(capability.space, capability.handle) == (Status.OK if present else Status.BAD_HANDLE)
        if present:
            self.model.delete(capability)

    @rule(place=PLACES, limit=st.integers(1, 4))
    def revoke(self, place, limit):
        if (capability := self.pick(place)) is not None:
            self.revoke_capability(capability, limit)

    def revoke_capability(self, capability: Capability, limit: int) -> None:
        expected = self.expected(capability, Rights.REVOKE.value)
        status, total = self.system.revoke(capability.space, capability.handle, limit)
        assert status == expected, f"{status}, model {expected}"
        if status == Status.OK:
            assert total == self.model.revoke(capability)

    @rule(place=PLACES, limit=st.integers(1, 4))
    def end_tree(self, place, limit):
        """Revoke a root, and be rid of it or of a whole space while what was emptied may not be reclaimed yet."""
        if (capability := self.pick(place)) is None:
            return
        while capability.parent is not None:
            capability = capability.parent
        self.revoke_capability(capability, limit)
        if place % 3:
            self.delete_capability(capability)
        else:
            self.destroy_space(place)

    @rule(place=PLACES, more=st.integers(-1, 6), wide=SELDOM)
    def seal(self, place, more, wide):
        """What a space may hold is not less than what it holds; by system call it goes down only."""
        if (space := self.pick_space(place)) is None:
            return
        most = self.system.space_slots
        limit = most + 1 if wide else max(0, len(self.model.spaces[space]) + more)
        good = self.model.seal(space, limit, most, self.system.limits_rise)
        assert self.system.seal(space, limit) == (Status.OK if good else Status.BAD_ARGUMENT)

    @rule(place=PLACES, handle=st.integers(0, (1 << 32) - 1), rights=RIGHT_SETS, cap_type=TYPES)
    def guess(self, place, handle, rights, cap_type):
        """A guessed handle is OK only where the model holds that capability."""
        space = self.pick_space(place)
        if space is not None and self.model.lookup(space, handle) is None:
            [answers] = self.system.check([(space, query(handle, cap_type.value, rights))])
            assert {verdict for verdict, _ in answers} <= {Verdict.BAD_HANDLE, Verdict.EMPTY}

    def burst_operations(self, choose: random.Random, place) -> list[tuple[float, object]]:
        """Weights and operations that a burst chooses from."""
        types = (CapType.ENDPOINT, CapType.MEMORY, CapType.CHANNEL)
        return [
            (4, lambda: self.create(place(), choose.choice(types))),
            (8, lambda: self.derive(place(), choose.choice((ALL_RIGHTS, place() & ALL_RIGHTS)), choose.randrange(3))),
            (6, lambda: self.transfer([place() for _ in range(choose.randrange(1, 5))], place(), place() & 15)),
            (2, lambda: self.delete(place())), (2, lambda: self.revoke(place(), choose.randrange(1, 5))),
            (2, lambda: self.end_tree(place(), choose.randrange(1, 5))),
            (0.3, lambda: self.seal(place(), choose.randrange(-1, 7), False)), (1, lambda: self.destroy(place())),
            (1, self.new_space), (0.3, lambda: self.destroy_space(place()))]

    @rule(seed=st.integers(0, (1 << 32) - 1))
    def burst(self, seed):
        """Many operations for one choice: Hypothesis alone favours the rules that need no arguments."""
        choose = random.Random(seed)
        weights, operations = zip(*self.burst_operations(choose, functools.partial(choose.randrange, 1 << 16)),
                                  strict=True)
        for operation in choose.choices(operations, weights=weights, k=20):
            operation()
            self.after_each_of_a_burst()

    def after_each_of_a_burst(self) -> None:
        self.verdicts_agree()

    # ---- what must hold after every step

    def questions(self, space: int, handle: int) -> list[tuple[int, int, int]]:
        """Type and rights to ask about a handle, on both sides of the answer."""
        capability = self.model.lookup(space, handle)
        rights = capability.rights.value if capability else 0
        cap_type = capability.target.cap_type.value if capability else CapType.ENDPOINT.value
        return [(cap_type, rights), (cap_type, rights | Rights.SEND.value), (cap_type ^ 1, 0)]

    def compare(self, places: Iterable[tuple[int, int]]) -> None:
        """Verdict and badge of handles, by everything that answers, and by the model."""
        asked, expected = [], []
        for space, handle in places:
            for cap_type, rights in self.questions(space, handle):
                verdict, _, badge = self.model.check(space, handle, cap_type, rights)
                asked.append((space, query(handle, cap_type, rights)))
                expected.append((verdict, badge))
        for (space, question), answers, outcome in zip(asked, self.system.check(asked), expected, strict=True):
            assert answers == {outcome}, f"space {space}, query {question:#x}: {answers}, model {outcome}"

    @invariant()
    def verdicts_agree(self):
        if self.begun:
            live = {(space, handle) for space, slots in self.model.spaces.items() for handle in slots}
            self.compare(sorted(live | {(space, handle) for space, handle in self.given[-self.recent:]
                                        if self.askable(space)}))

    def final_state_agrees(self) -> None:
        """Every handle ever given out, and how full the spaces are."""
        self.compare(sorted({place for place in self.given if self.askable(place[0])}))
        spaces = sorted(self.model.spaces)
        assert self.system.used(spaces) == [len(self.model.spaces[space]) for space in spaces]
