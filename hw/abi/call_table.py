"""The table of system calls: what each takes and where, which capability it needs, and which errors it can give.

The kernel's dispatcher works by this table: before a call's handler runs, number, reserved bits, every handle
argument (type and rights) and the width of every other argument have been checked. So a handler cannot forget a check,
and what the table says is what the documentation says.

Order of the checks, each with nothing changed if it fails: number and reserved bits of the info word (BAD_CALL);
capabilities with a call that takes none (BAD_ARGUMENT); handles in the order of the list (verdicts); widths
(BAD_ARGUMENT).
"""

import enum
from dataclasses import dataclass

from .calls import CAPABILITY_WORDS, HANDLE_WORD, INFO_WORD, TIMEOUT_WORD, Call, Status
from .hardware import CapType, Rights

__all__ = ["Argument", "CALLS", "CallRule", "COMMON_ERRORS", "HandleArgument", "Kind", "REFUSALS", "TYPE_RIGHTS"]


class Kind(enum.Enum):
    """Type of an argument: what it is, and its width in bits. Bits above make the call fail with BAD_ARGUMENT."""

    HANDLE = "handle", 32
    ADDRESS = "address", 64
    NUMBER = "number", 64
    NUMBER_32 = "32-bit number", 32
    NUMBER_16 = "16-bit number", 16
    RIGHTS = "rights", 16
    BADGE = "badge", 32
    CAP_TYPE = "type", 16
    QUERY = "query", 64
    QUOTAS = "Quotas", 64
    TIME = "nanoseconds", 64
    MESSAGE = "8 words", 64
    CAPABILITIES = "up to 4 handles", 32

    @property
    def title(self) -> str:
        return self.value[0]

    @property
    def bits(self) -> int:
        return self.value[1]


@dataclass(frozen=True)
class Argument:
    """One argument.

    Attributes
    ----------
    name : str
    kind : Kind
    word : int
        Where it is: 0 to 7 the message, then INFO_WORD, HANDLE_WORD, CAPABILITY_WORDS, TIMEOUT_WORD.
    """

    name: str
    kind: Kind
    word: int


@dataclass(frozen=True)
class HandleArgument(Argument):
    """A handle, and what the capability that it names must be.

    Attributes
    ----------
    cap_type : CapType or None
        None: any.
    rights : Rights
        All of them.
    asked : int or None
        Word whose bits READ, WRITE and EXECUTE are rights that the capability must hold as well; WRITE and EXECUTE
        there ask for READ too.
    stale : bool
        Capabilities to dead objects will do. Only with any type and no rights.
    other_type : CapType or None
        A second type that will do as well, with the same rights.
    own : bool
        0, which no handle is, stands for the caller's own object, which takes no capability.
    """

    cap_type: CapType | None = None
    rights: Rights = Rights(0)
    asked: int | None = None
    stale: bool = False
    other_type: CapType | None = None
    own: bool = False


@dataclass(frozen=True)
class CallRule:
    """A system call.

    Attributes
    ----------
    call : Call
    summary : str
        One sentence.
    arguments : tuple of Argument
        Handles first; the first of them decides what `payload` the handler gets.
    results : str
    errors : tuple of Status
        What the handler can answer on top of what the dispatcher does (`COMMON_ERRORS`, and the verdicts if there is a
        handle).
    """

    call: Call
    summary: str
    arguments: tuple[Argument, ...] = ()
    results: str = ""
    errors: tuple[Status, ...] = ()

    @property
    def handles(self) -> tuple[HandleArgument, ...]:
        return tuple(argument for argument in self.arguments if isinstance(argument, HandleArgument))

    @property
    def transfers(self) -> bool:
        """May capabilities travel with it?"""
        return any(argument.kind is Kind.CAPABILITIES for argument in self.arguments)

    @property
    def narrow(self) -> dict[int, int]:
        """Width in bits of each message word that has less than 64."""
        return {argument.word: argument.kind.bits for argument in self.arguments
                if argument.word < INFO_WORD and argument.kind.bits < 64 and argument.kind is not Kind.HANDLE}

    @property
    def all_errors(self) -> tuple[Status, ...]:
        """Every status but OK that it can have, in the order of their numbers."""
        given = {*COMMON_ERRORS, *self.errors}
        for handle in self.handles:
            given |= REFUSALS - {Status.WRONG_TYPE if handle.cap_type is None else None,
                                 Status.STALE if handle.stale else None,
                                 Status.MISSING_RIGHTS if not handle.rights and handle.asked is None else None}
        return tuple(status for status in Status if status in given)


