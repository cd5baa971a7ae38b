"""The mailbox's window as data: page 0 belongs to the kernel, pages 1 and up to threads.

The RTL decodes with these offsets, the golden model and the benches use them, and C header and SVD follow from
the memory map that :func:`memory_map` builds.
"""

from dataclasses import dataclass

from amaranth.lib import data, enum

from ..abi import MESSAGE_CAPABILITIES, MESSAGE_WORDS, PAGE_BYTES, MailStatus
from ..bus.field import Access
from ..bus.memory_map import MemoryMap
from ..bus.register import FieldInfo, Register
from ..core.port import CONTEXT_BITS
from .config import MAX_QUEUES

__all__ = ["Row", "DescribedRegister", "ControlPage", "ThreadPage", "Identity", "Coalescing", "PageBinding",
           "ContextBinding", "QueueBinding", "SenderBinding", "SenderRate", "QueueWord", "SenderWord", "Statistic",
           "COALESCING_BITS", "RATE_FIELDS", "VERSION", "WINDOW_BYTES", "WORD_BYTES", "QUEUE_ROW_BYTES",
           "SENDER_ROW_BYTES", "MAX_SENDERS", "RATE_BITS", "CONTROL_REGISTERS", "THREAD_REGISTERS", "constants",
           "memory_map"]

#: Version of this window, in the identity register.
VERSION = 3
WORD_BYTES = 8
#: One control page and up to 15 thread pages.
WINDOW_BYTES = 16 * PAGE_BYTES
#: Bits of a rate limit's period and window, in cycles.
RATE_BITS = 24


class Identity(data.Struct):
    version: 8
    queues: 8
    depth: 8
    pages: 8
    contexts: 8
    senders: 8
    harts: 8


class PageBinding(data.Struct):
    """Whose page it is. Any write ends the page's command, wipes its staging and closes its view."""

    #: Capability space that the page's handles are looked up in.
    space: 32
    enabled: 1
    #: The page belongs to the kernel: it may stage capabilities and receive them.
    kernel: 1


class ContextBinding(data.Struct):
    """Whose instructions a thread context executes. Any write discards what they staged, opened and asked for."""

    #: Capability space that their handles are looked up in.
    space: 32
    enabled: 1


class QueueBinding(data.Struct):
    """Which endpoint the queue serves. Any write wipes the queue."""

    #: Object id of the endpoint.
    endpoint: 32
    enabled: 1


class Coalescing(data.Struct):
    """The line rises when an enabled queue holds `threshold` messages, or when one has waited for `delay` cycles."""

    threshold: 8
    reserved: 24
    delay: RATE_BITS


#: Those that exist.
COALESCING_BITS = Coalescing.const({"threshold": -1, "delay": -1}).as_bits()


class SenderBinding(data.Struct):
    """Whose messages a token bucket counts."""

    #: Capability space that they come from.
    space: 32
    enabled: 1


class SenderRate(data.Struct):
    """Token bucket: a message costs `period` cycles, and at most `window` cycles may be owed."""

    #: 0: no limit.
    period: RATE_BITS
    reserved: 8
    window: RATE_BITS


#: Those that exist.
RATE_FIELDS = SenderRate.const({"period": -1, "window": -1}).as_bits()


class Statistic(enum.IntEnum):
    """Counters of the control page, 32 bits each, modulo 2**32."""

    #: Messages stored.
    SENT = 0
    #: Messages popped.
    RECEIVED = 1
    #: Commands that a verdict refused.
    REFUSED = 2
    #: Commands that got no verdict.
    UNDECIDED = 3
    FULL = 4
    UNBOUND = 5
    RATE_LIMITED = 6
    #: Receive or pop commands that found nothing (NO_MESSAGE, NEEDS_KERNEL, LOST).
    NOTHING = 7


class ControlPage(enum.IntEnum):
    """Byte offsets in page 0."""

    IDENTITY = 0x000
    #: Bit q: queue q holds a message.
    PENDING = 0x008
    #: Bit q: messages in queue q interrupt.
    INTERRUPT_ENABLE = 0x010
    #: Store a queue number: the queue loses all its messages.
    WIPE = 0x018
    #: How long few messages may wait for their interrupt.
    INTERRUPT_COALESCING = 0x020
    #: One word per Statistic.
    STATISTICS = 0x040
    #: One word per page; thread pages count from 1.
    PAGES = 0x100
    #: One word per thread context.
    CONTEXTS = 0x180
    #: Two words per sender: binding, rate.
    SENDERS = 0x200
    #: Four words per queue: binding, reserved, fill (messages in the queue), reserved.
    QUEUES = 0x400


class QueueWord(enum.IntEnum):
    """Words of a queue's row in the control page."""

    BINDING = 0
    FILL = 2


