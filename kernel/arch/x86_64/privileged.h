/*
 * privileged.h: one exception, general protection, stands for privileged instructions and for much else; the opcode
 * tells them apart. Any context; touches nothing but its argument.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Do these bytes, of which `count` can be read, begin with an instruction that only the kernel may execute? False if the
   opcode is cut off. The answer means something only for an instruction that raised general protection. */
[[nodiscard]] bool instruction_is_privileged(uint8_t const *bytes, size_t count);