#: What the dispatcher can say of any call.
COMMON_ERRORS = frozenset({Status.BAD_CALL, Status.BAD_ARGUMENT})
#: What the check of a handle can say.
REFUSALS = frozenset({Status.BAD_HANDLE, Status.EMPTY, Status.STALE, Status.WRONG_TYPE, Status.MISSING_RIGHTS})

_PASS_ON = Rights.GRANT | Rights.DERIVE | Rights.REVOKE

#: The rights that mean something for each type of object. Types that are not listed have no objects yet.
TYPE_RIGHTS = {
    CapType.PROCESS: _PASS_ON | Rights.READ | Rights.WAIT | Rights.MANAGE,
    CapType.THREAD: _PASS_ON | Rights.READ | Rights.WAIT | Rights.MANAGE,
    CapType.MEMORY: _PASS_ON | Rights.READ | Rights.WRITE | Rights.EXECUTE | Rights.MANAGE,
    CapType.SHARED_BUFFER: _PASS_ON | Rights.READ | Rights.WRITE | Rights.EXECUTE | Rights.MANAGE,
    #: WRITE: mappings may be made, changed and undone; EXECUTE: such as may be executed as well.
    CapType.ADDRESS_SPACE: _PASS_ON | Rights.READ | Rights.WRITE | Rights.EXECUTE,
    CapType.ENDPOINT: _PASS_ON | Rights.SEND | Rights.RECEIVE | Rights.MANAGE,
    CapType.CHANNEL: _PASS_ON | Rights.SEND | Rights.RECEIVE | Rights.MANAGE,
    CapType.NOTIFICATION: _PASS_ON | Rights.SIGNAL | Rights.WAIT | Rights.MANAGE,
    CapType.TIMER: _PASS_ON | Rights.READ | Rights.WRITE | Rights.MANAGE,
    #: EXECUTE: a thread may run on it.
    CapType.RESERVATION: _PASS_ON | Rights.READ | Rights.WRITE | Rights.EXECUTE | Rights.MANAGE,
    #: WRITE: text to the console; registers are written with MANAGE as well.
    CapType.IO_RANGE: _PASS_ON | Rights.READ | Rights.WRITE | Rights.MANAGE,
    CapType.INTERRUPT: _PASS_ON | Rights.WRITE | Rights.MANAGE,
    #: EXECUTE: new processes may be made.
    CapType.CAP_SPACE: _PASS_ON | Rights.READ | Rights.WRITE | Rights.EXECUTE | Rights.MANAGE,
    CapType.REGISTRY_NAME: _PASS_ON | Rights.READ | Rights.WRITE | Rights.MANAGE,
    #: EXECUTE: the processor's time may be reserved.
    CapType.KERNEL: _PASS_ON | Rights.READ | Rights.EXECUTE | Rights.MANAGE,
}

_MESSAGE = Argument("message", Kind.MESSAGE, 0)
_CAPABILITIES = Argument("capabilities", Kind.CAPABILITIES, CAPABILITY_WORDS[0])
_TIMEOUT = Argument("timeout", Kind.TIME, TIMEOUT_WORD)
#: What a transfer of capabilities can say.
_TRANSFER = (Status.BAD_HANDLE, Status.EMPTY, Status.STALE, Status.MISSING_RIGHTS, Status.NO_SLOTS)
#: Of the process's own quotas, or of its maker's.
_SHORTAGE = (Status.NO_MEMORY, Status.NO_SLOTS, Status.NO_OBJECTS, Status.NO_THREADS)
_WAIT = (Status.WOULD_BLOCK, Status.TIMED_OUT, Status.DEAD)


def _handle(name: str, cap_type: CapType | None, rights: Rights = Rights(0), *, word: int = HANDLE_WORD,
            asked: int | None = None, stale: bool = False, other_type: CapType | None = None,
            own: bool = False) -> HandleArgument:
    return HandleArgument(name, Kind.HANDLE, word, cap_type, rights, asked, stale, other_type, own)


def _memory(asked: int | None = None) -> HandleArgument:
    return _handle("memory", CapType.MEMORY, asked=asked, other_type=CapType.SHARED_BUFFER)


