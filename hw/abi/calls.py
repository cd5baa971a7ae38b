"""System calls: their numbers, words, registers and results. What each takes and needs: :mod:`hw.abi.call_table`."""

from amaranth.lib import data, enum

from .hardware import MESSAGE_WORDS

__all__ = [
    "Call", "Status", "Resource", "KernelControl", "ExitReason", "InfoIn", "InfoOut", "Quotas", "CALL_REGISTERS",
    "CALL_WORDS", "INFO_WORD", "HANDLE_WORD", "CAPABILITY_WORDS", "TIMEOUT_WORD", "TIMEOUT_FOREVER",
]

TIMEOUT_FOREVER = (1 << 64) - 1

#: Places among the 13 words of a call; the message comes first.
INFO_WORD = MESSAGE_WORDS
HANDLE_WORD = MESSAGE_WORDS + 1
CAPABILITY_WORDS = (MESSAGE_WORDS + 2, MESSAGE_WORDS + 3)
TIMEOUT_WORD = MESSAGE_WORDS + 4
CALL_WORDS = MESSAGE_WORDS + 5

#: Registers of the 13 call words: 8 message, info, handle, 2 words of two capability handles each, timeout.
CALL_REGISTERS = {
    "riscv64": ("a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "t0", "t1", "t2", "t3", "t4"),
    "aarch64": ("x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12"),
    "x86_64": ("rdi", "rsi", "rdx", "r8", "r9", "r10", "r12", "r13", "rax", "rbx", "r14", "r15", "rbp"),
}


class InfoIn(data.Struct):
    """Info word of a request."""

    number: 16
    #: Capabilities that travel with the message, 0 to MESSAGE_CAPABILITIES.
    cap_count: 4
    #: Bit i set: capability i is moved, clear: copied.
    cap_move: 4
    reserved: 40


class InfoOut(data.Struct):
    """Info word of a result."""

    status: 16
    #: Capabilities that arrived.
    cap_count: 4
    reserved: 44


class Quotas(data.Struct):
    """What a new process gets of its maker's quotas (Call.PROCESS_CREATE), in the order of :class:`Resource`.

    0: as much as is usual (512 frames, 2,048 slots, 512 objects, 32 threads), at most half of what the maker has left.
    """

    frames: 16
    slots: 16
    objects: 16
    threads: 16


class Status(enum.Enum, shape=16):
    """Result of a system call. 1 to 6 are the verdicts of the capability check that refused it."""

    OK = 0
    BAD_HANDLE = 1
    EMPTY = 2
    STALE = 3
    WRONG_TYPE = 4
    MISSING_RIGHTS = 5
    UNDECIDED = 6
    #: No such system call, or reserved bits set.
    BAD_CALL = 16
    #: An argument outside its range.
    BAD_ARGUMENT = 17
    #: A user pointer that the caller may not access that way.
    BAD_POINTER = 18
    #: No frame of memory left.
    NO_MEMORY = 19
    #: No slot left in a capability space, or no space left.
    NO_SLOTS = 20
    #: No object record left.
    NO_OBJECTS = 21
    #: A poll found nothing to do, or a queue is full.
    WOULD_BLOCK = 22
    TIMED_OUT = 23
    #: The object or the partner died during the operation.
    DEAD = 24
    #: No program of that name.
    NOT_FOUND = 25
    #: The program image is not one that this machine runs.
    BAD_IMAGE = 26
    #: The address range overlaps an existing mapping.
    OVERLAP = 27
    #: A reply without a caller that waits for it.
    NO_CALLER = 28
    #: Not on this machine.
    UNSUPPORTED = 29
    #: Something of that name is there already.
    EXISTS = 30
    #: The process may not have more threads.
    NO_THREADS = 31
    #: So much of the processor's time is not left to reserve.
    NO_TIME = 32


class Call(enum.Enum, shape=16):
    """System call numbers."""

    NULL = 0
    YIELD = 1
    EXIT = 2
    CLOCK = 3
    CONSOLE_WRITE = 4
    IPC_CALL = 5
    IPC_SEND = 6
    IPC_RECEIVE = 7
    IPC_REPLY = 8
    IPC_REPLY_RECEIVE = 9
    CAP_CHECK = 10
    CAP_CREATE = 11
    CAP_DERIVE = 12
    CAP_REVOKE = 13
    CAP_DELETE = 14
    MEM_MAP = 15
    MEM_UNMAP = 16
    PROCESS_CREATE = 17
    PROCESS_WAIT = 18
    KERNEL_CONTROL = 19
    #: Post a 64-byte message to an endpoint's queue without waiting (mailbox on the SoC).
    MAIL_SEND = 20
    #: Take a message from an endpoint's queue.
    MAIL_RECEIVE = 21
    #: Let this thread use the mailbox's instructions from now on, while they serve it.
    MAIL_BIND = 22
    CAP_INSPECT = 23
    CAP_DESTROY = 24
    NOTIFICATION_SIGNAL = 25
    NOTIFICATION_WAIT = 26
    NOTIFICATION_POLL = 27
    TIMER_SET = 28
    TIMER_CANCEL = 29
    TIMER_INFO = 30
    PROCESS_KILL = 31
    PROCESS_SUSPEND = 32
    PROCESS_RESUME = 33
    MEM_PROTECT = 34
    MEM_INFO = 35
    PROCESS_INFO = 36
    PROCESS_LIMIT = 37
    STATISTICS = 38
    CAP_COPY = 39
    CAP_MOVE = 40
    PROCESS_SPACE = 41
    SPACE_INFO = 42
    SPACE_SEAL = 43
    REGISTRY_REGISTER = 44
    REGISTRY_LOOKUP = 45
    REGISTRY_UNREGISTER = 46
    THREAD_CREATE = 47
    THREAD_EXIT = 48
    THREAD_WAIT = 49
    THREAD_SUSPEND = 50
    THREAD_RESUME = 51
    THREAD_KILL = 52
    THREAD_INFO = 53
    IO_INFO = 54
    IO_READ = 55
    IO_WRITE = 56
    INTERRUPT_CREATE = 57
    INTERRUPT_BIND = 58
    INTERRUPT_UNBIND = 59
    INTERRUPT_ACKNOWLEDGE = 60
    PROCESS_QUOTAS = 61
    CHANNEL_SEND = 62
    CHANNEL_RECEIVE = 63
    CHANNEL_COMPLETE = 64
    CHANNEL_AWAIT = 65
    BUFFER_WATCH = 66
    PROCESS_ADDRESS_SPACE = 67
    ADDRESS_SPACE_INFO = 68
    ADDRESS_SPACE_UNMAP = 69
    RESERVATION_SET = 70
    RESERVATION_BIND = 71
    RESERVATION_UNBIND = 72
    RESERVATION_INFO = 73


class Resource(enum.Enum, shape=16):
    """What a process has a quota of, out of its maker's (Call.PROCESS_CREATE, Call.PROCESS_LIMIT)."""

    #: Of memory: page tables, program, stack and memory objects.
    FRAMES = 0
    #: In its capability space.
    SLOTS = 1
    #: That it has made and that exist; processes as long as they live or a capability names them.
    OBJECTS = 2
    #: Besides the first.
    THREADS = 3


class KernelControl(enum.Enum, shape=16):
    """Operations of Call.KERNEL_CONTROL (word 0)."""

    #: End the machine; word 1 is the exit code (0 to 255).
    SHUTDOWN = 0
    #: Choose the capability check path: word 1 is 0 for software, 1 for the capability unit.
    SET_ACCELERATOR = 1
    #: Word 1 out: 1 if the machine has a capability unit and the boot argument allows it; word 2 out: now used.
    GET_ACCELERATOR = 2
    #: Time the kernel's own check function on Query word 1, word 3 times, writing the cycles of each
    #: as 64-bit words to the user buffer at word 2.
    MEASURE_CHECK = 3


class ExitReason(enum.Enum, shape=16):
    """How a process ended (word 0 of Call.PROCESS_WAIT)."""

    #: It called exit; word 1 is its code.
    EXITED = 0
    #: It touched memory it may not; word 1 is the address.
    MEMORY_FAULT = 1
    ILLEGAL_INSTRUCTION = 2
    MISALIGNED = 3
    #: Any other exception; word 1 is the architecture's cause.
    EXCEPTION = 4
    KILLED = 5
