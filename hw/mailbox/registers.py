"""The mailbox's window as data: page 0 belongs to the kernel, pages 1 and up to threads.

The RTL decodes with these offsets, the golden model and the benches use them, and C header and SVD follow from
the memory map that :func:`memory_map` builds.
"""

from dataclasses import dataclass, replace

from amaranth.lib import data, enum

from ..abi import MESSAGE_CAPABILITIES, MESSAGE_WORDS, PAGE_BYTES
from ..bus.memory_map import MemoryMap

__all__ = ["Access", "RegisterInfo", "ControlPage", "ThreadPage", "Identity", "PageBinding", "QueueBinding",
           "QueueRate", "QueueWord", "Statistic", "VERSION", "WINDOW_BYTES", "WORD_BYTES", "QUEUE_ROW_BYTES",
           "RATE_BITS", "CONTROL_REGISTERS", "THREAD_REGISTERS", "memory_map"]

#: Version of this window, in the identity register.
VERSION = 1
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


class PageBinding(data.Struct):
    """Whose page it is. Any write ends the page's command, wipes its staging and closes its view."""

    #: Capability space that the page's handles are looked up in.
    space: 32
    enabled: 1
    #: The page belongs to the kernel: it may stage capabilities and receive them.
    kernel: 1


class QueueBinding(data.Struct):
    """Which endpoint the queue serves. Any write wipes the queue."""

    #: Object id of the endpoint.
    endpoint: 32
    enabled: 1


class QueueRate(data.Struct):
    """Token bucket: a message costs `period` cycles, and at most `window` cycles may be owed."""

    #: 0: no limit.
    period: RATE_BITS
    reserved: 8
    window: RATE_BITS


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
    #: Bit q: the interrupt line is high while queue q holds a message.
    INTERRUPT_ENABLE = 0x010
    #: Store a queue number: the queue loses all its messages.
    WIPE = 0x018
    #: One word per Statistic.
    STATISTICS = 0x040
    #: One word per page; thread pages count from 1.
    PAGES = 0x100
    #: Four words per queue: binding, rate, fill (messages in the queue), reserved.
    QUEUES = 0x400


class QueueWord(enum.IntEnum):
    """Words of a queue's row in the control page."""

    BINDING = 0
    RATE = 1
    FILL = 2


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


class Access(enum.Enum):
    READ = "r"
    WRITE = "w"
    READ_WRITE = "rw"


@dataclass(frozen=True)
class RegisterInfo:
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
    fields : type of data.Struct or None
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


#: A queue's row in the control page.
QUEUE_ROW_BYTES = 4 * WORD_BYTES

CONTROL_REGISTERS = (
    RegisterInfo("IDENTITY", ControlPage.IDENTITY, Access.READ, 32, "version and size", Identity),
    RegisterInfo("PENDING", ControlPage.PENDING, Access.READ, 32, "bit q: queue q holds a message"),
    RegisterInfo("INTERRUPT_ENABLE", ControlPage.INTERRUPT_ENABLE, Access.READ_WRITE, 32,
                 "bit q: queue q interrupts while it holds a message"),
    RegisterInfo("WIPE", ControlPage.WIPE, Access.WRITE, 32, "number of the queue to empty"),
    RegisterInfo("STATISTIC", ControlPage.STATISTICS, Access.READ, 32, "counters, see Statistic",
                 count=len(Statistic)),
    RegisterInfo("PAGE", ControlPage.PAGES, Access.READ_WRITE, 34, "binding of a page; a store wipes the page",
                 PageBinding, count=16),
    RegisterInfo("QUEUE_BINDING", ControlPage.QUEUES + WORD_BYTES * QueueWord.BINDING, Access.READ_WRITE, 33,
                 "endpoint of a queue; a store wipes the queue", QueueBinding, count=32, stride=QUEUE_ROW_BYTES),
    RegisterInfo("QUEUE_RATE", ControlPage.QUEUES + WORD_BYTES * QueueWord.RATE, Access.READ_WRITE, 56,
                 "rate limit of a queue; a store forgives what is owed", QueueRate, count=32,
                 stride=QUEUE_ROW_BYTES),
    RegisterInfo("QUEUE_FILL", ControlPage.QUEUES + WORD_BYTES * QueueWord.FILL, Access.READ, 8,
                 "messages in a queue", count=32, stride=QUEUE_ROW_BYTES),
)

THREAD_REGISTERS = (
    RegisterInfo("MESSAGE", ThreadPage.MESSAGE, Access.READ_WRITE, 64, "message to send, byte by byte if need be",
                 count=MESSAGE_WORDS),
    RegisterInfo("CAPABILITIES", ThreadPage.CAPABILITIES, Access.READ_WRITE, 64,
                 "capabilities to send, two in a word (kernel pages only)", count=MESSAGE_CAPABILITIES // 2),
    RegisterInfo("SEND", ThreadPage.SEND, Access.WRITE, 32, "send to the endpoint with this handle"),
    RegisterInfo("RECEIVE", ThreadPage.RECEIVE, Access.WRITE, 32, "open the first message of this endpoint"),
    RegisterInfo("POP", ThreadPage.POP, Access.WRITE, 32, "remove the open message of this endpoint"),
    RegisterInfo("NEXT", ThreadPage.NEXT, Access.WRITE, 32, "remove the open message and open the next"),
    RegisterInfo("STATUS", ThreadPage.STATUS, Access.READ, 8, "MailStatus of the last command"),
    RegisterInfo("HEAD_MESSAGE", ThreadPage.HEAD_MESSAGE, Access.READ, 64, "open message", count=MESSAGE_WORDS),
    RegisterInfo("HEAD_CAPABILITIES", ThreadPage.HEAD_CAPABILITIES, Access.READ, 64,
                 "capabilities of the open message", count=MESSAGE_CAPABILITIES // 2),
    RegisterInfo("HEAD_BADGE", ThreadPage.HEAD_BADGE, Access.READ, 32, "badge of the open message"),
    RegisterInfo("HEAD_SENDER", ThreadPage.HEAD_SENDER, Access.READ, 32,
                 "sender's space of the open message (kernel pages only)"),
)


def _one_by_one(info, numbers):
    """The registers that stand behind an entry with a count."""
    for number in numbers:
        name = info.name if info.count == 1 else f"{info.name}_{number}"
        yield replace(info, name=name, offset=info.offset + number * info.stride, count=1)


def memory_map(config):
    """What the window of a mailbox with this configuration holds: the control page and a window per thread page."""
    present = {"PAGE": range(1, config.pages + 1), "QUEUE_BINDING": range(config.queues),
               "QUEUE_RATE": range(config.queues), "QUEUE_FILL": range(config.queues)}
    window = MemoryMap(addr_width=(WINDOW_BYTES - 1).bit_length(), alignment=3)
    for info in CONTROL_REGISTERS:
        for register in _one_by_one(info, present.get(info.name, range(info.count))):
            window.add_resource(register, name=register.name.lower(), size=WORD_BYTES, addr=register.offset)
    for page in range(1, config.pages + 1):
        thread = MemoryMap(addr_width=(PAGE_BYTES - 1).bit_length(), alignment=3)
        for info in THREAD_REGISTERS:
            for register in _one_by_one(info, range(info.count)):
                thread.add_resource(register, name=register.name.lower(), size=WORD_BYTES, addr=register.offset)
        window.add_window(thread, name=f"page{page}", addr=page * PAGE_BYTES)
    return window
