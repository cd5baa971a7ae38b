"""Debug mode and triggers of the core, seen by a debugger at the SoC's JTAG pins."""

from contextlib import suppress
from pathlib import Path

import pytest

from hw.core.debug import DebugCause
from hw.core.isa import CsrAddress, DebugCsr
from hw.debug import park
from sim.bare_metal import build_program
from sim.model import build_model
from soc.config import SocConfig
from soc.memory_map import RESET_VECTOR, region
from tests.sim.debugger import REGISTERS, CommandFailed, simulation

PROGRAM = Path(__file__).parent / "programs" / "debug.S"
#: tdata1 of mcontrol6: type, dmode, action 1, and what it matches.
TYPE, DMODE, ENTER, RANGE, HIT = 6 << 60, 1 << 59, 1 << 12, 1 << 7, 1 << 22
MACHINE, SUPERVISOR, USER, EXECUTE, STORE, LOAD = 1 << 6, 1 << 4, 1 << 3, 4, 2, 1
MIE, MPRV, MPP_SUPERVISOR = 1 << 3, 1 << 17, 1 << 11
MCYCLE, MINSTRET = CsrAddress.MCYCLE, CsrAddress.MINSTRET


@pytest.fixture(scope="module")
def model():
    return build_model(SocConfig(debug=True, sdram=""), quiet=True)


@pytest.fixture(scope="module")
def program():
    return build_program([PROGRAM])


@pytest.fixture
def debugger(model, program):
    with simulation(model, program) as debugger:
        yield debugger


@pytest.fixture
def handled(debugger):
    """With a trap handler, and all of memory open to every privilege."""
    debugger.write(CsrAddress.MTVEC, debugger.symbols["handler"])
    debugger.write(CsrAddress.PMPADDR0, (1 << 64) - 1)
    debugger.write(CsrAddress.PMPCFG0, 0x1f)
    return debugger


def set_trigger(debugger, number, control, address):
    """As the specification says (5.6): disable, address, control. Returns what it reads as."""
    debugger.write(DebugCsr.TSELECT, number)
    debugger.write(DebugCsr.TDATA1, 0)
    debugger.write(DebugCsr.TDATA2, address)
    debugger.write(DebugCsr.TDATA1, control)
    return debugger.read(DebugCsr.TDATA1)


# ---- entering and leaving

def test_halted_at_reset(debugger):
    assert debugger.pc == RESET_VECTOR
    assert debugger.read(DebugCsr.DCSR) == 4 << 28 | 1 << 10 | DebugCause.RESET.value << 6 | 3
    assert debugger.read(MINSTRET) == 0


def test_halt_and_resume_a_running_program(debugger):
    debugger.goto("_start")
    debugger.resume()
    while debugger.status().allhalted:
        pass
    debugger.halt()
    assert debugger.cause == DebugCause.HALT.value
    assert debugger.symbols["count"] <= debugger.pc < debugger.symbols["straight"]
    counted = debugger.read("s2")
    assert counted > 10
    assert counted - debugger.load(debugger.symbols["counter"]) in (0, 1)
    debugger.write("s2", 1_000_000)
    debugger.resume()
    debugger.halt()
    assert 1_000_000 < debugger.read("s2") < 1_100_000
    assert debugger.load(debugger.symbols["counter"]) >= 1_000_000


def test_counters_stand_still_in_debug_mode(debugger):
    before = debugger.read(MCYCLE), debugger.read(MINSTRET)
    debugger.run(park.NOP, park.NOP)
    assert (debugger.read(MCYCLE), debugger.read(MINSTRET)) == before
    debugger.goto("straight")
    debugger.step()
    assert debugger.read(MINSTRET) == before[1] + 1
    assert before[0] < debugger.read(MCYCLE) < before[0] + 100


def test_all_registers_survive_a_round_trip(debugger):
    values = {name: 0x0123_4567_89ab_cdef * number % (1 << 64) for name, number in REGISTERS.items()}
    for name, value in values.items():
        debugger.write(name, value)
    debugger.goto("after_csr")
    debugger.resume()
    debugger.halt()
    assert {name: debugger.read(name) for name in values} == values | {"zero": 0}


