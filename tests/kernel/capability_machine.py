"""Hypothesis state machine: kernel/cap on the host against the reference model.

Not collected by pytest itself: test_capability.py runs it in a process with the sanitizers' runtime. After every step
for every handle that lives or lately died, and at the end for every handle ever given out, the kernel's verdict, the
verdict of a unit that caches, the verdict of the hardware's golden model on the same tables, and the reference model's
verdict are the same. The rules are those of capability_rules.py, and what only this system can do.

Usage: python tests/kernel/capability_machine.py LIBRARY EXAMPLES STEPS [--first]

--first ends at the first failure without looking for the shortest one.
"""

import os
import sys
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule, run_state_machine_as_test

sys.path.insert(0, str(Path(__file__).parents[2]))

from hw.abi import (  # noqa: E402
    PAGE_BYTES,
    SLOT_BYTES,
    SLOTS_PER_PAGE,
    TYPE_RIGHTS,
    CapType,
    DirectoryEntry,
    RevokeState,
    Rights,
    Slot,
    SpaceEntry,
    Status,
    Verdict,
)
from hw.capability import model as golden  # noqa: E402
from hw.capability import revoke_model  # noqa: E402
from tests.kernel.capability_model import Capability, ModelObject  # noqa: E402
from tests.kernel.capability_rules import (  # noqa: E402
    ALL_RIGHTS,
    OFTEN,
    PLACES,
    RIGHT_SETS,
    SELDOM,
    TYPES,
    System,
    query,
)
from tests.kernel.host_library import load  # noqa: E402
from tests.kernel.unfinished_rules import UnfinishedRevocations  # noqa: E402

#: A system of 5 pages of slots, 3 spaces of at most 2, 3 objects.
CONFIG = {"slot_pages": 6, "space_count": 4, "object_count": 4, "pages_per_space": 2}
PAYLOAD = 0xfeed
#: Where its physical memory begins, which is none of the process's own.
PHYSICAL = golden.Tables.memory_base


