"""The system: one hart, its units and its devices on one Wishbone bus.

Main memory is an SDRAM chip behind a controller that is part of the system, or lies outside: then the port `memory`
leads to it.
"""

from dataclasses import replace

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.abi import unit_functions
from hw.bus import wishbone
from hw.bus.arbiter import Arbiter
from hw.bus.decoder import Decoder
from hw.bus.memory_map import MemoryBlock, MemoryMap
from hw.capability.config import CapabilityUnitConfig
from hw.capability.unit import CapabilityUnit
from hw.core.core import Core
from hw.core.port_switch import PortSwitch
from hw.core.trace import TraceSignature
from hw.debug import park
from hw.debug.jtag import JtagSignature, JtagTransport
from hw.debug.module import DebugModule
from hw.mailbox.config import MailboxConfig
from hw.mailbox.mailbox import Mailbox
from hw.memory.l2_cache import L2Cache
from hw.memory.l2_config import L2Config
from hw.memory.l2_registers import L2Registers
from hw.memory.sdram import SdramController, SdramPins
from hw.peripherals.boot_rom import BootRom
from hw.peripherals.clint import Clint
from hw.peripherals.finisher import Finisher
from hw.peripherals.plic import Plic
from hw.peripherals.spi_flash import FlashPins, SpiFlash
from hw.peripherals.straps import BootStraps, Straps
from hw.peripherals.uart import Uart, UartLineSignature

from .config import SocConfig
from .firmware.boot_rom import boot_rom
from .memory_map import INTERRUPTS, RESET_VECTOR, region
from .unit import load_unit

__all__ = ["FinisherOutputs", "SoC", "StoreSignature"]


class FinisherOutputs(wiring.Signature):
    """How the guest ends the machine.

    Members
    -------
    done, failed : the machine is to stop with exit code `code`; `failed` tells a failure without a code from success.
    reset : the machine is to start again.
    """

    def __init__(self):
        super().__init__({"done": Out(1), "failed": Out(1), "code": Out(16), "reset": Out(1)})


class StoreSignature(wiring.Signature):
    """Stores to main memory as the bus takes them, before any cache: what a simulation must know to look into memory.

    Members
    -------
    valid : a store in this cycle; `sel` names the bytes of `dat` at word address `adr` (64-bit words).
    """

    def __init__(self):
        super().__init__({"valid": Out(1), "adr": Out(wishbone.PHYSICAL_ADDRESS_BITS - 3), "dat": Out(64),
                          "sel": Out(8)})