def test_reset_with_halt_request(debugger):
    debugger.store(debugger.symbols["words"], 0xfeed)
    debugger.write("s2", 5)
    debugger.write(CsrAddress.MIE, 8)
    debugger.control(ackhavereset=1)
    assert not debugger.status().anyhavereset
    debugger.control(haltreq=1, ndmreset=1)
    assert debugger.status().allunavail
    debugger.control(haltreq=1)
    debugger.wait()
    assert debugger.status().allhavereset
    debugger.control()
    assert debugger.pc == RESET_VECTOR and debugger.read(CsrAddress.MIE) == 0
    assert debugger.load(debugger.symbols["words"]) == 0xfeed


def test_program_ends_after_the_debugger_let_it_go(debugger):
    debugger.goto("ends", a0=21)
    with suppress(ConnectionError):  # It may be over before the answer.
        debugger.control(resumereq=1)
    assert debugger.process.wait(60) == 21


# ---- single step

def test_steps(debugger):
    debugger.goto("straight", a0=7, a1=debugger.symbols["words"])
    for place in ("after_compressed", "branch", "taken", "jump", "jumped", "after_load", "after_csr", "after_csr"):
        debugger.step()
        assert debugger.at(place) and debugger.cause == DebugCause.STEP.value
        if place == "branch":
            assert debugger.read("a0") == 8
        if place == "after_load":
            assert debugger.read("a0") == 0x1111_1111


@pytest.mark.parametrize("place, cause, value", [
    ("call", 11, 0), ("illegal", 2, 0), ("bad_load", 5, 0x400), ("breaks", 3, None),
])
def test_step_into_a_trap(handled, place, cause, value):
    debugger = handled
    debugger.goto(place)
    debugger.step()
    assert debugger.at("handler") and debugger.cause == DebugCause.STEP.value
    assert debugger.read(CsrAddress.MEPC) == debugger.symbols[place]
    assert debugger.read(CsrAddress.MCAUSE) == cause
    assert debugger.read(CsrAddress.MTVAL) == (debugger.symbols[place] if value is None else value)


def test_step_to_a_place_that_cannot_be_fetched_traps_only_with_the_next_step(handled):
    debugger = handled
    debugger.goto("bad_jump", a1=0x400)
    debugger.step()
    assert debugger.pc == 0x400 and debugger.read(CsrAddress.MCAUSE) == 0
    debugger.step()
    assert debugger.at("handler") and debugger.read(CsrAddress.MCAUSE) == 1
    assert debugger.read(CsrAddress.MEPC) == 0x400


@pytest.mark.parametrize("stepie", (0, 1))
def test_interrupt_during_a_step(handled, stepie):
    debugger = handled
    debugger.write(CsrAddress.MIE, 8)
    debugger.write(CsrAddress.MSTATUS, MIE)
    debugger.store(region("clint").base, 1)
    debugger.goto("after_compressed", a0=1)
    debugger.step(stepie=stepie)
    if stepie:
        assert debugger.at("handler") and debugger.read("a0") == 1
        assert debugger.read(CsrAddress.MCAUSE) == 1 << 63 | 3
    else:
        assert debugger.at("branch") and debugger.read("a0") == 2
        debugger.dcsr()
        debugger.resume()
        debugger.halt()
        assert debugger.read(CsrAddress.MCAUSE) == 1 << 63 | 3
        assert debugger.read(CsrAddress.MEPC) == debugger.symbols["branch"]


def test_wait_for_interrupt(debugger):
    debugger.goto("waits")
    debugger.step()
    assert debugger.at("after_wait")
    debugger.dcsr()
    debugger.goto("waits")
    debugger.resume()
    debugger.halt()
    assert debugger.at("after_wait") and debugger.cause == DebugCause.HALT.value


# ---- ebreak

