"""Mailbox and capability unit on one shared bus, as small as a system can be: for the bench that joins the two."""

from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.abi import unit_functions
from hw.bus.arbiter import Arbiter
from hw.bus.decoder import Decoder
from hw.bus.memory_map import MemoryBlock, MemoryMap
from hw.bus.wishbone import system_signature
from hw.capability.config import FAULTS as UNIT_FAULTS
from hw.capability.config import CapabilityUnitConfig
from hw.capability.unit import CapabilityUnit
from hw.core.port import CapabilityPort
from hw.core.port_switch import PortSwitch
from hw.mailbox.config import FAULTS as MAILBOX_FAULTS
from hw.mailbox.config import MailboxConfig
from hw.mailbox.mailbox import Mailbox
from soc.memory_map import region

__all__ = ["UnitSystem", "CONFIG"]

CONFIG = MailboxConfig(faults=MAILBOX_FAULTS)


class UnitSystem(wiring.Component):
    """One initiator, the unit's walker behind the same arbiter, and memory outside.

    The initiator takes the bus from the walker and the other way round: an access that waited for a check would
    never end.
    """

    bus: In(system_signature())
    memory: Out(system_signature())
    port: In(CapabilityPort())
    irq: Out(1)
    unit_faults: In(len(UNIT_FAULTS))
    mailbox_faults: In(len(MAILBOX_FAULTS))

    def __init__(self):
        super().__init__()
        self.mailbox = Mailbox(CONFIG)
        self.unit = CapabilityUnit(CapabilityUnitConfig(lines=16, fault_inputs=True))
        size = region("memory").size
        self.memory.memory_map = MemoryMap(addr_width=(size - 1).bit_length())
        self.memory.memory_map.add_resource(MemoryBlock(size), name="memory", size=size)

    def elaborate(self, platform):
        m = Module()
        m.submodules.mailbox = mailbox = self.mailbox
        m.submodules.unit = unit = self.unit
        m.submodules.arbiter = arbiter = Arbiter()
        m.submodules.decoder = decoder = Decoder()
        arbiter.add(self.bus)
        arbiter.add(unit.walker)
        arbiter.add(unit.revoker)
        wiring.connect(m, arbiter.bus, decoder.bus)
        decoder.add(mailbox.bus, addr=region("mailbox").base, name="mailbox")
        decoder.add(unit.window, addr=region("capability_unit").base, name="unit")
        decoder.add(self.memory, addr=region("memory").base, name="memory")
        m.submodules.switch = switch = PortSwitch((unit_functions("cap"), unit_functions("mail")))
        wiring.connect(m, wiring.flipped(self.port), switch.port)
        wiring.connect(m, switch.units[0], unit.port)
        wiring.connect(m, switch.units[1], mailbox.port)
        wiring.connect(m, mailbox.check, unit.check)
        m.d.comb += [mailbox.forget.eq(unit.forgets), self.irq.eq(mailbox.irq),
                     unit.faults.eq(self.unit_faults), mailbox.fault.eq(self.mailbox_faults)]
        return m