class SenderWord(enum.IntEnum):
    """Words of a sender's row in the control page."""

    BINDING = 0
    RATE = 1


class ThreadPage(enum.IntEnum):
    """Byte offsets in a thread page."""

    #: Staged message words.
    MESSAGE = 0x000
    #: Staged capabilities, two in a word (kernel pages only).
    CAPABILITIES = 0x040
    #: Store a handle: send the staged message to that endpoint.
    SEND = 0x080
    #: Store a handle: open the first message of that endpoint.
    RECEIVE = 0x088
    #: Store a handle: remove the open message.
    POP = 0x090
    #: Store a handle: remove the open message and open the one behind it.
    NEXT = 0x098
    #: MailStatus of the last command.
    STATUS = 0x0a0
    #: Words of the open message; 0 when none is open.
    HEAD_MESSAGE = 0x100
    #: Capabilities of the open message (kernel pages).
    HEAD_CAPABILITIES = 0x140
    #: Badge of the capability that the open message was sent with.
    HEAD_BADGE = 0x150
    #: Space that the open message came from (kernel pages; others read 0).
    HEAD_SENDER = 0x158


@dataclass(frozen=True)
class Row:
    """One register, or `count` of them `stride` bytes apart.

    Attributes
    ----------
    name : str
    offset : int
        Bytes from the start of the page.
    access : Access
    bits : int
        Bits in use. A store has to cover their bytes.
    meaning : str
    fields : type, optional
        Layout or enumeration of its bits.
    count, stride : int
    """

    name: str
    offset: int
    access: Access
    bits: int
    meaning: str
    fields: type | None = None
    count: int = 1
    stride: int = WORD_BYTES

    @property
    def width(self):
        """Bits of the narrowest store that covers it."""
        return 32 if self.bits <= 32 else 64


#: A queue's row in the control page.
QUEUE_ROW_BYTES = 4 * WORD_BYTES
#: A sender's row, and how many there may be.
SENDER_ROW_BYTES = 2 * WORD_BYTES
MAX_SENDERS = 16

CONTROL_REGISTERS = (
    Row("IDENTITY", ControlPage.IDENTITY, Access.R, 56, "version and size", Identity),
    Row("PENDING", ControlPage.PENDING, Access.R, MAX_QUEUES, "bit q: queue q holds a message"),
    Row("INTERRUPT_ENABLE", ControlPage.INTERRUPT_ENABLE, Access.RW, MAX_QUEUES,
        "bit q: messages in queue q interrupt"),
    Row("INTERRUPT_COALESCING", ControlPage.INTERRUPT_COALESCING, Access.RW, 56,
        "messages that interrupt at once, and how long fewer may wait", Coalescing),
    Row("WIPE", ControlPage.WIPE, Access.W, 32, "number of the queue to empty"),
    Row("STATISTIC", ControlPage.STATISTICS, Access.R, 32, "counters, see Statistic",
        count=len(Statistic)),
    Row("PAGE", ControlPage.PAGES, Access.RW, 34, "binding of a page; a store wipes the page",
        PageBinding, count=16),
    Row("CONTEXT", ControlPage.CONTEXTS, Access.RW, 33, "binding of a thread context; a store discards what it does",
        ContextBinding, count=1 << CONTEXT_BITS),
    Row("SENDER_BINDING", ControlPage.SENDERS + WORD_BYTES * SenderWord.BINDING, Access.RW, 33,
        "space whose messages are limited; a store forgives what is owed", SenderBinding, count=MAX_SENDERS,
        stride=SENDER_ROW_BYTES),
    Row("SENDER_RATE", ControlPage.SENDERS + WORD_BYTES * SenderWord.RATE, Access.RW, 56,
        "its rate and burst; a store forgives what is owed", SenderRate, count=MAX_SENDERS, stride=SENDER_ROW_BYTES),
    Row("QUEUE_BINDING", ControlPage.QUEUES + WORD_BYTES * QueueWord.BINDING, Access.RW, 33,
        "endpoint of a queue; a store wipes the queue", QueueBinding, count=MAX_QUEUES, stride=QUEUE_ROW_BYTES),
    Row("QUEUE_FILL", ControlPage.QUEUES + WORD_BYTES * QueueWord.FILL, Access.R, 8,
        "messages in a queue", count=MAX_QUEUES, stride=QUEUE_ROW_BYTES),
)

