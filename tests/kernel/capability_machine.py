"""Hypothesis state machine: kernel/cap on the host against the reference model.

Not collected by pytest itself: test_capability.py runs it in a process with the sanitizers' runtime. After every step
for every handle that lives or lately died, and at the end for every handle ever given out, the kernel's verdict, the
verdict of a unit that caches, the verdict of the hardware's golden model on the same tables, and the reference model's
verdict are the same.

Usage: python tests/kernel/capability_machine.py LIBRARY EXAMPLES STEPS [--first]

--first ends at the first failure without looking for the shortest one.
"""

import functools
import os
import random
import sys
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

from capability_model import Capability, CapabilityModel, ModelObject  # noqa: E402
from host_library import load  # noqa: E402

from hw.abi import (  # noqa: E402
    PAGE_BYTES,
    SLOT_BYTES,
    SLOTS_PER_PAGE,
    Answer,
    CapType,
    DirectoryEntry,
    Query,
    RevokeState,
    Rights,
    Slot,
    SpaceEntry,
    Status,
    Verdict,
)
from hw.capability import model as golden  # noqa: E402
from hw.capability import revoke_model  # noqa: E402

RIGHT_SETS = st.one_of(st.just(sum(r.value for r in Rights)), st.integers(0, sum(r.value for r in Rights)))
TYPES = st.sampled_from([CapType.ENDPOINT, CapType.MEMORY, CapType.PROCESS])
PLACES = st.integers(0, 1 << 16)
#: Two pages of slots for each space.
SPACE_SLOTS = 2 * SLOTS_PER_PAGE
OFTEN, SELDOM = st.integers(0, 3).map(bool), st.integers(0, 3).map(lambda number: not number)
ffi, lib = load(Path(sys.argv[1])) if len(sys.argv) > 1 else (None, None)


class HostMemory:
    """The process's own memory, for the hardware's golden models."""

    def read(self, address: int) -> int:
        return ffi.cast("uint64_t *", address)[0]

    def write(self, address: int, value: int) -> None:
        ffi.cast("uint64_t *", address)[0] = value & (1 << 64) - 1


def query(handle: int, cap_type: int, rights: int) -> int:
    return Query.const({"handle": handle, "cap_type": cap_type, "rights": rights}).as_bits()