def _address_space(right: Rights, *, word: int, asked: int | None = None) -> HandleArgument:
    return _handle("address space", CapType.ADDRESS_SPACE, right, word=word, asked=asked, own=True)


def _words(**kinds: Kind) -> tuple[Argument, ...]:
    """Arguments in words 0, 1, ..."""
    return tuple(Argument(name, kind, word) for word, (name, kind) in enumerate(kinds.items()))


CALLS = (
    CallRule(Call.NULL, "Does nothing."),
    CallRule(Call.YIELD, "Lets other threads run first."),
    CallRule(Call.EXIT, "Ends the calling process.", _words(code=Kind.NUMBER), "does not return"),
    CallRule(Call.CLOCK, "Tells the time.", (), "word 0 nanoseconds since boot"),
    CallRule(Call.CONSOLE_WRITE, "Writes text to the console, at most 1,024 bytes.",
             (_handle("console", CapType.IO_RANGE, Rights.WRITE), *_words(text=Kind.ADDRESS, bytes=Kind.NUMBER)),
             "word 0 bytes written", (Status.BAD_POINTER,)),
    CallRule(Call.IPC_CALL, "Sends a message and waits for the reply.",
             (_handle("endpoint", CapType.ENDPOINT, Rights.SEND), _MESSAGE, _CAPABILITIES, _TIMEOUT),
             "reply message", _TRANSFER + _WAIT),
    CallRule(Call.IPC_SEND, "Sends a message; waits until it is received.",
             (_handle("endpoint", CapType.ENDPOINT, Rights.SEND), _MESSAGE, _CAPABILITIES, _TIMEOUT), "",
             _TRANSFER + _WAIT),
    CallRule(Call.IPC_RECEIVE, "Receives a message.",
             (_handle("endpoint", CapType.ENDPOINT, Rights.RECEIVE), _TIMEOUT),
             "message, badge in the handle word", _WAIT),
    CallRule(Call.IPC_REPLY, "Answers the caller whose message was received last.", (_MESSAGE, _CAPABILITIES), "",
             (*_TRANSFER, Status.WOULD_BLOCK, Status.NO_CALLER)),
    CallRule(Call.IPC_REPLY_RECEIVE, "Answers, and receives the next message.",
             (_handle("endpoint", CapType.ENDPOINT, Rights.RECEIVE), _MESSAGE, _CAPABILITIES, _TIMEOUT),
             "next message, badge in the handle word", (*_TRANSFER, *_WAIT, Status.NO_CALLER)),
    CallRule(Call.CAP_CHECK, "Checks a capability of the caller.", _words(query=Kind.QUERY),
             "word 0 Answer with the badge; the status is the verdict", tuple(REFUSALS)),
    CallRule(Call.CAP_CREATE, "Makes an object and a capability to it with all rights of its type.",
             _words(type=Kind.CAP_TYPE, bytes=Kind.NUMBER), "handle in the handle word",
             (Status.NO_MEMORY, Status.NO_SLOTS, Status.NO_OBJECTS)),
    CallRule(Call.CAP_DERIVE, "Makes a narrower capability below another. The rights must be among those it has.",
             (_handle("parent", None, Rights.DERIVE), *_words(rights=Kind.RIGHTS, badge=Kind.BADGE)),
             "handle in the handle word", (Status.NO_SLOTS,)),
    CallRule(Call.CAP_REVOKE, "Kills all descendants of a capability, in every space.",
             (_handle("capability", None, Rights.REVOKE),), "word 0 number revoked by this call"),
    CallRule(Call.CAP_DELETE, "Removes one capability. Its children become its parent's.",
             (_handle("capability", None, stale=True),)),
    CallRule(Call.MEM_MAP, "Maps memory into an address space, writable or executable but not both. The mapping is the "
             "memory capability's: it has one at most, which ends with it.",
             (_memory(asked=1), _address_space(Rights.WRITE, word=2, asked=1),
              *_words(address=Kind.ADDRESS, rights=Kind.RIGHTS)), "",
             (Status.OVERLAP, Status.NO_MEMORY)),
    CallRule(Call.MEM_UNMAP, "Undoes MEM_MAP, in whatever address space.",
             (_memory(), *_words(address=Kind.ADDRESS)), "", (Status.NOT_FOUND,)),
    CallRule(Call.PROCESS_CREATE, "Starts a program of the initrd as a new process. Words 2 to 7 reach it as words 0 "
             "to 5 of its first message, with the capabilities. Its quotas come out of the caller's, and go back when "
             "it ends.",
             (_handle("space", CapType.CAP_SPACE, Rights.EXECUTE), *_words(name=Kind.ADDRESS, length=Kind.NUMBER),
              _CAPABILITIES, Argument("quotas", Kind.QUOTAS, TIMEOUT_WORD)), "handle of the process in the handle word",
             (*_TRANSFER, Status.BAD_POINTER, Status.NOT_FOUND, Status.BAD_IMAGE, *_SHORTAGE)),
    CallRule(Call.PROCESS_WAIT, "Waits for the end of a process.",
             (_handle("process", CapType.PROCESS, Rights.WAIT), _TIMEOUT),
             "word 0 ExitReason, word 1 code or address", _WAIT),
    CallRule(Call.KERNEL_CONTROL, "Does an operation of KernelControl.",
             (_handle("kernel", CapType.KERNEL, Rights.MANAGE),
              *_words(operation=Kind.NUMBER_16, first=Kind.NUMBER, second=Kind.NUMBER, third=Kind.NUMBER)),
             "by operation", (*REFUSALS, Status.BAD_POINTER, Status.UNSUPPORTED)),
    CallRule(Call.MAIL_SEND, "Posts a message to an endpoint's queue. Never waits.",
             (_handle("endpoint", CapType.ENDPOINT, Rights.SEND), _MESSAGE), "",
             (Status.UNDECIDED, Status.WOULD_BLOCK)),
    CallRule(Call.MAIL_RECEIVE, "Takes a message from an endpoint's queue. Never waits.",
             (_handle("endpoint", CapType.ENDPOINT, Rights.RECEIVE),), "message, badge in the handle word",
             (Status.UNDECIDED, Status.WOULD_BLOCK)),
    CallRule(Call.MAIL_BIND, "Lets the calling thread use the mailbox's instructions, which serve it whenever it runs.",
             (), "", (Status.UNSUPPORTED,)),
    CallRule(Call.CAP_INSPECT, "Tells what a capability is.", (_handle("capability", None),),
             "word 0 type, word 1 rights, word 2 badge"),
    CallRule(Call.CAP_DESTROY, "Destroys the object: every capability to it is STALE from then on, waits end with "
             "DEAD, mappings go. Objects that CAP_CREATE makes.", (_handle("capability", None, Rights.MANAGE),), "",
             (Status.WRONG_TYPE,)),
    CallRule(Call.NOTIFICATION_SIGNAL, "Sets bits of a notification (at least one) and wakes the first that waits.",
             (_handle("notification", CapType.NOTIFICATION, Rights.SIGNAL), *_words(bits=Kind.NUMBER))),
    CallRule(Call.NOTIFICATION_WAIT, "Waits until a bit is set, takes all and clears them.",
             (_handle("notification", CapType.NOTIFICATION, Rights.WAIT), _TIMEOUT), "word 0 bits", _WAIT),
    CallRule(Call.NOTIFICATION_POLL, "Takes the bits that are set and clears them. Never waits.",
             (_handle("notification", CapType.NOTIFICATION, Rights.WAIT),), "word 0 bits", (Status.WOULD_BLOCK,)),
    CallRule(Call.TIMER_SET, "Has a timer signal a notification at a time, and again after each period (0: once; "
             "else at least 100,000). Whether the capability still allows it is checked each time.",
             (_handle("timer", CapType.TIMER, Rights.WRITE),
              _handle("notification", CapType.NOTIFICATION, Rights.SIGNAL, word=0),
              Argument("time since boot", Kind.TIME, 1), Argument("period", Kind.TIME, 2),
              Argument("bits", Kind.NUMBER, 3))),
    CallRule(Call.TIMER_CANCEL, "Stops a timer.", (_handle("timer", CapType.TIMER, Rights.WRITE),),
             "word 0 nanoseconds that were left, 0 if it was not set"),
    CallRule(Call.TIMER_INFO, "Tells how a timer is set.", (_handle("timer", CapType.TIMER, Rights.READ),),
             "word 0 nanoseconds left, 0 if it is not set; word 1 period"),
    CallRule(Call.PROCESS_KILL, "Ends a process with reason KILLED.",
             (_handle("process", CapType.PROCESS, Rights.MANAGE), *_words(code=Kind.NUMBER)), "", (Status.DEAD,)),
    CallRule(Call.PROCESS_SUSPEND, "Stops a process. What it waits for may still come; it does not run before it "
             "is resumed.", (_handle("process", CapType.PROCESS, Rights.MANAGE),), "", (Status.DEAD,)),
    CallRule(Call.PROCESS_RESUME, "Lets a suspended process go on.",
             (_handle("process", CapType.PROCESS, Rights.MANAGE),), "", (Status.DEAD,)),
    CallRule(Call.MEM_PROTECT, "Changes what the mapping of a capability allows.",
             (_memory(asked=1), _address_space(Rights.WRITE, word=2, asked=1),
              *_words(address=Kind.ADDRESS, rights=Kind.RIGHTS)), "",
             (Status.NOT_FOUND,)),
    CallRule(Call.MEM_INFO, "Tells size and place of memory.", (_memory(),),
             "word 0 bytes, word 1 address where this capability is mapped, 0 if it is not"),
    CallRule(Call.PROCESS_INFO, "Tells state and quotas of a process.",
             (_handle("process", CapType.PROCESS, Rights.READ),),
             "word 0 state (0 it may run, 1 suspended, 2 ended); words 1 to 4 for each Resource what is used, and in "
             "the upper half its limit"),
    CallRule(Call.PROCESS_LIMIT, "Changes a quota, at least to what is in use. What it loses goes to the process's "
             "maker; more comes out of the maker's, who alone may give it.",
             (_handle("process", CapType.PROCESS, Rights.MANAGE),
              *_words(resource=Kind.NUMBER_16, limit=Kind.NUMBER_32)), "", (Status.DEAD, *_SHORTAGE)),
    CallRule(Call.STATISTICS, "Counts what is in use in the whole system, after all dead slots were reclaimed.",
             (_handle("kernel", CapType.KERNEL, Rights.READ),),
             "word 0 frames that nobody uses, words 1 to 5 slots, objects, retired object ids, capability spaces, "
             "processes; word 6 threads besides their first ones"),
    CallRule(Call.CAP_COPY, "Copies a capability to the space of a process; the copy is a child of the original.",
             (_handle("capability", None, Rights.GRANT), _handle("space", CapType.CAP_SPACE, Rights.WRITE, word=0)),
             "handle in that space in the handle word", (Status.NO_SLOTS, Status.DEAD)),
    CallRule(Call.CAP_MOVE, "Moves a capability to the space of a process.",
             (_handle("capability", None, Rights.GRANT), _handle("space", CapType.CAP_SPACE, Rights.WRITE, word=0)),
             "handle in that space in the handle word", (Status.NO_SLOTS, Status.DEAD)),
    CallRule(Call.PROCESS_SPACE, "Makes a capability to the capability space of a process, without EXECUTE.",
             (_handle("process", CapType.PROCESS, Rights.MANAGE),), "handle in the handle word",
             (Status.DEAD, Status.NO_MEMORY, Status.NO_SLOTS, Status.NO_OBJECTS)),
    CallRule(Call.SPACE_INFO, "Tells how full a capability space is.",
             (_handle("space", CapType.CAP_SPACE, Rights.READ),), "word 0 slots in use, word 1 its limit",
             (Status.DEAD,)),
    CallRule(Call.SPACE_SEAL, "Seals a capability space: it never holds more than so many capabilities again. At most "
             "its limit, at least what is in use. What the process loses goes to its maker.",
             (_handle("space", CapType.CAP_SPACE, Rights.MANAGE), *_words(limit=Kind.NUMBER_32)), "", (Status.DEAD,)),
    CallRule(Call.REGISTRY_REGISTER, "Gives an endpoint capability a name of 1 to 31 bytes. The name ends when the "
             "capability is revoked or the process ends.",
             (_handle("registry", CapType.REGISTRY_NAME, Rights.WRITE),
              _handle("endpoint", CapType.ENDPOINT, Rights.GRANT, word=2),
              *_words(name=Kind.ADDRESS, length=Kind.NUMBER)), "",
             (Status.BAD_POINTER, Status.EXISTS, Status.NO_MEMORY, Status.NO_SLOTS, Status.NO_OBJECTS)),
    CallRule(Call.REGISTRY_LOOKUP, "Copies the endpoint capability of a name to the caller.",
             (_handle("registry", CapType.REGISTRY_NAME, Rights.READ), *_words(name=Kind.ADDRESS, length=Kind.NUMBER)),
             "handle in the handle word", (Status.BAD_POINTER, Status.NOT_FOUND, Status.NO_SLOTS)),
    CallRule(Call.REGISTRY_UNREGISTER, "Removes a name.",
             (_handle("registry", CapType.REGISTRY_NAME, Rights.MANAGE),
              *_words(name=Kind.ADDRESS, length=Kind.NUMBER)), "", (Status.BAD_POINTER, Status.NOT_FOUND)),
    CallRule(Call.THREAD_CREATE, "Starts a thread of the calling process, with the argument in word 0.",
             _words(entry=Kind.ADDRESS, stack=Kind.ADDRESS, argument=Kind.NUMBER), "handle in the handle word",
             (Status.NO_THREADS, Status.NO_OBJECTS, Status.NO_MEMORY, Status.NO_SLOTS)),
    CallRule(Call.THREAD_EXIT, "Ends the calling thread; the first of a process ends the process.",
             _words(code=Kind.NUMBER), "does not return"),
    CallRule(Call.THREAD_WAIT, "Waits for the end of a thread.",
             (_handle("thread", CapType.THREAD, Rights.WAIT), _TIMEOUT), "word 0 ExitReason, word 1 code", _WAIT),
    CallRule(Call.THREAD_SUSPEND, "Stops a thread, as PROCESS_SUSPEND all of a process.",
             (_handle("thread", CapType.THREAD, Rights.MANAGE),), "", (Status.DEAD,)),
    CallRule(Call.THREAD_RESUME, "Lets a suspended thread go on.",
             (_handle("thread", CapType.THREAD, Rights.MANAGE),), "", (Status.DEAD,)),
    CallRule(Call.THREAD_KILL, "Ends a thread with reason KILLED.",
             (_handle("thread", CapType.THREAD, Rights.MANAGE), *_words(code=Kind.NUMBER)), "", (Status.DEAD,)),
    CallRule(Call.THREAD_INFO, "Tells the state of a thread.", (_handle("thread", CapType.THREAD, Rights.READ),),
             "word 0 state (0 it may run, 1 suspended, 2 ended, 3 it waits)"),
    CallRule(Call.IO_INFO, "Tells what an I/O range is.", (_handle("range", CapType.IO_RANGE, Rights.READ),),
             "word 0 number of registers, word 1 the device's interrupt, 0 if it has none"),
    CallRule(Call.IO_READ, "Reads a device's register.",
             (_handle("range", CapType.IO_RANGE, Rights.READ), *_words(register=Kind.NUMBER)), "word 0 value"),
    CallRule(Call.IO_WRITE, "Writes a device's register.",
             (_handle("range", CapType.IO_RANGE, Rights.WRITE | Rights.MANAGE),
              *_words(register=Kind.NUMBER, value=Kind.NUMBER_32))),
    CallRule(Call.INTERRUPT_CREATE, "Makes a capability to an interrupt of the controller.",
             (_handle("kernel", CapType.KERNEL, Rights.MANAGE), *_words(number=Kind.NUMBER)),
             "handle in the handle word", (Status.EXISTS, Status.NO_MEMORY, Status.NO_SLOTS, Status.NO_OBJECTS)),
    CallRule(Call.INTERRUPT_BIND, "Has an interrupt signal a notification, at least one bit, once until it is "
             "acknowledged. Whether the capability still allows it is checked each time.",
             (_handle("interrupt", CapType.INTERRUPT, Rights.MANAGE),
              _handle("notification", CapType.NOTIFICATION, Rights.SIGNAL, word=0), Argument("bits", Kind.NUMBER, 1))),
    CallRule(Call.INTERRUPT_UNBIND, "Masks an interrupt for good.",
             (_handle("interrupt", CapType.INTERRUPT, Rights.MANAGE),)),
    CallRule(Call.INTERRUPT_ACKNOWLEDGE, "Lets the next one come.",
             (_handle("interrupt", CapType.INTERRUPT, Rights.WRITE),)),
    CallRule(Call.PROCESS_QUOTAS, "Tells the caller's own quotas. What it gave to others is none of them.", (),
             "words 0 to 3 for each Resource what is used, and in the upper half its limit"),
    CallRule(Call.CHANNEL_SEND, "Sets bits (at least one) for the receiving end of a channel and wakes the first that "
             "waits there. DEAD: no capability with RECEIVE is left.",
             (_handle("channel", CapType.CHANNEL, Rights.SEND), *_words(bits=Kind.NUMBER)), "", (Status.DEAD,)),
    CallRule(Call.CHANNEL_RECEIVE, "Waits until a bit is set for the receiving end, takes all and clears them. DEAD: "
             "none is set, and no capability with SEND is left.",
             (_handle("channel", CapType.CHANNEL, Rights.RECEIVE), _TIMEOUT), "word 0 bits", _WAIT),
    CallRule(Call.CHANNEL_COMPLETE, "Sets bits for the sending end, as CHANNEL_SEND for the receiving one.",
             (_handle("channel", CapType.CHANNEL, Rights.RECEIVE), *_words(bits=Kind.NUMBER)), "", (Status.DEAD,)),
    CallRule(Call.CHANNEL_AWAIT, "Waits until a bit is set for the sending end, as CHANNEL_RECEIVE at the other one.",
             (_handle("channel", CapType.CHANNEL, Rights.SEND), _TIMEOUT), "word 0 bits", _WAIT),
    CallRule(Call.BUFFER_WATCH, "Has a shared buffer signal a notification each time that all capabilities to it but "
             "one are gone; 0 bits: no longer. Whether the capability still allows it is checked each time.",
             (_handle("buffer", CapType.SHARED_BUFFER, Rights.MANAGE),
              _handle("notification", CapType.NOTIFICATION, Rights.SIGNAL, word=0), Argument("bits", Kind.NUMBER, 1))),
    CallRule(Call.PROCESS_ADDRESS_SPACE, "Makes a capability to the address space of a process.",
             (_handle("process", CapType.PROCESS, Rights.MANAGE),), "handle in the handle word",
             (Status.DEAD, Status.NO_SLOTS, Status.NO_OBJECTS)),
    CallRule(Call.ADDRESS_SPACE_INFO, "Tells what a page of an address space allows.",
             (_address_space(Rights.READ, word=HANDLE_WORD), *_words(address=Kind.ADDRESS)),
             "word 0 rights (READ, WRITE, EXECUTE), 0 if nothing is mapped there"),
    CallRule(Call.ADDRESS_SPACE_UNMAP, "Undoes the mapping of memory that begins at an address, whoever made it.",
             (_address_space(Rights.WRITE, word=HANDLE_WORD), *_words(address=Kind.ADDRESS)), "",
             (Status.NOT_FOUND,)),
    CallRule(Call.RESERVATION_SET, "Reserves so many nanoseconds of the processor in each period, from the end of a "
             "period on; 0 and 0: none. At least 200,000 and a 256th of the period, which is at most a second. "
             "NO_TIME: all reservations would have more than three quarters of the processor.",
             (_handle("reservation", CapType.RESERVATION, Rights.WRITE),
              _handle("kernel", CapType.KERNEL, Rights.EXECUTE, word=0),
              Argument("budget", Kind.NUMBER_32, 1), Argument("period", Kind.NUMBER_32, 2)), "", (Status.NO_TIME,)),
    CallRule(Call.RESERVATION_BIND, "Has a thread run on a reservation, as long as the capability that names it here "
             "is there. Of a process it is the first thread. EXISTS: the reservation has a thread, or the thread one.",
             (_handle("reservation", CapType.RESERVATION, Rights.EXECUTE),
              _handle("thread", CapType.THREAD, Rights.MANAGE, word=0, other_type=CapType.PROCESS)), "",
             (Status.EXISTS, Status.DEAD)),
    CallRule(Call.RESERVATION_UNBIND, "Undoes RESERVATION_BIND, if it was done.",
             (_handle("reservation", CapType.RESERVATION, Rights.EXECUTE),)),
    CallRule(Call.RESERVATION_INFO, "Tells how a reservation is set and what was used of it.",
             (_handle("reservation", CapType.RESERVATION, Rights.READ),),
             "word 0 budget, word 1 period, word 2 nanoseconds used since it was made, word 3 whether it has a thread"),
)
