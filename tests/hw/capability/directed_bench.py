"""Directed cocotb tests of the capability unit."""

import cocotb

from hw.abi import CapType, Rights, Verdict
from hw.capability import model
from hw.core.port import Privilege
from tests.hw.capability.driver import Bench, op


@cocotb.test()
async def every_verdict_on_every_interface(dut):
    """Port, window and check port agree with the model, when missing and when hitting."""
    bench = Bench(dut)
    handles = bench.simple()
    await bench.start()
    endpoint, send, receive = CapType.ENDPOINT, Rights.SEND, Rights.RECEIVE
    cases = [
        (handles["good"], endpoint, send, Verdict.OK), (handles["good"], endpoint, Rights(0), Verdict.OK),
        (handles["good"], endpoint, send | receive, Verdict.MISSING_RIGHTS),
        (handles["good"], CapType.MEMORY, receive, Verdict.WRONG_TYPE),
        (handles["good"], CapType.NONE, Rights(0), Verdict.WRONG_TYPE),
        (handles["wrong_tag"], endpoint, send, Verdict.BAD_HANDLE),
        (handles["outside"], endpoint, send, Verdict.BAD_HANDLE),
        (handles["zero"], endpoint, send, Verdict.BAD_HANDLE),
        (handles["empty"], endpoint, send, Verdict.EMPTY), (handles["stale"], endpoint, send, Verdict.STALE),
        (handles["dead"], endpoint, send, Verdict.STALE), (handles["second_page"], endpoint, send, Verdict.OK),
    ]
    for _ in range(2):
        for handle, cap_type, rights, verdict in cases:
            query = model.query(handle, cap_type, rights)
            expected = bench.kernel.check(3, query)
            assert expected.verdict == verdict
            for ask in (bench.ask_port, bench.ask_window, bench.ask_check):
                outcome = await ask(3, query)
                assert outcome == expected, (ask.__name__, hex(handle), cap_type, rights, outcome, expected)


@cocotb.test()
async def hit_latency_and_throughput(dut):
    """A hit is offered in the cycle after its issue, and one check a cycle goes through."""
    bench = Bench(dut)
    handles = bench.simple()
    await bench.start()
    await bench.one("cap.space", 3)
    query = model.query(handles["good"], CapType.ENDPOINT, Rights.SEND)
    miss = await bench.one("cap.check", query)
    dut._log.info("miss: %d cycles from issue to offer, memory of one wait state", miss.offered - miss.issued)
    assert miss.data == model.answer(Verdict.OK, 0xb0)
    assert miss.offered - miss.issued <= 24
    await bench.cycles(3)  # the fill takes the buffer for two cycles
    ops = await bench.run([op("cap.check", query, privilege=Privilege.USER) for _ in range(20)])
    assert [each.offered - each.issued for each in ops] == [1] * 20
    assert [each.issued - ops[0].issued for each in ops] == list(range(20))
    assert {each.data for each in ops} == {model.answer(Verdict.OK, 0xb0)}
