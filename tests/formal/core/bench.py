"""The core under proof: smallest configuration, free surroundings, and the states that proofs start from."""

import re

from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Assert, Assume, C, Cat, Fragment, Module, Mux, Signal
from amaranth.lib import data, wiring

from hw.core.commit import _Slow
from hw.core.config import CoreConfig
from hw.core.core import Core
from hw.core.decoder import Unit
from hw.core.translation import Regime
from tests.formal.bus.rules import target_rules
from tests.formal.core.privileged import one_of
from tests.formal.prove import prove

__all__ = ["CONFIG", "CoreBench", "in_regions", "prove_core", "registers_of"]

CONFIG = CoreConfig(icache_bytes=64, dcache_bytes=64, cache_ways=1, tlb_entries=2, pmp_entries=0,
                    branch_entries=4, branch_history_bits=1, rvfi=True, alternative_operations=True)

#: funct5 of the A extension.
ATOMIC_OPERATIONS = (0b00000, 0b00001, 0b00010, 0b00011, 0b00100, 0b01000, 0b01100, 0b10000, 0b10100, 0b11000, 0b11100)

LR, ATOMIC_OPCODE = 0b00010, 0b0101111

#: What mie, mideleg and medeleg can hold (privileged specification, 3.1.8 and 3.1.9; custom causes 24 to 31).
ALL_INTERRUPTS = 0xAAA
SUPERVISOR_INTERRUPTS = 0x222
MEDELEG = 0xFF00_B3FE

#: Registers that do not start from their reset values, by module (below the core) and name: free, all zeros, all
#: ones, or free in the target alone. The first rule that fits a name counts.
FREE, ZERO, ONE, TARGET = "x", "0", "1", "target"
START = {
    r"commit": {r"w_refill": ONE, r"w": TARGET},
    r"commit\.csr": {r"clearing": ZERO, r".*": FREE},
    r"commit\.csr\.interrupts": {r".*": FREE},
    r"commit\.memory": {r"reserved|reservation": FREE},
    r"(fetch|commit\.memory)\.tlb": {r"valid": FREE},
    r"(fetch|commit\.memory)\.cache": {r"busy": ZERO},
    r"fetch\.predictor": {r"clearing": ZERO, r"ahead|executed|victim": FREE},
    r"fetch\.predictor\.returns": {r"ahead|executed": FREE},
    r"registers": {r"clearing": ZERO},
}


def _initial(kind, width):
    if kind == TARGET:
        # Writeback's record of its instruction, of which only the place where fetch goes on counts.
        field = data.Layout.cast(_Slow)["target"]
        return "0" * (width - field.offset - field.width) + "x" * (field.width - 1) + "0" * (field.offset + 1)
    return kind * width


def _start_registers(text, where, rules):
    """Change the initial values in a module; each rule must find a register."""
    unused = set(rules)

    def edit(found):
        for name, kind in rules.items():
            if re.fullmatch(name, found["name"]):
                unused.discard(name)
                width = int(found["width"])
                return f"  attribute \\init {width}'{_initial(kind, width)}\n{found['rest']}"
        return found.group()

    text = re.sub(r"^  attribute \\init .*\n(?P<rest>(?:  attribute .*\n)*"
                  r"  wire width (?P<width>\d+).* \\(?P<name>[\w.]+)(?:\$\d+)?\n)", edit, text, flags=re.M)
    if unused:
        raise ValueError(f"The core has no register {', '.join(sorted(unused))} in {where} any more")
    return text


def _start_memories(text):
    def edit(found):
        bits = int(found["width"]) * int(found["words"])
        return f"{found['head']}{bits}'{'x' * bits}\n"

    return re.sub(r"^(?P<head>  cell \$meminit_v2 .*\n(?:    .*\n)*?    parameter \\WIDTH (?P<width>\d+)\n"
                  r"    parameter \\WORDS (?P<words>\d+)\n(?:    .*\n)*?    connect \\DATA ).*\n",
                  edit, text, flags=re.M)


def start_anywhere(netlist):
    """Edit the netlist so that it starts right after a flush of the pipeline, with memories and CSRs free.

    Parameters
    ----------
    netlist : str
        RTLIL.

    Raises
    ------
    ValueError
        If the core has no such register any more.
    """
    modules = re.split(r"^(?=module )", netlist, flags=re.M)
    missing = set(START)
    for place, text in enumerate(modules):
        found = re.match(r"module \\top\.bench\.core\.([\w.]+)", text)
        if not found:
            continue
        for where, rules in START.items():
            if re.fullmatch(where, found[1]):
                missing.discard(where)
                text = _start_registers(text, where, rules)
        modules[place] = _start_memories(text)
    if missing:
        raise ValueError(f"The core has no module {', '.join(sorted(missing))} any more")
    return "".join(modules)


