/* direct.h: physical memory as the kernel sees it. Valid from the first C line on, any context. */
#pragma once
#include "arch.h"

static inline void *direct_map(paddr_t address) { return (void *)(ARCH_DIRECT_MAP + address); }
static inline paddr_t direct_unmap(void const *pointer) { return (uintptr_t)pointer - ARCH_DIRECT_MAP; }
