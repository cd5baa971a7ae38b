"""What the datasheet says of several harts' units in cycles, measured: an invalidate and a revocation."""

import os

import cocotb

from hw.abi import RevokeState
from tests.hw.capability.driver import Bench, op
from tests.hw.capability.harts_bench import KINDS, fill
from tests.hw.capability.harts_driver import CONFIG, Harts, component
from tests.hw.capability.trees import Forest

__all__ = ["component"]

#: From the commit of a single unit's invalidate to its result, beyond the sets that it sweeps; what the broadcast
#: adds; and how far two ends are apart, beyond the sets, when another waits.
ALONE, BROADCAST, TURN = 3, 2, 4


async def system(dut):
    """Units of several harts, or the unit of one with HARTS=1."""
    alone = int(os.environ.get("HARTS", 2)) == 1
    harts = Bench(dut) if alone else Harts(dut)
    harts.kernel.space(3)
    harts.kernel.object(1)
    fill(harts)
    await harts.start()
    return harts, [harts] if alone else list(harts)


@cocotb.test()
async def invalidates(dut):
    """From the commit to the result, one hart alone and all of them at once."""
    _, harts = await system(dut)
    broadcast = BROADCAST if len(harts) > 1 else 0
    for kind, (name, _, operands) in KINDS.items():
        if name is None:
            continue
        swept = 1 if kind == "slot" else CONFIG.sets
        done = await harts[0].one(name, *operands)
        alone = done.taken - done.committed
        ops = [op(name, *operands) for _ in harts]
        tasks = [cocotb.start_soon(hart.run([each])) for hart, each in zip(harts, ops, strict=True)]
        for task in tasks:
            await task
        taken = [each.taken - each.committed for each in ops]
        dut._log.info("%d harts, %s: %d cycles from commit to result, of these %d sets; all at once: %s",
                      len(harts), name, alone, swept, taken)
        assert alone == swept + ALONE + broadcast
        # One after the other, each with a turn of its own.
        assert sorted(taken) == [alone + (swept + TURN) * number for number in range(len(harts))]


@cocotb.test()
async def revocations(dut):
    """From `cap.revoke` to the first instruction that reads DONE, memory two cycles for a word."""
    everything, harts = await system(dut)
    forest = Forest(everything.kernel, everything.random, spaces=2)
    root = forest.add()
    for count in (1, 16):
        forest.star(root, count)
        begun = await harts[0].one("cap.revoke", root, 0)
        while True:
            asked = await harts[0].one("cap.revoke", 0, 0)
            if asked.data & 0xff != RevokeState.RUNNING.value:
                break
        assert asked.data & 0xff == RevokeState.DONE.value
        dut._log.info("%d harts, cap.revoke of %d: %d cycles from issue to the answer DONE, of these %d sets",
                      len(harts), count, asked.taken - begun.issued, CONFIG.sets)
        outcome = await harts[0].revoked()
        forest.collect(outcome.dead)
        await harts[0].write("dead", 0)
