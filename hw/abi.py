"""The binary interface between hardware, kernel and user programs, as data.

Everything that more than one of them must agree on stands here once: the capability token and slot, rights,
object types, verdicts, the message, instruction encodings, custom CSRs and system calls. The RTL uses these
definitions directly; :mod:`soc.generate` writes the C headers and the documentation tables from them.

Layouts list their fields from bit 0 upwards.
"""

from dataclasses import dataclass

from amaranth.lib import data, enum

__all__ = [
    "CapType", "Rights", "Verdict", "MailStatus", "Status", "Call", "CALLS", "CallRule", "KernelControl",
    "ExitReason", "Token", "Slot", "Handle", "Query", "Answer", "RevokeState", "RevokeAnswer", "MailAnswer",
    "SpaceEntry", "DirectoryEntry", "ObjectEntry", "InfoIn", "InfoOut", "Instruction", "INSTRUCTIONS", "CUSTOM_0",
    "unit_functions", "Csr", "CALL_REGISTERS", "MESSAGE_WORDS", "MESSAGE_CAPABILITIES", "SLOT_BYTES", "SLOTS_PER_PAGE",
    "DIRECTORY_ENTRIES", "SPACE_ENTRY_BYTES", "DIRECTORY_ENTRY_BYTES", "OBJECT_ENTRY_BYTES", "PAGE_BYTES",
    "TIMEOUT_FOREVER",
]

PAGE_BYTES = 4096
MESSAGE_WORDS = 8
MESSAGE_CAPABILITIES = 4

# ---------------------------------------------------------------------------------------------- capabilities


class CapType(enum.Enum, shape=16):
    """Kind of object that a capability names. Zero is never a valid type."""

    NONE = 0
    PROCESS = 1
    THREAD = 2
    MEMORY = 3
    ADDRESS_SPACE = 4
    ENDPOINT = 5
    NOTIFICATION = 6
    CHANNEL = 7
    SHARED_BUFFER = 8
    INTERRUPT = 9
    IO_RANGE = 10
    TIMER = 11
    RESERVATION = 12
    CAP_SPACE = 13
    REGISTRY_NAME = 14
    #: Kernel-wide control: shutdown, choice of the check path, measurements. Held by the first process.
    KERNEL = 15


class Rights(enum.Flag, shape=16):
    """Rights of a capability. A derived capability never has a bit that its parent lacks."""

    READ = 1 << 0
    WRITE = 1 << 1
    EXECUTE = 1 << 2
    #: Send a message or call through an endpoint.
    SEND = 1 << 3
    #: Receive from an endpoint.
    RECEIVE = 1 << 4
    #: The capability may travel in a message.
    GRANT = 1 << 5
    #: Narrower capabilities may be derived from it.
    DERIVE = 1 << 6
    #: Its descendants may be revoked.
    REVOKE = 1 << 7
    #: Control of the object itself (wait for a process, shut the machine down).
    MANAGE = 1 << 8


class Verdict(enum.Enum, shape=8):
    """Outcome of a capability check. The first that applies, in this order (OK only when none does)."""

    OK = 0
    #: The handle's index lies outside the space, or its tag is not the slot's tag.
    BAD_HANDLE = 1
    #: The slot holds no capability.
    EMPTY = 2
    #: The object died: the token's generation is not the object's.
    STALE = 3
    WRONG_TYPE = 4
    MISSING_RIGHTS = 5
    #: Hardware only: the unit could not decide (bus error, disabled). A refusal; the kernel may decide itself.
    UNDECIDED = 6


