// Names of the CSRs that this machine has, as Spike's commit log writes them (privileged specification, chapter 2).
#pragma once

#include <cstdint>

namespace veridian {

inline const char *csr_name(uint32_t number) {
    switch (number) {
    case 0x100: return "sstatus";
    case 0x104: return "sie";
    case 0x105: return "stvec";
    case 0x106: return "scounteren";
    case 0x10a: return "senvcfg";
    case 0x140: return "sscratch";
    case 0x141: return "sepc";
    case 0x142: return "scause";
    case 0x143: return "stval";
    case 0x144: return "sip";
    case 0x14d: return "stimecmp";
    case 0x180: return "satp";
    case 0x300: return "mstatus";
    case 0x301: return "misa";
    case 0x302: return "medeleg";
    case 0x303: return "mideleg";
    case 0x304: return "mie";
    case 0x305: return "mtvec";
    case 0x306: return "mcounteren";
    case 0x30a: return "menvcfg";
    case 0x320: return "mcountinhibit";
    case 0x340: return "mscratch";
    case 0x341: return "mepc";
    case 0x342: return "mcause";
    case 0x343: return "mtval";
    case 0x344: return "mip";
    case 0x3a0: return "pmpcfg0";
    case 0x3b0: return "pmpaddr0";
    case 0xb00: return "mcycle";
    case 0xb02: return "minstret";
    default: return "unknown";
    }
}

}  // namespace veridian
