"""Processes that make processes in a booted system, through the test agent, against the model of quotas.

The agent is the first process. Each other one is an `agent` that obeys it, and may make more; what happens are system
calls: PROCESS_CREATE of any, CAP_CREATE, PROCESS_LIMIT of the agent's. After each, every limit and count of every
process is the model's.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from hw.abi import CapType, Quotas, Resource, Rights, Status
from tests.kernel.quota_model import SHORTAGE, ModelProcess, QuotaModel
from tests.system.agent import Agent, Answer

__all__ = ["Family", "Member", "explore"]

#: AGENT_CHILD of agent.h.
_CHILD = 1
_MOST = 5
_KEPT = 100


@dataclass(eq=False)
class Member:
    """Handles are the agent's own, but for `makes` and `home`, which are the process's: capabilities to the space of
    the agent, which allow to make processes, and to put something there.
    """

    model: ModelProcess
    process: int = 0
    space: int = 0
    endpoint: int = 0
    makes: int = 0
    home: int = 0
    objects: list[int] = field(default_factory=list)


class Family:
    """The agent and the processes that it has made, with what it keeps of them."""

    def __init__(self, agent: Agent, number: int):
        self.agent = agent
        self.random = random.Random(number)
        self.before = self._quotas(self._ask("PROCESS_QUOTAS"), 0)
        self.model = QuotaModel({resource: limit for resource, (_, limit) in self.before.items()})
        self.first = Member(self.model.first, makes=agent.space)
        self.everyone = [self.first]
        #: Kept objects of processes that have ended, by the record that they are charged to.
        self.kept: list[tuple[ModelProcess, CapType, int]] = []
        self.refused: set[Status] = set()

    @staticmethod
    def _quotas(answer: Answer, first: int) -> dict[Resource, tuple[int, int]]:
        return {resource: (answer[first + resource.value] & 0xffff_ffff, answer[first + resource.value] >> 32)
                for resource in Resource}

    def _ask(self, call: str, **words) -> Answer:
        answer = self.agent.call(call, **words)
        assert answer.status == Status.OK, f"{call} {words}: {answer.status}"
        return answer

    def _call(self, process: Member, call: str, **words) -> Answer:
        return self.agent.call(call, via=process.endpoint, **words)

    def look(self, process: Member) -> dict[Resource, tuple[int, int]]:
        """What the kernel says."""
        if process is self.first:
            return self._quotas(self._ask("PROCESS_QUOTAS"), 0)
        return self._quotas(self._ask("PROCESS_INFO", handle=process.process), 1)

    def learn(self, *which: Member) -> None:
        """Tell the model what is in use that it cannot know: frames, slots, what the agent has for itself."""
        for process in which:
            for resource, (used, _) in self.look(process).items():
                if process is self.first or resource in (Resource.FRAMES, Resource.SLOTS):
                    process.model.used[resource] = used

    def compare(self) -> None:
        for process in self.everyone:
            for resource, (used, limit) in self.look(process).items():
                assert limit == process.model.limit[resource], (resource, limit, process.model)
                if process is not self.first and resource in (Resource.OBJECTS, Resource.THREADS):
                    assert used == process.model.used[resource], (resource, used, process.model)
        for resource in Resource:
            assert self.model.total(resource) == self.before[resource][1]

    # ---- what happens

    def make(self) -> None:
        if len(self.everyone) > _MOST:
            return
        maker = self.random.choice([one for one in self.everyone if one is self.first or one.makes and one.home])
        endpoint = self._ask("CAP_CREATE", w0=CapType.ENDPOINT.value).handle
        receive = self._ask("CAP_DERIVE", handle=endpoint, w0=(Rights.RECEIVE | Rights.GRANT).value).handle
        if maker is not self.first:
            moved = self.agent.call("CAP_MOVE", handle=receive, w0=maker.space)
            if moved.status != Status.OK:
                assert moved.status == Status.NO_SLOTS
                self._forget(endpoint)
                return
            receive = moved.handle
        self.learn(*self.everyone)
        wanted = {resource: self.random.choice((0, 0, 0, spare // 3, spare, maker.model.left(resource) + 1))
                  for resource in Resource for spare in [self._spare(maker, resource)]}
        wanted = {resource: min(amount, 0xffff) for resource, amount in wanted.items()}
        word = Quotas.const({resource.name.lower(): amount for resource, amount in wanted.items()}).as_bits()
        call = {"handle": maker.makes, "count": 1, "move": 1, "capabilities": receive}
        answer = self.agent.call("PROCESS_CREATE", **call, texts={0: "agent"}, w2=_CHILD, timeout=word) \
            if maker is self.first else self._call(maker, "PROCESS_CREATE", **call, w3=word)
        amounts = self.model.amounts(maker.model, wanted)
        if answer.status != Status.OK:
            self.refused.add(answer.status)
            # Too little for the program, or for the handle that its maker gets.
            little = isinstance(amounts, dict) and (
                answer.status == Status.NO_MEMORY and amounts[Resource.FRAMES] < 64
                or answer.status == Status.NO_SLOTS and (
                    amounts[Resource.SLOTS] < 1 or maker.model.left(Resource.SLOTS) - amounts[Resource.SLOTS] < 1))
            assert answer.status == amounts or little, (answer.status, amounts)
            self._forget(endpoint)
            return
        assert isinstance(amounts, dict), amounts
        made = Member(self.model.make(maker.model, amounts), answer.handle, endpoint=endpoint)
        if maker is not self.first:
            moved = self._call(maker, "CAP_MOVE", handle=answer.handle, w0=maker.home)
            assert moved.status == Status.OK
            made.process = moved.handle
        made.space = self._ask("PROCESS_SPACE", handle=made.process).handle
        self.everyone.append(made)
        made.makes = self._give(made, self.agent.space)
        made.home = self._give(made, self.agent.space)

    def _give(self, process: Member, handle: int) -> int:
        """A copy there; 0 if it does not fit."""
        answer = self.agent.call("CAP_COPY", handle=handle, w0=process.space)
        assert answer.status in (Status.OK, Status.NO_SLOTS)
        return answer.handle if answer.status == Status.OK else 0

    def _spare(self, process: Member, resource: Resource) -> int:
        """What it can give. The agent keeps some for what it does itself."""
        return max(0, process.model.left(resource) - (_KEPT if process is self.first else 0))

    def _forget(self, handle: int) -> None:
        self._ask("CAP_REVOKE", handle=handle)
        self._ask("CAP_DELETE", handle=handle)

    def take(self) -> None:
        process = self.random.choice(self.everyone[1:])
        cap_type = self.random.choice((CapType.NOTIFICATION, CapType.MEMORY))
        self.learn(process)
        answer = self._call(process, "CAP_CREATE", w0=cap_type.value, w1=3 * 4096)
        left = process.model.left
        if answer.status != Status.OK:
            self.refused.add(answer.status)
            assert (answer.status == Status.NO_OBJECTS and left(Resource.OBJECTS) == 0
                    or answer.status == Status.NO_MEMORY and cap_type is CapType.MEMORY and left(Resource.FRAMES) < 4
                    or answer.status == Status.NO_SLOTS and left(Resource.SLOTS) < 1), (answer.status, process.model)
            return
        process.model.used[Resource.OBJECTS] += 1
        if not process.home:
            assert self._call(process, "CAP_DELETE", handle=answer.handle).status == Status.OK
            process.model.used[Resource.OBJECTS] -= 1
            return
        moved = self._call(process, "CAP_MOVE", handle=answer.handle, w0=process.home)
        assert moved.status == Status.OK
        self.kept.append((process.model, cap_type, moved.handle))

    def drop(self) -> None:
        if not self.kept:
            return
        record, cap_type, handle = self.kept.pop(self.random.randrange(len(self.kept)))
        self._ask("CAP_DELETE", handle=handle)
        self.dropped(handle)
        self.model.give_back(record, Resource.OBJECTS, 1)
        # Of a living process frames are learnt.
        if cap_type is CapType.MEMORY and record in self.model.leavings:
            self.model.give_back(record, Resource.FRAMES, 4)
        self.model.close(record)

    def dropped(self, handle: int) -> None:
        """A kept object is gone."""

    def limit(self) -> None:
        process = self.random.choice(self.everyone[1:])
        by = next(one for one in self.everyone if one.model is process.model.maker)
        resource = self.random.choice(list(Resource))
        if by is not self.first or self.random.randrange(3) == 0:
            by = self.first
        self.learn(process, by, self.first)
        used, had = process.model.used[resource], process.model.limit[resource]
        limit = self.random.choice((used, max(0, used - 1), had + min(1, self._spare(by, resource)),
                                    had + self._spare(by, resource), had + by.model.left(resource) + 1, had // 2))
        answer = self.agent.call("PROCESS_LIMIT", handle=process.process, w0=resource.value, w1=min(limit, 0xffff_ffff))
        expected = self.model.set_limit(process.model, by.model, resource, limit)
        assert answer.status == expected, (answer.status, expected, resource, limit, process.model)
        if expected != Status.OK:
            self.refused.add(expected)

    def end(self, process: Member | None = None) -> None:
        process = process or self.random.choice(self.everyone[1:])
        self.everyone.remove(process)
        self._ask("PROCESS_KILL", handle=process.process)
        self.ended(process)
        for handle in (process.endpoint, process.space):
            self._forget(handle)
        # Its frames and slots are gone but for memory that we keep.
        model = process.model
        kept = sum(record is model and cap_type is CapType.MEMORY for record, cap_type, _ in self.kept)
        model.used |= {Resource.FRAMES: 4 * kept, Resource.SLOTS: 0}
        self.model.end(model)
        self._ask("CAP_DELETE", handle=process.process)
        self.model.close(model)

    def actions(self) -> list[Callable[[], None]]:
        """What may happen next, one as likely as the other."""
        return [self.make] * 3 + [self.take, self.drop, self.limit, self.limit, self.end] * (len(self.everyone) > 1)

    def ended(self, process: Member) -> None:
        """The process has just ended; the model does not know yet."""

    def step(self) -> None:
        self.random.choice(self.actions())()
        self.learn(*self.everyone)
        self.compare()

    def run(self, steps: int) -> None:
        """Do so many things, and undo them."""
        for _ in range(steps):
            self.step()
        self.close()
        assert self.refused <= {Status.BAD_ARGUMENT, *SHORTAGE.values()}

    def close(self) -> None:
        while len(self.everyone) > 1:
            self.end()
        while self.kept:
            self.drop()
        now = self.look(self.first)
        assert now == self.before, f"{now}, before {self.before}"


def explore(agent: Agent, steps: int, number: int) -> set[Status]:
    """Do `steps` things at random; the statuses other than OK that were met."""
    family = Family(agent, number)
    family.run(steps)
    return family.refused
