/* usermem.c: see usermem.h. */
#include "arch.h"
#include "mm/usermem.h"

static bool in_user_range(struct user_pointer pointer, size_t bytes)
{
    return pointer.address < ARCH_USER_TOP && bytes <= ARCH_USER_TOP - pointer.address;
}

enum status user_copy_in(void *to, struct user_pointer from, size_t bytes)
{
    if (!in_user_range(from, bytes) || !arch_copy_from_user(to, from.address, bytes)) return STATUS_BAD_POINTER;
    return STATUS_OK;
}

enum status user_copy_out(struct user_pointer to, void const *from, size_t bytes)
{
    if (!in_user_range(to, bytes) || !arch_copy_to_user(to.address, from, bytes)) return STATUS_BAD_POINTER;
    return STATUS_OK;
}
