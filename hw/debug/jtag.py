"""JTAG transport of the debug module (RISC-V Debug Specification 1.0, section 6.1; IEEE 1149.1 test access port)."""

from amaranth import *
from amaranth.lib import data, enum, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from .registers import ADDRESS_BITS, DmiSignature

__all__ = ["DEFAULT_IDCODE", "INSTRUCTION_BITS", "Instruction", "JtagSignature", "JtagTransport", "TapState"]

INSTRUCTION_BITS = 5
#: Version 1, part "VR", manufacturer 0: JEDEC gives that number to nobody.
DEFAULT_IDCODE = 0x1565_2001


class Instruction(enum.IntEnum):
    """Instruction register: every other value selects BYPASS (table 6.1)."""

    IDCODE = 0x01
    DTMCS = 0x10
    DMI = 0x11
    BYPASS = 0x1f


class TapState(enum.Enum, shape=4):
    """States of the test access port (IEEE 1149.1, figure 6-1)."""

    TEST_LOGIC_RESET = 0
    RUN_TEST_IDLE = 1
    SELECT_DR = 2
    CAPTURE_DR = 3
    SHIFT_DR = 4
    EXIT1_DR = 5
    PAUSE_DR = 6
    EXIT2_DR = 7
    UPDATE_DR = 8
    SELECT_IR = 9
    CAPTURE_IR = 10
    SHIFT_IR = 11
    EXIT1_IR = 12
    PAUSE_IR = 13
    EXIT2_IR = 14
    UPDATE_IR = 15


#: Next states for TMS = 0 and TMS = 1.
TRANSITIONS = {
    TapState.TEST_LOGIC_RESET: (TapState.RUN_TEST_IDLE, TapState.TEST_LOGIC_RESET),
    TapState.RUN_TEST_IDLE: (TapState.RUN_TEST_IDLE, TapState.SELECT_DR),
    TapState.SELECT_DR: (TapState.CAPTURE_DR, TapState.SELECT_IR),
    TapState.CAPTURE_DR: (TapState.SHIFT_DR, TapState.EXIT1_DR),
    TapState.SHIFT_DR: (TapState.SHIFT_DR, TapState.EXIT1_DR),
    TapState.EXIT1_DR: (TapState.PAUSE_DR, TapState.UPDATE_DR),
    TapState.PAUSE_DR: (TapState.PAUSE_DR, TapState.EXIT2_DR),
    TapState.EXIT2_DR: (TapState.SHIFT_DR, TapState.UPDATE_DR),
    TapState.UPDATE_DR: (TapState.RUN_TEST_IDLE, TapState.SELECT_DR),
    TapState.SELECT_IR: (TapState.CAPTURE_IR, TapState.TEST_LOGIC_RESET),
    TapState.CAPTURE_IR: (TapState.SHIFT_IR, TapState.EXIT1_IR),
    TapState.SHIFT_IR: (TapState.SHIFT_IR, TapState.EXIT1_IR),
    TapState.EXIT1_IR: (TapState.PAUSE_IR, TapState.UPDATE_IR),
    TapState.PAUSE_IR: (TapState.PAUSE_IR, TapState.EXIT2_IR),
    TapState.EXIT2_IR: (TapState.SHIFT_IR, TapState.UPDATE_IR),
    TapState.UPDATE_IR: (TapState.RUN_TEST_IDLE, TapState.SELECT_DR),
}


class TransportControl(data.Struct):
    """dtmcs (6.1.4)."""

    version: 4
    abits: 6
    dmistat: 2
    idle: 3
    reserved0: 1
    dmireset: 1
    dtmhardreset: 1
    reserved1: 14


class DmiAccess(data.Struct):
    """dmi (6.1.5)."""

    op: 2
    data: 32
    address: ADDRESS_BITS


#: dtmcs.version of specifications 0.13 and 1.0.
VERSION_0_13 = 1
READ = 1
WRITE = 2


class JtagSignature(wiring.Signature):
    """JTAG pins, seen from the probe.

    Members
    -------
    tck, tms, tdi : of any phase; at most an eighth of the clock.
    tdo : changes after a falling edge of `tck`.
    """

    def __init__(self):
        super().__init__({"tck": Out(1), "tms": Out(1), "tdi": Out(1), "tdo": In(1)})


