/* device_calls.c: system calls on registers and interrupts of devices; see user.h. */
#include "user.h"

static enum status through(struct user_call *call, enum call number, uint32_t handle)
{
    call->word[CALL_HANDLE] = handle;
    return system_call(call, number);
}

enum status io_info(uint32_t range, unsigned *registers, unsigned *interrupt)
{
    struct user_call call = {};
    enum status status = through(&call, CALL_IO_INFO, range);
    if (status != STATUS_OK) return status;
    *registers = (unsigned)call.word[0];
    *interrupt = (unsigned)call.word[1];
    return STATUS_OK;
}

enum status io_read(uint32_t range, uint64_t number, uint32_t *value)
{
    struct user_call call = { .word = { number } };
    enum status status = through(&call, CALL_IO_READ, range);
    if (status == STATUS_OK) *value = (uint32_t)call.word[0];
    return status;
}

enum status io_write(uint32_t range, uint64_t number, uint32_t value)
{
    struct user_call call = { .word = { number, value } };
    return through(&call, CALL_IO_WRITE, range);
}

enum status interrupt_create(uint32_t kernel, uint64_t number, uint32_t *handle)
{
    struct user_call call = { .word = { number } };
    enum status status = through(&call, CALL_INTERRUPT_CREATE, kernel);
    if (status == STATUS_OK) *handle = (uint32_t)call.word[CALL_HANDLE];
    return status;
}

enum status interrupt_bind(uint32_t interrupt, uint32_t notification, uint64_t bits)
{
    struct user_call call = { .word = { notification, bits } };
    return through(&call, CALL_INTERRUPT_BIND, interrupt);
}

enum status interrupt_unbind(uint32_t interrupt)
{
    struct user_call call = {};
    return through(&call, CALL_INTERRUPT_UNBIND, interrupt);
}

enum status interrupt_acknowledge(uint32_t interrupt)
{
    struct user_call call = {};
    return through(&call, CALL_INTERRUPT_ACKNOWLEDGE, interrupt);
}
