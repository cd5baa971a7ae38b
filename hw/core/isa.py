"""Numbers of the RISC-V specification that the core needs: opcodes, exception causes and CSR addresses.

Names follow the unprivileged (20240411) and privileged (20240411) specifications.
"""

from amaranth.lib import enum

__all__ = ["Opcode", "Cause", "Interrupt", "CsrAddress", "DebugCsr", "MISA", "SV39"]


class Opcode(enum.IntEnum):
    """Major opcodes, bits 6:0 (unprivileged specification, table 70)."""

    LOAD = 0b0000011
    CUSTOM_0 = 0b0001011
    MISC_MEM = 0b0001111
    OP_IMM = 0b0010011
    AUIPC = 0b0010111
    OP_IMM_32 = 0b0011011
    STORE = 0b0100011
    AMO = 0b0101111
    OP = 0b0110011
    LUI = 0b0110111
    OP_32 = 0b0111011
    BRANCH = 0b1100011
    JALR = 0b1100111
    JAL = 0b1101111
    SYSTEM = 0b1110011


class Cause(enum.IntEnum):
    """Exception codes (privileged specification, table 14)."""

    FETCH_ACCESS = 1
    ILLEGAL_INSTRUCTION = 2
    BREAKPOINT = 3
    LOAD_MISALIGNED = 4
    LOAD_ACCESS = 5
    STORE_MISALIGNED = 6
    STORE_ACCESS = 7
    ECALL_USER = 8
    ECALL_SUPERVISOR = 9
    ECALL_MACHINE = 11
    FETCH_PAGE = 12
    LOAD_PAGE = 13
    STORE_PAGE = 15


class Interrupt(enum.IntEnum):
    """Interrupt numbers, which are also bit numbers of mip and mie."""

    SUPERVISOR_SOFTWARE = 1
    MACHINE_SOFTWARE = 3
    SUPERVISOR_TIMER = 5
    MACHINE_TIMER = 7
    SUPERVISOR_EXTERNAL = 9
    MACHINE_EXTERNAL = 11


class CsrAddress(enum.IntEnum):
    """CSR addresses (privileged specification, tables 4 to 8). Custom ones stand in :class:`hw.abi.Csr`."""

    CYCLE = 0xC00
    TIME = 0xC01
    INSTRET = 0xC02
    HPMCOUNTER3 = 0xC03
    SSTATUS = 0x100
    SIE = 0x104
    STVEC = 0x105
    SCOUNTEREN = 0x106
    SENVCFG = 0x10A
    SSCRATCH = 0x140
    SEPC = 0x141
    SCAUSE = 0x142
    STVAL = 0x143
    SIP = 0x144
    STIMECMP = 0x14D
    SATP = 0x180
    MVENDORID = 0xF11
    MARCHID = 0xF12
    MIMPID = 0xF13
    MHARTID = 0xF14
    MCONFIGPTR = 0xF15
    MSTATUS = 0x300
    MISA = 0x301
    MEDELEG = 0x302
    MIDELEG = 0x303
    MIE = 0x304
    MTVEC = 0x305
    MCOUNTEREN = 0x306
    MENVCFG = 0x30A
    MCOUNTINHIBIT = 0x320
    MHPMEVENT3 = 0x323
    MSCRATCH = 0x340
    MEPC = 0x341
    MCAUSE = 0x342
    MTVAL = 0x343
    MIP = 0x344
    PMPCFG0 = 0x3A0
    PMPADDR0 = 0x3B0
    MCYCLE = 0xB00
    MINSTRET = 0xB02
    MHPMCOUNTER3 = 0xB03


class DebugCsr(enum.IntEnum):
    """CSR addresses of triggers and debug mode (debug specification 1.0, chapters 4 and 5); not in every core."""

    TSELECT = 0x7A0
    TDATA1 = 0x7A1
    TDATA2 = 0x7A2
    TINFO = 0x7A4
    DCSR = 0x7B0
    DPC = 0x7B1
    DSCRATCH0 = 0x7B2


#: misa: RV64 (MXL = 2) with A, C, I, M, S, U.
MISA = (2 << 62) | sum(1 << (ord(letter) - ord("A")) for letter in "ACIMSU")

#: satp.MODE of Sv39.
SV39 = 8