class HostSystem(System):
    """kernel/cap in this process.

    Parameters
    ----------
    ffi, lib
        As :func:`tests.kernel.host_library.load` gives them.
    """

    space_slots = CONFIG["pages_per_space"] * SLOTS_PER_PAGE
    limits_rise = True

    def __init__(self, ffi, lib, seed: int):
        self.ffi, self.lib = ffi, lib
        lib.host_reset((1 << 64) - 1)
        lib.host_set_physical(PHYSICAL)
        assert lib.cap_init(ffi.new("struct cap_config *", CONFIG | {"seed": seed})) == Status.OK.value

    def tables(self) -> golden.Tables:
        """What the table registers of a unit must hold."""
        where = self.ffi.new("struct cap_tables *")
        self.lib.cap_tables_get(where)
        return golden.Tables(
            space_base=where.spaces, space_count=where.space_count, slot_base=where.slots, slot_count=where.slot_count,
            object_base=where.objects, object_count=where.object_count)

    def number(self, call, *arguments) -> tuple[Status, int]:
        out = self.ffi.new("uint32_t[4]")
        return Status(call(*arguments, out)), out[0]

    def new_space(self):
        return self.number(self.lib.cap_space_create)

    def destroy_space(self, space):
        self.lib.cap_space_destroy(space)

    def create(self, space, cap_type):
        status, identifier = self.number(self.lib.object_create, cap_type.value, PAYLOAD)
        if status != Status.OK:
            return status, 0, 0
        status, handle = self.number(self.lib.cap_insert, space, identifier, TYPE_RIGHTS[cap_type].value, 0)
        if status != Status.OK:
            self.lib.object_destroy(identifier)
        return status, identifier, handle

    def destroy(self, space, handle):
        view = self.ffi.new("struct cap_view *")
        status = Status(self.lib.cap_find(space, handle, Rights.MANAGE.value, view))
        if status == Status.OK:
            self.lib.object_destroy(view.object_id)
        return status

    def derive(self, space, handle, rights, badge):
        return self.number(self.lib.cap_derive, space, handle, rights, badge)

    def transfer(self, source, to, handles, move):
        received = self.ffi.new("uint32_t[5]")
        return Status(self.lib.cap_transfer(source, to, handles, len(handles), move, received)), list(received)

    def delete(self, space, handle):
        return Status(self.lib.cap_delete(space, handle))

    def revoke(self, space, handle, limit):
        out, total = self.ffi.new("uint64_t *"), 0
        while True:
            status = Status(self.lib.cap_revoke(space, handle, limit, out))
            if status not in (Status.OK, Status.WOULD_BLOCK):
                return status, total
            total += out[0]
            assert out[0] <= limit
            if status == Status.OK:
                return status, total
            assert out[0] == limit

    def seal(self, space, limit):
        return Status(self.lib.cap_space_limit(space, limit))

    def used(self, spaces):
        self.lib.cap_reclaim(1 << 20)
        used, limit = self.ffi.new("uint32_t *"), self.ffi.new("uint32_t *")
        counts = []
        for space in spaces:
            self.lib.cap_space_usage(space, used, limit)
            counts.append(used[0])
        return counts

    def check(self, asked):
        for space, question in asked:
            yield {(Verdict(answer & 0xff), answer >> 32) for answer in (self.lib.cap_check_badge(space, question),
                                                                        self.lib.cached_check(space, question))}

    def room(self, model, space, count):
        used = len(model.spaces[space])
        total = sum(max(1, -(-len(slots) // SLOTS_PER_PAGE)) for slots in model.spaces.values())
        return super().room(model, space, count) and (
            used + count <= SLOTS_PER_PAGE or (used + count <= self.space_slots and total < CONFIG["slot_pages"] - 1))

    def has_objects(self, alive):
        return alive < CONFIG["object_count"] - 1


class HostMemory:
    """Physical memory of the kernel on the host, as :class:`hw.capability.model.Memory` is that of a bench."""

    def __init__(self, lib):
        self._lib = lib
        self.refused = set()

    def _at(self, address: int):
        word = self._lib.host_at(address)
        if not word:
            raise golden.BusError(f"{address:#x}")
        return word

    def read(self, address: int) -> int:
        return self._at(address)[0]

    def write(self, address: int, value: int) -> None:
        self._at(address)[0] = value & (1 << 64) - 1


class CapabilityMachine(UnfinishedRevocations):
    """The rules, and what is below capabilities: objects without any, slots that wait to be reclaimed, the tables."""

    ffi = lib = None

    @initialize(seed=st.integers(1, (1 << 64) - 1), with_engine=OFTEN, attached=SELDOM)
    def start(self, seed, with_engine, attached):
        system = HostSystem(self.ffi, self.lib, seed)
        self.memory, self.tables = HostMemory(self.lib), system.tables()
        # Held here: the library only borrows it.
        self.engine = self.ffi.callback("uint64_t(uint32_t, uint32_t, uint32_t *, bool *)", self.empty_descendants)
        self.lib.host_set_attached(attached)
        self.with_engine = with_engine
        self.runs = 0
        self.use_engine(with_engine)
        self.begin(system)
        for cap_type in (CapType.ENDPOINT, CapType.MEMORY):
            self.new_object(cap_type)

    def use_engine(self, use: bool) -> None:
        self.lib.host_set_engine(self.engine if use else self.ffi.NULL)

    def empty_descendants(self, root: int, limit: int, dead, finished) -> int:
        """The revocation engine, by its golden model."""
        object_id = revoke_model.read_slot(self.memory, self.tables, root)["object_id"]
        run = revoke_model.revoke(self.memory, self.tables, root, limit=limit, dead=dead[0])
        self.runs += 1
        # Seen by who waits for the revocation: an exception ends in the C code that calls.
        assert run.state in (RevokeState.DONE, RevokeState.STOPPED), run.state
        self.lib.cap_hook_invalidate_object(object_id)
        dead[0], finished[0] = run.dead, run.state == RevokeState.DONE
        return run.revoked

    # ---- rules

    @rule(cap_type=TYPES)
    def new_object(self, cap_type):
        """An object that no capability names."""
        status, identifier = self.system.number(self.lib.object_create, cap_type.value, PAYLOAD)
        alive = sum(o.alive for o in self.objects)
        if status == Status.OK:
            assert all(o.identifier != identifier for o in self.objects if o.alive)
            self.objects.append(ModelObject(identifier, cap_type))
        else:
            assert status == Status.NO_OBJECTS and not self.system.has_objects(alive)

    @rule(place=PLACES)
    def destroy_object(self, place):
        alive = [o for o in self.objects if o.alive]
        if alive:
            target = alive[place % len(alive)]
            self.lib.object_destroy(target.identifier)
            target.alive = False

    @rule(place=PLACES, which=PLACES, rights=RIGHT_SETS, badge=st.integers(0, 3))
    def insert(self, place, which, rights, badge):
        """One more root, to any object."""
        space = self.pick_space(place)
        if not self.objects:
            return
        named = self.objects[which % len(self.objects)]
        holder = next((o for o in self.objects if o.alive and o.identifier == named.identifier), named)
        status, handle = self.system.number(self.lib.cap_insert, space, named.identifier, rights, badge)
        if not holder.alive:
            assert status == Status.DEAD
        elif status == Status.OK:
            self.give(self.model.add(Capability(space, handle, holder, Rights(rights), badge)))
        else:
            assert status == Status.NO_SLOTS and not self.system.room(self.model, space, 1)

    def burst_operations(self, choose, place):
        return [*super().burst_operations(choose, place)[1:],
                (4, lambda: self.insert(place(), place(), ALL_RIGHTS, choose.randrange(3))),
                (2, lambda: self.new_object(choose.choice((CapType.ENDPOINT, CapType.MEMORY)))),
                (1, lambda: self.destroy_object(place()))]

    def after_each_of_a_burst(self):
        self.dead_slots_have_owners()
        self.verdicts_agree()
        self.derivation_tree_agrees()

    def delete_capability(self, capability):
        """Also: the kernel hears of an object that no capability names any more, and of no other."""
        if self.delete_marked(capability):
            return
        present = self.model.lookup(capability.space, capability.handle) is capability
        self.lib.host_take_unreferenced()
        super().delete_capability(capability)
        if present:
            target = capability.target
            last = target.alive and not any(c.target is target for slots in self.model.spaces.values()
                                            for c in slots.values())
            assert self.lib.host_take_unreferenced() == (target.identifier if last else 0)

    @rule(place=PLACES, limit=st.integers(1, 3))
    def delete_in_steps(self, place, limit):
        """Its children become its parent's some at a time."""
        capability = self.pick(place)
        if capability is None or self.model.lookup(capability.space, capability.handle) is not capability \
                or self.marked(capability):
            return
        number, children = self.slot_number(capability), len(capability.children)
        while self.lib.cap_hoist(number, limit):
            children -= limit
            assert children > 0
        assert children <= limit
        self.delete_capability(capability)

    @rule(limit=st.integers(1, 3))
    def reclaim(self, limit):
        self.lib.cap_reclaim(limit)

    @rule(first=st.integers(1, 3), more=st.integers(1, 3))
    def reclaim_while_others_revoke(self, first, more):
        """Who waits until what is dead now is reclaimed waits for two lists at most, whatever dies meanwhile."""
        if (root := self.new_root()) is None:
            return
        for count in (first, more):
            for _ in range(count):
                self.derive_from(root, ALL_RIGHTS, 0)
            self.revoke_capability(root, 4)
        goal = self.lib.cap_reclaim_goal()
        taken, dead = (len(self.waiting(taken)) for taken in (True, False))
        # Some join the second list until it is taken over.
        for _ in range(taken + dead + more * (taken + 1)):
            if self.lib.cap_reclaimed(goal):
                break
            for _ in range(more):
                self.derive_from(root, ALL_RIGHTS, 0)
            self.revoke_capability(root, 4)
            self.lib.cap_reclaim(1)
        assert self.lib.cap_reclaimed(goal), "it waits for what died later"

    # ---- what must hold after every step

    def compare(self, places):
        """Also: the object ids."""
        places = list(places)
        super().compare(places)
        for space, handle in places:
            for cap_type, rights in self.questions(space, handle):
                verdict, object_id, _ = self.model.check(space, handle, cap_type, rights)
                by_object = self.lib.cap_check_object(space, query(handle, cap_type, rights))
                assert (by_object & 0xff, by_object >> 32) == (verdict.value, object_id)

    def teardown(self):
        if not self.begun:
            return
        while self.lib.cap_settle():
            self.sync()
        assert self.revoking is None
        assert not self.lib.cap_reclaim(1 << 20)
        self.references_are_counted()
        self.derivation_tree_agrees()
        self.final_state_agrees()
        for space, handle in self.given:
            for cap_type, rights in self.questions(space, handle):
                walked = golden.check(self.memory, self.tables, space, query(handle, cap_type, rights))
                assert walked == golden.Outcome(*self.model.check(space, handle, cap_type, rights))

    def slot_number(self, capability: Capability) -> int:
        read = self.memory.read
        page, offset = divmod(capability.handle & 0xffff, SLOTS_PER_PAGE)
        directory = golden.unpack(SpaceEntry, read(self.tables.space_base + 8 * capability.space))["directory"]
        entry = golden.unpack(DirectoryEntry, read(directory * PAGE_BYTES + 8 * page))
        return entry["page"] * SLOTS_PER_PAGE + offset

    def slot(self, number: int) -> dict[str, int]:
        words = [self.memory.read(self.tables.slot_base + SLOT_BYTES * number + 8 * n) for n in range(4)]
        return golden.unpack(Slot, sum(word << 64 * n for n, word in enumerate(words)))

    @invariant()
    def derivation_tree_agrees(self):
        """Links in the slots say what the model's tree says."""
        for slots in self.model.spaces.values() if self.begun else ():
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

    def waiting(self, taken: bool) -> list[int]:
        """Numbers of the slots that wait to be reclaimed, of those taken over from the engine or of its own list."""
        numbers, number = [], self.lib.host_dead(taken)
        while number:
            assert number not in numbers
            numbers.append(number)
            number = self.slot(number)["parent"]
        return numbers

    @invariant()
    def dead_slots_have_owners(self):
        """What the engine has emptied stays in its space until it is reclaimed."""
        if not self.begun:
            return
        owned = set()
        for space in self.model.spaces:
            entry = golden.unpack(SpaceEntry, self.memory.read(self.tables.space_base + 8 * space))
            for position in range(entry["pages"]):
                read = self.memory.read(entry["directory"] * PAGE_BYTES + 8 * position)
                owned.add(golden.unpack(DirectoryEntry, read)["page"])
        for number in self.waiting(True) + self.waiting(False):
            slot = self.slot(number)
            assert not slot["valid"] and slot["mark"] and number // SLOTS_PER_PAGE in owned

    @invariant()
    def quotas_hold_and_totals_are_exact(self):
        """No space holds more than its quota. The counts are the model's, but for slots that wait to be reclaimed."""
        if not self.begun:
            return
        new = self.ffi.new
        counts, used, limit = new("struct cap_statistics *"), new("uint32_t *"), new("uint32_t *")
        self.lib.cap_statistics_get(counts)
        waiting = bool(self.lib.cap_reclaim(0))
        held = sum(map(len, self.model.spaces.values()))
        assert counts.slots >= held if waiting else counts.slots == held
        assert (counts.objects, counts.spaces) == (sum(o.alive for o in self.objects), len(self.model.spaces))
        assert counts.retired == 0
        for space, slots in self.model.spaces.items():
            self.lib.cap_space_usage(space, used, limit)
            assert limit[0] == self.model.limits.get(space, self.system.space_slots)
            assert len(slots) <= used[0] <= limit[0] and (waiting or used[0] == len(slots))

    @invariant()
    def references_are_counted(self):
        for target in getattr(self, "objects", ()):
            if target.alive:
                held = sum(c.target is target for slots in self.model.spaces.values() for c in slots.values())
                counted = self.lib.object_references(target.identifier)
                # Slots that the engine emptied count until they are reclaimed.
                assert counted >= held if self.lib.cap_reclaim(0) else counted == held


if __name__ == "__main__":
    CapabilityMachine.ffi, CapabilityMachine.lib = load(Path(sys.argv[1]))
    phases = [Phase.generate] if "--first" in sys.argv else [Phase.generate, Phase.shrink]
    run_state_machine_as_test(CapabilityMachine, settings=settings(
        max_examples=int(sys.argv[2]), stateful_step_count=int(sys.argv[3]), deadline=None, database=None,
        phases=phases, derandomize="VERIDIAN_SEED" not in os.environ, suppress_health_check=list(HealthCheck)))
    print(f"{sys.argv[2]} runs of {sys.argv[3]} steps agree with the model")