class MailStatus(enum.Enum, shape=8):
    """What the mailbox says of a command, in a thread page or in rd. 1 to 6 are the verdicts that refused it."""

    OK = 0
    BAD_HANDLE = 1
    EMPTY = 2
    STALE = 3
    WRONG_TYPE = 4
    MISSING_RIGHTS = 5
    #: The capability unit gave no answer in time, or none that the mailbox knows.
    UNDECIDED = 6
    #: No command since the page was bound.
    IDLE = 16
    #: The command is not finished; read again.
    BUSY = 17
    #: Send: the queue is full, nothing was stored.
    FULL = 18
    #: The endpoint has no hardware queue: the kernel's software path serves it.
    UNBOUND = 19
    #: Send: the rate limit of the sender's space does not allow a message yet, nothing was stored.
    RATE_LIMITED = 20
    #: Receive: the queue is empty.
    NO_MESSAGE = 21
    #: Receive: the next message carries capabilities, so the kernel has to receive it.
    NEEDS_KERNEL = 22
    #: Pop: no message is open, or no longer: it was removed by another, or the right to it may have ended. Nothing was
    #: removed.
    LOST = 23
    #: Instructions: what was staged, or the command itself, was discarded (the kernel switched threads, or a
    #: capability died meanwhile); nothing was sent or opened. Begin again.
    RETRY = 24


class RevokeState(enum.Enum, shape=8):
    """What the revocation engine of the capability unit says of its last run."""

    #: None since reset.
    IDLE = 0
    RUNNING = 1
    #: No descendant is left, and none is remembered anywhere.
    DONE = 2
    #: By a stop, or at the limit. The tree is whole; another run kills the rest.
    STOPPED = 3
    #: The slot whose descendants were to be killed is not in the table, or holds no capability.
    BAD_ROOT = 4
    #: Links contradict each other, or lead back to the slot they came from. Descendants may be left.
    BAD_TREE = 5
    #: A link leads out of the table. Descendants may be left.
    OUTSIDE = 6
    #: Memory refused an access. Descendants may be left, and the tree need not be whole.
    BUS_ERROR = 7
    #: Memory gave no answer in time. As after BUS_ERROR.
    TIMEOUT = 8
    #: The unit was off, or its tables moved. As after BUS_ERROR.
    DISABLED = 9


class Handle(data.Struct):
    """How a process names a capability: an index into its own space and the slot's tag."""

    index: 16
    tag: 16


class Token(data.Struct):
    """The 80-bit capability token. Processes never see it."""

    cap_type: 16
    object_id: 32
    rights: 16
    generation: 16


class Slot(data.Struct):
    """A capability slot as it lies in memory, 32 bytes. Links are global slot numbers; 0 means none."""

    cap_type: 16
    object_id: 32
    rights: 16
    # word 1
    generation: 16
    tag: 16
    badge: 32
    # word 2. The revocation engine sets the mark of a valid slot whose descendants it is killing: nothing may be
    # derived or copied from such a slot, and it may not be moved. An empty slot with the mark is one that the engine
    # has emptied and the kernel has not taken back; its parent link is the next such slot.
    parent: 31
    valid: 1
    first_child: 31
    mark: 1
    # word 3
    previous: 31
    flag0: 1
    next: 31
    flag1: 1


class SpaceEntry(data.Struct):
    """Entry of the space table: where the directory of a capability space lies."""

    valid: 1
    #: Number of directory entries in use, at most DIRECTORY_ENTRIES.
    pages: 10
    reserved: 1
    #: Physical page number of the directory.
    directory: 52


class DirectoryEntry(data.Struct):
    """Entry of a space's directory: one page of slots."""

    #: Number of the page of slots: slot number = page * SLOTS_PER_PAGE + index % SLOTS_PER_PAGE.
    page: 24
    reserved: 39
    valid: 1


class ObjectEntry(data.Struct):
    """Entry of the object table, 16 bytes. Hardware reads the first word only."""

    generation: 16
    cap_type: 16
    #: Clear when the object does not exist or its id is retired.
    live: 1
    reserved: 31
    #: The kernel's own record of the object.
    payload: 64


class Query(data.Struct):
    """What a check asks: one register."""

    handle: 32
    cap_type: 16
    rights: 16


class Answer(data.Struct):
    """What a check returns: one register. `value` is the badge, or the object id for `cap.object`;
    it is zero unless the verdict is OK."""

    verdict: 8
    reserved: 24
    value: 32


class RevokeAnswer(data.Struct):
    """What `cap.revoke` returns: one register."""

    #: A RevokeState.
    state: 8
    #: This instruction began a run.
    accepted: 1
    reserved: 23
    #: Slots that this or the last run has emptied.
    revoked: 32


