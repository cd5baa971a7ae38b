"""Page-table walker by itself, against the specification, for walks of any length."""

from types import SimpleNamespace

from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Assert, Assume, C, Cat, Cover, Elaboratable, Fragment, Module, Mux, Signal, Value

from hw.core.config import CoreConfig
from hw.core.translation import Regime
from hw.core.walker import PageTableWalker
from tests.formal.bus.rules import initiator_rules, target_rules
from tests.formal.core.bench import in_regions, registers_of

__all__ = ["FETCH", "LOAD", "STORE", "SUPERVISOR", "USER", "WalkerBench", "access_forbidden", "allows"]

FETCH, LOAD, STORE = 0, 1, 2
USER, SUPERVISOR = 0, 1
REQUEST = ("vpn", "regime", "access", "privilege", "sum", "mxr")


# ---- the specification

def allows(rights, access):
    """Whether (read, write, execute) hold what `access` needs."""
    return Mux(access == FETCH, rights[2], Mux(access == LOAD, rights[0], rights[1]))


def access_forbidden(flags, access, privilege, sum_, mxr):
    """Steps 5 and 7 of 12.3.2 and Svade's dirty bit, for flags of a leaf by their names."""
    level_ok = Mux(privilege == USER, flags.user, ~flags.user | (sum_ & (access != FETCH)))
    kind_ok = Mux(access == FETCH, flags.execute,
                  Mux(access == LOAD, flags.read | (mxr & flags.execute), flags.write & flags.dirty))
    return ~(level_ok & kind_ok)


def leaf_faults(pte, level, access, privilege, sum_, mxr):
    """Steps 5 to 8 of 12.3.2 and Svade, for a leaf as 64 bits."""
    flags = SimpleNamespace(read=pte[1], write=pte[2], execute=pte[3], user=pte[4], dirty=pte[7])
    aligned = (((level == 0) | (pte[10:19] == 0)) & ((level != 2) | (pte[19:28] == 0)))
    return access_forbidden(flags, access, privilege, sum_, mxr) | ~aligned | ~pte[6]


