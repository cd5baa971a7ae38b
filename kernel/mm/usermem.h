/*
 * usermem.h: the only way to user memory. A user pointer is an allegation of the current thread; these functions check
 * that it lies below ARCH_USER_TOP and copy through the page tables' own permissions. BAD_POINTER otherwise.
 */
#pragma once
#include "types.h"

[[nodiscard]] enum status user_copy_in(void *to, struct user_pointer from, size_t bytes);
[[nodiscard]] enum status user_copy_out(struct user_pointer to, void const *from, size_t bytes);
