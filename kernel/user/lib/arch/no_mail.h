/* no_mail.h: see user_call.h; for architectures without the mailbox's instructions. Whoever executes one is ended. */
#pragma once

constexpr bool USER_HAS_MAIL_INSTRUCTIONS = false;

static inline void user_illegal_instruction(void);

static inline void user_mail_stage(uint64_t const words[MESSAGE_WORDS])
{
    (void)words;
    user_illegal_instruction();
}

static inline uint64_t user_mail_send(uint32_t handle)
{
    user_illegal_instruction();
    return handle;
}

static inline uint64_t user_mail_receive(uint32_t handle)
{
    user_illegal_instruction();
    return handle;
}

static inline void user_mail_read(uint64_t words[MESSAGE_WORDS])
{
    (void)words;
    user_illegal_instruction();
}

static inline uint64_t user_mail_pop(void)
{
    user_illegal_instruction();
    return 0;
}
