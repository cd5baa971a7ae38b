"""The state machine of capabilities (tests/kernel/capability_rules.py) on a booted kernel, through the test agent.

Each space is that of a child of the agent, and what happens in it are system calls of that child: CAP_CREATE,
CAP_DERIVE, CAP_DELETE, CAP_REVOKE, CAP_DESTROY and CAP_CHECK; transfers are CAP_COPY and CAP_MOVE, or messages from one
child to another. Where there is a capability unit, every check is asked by software, by the unit and by the
instruction, and whatever is done in between is done by the one path or the other at random.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, run_state_machine_as_test

from hw.abi import (
    MESSAGE_CAPABILITIES,
    PAGE_BYTES,
    Call,
    CapType,
    KernelControl,
    Resource,
    Rights,
    Status,
    Verdict,
)
from tests.kernel.capability_rules import CapabilityRules, System
from tests.system.agent import Agent, Answer, Request, check_instruction

__all__ = ["BootedSystem", "bursts", "explore"]

#: AGENT_CHILD of agent.h.
_CHILD = 1
_SPACE_LIMIT = 2048
#: Badge by which a child tells a message of another child from a call of the agent's.
_PEER = 1


@dataclass
class _Child:
    """A process that is a space; handles are the agent's, those of its peers are its own."""

    process: int
    space: int
    endpoint: int
    #: By child: an endpoint to it, and a capability to its space.
    endpoints: dict[int, int] = field(default_factory=dict)
    spaces: dict[int, int] = field(default_factory=dict)
    #: Capabilities in the place of those to children that there are not, so that each child has equally many.
    fillers: list[int] = field(default_factory=list)


