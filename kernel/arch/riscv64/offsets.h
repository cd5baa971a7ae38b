/* offsets.h (riscv64): where the assembly finds the fields of portable structures; offsets.c holds each number against
   the structure itself. Usable from assembly and C. */
#pragma once

#define THREAD_PROCESS      256
#define THREAD_CAP_SPACE    264
#define THREAD_STATE        268
#define THREAD_USES_MAIL    270
#define THREAD_PARTNER      280
#define THREAD_CALLER       288
#define THREAD_QUEUE        296
#define THREAD_NEXT         304
#define THREAD_PREVIOUS     312
#define THREAD_DEADLINE     320

#define STATE_RUNNABLE      0
#define STATE_RECEIVING     2
#define STATE_REPLY         3

#define ENDPOINT_SENDERS    8
#define ENDPOINT_RECEIVING  24

#define QUEUE_FIRST         0
#define QUEUE_LAST          8

#define PROCESS_ROOT        416
#define PROCESS_ASID        424

#define MAIL_ENABLED_SHIFT  32              /* in a binding of the mailbox's context */

#define OBJECT_SHIFT        4
#define OBJECT_PAYLOAD      8
