/* demo.c: the first process: starts ping and pong, then the measurements, then ends the machine. Its capabilities:
   console, CAP_SPACE, KERNEL. */
#include "roles.h"
#include "user.h"

static uint32_t space;

/* Starts a program with its console and up to two more capabilities. */
static bool start_program(char const *name, uint64_t role, uint32_t second, uint32_t third, uint32_t *process)
{
    struct message start = { .word = { role }, .capability = { console, second, third },
                             .count = third != 0 ? 3 : second != 0 ? 2 : 1 };
    enum status status = process_create(space, name, &start, process);
    if (status == STATUS_OK) return true;
    print("demo: %s cannot be started: %s\n", name, status_name(status));
    return false;
}

static bool ended_well(char const *name, uint32_t process)
{
    enum exit_reason reason;
    uint64_t value;
    enum status status = process_wait(process, TIMEOUT_FOREVER, &reason, &value);
    if (status == STATUS_OK && reason == EXIT_REASON_EXITED && value == 0) return true;
    print("demo: %s failed\n", name);
    return false;
}

static bool ping_pong(void)
{
    uint32_t endpoint, sender, receiver, ping, pong;
    if (endpoint_create(&endpoint) != STATUS_OK
        || capability_derive(endpoint, RIGHT_SEND | RIGHT_GRANT, 7, &sender) != STATUS_OK
        || capability_derive(endpoint, RIGHT_RECEIVE | RIGHT_GRANT, 0, &receiver) != STATUS_OK) return false;
    if (!start_program("pong", ROLE_PONG, receiver, 0, &pong) || !start_program("ping", 0, sender, 0, &ping))
        return false;
    bool good = ended_well("ping", ping);
    return ended_well("pong", pong) && good;
}

static bool measurements(uint32_t kernel)
{
    uint32_t latency;
    return start_program("latency", 0, space, kernel, &latency) && ended_well("latency", latency);
}

int main(struct user_call *start)
{
    space = start_capability(start, 1);
    uint32_t kernel = start_capability(start, 2);
    bool good = ping_pong();
    good = measurements(kernel) && good;
    uint64_t words[3] = { good ? 0 : 1 };
    kernel_control(kernel, KERNEL_CONTROL_SHUTDOWN, words);
    return 1;
}