THREAD_REGISTERS = (
    Row("MESSAGE", ThreadPage.MESSAGE, Access.RW, 64, "message to send, byte by byte if need be",
        count=MESSAGE_WORDS),
    Row("CAPABILITIES", ThreadPage.CAPABILITIES, Access.RW, 64,
        "capabilities to send, two in a word (kernel pages only)", count=MESSAGE_CAPABILITIES // 2),
    Row("SEND", ThreadPage.SEND, Access.W, 32, "send to the endpoint with this handle"),
    Row("RECEIVE", ThreadPage.RECEIVE, Access.W, 32, "open the first message of this endpoint"),
    Row("POP", ThreadPage.POP, Access.W, 32, "remove the open message of this endpoint"),
    Row("NEXT", ThreadPage.NEXT, Access.W, 32, "remove the open message and open the next"),
    Row("STATUS", ThreadPage.STATUS, Access.R, 8, "MailStatus of the last command", MailStatus),
    Row("HEAD_MESSAGE", ThreadPage.HEAD_MESSAGE, Access.R, 64, "open message", count=MESSAGE_WORDS),
    Row("HEAD_CAPABILITIES", ThreadPage.HEAD_CAPABILITIES, Access.R, 64,
        "capabilities of the open message", count=MESSAGE_CAPABILITIES // 2),
    Row("HEAD_BADGE", ThreadPage.HEAD_BADGE, Access.R, 32, "badge of the open message"),
    Row("HEAD_SENDER", ThreadPage.HEAD_SENDER, Access.R, 32,
        "sender's space of the open message (kernel pages only)"),
)


class DescribedRegister(Register):
    """A register that exists as data: the mailbox decodes it by itself.

    Parameters
    ----------
    row : Row
        What it is one of.
    """

    # Never elaborated; Amaranth would warn.
    _MustUse__silence = True

    def __init__(self, row):
        self.row = row
        self.width = row.width
        self.access = row.access
        self.description = row.meaning
        self.alternates = ()

    @property
    def fields(self):
        row = self.row
        if isinstance(row.fields, type) and issubclass(row.fields, data.Struct):
            return tuple(FieldInfo(name, field.offset, field.width, row.access, None)
                         for name, field in row.fields.as_shape() if name != "reserved")
        values = () if row.fields is None else tuple((member.name, member.value) for member in row.fields)
        return (FieldInfo("value", 0, row.bits, row.access, None, row.meaning, values),)


def memory_map(config):
    """What the window of a mailbox with this configuration holds: the control page and a window per thread page."""
    present = {"PAGE": range(1, config.pages + 1), "CONTEXT": range(config.all_contexts),
               "QUEUE_BINDING": range(config.queues),
               "SENDER_BINDING": range(config.senders), "SENDER_RATE": range(config.senders),
               "QUEUE_FILL": range(config.queues)}

    def place(target, rows):
        for row in rows:
            for number in present.get(row.name, range(row.count)):
                name = row.name.lower() + (f"_{number}" if row.count > 1 else "")
                if row.name == "CONTEXT" and config.harts > 1:
                    hart, context = divmod(number, config.contexts)
                    name = f"hart{hart}_context_{context}"
                target.add_resource(DescribedRegister(row), name=name, size=row.width // 8,
                                    addr=row.offset + number * row.stride)

    window = MemoryMap(addr_width=(WINDOW_BYTES - 1).bit_length(), alignment=3)
    place(window, CONTROL_REGISTERS)
    for page in range(1, config.pages + 1):
        thread = MemoryMap(addr_width=(PAGE_BYTES - 1).bit_length(), alignment=3)
        place(thread, THREAD_REGISTERS)
        window.add_window(thread, name=f"page{page}", addr=page * PAGE_BYTES)
    return window


def constants():
    """Offsets, first bits of fields, counter numbers and statuses by name, for the C header."""
    values = {"MAILBOX_VERSION": VERSION, "MAILBOX_QUEUE_STRIDE": QUEUE_ROW_BYTES,
              "MAILBOX_SENDER_STRIDE": SENDER_ROW_BYTES}
    enumerations = {"CONTROL": ControlPage, "THREAD": ThreadPage, "STATISTIC": Statistic, "STATUS": MailStatus}
    for prefix, members in enumerations.items():
        values |= {f"MAILBOX_{prefix}_{member.name}": int(member.value) for member in members}
    for prefix, words in (("QUEUE", QueueWord), ("SENDER", SenderWord)):
        values |= {f"MAILBOX_{prefix}_{word.name}": word.value * WORD_BYTES for word in words}
    layouts = {"IDENTITY": Identity, "PAGE": PageBinding, "CONTEXT": ContextBinding, "INTERRUPT_COALESCING": Coalescing,
               "QUEUE_BINDING": QueueBinding, "SENDER_BINDING": SenderBinding,
               "SENDER_RATE": SenderRate}
    for name, layout in layouts.items():
        values |= {f"MAILBOX_{name}_{field.upper()}_SHIFT": place.offset
                   for field, place in layout.as_shape() if field != "reserved"}
    return values
