/* elf.h: loads statically linked ELF64 programs. The image is not trusted. */
#pragma once
#include "mm/space.h"
#include "proc/initrd.h"

/* Maps the loadable segments into the space. BAD_IMAGE: not an executable for this machine, a segment that is writable
   and executable, out of range or overlapping another. NO_MEMORY. */
[[nodiscard]] enum status elf_load(struct initrd_file const *file, struct address_space *space, uintptr_t *entry);
