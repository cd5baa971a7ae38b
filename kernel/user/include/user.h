/*
 * user.h: the library that user programs are linked with. One function a system call; each returns the kernel's status.
 * Handles are 32-bit names in the caller's capability space. Timeouts are relative nanoseconds.
 *
 * A program is `int main(struct user_call *start)`: it starts as if it had received a message, in `start`. By custom of
 * these programs its first capability is the console (IO_RANGE). The result of main is the exit code.
 */
#pragma once
#include <stdarg.h>
#include "process_layout.h"
#include "user_call.h"

int main(struct user_call *start);

/* ---- system calls ----------------------------------------------------------------------------------------------- */

/* Makes the call `number` with the words in `call`, without capabilities. */
enum status system_call(struct user_call *call, enum call number);

/* Capability `index` that came with the start message; 0 if there is none. */
uint32_t start_capability(struct user_call const *start, unsigned index);

struct message {
    uint64_t word[MESSAGE_WORDS];
    uint32_t capability[MESSAGE_CAPABILITIES];
    unsigned count;              /* of capabilities */
    unsigned move;               /* bit i: capability i is moved, else copied */
    uint32_t badge;              /* received: of the sender */
};

/* `message` holds what is sent and then what came back. */
enum status ipc_call(uint32_t endpoint, struct message *message, uint64_t timeout);
enum status ipc_send(uint32_t endpoint, struct message const *message, uint64_t timeout);
enum status ipc_receive(uint32_t endpoint, struct message *message, uint64_t timeout);
enum status ipc_reply(struct message const *message);
enum status ipc_reply_receive(uint32_t endpoint, struct message *message, uint64_t timeout);

/* Messages without waiting: by the mailbox's instructions where the machine has them, else by system calls. WOULD_BLOCK:
   the queue is full or the sender too fast; it is empty. */
enum status mail_send(uint32_t endpoint, struct message const *message);
enum status mail_receive(uint32_t endpoint, struct message *message);

/* The same by system call, whatever the machine has; and the permission to use the instructions, for this thread. */
enum status mail_send_call(uint32_t endpoint, struct message const *message);
enum status mail_receive_call(uint32_t endpoint, struct message *message);
enum status mail_bind(void);

enum status endpoint_create(uint32_t *handle);
enum status memory_create(uint64_t bytes, uint32_t *handle);
/* A shared buffer is memory that tells when all other capabilities to it are gone. */
enum status buffer_create(uint64_t bytes, uint32_t *handle);
enum status buffer_watch(uint32_t buffer, uint32_t notification, uint64_t bits);
enum status memory_map(uint32_t memory, uintptr_t address, uint16_t rights);
enum status memory_unmap(uint32_t memory, uintptr_t address);
enum status memory_protect(uint32_t memory, uintptr_t address, uint16_t rights);
enum status memory_info(uint32_t memory, uint64_t *bytes, uintptr_t *address);

/* In the address space of a process; 0: one's own. What was mapped is undone by memory_unmap() there too. */
enum status process_address_space(uint32_t process, uint32_t *address_space);
enum status memory_map_in(uint32_t address_space, uint32_t memory, uintptr_t address, uint16_t rights);
enum status memory_protect_in(uint32_t address_space, uint32_t memory, uintptr_t address, uint16_t rights);
/* What the page at an address allows; 0: nothing is mapped there. */
enum status address_space_info(uint32_t address_space, uintptr_t address, uint16_t *rights);
/* Undoes the mapping of memory that begins there, whoever made it. */
enum status address_space_unmap(uint32_t address_space, uintptr_t address);

enum status capability_derive(uint32_t handle, uint16_t rights, uint32_t badge, uint32_t *derived);
enum status capability_revoke(uint32_t handle, uint64_t *revoked);
enum status capability_delete(uint32_t handle);

enum status capability_inspect(uint32_t handle, enum cap_type *cap_type, uint16_t *rights, uint32_t *badge);
enum status capability_destroy(uint32_t handle);

enum status notification_create(uint32_t *handle);
enum status notification_signal(uint32_t notification, uint64_t bits);
enum status notification_wait(uint32_t notification, uint64_t timeout, uint64_t *bits);
enum status notification_poll(uint32_t notification, uint64_t *bits);

/* `time` is absolute, as clock_nanoseconds() tells it. */
enum status timer_create(uint32_t *handle);
enum status timer_set(uint32_t timer, uint32_t notification, uint64_t time, uint64_t period, uint64_t bits);
enum status timer_cancel(uint32_t timer, uint64_t *left);
enum status timer_info(uint32_t timer, uint64_t *left, uint64_t *period);

