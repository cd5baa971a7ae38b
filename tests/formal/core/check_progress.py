"""The core comes along: words arrive, and what is in them happens. Translation is off, and buses answer at once."""

from amaranth.asserts import AnyConst
from amaranth.hdl import Assert, Assume, Mux, Signal

from hw.core.translation import Regime

__all__ = ["fetch_progress", "progress"]

#: Cycles between two instructions: a load that misses the lookaside buffer just when a walk for fetch has begun, then
#: the cache, and gets a bus error in the last word.
LONGEST_INSTRUCTION = 22
#: Cycles from a redirect to instructions: a walk, and a line.
LONGEST_FETCH = 16


def _at_once(m, *buses):
    for bus in buses:
        m.d.comb += Assume(~(bus.cyc & bus.stb) | bus.ack | bus.err)


def progress(m, rvfi, bench):
    """With instructions at hand, no interrupt due and wfi woken, something retires or traps in time."""
    inside = bench.core._inside
    csr, fetch, given = inside.commit.csr, inside.fetch, inside.aligner.instruction
    _at_once(m, bench.core.dbus)
    guess = fetch.first.prediction
    m.d.comb += [
        Assume(csr.satp.mode == 0), Assume(~csr.interrupt_valid), Assume(csr.wake),
        Assume(fetch.first_valid & fetch.second_valid),
        # A guess that splits an instruction has it fetched again, and is forgotten.
        Assume(~guess.taken | (guess.position != given.pc[1:3]) | (given.raw[:2] != 3)),
        # Both lookaside buffers search as long.
        Assume(fetch.tlb_flush.busy == inside.commit.memory.tlb_flush.busy),
    ]
    waited = Signal(8)
    m.d.sync += waited.eq(Mux(rvfi.valid, 0, waited + 1))
    m.d.comb += Assert(waited <= LONGEST_INSTRUCTION)


def fetch_progress(m, rvfi, bench):
    """After a redirect, and with no other, eight bytes of instructions come in time, or the fault that none come."""
    inside = bench.core._inside
    fetch, commit = inside.fetch, inside.commit
    _at_once(m, bench.core.ibus)
    bench.steering_facts(m)
    m.d.comb += [Assume(fetch.regime.as_value() != Regime.PAGED.value), Assume(fetch.redirect == bench.first),
                 Assume(~fetch.pop | fetch.first_valid)]
    for value in (fetch.regime.as_value(), fetch.privilege.as_value(), fetch.asid):
        m.d.comb += Assume(value == AnyConst(len(value)))
    m.d.comb += [Assume(~order) for order in (
        commit.tlb_flush.all, commit.tlb_flush.some, commit.fetch_flush, commit.walk.valid)]
    waited, came = Signal(8), Signal()
    m.d.sync += [waited.eq(waited + 1), came.eq(came | fetch.first_valid)]
    m.d.comb += Assert(came | fetch.first_valid | (waited < LONGEST_FETCH))
