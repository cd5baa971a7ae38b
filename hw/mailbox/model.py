"""Golden model of the mailbox: what each access to its window does, without its timing.

A command takes effect in the store that gives it; `advance` lets time pass for the rate limits. Written from the
datasheet, not from the RTL.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from ..abi import (
    MESSAGE_CAPABILITIES,
    MESSAGE_WORDS,
    PAGE_BYTES,
    CapType,
    MailStatus,
    Rights,
    Verdict,
)
from .config import MailboxConfig
from .registers import (
    CONTROL_REGISTERS,
    QUEUE_ROW_BYTES,
    RATE_BITS,
    SENDER_ROW_BYTES,
    THREAD_REGISTERS,
    VERSION,
    WORD_BYTES,
    Statistic,
)

__all__ = ["MailboxModel", "Message"]

_MASK32 = (1 << 32) - 1
_PAYLOAD = MESSAGE_WORDS + MESSAGE_CAPABILITIES // 2

#: space, handle, type, rights -> verdict, object id, badge
Check = Callable[[int, int, CapType, Rights], tuple[Verdict, int, int]]


@dataclass(frozen=True)
class Message:
    """A message in a queue: words, then capability words."""

    payload: tuple[int, ...]
    badge: int
    space: int

    @property
    def carries(self):
        return any(self.payload[MESSAGE_WORDS:])


@dataclass
class _Queue:
    endpoint: int = 0
    enabled: bool = False
    messages: deque = field(default_factory=deque)


@dataclass
class _Sender:
    space: int = 0
    enabled: bool = False
    period: int = 0
    window: int = 0
    debt: int = 0


@dataclass
class _Context:
    space: int = 0
    enabled: bool = False
    #: Pairs of words that are staged; only all of them are a message.
    pairs: dict = field(default_factory=dict)
    status: MailStatus = MailStatus.IDLE
    view: Message | None = None
    view_queue: _Queue | None = None
    #: Context hands no capabilities over.
    kernel: bool = False


@dataclass
class _Page:
    space: int = 0
    enabled: bool = False
    kernel: bool = False
    staging: list = field(default_factory=lambda: [0] * _PAYLOAD)
    status: MailStatus = MailStatus.IDLE
    #: The message that is open, and its queue.
    view: Message | None = None
    view_queue: _Queue | None = None


class MailboxModel:
    """The mailbox as its user sees it.

    Parameters
    ----------
    config : MailboxConfig
    check : callable
        Stands for the capability unit.
    """

    def __init__(self, config: MailboxConfig, check: Check):
        self.config = config
        self.check = check
        self.reset()

    def reset(self):
        self.queues = [_Queue() for _ in range(self.config.queues)]
        self.pages = [_Page() for _ in range(self.config.pages + 1)]
        self.senders = [_Sender() for _ in range(self.config.senders)]
        self.contexts = [_Context() for _ in range(self.config.all_contexts)]
        self.interrupt_enable = 0
        self.threshold = self.delay = self.waited = 0
        self.statistics = [0] * len(Statistic)

    def advance(self, cycles: int):
        """Let time pass."""
        for sender in self.senders:
            sender.debt = max(0, sender.debt - cycles)
        if not self._rest():
            self.waited += cycles

    @property
    def pending(self) -> int:
        return sum(1 << number for number, queue in enumerate(self.queues) if queue.messages)

    @property
    def irq(self) -> bool:
        ripe = [queue for number, queue in enumerate(self.queues)
                if self.interrupt_enable >> number & 1 and len(queue.messages) >= self.threshold]
        return not self._rest() and (bool(ripe) or self.waited >= self.delay)

    def _rest(self):
        """Whether no message waits for an interrupt; the next one waits from then on."""
        if self.pending & self.interrupt_enable:
            return False
        self.waited = 0
        return True

    def read(self, address: int) -> int | None:
        """The 64-bit word at a byte address, or None for a bus error."""
        number, offset = divmod(address, PAGE_BYTES)
        found = self._find(number, offset, write=False)
        if found is None:
            return None
        return getattr(self, f"_read_{found[0].lower()}")(number, found[1])

    def write(self, address: int, value: int, select: int = 0xff) -> bool:
        """Store the bytes that `select` names; False for a bus error."""
        number, offset = divmod(address, PAGE_BYTES)
        found = self._find(number, offset, write=True)
        if found is None:
            return False
        self._rest()
        name, index, bits = found
        if name in ("MESSAGE", "CAPABILITIES"):
            self._stage(number, index + (MESSAGE_WORDS if name == "CAPABILITIES" else 0), value, select)
            return True
        needed = (1 << -(-bits // 8)) - 1
        if select & needed != needed:
            return False
        return getattr(self, f"_write_{name.lower()}")(number, index, value) is not False

    def _find(self, number, offset, *, write):
        """Name, index and width of a register that allows the access."""
        if number > self.config.pages or (number and not self.pages[number].enabled):
            return None
        for info in THREAD_REGISTERS if number else CONTROL_REGISTERS:
            index, rest = divmod(offset - info.offset, info.stride)
            if 0 <= index < info.count and 0 <= rest < WORD_BYTES:
                break
        else:
            return None
        if not (info.access.writable() if write else info.access.readable()):
            return None
        if info.stride == QUEUE_ROW_BYTES and index >= self.config.queues:
            return None
        if info.stride == SENDER_ROW_BYTES and index >= self.config.senders:
            return None
        if info.name == "CONTEXT" and index >= self.config.all_contexts:
            return None
        if info.name == "PAGE" and not 0 < index <= self.config.pages:
            return None
        if info.name == "CAPABILITIES" and not self.pages[number].kernel:
            return None
        return info.name, index, info.bits

    # ------------------------------------------------------------------------------------ control page

    def _read_identity(self, _, __):
        config = self.config
        return (VERSION | config.queues << 8 | config.depth << 16 | config.pages << 24 | config.contexts << 32
                | config.senders << 40 | config.harts << 48)

    def _read_pending(self, _, __):
        return self.pending

    def _read_interrupt_enable(self, _, __):
        return self.interrupt_enable

    def _write_interrupt_enable(self, _, __, value):
        self.interrupt_enable = value & ((1 << self.config.queues) - 1)

    def _read_interrupt_coalescing(self, _, __):
        return self.threshold | self.delay << 32

    def _write_interrupt_coalescing(self, _, __, value):
        self.threshold, self.delay = value & 0xff, value >> 32 & ((1 << RATE_BITS) - 1)

    def _write_wipe(self, _, __, value):
        if value & _MASK32 >= self.config.queues:
            return False
        self._empty(self.queues[value & _MASK32])
        return True

    def _read_statistic(self, _, index):
        return self.statistics[index]

    def _read_page(self, _, index):
        page = self.pages[index]
        return page.space | page.enabled << 32 | page.kernel << 33

    def _write_page(self, _, index, value):
        self.pages[index] = _Page(value & _MASK32, bool(value >> 32 & 1), bool(value >> 33 & 1))

    def _read_context(self, _, index):
        return self.contexts[index].space | self.contexts[index].enabled << 32

    def _write_context(self, _, index, value):
        self.contexts[index] = _Context(value & _MASK32, bool(value >> 32 & 1))

    def _read_queue_binding(self, _, index):
        return self.queues[index].endpoint | self.queues[index].enabled << 32

    def _write_queue_binding(self, _, index, value):
        queue = self.queues[index]
        self._empty(queue)
        queue.endpoint, queue.enabled = value & _MASK32, bool(value >> 32 & 1)

    def _read_sender_binding(self, _, index):
        return self.senders[index].space | self.senders[index].enabled << 32

    def _write_sender_binding(self, _, index, value):
        sender = self.senders[index]
        sender.space, sender.enabled, sender.debt = value & _MASK32, bool(value >> 32 & 1), 0

    def _read_sender_rate(self, _, index):
        return self.senders[index].period | self.senders[index].window << 32

    def _write_sender_rate(self, _, index, value):
        sender = self.senders[index]
        sender.period, sender.window = value & ((1 << RATE_BITS) - 1), value >> 32 & ((1 << RATE_BITS) - 1)
        sender.debt = 0

    def _read_queue_fill(self, _, index):
        return len(self.queues[index].messages)

    def _empty(self, queue):
        queue.messages.clear()
        self._close_views(queue)

    def _close_views(self, queue):
        for page in self.pages + self.contexts:
            if page.view_queue is queue:
                page.view = page.view_queue = None

    # ------------------------------------------------------------------------------------ thread pages

    def _stage(self, number, index, value, select):
        staging = self.pages[number].staging
        for byte in range(WORD_BYTES):
            if select >> byte & 1:
                mask = 0xff << 8 * byte
                staging[index] = staging[index] & ~mask | value & mask

    def _read_message(self, number, index):
        return self.pages[number].staging[index]

    def _read_capabilities(self, number, index):
        return self.pages[number].staging[MESSAGE_WORDS + index]

    def _read_status(self, number, _):
        return self.pages[number].status.value

    def _read_head_message(self, number, index):
        view = self.pages[number].view
        return view.payload[index] if view else 0

    def _read_head_capabilities(self, number, index):
        return self._read_head_message(number, MESSAGE_WORDS + index)

    def _read_head_badge(self, number, _):
        view = self.pages[number].view
        return view.badge if view else 0

    def _read_head_sender(self, number, _):
        page = self.pages[number]
        return page.view.space if page.view and page.kernel else 0

    def _find_queue(self, page, handle, rights):
        """The queue behind a handle and the badge, or the status that refuses."""
        verdict, object_id, badge = self.check(page.space, handle, CapType.ENDPOINT, rights)
        if verdict != Verdict.OK:
            undecided = verdict == Verdict.UNDECIDED
            self.statistics[Statistic.UNDECIDED if undecided else Statistic.REFUSED] += 1
            page.status = MailStatus(verdict.value)
            return None, 0
        for queue in self.queues:
            if queue.enabled and queue.endpoint == object_id:
                return queue, badge
        self._end(page, MailStatus.UNBOUND, Statistic.UNBOUND)
        return None, 0

    def _end(self, page, status, statistic=None):
        page.status = status
        if statistic is not None:
            self.statistics[statistic] += 1

    def _write_send(self, number, _, value):
        page = self.pages[number]
        if self._send(page, value, page.staging):
            page.staging = [0] * _PAYLOAD

    def _send(self, page, handle, words):
        """Send; `words` may be None if there are not enough. Whether a message was stored."""
        queue, badge = self._find_queue(page, handle & _MASK32, Rights.SEND)
        if queue is None:
            return False
        sender = next((each for each in self.senders if each.enabled and each.space == page.space), _Sender())
        if words is None:
            self._end(page, MailStatus.RETRY)
        elif len(queue.messages) == self.config.depth:
            self._end(page, MailStatus.FULL, Statistic.FULL)
        elif sender.period and sender.debt + sender.period > sender.window:
            self._end(page, MailStatus.RATE_LIMITED, Statistic.RATE_LIMITED)
        else:
            sender.debt += sender.period
            queue.messages.append(Message(tuple(words), badge, page.space))
            self._end(page, MailStatus.OK, Statistic.SENT)
            return True
        return False

    def _write_receive(self, number, _, value):
        self._receive(self.pages[number], value)

    def _receive(self, page, value):
        page.view = page.view_queue = None
        queue, _ = self._find_queue(page, value & _MASK32, Rights.RECEIVE)
        if queue is not None and not self._open(page, queue):
            self.statistics[Statistic.NOTHING] += 1

    def _open(self, page, queue):
        if not queue.messages:
            page.status = MailStatus.NO_MESSAGE
        elif queue.messages[0].carries and not page.kernel:
            page.status = MailStatus.NEEDS_KERNEL
        else:
            page.status = MailStatus.OK
            page.view, page.view_queue = queue.messages[0], queue
            return True
        return False

    def _write_pop(self, number, _, value, then_open=False):
        page = self.pages[number]
        seen = page.view_queue
        page.view = page.view_queue = None
        queue, _ = self._find_queue(page, value & _MASK32, Rights.RECEIVE)
        if queue is None:
            return
        if seen is not queue:
            self._end(page, MailStatus.LOST, Statistic.NOTHING)
            return
        queue.messages.popleft()
        self._close_views(queue)
        self._end(page, MailStatus.OK, Statistic.RECEIVED)
        if then_open:
            self._open(page, queue)

    def _write_next(self, number, _, value):
        self._write_pop(number, _, value, then_open=True)

    # ------------------------------------------------------------------------------------ instructions

    def reset_hart(self, hart: int):
        """Nothing of this hart stays; messages that it has sent do."""
        for number in range(hart * self.config.contexts, (hart + 1) * self.config.contexts):
            self.contexts[number] = _Context()

    def forget(self):
        """The capability unit forgets something."""
        for context in self.contexts:
            context.view = context.view_queue = None

    def execute(self, number: int, name: str, rs1: int = 0, rs2: int = 0) -> int | None:
        """What rd receives from the instruction `name` in thread context `number` of all; None: it keeps its value."""
        self._rest()
        context = self.contexts[number]
        operation = name.removeprefix("mail.")
        if operation.startswith("put"):
            context.pairs[int(operation[3:])] = (rs1, rs2)
            return None
        if operation.startswith("get"):
            return context.view.payload[int(operation[3:])] if context.view else 0
        if operation == "pop":
            return self._pop_open(context)
        if not context.enabled:
            return MailStatus.UNBOUND.value
        if operation == "receive":
            self._receive(context, rs1)
        elif operation == "send":
            whole = len(context.pairs) == MESSAGE_WORDS // 2
            words = [word for pair in sorted(context.pairs) for word in context.pairs[pair]] if whole else None
            self._send(context, rs1, [*words, *[0] * (_PAYLOAD - MESSAGE_WORDS)] if whole else None)
            if context.status in (MailStatus.OK, MailStatus.RETRY):
                context.pairs = {}
        else:
            raise ValueError(f"The mailbox has no instruction {name!r}")
        return context.status.value

    def _pop_open(self, context):
        """Status and badge of `mail.pop`."""
        queue = context.view_queue
        if queue is None:
            self.statistics[Statistic.NOTHING] += 1
            return MailStatus.LOST.value
        message = queue.messages.popleft()
        self._close_views(queue)
        self.statistics[Statistic.RECEIVED] += 1
        return MailStatus.OK.value | message.badge << 32
