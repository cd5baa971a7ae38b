/* hostile.c: does one bad thing, or obeys; see hostile.h. Capability 0 is the console. */
#include "channel.h"
#include "hostile.h"
#include "roles.h"
#include "user.h"

constexpr size_t KEPT = 16;

static uint32_t kept[KEPT];
static size_t kept_count;
static uint64_t data[16] = { 1 };

static uint64_t read_word(uintptr_t address) { return *(uint64_t volatile *)address; }

static void write_word(uintptr_t address, uint64_t value) { *(uint64_t volatile *)address = value; }

static void execute(uintptr_t address) { ((void (*)(void))address)(); }

/* Each call needs its own frame. */
[[gnu::noinline]] static uint64_t overflow(uint64_t depth)
{
    uint64_t volatile frame[64];
    frame[0] = depth;
    return depth == 1 << 30 ? 0 : overflow(depth + 1) + frame[0];
}

static int compute(void)
{
    uint64_t x = 1, sum = 0;
    for (unsigned i = 0; i < 40'000; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        sum += x >> 33;
    }
    return sum == 43034247963600u ? 0 : 1;
}

static int spin(uint32_t memory, uint64_t slot)
{
    if (memory_map(memory, SHARED_ADDRESS, RIGHT_READ | RIGHT_WRITE) != STATUS_OK) return 1;
    uint64_t volatile *counter = (uint64_t volatile *)SHARED_ADDRESS + slot;
    for (;;) *counter = *counter + 1;
}

/* Without a KERNEL capability nothing shuts the machine down. */
static int try_shutdown(struct user_call const *start)
{
    uint64_t words[3] = {};
    if (kernel_control(console, KERNEL_CONTROL_SHUTDOWN, words) != STATUS_WRONG_TYPE) return 1;
    if (kernel_control(start_capability(start, 1), KERNEL_CONTROL_SHUTDOWN, words) != STATUS_WRONG_TYPE) return 2;
    for (uint32_t i = 0; i < 512; i++)
        if (kernel_control((uint32_t)handle_make(i % 8, i * 129 + 1), KERNEL_CONTROL_SHUTDOWN, words) == STATUS_OK)
            return 3;
    return 0;
}

static uint64_t busy_wait(uint64_t nanoseconds)
{
    uint64_t start = clock_nanoseconds(), now = start;
    while (now - start < nanoseconds) now = clock_nanoseconds();
    return now - start;
}

static uint32_t kept_at(uint64_t index) { return index < kept_count ? kept[index] : 0; }

static enum status create(enum cap_type cap_type, uint64_t most, bool keep, uint64_t *made)
{
    uint32_t handles[32];
    enum status status = STATUS_OK;
    if (most > sizeof handles / sizeof *handles) most = sizeof handles / sizeof *handles;
    for (*made = 0; *made < most; ++*made) {
        struct user_call call = { .word = { cap_type, PAGE_BYTES } };
        status = system_call(&call, CALL_CAP_CREATE);
        if (status != STATUS_OK) break;
        handles[*made] = (uint32_t)call.word[CALL_HANDLE];
        if (keep && kept_count < KEPT) kept[kept_count++] = handles[*made];
    }
    for (uint64_t i = 0; i < *made && !keep; i++) capability_delete(handles[i]);
    return status;
}

