"""What the hardware and the kernel agree on: tokens, slots and tables, verdicts, instruction encodings, custom CSRs.

Layouts list their fields from bit 0 upwards.
"""

from dataclasses import dataclass

from amaranth.lib import data, enum

__all__ = [
    "CapType", "Rights", "Verdict", "MailStatus", "Token", "Slot", "Handle", "Query", "Answer", "RevokeState",
    "RevokeAnswer", "MailAnswer", "SpaceEntry", "DirectoryEntry", "ObjectEntry", "Instruction", "INSTRUCTIONS",
    "CUSTOM_0", "unit_functions", "Csr", "MESSAGE_WORDS", "MESSAGE_CAPABILITIES", "SLOT_BYTES", "SLOTS_PER_PAGE",
    "DIRECTORY_ENTRIES", "SPACE_ENTRY_BYTES", "DIRECTORY_ENTRY_BYTES", "OBJECT_ENTRY_BYTES", "PAGE_BYTES",
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
    #: Send a message or call through an endpoint; the sending end of a channel.
    SEND = 1 << 3
    #: Receive from an endpoint; the receiving end of a channel.
    RECEIVE = 1 << 4
    #: The capability may travel in a message.
    GRANT = 1 << 5
    #: Narrower capabilities may be derived from it.
    DERIVE = 1 << 6
    #: Its descendants may be revoked.
    REVOKE = 1 << 7
    #: Control of the object itself (end it, shut the machine down).
    MANAGE = 1 << 8
    #: Set bits of a notification.
    SIGNAL = 1 << 9
    #: Wait for a notification, or for an end.
    WAIT = 1 << 10


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
    #: Memory gave no answer in time; as after BUS_ERROR. Or the unit of another hart has not forgotten in time.
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
    #: The kernel's count of slots that name the object; hardware does not look at it.
    references: 31
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
    Instruction("cap.inv.slot", 1, 3, False, "forget the slot of Handle rs1 (tag ignored) in space rs2; rd = 0, or "
                "with several harts UNDECIDED if a unit gave no answer in time"),
    Instruction("cap.inv.space", 1, 4, False, "forget all of space rs2; rd as cap.inv.slot"),
    Instruction("cap.inv.object", 1, 5, False, "forget every slot that names object rs1; rd as cap.inv.slot"),
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
