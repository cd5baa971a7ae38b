// Physical memory protection with a grain of 4 KiB (privileged specification, 3.7).
#pragma once

#include <cstdint>
#include <vector>

namespace veridian::reference {

enum class Access : uint8_t { fetch, load, store };

class Pmp {
public:
    explicit Pmp(unsigned entries) : entries_(entries) {}

    // Whether an access that stays within a naturally aligned 8-byte word is allowed.
    bool allows(uint64_t address, Access access, uint8_t privilege) const;

    uint8_t read_configuration(unsigned number) const;
    void write_configuration(unsigned number, uint8_t value);
    uint64_t read_address(unsigned number) const;
    void write_address(unsigned number, uint64_t value);

private:
    struct Entry {
        uint8_t configuration = 0;
        uint64_t address = 0;
    };

    bool matches(unsigned number, uint64_t address) const;

    std::vector<Entry> entries_;
};

}  // namespace veridian::reference
