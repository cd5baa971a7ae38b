"""Memories, submodules and signals that the sides of the mailbox share."""

from amaranth import *
from amaranth.lib import enum, memory
from amaranth.utils import ceil_log2

from ..abi import MailStatus
from .check_client import CheckClient
from .config import FAULTS
from .harts import HartSide
from .queue_table import QueueTable
from .rate_limit import RateLimiter
from .registers import WORD_BYTES, Coalescing, Statistic
from .sender_table import SenderTable

__all__ = ["PLACE_BITS", "Operation", "Parts", "Source", "word_of"]

#: Number of a place for the words that instructions staged of a pair.
PLACE_BITS = 2


class Operation(enum.Enum, shape=2):
    """Command of a thread page; the numbers follow from the order of the registers."""

    SEND = 0
    RECEIVE = 1
    POP = 2
    NEXT = 3


class Source(enum.Enum, shape=3):
    """Where the data of the read that is being acknowledged comes from."""

    REGISTER = 0
    STAGING = 1
    HEAD = 2
    BADGE = 3
    SENDER = 4
    STATISTIC = 5


def setting_bits(queues):
    """Bits of :func:`setting_address` for that many queues."""
    return 7 if queues <= 32 else 8


def setting_address(word, queues):
    """Place in the staging memory of a word of page 0 that reads as it was stored, the rows of queues without their
    other words. Those of the first 32 lie behind the rows of senders, those of the others behind them."""
    rows = Cat(word[2:7], C(0b11, 2), word[8])[:setting_bits(queues)]
    return Mux(word[7] | word[8], rows, word[:7])


def word_of(offset):
    """Number of the bus word at a byte offset."""
    return offset // WORD_BYTES


