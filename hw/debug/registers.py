"""Numbers and layouts of the Debug Module Interface (RISC-V Debug Specification 1.0, chapter 3)."""

from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["ADDRESS_BITS", "AbstractControl", "Command", "CommandError", "DmiSignature", "ModuleAddress",
           "ModuleControl", "ModuleStatus", "REGISTER_COMMAND", "RegisterAccess", "VERSION_1_0"]

#: Bits of a DMI address.
ADDRESS_BITS = 7
#: dmstatus.version: conforms to version 1.0 of the specification.
VERSION_1_0 = 3
#: command.cmdtype of Access Register.
REGISTER_COMMAND = 0


class ModuleAddress(enum.IntEnum):
    """DMI addresses of the registers that exist here; the others read 0."""

    DATA0 = 0x04
    DATA1 = 0x05
    DMCONTROL = 0x10
    DMSTATUS = 0x11
    HARTINFO = 0x12
    ABSTRACTCS = 0x16
    COMMAND = 0x17
    ABSTRACTAUTO = 0x18
    PROGBUF0 = 0x20
    HALTSUM0 = 0x40


class CommandError(enum.Enum, shape=3):
    """abstractcs.cmderr."""

    NONE = 0
    #: A register was accessed that a running command forbids.
    BUSY = 1
    NOT_SUPPORTED = 2
    EXCEPTION = 3
    #: The hart is not in the state that the command wants, or left it.
    HALT_RESUME = 4


class ModuleControl(data.Struct):
    """dmcontrol (3.14.2)."""

    dmactive: 1
    ndmreset: 1
    clrresethaltreq: 1
    setresethaltreq: 1
    clrkeepalive: 1
    setkeepalive: 1
    hartselhi: 10
    hartsello: 10
    hasel: 1
    ackunavail: 1
    ackhavereset: 1
    hartreset: 1
    resumereq: 1
    haltreq: 1


class ModuleStatus(data.Struct):
    """dmstatus (3.14.1)."""

    version: 4
    confstrptrvalid: 1
    hasresethaltreq: 1
    authbusy: 1
    authenticated: 1
    anyhalted: 1
    allhalted: 1
    anyrunning: 1
    allrunning: 1
    anyunavail: 1
    allunavail: 1
    anynonexistent: 1
    allnonexistent: 1
    anyresumeack: 1
    allresumeack: 1
    anyhavereset: 1
    allhavereset: 1
    reserved0: 2
    impebreak: 1
    stickyunavail: 1
    ndmresetpending: 1
    reserved1: 7


class AbstractControl(data.Struct):
    """abstractcs (3.14.6)."""

    datacount: 4
    reserved0: 4
    cmderr: CommandError
    relaxedpriv: 1
    busy: 1
    reserved1: 11
    progbufsize: 5
    reserved2: 3


class RegisterAccess(data.Struct):
    """command.control of Access Register (3.7.1.1)."""

    regno: 16
    write: 1
    transfer: 1
    postexec: 1
    postincrement: 1
    size: 3
    reserved: 1


class Command(data.Struct):
    """command (3.14.7)."""

    control: RegisterAccess
    cmdtype: 8


class DmiSignature(wiring.Signature):
    """Debug Module Interface, seen from the transport. Every request is served in its cycle.

    Members
    -------
    valid : a request, for one cycle.
    write : write `data`, else read.
    address, data : of the request.
    response : what was read, from the cycle after the request to the next one.
    """

    def __init__(self):
        super().__init__({
            "valid": Out(1),
            "write": Out(1),
            "address": Out(ADDRESS_BITS),
            "data": Out(32),
            "response": In(32),
        })
