"""What the numbers of the datasheet's timing table are made of: cycles from a question to its answer, measured."""

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge

from hw.abi import CapType, Rights, Verdict
from hw.capability import model
from hw.capability.window import WindowCommand
from tests.hw.capability.driver import Bench, op

#: Words that the walk of a miss reads, and cycles beyond the memory's that it may cost.
READS, OWN = 7, 6


async def check_port(bench, space, query):
    """Cycles from the request to the response."""
    start = bench.cycle
    outcome = await bench.ask_check(space, query)
    assert outcome.verdict == Verdict.OK
    return bench.cycle - start - 1


@cocotb.test()
async def hits_and_misses(dut):
    """A hit after one cycle on both ports; a miss after what memory takes and six cycles at most."""
    bench = Bench(dut)
    handles = bench.simple()
    await bench.start()
    query = model.query(handles["good"], CapType.ENDPOINT, Rights.SEND)
    for wait in (0, 1, 5):
        bench.bus.wait = (wait, wait)
        # A word comes one cycle after the cycle in which it is asked for.
        memory = READS * (wait + 2)
        for name in ("port", "check"):
            await bench.command(WindowCommand.INVALIDATE_ALL)
            taken = []
            for _ in range(2):
                if name == "port":
                    checked = await bench.one("cap.badge", query, 3)
                    assert checked.verdict == Verdict.OK
                    taken.append(checked.offered - checked.issued)
                else:
                    taken.append(await check_port(bench, 3, query))
                await bench.cycles(4)
            miss, hit = taken
            dut._log.info("%s: hit %d, miss %d cycles, of which memory %d", name, hit, miss, memory)
            assert hit == 1
            assert miss <= memory + OWN


@cocotb.test()
async def counters_are_exact_at_once(dut):
    """A counter that is read in the cycle after an answer has it in it."""
    bench = Bench(dut)
    handles = bench.simple()
    await bench.start()
    query = model.query(handles["good"], CapType.ENDPOINT, Rights.SEND)
    await bench.one("cap.badge", query, 3)
    await bench.cycles(4)
    for _ in range(3):
        before = await bench.read("hits")
        await bench.run([op("cap.badge", query, 3)])
        assert await bench.read("hits") == before + 1
        assert await bench.ask_check(3, query) == model.Outcome(Verdict.OK, 7, 0xb0)
        assert await bench.read("hits") == before + 2
        assert await bench.ask_window(3, query) == model.Outcome(Verdict.OK, 7, 0xb0)
        assert await bench.read("hits") == before + 3


@cocotb.test()
async def other_instructions_look_nothing_up(dut):
    """What is no check, or none of our instructions, takes a lookup's turn to no effect."""
    bench = Bench(dut)
    handles = bench.simple()
    await bench.start()
    query = model.query(handles["good"], CapType.ENDPOINT, Rights.SEND)
    names = ("hits", "misses", "refused_undecided")
    before = {name: await bench.read(name) for name in names}
    reads = len(bench.bus.reads)
    dut.port_issue_rs1.value, dut.port_issue_rs2.value = query, 3
    dut.port_issue_insn.value = 0x33
    dut.port_issue_valid.value = 1
    for _ in range(10):
        await FallingEdge(dut.clk)
        assert int(dut.port_issue_ready.value) and not int(dut.port_issue_accept.value)
        assert not int(dut.port_result_valid.value)
        await RisingEdge(dut.clk)
    dut.port_issue_valid.value = 0
    await bench.cycles(30)
    assert len(bench.bus.reads) == reads
    assert {name: await bench.read(name) for name in names} == before


@cocotb.test()
async def answers_at_once_are_not_mixed(dut):
    """A walk for the core ends at each moment around a hit or a walk for the window: each gets its own answer."""
    bench = Bench(dut)
    handles = bench.simple()
    await bench.start()
    good = model.query(handles["good"], CapType.ENDPOINT, Rights.SEND)
    empty = model.query(handles["empty"], CapType.ENDPOINT, Rights.SEND)
    for asked, expected in ((good, model.Outcome(Verdict.OK, 7, 0xb0)), (empty, model.Outcome(Verdict.EMPTY))):
        assert await bench.ask_check(3, good) == model.Outcome(Verdict.OK, 7, 0xb0)
        for delay in range(30):
            walk = op("cap.badge", model.query(handles["dead"], CapType.ENDPOINT), 3, gap=delay)
            core = cocotb.start_soon(bench.run([walk]))
            assert await bench.ask_window(3, asked) == expected, delay
            await core
            assert walk.data == model.answer(Verdict.STALE), delay
