"""What a translation allows is all that happens: nothing is loaded, stored or run that the entry of the lookaside
buffer or the walker's answer forbids.

`walker` proves that an entry has the rights of the page tables and of physical memory protection, `lookaside` that what
hits is the entry of that page; here follows that both are obeyed, under the privilege that mstatus says.
"""

from amaranth.asserts import AnyConst
from amaranth.hdl import Assert, Assume, C, Mux, Signal

from hw.core.atomic import AtomicOperation
from hw.core.load_store import MemoryKind
from hw.core.translation import Regime
from tests.formal.core.check_fetch import Delivery
from tests.formal.core.check_walker import FETCH, LOAD, STORE, access_forbidden, allows

__all__ = ["data_rights", "fetch_rights"]

MACHINE = 3
SV39 = 8


def reachable(address, paged):
    """Sv39 addresses are canonical (12.4.1), physical ones have 32 bits."""
    return Mux(paged, (address[38:] == 0) | address[38:].all(), address[32:] == 0)


def entry_allows(entry, access, paged, privilege, sum_, mxr):
    return allows(entry.physical.as_value(), access) & (
        ~paged | ~access_forbidden(entry, access, privilege, sum_, mxr))


def data_rights(m, rvfi, bench):
    """Loads, stores and atomics."""
    commit = bench.core._inside.commit
    memory, csr = commit.memory, commit.csr
    tlb, walk = memory._tlb, memory.walk
    status = csr.status
    privilege, regime = Signal(2), Signal(2)
    # 3.1.6.3: MPRV has loads and stores made with the privilege of MPP.
    m.d.comb += [
        privilege.eq(Mux(status.mprv, status.mpp.as_value(), csr.privilege.as_value())),
        regime.eq(Mux(privilege == MACHINE, Regime.MACHINE.value,
                      Mux(csr.satp.mode == SV39, Regime.PAGED.value, Regime.BARE.value))),
    ]
    paged = regime == Regime.PAGED.value
    access = Mux((memory.kind == MemoryKind.LOAD)
                 | ((memory.kind == MemoryKind.ATOMIC) & (memory.operation == AtomicOperation.LR)), LOAD, STORE)
    # The access in writeback: whether it may happen, and in which page.
    permitted, page, kind, address = Signal(), Signal(20), Signal(2), Signal(64)
    with m.If(memory.accept):
        m.d.sync += [permitted.eq(tlb.hit), page.eq(tlb.entry.ppn), kind.eq(access), address.eq(memory.address)]
        with m.If(tlb.hit):
            m.d.comb += [
                Assert(reachable(memory.address, paged)), Assert(tlb.vpn == memory.address[12:39]),
                Assert(tlb.regime.as_value() == regime), Assert(tlb.asid == csr.satp.asid),
                Assert(entry_allows(tlb.entry, access, paged, privilege, status.sum, status.mxr)),
            ]
        m.d.comb += Assert(~(memory.hits & memory.translated) | (tlb.hit & tlb.entry.cached))
    with m.Elif(walk.done & walk.valid):
        m.d.sync += [permitted.eq(~walk.page_fault & ~walk.access_fault), page.eq(walk.entry.ppn)]
    with m.If(walk.valid):
        m.d.comb += [
            Assert(reachable(address, paged)), Assert(walk.vpn == address[12:39]),
            Assert(walk.regime.as_value() == regime), Assert(walk.access.as_value() == kind),
            Assert(walk.privilege.as_value() == privilege),
            Assert(walk.sum == status.sum), Assert(walk.mxr == status.mxr),
        ]
    with m.If(memory.done):
        m.d.comb += Assert(permitted)
    with m.If(memory.bus.cyc & memory.bus.stb):
        m.d.comb += [Assert(permitted), Assert(memory.bus.adr[9:] == page), Assert(~memory.bus.we | (kind == STORE))]
    with m.If(memory.push):
        m.d.comb += [Assert(permitted), Assert(memory.store.adr[9:] == page), Assert(kind == STORE)]


def fetch_rights(m, rvfi, bench):
    """Instructions: of any one page, words come only if there was a hit for it since the last redirect, of an entry
    that allows it. Privilege and address space change with a redirect only."""
    fetch = bench.core._inside.fetch
    tlb, walk = fetch._tlb, fetch.walk
    bench.steering_facts(m)
    m.d.comb += [Assume(~fetch.target[0]), Assume(~fetch.pop | fetch.first_valid),
                 Assume(fetch.regime.as_value() != MACHINE),
                 Assume((fetch.regime != Regime.PAGED) | ~fetch.privilege.as_value()[1])]
    redirected = Signal()
    m.d.sync += redirected.eq(fetch.redirect)
    for name, value in (("regime", fetch.regime.as_value()), ("privilege", fetch.privilege.as_value()),
                        ("asid", fetch.asid)):
        before = Signal(len(value), name=f"before_{name}")
        m.d.sync += before.eq(value)
        m.d.comb += Assume((value == before) | fetch.redirect | redirected | bench.first)
    paged = fetch.regime == Regime.PAGED
    delivery = Delivery(m, fetch, fetch.redirect, fetch.target, fetch.pop, bench.config.reset_vector)
    page, permitted = AnyConst(27), Signal()
    allowed = (tlb.hit & (tlb.vpn == page) & (tlb.regime == fetch.regime) & (tlb.asid == fetch.asid)
               & entry_allows(tlb.entry, FETCH, paged, fetch.privilege.as_value(), C(0, 1), C(0, 1)))
    with m.If(fetch.redirect):
        m.d.sync += permitted.eq(0)
    with m.Elif(allowed):
        m.d.sync += permitted.eq(1)
    for valid, word, address in delivery.words:
        # In the cycle of a redirect nobody takes them.
        with m.If(valid & ~word.page_fault & ~word.access_fault & ~fetch.redirect):
            m.d.comb += Assert(reachable(address, paged))
            with m.If(address[12:39] == page):
                m.d.comb += Assert(permitted)
    with m.If(walk.valid):
        m.d.comb += Assert(walk.access.as_value() == FETCH)