class WalkerBench(Elaboratable):
    """One port's request, either one, over any page table, while the other port does as it likes; the reference follows
    the reads on the bus.

    The check of physical memory protection is cut out: `protection` proves it. Only one of its answers is looked at,
    any one: for the page `known.page` under the privilege `known.machine` it is always `known.rights`. What depends on
    its other answers is not said here, so what is said holds of all.

    With invariants that tie the walker's state to the reference (:meth:`_invariants`), so that the proof is by
    induction: of walks with any number of wait states, after any number of others.
    """

    def elaborate(self, platform):
        m = Module()
        config = self._config = CoreConfig(pmp_entries=2)
        walker = PageTableWalker(config)
        fragment = Fragment.get(walker, platform)
        m.submodules.walker = fragment
        inner = registers_of(fragment)
        fsm = fragment.find_generated("fsm")
        states = {name: fsm.state == number for name, number in fsm.encoding.items()}
        protection = fragment.find_subfragment("pmp").origins[0]

        root, asid = AnyConst(44), AnyConst(16)
        known = SimpleNamespace(page=AnyConst(20), machine=AnyConst(1), rights=AnyConst(3))
        m.d.comb += [
            walker.root.eq(root), walker.asid.eq(asid),
            Assume((protection.rights.as_value() == known.rights) | (protection.page != known.page)
                   | (protection.machine != known.machine)),
        ]
        bus = walker.bus
        m.d.comb += [bus.dat_r.eq(AnySeq(64)), bus.ack.eq(AnySeq(1)), bus.err.eq(AnySeq(1))]
        target_rules(m, bus, Assume)
        initiator_rules(m, bus, Assert, bursts=False)

        # The request that is followed stands still, and is sensible.
        of_fetch = AnyConst(1)
        port, held = self._request(m, walker, of_fetch)
        m.d.comb += Assert(~(walker.data.done & walker.fetch.done))
        reference = self._follow(m, walker, port, root, known)
        self._answer(m, port, reference, asid)
        self._invariants(m, walker, port, reference, held, of_fetch, root, states, inner)
        good = port.done & ~port.page_fault & ~port.access_fault & (port.regime == Regime.PAGED.value)
        for level in range(3):
            m.d.comb += Cover(good & (port.entry.level == level) & (port.access == STORE))
        m.d.comb += [Cover(port.done & port.page_fault), Cover(port.done & port.access_fault)]
        return m

    def _request(self, m, walker, of_fetch):
        """Either port as one; and its request, while it stands."""
        for each in (walker.data, walker.fetch):
            m.d.comb += [each.valid.eq(AnySeq(1)),
                         *(Value.cast(getattr(each, name)).eq(AnySeq(len(Value.cast(getattr(each, name)))))
                           for name in REQUEST)]

        def of_port(name):
            values = [Value.cast(getattr(each, name)) for each in (walker.data, walker.fetch)]
            result = Signal(len(values[0]), name=f"port_{name}")
            m.d.comb += result.eq(Mux(of_fetch, values[1], values[0]))
            return result
        port = SimpleNamespace(entry=walker.data.entry, **{
            name: of_port(name) for name in ("valid", "done", "page_fault", "access_fault", *REQUEST)})
        held = SimpleNamespace(valid=Signal(name="held"), **{
            name: Signal(len(getattr(port, name)), name=f"held_{name}") for name in REQUEST})
        paged = port.regime == Regime.PAGED.value
        m.d.sync += held.valid.eq(port.valid & ~port.done)
        m.d.comb += [
            Assume(~held.valid | port.valid),
            Assume(port.regime != 3), Assume(port.access != 3),
            # Translation by tables is for the lower levels; untranslated addresses have 32 bits.
            Assume(~paged | (port.privilege <= SUPERVISOR)), Assume(paged | (port.vpn[20:] == 0)),
        ]
        for name in REQUEST:
            m.d.sync += getattr(held, name).eq(getattr(port, name))
            m.d.comb += Assume(~held.valid | (getattr(port, name) == getattr(held, name)))
        return port, held

    def _follow(self, m, walker, port, root, known):
        """What has been read since the last answer of the walker, taken as a walk of this port, and what follows."""
        bus, config = walker.bus, self._config
        level, table, pte = Signal(2, init=2), Signal(44), Signal(64)
        reads, began, leaf, broken, failed, right = Signal(2), Signal(), Signal(), Signal(), Signal(), Signal(init=1)
        here = Signal(44)
        m.d.comb += here.eq(Mux(began, table, root))
        index = port.vpn.word_select(level, 9)
        answered = bus.cyc & bus.stb & (bus.ack | bus.err)
        word = bus.dat_r
        is_leaf = word[1] | word[3]
        bad = ~word[0] | (word[2] & ~word[1]) | (word[54:] != 0) | (~is_leaf & (word[4] | word[6] | word[7]))
        # Tables are read where S-mode may read, in main memory.
        forbidden, table_known = Signal(), Signal()
        outside = (here[20:] != 0) | ~in_regions(Cat(C(0, 12), here[:20]), config.cached)
        m.d.comb += [
            table_known.eq((here[:20] == known.page) & ~known.machine),
            forbidden.eq(outside | (table_known & ~known.rights[0])),
        ]
        with m.If(walker.data.done | walker.fetch.done):
            m.d.sync += [level.eq(2), began.eq(0), leaf.eq(0), broken.eq(0), failed.eq(0), right.eq(1), reads.eq(0)]
        with m.Elif(answered):
            m.d.sync += [began.eq(1), reads.eq(Mux(reads == 3, 3, reads + 1)), pte.eq(word)]
            # This was this port's next read, if everything before it was.
            m.d.sync += right.eq(right & ~leaf & ~broken & ~failed & ~forbidden
                                 & (bus.adr == Cat(index, here[:20])) & ~bus.we & (bus.sel == 0xFF))
            with m.If(bus.err):
                m.d.sync += failed.eq(1)
            with m.Elif(bad | (~is_leaf & (level == 0))):
                m.d.sync += broken.eq(1)
            with m.Elif(is_leaf):
                m.d.sync += leaf.eq(1)
            with m.Else():
                m.d.sync += [table.eq(word[10:54]), level.eq(level - 1)]

        paged = port.regime == Regime.PAGED.value
        frame = Signal(44)
        m.d.comb += frame.eq(pte[10:54])
        with m.If(level != 0):
            m.d.comb += frame[:9].eq(port.vpn[:9])
        with m.If(level == 2):
            m.d.comb += frame[9:18].eq(port.vpn[9:18])
        with m.If(~paged):
            m.d.comb += frame.eq(port.vpn)
        page = Cat(C(0, 12), frame[:20])
        faults, page_known, page_fault, access_fault = Signal(), Signal(), Signal(), Signal()
        # Instructions come from main memory, or from I/O that was made for them.
        unreachable = (port.access == FETCH) & ~in_regions(page, config.cached + config.uncached_code)
        refused = unreachable | (page_known & ~allows(known.rights, port.access))
        m.d.comb += [
            faults.eq(leaf_faults(pte, level, port.access, port.privilege, port.sum, port.mxr)),
            page_known.eq((frame[:20] == known.page) & (known.machine == (port.regime == Regime.MACHINE.value))),
            page_fault.eq(paged & (broken | (leaf & faults))),
            access_fault.eq(Mux(paged, ~broken & (~leaf | (~faults & ((frame[20:] != 0) | refused))), refused)),
        ]
        return SimpleNamespace(
            level=level, table=table, pte=pte, reads=reads, began=began, leaf=leaf, broken=broken, failed=failed,
            right=right, here=here, forbidden=forbidden, table_known=table_known, outside=outside, paged=paged,
            frame=frame, faults=faults, page_known=page_known, page_fault=page_fault, access_fault=access_fault,
            known=known, cached=in_regions(page, config.cached))

    def _answer(self, m, port, reference, asid):
        """What the port is told."""
        entry = port.entry
        ended_by_read = reference.leaf | reference.broken | reference.failed
        with m.If(port.done):
            m.d.comb += [
                # Reads that are right, as far as they must go, or none.
                Assert(Mux(reference.paged,
                           reference.right & (ended_by_read | reference.forbidden | ~reference.table_known),
                           reference.reads == 0)),
                Assert(port.page_fault == reference.page_fault),
                Assert(port.access_fault | ~reference.access_fault),
            ]
            # What depends on the rights of the page can be said of that whose rights are known.
            with m.If(reference.page_known):
                m.d.comb += Assert(port.access_fault == reference.access_fault)
            with m.If(~port.page_fault & ~port.access_fault):
                m.d.comb += [
                    Assert(entry.vpn == port.vpn), Assert(entry.asid == asid),
                    Assert(entry.regime.as_value() == port.regime), Assert(entry.ppn == reference.frame[:20]),
                    Assert(~reference.page_known | (entry.physical.as_value() == reference.known.rights)),
                    Assert(entry.cached == reference.cached),
                ]
                with m.If(reference.paged):
                    m.d.comb += [
                        Assert(entry.level == reference.level),
                        Assert(Cat(entry.read, entry.write, entry.execute, entry.user, entry.global_)
                               == reference.pte[1:6]),
                        Assert(entry.dirty == reference.pte[7]),
                    ]

    def _invariants(self, m, walker, port, reference, held, of_fetch, root, states, inner):
        """Where the walker stands is where the reference stands: without these the induction could begin anywhere."""
        level, frame, page_fault, access_fault = (inner[name] for name in (
            "level", "frame", "page_fault", "access_fault"))
        pte = reference.pte
        untouched = ~(reference.began | reference.leaf | reference.broken | reference.failed) & reference.right & (
            reference.level == 2) & (reference.reads == 0)
        mine = inner["for_fetch"] == of_fetch
        reading = (reference.paged & (level == reference.level) & (level != 3) & (frame == reference.here)
                   & reference.right & ~reference.leaf & ~reference.broken & ~reference.failed)
        word_leaf = pte[1] | pte[3]
        word_bad = ~pte[0] | (pte[2] & ~pte[1]) | (pte[54:] != 0) | (~word_leaf & (pte[4] | pte[6] | pte[7]))
        after_read = (reference.paged & reference.right & reference.began & ~reference.failed
                      & (inner["pte"] == pte) & (level != 3))
        m.d.comb += Assert(fsm_is_one(states))
        with m.If(states["idle"] | states["begin"]):
            m.d.comb += Assert(untouched)
        with m.If(~states["idle"] & mine):
            m.d.comb += [Assert(held.valid), *(
                Assert(Value.cast(inner[f"request_{name}"]) == getattr(held, name)) for name in REQUEST)]
            with m.If(states["begin"]):
                m.d.comb += Assert((frame == root) & (level == 2) & ~page_fault & ~access_fault)
            with m.If(states["guard"]):
                m.d.comb += Assert(reading & ~page_fault & ~access_fault)
            with m.If(states["read"]):
                m.d.comb += [
                    Assert(reading & ~page_fault), Assert(access_fault | ~reference.forbidden),
                    Assert(~access_fault | reference.forbidden | ~reference.table_known),
                ]
            with m.If(states["check"]):
                broken = word_bad | (~word_leaf & (level == 0))
                m.d.comb += [
                    Assert(after_read & ~page_fault & ~access_fault),
                    Assert(reference.broken == broken), Assert(reference.leaf == (~broken & word_leaf)),
                    Assert(Mux(broken | word_leaf, reference.level == level,
                               (reference.level == level - 1) & (reference.table == pte[10:54]))),
                ]
            with m.If(states["permit"]):
                m.d.comb += Assert(Mux(
                    reference.paged,
                    after_read & reference.leaf & ~reference.broken & (level == reference.level)
                    & (page_fault == reference.faults),
                    untouched & ~page_fault) & (frame == reference.frame) & ~access_fault)


def fsm_is_one(states):
    """The state is one of those that exist."""
    found = C(0, 1)
    for state in states.values():
        found = found | state
    return found