class CoreBench(wiring.Component):
    """A core whose buses, interrupt lines and time do anything that the rules of the bus allow.

    Parameters
    ----------
    check : callable
        `check(m, rvfi, bench)` adds the properties.
    config : CoreConfig
    steady : bool
        Interrupt lines and time never change, and the line of the supervisor's external interrupt is low.
    others : bool
        Other initiators store to main memory, whenever the core's transfers leave room for it.
    cut : iterable of str
        Modules that will be cut out: see :func:`prove_core`.

    Attributes
    ----------
    core : the core.
    other_store, other_adr : another initiator's store is acknowledged in this cycle, and its word; of what, is free.
    first : step 0.
    privilege : current privilege; with `rvfi.valid` the one after a trap or return.
    privilege_after : with `rvfi.valid` the one after the instruction.
    start : where the flush before step 0 sent fetch.
    """

    def __init__(self, check, config=CONFIG, *, steady=False, others=False, cut=()):
        self._check = check
        self._cut = cut
        self._others = others
        self._steady = steady
        self.config = config
        super().__init__({})

    def elaborate(self, platform):
        m = Module()
        core = self.core = Core(self.config)
        m.submodules.core = Fragment.get(core, platform)
        for name in ("ibus", "dbus"):
            bus = getattr(core, name)
            m.d.comb += [bus.dat_r.eq(AnySeq(64)), bus.ack.eq(AnySeq(1)), bus.err.eq(AnySeq(1))]
            target_rules(m, bus, Assume)
        free = AnyConst if self._steady else AnySeq
        for name in ("msip", "mtip", "meip", "seip", "time"):
            line = getattr(core, name)
            m.d.comb += line.eq(free(len(line)))
        if self._steady:
            m.d.comb += Assume(~core.seip)
        self.other_store, self.other_adr = Signal(), Signal(29)
        if self._others:
            self._add_other_stores(m, core)
        m.d.comb += [core.capability.issue.ready.eq(1), core.capability.issue.accept.eq(0)]
        self.first = Signal(init=1)
        m.d.sync += self.first.eq(0)
        self.privilege = core._inside.commit.csr.privilege.as_value()
        # Behind any other instruction a return may have changed it already.
        rvfi = core.rvfi
        self.privilege_after = Mux(rvfi.trap | one_of(rvfi.insn, "mret", "sret"), self.privilege, rvfi.mode)
        self.start = Signal(64)
        with m.If(self.first):
            m.d.sync += self.start.eq(core._inside.commit.target)
        self._legal_start(m, core)
        self._facts(m, core)
        self._lookaside_facts(m, core._inside.fetch._tlb, fetch=True)
        self._lookaside_facts(m, core._inside.commit.memory._tlb, fetch=False)
        self._check(m, core.rvfi, self)
        return m

    def _add_other_stores(self, m, core):
        """Whoever owns the bus keeps it for a burst and for a locked pair, from the first answer to the last."""
        dbus = core.dbus
        answered, held = dbus.cyc & dbus.stb & (dbus.ack | dbus.err), Signal()
        m.d.sync += held.eq(dbus.cyc & (held | answered))
        m.d.comb += [
            self.other_store.eq(AnySeq(1)), self.other_adr.eq(AnySeq(29)),
            Assume(~(self.other_store & (answered | (held & dbus.cyc)))),
        ]
        m.d.sync += [core.snoop.valid.eq(self.other_store), core.snoop.adr.eq(self.other_adr)]

    def _legal_start(self, m, core):
        """CSRs hold only what can be written to them."""
        csr = core._inside.commit.csr
        with m.If(self.first):
            m.d.comb += [
                Assume(csr.privilege.as_value() != 2), Assume(csr.status.mpp.as_value() != 2),
                Assume(csr.context == 0), Assume(csr.context_address.context == 0),
                Assume(~csr.rvfi_mtvec[1]), Assume(~csr.rvfi_stvec[1]),
                Assume(~csr.rvfi_mepc[0]), Assume(~csr.rvfi_sepc[0]),
                Assume((csr.rvfi_medeleg & ~MEDELEG) == 0),
                Assume((csr.rvfi_mideleg & ~SUPERVISOR_INTERRUPTS) == 0),
                Assume((csr.rvfi_mie & ~ALL_INTERRUPTS) == 0),
                Assume((csr.rvfi_mip & ~ALL_INTERRUPTS) == 0),
                Assume((csr.satp.mode == 0) | (csr.satp.mode == 8)),
            ]

    def _facts(self, m, core):
        """What modules that are cut out are still known to do. Where they are not cut out, that is asserted."""
        inside = core._inside
        fetch = inside.fetch
        m.d.comb += self.fact("registers", ~inside.registers.clearing)
        # No branch is known that ends in the first halfword of a region, since none is taught.
        predictor, training = fetch._predictor, fetch.training
        guess = predictor.prediction
        m.d.comb += [
            Assume(~guess.taken | (guess.position != 0) | predictor.address[3:].any()),
            self.fact("execute", ~training.insert | training.end[1:].any()),
        ]
        # Loads, stores and atomics are some that exist, and the address comes early as well.
        executed = inside.execute.executed
        unit, funct3 = executed.control.unit, executed.control.funct3
        atomic = unit == Unit.ATOMIC
        with m.If(inside.execute.executed_valid & ~executed.exception):
            with m.If((unit == Unit.LOAD) | (unit == Unit.STORE) | atomic):
                m.d.comb += self.fact("execute", executed.result == inside.execute.address)
            m.d.comb += [
                self.fact("execute", (unit != Unit.LOAD) | (funct3 != 7)),
                self.fact("execute", (unit != Unit.STORE) | ~funct3[2]),
                self.fact("execute", ~atomic | (funct3 == 2) | (funct3 == 3)),
                self.fact("execute", ~atomic | executed.raw[27:32].matches(*ATOMIC_OPERATIONS)),
                self.fact("execute", ~atomic | (executed.raw[12:15] == funct3)),
                self.fact("execute", ~atomic | (executed.raw[27:32] != LR) | (executed.raw[20:25] == 0)),
                self.fact("execute", atomic == (executed.raw[:7] == ATOMIC_OPCODE)),
            ]

    def steering_facts(self, m):
        """The predictor names no branch that ends before the way begins. Said in the proofs of fetch; asserted in those
        that have a predictor."""
        predictor = self.core._inside.fetch._predictor
        guess = predictor.prediction
        m.d.comb += self.fact("fetch.predictor", ~guess.taken | (guess.position >= predictor.address[1:3]))

    def fact(self, module, condition):
        """To assume where `module` is cut out, to assert where it is not."""
        cut = any(f"{module}.".startswith(f"{each}.") for each in self._cut)
        return (Assume if cut else Assert)(condition)

    def _lookaside_facts(self, m, tlb, *, fetch):
        """What hits is the page asked for and was put there by the walker: its attributes are those of its frame, and
        untranslated addresses are their own. Proven of buffer and walker in `test_translation.py`."""
        entry = tlb.entry
        page = Cat(C(0, 12), entry.ppn)
        with m.If(tlb.hit):
            m.d.comb += [
                Assume(entry.regime.as_value() != 3),
                Assume(entry.regime == tlb.regime), Assume(entry.vpn == tlb.vpn),
                Assume(entry.global_ | (entry.asid == tlb.asid)), Assume(tlb.allowed),
                Assume(entry.cached == in_regions(page, self.config.cached)),
            ]
            if fetch:
                m.d.comb += Assume(entry.cached | in_regions(page, self.config.uncached_code))
            with m.If(entry.regime != Regime.PAGED):
                m.d.comb += Assume(entry.vpn == entry.ppn)


def registers_of(fragment):
    """Signals that an elaborated module assigns, by name: for invariants of proofs by induction."""
    return {signal.name: signal for statements in fragment.statements.values() for statement in statements
            for signal in statement._lhs_signals()}


def in_regions(address, regions):
    """Whether a byte address lies in one of the (base, size) regions."""
    result = C(0, 1)
    for base, size in regions:
        result = result | ((address >= base) & (address < base + size))
    return result


def prove_core(check, *, depth, name, config=CONFIG, steady=False, others=False, cut=(), **options):
    """Prove the properties that `check` adds, from any start state, to `depth` cycles.

    `cut` names modules below the core whose outputs are free: see :func:`tests.formal.prove.prove`.
    """
    options = {"solver": "bitwuzla", "flat": True, "timeout": 3600, **options}
    prove(CoreBench(check, config, steady=steady, others=others, cut=cut), depth=depth, name=name,
          edit=start_anywhere,
          cut=[f"top.bench.core.{each}" for each in cut], **options)
