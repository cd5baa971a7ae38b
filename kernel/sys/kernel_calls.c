/* kernel_calls.c: console, clock and control of the kernel. */
#include "cap/hooks.h"
#include "lib/print.h"
#include "mm/frame.h"
#include "mm/usermem.h"
#include "proc/user_thread.h"
#include "sys/accelerator.h"
#include "sys/call.h"
#include "sys/long_call.h"

/* One call writes at most this much: it runs with interrupts off. */
constexpr uint64_t CONSOLE_BYTES = 1024;
constexpr uint64_t MEASUREMENTS = 4096;

void call_clock(struct thread *thread, struct call_request const *request)
{
    request->words[0] = arch_time_ns();
    thread_result(thread, STATUS_OK);
}

static enum status console_write(uint64_t address, uint64_t bytes)
{
    if (bytes > CONSOLE_BYTES) return STATUS_BAD_ARGUMENT;
    char piece[128];
    for (uint64_t at = 0; at < bytes;) {
        size_t length = bytes - at < sizeof piece ? bytes - at : sizeof piece;
        enum status status = user_copy_in(piece, (struct user_pointer){ address + at }, length);
        if (status != STATUS_OK) return status;
        print_text(piece, length);
        at += length;
    }
    return STATUS_OK;
}

void call_console_write(struct thread *thread, struct call_request const *request)
{
    enum status status = console_write(request->words[0], request->words[1]);
    if (status == STATUS_OK) request->words[0] = request->words[1];
    thread_result(thread, status);
}

/* Times the software check as the kernel itself calls it. */
static enum status measure_check(struct thread *thread, uint64_t query, uint64_t buffer, uint64_t count)
{
    if (count > MEASUREMENTS) return STATUS_BAD_ARGUMENT;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t start = arch_cycles();
        uint64_t answer = cap_check_badge(thread->cap_space, query);
        uint64_t cycles = arch_cycles() - start;
        if (answer_get_verdict(answer) != VERDICT_OK) return (enum status)answer_get_verdict(answer);
        enum status status = user_copy_out((struct user_pointer){ buffer + i * sizeof cycles }, &cycles, sizeof cycles);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

static enum status set_accelerator(uint64_t use)
{
    if (use > 1) return STATUS_BAD_ARGUMENT;
    if (use == 1 && !accelerator_present) return STATUS_UNSUPPORTED;
    accelerator_used = use == 1;
    return STATUS_OK;
}

void call_kernel_control(struct thread *thread, struct call_request const *request)
{
    uint64_t *words = request->words;
    enum status status = STATUS_BAD_ARGUMENT;
    switch (words[0]) {
    case KERNEL_CONTROL_SHUTDOWN:
        if (words[1] <= UINT8_MAX) arch_shutdown((uint8_t)words[1]);
        break;
    case KERNEL_CONTROL_SET_ACCELERATOR:
        status = set_accelerator(words[1]);
        break;
    case KERNEL_CONTROL_GET_ACCELERATOR:
        words[1] = accelerator_present;
        words[2] = accelerator_used;
        status = STATUS_OK;
        break;
    case KERNEL_CONTROL_MEASURE_CHECK:
        status = measure_check(thread, words[1], words[2], words[3]);
        break;
    default: break;
    }
    thread_result(thread, status);
}

void call_statistics(struct thread *thread, struct call_request const *request)
{
    struct cap_statistics statistics;
    long_call_begin();
    if (!long_call_reclaim(thread)) {
        long_call_again(thread);
        return;
    }
    cap_statistics_get(&statistics);
    request->words[0] = frame_count() + frame_kept();
    request->words[1] = statistics.slots;
    request->words[2] = statistics.objects;
    request->words[3] = statistics.retired;
    request->words[4] = statistics.spaces;
    request->words[5] = process_count();
    request->words[6] = user_thread_count();
    thread_result(thread, STATUS_OK);
}
