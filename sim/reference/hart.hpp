// One hart as a function of its state: RV64IMAC_Zicsr_Zifencei_Zicntr_Sstc with M, S and U mode, Sv39, PMP and thread
// contexts. What implementations may choose is chosen as in docs/datasheet/core.md.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "../host/commit.hpp"
#include "configuration.hpp"
#include "device.hpp"
#include "instruction.hpp"
#include "pmp.hpp"

namespace veridian::reference {

class System;

enum Privilege : uint8_t { user = 0, supervisor = 1, machine = 3 };

class Hart {
public:
    Hart(const Configuration &configuration, System &system);

    // Executes one instruction or takes its exception, and describes it in `commit`. When `observed` is given, it is
    // what the RTL did: it decides values that the model cannot know, within what the model finds possible.
    void step(const Commit *observed = nullptr);
    Commit commit;

    // Interrupts: what mip may be and must be, and the one to take if `pending` is (none: -1).
    uint16_t possible() const;
    uint16_t certain() const;
    int deliverable(uint16_t pending) const;
    void take_interrupt(unsigned cause);
    // A wfi has been executed and nothing that mie enables is pending.
    bool waiting() const { return waiting_ && (certain() & mie_) == 0; }
    bool nothing_can_wake() const { return (possible() & mie_) == 0; }
    uint64_t stimecmp() const { return stime_enable_ ? stimecmp_.compare() : ~uint64_t{0}; }

    uint64_t pc() const { return pc_; }
    uint8_t privilege() const { return privilege_; }
    uint64_t retired() const { return retired_; }

private:
    // ---- execute.cpp
    void execute(const Instruction &insn);
    void execute_system(const Instruction &insn);
    void execute_atomic(const Instruction &insn);
    void execute_custom(const Instruction &insn);
    void set(unsigned rd, uint64_t value) {
        if (rd == 0) return;
        x_[rd] = value;
        commit.rd_written = true;
        commit.rd = static_cast<uint8_t>(rd);
        commit.rd_value = value;
    }
    void jump(uint64_t target) { next_pc_ = target; }

    // ---- hart.cpp
    bool fetch(uint32_t &raw);
    // Records an exception; nothing else of the instruction happens. Always false.
    bool raise(uint8_t cause, uint64_t value);
    void refuse();  // illegal instruction
    void trap(bool interrupt, uint8_t cause, uint64_t value);
    void machine_return();
    void supervisor_return();
    void enter_context(unsigned context);

    // ---- csr.cpp
    void execute_csr(const Instruction &insn);
    bool csr_exists(uint16_t address) const;
    bool csr_allowed(uint16_t address, bool writes) const;
    Reading read_csr(uint16_t address) const;
    Reading read_pending(uint16_t mask) const;
    void write_csr(uint16_t address, uint64_t value);
    void write_status(uint64_t value, bool machine_fields);
    uint64_t status_word(bool machine_fields) const;

    // ---- memory_access.cpp
    bool load(uint64_t address, unsigned size, uint64_t &value, Access intent = Access::load);
    bool store(uint64_t address, unsigned size, uint64_t value);
    // Virtual to physical, with every check but the bus's; false after an exception.
    bool translate(uint64_t address, Access access, uint64_t &physical);
    bool walk(uint64_t address, Access access, uint8_t privilege, uint64_t &physical);
    bool fetch_halfword(uint64_t address, uint16_t &value);
    void forget_translations();
    uint8_t data_privilege() const { return mprv_ ? mpp_ : privilege_; }
    bool in_memory(uint64_t physical) const;
    uint8_t *host(uint64_t physical) const;

    const Configuration configuration_;
    System &system_;
    const Commit *observed_ = nullptr;

    // Registers of all contexts, and those of the current one.
    std::vector<std::array<uint64_t, 32>> banks_;
    uint64_t *x_;
    unsigned context_ = 0;
    uint64_t pc_, next_pc_ = 0;
    uint8_t privilege_ = machine;
    bool trapped_ = false, waiting_ = false;
    uint64_t retired_ = 0;

    // mstatus
    bool sie_ = false, mie_bit_ = false, spie_ = false, mpie_ = false, spp_ = false, mprv_ = false, sum_ = false,
         mxr_ = false, tvm_ = false, tw_ = false, tsr_ = false;
    uint8_t mpp_ = user;
    // The other CSRs.
    uint64_t mtvec_ = 0, stvec_ = 0, mscratch_ = 0, sscratch_ = 0, mepc_ = 0, sepc_ = 0, mcause_ = 0, scause_ = 0,
             mtval_ = 0, stval_ = 0, satp_ = 0, cycle_offset_ = 0, minstret_ = 0;
    uint32_t medeleg_ = 0;
    uint16_t mideleg_ = 0, mie_ = 0, software_pending_ = 0;
    uint8_t mcounteren_ = 0, scounteren_ = 0;
    bool stime_enable_ = false, fiom_machine_ = false, fiom_supervisor_ = false;
    Comparator stimecmp_;
    uint64_t handed_over_ = 0;  // when mip.STIP last went from software to stimecmp or back
    bool custom_user_ = false;
    uint8_t context_trap_ = 0, context_return_ = 0, context_machine_ = 0, address_register_ = 0, address_context_ = 0;
    Pmp pmp_;

    bool reserved_ = false;
    uint64_t reservation_ = 0;  // physical address of the 8-byte word

    // Pages of main memory that an access may go to without another check, by access, privilege and page number.
    // Nothing here can be stale: what these answers depend on empties them.
    struct FastPage {
        uint64_t page = ~uint64_t{0};
        uint8_t *memory = nullptr;
    };
    static constexpr unsigned fast_pages = 256;
    FastPage fast_[3][4][fast_pages];
    FastPage &fast(Access access, uint8_t privilege, uint64_t address) {
        return fast_[static_cast<unsigned>(access)][privilege][address >> 12 & (fast_pages - 1)];
    }
    // Frames of main memory that hold page tables: a store there empties the above.
    std::vector<uint8_t> table_frame_;
    std::vector<uint32_t> table_frames_;

    static constexpr unsigned decoded_entries = 4096;
    std::vector<Instruction> decoded_;
};

}  // namespace veridian::reference