/* Carries out one command; the answer goes back into `message`. False: answer nothing, receive again. */
static bool obey(struct message *message)
{
    uint64_t first = message->word[1], second = message->word[2], third = message->word[3];
    struct message answer = {};
    for (unsigned i = 0; i < message->count; i++)
        if (kept_count < KEPT) kept[kept_count++] = message->capability[i];
    switch (message->word[0]) {
    case COMMAND_KEEP:
        answer.word[1] = message->count;
        break;
    case COMMAND_CHECK:
        answer.word[0] = capability_check(kept_at(first), (enum cap_type)second, (uint16_t)third, nullptr);
        break;
    case COMMAND_GIVE:
        answer.capability[0] = kept_at(first);
        answer.count = 1;
        answer.move = (unsigned)second;
        break;
    case COMMAND_DERIVE: {
        uint32_t derived = 0;
        answer.word[0] = capability_derive(kept_at(first), (uint16_t)second, 0, &derived);
        if (derived != 0 && kept_count < KEPT) kept[kept_count++] = derived;
        break;
    }
    case COMMAND_MAP:
        answer.word[0] = memory_map(kept_at(first), second, (uint16_t)third);
        break;
    case COMMAND_READ:
        answer.word[1] = read_word(first);
        break;
    case COMMAND_WRITE:
        write_word(first, second);
        break;
    case COMMAND_SLEEP:
        busy_wait(first);
        process_exit(ipc_reply(&answer));
    case COMMAND_CRASH:
        read_word(0);
        break;
    case COMMAND_LEAVE: process_exit(0);
    case COMMAND_CALL: process_exit(ipc_call(kept_at(first), &answer, TIMEOUT_FOREVER));
    case COMMAND_FORGET: return false;
    case COMMAND_SIGNAL:
        answer.word[0] = notification_signal(kept_at(first), second);
        break;
    case COMMAND_LISTEN: process_exit(notification_wait(kept_at(first), TIMEOUT_FOREVER, &second));
    case COMMAND_SET_TIMER:
        answer.word[0] = timer_set(kept_at(first), kept_at(second), third, 0, 1);
        break;
    case COMMAND_CREATE:
        answer.word[0] = create((enum cap_type)first, second, third != 0, &answer.word[1]);
        break;
    case COMMAND_SPAWN: {
        struct message start = { .word = { DEED_AGENT }, .capability = { console, kept_at(third) }, .count = 2, .move = 2 };
        uint32_t process = 0;
        answer.word[0] = process_create_with(second, kept_at(first), "hostile", &start, &process);
        if (process != 0 && kept_count < KEPT) kept[kept_count++] = process;
        break;
    }
    case COMMAND_LIMIT:
        answer.word[0] = process_limit(kept_at(first), (enum resource)second, (uint32_t)third);
        break;
    case COMMAND_CHECK_HANDLE:
        answer.word[0] = capability_check((uint32_t)first, (enum cap_type)second, (uint16_t)third, nullptr);
        break;
    case COMMAND_REGISTER:
        answer.word[0] = registry_register(kept_at(first), "agent", kept_at(second));
        break;
    case COMMAND_WORDS:
        answer.word[1] = message->badge;
        answer.word[2] = message->capability[0] | (uint64_t)message->capability[1] << 32;
        answer.word[3] = message->capability[2] | (uint64_t)message->capability[3] << 32;
        break;
    case COMMAND_MAIL_SEND: {
        struct message mail = { .word = { second, second, second, second, second, second, second, second } };
        answer.word[0] = mail_send(kept_at(first), &mail);
        break;
    }
    case COMMAND_MAIL_RECEIVE: {
        struct message mail = {};
        answer.word[0] = mail_receive(kept_at(first), &mail);
        answer.word[1] = mail.word[0];
        answer.word[2] = mail.word[MESSAGE_WORDS - 1];
        answer.word[3] = mail.badge;
        break;
    }
    case COMMAND_MAIL_PIECES: {
        uint64_t words[MESSAGE_WORDS];
        user_mail_stage((uint64_t[MESSAGE_WORDS]){ 1, 2, 3, 4, 5, 6, 7, 8 });
        answer.word[0] = mail_answer_get_status(user_mail_send(kept_at(first)));
        answer.word[1] = mail_answer_get_status(user_mail_receive(kept_at(first)));
        user_mail_read(words);
        for (size_t i = 0; i < MESSAGE_WORDS; i++) answer.word[2] |= words[i];
        answer.word[3] = mail_answer_get_status(user_mail_pop());
        break;
    }
    case COMMAND_ADDRESS_SPACE: {
        uint32_t made = 0;
        answer.word[0] = process_address_space(kept_at(first), &made);
        if (made != 0 && kept_count < KEPT) kept[kept_count++] = made;
        break;
    }
    case COMMAND_MAP_IN:
        answer.word[0] = memory_map_in(kept_at(message->word[4]), kept_at(first), second, (uint16_t)third);
        break;
    case COMMAND_TEXT:
        answer.word[0] = console_write(console, (char const *)first, second);
        break;
    case COMMAND_FUNCTION:
        answer.word[1] = ((uint64_t (*)(uint64_t))first)(second);
        break;
    default:
        answer.word[0] = STATUS_BAD_CALL;
        break;
    }
    *message = answer;
    return true;
}

