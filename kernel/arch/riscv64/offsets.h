/* offsets.h (riscv64): where the assembly finds the fields of portable structures; offsets.c holds each number against
   the structure itself. Usable from assembly and C. */
#pragma once
#include <veridian/abi_assembly.h>

#define THREAD_PROCESS      256
#define THREAD_CAP_SPACE    264
#define THREAD_STATE        268
#define THREAD_USES_MAIL    270
#define THREAD_CAP_RECORD   280
#define THREAD_PARTNER      288
#define THREAD_CALLER       296
#define THREAD_QUEUE        304
#define THREAD_NEXT         312
#define THREAD_PREVIOUS     320
#define THREAD_DEADLINE     328

#define STATE_RUNNABLE      0
#define STATE_RECEIVING     2
#define STATE_REPLY         3

#define ENDPOINT_SENDERS    32
#define ENDPOINT_RECEIVING  48

#define QUEUE_FIRST         0
#define QUEUE_LAST          8

#define PROCESS_ROOT        424
#define PROCESS_ASID        432

#define MAIL_ENABLED_SHIFT  32              /* in a binding of the mailbox's context */

#define OBJECT_SHIFT        4
#define OBJECT_PAYLOAD      (ABI_OBJECT_ENTRY_PAYLOAD / 8)

#define CAP_STATE_SLOTS             0
#define CAP_STATE_OBJECTS           8
#define CAP_STATE_REVOKING_OBJECT   16
#define CAP_STATE_FREE_OBJECTS      20
#define CAP_STATE_READY_OBJECT      28
#define CAP_STATE_FRESH_OBJECT      24
#define CAP_STATE_FREE_OBJECT       40
#define CAP_STATE_OBJECT_COUNT      48

#define SPACE_FIRST_SLOT    4
#define SPACE_ROOM          8
#define SPACE_FREE_FIRST    12
#define PAGE_SLOTS_SHIFT    7

#define SLOT_SHIFT          5
#define SLOT_CAP_TYPE       (ABI_SLOT_CAP_TYPE / 8)
#define SLOT_RIGHTS         (ABI_SLOT_RIGHTS / 8)
#define SLOT_GENERATION     (ABI_SLOT_GENERATION / 8)
#define SLOT_HANDLE         SLOT_GENERATION     /* of a free one */
#define SLOT_TAG            (ABI_SLOT_TAG / 8)
#define SLOT_BADGE          (ABI_SLOT_BADGE / 8)
#define SLOT_PARENT         (ABI_SLOT_PARENT / 8)       /* and the valid bit, as its sign */
#define SLOT_FIRST_CHILD    (ABI_SLOT_FIRST_CHILD / 8)  /* and the mark */
#define SLOT_LINKS          (ABI_SLOT_PREVIOUS / 8)     /* previous and next */
#define SLOT_PREVIOUS       SLOT_LINKS
#define SLOT_NEXT           (ABI_SLOT_NEXT / 8)

#define OBJECT_GENERATION   (ABI_OBJECT_ENTRY_GENERATION / 8)
#define OBJECT_CAP_TYPE     (ABI_OBJECT_ENTRY_CAP_TYPE / 8)
#define OBJECT_LIVE         (ABI_OBJECT_ENTRY_LIVE / 8) /* bit 0; the references are the bits above */

#define ENDPOINT_OBJECT     0
#define ENDPOINT_RECEIVERS  4
#define ENDPOINT_PAYER      8
#define ENDPOINT_NUMBER     16

#define POOL_FREE           8

#define PROCESS_NUMBER      456
#define PROCESS_OBJECTS     512             /* quota of objects: in use, then the limit */
