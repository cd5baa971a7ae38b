"""A space that is full grows instead of taking back all that an engine has emptied in another space.

Run by test_capability.py in a process with the sanitizers' runtime. Usage:
python tests/kernel/room_beside_others.py LIBRARY
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from hw.abi import SLOTS_PER_PAGE, TYPE_RIGHTS, CapType, RevokeState, Status  # noqa: E402
from hw.capability import revoke_model  # noqa: E402
from kernel.build import KERNEL  # noqa: E402
from tests.kernel.capability_machine import HostMemory, HostSystem  # noqa: E402
from tests.kernel.host_library import load  # noqa: E402

DEAD = 100
STEP = int(re.search(r"CAP_RECLAIM_STEP = (\d+)", (KERNEL / "cap" / "cap.h").read_text())[1])


def main() -> None:
    ffi, lib = load(Path(sys.argv[1]))
    system, memory = HostSystem(ffi, lib, seed=7), HostMemory(lib)
    tables = system.tables()

    def engine(root, limit, dead, finished):
        run = revoke_model.revoke(memory, tables, root, limit=limit, dead=dead[0])
        dead[0], finished[0] = run.dead, run.state == RevokeState.DONE
        return run.revoked

    held = ffi.callback("uint64_t(uint32_t, uint32_t, uint32_t *, bool *)", engine)
    lib.host_set_engine(held)
    spaces = [system.new_space()[1] for _ in range(2)]
    roots = [system.create(space, CapType.ENDPOINT)[2] for space in spaces]
    for space, root, count in zip(spaces, roots, (DEAD, SLOTS_PER_PAGE - 1), strict=True):
        for _ in range(count):
            assert system.derive(space, root, TYPE_RIGHTS[CapType.ENDPOINT].value, 0)[0] == Status.OK
    assert system.revoke(spaces[0], roots[0], DEAD) == (Status.OK, DEAD)
    # The second space's page is full, and none of the dead is its own.
    assert system.derive(spaces[1], roots[1], TYPE_RIGHTS[CapType.ENDPOINT].value, 0)[0] == Status.OK
    left = 0
    while lib.cap_reclaim(0):
        lib.cap_reclaim(1)
        left += 1
    assert left == DEAD - STEP, f"{DEAD - left} slots were taken back"


if __name__ == "__main__":
    main()
