"""Hypothesis state machines in the simulator: command sequences that it invents, and shrinks when model and RTL differ.

Hypothesis waits for each step, so it runs in a thread of its own (`cocotb.task.bridge`); a rule is a coroutine under
`cocotb.task.resume`, which hands the step to the simulator and waits. One simulation runs all sequences, each from a
reset.
"""

import os

from cocotb.task import bridge
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

__all__ = ["explore"]


async def explore(dut, machine):
    """Run EXAMPLES sequences of at most STEPS steps, the same ones each time.

    Parameters
    ----------
    dut
    machine : type
        RuleBasedStateMachine, which finds the device under test as its `dut`.
    """
    bound = type(machine.__name__, (machine,), {"dut": dut})
    limits = settings(max_examples=int(os.environ.get("EXAMPLES", 25)),
                      stateful_step_count=int(os.environ.get("STEPS", 25)), derandomize=True, database=None,
                      deadline=None, print_blob=False, report_multiple_bugs=False,
                      suppress_health_check=list(HealthCheck))
    await bridge(run_state_machine_as_test)(bound, settings=limits)
