"""Hypothesis state machines in the simulator: command sequences that it invents, and shrinks when model and RTL differ.

Hypothesis waits for each step, so it runs in a thread of its own (`cocotb.task.bridge`); a rule is a coroutine under
`cocotb.task.resume`, which hands the step to the simulator and waits. One simulation runs all sequences, each from a
reset.
"""

import os

from cocotb.task import bridge
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

__all__ = ["explore"]


async def explore(dut, machine, examples=25, rules=25):
    """Run sequences of rules, the same ones each time; EXAMPLES and RULES in the environment say other numbers.

    With FIRST the first one that fails is the end of it; otherwise Hypothesis looks for the shortest.

    Parameters
    ----------
    dut
    machine : type
        RuleBasedStateMachine, which finds the device under test as its `dut`.
    examples, rules : int
        Sequences, and rules in each, at most.
    """
    bound = type(machine.__name__, (machine,), {"dut": dut})
    phases = [Phase.generate] if os.environ.get("FIRST") else [Phase.generate, Phase.shrink]
    limits = settings(phases=phases, max_examples=int(os.environ.get("EXAMPLES", examples)),
                      stateful_step_count=int(os.environ.get("RULES", rules)),
                      derandomize=True, database=None, deadline=None, print_blob=False, report_multiple_bugs=False,
                      suppress_health_check=list(HealthCheck))
    await bridge(run_state_machine_as_test)(bound, settings=limits)