/* Time of the processor: `budget` nanoseconds in each `period`, for one thread, or the first of a process. */
struct reservation_state { uint64_t budget, period, used; bool bound; };
enum status reservation_create(uint32_t *handle);
enum status reservation_set(uint32_t reservation, uint32_t kernel, uint64_t budget, uint64_t period);
enum status reservation_bind(uint32_t reservation, uint32_t thread);
enum status reservation_unbind(uint32_t reservation);
enum status reservation_info(uint32_t reservation, struct reservation_state *state);

/* Into the space of a process; `handle` is then a handle there. */
enum status capability_copy(uint32_t capability, uint32_t space, uint32_t *handle);
enum status capability_move(uint32_t capability, uint32_t space, uint32_t *handle);
enum status process_space(uint32_t process, uint32_t *space);
enum status space_info(uint32_t space, uint64_t *used, uint64_t *limit);
enum status space_seal(uint32_t space, uint32_t limit);

enum status registry_create(uint32_t *handle);
enum status registry_register(uint32_t registry, char const *name, uint32_t endpoint);
enum status registry_lookup(uint32_t registry, char const *name, uint32_t *endpoint);
enum status registry_unregister(uint32_t registry, char const *name);

/* The check by system call: verdict as status, badge if OK. */
enum status capability_check(uint32_t handle, enum cap_type cap_type, uint16_t rights, uint32_t *badge);

/* Starts a program; `start` is its first message (words 0 to 5 and capabilities). */
enum status process_create(uint32_t space, char const *name, struct message const *start, uint32_t *process);
enum status process_wait(uint32_t process, uint64_t timeout, enum exit_reason *reason, uint64_t *value);
enum status process_kill(uint32_t process, uint64_t code);
enum status process_suspend(uint32_t process);
enum status process_resume(uint32_t process);

/* Likewise, with what `quotas` (quotas_make(); 0: as usual) says out of the caller's own. */
enum status process_create_with(uint64_t quotas, uint32_t space, char const *name, struct message const *start, uint32_t *process);

struct quota { uint32_t used, limit; };
constexpr size_t RESOURCES = RESOURCE_THREADS + 1;
struct process_state { unsigned state; struct quota quota[RESOURCES]; };     /* quotas by enum resource */
/* The caller's own. */
void process_quotas(struct quota quota[RESOURCES]);
enum status process_info(uint32_t process, struct process_state *state);
enum status process_limit(uint32_t process, enum resource resource, uint32_t limit);
[[noreturn]] void process_exit(uint64_t code);
void thread_yield(void);

/* `entry` is called on the stack that ends at `stack_end`, and must not return: thread_exit(). */
enum status thread_create(void (*entry)(uint64_t), void *stack_end, uint64_t argument, uint32_t *handle);
[[noreturn]] void thread_exit(uint64_t code);
enum status thread_wait(uint32_t thread, uint64_t timeout, enum exit_reason *reason, uint64_t *value);
enum status thread_suspend(uint32_t thread);
enum status thread_resume(uint32_t thread);
enum status thread_kill(uint32_t thread, uint64_t code);
enum status thread_info(uint32_t thread, unsigned *state);

uint64_t clock_nanoseconds(void);

struct statistics { uint64_t frames, slots, objects, retired, spaces, processes, threads; };
enum status kernel_statistics(uint32_t kernel, struct statistics *statistics);

/* Devices: registers by number, and interrupts, which signal a notification once until they are acknowledged. */
enum status io_info(uint32_t range, unsigned *registers, unsigned *interrupt);
enum status io_read(uint32_t range, uint64_t number, uint32_t *value);
enum status io_write(uint32_t range, uint64_t number, uint32_t value);
enum status interrupt_create(uint32_t kernel, uint64_t number, uint32_t *handle);
enum status interrupt_bind(uint32_t interrupt, uint32_t notification, uint64_t bits);
enum status interrupt_unbind(uint32_t interrupt);
enum status interrupt_acknowledge(uint32_t interrupt);

/* `words` are words 1 to 3 of the operation, in and out. */
enum status kernel_control(uint32_t kernel, enum kernel_control operation, uint64_t words[3]);

/* ---- console ---------------------------------------------------------------------------------------------------- */

/* Where print() writes; main sets it. */
extern uint32_t console;

enum status console_write(uint32_t handle, char const *text, size_t bytes);

/* %s %c %d %u %x %lu %lx %zu %%; lines longer than 255 characters are cut. One call of the console a line. */
[[gnu::format(printf, 1, 2)]] void print(char const *format, ...);

/* ---- text ------------------------------------------------------------------------------------------------------- */

size_t text_length(char const *text);

/* The name of a status, for people. */
char const *status_name(enum status status);