class MailAnswer(data.Struct):
    """What `mail.send`, `mail.receive` and `mail.pop` return: one register. `badge` is that of the message that was
    removed, and zero otherwise."""

    status: 8
    reserved: 24
    badge: 32


SLOT_BYTES = Slot.as_shape().size // 8
SLOTS_PER_PAGE = PAGE_BYTES // SLOT_BYTES
SPACE_ENTRY_BYTES = SpaceEntry.as_shape().size // 8
DIRECTORY_ENTRY_BYTES = DirectoryEntry.as_shape().size // 8
DIRECTORY_ENTRIES = PAGE_BYTES // DIRECTORY_ENTRY_BYTES
OBJECT_ENTRY_BYTES = ObjectEntry.as_shape().size // 8

# --------------------------------------------------------------------------------- instructions and CSRs

#: Major opcode of every Veridian instruction (RISC-V unprivileged specification, custom-0).
CUSTOM_0 = 0b0001011


@dataclass(frozen=True)
class Instruction:
    """One R-type custom-0 instruction.

    Attributes
    ----------
    name : str
        Assembly mnemonic.
    funct7, funct3 : int
        Encoding. `funct7` selects the unit (0 and 1: capability unit, 2 and 3: mailbox).
    user : bool
        Allowed in user mode when ``Csr.SCUSTOM`` bit 0 is set. The others are illegal there.
    operands : str
        What rs1 and rs2 hold and what rd receives.
    """

    name: str
    funct7: int
    funct3: int
    user: bool
    operands: str