class Parts:
    """What the mailbox is made of.

    Parameters
    ----------
    config : MailboxConfig
    bus, check : Interface
        Ports of the mailbox.
    fault : Value or None
        Its port for planted defects.

    Attributes
    ----------
    settled : Signal
        The sequencer is idle.
    accept, ok : Signal
        The bus access that is offered is taken in this cycle; it is a good one.
    """

    def __init__(self, config, bus, check, fault):
        self.config = config
        self.bus = bus
        self.check = check
        self._faults = fault
        #: Words of a queue entry or of a page's staging: message, capabilities, then badge and space.
        self.entry_words = 1 << ceil_log2(config.message_words + config.capability_words + 1)
        words = self.entry_words
        self.client = CheckClient(config.check_timeout)
        self.table = QueueTable(config.queues, config.depth, config.harts)
        # Index 0 stands for the control page and stays unused.
        pages = config.pages + 1
        #: Pages, and behind them contexts: those who have a space and send.
        self.owners = pages + config.all_contexts
        self.senders = SenderTable(config.senders, self.owners)
        self.limiter = RateLimiter(config.senders)
        # What page 0 reads back of what was stored there lies in the upper half, see `setting_address`.
        low_bits = max(setting_bits(config.queues), ceil_log2(pages) + ceil_log2(words))
        self.staging = memory.Memory(shape=64, depth=2 << low_bits, init=[], attrs={"ram_style": "block"})
        self.staging_read = self.staging.read_port()
        self.staging_write = self.staging.write_port(granularity=8)
        self.entries = memory.Memory(shape=64, depth=config.queues * config.depth * words, init=[],
                                     attrs={"ram_style": "block"})
        self.entry_read = self.entries.read_port()
        self.entry_write = self.entries.write_port()
        self.handles = memory.Memory(shape=32, depth=pages, init=[])
        self.handle_read = self.handles.read_port(domain="comb")
        self.handle_write = self.handles.write_port()
        self.spaces = memory.Memory(shape=32, depth=self.owners, init=[])
        self.space_read = self.spaces.read_port(domain="comb")
        self.space_shown = self.spaces.read_port(domain="comb")
        self.space_write = self.spaces.write_port()
        self.statistics = memory.Memory(shape=32, depth=len(Statistic), init=[])
        self.statistic_read = self.statistics.read_port(domain="comb")
        self.statistic_write = self.statistics.write_port()

        self.enabled = Signal(pages)
        self.kernel = Signal(pages)
        #: The page has a command that is not finished; `waiting`: nor begun.
        self.busy = Signal(pages)
        self.waiting = Signal(pages)
        self.operation = Array(Signal(Operation, name=f"operation{page}") for page in range(pages))
        self.status = Array(Signal(MailStatus, init=MailStatus.IDLE, name=f"status{page}")
                            for page in range(pages))
        #: The page sees the first message of queue `view_queue`.
        self.view_open = Signal(pages)
        self.view_queue = Array(Signal(range(config.queues), name=f"view_queue{page}") for page in range(pages))
        self.interrupt_enable = Signal(config.queues)
        self.coalescing = Signal(Coalescing)
        self._add_contexts()

        # The bus's access: its word in the page, the page where that exists, its place in the memories.
        self.page, self.word = bus.adr[9:], bus.adr[:9]
        self.index = Signal(range(pages))
        self.within = Signal(range(words))
        self.ok, self.accept = Signal(), Signal()
        self.data = Signal(64)
        self.source = Signal(Source)
        self.store_staging, self.bind_page = Signal(), Signal()
        #: A register of page 0 is stored: the bits that it has, all of those in bytes that it has not.
        self.store_setting, self.setting_bits = Signal(), Signal(64, init=-1)
        self.setting_lanes = Signal(8, init=-1)
        #: Where that access lies in the staging memory.
        self.staging_address = Signal(low_bits + 1)
        #: Queue that the bus asks about.
        self.bus_queue = Signal(range(config.queues))

        # The sequencer: what it does, how far it is, and with which page, queue and entry.
        self.settled, self.clearing, self.copying = Signal(), Signal(), Signal()
        #: All has been cleared: from a register, as instructions wait for it.
        self.cleared = Signal()
        self.wiping_page, self.wiping_queue, self.searching = Signal(), Signal(), Signal()
        self.last_clear = max(self.staging.depth, config.queues * config.depth * words, len(Statistic), config.senders,
                              self.owners) - 1
        self.step = Signal(range(self.last_clear + 1))
        self.moved_page = Signal(range(pages))
        self.moved_queue = Signal(range(config.queues))
        self.moved_entry = Signal(range(config.depth))
        #: A capability was among the words copied so far.
        self.carries = Signal()
        self.wipe_queue = Signal(range(config.queues))
        self.wipe_page = Signal(range(pages))
        self.start_copy, self.start_wipe_queue, self.start_wipe_page = Signal(), Signal(), Signal()
        #: Look for the bucket of one owner, or of all one after the other.
        self.start_search, self.search_all, self.search_owner = Signal(), Signal(), Signal(range(self.owners))
        self.searched = Signal(range(self.owners))
        #: An event of the cycle before is counted in this one.
        self.counting, self.counted = Signal(), Signal(Statistic)
        # The command that is being checked.
        self.active_page = Signal(range(pages))
        self.active_owner = Signal(range(self.owners))
        self.killed = Signal()
        #: The capability unit has begun to forget something in the cycle before.
        self.forgotten = Signal()
        #: So the answer for a page is dropped, and the page waits again.
        self.asks_again = Signal()
        #: The answer is there and may be acted on in this cycle or as soon as the sequencer is idle.
        self.deciding = Signal()
        #: An access of the bus, or a committed `mail.pop`, waits for the sequencer.
        self.bus_waits, self.pop_waits = Signal(), Signal()
        #: So an instruction's send is not decided in this cycle, the first one behind what the sequencer did.
        self.pauses = Signal()
        self.status_now = Signal(MailStatus)
        #: Its endpoint has a queue, and which.
        self.found = Signal()
        self.decide_queue = Signal(range(config.queues))

    def _add_contexts(self):
        """What belongs to the instructions. Without contexts all of it stays as it is after reset."""
        config = self.config
        contexts = range(max(config.all_contexts, 1))
        #: Pairs of message words, as `mail.put` stages them.
        self.pairs = -(-config.message_words // 2)
        self.context_enabled = Signal(len(contexts))
        self.context_view_open = Signal(len(contexts))
        #: A reset of its hart has taken the context's binding, and it has got no other.
        self.unbound = Signal(len(contexts))
        self.context_view_queue = Array(Signal(range(config.queues), name=f"context_view_queue{number}")
                                        for number in contexts)
        #: Bit p: pair p is staged. Its words lie at one of four places.
        self.staged = Array(Signal(self.pairs, name=f"staged{number}") for number in contexts)
        self.places = Array(Signal(PLACE_BITS * self.pairs, name=f"places{number}") for number in contexts)
        #: What belongs to each hart.
        self.sides = [HartSide(self, number) for number in range(config.harts)] if config.contexts else []
        #: The context is being bound anew in this cycle.
        self.binds_context = Signal(len(contexts))
        # The command that an instruction wants, and the one that is being checked.
        self.context = Signal(range(len(contexts)))
        self.wants, self.wants_send, self.wants_handle = Signal(), Signal(), Signal(32)
        self.wanting_hart = Signal(range(config.harts))
        self.starts_instruction = Signal()
        self.by_instruction, self.sends = Signal(), Signal()
        self.active_context = Signal(range(len(contexts)))
        #: Its hart; that of the message that is being copied.
        self.active_hart, self.moved_hart = Signal(range(config.harts)), Signal(range(config.harts))
        #: The message that is being copied is in its queue already, as what it lacks is written before it can be read.
        self.cuts_through = Signal()
        #: It is not committed, somebody else wants a check, and so its answer is dropped.
        self.gives_way = Signal()
        #: It has been discarded, and ends with RETRY.
        self.discarded = Signal()
        #: Its instruction is the oldest one and has been committed; its result is being taken.
        self.may_decide, self.taken = Signal(), Signal()
        #: `mail.pop` takes the tables in this cycle: of this queue, and with or without effect.
        self.pop_now, self.pop_queue, self.pop_removes = Signal(), Signal(range(config.queues)), Signal()
        # The message that is being copied was staged by instructions; its word `written`.
        self.moves_pairs = Signal()
        self.moved_context, self.moved_places = Signal(range(len(contexts))), Signal(PLACE_BITS * self.pairs)
        self.moved_word, self.written = Signal(64), Signal(range(self.entry_words))

    def context_owner(self, number):
        """A context among the owners."""
        return (self.config.pages + 1 + number)[:len(self.active_owner)]

    def fault(self, name):
        """The switch of a planted defect."""
        assert name in FAULTS
        return self._faults[self.config.faults.index(name)] if name in self.config.faults else Const(0)

    def add_to(self, m):
        """Make the parts submodules of `m`."""
        for name in ("client", "table", "senders", "limiter", "staging", "entries", "handles", "spaces", "statistics"):
            m.submodules[name] = getattr(self, name)

    def close_views(self, m, queue, condition):
        """No page and no context sees the first message of `queue` any more."""
        for page in range(1, self.config.pages + 1):
            with m.If(condition & (self.view_queue[page] == queue)):
                m.d.sync += self.view_open[page].eq(0)
        for context in range(self.config.all_contexts):
            with m.If(condition & (self.context_view_queue[context] == queue)):
                m.d.sync += self.context_view_open[context].eq(0)
