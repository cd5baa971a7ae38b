// The simulated SDRAM chip alone. Arguments: the members of SdramDatasheet in their order. A line of pins in (command bank
// address dqm dq driven), a line out: what dq_i becomes, and the complaint if there is one. A line "new" begins with a
// new chip, whose cells are zero; "stick OFFSET" spoils one of them.
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>

#include "../../sim/host/sdram_chip.hpp"

int main(int argc, char **argv) {
    if (argc != 19) return 2;
    const auto number = [&](int index) { return std::strtoull(argv[index], nullptr, 10); };
    const auto small = [&](int index) { return static_cast<unsigned>(number(index)); };
    const veridian::SdramDatasheet datasheet{
        number(1), small(2), small(3), small(4), small(5), small(6), number(7), number(8), number(9), number(10),
        number(11), number(12), number(13), number(14), number(15), number(16), number(17), number(18)};
    std::unique_ptr<uint8_t, decltype(&std::free)> cells(nullptr, std::free);
    std::optional<veridian::SdramChip> chip;
    std::string line;
    while (std::getline(std::cin, line)) {
        if (line == "new") {
            // Zeroed by the system where it is touched.
            cells.reset(static_cast<uint8_t *>(std::calloc(32u << 20, 1)));
            chip.emplace(datasheet, cells.get());
            continue;
        }
        if (line.starts_with("stick ")) {
            chip->stick(std::strtoull(line.c_str() + 6, nullptr, 10));
            continue;
        }
        unsigned command, bank, address, dqm, dq, driven;
        std::istringstream(line) >> command >> bank >> address >> dqm >> dq >> driven;
        const unsigned shown = chip->step({static_cast<uint8_t>(command), static_cast<uint8_t>(bank),
                                           static_cast<uint16_t>(address), static_cast<uint8_t>(dqm),
                                           static_cast<uint16_t>(dq), driven != 0});
        std::cout << shown << ' ' << chip->complaint() << '\n';
    }
    return 0;
}