class JtagTransport(wiring.Component):
    """Test access port and debug transport.

    The pins are sampled by the system clock, so there is no second clock domain: an edge of TCK is seen two to three
    cycles later, and TDO follows in one more. DMI requests are served at once, so a debugger never finds the
    interface busy: `dtmcs.idle` and `dmistat` are 0.

    Parameters
    ----------
    idcode : int
        32 bits, the lowest 1.

    Attributes
    ----------
    pins : In(JtagSignature())
    dmi : Out(DmiSignature())

    Raises
    ------
    TypeError, ValueError
        Not such an identification.
    """

    def __init__(self, *, idcode=DEFAULT_IDCODE):
        if not isinstance(idcode, int) or isinstance(idcode, bool):
            raise TypeError(f"IDCODE must be an integer, not {idcode!r}")
        if not (0 <= idcode < 1 << 32 and idcode & 1):
            raise ValueError(f"IDCODE must be an odd number of 32 bits, not {idcode:#x}")
        self._idcode = idcode
        super().__init__({"pins": In(JtagSignature()), "dmi": Out(DmiSignature())})

    def elaborate(self, platform):
        m = Module()
        tck, tms, tdi = Signal(), Signal(), Signal()
        for name, pin, level in (("tck", self.pins.tck, tck), ("tms", self.pins.tms, tms), ("tdi", self.pins.tdi, tdi)):
            m.submodules[f"{name}_synchronizer"] = FFSynchronizer(pin, level)
        before = Signal()
        rising, falling = Signal(), Signal()
        m.d.sync += before.eq(tck)
        m.d.comb += [rising.eq(tck & ~before), falling.eq(~tck & before)]

        state = Signal(TapState)
        with m.If(rising):
            with m.Switch(state):
                for here, (low, high) in TRANSITIONS.items():
                    with m.Case(here):
                        m.d.sync += state.eq(Mux(tms, high, low))

        # ---- instruction register
        instruction = Signal(INSTRUCTION_BITS, init=Instruction.IDCODE)
        incoming = Signal(INSTRUCTION_BITS)
        with m.If(rising & (state == TapState.CAPTURE_IR)):
            m.d.sync += incoming.eq(1)  # The standard wants 01 in the lowest bits.
        with m.If(rising & (state == TapState.SHIFT_IR)):
            m.d.sync += incoming.eq(Cat(incoming[1:], tdi))
        with m.If(falling & (state == TapState.UPDATE_IR)):
            m.d.sync += instruction.eq(incoming)
        with m.If(state == TapState.TEST_LOGIC_RESET):
            m.d.sync += instruction.eq(Instruction.IDCODE)

        # ---- data registers share one shift register; the last bit of each is where TDI enters
        control = TransportControl.const({"version": VERSION_0_13, "abits": ADDRESS_BITS})
        shift = Signal(DmiAccess)
        bits = len(shift.as_value())
        shifted = Signal(bits)
        m.d.comb += shifted.eq(shift.as_value()[1:])
        with m.Switch(instruction):
            with m.Case(Instruction.IDCODE, Instruction.DTMCS):
                m.d.comb += shifted[31].eq(tdi)
            with m.Case(Instruction.DMI):
                m.d.comb += shifted[bits - 1].eq(tdi)
            with m.Default():
                m.d.comb += shifted[0].eq(tdi)
        with m.If(rising & (state == TapState.SHIFT_DR)):
            m.d.sync += shift.eq(shifted)
        with m.If(rising & (state == TapState.CAPTURE_DR)):
            with m.Switch(instruction):
                with m.Case(Instruction.IDCODE):
                    m.d.sync += shift.eq(self._idcode)
                with m.Case(Instruction.DTMCS):
                    m.d.sync += shift.eq(control.as_bits())
                with m.Case(Instruction.DMI):
                    m.d.sync += [shift.op.eq(0), shift.data.eq(self.dmi.response), shift.address.eq(self.dmi.address)]
                with m.Default():
                    m.d.sync += shift.eq(0)

        # ---- requests
        request = (shift.op == READ) | (shift.op == WRITE)
        m.d.sync += self.dmi.valid.eq(0)
        with m.If(falling & (state == TapState.UPDATE_DR) & (instruction == Instruction.DMI) & request):
            m.d.sync += [
                self.dmi.valid.eq(1),
                self.dmi.write.eq(shift.op == WRITE),
                self.dmi.address.eq(shift.address),
                self.dmi.data.eq(shift.data),
            ]

        with m.If(falling):
            with m.If(state == TapState.SHIFT_IR):
                m.d.sync += self.pins.tdo.eq(incoming[0])
            with m.Elif(state == TapState.SHIFT_DR):
                m.d.sync += self.pins.tdo.eq(shift.as_value()[0])
        return m