class CapabilityMachine(RuleBasedStateMachine):
    """Random operations of all kinds on a small system: 5 pages of slots, 3 spaces, 3 objects."""

    @initialize(seed=st.integers(1, (1 << 64) - 1), with_engine=OFTEN, attached=SELDOM)
    def start(self, seed, with_engine, attached):
        lib.host_reset((1 << 64) - 1)
        config = {"slot_pages": 6, "space_count": 4, "object_count": 4, "pages_per_space": 2, "seed": seed}
        assert lib.cap_init(ffi.new("struct cap_config *", config)) == Status.OK.value
        where = ffi.new("struct cap_tables *")
        lib.cap_tables_get(where)
        self.tables = golden.Tables(
            space_base=where.spaces, space_count=where.space_count, slot_base=where.slots, slot_count=where.slot_count,
            object_base=where.objects, object_count=where.object_count, memory_base=0, memory_bytes=1 << 64)
        # Held here: the library only borrows it.
        self.engine = ffi.callback("uint64_t(uint32_t, uint32_t, uint32_t *, bool *)", self.empty_descendants)
        lib.host_set_attached(attached)
        lib.host_set_engine(self.engine if with_engine else ffi.NULL)
        self.model = CapabilityModel()
        self.objects: list[ModelObject] = []
        self.given: list[tuple[int, int]] = []
        self.ever: list[Capability] = []
        for _ in range(2):
            self.new_space()
        for cap_type in (CapType.ENDPOINT, CapType.MEMORY):
            self.new_object(cap_type)

    def empty_descendants(self, root: int, limit: int, dead, finished) -> int:
        """The revocation engine, by its golden model."""
        object_id = revoke_model.read_slot(HostMemory(), self.tables, root)["object_id"]
        run = revoke_model.revoke(HostMemory(), self.tables, root, limit=limit, dead=dead[0])
        # Seen by who waits for the revocation: an exception ends in the C code that calls.
        assert run.state in (RevokeState.DONE, RevokeState.STOPPED), run.state
        lib.cap_hook_invalidate_object(object_id)
        dead[0], finished[0] = run.dead, run.state == RevokeState.DONE
        return run.revoked

    # ---- helpers

    def number(self, call, *arguments) -> tuple[Status, int]:
        out = ffi.new("uint32_t[4]")
        return Status(call(*arguments, out)), out[0]

    def room(self, space: int, count: int = 1) -> bool:
        """May the kernel refuse for want of slots? Only if neither the space nor the system has room."""
        used = len(self.model.spaces[space])
        if used + count > self.model.limits.get(space, SPACE_SLOTS):
            return False
        total = sum(max(1, -(-len(slots) // SLOTS_PER_PAGE)) for slots in self.model.spaces.values())
        return used + count <= SLOTS_PER_PAGE or (used + count <= 2 * SLOTS_PER_PAGE and total < 5)

    def give(self, capability: Capability):
        self.given.append((capability.space, capability.handle))
        self.ever.append(capability)

    def pick(self, place: int) -> Capability | None:
        """Mostly a capability that lives, sometimes one that once did."""
        live = [c for slots in self.model.spaces.values() for c in slots.values()]
        chosen = self.ever if place % 8 == 0 or not live else live
        return chosen[place // 8 % len(chosen)] if chosen else None

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

    # ---- rules

    @rule()
    def new_space(self):
        status, space = self.number(lib.cap_space_create)
        if len(self.model.spaces) == 3:
            assert status == Status.NO_SLOTS
        elif status == Status.OK:
            assert space not in self.model.spaces
            self.model.spaces[space] = {}
        else:
            assert status == Status.NO_SLOTS

    @rule(place=PLACES)
    def destroy_space(self, place):
        if len(self.model.spaces) > 1:
            space = self.pick_space(place)
            lib.cap_space_destroy(space)
            self.model.destroy_space(space)

    @rule(cap_type=TYPES)
    def new_object(self, cap_type):
        status, identifier = self.number(lib.object_create, cap_type.value, 0xfeed)
        if status == Status.OK:
            assert all(o.identifier != identifier for o in self.objects if o.alive)
            self.objects.append(ModelObject(identifier, cap_type))
        else:
            assert status == Status.NO_OBJECTS and sum(o.alive for o in self.objects) == 3

    @rule(place=PLACES)
    def destroy_object(self, place):
        alive = [o for o in self.objects if o.alive]
        if alive:
            target = alive[place % len(alive)]
            lib.object_destroy(target.identifier)
            target.alive = False

    @rule(place=PLACES, which=PLACES, rights=RIGHT_SETS, badge=st.integers(0, 3))
    def insert(self, place, which, rights, badge):
        space = self.pick_space(place)
        if not self.objects:
            return
        named = self.objects[which % len(self.objects)]
        holder = next((o for o in self.objects if o.alive and o.identifier == named.identifier), named)
        status, handle = self.number(lib.cap_insert, space, named.identifier, rights, badge)
        if not holder.alive:
            assert status == Status.DEAD
        elif status == Status.OK:
            self.give(self.model.add(Capability(space, handle, holder, Rights(rights), badge)))
        else:
            assert status == Status.NO_SLOTS and not self.room(space)

    @rule(place=PLACES, rights=RIGHT_SETS, badge=st.integers(0, 2))
    def derive(self, place, rights, badge):
        if (parent := self.pick(place)) is None:
            return
        if place % 3:
            rights &= parent.rights.value
        status, handle = self.number(lib.cap_derive, parent.space, parent.handle, rights, badge)
        expected = self.expected(parent, rights | Rights.DERIVE.value)
        if expected == Status.OK and badge and parent.badge and badge != parent.badge:
            expected = Status.BAD_ARGUMENT
        if expected == Status.OK and status == Status.NO_SLOTS:
            assert not self.room(parent.space)
            return
        assert status == expected
        if status != Status.OK:
            return
        self.give(self.model.add(Capability(parent.space, handle, parent.target, Rights(rights), badge or parent.badge,
                                            parent)))

    @rule(seed=st.integers(0, (1 << 32) - 1))
    def burst(self, seed):
        """Many operations for one choice: Hypothesis alone favours the rules that need no arguments."""
        choose = random.Random(seed)
        place = functools.partial(choose.randrange, 1 << 16)
        everything = sum(r.value for r in Rights)
        operations = (
            lambda: self.insert(place(), place(), everything, choose.randrange(3)),
            lambda: self.derive(place(), choose.choice((everything, place() & everything)), choose.randrange(3)),
            lambda: self.transfer([place() for _ in range(choose.randrange(1, 5))], place(), place() & 15),
            lambda: self.delete(place()), lambda: self.revoke(place(), choose.randrange(1, 5)),
            lambda: self.end_tree(place(), choose.randrange(1, 5)),
            lambda: self.seal(place(), choose.randrange(-1, 7), False),
            lambda: self.new_object(choose.choice((CapType.ENDPOINT, CapType.MEMORY))),
            lambda: self.destroy_object(place()), self.new_space, lambda: self.destroy_space(place()))
        for operation in choose.choices(operations, weights=(4, 8, 6, 2, 2, 2, 0.3, 2, 1, 1, 0.3), k=20):
            operation()
            self.dead_slots_have_owners()
            self.verdicts_agree()
            self.derivation_tree_agrees()

    @rule(places=st.lists(PLACES, min_size=1, max_size=5), place=PLACES, move=st.integers(0, 31))
    def transfer(self, places, place, move):
        chosen = [c for c in map(self.pick, places) if c is not None]
        if not chosen:
            return
        source, to = chosen[0].space, self.pick_space(place)
        chosen = [c for c in chosen if c.space == source]
        if place % 4:
            move &= (1 << len(chosen)) - 1
        received = ffi.new("uint32_t[5]")
        status = Status(lib.cap_transfer(source, to, [c.handle for c in chosen], len(chosen), move, received))
        if len(chosen) > 4 or move >> len(chosen):
            assert status == Status.BAD_ARGUMENT
            return
        expected = Status.OK
        for i, capability in enumerate(chosen):
            expected = self.expected(capability, Rights.GRANT.value)
            if expected != Status.OK:
                break
            if any(c is capability and (move >> i | move >> j) & 1 for j, c in enumerate(chosen[:i])):
                expected = Status.BAD_ARGUMENT
                break
        if expected == Status.OK and status == Status.NO_SLOTS:
            assert not self.room(to, len(chosen))
            return
        assert status == expected
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

    def delete_capability(self, capability):
        present = self.model.lookup(capability.space, capability.handle) is capability
        lib.host_take_unreferenced()
        status = Status(lib.cap_delete(capability.space, capability.handle))
        assert status == (Status.OK if present else Status.BAD_HANDLE)
        if present:
            self.model.delete(capability)
            target = capability.target
            last = target.alive and not any(c.target is target for slots in self.model.spaces.values()
                                            for c in slots.values())
            assert lib.host_take_unreferenced() == (target.identifier if last else 0)

    @rule(place=PLACES, limit=st.integers(1, 4))
    def revoke(self, place, limit):
        if (capability := self.pick(place)) is not None:
            self.revoke_capability(capability, limit)

    def revoke_capability(self, capability, limit):
        expected = self.expected(capability, Rights.REVOKE.value)
        out, total = ffi.new("uint64_t *"), 0
        while True:
            status = Status(lib.cap_revoke(capability.space, capability.handle, limit, out))
            if expected != Status.OK:
                assert status == expected
                return
            total += out[0]
            assert out[0] <= limit
            if status == Status.OK:
                break
            assert status == Status.WOULD_BLOCK and out[0] == limit
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
        """A quota of slots goes down only, and not below what is held."""
        space = self.pick_space(place)
        limit = SPACE_SLOTS + 1 if wide else max(0, len(self.model.spaces[space]) + more)
        good = self.model.seal(space, limit, SPACE_SLOTS)
        assert Status(lib.cap_space_seal(space, limit)) == (Status.OK if good else Status.BAD_ARGUMENT)

    @rule(limit=st.integers(1, 3))
    def reclaim(self, limit):
        lib.cap_reclaim(limit)

    @rule(place=PLACES, handle=st.integers(0, (1 << 32) - 1), rights=RIGHT_SETS, cap_type=TYPES)
    def guess(self, place, handle, rights, cap_type):
        """A guessed handle is OK only where the model holds that capability."""
        space = self.pick_space(place)
        answer = Answer.from_bits(lib.cap_check_object(space, query(handle, cap_type.value, rights)))
        if self.model.lookup(space, handle) is None:
            assert Verdict(answer.verdict) in (Verdict.BAD_HANDLE, Verdict.EMPTY)

    # ---- what must hold after every step

    def compare(self, space: int, handle: int):
        """All four implementations on one handle, with queries on both sides of the answer."""
        capability = self.model.lookup(space, handle)
        right = capability.rights.value if capability else 0
        cap_type = capability.target.cap_type.value if capability else CapType.ENDPOINT.value
        for asked_type, rights in ((cap_type, right), (cap_type, right | Rights.SEND.value), (cap_type ^ 1, 0)):
            verdict, object_id, badge = self.model.check(space, handle, asked_type, rights)
            question = query(handle, asked_type, rights)
            by_badge = lib.cap_check_badge(space, question)
            assert (by_badge & 0xff, by_badge >> 32) == (verdict.value, badge)
            by_object = lib.cap_check_object(space, question)
            assert (by_object & 0xff, by_object >> 32) == (verdict.value, object_id)
            assert lib.cached_check(space, question) == by_badge
        return question

    @invariant()
    def verdicts_agree(self):
        for space, slots in self.model.spaces.items() if hasattr(self, "model") else ():
            for handle in slots:
                self.compare(space, handle)
        for space, handle in getattr(self, "given", [])[-12:]:
            self.compare(space, handle)

    def teardown(self):
        if hasattr(self, "model"):
            assert not lib.cap_reclaim(1 << 20)
            self.references_are_counted()
            self.derivation_tree_agrees()
        for space, handle in getattr(self, "given", ()):
            question = self.compare(space, handle)
            verdict, object_id, badge = self.model.check(space, handle, *self.asked(question))
            walked = golden.check(HostMemory(), self.tables, space, question)
            assert walked == golden.Outcome(verdict, object_id, badge)

    @staticmethod
    def asked(question: int) -> tuple[int, int]:
        fields = golden.unpack(Query, question)
        return fields["cap_type"], fields["rights"]

    def slot_number(self, capability: Capability) -> int:
        read = HostMemory().read
        page, offset = divmod(capability.handle & 0xffff, SLOTS_PER_PAGE)
        directory = golden.unpack(SpaceEntry, read(self.tables.space_base + 8 * capability.space))["directory"]
        entry = golden.unpack(DirectoryEntry, read(directory * PAGE_BYTES + 8 * page))
        return entry["page"] * SLOTS_PER_PAGE + offset

    def slot(self, number: int) -> dict[str, int]:
        words = [HostMemory().read(self.tables.slot_base + SLOT_BYTES * number + 8 * n) for n in range(4)]
        return golden.unpack(Slot, sum(word << 64 * n for n, word in enumerate(words)))

    @invariant()
    def derivation_tree_agrees(self):
        """Links in the slots say what the model's tree says."""
        for slots in self.model.spaces.values() if hasattr(self, "model") else ():
            for capability in slots.values():
                slot = self.slot(self.slot_number(capability))
                assert slot["valid"] and slot["parent"] == (
                    self.slot_number(capability.parent) if capability.parent else 0)
                children, child, previous = set(), slot["first_child"], 0
                while child:
                    assert child not in children and self.slot(child)["previous"] == previous
                    children.add(child)
                    previous, child = child, self.slot(child)["next"]
                assert children == {self.slot_number(c) for c in capability.children}

    @invariant()
    def dead_slots_have_owners(self):
        """What the engine has emptied stays in its space until it is reclaimed."""
        if not hasattr(self, "model"):
            return
        owned = set()
        for space in self.model.spaces:
            entry = golden.unpack(SpaceEntry, HostMemory().read(self.tables.space_base + 8 * space))
            for position in range(entry["pages"]):
                read = HostMemory().read(entry["directory"] * PAGE_BYTES + 8 * position)
                owned.add(golden.unpack(DirectoryEntry, read)["page"])
        number = lib.host_dead()
        while number:
            slot = self.slot(number)
            assert not slot["valid"] and slot["mark"] and number // SLOTS_PER_PAGE in owned
            number = slot["parent"]

    @invariant()
    def quotas_hold_and_totals_are_exact(self):
        """No space holds more than its quota. The counts are the model's, but for slots that wait to be reclaimed."""
        if not hasattr(self, "model"):
            return
        counts, used, limit = ffi.new("struct cap_statistics *"), ffi.new("uint32_t *"), ffi.new("uint32_t *")
        lib.cap_statistics_get(counts)
        waiting = bool(lib.cap_reclaim(0))
        held = sum(map(len, self.model.spaces.values()))
        assert counts.slots >= held if waiting else counts.slots == held
        assert (counts.objects, counts.spaces) == (sum(o.alive for o in self.objects), len(self.model.spaces))
        assert counts.retired == 0
        for space, slots in self.model.spaces.items():
            lib.cap_space_usage(space, used, limit)
            assert limit[0] == self.model.limits.get(space, SPACE_SLOTS)
            assert len(slots) <= used[0] <= limit[0] and (waiting or used[0] == len(slots))

    @invariant()
    def references_are_counted(self):
        for target in getattr(self, "objects", ()):
            if target.alive:
                held = sum(c.target is target for slots in self.model.spaces.values() for c in slots.values())
                counted = lib.object_references(target.identifier)
                # Slots that the engine emptied count until they are reclaimed.
                assert counted >= held if lib.cap_reclaim(0) else counted == held


if __name__ == "__main__":
    phases = [Phase.generate] if "--first" in sys.argv else [Phase.generate, Phase.shrink]
    run_state_machine_as_test(CapabilityMachine, settings=settings(
        max_examples=int(sys.argv[2]), stateful_step_count=int(sys.argv[3]), deadline=None, database=None,
        phases=phases, derandomize="VERIDIAN_SEED" not in os.environ, suppress_health_check=list(HealthCheck)))
    print(f"{sys.argv[2]} runs of {sys.argv[3]} steps agree with the model")