@pytest.mark.parametrize("place", ("breaks", "compressed_break"))
@pytest.mark.parametrize("privilege, mask", [(3, 8), (1, 2), (0, 1)])
def test_ebreak(handled, place, privilege, mask):
    debugger = handled
    debugger.goto(place)
    debugger.dcsr(privilege=privilege, ebreaks=mask)
    debugger.resume()
    debugger.wait()
    assert debugger.at(place)
    assert debugger.read(DebugCsr.DCSR) & 0x1ff == DebugCause.EBREAK.value << 6 | privilege
    assert debugger.read(CsrAddress.MCAUSE) == 0
    # Without that bit it is an exception like any other; the others do not matter.
    debugger.dcsr(privilege=privilege, ebreaks=11 & ~mask)
    debugger.resume()
    debugger.halt()
    assert debugger.read(CsrAddress.MCAUSE) == 3
    assert debugger.symbols["handler"] <= debugger.pc < debugger.symbols["returns"]


# ---- what debug mode executes

@pytest.mark.parametrize("instruction", [
    pytest.param(0, id="illegal"),
    pytest.param(0x0000_0073, id="ecall"),
    pytest.param(0x3020_0073, id="mret"),
    pytest.param(0x1020_0073, id="sret"),
    pytest.param(park.read_csr(10, 0x7b3), id="no-such-csr"),
    pytest.param(park.load(10, 3, 0, 10), id="no-such-address"),
    pytest.param(park.load(10, 3, 4, 10), id="misaligned"),
])
def test_exceptions_in_the_program_buffer(handled, instruction):
    """No trap: the command fails, and nothing of the program's has changed."""
    debugger = handled
    csrs = (CsrAddress.MSTATUS, CsrAddress.MEPC, CsrAddress.MCAUSE, CsrAddress.MTVAL, DebugCsr.DPC, DebugCsr.DCSR)
    before = [debugger.read(csr) for csr in csrs]
    debugger.write("a0", 0x7000_0000)
    with pytest.raises(CommandFailed, match="EXCEPTION"):
        debugger.run(instruction)
    assert [debugger.read(csr) for csr in csrs] == before
    assert debugger.read("a0") == 0x7000_0000


def test_registers_that_do_not_exist(debugger):
    debugger.write("s0", 0x1234)
    for csr in (0x7b3, 0x7a3, 0xfff):
        with pytest.raises(CommandFailed, match="EXCEPTION"):
            debugger.read(csr)
    with pytest.raises(CommandFailed, match="EXCEPTION"):
        debugger.write(CsrAddress.MHARTID, 1)
    assert debugger.read("s0") == 0x1234


def test_wfi_and_interrupts_do_not_disturb(handled):
    debugger = handled
    debugger.run(0x1050_0073)  # wfi
    debugger.write(CsrAddress.MIE, 8)
    debugger.write(CsrAddress.MSTATUS, MIE)
    debugger.store(region("clint").base, 1)
    debugger.run(park.NOP, park.NOP)
    assert debugger.read(CsrAddress.MCAUSE) == 0


def test_mprv_has_no_effect_in_debug_mode_and_ends_below_machine_mode(debugger):
    debugger.write(CsrAddress.SATP, 8 << 60)  # A table at address 0 maps nothing.
    debugger.write(CsrAddress.MSTATUS, MPRV | MPP_SUPERVISOR)
    assert debugger.load(debugger.symbols["words"]) == 0x1111_1111_1111_1111
    debugger.goto("after_csr")
    debugger.step(privilege=3)
    assert debugger.read(CsrAddress.MSTATUS) & MPRV
    debugger.write(CsrAddress.SATP, 0)
    debugger.write(CsrAddress.PMPADDR0, (1 << 64) - 1)
    debugger.write(CsrAddress.PMPCFG0, 0x1f)
    debugger.step(privilege=0)
    assert debugger.at("after_csr") and not debugger.read(CsrAddress.MSTATUS) & MPRV
    assert debugger.read(DebugCsr.DCSR) & 3 == 0


