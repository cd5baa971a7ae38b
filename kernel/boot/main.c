/* main.c: the portable part of booting, from the architecture's entry code to the first process. */
#include "arch.h"
#include "boot/boot.h"
#include "cap/cap.h"
#include "drivers/mailbox.h"
#include "ipc/ipc.h"
#include "ipc/registry.h"
#include "lib/memory.h"
#include "lib/panic.h"
#include "lib/print.h"
#include "mm/frame.h"
#include "mm/memory_object.h"
#include "mm/space.h"
#include "proc/initrd.h"
#include "proc/process.h"
#include "proc/space_object.h"
#include "sched/sched.h"
#include "sys/accelerator.h"
#include "sys/call.h"

constexpr char VERSION[] = "0.1";
constexpr char FIRST_PROGRAM[] = "demo";

/* Tables as memory has room for them: a page of slots for each five free frames, up to 16,256 slots, 511 spaces, 2,047
   objects and 512 threads, for which 2.5 MiB must be free. A space has an eighth of the slots at most. */
constexpr uint32_t SLOT_PAGES = 128, FRAMES_A_SLOT_PAGE = 5, SLOT_PAGES_A_SPACE_PAGE = 8;
constexpr uint32_t SPACES_A_SLOT_PAGE = 4, OBJECTS_A_SLOT_PAGE = 16, THREADS_A_SLOT_PAGE = 4;

static struct cap_config capability_tables(void)
{
    size_t pages = frame_count() / FRAMES_A_SLOT_PAGE;
    uint32_t slot_pages = pages < SLOT_PAGES ? (uint32_t)pages : SLOT_PAGES;
    return (struct cap_config){
        .slot_pages = slot_pages, .space_count = slot_pages * SPACES_A_SLOT_PAGE,
        .object_count = slot_pages * OBJECTS_A_SLOT_PAGE,
        .pages_per_space = (slot_pages + SLOT_PAGES_A_SPACE_PAGE - 1) / SLOT_PAGES_A_SPACE_PAGE,
        .seed = (arch_cycles() ^ arch_time_ns() << 32) | 1,             /* hard to hit by chance, no more */
    };
}

/* What the first process has for itself and all others. Left for the kernel: its own objects (that process, the console, the
   capability space, the kernel), the space of all registries; and frames for its records, which are at most a page for each
   space, 1 KiB for each object or thread, 64 bytes for what is mapped through each slot; but not more than a fourth of
   memory. */
constexpr uint32_t FIRST_OBJECTS = 4;
static_assert(sizeof(struct process) <= 1024 && sizeof(struct endpoint) <= 1024 && sizeof(struct registry) <= 1024);
static_assert(sizeof(struct thread) <= 1024 && sizeof(struct memory_mapping) <= 64);

static void first_quotas(struct cap_config const *tables, uint32_t limits[QUOTA_RESOURCES])
{
    uint32_t slots = tables->slot_pages * (uint32_t)SLOTS_PER_PAGE, free = (uint32_t)frame_count();
    uint32_t threads = tables->slot_pages * THREADS_A_SLOT_PAGE;
    uint32_t kept = tables->space_count + (tables->object_count + threads) / 4 + slots / 64;
    limits[RESOURCE_FRAMES] = free - (kept < free / 4 ? kept : free / 4);
    limits[RESOURCE_SLOTS] = slots - (1 + tables->pages_per_space) * (uint32_t)SLOTS_PER_PAGE;
    limits[RESOURCE_OBJECTS] = tables->object_count - 1 - FIRST_OBJECTS;
    limits[RESOURCE_THREADS] = threads;
}

constexpr uint16_t PASS_ON = RIGHT_GRANT | RIGHT_DERIVE | RIGHT_REVOKE;

/* Authority over the whole machine, given to the first process only. */
static uint32_t grant(struct process *process, enum cap_type cap_type, uint64_t payload, uint16_t rights)
{
    uint32_t object_id, handle;
    if (object_create(cap_type, payload, &object_id) != STATUS_OK
        || cap_insert(process->thread.cap_space, object_id, rights, 0, &handle) != STATUS_OK)
        panic("no room for the first process's capabilities");
    return handle;
}

/* All rights on its own capability space; only this one comes with EXECUTE. */
static uint32_t grant_space(struct process *process)
{
    uint32_t object_id, handle;
    if (space_object_create(nullptr, process, &object_id) != STATUS_OK
        || cap_insert(process->thread.cap_space, object_id, RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE | RIGHT_MANAGE
                      | PASS_ON, 0, &handle) != STATUS_OK)
        panic("no room for the first process's capabilities");
    return handle;
}

static void start_first_process(struct boot_info const *info, struct cap_config const *tables)
{
    char name[24];
    if (!boot_argument(info, "init", name, sizeof name)) string_copy(name, FIRST_PROGRAM, sizeof name);
    struct process *process;
    uint32_t limits[QUOTA_RESOURCES];
    first_quotas(tables, limits);
    enum status status = process_create_first(name, limits, &process);
    if (status == STATUS_NOT_FOUND) panic("init=%s: no such program in the initrd", name);
    if (status != STATUS_OK) panic("init=%s: cannot be started, status %u", name, status);
    uint32_t console = grant(process, CAP_TYPE_IO_RANGE, (uintptr_t)arch_console_io(),
                             RIGHT_READ | RIGHT_WRITE | RIGHT_MANAGE | PASS_ON);
    uint32_t space = grant_space(process);
    uint32_t kernel = grant(process, CAP_TYPE_KERNEL, 1, RIGHT_READ | RIGHT_EXECUTE | RIGHT_MANAGE | PASS_ON);
    uint64_t *words = process->thread.context.call;
    words[WORD_INFO] = info_out_make(STATUS_OK, 3);
    words[WORD_CAPS] = console | (uint64_t)space << 32;
    words[WORD_CAPS_HIGH] = kernel;
    process_start(process);
}

void kernel_main(struct boot_info const *info)
{
    print("Veridian %s (%s, %s)\n", VERSION, ARCH_NAME, info->machine);
    print("harts: %u, 1 used\n", info->cpu_count);
    frame_init(info);
    space_init();
    uint64_t bytes = 0;
    for (size_t i = 0; i < info->memory_count; i++) bytes += info->memory[i].size;
    print("memory: %lu KiB, %lu KiB free\n", bytes >> 10, (uint64_t)frame_count() * PAGE_BYTES >> 10);
    arch_devices_init(info);
    struct cap_config const capabilities = capability_tables();
    /* Page 0 is nobody's, one is for registries, one at least for a process. */
    if (capabilities.slot_pages < 3 || cap_init(&capabilities) != STATUS_OK) panic("no memory for the capability tables");
    accelerator_init(info);
    registry_init();
    mailbox_init(info);
    initrd_init(info);
    print("initrd: %zu programs, %lu KiB\n", initrd_count(), (info->initrd_size + 1023) >> 10);
    start_first_process(info, &capabilities);
    sched_start();
}
