/* device_calls.c: registers and interrupts of devices, for drivers that are user programs. */
#include "cap/cap.h"
#include "drivers/interrupt.h"
#include "sys/call.h"

static struct arch_io const *device_of(struct call_request const *request)
{
    return (struct arch_io const *)request->capability[0].payload;
}

void call_io_info(struct thread *thread, struct call_request const *request)
{
    struct arch_io const *device = device_of(request);
    request->words[0] = device->registers;
    request->words[1] = device->interrupt;
    thread_result(thread, STATUS_OK);
}

void call_io_read(struct thread *thread, struct call_request const *request)
{
    struct arch_io const *device = device_of(request);
    bool good = request->words[0] < device->registers;
    if (good) request->words[0] = arch_io_read(device, (unsigned)request->words[0]);
    thread_result(thread, good ? STATUS_OK : STATUS_BAD_ARGUMENT);
}

void call_io_write(struct thread *thread, struct call_request const *request)
{
    struct arch_io const *device = device_of(request);
    bool good = request->words[0] < device->registers;
    if (good) arch_io_write(device, (unsigned)request->words[0], (uint32_t)request->words[1]);
    thread_result(thread, good ? STATUS_OK : STATUS_BAD_ARGUMENT);
}

constexpr uint16_t INTERRUPT_RIGHTS = RIGHT_WRITE | RIGHT_MANAGE | RIGHT_GRANT | RIGHT_DERIVE | RIGHT_REVOKE;

void call_interrupt_create(struct thread *thread, struct call_request const *request)
{
    uint32_t object_id, handle;
    enum status status = interrupt_create(thread->process, request->words[0], &object_id);
    if (status == STATUS_OK) {
        status = cap_insert(thread->cap_space, object_id, INTERRUPT_RIGHTS, 0, &handle);
        if (status == STATUS_OK) request->words[WORD_HANDLE] = handle;
        else interrupt_destroy((struct interrupt *)object_payload(object_id));
    }
    thread_result(thread, status);
}

static struct interrupt *interrupt_of(struct call_request const *request)
{
    return (struct interrupt *)request->capability[0].payload;
}

void call_interrupt_bind(struct thread *thread, struct call_request const *request)
{
    struct signal_target target = {
        .owner = account_of(thread->process), .handle = request->capability[1].handle, .bits = request->words[1],
    };
    thread_result(thread, target.bits != 0 ? STATUS_OK : STATUS_BAD_ARGUMENT);
    if (target.bits != 0) interrupt_bind(interrupt_of(request), &target);
}

void call_interrupt_unbind(struct thread *thread, struct call_request const *request)
{
    interrupt_unbind(interrupt_of(request));
    thread_result(thread, STATUS_OK);
}

void call_interrupt_acknowledge(struct thread *thread, struct call_request const *request)
{
    thread_result(thread, interrupt_acknowledge(interrupt_of(request)));
}
