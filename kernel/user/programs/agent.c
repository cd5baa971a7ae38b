/* agent.c: the test agent: makes the system calls that lines on the console ask for. See agent.h; its capabilities:
   console, CAP_SPACE, KERNEL. */
#include <veridian/calls.h>
#include "agent.h"
#include "user.h"

constexpr size_t LINE = 512, TEXT = 64;

#define NAME_OF(NAME, name, ...) [CALL_##NAME] = #name,
static char const *const names[CALL_COUNT] = { CALL_TABLE(NAME_OF) };
#undef NAME_OF

/* Who looks for a character in vain so often sleeps before it looks again: an emulator's other threads bring it. */
constexpr unsigned LOOKS = 8;
constexpr uint64_t NAP = 2'000'000;

static char line[LINE], text[TEXT];
static uint32_t never;               /* a notification that nobody signals */

static void make_call(struct user_call *call)
{
    if (call->word[CALL_INFO] != AGENT_CHECK_INSTRUCTION) {
        user_call(call);
        return;
    }
    call->word[0] = user_check_instruction(call->word[0]);
    call->word[CALL_INFO] = STATUS_OK;
}

/* ---- children --------------------------------------------------------------------------------------------------- */

/* Places of the call words in a message. */
static size_t const carried[MESSAGE_WORDS] = { CALL_INFO, CALL_HANDLE, 0, 1, 2, 3, CALL_CAPS, CALL_CAPS_HIGH };

static enum status relay(uint32_t endpoint, struct user_call *call)
{
    struct message message = {};
    for (size_t i = 0; i < MESSAGE_WORDS; i++) message.word[i] = call->word[carried[i]];
    enum status status = ipc_call(endpoint, &message, TIMEOUT_FOREVER);
    for (size_t i = 0; i < MESSAGE_WORDS && status == STATUS_OK; i++) call->word[carried[i]] = message.word[i];
    return status;
}

/* A child that is to make a process makes another child, with the quotas in word 3: the texts are not here. */
static void make_child(struct user_call *call)
{
    static char const NAME[] = "agent";
    call->word[CALL_TIMEOUT] = call->word[3];
    call->word[0] = (uintptr_t)NAME;
    call->word[1] = sizeof NAME - 1;
    call->word[2] = AGENT_CHILD;
    call->word[3] = 0;
}

static int obey(uint32_t endpoint)
{
    struct message message;
    enum status status = ipc_receive(endpoint, &message, TIMEOUT_FOREVER);
    while (status == STATUS_OK) {
        struct message answer = {};
        if (message.badge != 0) {
            for (unsigned i = 0; i < message.count; i++) answer.word[i] = message.capability[i];
        } else {
            struct user_call call = { .word = { [CALL_TIMEOUT] = TIMEOUT_FOREVER } };
            for (size_t i = 0; i < MESSAGE_WORDS; i++) call.word[carried[i]] = message.word[i];
            if (info_in_get_number(call.word[CALL_INFO]) == CALL_PROCESS_CREATE) make_child(&call);
            make_call(&call);
            for (size_t i = 0; i < MESSAGE_WORDS; i++) answer.word[i] = call.word[carried[i]];
        }
        status = ipc_reply_receive(endpoint, &answer, TIMEOUT_FOREVER);
        message = answer;
    }
    return (int)status;
}

/* ---- lines ------------------------------------------------------------------------------------------------------ */

static char read_character(void)
{
    uint32_t value = 0;
    uint64_t bits;
    for (unsigned looks = 1;; looks++) {
        if (io_read(console, USER_UART_FLAGS, &value) != STATUS_OK) process_exit(1);
        if ((value & USER_UART_FLAG) == USER_UART_RECEIVED) break;
        if (looks >= LOOKS) (void)notification_wait(never, NAP, &bits);
    }
    if (io_read(console, USER_UART_DATA, &value) != STATUS_OK) process_exit(1);
    return (char)value;
}

/* Reads a line without its end; what does not fit is dropped. */
static void read_line(void)
{
    size_t length = 0;
    for (char character; (character = read_character()) != '\n';)
        if (character != '\r' && length < LINE - 1) line[length++] = character;
    line[length] = '\0';
}

/* The number at `*at`, which moves behind it. */
static uint64_t number(char const **at, unsigned base)
{
    uint64_t value = 0;
    for (;; ++*at) {
        char const character = **at;
        unsigned digit = character >= '0' && character <= '9' ? (unsigned)(character - '0')
                       : character >= 'a' && character <= 'f' ? (unsigned)(character - 'a') + 10 : base;
        if (digit >= base) return value;
        value = value * base + digit;
    }
}

static bool begins(char const *at, char const *name)
{
    while (*name != '\0' && *at == *name) at++, name++;
    return *name == '\0' && (*at == ' ' || *at == '\0');
}

static bool find_call(char const *at, uint64_t *info)
{
    for (size_t i = 0; i < CALL_COUNT; i++)
        if (begins(at, names[i])) {
            *info |= i;
            return true;
        }
    return false;
}

static bool set_word(char const *at, struct user_call *call)
{
    uint64_t word = number(&at, 10);
    if (word >= CALL_WORDS) return false;
    if (*at == '@' && word < CALL_WORDS - 1) {
        size_t length = 0;
        for (at++; *at != ' ' && *at != '\0' && length < TEXT; at++) text[length++] = *at;
        call->word[word] = (uintptr_t)text;
        call->word[word + 1] = length;
        return true;
    }
    if (*at++ != '=') return false;
    call->word[word] = word == CALL_INFO ? call->word[word] | number(&at, 16) : number(&at, 16);
    return *at == ' ' || *at == '\0';
}

/* Understands the line; false, and says so, if it is none. */
static bool parse(struct user_call *call, uint32_t *endpoint)
{
    for (char const *at = line; *at != '\0';) {
        char const *digits = at + 1;
        bool good = *at == '>' ? (*endpoint = (uint32_t)number(&digits, 16)) != 0
                  : *at >= '0' && *at <= '9' ? set_word(at, call) : find_call(at, &call->word[CALL_INFO]);
        if (!good) {
            print("? %s\n", at);
            return false;
        }
        while (*at != ' ' && *at != '\0') at++;
        while (*at == ' ') at++;
    }
    return true;
}

static void answer(struct user_call const *given, struct user_call const *call)
{
    print("= 8=%lx", call->word[CALL_INFO]);
    for (unsigned i = 0; i < CALL_WORDS; i++)
        if (i != CALL_INFO && call->word[i] != given->word[i]) print(" %u=%lx", i, call->word[i]);
    print("\n");
}

int main(struct user_call *start)
{
    if (start->word[0] == AGENT_CHILD) return obey(start_capability(start, 0));
    if (notification_create(&never) != STATUS_OK) return 1;
    (void)io_write(console, USER_UART_BUFFER, USER_UART_BUFFER_ON);
    answer(&(struct user_call){}, start);
    for (;;) {
        struct user_call given = {}, call;
        uint32_t endpoint = 0;
        read_line();
        if (!parse(&given, &endpoint)) continue;
        call = given;
        enum status status = STATUS_OK;
        if (endpoint != 0) status = relay(endpoint, &call);
        else make_call(&call);
        if (status == STATUS_OK) answer(&given, &call);
        else print("? > %s\n", status_name(status));
    }
}
