/* hostile.h: what `suite` asks its children for. Word 0 of the start message is an `enum deed`. */
#pragma once
#include <stdint.h>

enum deed : uint64_t {
    DEED_EXIT,                   /* ends with word 1 */
    DEED_READ,                   /* reads the 8 bytes at word 1, then ends with 0 */
    DEED_WRITE,                  /* writes there */
    DEED_EXECUTE,                /* jumps there */
    DEED_WRITE_TEXT,             /* writes into its own code */
    DEED_EXECUTE_DATA,           /* jumps to its own data */
    DEED_EXECUTE_STACK,
    DEED_ILLEGAL,
    DEED_PRIVILEGED,
    DEED_CHECK_INSTRUCTION,      /* user-mode check on the query in word 1; ends with its verdict */
    DEED_KERNEL_INSTRUCTION,     /* a custom instruction that user mode may not execute */
    DEED_MAIL_INSTRUCTION,       /* mail.send to capability 1 without asking first; ends with its status */
    DEED_FLOAT,                  /* a floating-point instruction: no context holds its registers */
    DEED_OVERFLOW,               /* runs out of its stack */
    DEED_SPIN,                   /* counts in shared memory (capability 1) at word 1 for ever */
    DEED_COMPUTE,                /* ends with 0 if a long computation in registers was right */
    DEED_SHUTDOWN,               /* tries to end the machine with whatever handles it can think of */
    DEED_AGENT,                  /* obeys commands on capability 1 (RECEIVE) */
    DEED_REPLY,                  /* ends with the status of a reply to nobody */
    DEED_THREADS,                /* starts as many threads as word 1 says, or as it may, and ends with how many; 7: too few,
                                    refused with NO_THREADS */
    DEED_THREAD_LIMIT,           /* starts three threads and waits for ever */
    DEED_THREAD_FAULT,           /* starts a thread that reads at word 1, and waits for ever */
    DEED_REVOKE,                 /* derives as many from its capability 1 as word 1 says, and revokes them; ends with the status */
    DEED_CHANGE_MESSAGE,         /* sends a message with a capability of its own through capability 1, by IPC_SEND of a second thread, and
                                    while that waits changes all that it was made of; word 1 is 1: the capability as well, which it
                                    deletes, and fills its slot anew. Then it mails that it has done so, changes the mail too, and
                                    ends with what the second thread was told */
    DEED_RING,                   /* receives from the ring in memory (capability 2) and channel (capability 1) until the sender is gone;
                                    ends with how many messages came, or with 1 if one was wrong */
    DEED_RESUME,                 /* resumes process (capability 1) after word 1 nanoseconds; ends with the status */
};

/* Commands of an agent, in word 0 of a message. It keeps the capabilities that arrive. Its answer: word 0 status. */
enum command : uint64_t {
    COMMAND_KEEP,                /* answer: word 1 how many came */
    COMMAND_CHECK,               /* checks kept capability word 1 for type word 2 and rights word 3 */
    COMMAND_GIVE,                /* answers with kept capability word 1, moved if word 2 is 1 */
    COMMAND_DERIVE,              /* derives rights word 2 from kept capability word 1 and keeps it */
    COMMAND_MAP,                 /* maps kept capability word 1 at word 2 with rights word 3 */
    COMMAND_READ,                /* reads 8 bytes at word 1; answer: word 1 */
    COMMAND_WRITE,               /* writes word 2 there */
    COMMAND_SLEEP,               /* answers after word 1 nanoseconds; ends with the status of the reply */
    COMMAND_CRASH,               /* ends by a fault, without an answer */
    COMMAND_LEAVE,               /* ends without an answer, in good order */
    COMMAND_FORGET,              /* drops the caller by receiving again */
    COMMAND_CALL,                /* calls through kept capability word 1 and ends with the status; no answer */
    COMMAND_SIGNAL,              /* signals kept notification word 1 with the bits in word 2 */
    COMMAND_LISTEN,              /* waits for kept notification word 1 and ends with the status; no answer */
    COMMAND_SET_TIMER,           /* has kept timer word 1 signal kept notification word 2 at the time in word 3 */
    COMMAND_CREATE,              /* makes objects of type word 1 until that fails, at most word 2; keeps none if word 3 is
                                    0; answer: the status that came instead, word 1 how many */
    COMMAND_SPAWN,               /* makes an agent with kept CAP_SPACE word 1 and quotas word 2, which obeys on kept endpoint word 3,
                                    and keeps its process */
    COMMAND_LIMIT,               /* sets the quota of kept process word 1, of resource word 2, to word 3 */
    COMMAND_CHECK_HANDLE,        /* checks handle word 1 for type word 2 and rights word 3 */
    COMMAND_REGISTER,            /* registers kept endpoint word 2 with kept registry word 1 as "agent" */
    COMMAND_WORDS,               /* answers with its call words 9 to 11 as they arrived, in words 1 to 3 */
    COMMAND_MAIL_SEND,           /* mails word 2 in all words through kept capability word 1 */
    COMMAND_MAIL_RECEIVE,        /* takes a mail by kept capability word 1; answer: its words 0 and 7, its badge */
    COMMAND_MAIL_PIECES,         /* sends, receives, reads and pops by instructions without asking first; answer: the three
                                    statuses in words 0, 1 and 3, all words read, ORed, in word 2 */
    COMMAND_ADDRESS_SPACE,       /* makes a capability to the address space of kept process word 1 and keeps it */
    COMMAND_MAP_IN,              /* maps kept memory word 1 at word 2 with rights word 3 in kept address space word 4 */
    COMMAND_TEXT,                /* has the kernel read word 2 bytes at word 1, for the console; answer: the status */
    COMMAND_FUNCTION,            /* calls the function at word 1 with word 2; answer: word 1 what it returned */
};
