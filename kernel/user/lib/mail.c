/* mail.c: messages without waiting, by the mailbox's instructions where there are any; see user.h. */
#include "user.h"

enum : uint64_t { MAIL_ASK, MAIL_BY_CALL, MAIL_BY_INSTRUCTION };

/* Asked once, for the thread that comes first: the kernel binds that one. To others of the process the instructions answer
   UNBOUND, so their mail goes by calls, unless they call mail_bind() themselves. */
static bool by_instruction(void)
{
    static uint64_t way = MAIL_ASK;
    if (way == MAIL_ASK)
        way = USER_HAS_MAIL_INSTRUCTIONS && mail_bind() == STATUS_OK ? MAIL_BY_INSTRUCTION : MAIL_BY_CALL;
    return way == MAIL_BY_INSTRUCTION;
}

/* What the instructions' status is as a status; UNSUPPORTED: this is the kernel's to do. */
static enum status outcome(enum mail_status status)
{
    switch (status) {
    case MAIL_STATUS_OK: return STATUS_OK;
    case MAIL_STATUS_BAD_HANDLE: return STATUS_BAD_HANDLE;
    case MAIL_STATUS_EMPTY: return STATUS_EMPTY;
    case MAIL_STATUS_STALE: return STATUS_STALE;
    case MAIL_STATUS_WRONG_TYPE: return STATUS_WRONG_TYPE;
    case MAIL_STATUS_MISSING_RIGHTS: return STATUS_MISSING_RIGHTS;
    case MAIL_STATUS_FULL: case MAIL_STATUS_RATE_LIMITED: case MAIL_STATUS_NO_MESSAGE: return STATUS_WOULD_BLOCK;
    default: return STATUS_UNSUPPORTED;
    }
}

enum status mail_send(uint32_t endpoint, struct message const *message)
{
    if (message->count == 0 && by_instruction()) {
        enum mail_status status;
        do {
            user_mail_stage(message->word);
            status = (enum mail_status)mail_answer_get_status(user_mail_send(endpoint));
        } while (status == MAIL_STATUS_RETRY);
        enum status result = outcome(status);
        if (result != STATUS_UNSUPPORTED) return result;
    }
    return mail_send_call(endpoint, message);
}

enum status mail_receive(uint32_t endpoint, struct message *message)
{
    if (by_instruction()) {
        enum mail_status status;
        uint64_t word[MESSAGE_WORDS], answer = 0;
        do {
            status = (enum mail_status)mail_answer_get_status(user_mail_receive(endpoint));
            if (status != MAIL_STATUS_OK) continue;
            user_mail_read(word);
            answer = user_mail_pop();
            status = (enum mail_status)mail_answer_get_status(answer);
        } while (status == MAIL_STATUS_RETRY || status == MAIL_STATUS_LOST);
        if (status == MAIL_STATUS_OK) {
            for (size_t i = 0; i < MESSAGE_WORDS; i++) message->word[i] = word[i];
            for (size_t i = 0; i < MESSAGE_CAPABILITIES; i++) message->capability[i] = 0;
            message->count = message->move = 0;
            message->badge = (uint32_t)mail_answer_get_badge(answer);
            return STATUS_OK;
        }
        enum status result = outcome(status);
        if (result != STATUS_UNSUPPORTED) return result;
    }
    return mail_receive_call(endpoint, message);
}
