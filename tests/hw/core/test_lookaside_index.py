"""Where the lookaside buffer keeps pages: what a switch between two processes needs at a time must not collide."""

import pytest
from amaranth import Module, Signal
from amaranth.sim import Simulator

from hw.core.translation import LookasideBuffer

ENTRIES = 32
#: The first page of a user program, of a kernel in the upper half.
USER, KERNEL = 0x400, (0xffff_ffff_8000_0000 >> 12) & (1 << 27) - 1


@pytest.fixture(scope="module")
def place():
    buffer = LookasideBuffer(ENTRIES)
    vpn, asid, index = Signal(27), Signal(16), Signal(range(ENTRIES))
    m = Module()
    m.submodules.buffer = buffer
    m.d.comb += index.eq(buffer.index(vpn, asid))
    questions = [(page, space) for page in (*range(USER, USER + 8), *range(KERNEL, KERNEL + 16)) for space in range(17)]
    answers = {}

    async def ask(context):
        for question in questions:
            context.set(vpn, question[0])
            context.set(asid, question[1])
            answers[question] = context.get(index)

    simulator = Simulator(m)
    simulator.add_testbench(ask)
    simulator.run()
    return answers


def test_kernel_pages_have_one_place_in_all_spaces(place):
    for page in range(KERNEL, KERNEL + 16):
        assert len({place[page, space] for space in range(17)}) == 1


def test_programs_leave_the_kernel_its_places(place):
    kernel, programs = ({where for (page, _), where in place.items() if (page >= KERNEL) == upper}
                        for upper in (True, False))
    assert len(kernel) == len(programs) == ENTRIES // 2 and not kernel & programs


@pytest.mark.parametrize("distance", [1, 2, 3])
def test_spaces_in_a_row_do_not_share_places(place, distance):
    for space in range(17 - distance):
        both = [place[page, which] for which in (space, space + distance) for page in range(USER, USER + 4)]
        assert len(set(both)) == len(both), space
