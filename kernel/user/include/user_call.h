/*
 * user_call.h: the system call as a user program sees it; what kernel/user/lib/arch/NAME.S implements.
 *
 * The 13 call words travel in the registers that CALL_REGISTERS of hw/abi names, both ways; all other registers keep
 * their values (x86_64: rcx and r11 are destroyed).
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <veridian/abi.h>

enum : size_t { CALL_INFO = MESSAGE_WORDS, CALL_HANDLE, CALL_CAPS, CALL_CAPS_HIGH, CALL_TIMEOUT, CALL_WORDS };

struct user_call {
    uint64_t word[CALL_WORDS];
    uint64_t before;             /* user_call_stamped: counter just before the trap instruction */
    uint64_t after;              /* ... and just after it */
};

/* Loads the 13 registers from `call`, traps, and stores them back. */
void user_call(struct user_call *call);

/* The same, and reads the counter of user_counter() as the last thing before the trap and the first after it. */
void user_call_stamped(struct user_call *call);

/*
 * Each kernel/user/lib/arch/NAME.h (the build names it) defines
 *   static inline uint64_t user_counter(void);             cycle or instruction counter, as the kernel's arch_cycles()
 *   constexpr bool USER_HAS_CHECK_INSTRUCTION;             is there a user-mode capability check on this architecture?
 *   static inline uint64_t user_check_instruction(uint64_t query);   Answer(badge); traps where no unit is enabled
 *   constexpr bool USER_HAS_MAIL_INSTRUCTIONS;             does the architecture have mail.*? The others trap without
 *   static inline void user_mail_stage(uint64_t const words[MESSAGE_WORDS]);   mail.put0 to mail.put3
 *   static inline uint64_t user_mail_send(uint32_t handle);      MailAnswer; what was staged goes to the endpoint
 *   static inline uint64_t user_mail_receive(uint32_t handle);   MailAnswer; opens the endpoint's first message
 *   static inline void user_mail_read(uint64_t words[MESSAGE_WORDS]);          mail.get0 to mail.get7
 *   static inline uint64_t user_mail_pop(void);            MailAnswer; removes the open message
 *   static inline void user_illegal_instruction(void);     executes one that is illegal everywhere
 *   static inline void user_privileged_instruction(void);  executes one that is allowed in kernel mode only
 *   static inline void user_kernel_instruction(void);      executes a custom instruction for the kernel only, or an illegal one
 *   static inline void user_float_instruction(void);       executes one floating-point instruction
 *   constexpr unsigned USER_UART_MASK, ..._TRANSMIT, ..._STATUS;   registers of the console for a driver, and a bit
 *   constexpr unsigned USER_UART_FLAGS, ..._FLAG, ..._RECEIVED, ..._DATA;   a character has come if FLAGS & FLAG is RECEIVED
 *   constexpr unsigned USER_UART_BUFFER, ..._BUFFER_ON;    what to write where, so that the console buffers input
 *   constexpr uintptr_t USER_ENTRY_STACK;                  how far below a 16-byte boundary a function finds the stack
 *   constexpr uintptr_t USER_KERNEL_ADDRESS;               mapped for the kernel only
 * and each NAME.S defines user_call, user_call_stamped and
 *   _start      In: call words in their registers, stack pointer at the stack's top. Stores the 13 call words in a
 *               struct user_call on the stack (16-byte aligned as the ABI wants) and calls
 *               [[noreturn]] void user_start(struct user_call *start);
 */
#include USER_ARCHITECTURE
