"""Trigger module (RISC-V Debug Specification 1.0, chapter 5): address triggers of type mcontrol6."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .isa import DebugCsr
from .port import Privilege

__all__ = ["TRIGGERS", "TriggerModule"]

#: How many there are.
TRIGGERS = 2
#: tdata1.type of mcontrol6, and tinfo.version that has it.
MATCH_CONTROL_6 = 6
VERSION = 1
#: Logarithm of the largest naturally aligned range (maskmax6).
RANGE_BITS = 12


class MatchControl(data.Struct):
    """Fields of mcontrol6 (5.7.12) that exist here. Addresses only, of any size, before the access."""

    load: 1
    store: 1
    execute: 1
    user: 1
    supervisor: 1
    machine: 1
    #: tdata2 names a naturally aligned range of up to 4 KiB.
    range: 1
    #: Enter debug mode instead of a breakpoint exception.
    debug: 1
    hit: 1
    #: Only a debugger may write this trigger.
    dmode: 1

    def word(self):
        """As software reads it."""
        return Cat(self.load, self.store, self.execute, self.user, self.supervisor, C(0, 1), self.machine,
                   self.range, C(0, 4), self.debug, C(0, 9), self.hit, C(0, 36), self.dmode, C(MATCH_CONTROL_6, 4))


class TriggerModule(wiring.Component):
    """Compares pc and memory addresses.

    The pc is compared on its way into the memory stage, and the address of a load or store on its way to writeback.
    While a trigger is set that could match, loads and stores take the slow way (`armed`), so that writeback can still
    stop them; no long path is added.

    Triggers with the action breakpoint do not fire while their handler could be interrupted by itself (5.4, first
    solution): in M-mode while mstatus.MIE is 0, in S-mode while SIE is 0 if medeleg delegates breakpoints.

    Members
    -------
    address, value, write : a CSR instruction writes `value`; addresses of others are ignored.
    debugging : in debug mode, where no trigger fires and all may be written.
    privilege, machine_enable, supervisor_enable, delegated : current level, mstatus.MIE, mstatus.SIE, medeleg[3].
    next_pc, advance : pc of the instruction that enters the memory stage with this cycle.
    memory_address, size, load, store : access in the memory stage, if it is going to happen.
    leaving : the instruction leaves the memory stage, and nothing of higher priority keeps it from happening.
    waiting : what left the memory stage last is in writeback and not done.
    execute_enters, execute_breaks : by a trigger on the pc, the instruction in the memory stage enters debug mode or
        is a breakpoint.
    armed : an access in the memory stage may turn out to match.
    access_enters, access_breaks : by a trigger on its address, the same for the access in writeback.
    """

    address: In(12)
    value: In(64)
    write: In(1)
    debugging: In(1)
    privilege: In(Privilege)
    machine_enable: In(1)
    supervisor_enable: In(1)
    delegated: In(1)
    next_pc: In(64)
    advance: In(1)
    memory_address: In(64)
    size: In(2)
    load: In(1)
    store: In(1)
    leaving: In(1)
    waiting: In(1)
    execute_enters: Out(1)
    execute_breaks: Out(1)
    armed: Out(1)
    access_enters: Out(1)
    access_breaks: Out(1)

    def __init__(self):
        super().__init__()
        self._select = Signal(range(TRIGGERS))
        self._control = [Signal(MatchControl, name=f"control{i}") for i in range(TRIGGERS)]
        self._address = [Signal(64, name=f"address{i}") for i in range(TRIGGERS)]

    def registers(self):
        """What the CSRs read as, by address."""
        return {
            DebugCsr.TSELECT: self._select,
            DebugCsr.TDATA1: Array(control.word() for control in self._control)[self._select],
            DebugCsr.TDATA2: Array(self._address)[self._select],
            DebugCsr.TINFO: C(VERSION << 24 | 1 << MATCH_CONTROL_6, 64),
        }

    def elaborate(self, platform):
        m = Module()
        machine = self.privilege == Privilege.MACHINE
        supervisor = self.privilege == Privilege.SUPERVISOR
        reentrant = (machine & ~self.machine_enable) | (supervisor & self.delegated & ~self.supervisor_enable)
        smaller = Signal(3)
        m.d.comb += smaller.eq((1 << self.size) - 1)

        executes, accesses, could = Signal(TRIGGERS), Signal(TRIGGERS), Signal(TRIGGERS)
        matched, enters = Signal(TRIGGERS), Signal(TRIGGERS)
        for i, (control, address) in enumerate(zip(self._control, self._address, strict=True)):
            live = Signal(name=f"live{i}")
            covered = Signal(RANGE_BITS, name=f"covered{i}")
            pc_match = Signal(name=f"pc_match{i}")
            low = address[:RANGE_BITS]
            m.d.comb += [
                live.eq(((machine & control.machine) | (supervisor & control.supervisor)
                         | (~machine & ~supervisor & control.user)) & ~self.debugging & (control.debug | ~reentrant)),
                # Ones up to and including the lowest zero.
                covered.eq(Mux(control.range, low ^ (low + 1), 0)),
                executes[i].eq(live & control.execute & pc_match),
                could[i].eq(live & ((self.load & control.load) | (self.store & control.store))),
                accesses[i].eq(self.waiting & matched[i]),
                enters[i].eq(control.debug),
            ]
            with m.If(self.advance):
                m.d.sync += [
                    pc_match.eq(((self.next_pc ^ address) & ~_wide(covered)) == 0),
                    matched[i].eq(
                        could[i] & (((self.memory_address ^ address) & ~_wide(covered | smaller)) == 0)),
                ]
            with m.If((self.leaving & executes[i]) | accesses[i]):
                m.d.sync += control.hit.eq(1)

            mine = self.write & (self._select == i) & (self.debugging | ~control.dmode)
            with m.If(mine & (self.address == DebugCsr.TDATA1)):
                dmode = self.value[59] & self.debugging
                m.d.sync += [
                    Cat(control.load, control.store, control.execute, control.user, control.supervisor)
                    .eq(self.value[:5]),
                    control.machine.eq(self.value[6]),
                    control.range.eq((self.value[7:11] == 1) & ~low.all()),
                    control.debug.eq((self.value[12:16] == 1) & dmode),
                    control.hit.eq(self.value[22]),
                    control.dmode.eq(dmode),
                ]
            with m.If(mine & (self.address == DebugCsr.TDATA2)):
                m.d.sync += address.eq(self.value)
                with m.If(control.range & self.value[:RANGE_BITS].all()):
                    m.d.sync += address[RANGE_BITS - 1].eq(0)

        with m.If(self.write & (self.address == DebugCsr.TSELECT)):
            m.d.sync += self._select.eq(Mux(self.value < TRIGGERS, self.value, 0))
        m.d.comb += [
            self.execute_enters.eq((executes & enters).any()),
            self.execute_breaks.eq((executes & ~enters).any() & ~self.execute_enters),
            self.armed.eq(could.any()),
            self.access_enters.eq((accesses & enters).any()),
            self.access_breaks.eq((accesses & ~enters).any() & ~self.access_enters),
        ]
        return m


def _wide(mask):
    """A mask of low bits, in 64 bits, so that its complement has them all."""
    return Cat(mask, C(0, 64 - len(mask)))
