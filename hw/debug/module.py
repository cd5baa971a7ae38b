"""Debug module: lets a debugger halt harts, and has the halted hart do what the debugger asks for.

Registers and behaviour follow chapter 3 of the RISC-V Debug Specification 1.0; section numbers below are its.
"""

from amaranth import *
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from ..bus import wishbone
from ..bus.memory_map import MemoryBlock, MemoryMap
from ..core.debug import DebugPort
from ..core.isa import DebugCsr
from . import park
from .registers import (
    REGISTER_COMMAND,
    VERSION_1_0,
    AbstractControl,
    Command,
    CommandError,
    DmiSignature,
    ModuleAddress,
    ModuleControl,
    ModuleStatus,
)

__all__ = ["DebugModule", "WINDOW_BITS"]

#: Address bits of what a hart sees of the debug module.
WINDOW_BITS = 12
#: The first general register in Access Register's numbers; below are the CSRs (table 3.3).
FIRST_GENERAL = 0x1000


class Phase(enum.Enum, shape=2):
    """How far an abstract command is."""

    IDLE = 0
    #: The hart has not seen the order yet.
    ORDERED = 1
    #: It executes.
    RUNNING = 2


class DebugModule(wiring.Component):
    """Debug module for some harts.

    Parameters
    ----------
    harts : 1..32
        Their mhartid are 0, 1, ...
    progbuf_words : 2..8
        Instructions in the program buffer; an ebreak stands behind them.

    Attributes
    ----------
    dmi : In(DmiSignature())
        From the transport.
    bus : In(wishbone.peripheral_signature(WINDOW_BITS))
        Target for the harts, to be placed at address 0: park loop, program buffer, data. While no hart is halted every
        access is answered with `err`.
    harts : list of Out(DebugPort())
    halt_on_reset : In(1)
        Strap: harts halt before their first instruction after each reset, whatever the debugger says.
    ndmreset : Out(1)
        Resets everything but this module and its transport.

    Raises
    ------
    TypeError, ValueError
        Parameter out of range.
    """

    def __init__(self, *, harts=1, progbuf_words=2):
        for name, value, low, high in (("Harts", harts, 1, 32), ("Program buffer words", progbuf_words, 2, 8)):
            if not isinstance(value, int) or isinstance(value, bool):
                raise TypeError(f"{name} must be an integer, not {value!r}")
            if not low <= value <= high:
                raise ValueError(f"{name} must be between {low} and {high}, not {value!r}")
        self._count = harts
        self._progbuf_words = progbuf_words
        super().__init__({
            "dmi": In(DmiSignature()),
            "bus": In(wishbone.peripheral_signature(WINDOW_BITS)),
            "harts": Out(DebugPort()).array(harts),
            "halt_on_reset": In(1),
            "ndmreset": Out(1),
        })
        memory_map = MemoryMap(addr_width=WINDOW_BITS)
        memory_map.add_resource(MemoryBlock(1 << WINDOW_BITS, False), name="debug", size=1 << WINDOW_BITS)
        self.bus.memory_map = memory_map

    def elaborate(self, platform):
        m = Module()
        count, words = self._count, self._progbuf_words
        dmi = self.dmi

        active = Signal()  # dmcontrol.dmactive
        hartsel = Signal(range(count))
        data = Signal(64)
        progbuf = Array(Signal(32, name=f"progbuf{i}") for i in range(words))
        command = Signal(Command)
        auto_data, auto_progbuf = Signal(2), Signal(words)
        error = Signal(CommandError)
        phase = Signal(Phase)
        busy = Signal()
        m.d.comb += busy.eq(phase != Phase.IDLE)

        halt, halt_on_reset = Signal(count), Signal(count)
        halted = Signal(count)
        resume = Signal(count)  # Sent, and not followed yet.
        resumed = Signal(count, init=(1 << count) - 1)  # The resume ack bit.
        was_reset = Signal(count, init=(1 << count) - 1)
        selected = Signal(count)
        m.d.comb += selected.eq(1 << hartsel)
        for i, hart in enumerate(self.harts):
            m.d.comb += [
                halted[i].eq(hart.halted),
                hart.halt.eq(halt[i]),
                hart.halt_on_reset.eq(halt_on_reset[i] | self.halt_on_reset),
            ]
        m.d.sync += [resume.eq(resume & halted), resumed.eq(resumed | (resume & ~halted))]

        # ---- what the debugger reads and writes
        address = dmi.address
        write = dmi.valid & dmi.write
        at_data = (address[1:] == ModuleAddress.DATA0 >> 1)
        at_progbuf = (address[3:] == ModuleAddress.PROGBUF0 >> 3) & (address[:3] < words)
        status, control, abstract = Signal(ModuleStatus), ModuleControl(dmi.data), Signal(AbstractControl)
        self._status(m, status, hartsel, selected, halted, resumed, was_reset)
        m.d.comb += [
            abstract.datacount.eq(2), abstract.progbufsize.eq(words), abstract.cmderr.eq(error), abstract.busy.eq(busy),
        ]
        result = Signal(32)
        with m.Switch(address):
            with m.Case(ModuleAddress.DATA0):
                m.d.comb += result.eq(data[:32])
            with m.Case(ModuleAddress.DATA1):
                m.d.comb += result.eq(data[32:])
            with m.Case(ModuleAddress.DMCONTROL):
                m.d.comb += result.eq(Cat(active, self.ndmreset, C(0, 14), hartsel))
            with m.Case(ModuleAddress.DMSTATUS):
                m.d.comb += result.eq(status)
            with m.Case(ModuleAddress.HARTINFO):
                # The data registers are two words of the hart's memory; no dscratch for the debugger.
                m.d.comb += result.eq(Cat(C(park.DATA, 12), C(2, 4), C(1, 1)))
            with m.Case(ModuleAddress.ABSTRACTCS):
                m.d.comb += result.eq(abstract)
            with m.Case(ModuleAddress.ABSTRACTAUTO):
                m.d.comb += result.eq(Cat(auto_data, C(0, 14), auto_progbuf))
            with m.Case(ModuleAddress.HALTSUM0):
                m.d.comb += result.eq(halted)
            with m.Default():
                with m.If(at_progbuf):
                    m.d.comb += result.eq(progbuf[address[:3]])
        with m.If(dmi.valid):
            m.d.sync += self.dmi.response.eq(result)

        # ---- abstract commands (3.7)
        start = Signal()
        next_command = Signal(Command)
        automatic = ((at_data & auto_data.bit_select(address[0], 1))
                     | (at_progbuf & auto_progbuf.bit_select(address[:3], 1)))
        commanded = write & (address == ModuleAddress.COMMAND)
        forbidden = dmi.valid & (at_data | at_progbuf) | write & (
            (address == ModuleAddress.COMMAND) | (address == ModuleAddress.ABSTRACTCS)
            | (address == ModuleAddress.ABSTRACTAUTO))
        m.d.comb += [
            next_command.eq(Mux(commanded, dmi.data, command)),
            start.eq((commanded | (dmi.valid & automatic)) & ~busy & (error == CommandError.NONE)),
        ]
        with m.If(busy & forbidden & (error == CommandError.NONE)):
            m.d.sync += error.eq(CommandError.BUSY)
        with m.If(start):
            m.d.sync += command.eq(next_command)
            with m.If(~supported(next_command)):
                m.d.sync += error.eq(CommandError.NOT_SUPPORTED)
            with m.Elif(~(halted & ~resume & selected).any()):
                m.d.sync += error.eq(CommandError.HALT_RESUME)
            with m.Else():
                m.d.sync += phase.eq(Phase.ORDERED)

        # ---- the other registers
        with m.If(write & ~busy):
            with m.Switch(address):
                with m.Case(ModuleAddress.DATA0):
                    m.d.sync += data[:32].eq(dmi.data)
                with m.Case(ModuleAddress.DATA1):
                    m.d.sync += data[32:].eq(dmi.data)
                with m.Case(ModuleAddress.ABSTRACTCS):
                    m.d.sync += error.as_value().eq(error.as_value() & ~AbstractControl(dmi.data).cmderr.as_value())
                with m.Case(ModuleAddress.ABSTRACTAUTO):
                    m.d.sync += [auto_data.eq(dmi.data), auto_progbuf.eq(dmi.data[16:])]
                with m.Default():
                    with m.If(at_progbuf):
                        m.d.sync += progbuf[address[:3]].eq(dmi.data)

        # ---- run control (3.5). What a running command forbids is ignored while there is one.
        with m.If(write & (address == ModuleAddress.DMCONTROL) & active):
            m.d.sync += self.ndmreset.eq(control.ndmreset)
            with m.If(~busy):
                chosen = Signal(count)
                number = Signal(hartsel.shape())
                m.d.comb += [number.eq(control.hartsello), chosen.eq(1 << number)]
                m.d.sync += [
                    hartsel.eq(number),
                    halt.eq(Mux(control.haltreq, halt | chosen, halt & ~chosen)),
                ]
                with m.If(control.resumereq & ~control.haltreq):
                    m.d.sync += [resumed.eq(resumed & ~chosen), resume.eq((resume | chosen) & halted)]
                with m.If(control.ackhavereset):
                    m.d.sync += was_reset.eq(was_reset & ~chosen)
                with m.If(control.clrresethaltreq):
                    m.d.sync += halt_on_reset.eq(halt_on_reset & ~chosen)
                with m.Elif(control.setresethaltreq):
                    m.d.sync += halt_on_reset.eq(halt_on_reset | chosen)
        with m.If(self.ndmreset):
            m.d.sync += was_reset.eq((1 << count) - 1)
            with m.If(busy):
                m.d.sync += phase.eq(Phase.IDLE)
                with m.If(error == CommandError.NONE):
                    m.d.sync += error.eq(CommandError.HALT_RESUME)

        # ---- what the hart sees and says
        is_csr = Signal()
        m.d.comb += is_csr.eq(command.control.transfer & (command.control.regno < FIRST_GENERAL))
        order = Signal(count)
        m.d.comb += order.eq(Mux(phase == Phase.ORDERED, selected, 0))
        parked, going, failed = self._memory(m, halted, order, resume, command, is_csr, progbuf, data)
        with m.If(going & (phase == Phase.ORDERED)):
            m.d.sync += phase.eq(Phase.RUNNING)
        with m.If(failed & (phase == Phase.RUNNING) & (error == CommandError.NONE)):
            m.d.sync += error.eq(CommandError.EXCEPTION)
        with m.If(parked & (self.bus.dat_w[:32] == hartsel) & (phase == Phase.RUNNING)):
            m.d.sync += phase.eq(Phase.IDLE)

        # ---- dmactive: everything but havereset has its reset value while it is low
        with m.If(write & (address == ModuleAddress.DMCONTROL)):
            m.d.sync += active.eq(control.dmactive)
        with m.If(~active):
            m.d.sync += [signal.eq(0) for signal in (
                hartsel, data, *progbuf, command.as_value(), auto_data, auto_progbuf, error.as_value(),
                phase.as_value(), halt, halt_on_reset, self.ndmreset, resume)]
            m.d.sync += resumed.eq((1 << count) - 1)
        return m

    def _status(self, m, status, hartsel, selected, halted, resumed, was_reset):
        """dmstatus of the selected hart: with one hart selected, any and all are the same."""
        exists = Signal()
        m.d.comb += [
            exists.eq(hartsel < self._count),
            status.version.eq(VERSION_1_0),
            status.authenticated.eq(1),
            status.hasresethaltreq.eq(1),
            status.impebreak.eq(1),
            status.ndmresetpending.eq(self.ndmreset),
        ]
        for name, value in (
                ("halted", exists & ~self.ndmreset & (halted & selected).any()),
                ("running", exists & ~self.ndmreset & ~(halted & selected).any()),
                ("unavail", exists & self.ndmreset),
                ("nonexistent", ~exists),
                ("resumeack", (resumed & selected).any()),
                ("havereset", (was_reset & selected).any())):
            m.d.comb += [status[f"any{name}"].eq(value), status[f"all{name}"].eq(value)]

    def _memory(self, m, halted, order, resume, command, is_csr, progbuf, data):
        """Bus target; returns the strobes of the hart's stores to PARKED, GOING and EXCEPTION."""
        bus = self.bus
        control = command.control
        request = Signal()
        m.d.comb += request.eq(bus.cyc & bus.stb & ~bus.ack & ~bus.err)

        rom, handler = park.park_program()
        instructions = dict(enumerate(rom, start=park.ENTRY >> 2))
        instructions[handler >> 2] = Mux(is_csr, rom[(handler - park.ENTRY) >> 2], park.NOP)
        general = control.regno[:5]
        transfer = [Signal(32, name=f"transfer{i}") for i in range(3)]
        m.d.comb += [word.eq(park.NOP) for word in transfer]
        with m.If(is_csr):
            m.d.comb += transfer[2].eq(park.read_csr(park.S0, DebugCsr.DSCRATCH0.value))
            with m.If(control.write):
                m.d.comb += [transfer[0].eq(park.load(park.S0, control.size, park.DATA)),
                             transfer[1].eq(park.write_csr(control.regno, park.S0))]
            with m.Else():
                m.d.comb += [transfer[0].eq(park.read_csr(park.S0, control.regno)),
                             transfer[1].eq(park.store(park.S0, control.size, park.DATA))]
        with m.Elif(control.transfer):
            with m.If(control.write):
                m.d.comb += transfer[0].eq(park.load(general, control.size, park.DATA))
            with m.Else():
                m.d.comb += transfer[0].eq(park.store(general, control.size, park.DATA))
        code = [*transfer, Mux(control.postexec, park.NOP, park.EBREAK), *progbuf, park.EBREAK]
        instructions.update(enumerate(code, start=park.ABSTRACT >> 2))

        words = {park.DATA >> 3: data}
        for number, instruction in instructions.items():
            low, high = words.setdefault(number >> 1, [C(park.EBREAK, 32), C(park.EBREAK, 32)])
            words[number >> 1] = [low, instruction] if number & 1 else [instruction, high]
        for first in range(0, self._count, 8):
            words[(park.FLAGS + first) >> 3] = Cat(
                Cat(order[i], resume[i], C(0, 6)) for i in range(first, min(first + 8, self._count)))

        value, mapped = Signal(64), Signal()
        with m.Switch(bus.adr):
            for word, content in words.items():
                with m.Case(word):
                    m.d.comb += mapped.eq(~bus.we | (word == park.DATA >> 3))
                    m.d.comb += value.eq(
                        content if not isinstance(content, list) else
                        Cat(C(part, 32) if isinstance(part, int) else part[:32] for part in content))
            with m.Case(*(place >> 3 for place in (park.PARKED, park.GOING, park.EXCEPTION))):
                m.d.comb += mapped.eq(bus.we)
        with m.If(request):
            m.d.sync += bus.dat_r.eq(value)
        allowed = request & halted.any()
        m.d.sync += [bus.ack.eq(allowed & mapped), bus.err.eq(request & ~(halted.any() & mapped))]

        writes = allowed & bus.we
        with m.If(writes & (bus.adr == park.DATA >> 3)):
            for lane in range(8):
                with m.If(bus.sel[lane]):
                    m.d.sync += data[8 * lane:8 * lane + 8].eq(bus.dat_w[8 * lane:8 * lane + 8])
        return [writes & (bus.adr == place >> 3) for place in (park.PARKED, park.GOING, park.EXCEPTION)]


def supported(command):
    """Whether a hart can execute the command (3.7.1.1): general registers and CSRs, 32 or 64 bits.

    A CSR is moved through s0, which the program buffer must not find changed: so not both in one command.
    """
    control = command.control
    is_csr = control.regno < FIRST_GENERAL
    is_general = control.regno[5:] == FIRST_GENERAL >> 5
    transfer = ((control.size == 2) | (control.size == 3)) & (is_general | (is_csr & ~control.postexec))
    return ((command.cmdtype == REGISTER_COMMAND) & ~control.postincrement & ~control.reserved
            & (~control.transfer | transfer))