class BootedSystem(System):
    """Children of the agent. Space numbers are never used again."""

    full_spaces_refuse = False
    answers_for_dead_spaces = False
    #: What a child holds for its own: what it receives by, its space, and two for each other child.
    own = 2 + 2 * (System.most_spaces - 1)
    space_slots = _SPACE_LIMIT - own

    def __init__(self, agent: Agent, seed: int):
        self.agent = agent
        self.children: dict[int, _Child] = {}
        self._random = random.Random(seed)
        self._last = self._objects = 0
        accelerator = self._control(KernelControl.GET_ACCELERATOR)
        self.with_unit = accelerator[1] == 1
        self.before = self._statistics()
        self._filler = self._ask("CAP_CREATE", w0=CapType.NOTIFICATION.value).handle

    # ---- the agent itself

    def _ask(self, call: str, **words) -> Answer:
        """A call of the agent's own, which must succeed."""
        answer = self.agent.call(call, **words)
        assert answer.status == Status.OK, f"{call} {words}: {answer.status}"
        return answer

    def _control(self, operation: KernelControl, first: int = 0) -> Answer:
        return self._ask("KERNEL_CONTROL", handle=self.agent.kernel, w0=operation.value, w1=first)

    def _statistics(self) -> list[int]:
        """All but the object ids that were retired meanwhile, and the agent's own quotas."""
        answer, quotas = self._ask("STATISTICS", handle=self.agent.kernel), self._ask("PROCESS_QUOTAS")
        return [answer[word] for word in range(7) if word != 3] + [quotas[word] for word in range(len(Resource))]

    def call(self, space: int, call: Call | str, **words) -> Answer:
        """A call of the process whose space this is."""
        return self.agent.call(call, via=self.children[space].endpoint, **words)

    # ---- children

    def _fill(self, child: _Child) -> None:
        while 2 + len(child.endpoints) + len(child.spaces) - 1 + len(child.fillers) < self.own:
            child.fillers.append(self._ask("CAP_COPY", handle=self._filler, w0=child.space).handle)

    def _meet(self, one: int, other: int) -> None:
        """Let child `one` reach child `other`."""
        child, peer = self.children[one], self.children[other]
        for filler in (child.fillers.pop() for _ in range(2)):
            assert self.call(one, "CAP_DELETE", handle=filler).status == Status.OK
        derived = self._ask("CAP_DERIVE", handle=peer.endpoint, w0=(Rights.SEND | Rights.GRANT).value, w1=_PEER).handle
        child.endpoints[other] = self._ask("CAP_MOVE", handle=derived, w0=child.space).handle
        child.spaces[other] = self._ask("CAP_COPY", handle=peer.space, w0=child.space).handle

    def new_space(self):
        endpoint = self._ask("CAP_CREATE", w0=CapType.ENDPOINT.value).handle
        receive = self._ask("CAP_DERIVE", handle=endpoint, w0=(Rights.RECEIVE | Rights.GRANT).value).handle
        process = self._ask("PROCESS_CREATE", handle=self.agent.space, texts={0: "agent"}, w2=_CHILD, count=1, move=1,
                            capabilities=receive).handle
        space = self._ask("PROCESS_SPACE", handle=process).handle
        self._last += 1
        child = self.children[self._last] = _Child(process, space, endpoint)
        child.spaces[self._last] = self._ask("CAP_COPY", handle=space, w0=space).handle
        self._fill(child)
        for other in self.children:
            if other != self._last:
                self._meet(self._last, other)
                self._meet(other, self._last)
        return Status.OK, self._last

    def destroy_space(self, space):
        child = self.children.pop(space)
        self._ask("PROCESS_KILL", handle=child.process)
        self._ask("PROCESS_WAIT", handle=child.process)
        for handle in (child.endpoint, child.space):
            self._ask("CAP_REVOKE", handle=handle)
            self._ask("CAP_DELETE", handle=handle)
        self._ask("CAP_DELETE", handle=child.process)
        for other in self.children.values():
            del other.endpoints[space], other.spaces[space]
            self._fill(other)

    def close(self) -> None:
        """End all children; the system must be what it was."""
        for space in list(self.children):
            self.destroy_space(space)
        self._ask("CAP_DELETE", handle=self._filler)
        now = self._statistics()
        assert now == self.before, \
            f"frames, slots, objects, spaces, processes, threads, quotas: {now}, before {self.before}"

    # ---- what children do

    def create(self, space, cap_type):
        answer = self.call(space, "CAP_CREATE", w0=cap_type.value, w1=PAGE_BYTES)
        self._objects += 1
        return answer.status, self._objects, answer.handle

    def destroy(self, space, handle):
        return self.call(space, "CAP_DESTROY", handle=handle).status

    def derive(self, space, handle, rights, badge):
        answer = self.call(space, "CAP_DERIVE", handle=handle, w0=rights, w1=badge)
        return answer.status, answer.handle

    def can_transfer(self, source, to, count, move):
        return count == 1 and move <= 1 or source != to and (move < 1 << MESSAGE_CAPABILITIES or count > 4)

    def transfer(self, source, to, handles, move):
        if len(handles) == 1 and move <= 1 and (source == to or self._random.randrange(2)):
            answer = self.call(source, "CAP_MOVE" if move else "CAP_COPY", handle=handles[0],
                              w0=self.children[source].spaces[to])
            return answer.status, [answer.handle]
        pairs = [sum(handle << 32 * i for i, handle in enumerate(handles[at:at + 2])) for at in (0, 2)]
        answer = self.call(source, "IPC_CALL", handle=self.children[source].endpoints[to], count=len(handles),
                          move=move & 15, capabilities=pairs[0], capabilities_high=pairs[1])
        return answer.status, [answer[word] for word in range(MESSAGE_CAPABILITIES)]

    def delete(self, space, handle):
        return self.call(space, "CAP_DELETE", handle=handle).status

    def revoke(self, space, handle, limit):
        answer = self.call(space, "CAP_REVOKE", handle=handle)
        return answer.status, answer[0]

    def seal(self, space, limit):
        return self._ask_status("SPACE_SEAL", handle=self.children[space].space, w0=self.own + limit)

    def _ask_status(self, call: str, **words) -> Status:
        return self.agent.call(call, **words).status

    def used(self, spaces):
        return [self._ask("SPACE_INFO", handle=self.children[space].space)[0] - self.own for space in spaces]

    def check(self, asked):
        places = [(self.children[space].endpoint, question) for space, question in asked]
        calls = [Request.of(Call.CAP_CHECK, via=via, w0=question) for via, question in places]
        runs = [calls]
        if self.with_unit:
            runs += [calls, [check_instruction(question, via) for via, question in places]]
        seen: list[set] = [set() for _ in asked]
        for by_unit, requests in self._paths(runs):
            if by_unit is not None:
                self._control(KernelControl.SET_ACCELERATOR, by_unit)
            for known, request, answer in zip(seen, requests, self.agent.calls(requests), strict=True):
                verdict = Verdict(answer[0] & 0xff)
                assert request.words == check_instruction(0).words | {0: request.words[0]} or \
                    answer.status.value == verdict.value
                known.add((verdict, answer[0] >> 32))
        return seen

    def _paths(self, runs):
        """Which requests by which path (None: there is one); what comes then is done by the last."""
        if not self.with_unit:
            return [(None, runs[0])]
        paths = [(0, runs[0]), (1, runs[1]), (self._random.randrange(2), runs[2])]
        self._random.shuffle(paths)
        return paths