@pytest.mark.parametrize("place", ("reads_dcsr", "leaves"))
def test_only_debug_mode_has_its_registers_and_dret(handled, place):
    debugger = handled
    debugger.goto(place)
    debugger.step()
    assert debugger.at("handler") and debugger.read(CsrAddress.MCAUSE) == 2


# ---- triggers

def test_triggers_are_found(debugger):
    for written, number in ((0, 0), (1, 1), (2, 0)):
        debugger.write(DebugCsr.TSELECT, written)
        assert debugger.read(DebugCsr.TSELECT) == number
    assert debugger.read(DebugCsr.TINFO) == 1 << 24 | 1 << 6
    assert debugger.read(DebugCsr.TDATA1) == TYPE
    # Everything that is not there reads back as 0.
    all_fields = TYPE | DMODE | HIT | ENTER | RANGE | MACHINE | SUPERVISOR | USER | EXECUTE | STORE | LOAD
    assert set_trigger(debugger, 1, all_fields | 0x07ff_ffff & ~0xffff, 0) == all_fields
    assert set_trigger(debugger, 1, TYPE | DMODE | 2 << 12 | 2 << 7 | MACHINE | EXECUTE, 0) == (
        TYPE | DMODE | MACHINE | EXECUTE)
    assert set_trigger(debugger, 1, TYPE | ENTER | MACHINE | EXECUTE, 0) == TYPE | MACHINE | EXECUTE


def test_largest_range_is_4_kib(debugger):
    """The way to find out that the specification gives (5.7.12)."""
    set_trigger(debugger, 0, TYPE | DMODE | RANGE, 0)
    debugger.write(DebugCsr.TDATA2, (1 << 64) - 1)
    assert debugger.read(DebugCsr.TDATA2) == (1 << 64) - 1 - (1 << 11)
    assert set_trigger(debugger, 0, TYPE | DMODE | RANGE, (1 << 64) - 1) == TYPE | DMODE


@pytest.mark.parametrize("number", (0, 1))
def test_execute_trigger(debugger, number):
    control = TYPE | DMODE | ENTER | MACHINE | EXECUTE
    assert set_trigger(debugger, number, control, debugger.symbols["taken"]) == control
    debugger.goto("straight")
    debugger.resume()
    debugger.wait()
    assert debugger.at("taken") and debugger.cause == DebugCause.TRIGGER.value
    assert debugger.read(DebugCsr.TDATA1) == control | HIT
    # It fires again until it is taken away.
    debugger.resume()
    debugger.wait()
    assert debugger.at("taken")
    debugger.write(DebugCsr.TDATA1, 0)
    debugger.step()
    assert debugger.at("jump")


def test_step_onto_a_trigger_is_a_step(debugger):
    set_trigger(debugger, 0, TYPE | DMODE | ENTER | MACHINE | EXECUTE, debugger.symbols["branch"])
    debugger.goto("after_compressed", a0=0)
    debugger.step()
    assert debugger.at("branch") and debugger.cause == DebugCause.STEP.value
    debugger.step()
    assert debugger.at("branch") and debugger.cause == DebugCause.TRIGGER.value


@pytest.mark.parametrize("kind, address, places", [
    (LOAD, 3, ("load_byte", "add", "reserve")),
    (STORE, 3, ("store_byte", "store_word", "add", "conditional")),
    (LOAD | STORE, 3, ("load_byte", "store_byte", "store_word", "add", "reserve", "conditional")),
    (LOAD | STORE, 0, ("store_word", "add", "reserve", "conditional")),
    (LOAD | STORE | RANGE, 0x7ff, ("load_byte", "store_byte", "store_word", "add", "reserve", "conditional")),
    (LOAD | STORE | RANGE, 0x801, ()),
    (LOAD | STORE, 8, ()),
])
def test_memory_triggers(debugger, kind, address, places):
    """Byte accesses go to offset 3 of a page, the others to the eight bytes around it."""
    base = (debugger.symbols["_end"] + 0x1fff) & ~0xfff
    words = debugger.symbols
    debugger.store(base, 0x5555_5555_5555_5555)
    set_trigger(debugger, 1, TYPE | DMODE | ENTER | MACHINE | kind, base + address)
    debugger.goto("accesses", a1=base + 3, a2=1)
    stops = []
    for place in ("load_byte", "store_byte", "store_word", "add", "reserve", "conditional"):
        if place == "store_word":
            debugger.write("a1", base)
        before = debugger.load(base)
        debugger.step()
        if debugger.pc == words[place]:
            assert debugger.cause == DebugCause.TRIGGER.value and debugger.load(base) == before
            assert debugger.read(DebugCsr.TDATA1) & HIT
            stops.append(place)
            debugger.write(DebugCsr.TDATA1, 0)
            debugger.step()
            set_trigger(debugger, 1, TYPE | DMODE | ENTER | MACHINE | kind, base + address)
        assert debugger.cause == DebugCause.STEP.value
    assert tuple(stops) == places and debugger.at("after_accesses")


