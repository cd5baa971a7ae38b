"""Mappings in the address spaces of others, at random, on top of what :mod:`tests.system.quota_machine` does.

Any process asks for the address space of any other, the agent takes the capability over, and maps memory by it that any
process has made. Who pays for the object, what is mapped where, and what is stale is the model's after each step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hw.abi import CapType, Resource, Rights, Status
from tests.kernel.quota_model import ModelProcess
from tests.system.agent import Agent, Request
from tests.system.quota_machine import Family, Member

__all__ = ["explore_mappings"]

_PAGES = 3
#: Some share their page tables, some do not.
_ADDRESSES = [0x1000_0000 + 0x10000 * i for i in range(3)] + [0x10_0000_0000 * i for i in (1, 2)]


@dataclass(eq=False)
class _Object:
    """An ADDRESS_SPACE object: who pays for it, and the agent's handles."""

    payer: ModelProcess
    handles: list[int] = field(default_factory=list)


class _MappingFamily(Family):
    """A `Family` with address spaces of processes that live, and memory mapped there, the agent's or others'."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.address_spaces: dict[Member, _Object] = {}
        self.mapped: dict[int, tuple[Member, int]] = {}
        self.own = [self._ask("CAP_CREATE", w0=CapType.MEMORY.value, w1=_PAGES * 4096).handle for _ in range(3)]
        #: Kinds of answers that were met.
        self.met: set[str] = set()

    @property
    def memory(self) -> list[int]:
        """The agent's handles of memory, whoever made it."""
        return self.own + [handle for _, cap_type, handle in self.kept if cap_type is CapType.MEMORY]

    def _address_space_of(self, asker: Member, target: Member) -> tuple[Status, int]:
        """What the asker is told; the capability is the agent's then."""
        if asker is self.first:
            answer = self.agent.call("PROCESS_ADDRESS_SPACE", handle=target.process)
            return answer.status, answer.handle
        lent = self.agent.call("CAP_COPY", handle=target.process, w0=asker.space)
        if lent.status != Status.OK:
            return lent.status, 0
        answer = self._call(asker, "PROCESS_ADDRESS_SPACE", handle=lent.handle)
        assert self._call(asker, "CAP_DELETE", handle=lent.handle).status == Status.OK
        if answer.status != Status.OK:
            return answer.status, 0
        moved = self._call(asker, "CAP_MOVE", handle=answer.handle, w0=asker.home)
        assert moved.status == Status.OK
        return Status.OK, moved.handle

    def ask(self) -> None:
        asker = self.random.choice([one for one in self.everyone if one is self.first or one.home])
        target = self.random.choice(self.everyone[1:])
        self.learn(asker, self.first)
        known = self.address_spaces.get(target)
        status, handle = self._address_space_of(asker, target)
        if status == Status.NO_SLOTS:
            assert asker.model.left(Resource.SLOTS) < 2
            return
        assert (status == Status.OK) == (known is not None or asker.model.left(Resource.OBJECTS) > 0), status
        if status != Status.OK:
            assert status == Status.NO_OBJECTS
            self.met.add("no objects")
            return
        if known is None:
            asker.model.used[Resource.OBJECTS] += 1
            known = self.address_spaces[target] = _Object(asker.model)
        known.handles.append(handle)

    def _credit(self, payer: ModelProcess) -> None:
        self.model.give_back(payer, Resource.OBJECTS, 1)
        self.model.close(payer)

    def forget_one(self) -> None:
        if not self.address_spaces:
            return
        target = self.random.choice(list(self.address_spaces))
        known = self.address_spaces[target]
        self._ask("CAP_DELETE", handle=known.handles.pop())
        if not known.handles:
            del self.address_spaces[target]
            self._credit(known.payer)
            self.met.add("last capability")

    def map(self) -> None:
        if not self.address_spaces:
            self.ask()
        if not self.address_spaces:
            return
        handle, target = self.random.choice(self.memory), self.random.choice(list(self.address_spaces))
        address = self.random.choice(_ADDRESSES)
        self.learn(target)
        status = self.agent.call("MEM_MAP", handle=handle, w0=address, w1=Rights.READ.value,
                                 w2=self.random.choice(self.address_spaces[target].handles)).status
        if handle in self.mapped:
            assert status == Status.BAD_ARGUMENT
        elif (target, address) in self.mapped.values():
            assert status == Status.OVERLAP
        elif status == Status.NO_MEMORY:
            assert target.model.left(Resource.FRAMES) < 3
            self.met.add("no memory")
        else:
            assert status == Status.OK
            self.mapped[handle] = target, address

    def unmap(self) -> None:
        if not self.mapped:
            return
        handle = self.random.choice(list(self.mapped))
        target, address = self.mapped[handle]
        if target not in self.address_spaces or self.random.randrange(2):
            self._ask("MEM_UNMAP", handle=handle, w0=address)
        else:
            self._ask("ADDRESS_SPACE_UNMAP", handle=self.address_spaces[target].handles[0], w0=address)
        del self.mapped[handle]

    def tighten(self) -> None:
        """What a process has not in use of objects and frames, the agent takes away."""
        process = self.random.choice(self.everyone[1:])
        self.learn(process, self.first)
        for resource in (Resource.OBJECTS, Resource.FRAMES):
            used = process.model.used[resource]
            self._ask("PROCESS_LIMIT", handle=process.process, w0=resource.value, w1=used)
            assert self.model.set_limit(process.model, self.first.model, resource, used) == Status.OK

    # ---- what Family does

    def actions(self) -> list[Callable[[], None]]:
        return super().actions() + [self.ask, self.ask, self.forget_one, self.map, self.map, self.map, self.unmap,
                                    self.tighten] * (len(self.everyone) > 1)

    def ended(self, process: Member) -> None:
        for handle, (target, _) in list(self.mapped.items()):
            if target is process:
                del self.mapped[handle]
                self.met.add("unmapped by an end")
        known = self.address_spaces.pop(process, None)
        if known is None:
            return
        for handle in known.handles:
            assert self.agent.call("ADDRESS_SPACE_INFO", handle=handle, w0=_ADDRESSES[0]).status == Status.STALE
            self._ask("CAP_DELETE", handle=handle)
        self._credit(known.payer)
        self.met.add("stale")

    def dropped(self, handle: int) -> None:
        self.mapped.pop(handle, None)

    def compare(self) -> None:
        super().compare()
        expected = [(_PAGES * 4096, self.mapped.get(handle, (None, 0))[1]) for handle in self.memory]
        requests = [Request.of("MEM_INFO", handle=handle) for handle in self.memory]
        for target, known in self.address_spaces.items():
            there = {address for process, address in self.mapped.values() if process is target}
            for address in _ADDRESSES:
                # The last page.
                requests.append(Request.of("ADDRESS_SPACE_INFO", handle=known.handles[-1],
                                           w0=address + (_PAGES - 1) * 4096))
                expected.append(Rights.READ.value if address in there else 0)
        for request, answer, wanted in zip(requests, self.agent.calls(requests), expected, strict=True):
            assert answer.status == Status.OK, request
            assert ((answer[0], answer[1]) if isinstance(wanted, tuple) else answer[0]) == wanted, request

    def close(self) -> None:
        for handle in self.own:
            self._ask("CAP_DELETE", handle=handle)
            self.dropped(handle)
        self.own = []
        super().close()
        assert not self.address_spaces and not self.mapped


def explore_mappings(agent: Agent, steps: int, number: int) -> set[str]:
    """Do `steps` things at random; what was met of `last capability`, `stale`, `unmapped by an end`, `no objects` and
    `no memory`.
    """
    family = _MappingFamily(agent, number)
    family.run(steps)
    return family.met