class BootedMachine(CapabilityRules):
    """The rules in a system that goes on from one sequence to the next."""

    agent: Agent
    recent = 4

    @initialize(seed=st.integers(0, (1 << 32) - 1))
    def start(self, seed):
        self.begin(BootedSystem(self.agent, seed))

    def burst_operations(self, choose, place):
        """More of what makes capabilities: a call costs much here, and few of them are needed to see one refused."""
        everything = super().burst_operations(choose, place)
        return [*everything[:3], *((weight / 4, operation) for weight, operation in everything[3:])]

    @invariant()
    def channel_ends_agree(self):
        """Who tells the other end of a channel something learns whether it is gone."""
        if not self.begun:
            return
        held = [capability for slots in self.model.spaces.values() for capability in slots.values()
                if capability.target.cap_type is CapType.CHANNEL and capability.target.alive]
        for capability in held[-3:]:
            for call, own, other in (("CHANNEL_SEND", Rights.SEND, Rights.RECEIVE),
                                     ("CHANNEL_COMPLETE", Rights.RECEIVE, Rights.SEND)):
                if own not in capability.rights:
                    continue
                there = any(one.target is capability.target and other in one.rights for one in held)
                status = self.system.call(capability.space, call, handle=capability.handle, w0=1).status
                assert status == (Status.OK if there else Status.DEAD), f"{call}, other end {there}: {status}"

    def after_each_of_a_burst(self):
        self.compare(sorted({place for place in self.given[-2:] if self.askable(place[0])}))

    def teardown(self):
        if not self.begun:
            return
        try:
            self.final_state_agrees()
        finally:
            self.system.close()


def bursts(agent: Agent, count: int, number: int) -> None:
    """`count` bursts of the machine in one system of spaces, without Hypothesis: many operations, nothing shrinks."""
    machine = type("BootedMachine", (BootedMachine,), {"agent": agent})()
    machine.start(number)
    for burst in range(count):
        machine.burst(number + burst)
        machine.verdicts_agree()
        machine.channel_ends_agree()
    machine.teardown()


def explore(agent: Agent, examples: int, steps: int, number: int | None = None, *, shrink: bool = True) -> None:
    """Run `examples` sequences of at most `steps` rules.

    Parameters
    ----------
    number : int, optional
        Seed; without one the same sequences each time.
    shrink : bool
        Look for the shortest sequence that fails.
    """
    machine = type("BootedMachine", (BootedMachine,), {"agent": agent})
    if number is not None:
        machine = seed(number)(machine)
    phases = [Phase.generate, Phase.shrink] if shrink else [Phase.generate]
    run_state_machine_as_test(machine, settings=settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, database=None, phases=phases,
        derandomize=number is None, print_blob=False, suppress_health_check=list(HealthCheck)))