@pytest.mark.parametrize("levels, privilege, fires", [
    (MACHINE, 3, True), (SUPERVISOR | USER, 3, False), (SUPERVISOR, 1, True), (MACHINE | USER, 1, False),
    (USER, 0, True), (MACHINE | SUPERVISOR, 0, False),
])
def test_privileges_of_a_trigger(handled, levels, privilege, fires):
    debugger = handled
    set_trigger(debugger, 0, TYPE | DMODE | ENTER | levels | EXECUTE, debugger.symbols["branch"])
    debugger.goto("branch")
    debugger.step(privilege=privilege)
    assert debugger.cause == (DebugCause.TRIGGER if fires else DebugCause.STEP).value
    assert debugger.at("branch" if fires else "taken")


@pytest.mark.parametrize("kind, place", [(EXECUTE, "branch"), (LOAD, "jumped"), (STORE, "store_word")])
def test_breakpoint_exception(handled, kind, place):
    debugger = handled
    words = debugger.symbols["words"]
    target = debugger.symbols[place] if kind == EXECUTE else words
    set_trigger(debugger, 0, TYPE | MACHINE | kind, target)
    # Not while its handler would be interrupted by itself.
    debugger.goto(place, a1=words, a2=0)
    debugger.write(CsrAddress.MSTATUS, 0)
    debugger.step()
    assert debugger.pc != debugger.symbols["handler"] and debugger.read(CsrAddress.MCAUSE) == 0
    debugger.store(words, 77)
    debugger.goto(place, a1=words, a2=0)
    debugger.write(CsrAddress.MSTATUS, MIE)
    debugger.step()
    assert debugger.at("handler") and debugger.cause == DebugCause.STEP.value
    assert [debugger.read(csr) for csr in (CsrAddress.MCAUSE, CsrAddress.MEPC, CsrAddress.MTVAL)] == [
        3, debugger.symbols[place], target]
    assert debugger.load(words) == 77


def test_software_sets_triggers_but_not_the_debuggers(debugger):
    control = TYPE | MACHINE | EXECUTE
    taken = debugger.symbols["taken"]

    def run():
        debugger.goto("sets_trigger", a0=control | DMODE | ENTER, a1=taken)
        debugger.resume()
        debugger.halt()
        assert debugger.at("after_trigger")
        return tuple(debugger.read(name) for name in ("a2", "a3", "a4"))

    debugger.write(DebugCsr.TSELECT, 0)
    assert run() == (control, taken, 1 << 24 | 1 << 6)
    mine = set_trigger(debugger, 0, control | DMODE | ENTER, 0x1234)
    assert run() == (mine, 0x1234, 1 << 24 | 1 << 6)


def test_triggers_do_not_fire_in_debug_mode(debugger):
    set_trigger(debugger, 0, TYPE | DMODE | ENTER | MACHINE | LOAD | STORE | EXECUTE | RANGE, 0x7ff)
    set_trigger(debugger, 1, TYPE | DMODE | ENTER | MACHINE | LOAD | STORE, debugger.symbols["words"])
    debugger.store(debugger.symbols["words"], 5)
    assert debugger.load(debugger.symbols["words"]) == 5