INSTRUCTIONS = (
    Instruction("cap.check", 0, 0, True, "rd = Answer(badge) of Query rs1 in the selected space"),
    Instruction("cap.object", 1, 0, False, "rd = Answer(object id) of Query rs1 in space rs2"),
    Instruction("cap.badge", 1, 1, False, "rd = Answer(badge) of Query rs1 in space rs2"),
    Instruction("cap.install", 1, 2, False, "prefetch the slot of Handle rs1 in space rs2; rd = 0"),
    Instruction("cap.inv.slot", 1, 3, False, "forget the slot of Handle rs1 (tag ignored) in space rs2; rd = 0"),
    Instruction("cap.inv.space", 1, 4, False, "forget all of space rs2; rd = 0"),
    Instruction("cap.inv.object", 1, 5, False, "forget every slot that names object rs1; rd = 0"),
    Instruction("cap.space", 1, 6, False, "select space rs1 for cap.check; rd = previous space"),
    Instruction("cap.revoke", 1, 7, False, "begin to kill the descendants of slot number rs1, at most rs2 (0: all); "
                "rs1 = 0: begin nothing, and if rs2 = 1 stop; rd = RevokeAnswer"),
    *(Instruction(f"mail.put{pair}", 2, pair, True,
                  f"stage rs1 and rs2 as words {2 * pair} and {2 * pair + 1} of a message; rd keeps its value")
      for pair in range(MESSAGE_WORDS // 2)),
    Instruction("mail.send", 2, 4, True, "send the staged message to the endpoint of Handle rs1; rd = MailAnswer"),
    Instruction("mail.receive", 2, 5, True, "open the first message of the endpoint of Handle rs1; rd = MailAnswer"),
    Instruction("mail.pop", 2, 6, True, "remove the open message; rd = MailAnswer"),
    *(Instruction(f"mail.get{word}", 3, word, True, f"rd = word {word} of the open message, 0 without one")
      for word in range(MESSAGE_WORDS)),
)


def unit_functions(unit: str) -> frozenset[int]:
    """The funct7 of a unit's instructions; `unit` is what their names begin with (`cap`, `mail`)."""
    return frozenset(each.funct7 for each in INSTRUCTIONS if each.name.startswith(unit + "."))


class Csr(enum.IntEnum):
    """Custom CSRs, 0x5C0-0x5FF for supervisor and 0x7C0-0x7FF for machine mode (privileged specification, 2.1)."""

    #: Bit 0: custom-0 instructions marked `user` are legal in user mode. Reset 0.
    SCUSTOM = 0x5C0
    #: Thread context that the last trap to S-mode came from (written by hardware, readable and writable).
    SCTXTRAP = 0x5C1
    #: Thread context that sret enters.
    SCTXRET = 0x5C2
    #: Thread context whose registers SCTXDATA reaches: bits 4:0 register, bits 15:8 context.
    SCTXADDR = 0x5C3
    SCTXDATA = 0x5C4
    #: Thread context that the last trap to M-mode came from; mret to user mode enters it.
    MCTXTRAP = 0x7C0


# -------------------------------------------------------------------------------------------- system calls

TIMEOUT_FOREVER = (1 << 64) - 1

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


@dataclass(frozen=True)
class CallRule:
    """What a system call needs: the type and rights of the capability in the handle word (None: no capability)."""

    call: Call
    cap_type: CapType | None
    rights: Rights
    arguments: str
    results: str


_NO_RIGHTS = Rights(0)

CALLS = (
    CallRule(Call.NULL, None, _NO_RIGHTS, "", ""),
    CallRule(Call.YIELD, None, _NO_RIGHTS, "", ""),
    CallRule(Call.EXIT, None, _NO_RIGHTS, "word0 code", "does not return"),
    CallRule(Call.CLOCK, None, _NO_RIGHTS, "", "word0 nanoseconds since boot"),
    CallRule(Call.CONSOLE_WRITE, CapType.IO_RANGE, Rights.WRITE, "word0 address, word1 bytes", "word0 bytes written"),
    CallRule(Call.IPC_CALL, CapType.ENDPOINT, Rights.SEND, "message, capabilities, timeout", "reply message"),
    CallRule(Call.IPC_SEND, CapType.ENDPOINT, Rights.SEND, "message, capabilities, timeout", ""),
    CallRule(Call.IPC_RECEIVE, CapType.ENDPOINT, Rights.RECEIVE, "timeout", "message, badge in the handle word"),
    CallRule(Call.IPC_REPLY, None, _NO_RIGHTS, "message, capabilities", ""),
    CallRule(Call.IPC_REPLY_RECEIVE, CapType.ENDPOINT, Rights.RECEIVE, "reply message, timeout",
             "next message, badge in the handle word"),
    CallRule(Call.CAP_CHECK, None, _NO_RIGHTS, "word0 Query", "word0 Answer(badge); status is the verdict"),
    CallRule(Call.CAP_CREATE, None, _NO_RIGHTS, "word0 type (ENDPOINT or MEMORY), word1 bytes", "handle"),
    CallRule(Call.CAP_DERIVE, None, _NO_RIGHTS, "handle word (any type, needs DERIVE), word0 rights, word1 badge",
             "handle"),
    CallRule(Call.CAP_REVOKE, None, _NO_RIGHTS, "handle word (any type, needs REVOKE)", "word0 number revoked"),
    CallRule(Call.CAP_DELETE, None, _NO_RIGHTS, "handle word (any type)", ""),
    CallRule(Call.MEM_MAP, CapType.MEMORY, _NO_RIGHTS, "word0 address, word1 rights (READ, WRITE, EXECUTE)", ""),
    CallRule(Call.MEM_UNMAP, CapType.MEMORY, _NO_RIGHTS, "word0 address", ""),
    CallRule(Call.PROCESS_CREATE, CapType.CAP_SPACE, Rights.MANAGE,
             "word0 address of the program's name, word1 its length, words 2-7 reach the child as words 0-5, "
             "capabilities are copied or moved to the child", "handle of the process"),
    CallRule(Call.PROCESS_WAIT, CapType.PROCESS, Rights.MANAGE, "timeout", "word0 exit reason, word1 code or address"),
    CallRule(Call.KERNEL_CONTROL, CapType.KERNEL, Rights.MANAGE, "word0 KernelControl, words 1-3 by operation",
             "by operation"),
    CallRule(Call.MAIL_SEND, CapType.ENDPOINT, Rights.SEND, "message", ""),
    CallRule(Call.MAIL_RECEIVE, CapType.ENDPOINT, Rights.RECEIVE, "", "message, badge in the handle word"),
)


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