class SoC(wiring.Component):
    """The system-on-chip.

    Parameters
    ----------
    config : SocConfig

    Attributes
    ----------
    memory : Out(wishbone.system_signature())
        Main memory; only if the configuration has no `sdram`.
    sdram : Out(SdramPins)
        Main memory's chip; only if the configuration has `sdram`. The outputs come out of registers. `dq_i` is what the
        chip drove `sdram_input_registers` clock edges ago.
    stores : Out(StoreSignature())
    uart_tx, uart_rx : streams of bytes
        What the UART sends and receives.
    uart_line : Out(UartLineSignature())
        Between the UART and a serial line; a simulation that takes the streams as they are leaves it alone.
    finisher : Out(FinisherOutputs())
    straps : In(BootStraps)
        How the boot ROM boots; zero on a board: from the flash, then over the UART.
    flash : Out(FlashPins())
        Only if the configuration has `flash`.
    trace : Out(TraceSignature())
        Only if the configuration has it.
    jtag : In(JtagSignature()), halt_on_reset : In(1)
        Pins of the debug transport and strap of the debug module; only if the configuration has `debug`.
    """

    def __init__(self, config: SocConfig | None = None):
        config = SocConfig() if config is None else config
        if not isinstance(config, SocConfig):
            raise TypeError(f"Configuration must be a SocConfig, not {config!r}")
        self.config = config
        memory = config.memory
        sdram = config.sdram_config
        ports = {
            "stores": Out(StoreSignature()),
            "uart_tx": Out(stream.Signature(8)),
            "uart_rx": In(stream.Signature(8)),
            "uart_line": Out(UartLineSignature()),
            "finisher": Out(FinisherOutputs()),
            "straps": In(BootStraps),
        }
        if sdram is None:
            ports["memory"] = Out(wishbone.system_signature())
        else:
            ports["sdram"] = Out(SdramPins(sdram.chip))
        if config.flash:
            ports["flash"] = Out(FlashPins())
        if config.trace:
            ports["trace"] = Out(TraceSignature())
        if config.debug:
            ports |= {"jtag": In(JtagSignature()), "halt_on_reset": In(1)}
        super().__init__(ports)
        self._sdram = None if sdram is None else SdramController(sdram)
        if sdram is None:
            self.memory.memory_map = MemoryMap(addr_width=memory.size.bit_length() - 1)
            self.memory.memory_map.add_resource(MemoryBlock(memory.size), name="main", size=memory.size)
        # What the system reads and writes as its memory, seen from the memory.
        self._main_memory = wiring.flipped(self.memory) if sdram is None else self._sdram.bus

        boot, debug = region("boot_rom"), region("debug")
        code = (boot, debug) if config.debug else (boot,)
        self._core = Core(replace(
            config.core, reset_vector=RESET_VECTOR, trace=config.trace, debug=config.debug, debug_vector=park.ENTRY,
            cached=((memory.base, memory.size),), uncached_code=tuple((place.base, place.size) for place in code)))
        self._boot_rom = BootRom(boot_rom(config))
        self._finisher = Finisher()
        self._clint = Clint(harts=config.harts, divider=config.clock_hz // config.timebase_hz)
        self._plic = Plic(sources=max(INTERRUPTS.values()), contexts=2 * config.harts)
        self._uart = Uart()
        self._straps = Straps()
        self._decoder = Decoder()
        targets = {"boot_rom": self._boot_rom.bus, "finisher": self._finisher.bus, "clint": self._clint.bus,
                   "plic": self._plic.bus, "uart": self._uart.bus, "straps": self._straps.bus}
        self._flash = None
        if config.flash:
            window = region("flash_window").size.bit_length() - 1
            self._flash = SpiFlash(window_bits=window, divider=config.flash_divider)
            targets |= {"flash": self._flash.bus, "flash_window": self._flash.window}
        self._capability_unit = self._mailbox = self._port_switch = self._debug_module = None
        if config.capability_unit:
            self._capability_unit = CapabilityUnit(CapabilityUnitConfig(
                lines=config.capability_lines, revocation=config.capability_revocation,
                counters=config.capability_counters, memory_base=memory.base, memory_bytes=memory.size))
            targets["capability_unit"] = self._capability_unit.window
        self._unit = load_unit(config.unit) if config.unit else None
        if config.mailbox:
            self._mailbox = Mailbox(MailboxConfig(**config.mailbox_parameters))
            self._port_switch = PortSwitch((unit_functions("cap"), unit_functions("mail")))
            targets["mailbox"] = self._mailbox.bus
        if config.debug:
            # Its code reaches its data by addresses relative to 0.
            assert debug.base == 0
            self._debug_module = DebugModule(harts=config.harts)
            targets["debug"] = self._debug_module.bus
        self._l2 = None
        if config.l2_bytes:
            l2 = L2Config(size=config.l2_bytes, ways=config.l2_ways, line_bytes=config.l2_line_bytes,
                          memory_base=memory.base, memory_bytes=memory.size, counters=config.trace)
            self._l2, self._l2_registers = L2Cache(l2), L2Registers(l2)
            targets["l2_cache"] = self._l2_registers.bus
        targets["memory"] = self._memory_target = self._main_memory if self._l2 is None else self._l2.bus
        for name, target in targets.items():
            place = memory if name == "memory" else region(name)
            if target.memory_map.size > place.size:
                raise ValueError(f"{name} spans {target.memory_map.size:#x} bytes, its region {place.size:#x}")
            # The way to devices has a register; main memory is next to the hart, and answers the initiators itself.
            near = name == "memory"
            window = self._decoder.add(target, addr=place.base, name=name, registered=not near, answers=not near)
            if near:
                self._near = window

    @property
    def memory_map(self) -> MemoryMap:
        """Everything on the bus: a window for each target."""
        return self._decoder.bus.memory_map

    def elaborate(self, platform):
        m = Module()
        core, arbiter, decoder = self._core, Arbiter(near=self._near), self._decoder
        finisher, clint, plic, uart = self._finisher, self._clint, self._plic, self._uart
        for name, block in (("core", core), ("arbiter", arbiter), ("decoder", decoder), ("boot_rom", self._boot_rom),
                            ("finisher", finisher), ("clint", clint), ("plic", plic), ("uart", uart),
                            ("straps", self._straps), ("flash", self._flash),
                            ("capability_unit", self._capability_unit), ("mailbox", self._mailbox),
                            ("port_switch", self._port_switch), ("unit", self._unit)):
            if block is not None:
                # A debugger resets everything but its own way in.
                m.submodules[name] = block if self._debug_module is None else ResetInserter(
                    self._debug_module.ndmreset)(block)
        arbiter.add(core.dbus)
        arbiter.add(core.ibus)
        wiring.connect(m, arbiter.bus, decoder.bus)

        m.d.comb += [
            core.time.eq(clint.time),
            core.msip.eq(clint.msip[0]),
            core.mtip.eq(clint.mtip[0]),
            # The PLIC's contexts as on QEMU: machine and supervisor mode of each hart.
            core.meip.eq(plic.irq[0]),
            core.seip.eq(plic.irq[1]),
            plic.source[INTERRUPTS["uart"]].eq(uart.irq),
            self.finisher.done.eq(finisher.done),
            self.finisher.failed.eq(finisher.failed),
            self.finisher.code.eq(finisher.code),
            self.finisher.reset.eq(finisher.reset),
        ]
        target = self._memory_target
        m.d.comb += [
            self.stores.valid.eq(target.cyc & target.stb & target.we & target.ack),
            self.stores.adr.eq(decoder.bus.adr),
            self.stores.dat.eq(target.dat_w),
            self.stores.sel.eq(target.sel),
        ]
        m.d.sync += [core.snoop.valid.eq(self.stores.valid & ~core.dbus.ack), core.snoop.adr.eq(self.stores.adr)]
        if self._l2 is None:
            # Such a memory answers when it has been asked.
            answer = Cat(target.ack, target.err)
            m.d.comb += [arbiter.near_write.eq(answer), arbiter.near_read.eq(answer)]
        else:
            m.submodules.l2 = l2 = self._l2
            m.d.comb += [arbiter.near_write.eq(l2.write_answer), arbiter.near_read.eq(l2.read_answer)]
            m.submodules.l2_registers = registers = self._l2_registers
            self._connect_memory(m, l2.memory)
            m.d.comb += [
                l2.flush.eq(registers.flush), l2.invalidate.eq(registers.invalidate),
                l2.error_clear.eq(registers.error_clear), registers.flushing.eq(l2.flushing),
                registers.status.eq(l2.status), registers.events.eq(l2.events),
                plic.source[INTERRUPTS["l2_cache"]].eq(registers.irq),
            ]
        if self._sdram is not None:
            m.submodules.sdram = self._sdram
            wiring.connect(m, wiring.flipped(self.sdram), self._sdram.pins)
        m.d.comb += self._straps.straps.eq(self.straps)
        if self._flash is not None:
            wiring.connect(m, wiring.flipped(self.flash), self._flash.pins)
        wiring.connect(m, wiring.flipped(self.uart_tx), uart.tx)
        wiring.connect(m, wiring.flipped(self.uart_rx), uart.rx)
        m.d.comb += [
            self.uart_line.divisor.eq(uart.divisor), self.uart_line.format.eq(uart.format),
            uart.busy.eq(self.uart_line.busy), uart.errors.eq(self.uart_line.errors),
        ]
        if self._capability_unit is not None:
            unit = self._capability_unit
            arbiter.add(unit.walker)
            if self.config.capability_revocation:
                arbiter.add(unit.revoker)
            if self._mailbox is None:
                wiring.connect(m, core.capability, unit.port)
        elif self._unit is not None:
            wiring.connect(m, core.capability, self._unit.port)
        else:
            # Nobody there: every custom instruction is illegal.
            m.d.comb += core.capability.issue.ready.eq(1)
        if self._mailbox is not None:
            mailbox = self._mailbox
            switch = self._port_switch
            wiring.connect(m, core.capability, switch.port)
            wiring.connect(m, switch.units[0], unit.port)
            wiring.connect(m, switch.units[1], mailbox.port)
            wiring.connect(m, mailbox.check, unit.check)
            m.d.comb += mailbox.forget.eq(unit.forgets)
            m.d.comb += plic.source[INTERRUPTS["mailbox"]].eq(mailbox.irq)
        if self._debug_module is not None:
            m.submodules.debug_module = module = self._debug_module
            m.submodules.debug_transport = transport = JtagTransport()
            wiring.connect(m, wiring.flipped(self.jtag), transport.pins)
            wiring.connect(m, transport.dmi, module.dmi)
            wiring.connect(m, module.harts[0], core.debug)
            m.d.comb += module.halt_on_reset.eq(self.halt_on_reset)
        if self.config.trace:
            wiring.connect(m, wiring.flipped(self.trace), core.trace)
        return m

    def _connect_memory(self, m, initiator):
        """Main memory answers `initiator`; a controller takes the low part of the address."""
        for name, member in initiator.signature.members.items():
            asked, answer = getattr(initiator, name), getattr(self._main_memory, name)
            m.d.comb += answer.eq(asked) if member.flow == Out else asked.eq(answer)