static int agent(uint32_t endpoint)
{
    struct message message;
    enum status status = ipc_receive(endpoint, &message, TIMEOUT_FOREVER);
    for (;;) {
        if (status != STATUS_OK) return (int)status;
        if (!obey(&message)) {
            status = ipc_receive(endpoint, &message, TIMEOUT_FOREVER);
            continue;
        }
        status = ipc_reply_receive(endpoint, &message, TIMEOUT_FOREVER);
        if (status == STATUS_NO_CALLER) status = ipc_receive(endpoint, &message, TIMEOUT_FOREVER);
    }
}

constexpr size_t THREAD_STACK = 512;
[[gnu::aligned(16)]] static uint8_t thread_stacks[40][THREAD_STACK];

static void spin_in_thread(uint64_t) { for (;;) thread_yield(); }

static void read_in_thread(uint64_t address)
{
    read_word(address);
    thread_exit(0);
}

static int threads(uint64_t most)
{
    uint32_t thread;
    for (uint64_t i = 0; i < most; i++) {
        enum status status = thread_create(spin_in_thread, thread_stacks[i] + THREAD_STACK, 0, &thread);
        if (status != STATUS_OK) return status == STATUS_NO_THREADS ? 7 : 8;
    }
    return (int)most;
}

/* What a second thread sends, and the first changes while it waits. */
static struct message changing;
static uint32_t changing_endpoint;

static void send_changing(uint64_t) { thread_exit(ipc_send(changing_endpoint, &changing, TIMEOUT_FOREVER)); }

/* Fills slots until that of `handle`, which is free, holds another capability to the same object, with all rights. */
static bool fill_slot(uint32_t handle, uint32_t whole)
{
    for (unsigned i = 0; i < 2 * SLOTS_PER_PAGE; i++) {
        uint32_t derived;
        if (capability_derive(whole, RIGHT_SEND | RIGHT_RECEIVE | RIGHT_GRANT, 0, &derived) != STATUS_OK) return false;
        if (handle_get_index(derived) == handle_get_index(handle)) return derived != handle;
    }
    return false;
}

/* Ends with the second thread's status, or with 128 and more. */
static int change_message(uint32_t endpoint, bool capability_too)
{
    uint32_t own, weak, thread;
    unsigned state = 0;
    if (endpoint_create(&own) != STATUS_OK || capability_derive(own, RIGHT_SEND | RIGHT_GRANT, 5, &weak) != STATUS_OK) return 128;
    changing_endpoint = endpoint;
    changing = (struct message){ .word = { 1, 2, 3, 4, 5, 6, 7, 8 }, .capability = { weak }, .count = 1 };
    if (thread_create(send_changing, thread_stacks[1], 0, &thread) != STATUS_OK) return 129;
    while (thread_info(thread, &state) == STATUS_OK && state != 3) thread_yield();
    /* The memory that the message came from, the stack of the thread that waits, and the same registers with other words. */
    struct user_call call = { .word = { [CALL_HANDLE] = own, [CALL_CAPS] = own | (uint64_t)own << 32, [CALL_TIMEOUT] = 0 } };
    for (size_t i = 0; i < MESSAGE_WORDS; i++) call.word[i] = changing.word[i] = ~0ull;
    for (size_t i = 0; i < MESSAGE_CAPABILITIES; i++) changing.capability[i] = own;
    changing.count = MESSAGE_CAPABILITIES;
    changing.move = 15;
    call.word[CALL_INFO] = info_in_make(CALL_IPC_SEND, MESSAGE_CAPABILITIES, 0);
    user_call(&call);
    if (call.word[CALL_INFO] != STATUS_WOULD_BLOCK) return 130;
    if (capability_too && (capability_delete(weak) != STATUS_OK || !fill_slot(weak, own))) return 131;
    struct message mail = { .word = { 11, 12, 13, 14, 15, 16, 17, 18 } };
    if (mail_send(endpoint, &mail) != STATUS_OK) return 132;
    for (size_t i = 0; i < MESSAGE_WORDS; i++) mail.word[i] = ~0ull;
    enum exit_reason reason;
    uint64_t status;
    return thread_wait(thread, TIMEOUT_FOREVER, &reason, &status) == STATUS_OK ? (int)status : 133;
}

