/* types.h: small types that every kernel module shares. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <veridian/abi.h>

typedef uint64_t paddr_t;                    /* physical address */

/* An address that came from user mode: an allegation. Only usermem.h turns it into memory. */
struct user_pointer { uintptr_t address; };

constexpr size_t CALL_WORDS = MESSAGE_WORDS + 5;   /* message, info, handle, 2 capability words, timeout */

/* What a mapping allows. MAP_USER pages are never reachable by the kernel except through arch_copy_*. */
enum map_flags : uint32_t {
    MAP_READ = 1, MAP_WRITE = 2, MAP_EXECUTE = 4, MAP_USER = 8, MAP_DEVICE = 16, MAP_GLOBAL = 32,
};

/* Physical tables that the capability unit walks (layouts in veridian/abi.h). */
struct cap_tables {
    paddr_t spaces;  uint32_t space_count;
    paddr_t slots;   uint32_t slot_count;
    paddr_t objects; uint32_t object_count;
};
