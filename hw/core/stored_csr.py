"""The CSRs that are kept in LUT RAM, and where each lies there."""

from typing import NamedTuple

from amaranth import *
from amaranth.lib import enum, memory

from .isa import CsrAddress

__all__ = ["StoredCsr", "StoredPort", "modified", "store_csrs"]


class StoredCsr(enum.IntEnum, shape=3):
    """CSRs of which one is read and one written a cycle, by name."""

    MTVEC = 0
    STVEC = 1
    MEPC = 2
    SEPC = 3
    MTVAL = 4
    STVAL = 5
    MSCRATCH = 6
    SSCRATCH = 7


class StoredPort(NamedTuple):
    """The port to the registers in LUT RAM."""

    read: Value
    written: Value
    #: What each holds, by name in lower case; only for RVFI.
    copies: dict[str, Value]


def modified(function, old, operand):
    """What a CSR instruction of `function` (the low bits of funct3) writes for an `old` value."""
    operand = Value.cast(operand)
    return Mux(function[1], Mux(function[0], old & ~operand, old | operand), operand)


def store_csrs(m, file, csr, *, rvfi):
    """The registers in LUT RAM.

    A trap reads its vector and writes two: the address of the instruction at once, the trap value in the next
    cycle, in which the pipeline is empty. After a reset they are cleared one by one, as register banks and caches are,
    before the first instruction. What an instruction writes is made here from what is read here, and need not wait for
    all the other CSRs.
    """
    m.submodules.stored = stored = memory.Memory(shape=64, depth=len(StoredCsr), init=[])
    read, write = stored.read_port(domain="comb"), stored.write_port()
    with m.Switch(file.check_address):
        for name in StoredCsr:
            with m.Case(CsrAddress[name.name]):
                m.d.comb += [file.check_stored.eq(1), file.check_place.eq(name)]
    place = file.place
    for name in StoredCsr:
        csr(CsrAddress[name.name], read.data, [])

    delegated = file.trap_delegated
    clearing = Signal(init=1)
    sweep = Signal(range(len(StoredCsr)))
    late = Signal()
    late_place = Signal(StoredCsr)
    late_value = Signal(64)
    m.d.sync += [
        late.eq(file.trap), late_value.eq(file.trap_value),
        late_place.eq(Mux(delegated, StoredCsr.STVAL, StoredCsr.MTVAL)),
    ]
    with m.If(clearing):
        m.d.sync += [sweep.eq(sweep + 1), clearing.eq(sweep != len(StoredCsr) - 1)]
    m.d.comb += [
        read.addr.eq(Mux(file.trap, Mux(delegated, StoredCsr.STVEC, StoredCsr.MTVEC), Mux(
            file.accesses, place, Mux(file.return_machine, StoredCsr.MEPC, StoredCsr.SEPC)))),
        file.return_pc.eq(read.data),
        write.en.eq(clearing | file.trap | late | (file.execute & file.writes & file.stored)),
    ]
    # WARL: bit 1 of a vector and bit 0 of an instruction's address are zero.
    with m.If(file.trap):
        m.d.comb += [write.addr.eq(Mux(delegated, StoredCsr.SEPC, StoredCsr.MEPC)), write.data.eq(file.trap_pc)]
    with m.Elif(late):
        m.d.comb += [write.addr.eq(late_place), write.data.eq(late_value)]
    with m.Else():
        value = Mux(clearing, 0, modified(file.function, read.data, file.operand))
        is_vector = (place == StoredCsr.MTVEC) | (place == StoredCsr.STVEC)
        is_pc = (place == StoredCsr.MEPC) | (place == StoredCsr.SEPC)
        m.d.comb += [write.addr.eq(Mux(clearing, sweep, place)),
                     write.data.eq(Cat(value[0] & ~is_pc, value[1] & ~is_vector, value[2:]))]
    copies = {}
    if rvfi:
        # The port shows all of them at once, and a trap value before it is written.
        for name in StoredCsr:
            observed = stored.read_port(domain="comb")
            m.d.comb += observed.addr.eq(name)
            copies[name.name.lower()] = Mux(late & (late_place == name), late_value, observed.data)
    return StoredPort(read.data, write.data, copies)
