/* main.c: the portable part of booting, from the architecture's entry code to the first process. */
#include "arch.h"
#include "lib/panic.h"
#include "lib/print.h"

constexpr char VERSION[] = "0.1";

void kernel_main(struct boot_info const *info)
{
    print("Veridian %s (%s, %s)\n", VERSION, ARCH_NAME, info->machine);
    uint64_t bytes = 0;
    for (size_t i = 0; i < info->memory_count; i++) bytes += info->memory[i].size;
    print("harts: %u\n", info->cpu_count);
    print("memory: %lu KiB in %zu range%s, initrd %lu KiB\n", bytes >> 10, info->memory_count,
          info->memory_count == 1 ? "" : "s", (info->initrd_size + 1023) >> 10);
    arch_devices_init(info);
    arch_shutdown(0);
}