static int receive_ring(uint32_t channel, uint32_t memory)
{
    if (memory_map(memory, SHARED_ADDRESS, RIGHT_READ | RIGHT_WRITE) != STATUS_OK) return 2;
    struct ring_end end = { (struct ring *)SHARED_ADDRESS, channel, 0 };
    uint64_t words[MESSAGE_WORDS], count = 0;
    enum status status;
    for (; (status = ring_receive(&end, words, TIMEOUT_FOREVER)) == STATUS_OK; count++) {
        for (size_t i = 0; i < MESSAGE_WORDS - 1; i++)
            if (words[i] != count + i) return 1;
        if (words[MESSAGE_WORDS - 1] != ~count) return 1;
    }
    return status == STATUS_DEAD ? (int)count : 3;
}

int main(struct user_call *start)
{
    uint64_t argument = start->word[1];
    uint64_t stack[2] = {};
    struct message nothing = {};
    switch (start->word[0]) {
    case DEED_EXIT: return (int)argument;
    case DEED_READ: read_word(argument); return 0;
    case DEED_WRITE: write_word(argument, 0); return 0;
    case DEED_EXECUTE: execute(argument); return 0;
    case DEED_WRITE_TEXT: write_word((uintptr_t)read_word & ~(uintptr_t)7, 0); return 0;
    case DEED_EXECUTE_DATA: execute((uintptr_t)data); return 0;
    case DEED_EXECUTE_STACK: execute((uintptr_t)stack); return 0;
    case DEED_ILLEGAL: user_illegal_instruction(); return 0;
    case DEED_PRIVILEGED: user_privileged_instruction(); return 0;
    case DEED_CHECK_INSTRUCTION: return (int)answer_get_verdict(user_check_instruction(argument));
    case DEED_KERNEL_INSTRUCTION: user_kernel_instruction(); return 0;
    case DEED_MAIL_INSTRUCTION: return (int)mail_answer_get_status(user_mail_send(start_capability(start, 1)));
    case DEED_FLOAT: user_float_instruction(); return 0;
    case DEED_OVERFLOW: return (int)overflow(0);
    case DEED_SPIN: return spin(start_capability(start, 1), argument);
    case DEED_COMPUTE: return compute();
    case DEED_SHUTDOWN: return try_shutdown(start);
    case DEED_AGENT: return agent(start_capability(start, 1));
    case DEED_THREADS: return threads(argument);
    case DEED_THREAD_LIMIT:
        threads(3);
        for (;;) thread_yield();
    case DEED_THREAD_FAULT: {
        uint32_t thread;
        if (thread_create(read_in_thread, thread_stacks[1], argument, &thread) != STATUS_OK) return 1;
        for (;;) thread_yield();
    }
    case DEED_REVOKE: {
        uint32_t child;
        for (uint64_t i = 0; i < argument; i++)
            if (capability_derive(start_capability(start, 1), RIGHT_SEND, 0, &child) != STATUS_OK) return 255;
        return (int)capability_revoke(start_capability(start, 1), nullptr);
    }
    case DEED_CHANGE_MESSAGE: return change_message(start_capability(start, 1), argument != 0);
    case DEED_RING: return receive_ring(start_capability(start, 1), start_capability(start, 2));
    case DEED_RESUME:
        busy_wait(argument);
        return (int)process_resume(start_capability(start, 1));
    case DEED_REPLY: return (int)ipc_reply(&nothing);
    default: return 255;
    }
}
