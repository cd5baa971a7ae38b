"""How long interrupts wait for a revocation: the kernel runs with interrupts off, so as long as it stays at a time.

The program `bounds` revokes 1,100 children and a chain of 300, without and with the capability unit, and deletes the
root; 80 children while a thread waits at the endpoint; and it deletes a capability with 300 children that live on. On
the RTL each stay of the kernel is counted in cycles, from the last instruction of the user to the next.
"""

import re

from kernel.build import KERNEL, build_kernel
from sim.profile import Symbols, run

STEP = int(re.search(r"LONG_CALL_CYCLES = (\d+)", (KERNEL / "sys" / "long_call.h").read_text())[1])
#: What a step may take longer: the way in and out with the check of the handle (400), and what it is about: one slot
#: emptied by software with every line missing (900), or the engine's last slot and its sweep of 128 sets (300).
BEYOND = 1500
#: Cycles that the whole takes at least, by software: 200 for each of 1,400 slots.
WORK = 1400 * 200


def test_a_revocation_lets_interrupts_in():
    symbols = Symbols(build_kernel("riscv64").with_name("kernel.elf"))
    profiles = run(symbols, init="bounds", timeout=900)
    revoke, delete = (profiles[name].lengths for name in ("enter_cap_revoke", "enter_cap_delete"))
    assert max(revoke) <= STEP + BEYOND
    assert max(delete) <= STEP + BEYOND
    # It was work enough for many steps, and steps are worth their way in and out.
    assert len(revoke) >= WORK // (STEP + BEYOND)
    assert len(revoke) <= 4 + 2 * sum(revoke) // STEP
    assert len(delete) > 2
