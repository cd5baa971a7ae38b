"""IPC mailbox (DESIGN 6): hardware queues of messages whose senders and receivers the capability unit checks.

Three parts work side by side. The *bus* part decodes one access at a time and never waits for a check, because the
unit may need the same bus to walk its tables. The *command* part takes the pages that stored a command in turn,
asks the unit and decides in one cycle. The *sequencer* moves words: it copies a message whose sender was found in
order, wipes what changes hands, and clears all memories after reset. The bus waits only for the sequencer, whose
work is bounded. See docs/datasheet/mailbox.md.
"""

from amaranth import *
from amaranth.lib import enum, memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2, exact_log2

from ..abi import CapType, MailStatus, Rights, Verdict
from ..bus import wishbone
from ..capability.check import CheckPort
from .check_client import CheckClient
from .config import FAULTS, MailboxConfig
from .queue_table import QueueTable
from .rate_limit import RateLimiter
from .registers import (
    VERSION,
    WINDOW_BYTES,
    WORD_BYTES,
    ControlPage,
    Identity,
    PageBinding,
    QueueRate,
    QueueWord,
    Statistic,
    ThreadPage,
    memory_map,
)

__all__ = ["Mailbox"]


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


def _word(offset):
    return offset // WORD_BYTES


class Mailbox(wiring.Component):
    """The mailbox.

    Parameters
    ----------
    config : MailboxConfig

    Attributes
    ----------
    bus : In(wishbone.Signature)
        The window of 16 pages, with its memory map.
    check : Out(CheckPort())
        To the capability unit.
    irq : Out(1)
        High while a queue with its interrupt enabled holds a message.
    clearing : Out(1)
        High after reset until all memories are zero; accesses wait.
    fault : In(n)
        Only if the configuration lists faults: switches them on.
    """

    def __init__(self, config=None):
        config = MailboxConfig() if config is None else config
        if not isinstance(config, MailboxConfig):
            raise TypeError(f"Configuration must be a MailboxConfig, not {config!r}")
        self.config = config
        #: Words of a queue entry or of a page's staging: message, capabilities, then badge and space.
        self._entry_words = 1 << ceil_log2(config.message_words + config.capability_words + 1)
        ports = {
            "bus": In(wishbone.peripheral_signature(exact_log2(WINDOW_BYTES))),
            "check": Out(CheckPort()),
            "irq": Out(1),
            "clearing": Out(1),
        }
        if config.faults:
            ports["fault"] = In(len(config.faults))
        super().__init__(ports)
        self.bus.memory_map = memory_map(config)

    def _fault(self, name):
        """The switch of a planted defect."""
        assert name in FAULTS
        return self.fault[self.config.faults.index(name)] if name in self.config.faults else Const(0)

    def elaborate(self, platform):
        m = Module()
        self._make_parts(m)
        self._make_bus(m)
        self._make_thread_page(m)
        self._make_control_page(m)
        self._make_commands(m)
        self._make_sequencer(m)
        return m

    def _make_parts(self, m):
        """Memories, submodules and the state of each page."""
        config = self.config
        words = self._entry_words
        m.submodules.client = self.client = CheckClient(config.check_timeout)
        m.submodules.table = self.table = QueueTable(config.queues, config.depth)
        m.submodules.limiter = self.limiter = RateLimiter(config.queues)
        wiring.connect(m, wiring.flipped(self.check), self.client.check)
        m.d.comb += [
            self.client.late_fault.eq(self._fault("late_answer")),
            self.client.timeout_fault.eq(self._fault("timeout_is_ok")),
        ]

        # Index 0 stands for the control page and stays unused.
        pages = config.pages + 1
        m.submodules.staging = staging = memory.Memory(shape=64, depth=pages * words, init=[])
        self.staging_read = staging.read_port()
        self.staging_write = staging.write_port(granularity=8)
        m.submodules.entries = entries = memory.Memory(shape=64, depth=config.queues * config.depth * words,
                                                       init=[])
        self.entry_read = entries.read_port()
        self.entry_write = entries.write_port()
        m.submodules.handles = handles = memory.Memory(shape=32, depth=pages, init=[])
        self.handle_read = handles.read_port(domain="comb")
        self.handle_write = handles.write_port()
        m.submodules.spaces = spaces = memory.Memory(shape=32, depth=pages, init=[])
        self.space_read = spaces.read_port(domain="comb")
        self.space_shown = spaces.read_port(domain="comb")
        self.space_write = spaces.write_port()
        m.submodules.statistics = statistics = memory.Memory(shape=32, depth=len(Statistic), init=[])
        self.statistic_read = statistics.read_port(domain="comb")
        self.statistic_write = statistics.write_port()

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
        m.d.comb += self.irq.eq((self.table.not_empty
                                 & (self.interrupt_enable | self._fault("interrupt_always").replicate(
                                     config.queues))).any())

        # The sequencer.
        self.settled = Signal()
        self.copy_queue = Signal(range(config.queues))
        self.copy_page = Signal(range(pages))
        self.wipe_queue = Signal(range(config.queues))
        self.wipe_page = Signal(range(pages))
        self.start_copy, self.start_wipe_queue, self.start_wipe_page = Signal(), Signal(), Signal()
        # The command that is being checked.
        self.active_page = Signal(range(pages))
        self.killed = Signal()

    def _make_bus(self, m):
        """Accept an access, acknowledge it in the next cycle; a read's data comes with the acknowledge."""
        bus, config = self.bus, self.config
        self.page = bus.adr[9:]
        self.word = bus.adr[:9]
        #: The page number where it exists, to index with.
        self.index = Signal(range(config.pages + 1))
        self.ok, self.accept = Signal(), Signal()
        self.data = Signal(64)
        self.source = Signal(Source)
        request = bus.cyc & bus.stb & ~bus.ack & ~bus.err
        # A status may be read at any time; all else waits for a decision that is being made and for the sequencer.
        poll = (self.page != 0) & (self.word == _word(ThreadPage.STATUS)) & ~bus.we & ~self.clearing
        m.d.comb += [
            self.index.eq(self.page),
            self.accept.eq(request & ((self.settled & ~self.client.done) | poll)),
        ]
        m.d.sync += [bus.ack.eq(self.accept & self.ok), bus.err.eq(self.accept & ~self.ok)]

        source, data, sees, is_kernel = Signal(Source), Signal(64), Signal(), Signal()
        with m.If(self.accept):
            m.d.sync += [
                source.eq(self.source),
                data.eq(self.data),
                sees.eq(self.view_open.bit_select(self.index, 1)),
                is_kernel.eq(self.kernel.bit_select(self.index, 1)),
            ]
        with m.If(bus.ack):
            with m.Switch(source):
                with m.Case(Source.REGISTER):
                    m.d.comb += bus.dat_r.eq(data)
                with m.Case(Source.STAGING):
                    m.d.comb += bus.dat_r.eq(self.staging_read.data)
                with m.Case(Source.HEAD):
                    m.d.comb += bus.dat_r.eq(Mux(sees, self.entry_read.data, 0))
                with m.Case(Source.BADGE):
                    m.d.comb += bus.dat_r.eq(Mux(sees, self.entry_read.data[:32], 0))
                with m.Case(Source.SENDER):
                    m.d.comb += bus.dat_r.eq(Mux(sees & is_kernel, self.entry_read.data[32:], 0))

    def _covers(self, bits):
        """Whether a store writes at least the lowest `bits` bits."""
        return self.bus.sel[:-(-bits // 8)].all()

    def _make_thread_page(self, m):
        """Decode of pages 1 and up."""
        bus, config, word, index = self.bus, self.config, self.word, self.index
        messages, capabilities = config.message_words, config.capability_words
        enabled = self.enabled.bit_select(index, 1)
        kernel = self.kernel.bit_select(index, 1)
        may_store = bus.we & ~self.busy.bit_select(index, 1)

        # Both memories hold a message's words in the page's order, with the badge's word behind.
        within = Signal(range(self._entry_words))
        capability = word[:3] + messages
        with m.If(word[:4] < 8):
            m.d.comb += within.eq(word[:3])
        with m.Elif(word[:4] < 10):
            m.d.comb += within.eq(capability)
        with m.Else():
            m.d.comb += within.eq(messages + capabilities)
        self.bus_within = within
        # Half of the page's first words: 0 staging, 1 commands, 2 open message.
        part = word[4:]
        in_message = word[:4] < messages
        in_capabilities = (word[:4] >= 8) & (word[:4] < 8 + capabilities)
        head = _word(ThreadPage.HEAD_MESSAGE)
        assert head == 0x20 and _word(ThreadPage.HEAD_CAPABILITIES) == head + 8
        assert _word(ThreadPage.CAPABILITIES) == 8 and _word(ThreadPage.MESSAGE) == 0

        view = self.view_queue[index]
        m.d.comb += [
            self.table.view.eq(view),
            self.entry_read.addr.eq(Cat(within, self.table.view_head, view)),
            self.entry_read.en.eq(1),
        ]
        first_command = _word(ThreadPage.SEND)
        is_command = (word >= first_command) & (word < first_command + len(Operation))
        self.store_staging = Signal()
        with m.If((self.page != 0) & (self.page <= config.pages) & enabled):
            with m.If(part == 0):
                # A user page's capability words do not exist: they fault, in both directions.
                may_pass = kernel | self._fault("anyone_stages_capabilities")
                m.d.comb += [
                    self.ok.eq((in_message | (in_capabilities & may_pass)) & (~bus.we | may_store)),
                    self.source.eq(Source.STAGING),
                    self.store_staging.eq(self.accept & self.ok & bus.we),
                ]
            with m.Elif(is_command & bus.we):
                m.d.comb += self.ok.eq(may_store & self._covers(32))
                with m.If(self.accept & self.ok):
                    m.d.sync += [
                        self.busy.bit_select(index, 1).eq(1),
                        self.waiting.bit_select(index, 1).eq(1),
                        self.operation[index].eq(Operation(word[:2])),
                        self.status[index].eq(MailStatus.BUSY),
                    ]
                    m.d.comb += self.handle_write.en.eq(1)
            with m.Elif((word == _word(ThreadPage.STATUS)) & ~bus.we):
                m.d.comb += [self.ok.eq(1), self.data.eq(self.status[index])]
            with m.Elif((part == head >> 4) & ~bus.we):
                with m.If(in_message | in_capabilities):
                    m.d.comb += [self.ok.eq(1), self.source.eq(Source.HEAD)]
                with m.Elif(word == _word(ThreadPage.HEAD_BADGE)):
                    m.d.comb += [self.ok.eq(1), self.source.eq(Source.BADGE)]
                with m.Elif(word == _word(ThreadPage.HEAD_SENDER)):
                    m.d.comb += [self.ok.eq(1), self.source.eq(Source.SENDER)]
        m.d.comb += [
            self.handle_write.addr.eq(index),
            self.handle_write.data.eq(bus.dat_w[:32]),
        ]

    def _make_control_page(self, m):
        """Decode of page 0."""
        bus, config, word = self.bus, self.config, self.word
        table, limiter = self.table, self.limiter
        identity = Signal(Identity)
        m.d.comb += [
            identity.version.eq(VERSION),
            identity.queues.eq(config.queues),
            identity.depth.eq(config.depth),
            identity.pages.eq(config.pages),
        ]
        accepted = self.accept & self.ok & bus.we
        #: Stores that change what a check's answer means: no answer is taken in the same cycle.
        self.bus_queue = Signal(range(config.queues))
        row_words = 4
        queue, column = word[2:7], word[:2]
        pages, queues = _word(ControlPage.PAGES), _word(ControlPage.QUEUES)
        statistics = _word(ControlPage.STATISTICS)
        assert pages % 16 == 0 and queues % (32 * row_words) == 0 and statistics % len(Statistic) == 0

        shown = Signal(PageBinding)
        binding = PageBinding(bus.dat_w[:PageBinding.as_shape().size])
        target = word[:4]
        self.bind_page = Signal()
        m.d.comb += [
            self.space_shown.addr.eq(target),
            shown.space.eq(self.space_shown.data),
            shown.enabled.eq(self.enabled.bit_select(target, 1)),
            shown.kernel.eq(self.kernel.bit_select(target, 1)),
            self.wipe_page.eq(target),
            self.wipe_queue.eq(self.bus_queue),
            self.bus_queue.eq(queue),
            table.new_binding.eq(bus.dat_w),
            limiter.new_rate.eq(bus.dat_w),
        ]
        with m.If(self.page == 0):
            with m.If(word == _word(ControlPage.IDENTITY)):
                m.d.comb += [self.ok.eq(~bus.we), self.data.eq(identity)]
            with m.Elif(word == _word(ControlPage.PENDING)):
                m.d.comb += [self.ok.eq(~bus.we), self.data.eq(table.not_empty)]
            with m.Elif(word == _word(ControlPage.INTERRUPT_ENABLE)):
                m.d.comb += [self.ok.eq(~bus.we | self._covers(32)), self.data.eq(self.interrupt_enable)]
                with m.If(accepted):
                    m.d.sync += self.interrupt_enable.eq(bus.dat_w)
            with m.Elif(word == _word(ControlPage.WIPE)):
                m.d.comb += [
                    self.ok.eq(bus.we & self._covers(32) & (bus.dat_w[:32] < config.queues)),
                    self.bus_queue.eq(bus.dat_w),
                    self.start_wipe_queue.eq(accepted),
                    table.wipe.eq(accepted),
                ]
            with m.Elif(word[3:] == statistics >> 3):
                m.d.comb += [self.ok.eq(~bus.we), self.data.eq(self.statistic_read.data)]
            with m.Elif((word[4:] == pages >> 4) & (target != 0) & (target <= config.pages)):
                m.d.comb += [
                    self.ok.eq(~bus.we | self._covers(34)),
                    self.data.eq(shown),
                    self.bind_page.eq(accepted),
                    self.start_wipe_page.eq(accepted & ~self._fault("keep_staging")),
                ]
            with m.Elif((word[7:] == queues >> 7) & (queue < config.queues)):
                with m.Switch(column):
                    with m.Case(QueueWord.BINDING):
                        m.d.comb += [
                            self.ok.eq(~bus.we | self._covers(33)),
                            self.data.eq(table.binding),
                            table.bind.eq(accepted),
                            self.start_wipe_queue.eq(accepted),
                        ]
                    with m.Case(QueueWord.RATE):
                        m.d.comb += [
                            self.ok.eq(~bus.we | self._covers(QueueRate.as_shape().size)),
                            self.data.eq(limiter.rate),
                            limiter.write.eq(accepted),
                        ]
                    with m.Case(QueueWord.FILL):
                        m.d.comb += [self.ok.eq(~bus.we), self.data.eq(table.count)]

        with m.If(self.bind_page):
            m.d.sync += [
                self.enabled.bit_select(target, 1).eq(binding.enabled),
                self.kernel.bit_select(target, 1).eq(binding.kernel),
                self.status[target].eq(MailStatus.IDLE),
                self.view_open.bit_select(target, 1).eq(0),
            ]
            with m.If(~self._fault("no_kill")):
                m.d.sync += [
                    self.busy.bit_select(target, 1).eq(0),
                    self.waiting.bit_select(target, 1).eq(0),
                ]
                with m.If(~self.client.idle & (self.active_page == target)):
                    m.d.sync += self.killed.eq(1)
        m.d.comb += [
            self.space_write.addr.eq(target),
            self.space_write.data.eq(binding.space),
            self.space_write.en.eq(self.bind_page),
        ]
        self.close_views(m, self.bus_queue, table.wipe | table.bind)

    def close_views(self, m, queue, condition):
        """No page sees the first message of `queue` any more."""
        for page in range(1, self.config.pages + 1):
            with m.If(condition & (self.view_queue[page] == queue)):
                m.d.sync += self.view_open[page].eq(0)

    def _make_commands(self, m):
        """Take waiting pages in turn, have them checked, decide."""
        config, client, table = self.config, self.client, self.table
        page = self.active_page
        chosen = Signal.like(page)
        last = Signal.like(page)
        for turn in (self.waiting, self.waiting & ~((2 << last) - 1)):
            for candidate in reversed(range(1, config.pages + 1)):
                with m.If(turn[candidate]):
                    m.d.comb += chosen.eq(candidate)
        control_store = self.accept & self.bus.we & (self.page == 0)
        asking = Signal.like(page)
        operation = self.operation[asking]
        needs_send = (operation == Operation.SEND) | self._fault("wrong_right")
        m.d.comb += [
            client.start.eq(client.idle & self.waiting.any() & ~control_store),
            client.hold.eq(control_store),
            asking.eq(Mux(client.idle, chosen, page)),
            self.handle_read.addr.eq(asking),
            self.space_read.addr.eq(asking),
            client.query.handle.eq(self.handle_read.data),
            client.query.cap_type.eq(CapType.ENDPOINT),
            client.query.rights.eq(Mux(needs_send, Rights.SEND, Rights.RECEIVE)),
            client.space.eq(Mux(self._fault("wrong_space"), 0, self.space_read.data)),
        ]
        with m.If(client.start):
            m.d.sync += [
                page.eq(chosen),
                last.eq(chosen),
                self.killed.eq(0),
                self.waiting.bit_select(chosen, 1).eq(0),
            ]

        # The endpoint's queue is looked up while the answer arrives. No binding changes between that and the
        # decision: the client holds for a store to page 0 and the bus waits while `done`.
        found, queue = Signal(), Signal(range(config.queues))
        m.d.comb += table.object_id.eq(self.check.response.payload.object_id)
        with m.If(client.arrive):
            m.d.sync += [found.eq(table.found), queue.eq(table.found_queue)]

        decide = Signal()
        m.d.comb += [
            decide.eq(client.done & self.settled),
            client.take.eq(decide),
        ]
        self.decide_queue = queue
        self._decide(m, decide & ~self.killed, found, queue)

    def _decide(self, m, decide, found, queue):
        """The one cycle in which a command takes effect or is refused."""
        client, table, limiter, page = self.client, self.table, self.limiter, self.active_page
        operation = self.operation[page]
        kernel = self.kernel.bit_select(page, 1) | self._fault("anyone_receives_capabilities")
        refused = (client.answer.verdict != Verdict.OK) & ~self._fault("store_on_refusal")
        full = table.count == self.config.depth
        sees = self.view_open.bit_select(page, 1) & (self.view_queue[page] == queue)
        status = Signal(MailStatus)
        event, counts = Signal(Statistic), Signal()
        open_view = Signal()
        m.d.comb += counts.eq(1)

        def outcome(new_status, statistic=None):
            m.d.comb += status.eq(new_status)
            m.d.comb += counts.eq(0) if statistic is None else event.eq(statistic)

        def open_next(has_message, has_capabilities):
            """Open a message if there is one that the page may have."""
            with m.If(~has_message):
                m.d.comb += status.eq(MailStatus.NO_MESSAGE)
            with m.Elif(has_capabilities & ~kernel):
                m.d.comb += status.eq(MailStatus.NEEDS_KERNEL)
            with m.Else():
                m.d.comb += [status.eq(MailStatus.OK), open_view.eq(1)]

        remove = Signal()
        with m.If(refused):
            known = client.answer.verdict.as_value() < Verdict.UNDECIDED.value
            with m.If(known):
                outcome(client.answer.verdict.as_value(), Statistic.REFUSED)
            with m.Else():
                outcome(MailStatus.UNDECIDED, Statistic.UNDECIDED)
        with m.Elif(~found & ~self._fault("store_on_refusal")):
            outcome(MailStatus.UNBOUND, Statistic.UNBOUND)
        with m.Elif(operation == Operation.SEND):
            with m.If(full & ~self._fault("overwrite_when_full")):
                outcome(MailStatus.FULL, Statistic.FULL)
            with m.Elif(~limiter.allowed & ~self._fault("no_rate_limit")):
                outcome(MailStatus.RATE_LIMITED, Statistic.RATE_LIMITED)
            with m.Else():
                outcome(MailStatus.OK, Statistic.SENT)
                m.d.comb += [self.start_copy.eq(decide), limiter.charge.eq(decide)]
        with m.Elif(operation == Operation.RECEIVE):
            open_next(table.count != 0, table.head_capabilities)
            m.d.comb += [event.eq(Statistic.NOTHING), counts.eq(~open_view)]
        with m.Elif(~sees):
            outcome(MailStatus.LOST, Statistic.NOTHING)
        with m.Else():
            outcome(MailStatus.OK, Statistic.RECEIVED)
            m.d.comb += remove.eq(decide)
            with m.If(operation == Operation.NEXT):
                open_next(table.count > 1, table.next_capabilities)

        m.d.comb += table.pop.eq(remove)
        with m.If(self._fault("lose_on_pop") & (table.count > 1)):
            m.d.comb += table.pop_count.eq(2)
        with m.If(self._fault("duplicate_on_pop")):
            m.d.comb += table.pop_count.eq(0)
        m.d.comb += [
            self.copy_page.eq(page),
            self.statistic_read.addr.eq(Mux(client.done, event, self.word[:3])),
            self.statistic_write.addr.eq(event),
            self.statistic_write.data.eq(self.statistic_read.data + 1),
            self.statistic_write.en.eq(decide & counts),
        ]
        with m.If(decide):
            m.d.sync += [
                self.status[page].eq(status),
                self.busy.bit_select(page, 1).eq(0),
            ]
        # A message that is gone is seen by nobody; a receiving command leaves its page with a view only if it
        # ends OK.
        self.close_views(m, queue, remove & ~self._fault("keep_view"))
        with m.If(decide & (operation != Operation.SEND)):
            with m.If(open_view):
                m.d.sync += [self.view_open.bit_select(page, 1).eq(1), self.view_queue[page].eq(queue)]
            with m.Elif(~self._fault("keep_view")):
                m.d.sync += self.view_open.bit_select(page, 1).eq(0)

    def _make_sequencer(self, m):
        """Move words: copy, wipe, clear. Owns the write side of all memories while it runs."""
        config, client, table = self.config, self.client, self.table
        words = self._entry_words
        payload = config.message_words + config.capability_words
        within_bits = ceil_log2(words)
        staging_words = (config.pages + 1) * words
        entry_words = config.queues * config.depth * words
        last_clear = max(staging_words, entry_words, len(Statistic)) - 1
        step = Signal(range(last_clear + 1))
        page, queue, tail = Signal.like(self.copy_page), Signal.like(self.copy_queue), Signal.like(table.tail)
        written = Signal(range(words))
        carries = Signal()
        clear, copy, wipe_page, wipe_queue = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [self.copy_queue.eq(self.decide_queue), self.clearing.eq(clear)]

        # One queue at a time is looked at: the sequencer's, the decision's, or the bus's.
        selected = Signal.like(queue)
        m.d.comb += [
            selected.eq(Mux(copy, queue, Mux(client.done, self.decide_queue, self.bus_queue))),
            table.select.eq(selected),
            self.limiter.select.eq(selected),
            self.limiter.clear.eq(clear),
            self.limiter.clear_index.eq(step),
        ]

        staging, entry = self.staging_write, self.entry_write
        m.d.comb += [
            self.staging_read.en.eq(1),
            self.staging_read.addr.eq(Cat(self.bus_within, self.index)),
            staging.addr.eq(Cat(self.bus_within, self.index)),
            staging.data.eq(self.bus.dat_w),
            staging.en.eq(Mux(self.store_staging, self.bus.sel, 0)),
        ]
        with m.FSM(init="clear") as fsm:
            m.d.comb += [clear.eq(fsm.ongoing("clear")), copy.eq(fsm.ongoing("copy")),
                         wipe_page.eq(fsm.ongoing("wipe_page")), wipe_queue.eq(fsm.ongoing("wipe_queue"))]
            with m.State("clear"):
                m.d.comb += [
                    staging.addr.eq(step), staging.data.eq(0), staging.en.eq((1 << 8) - 1),
                    entry.addr.eq(step), entry.en.eq(1),
                    self.handle_write.addr.eq(step), self.handle_write.data.eq(0), self.handle_write.en.eq(1),
                    self.space_write.addr.eq(step), self.space_write.data.eq(0), self.space_write.en.eq(1),
                    self.statistic_write.addr.eq(step), self.statistic_write.data.eq(0),
                    self.statistic_write.en.eq(1),
                ]
                m.d.sync += step.eq(step + 1)
                with m.If((step == last_clear) | self._fault("no_clear")):
                    m.d.sync += step.eq(0)
                    m.next = "idle"
                with m.If(self._fault("no_clear")):
                    m.d.comb += [staging.en.eq(0), entry.en.eq(0), self.handle_write.en.eq(0),
                                 self.space_write.en.eq(0), self.statistic_write.en.eq(0)]
            with m.State("idle"):
                m.d.comb += self.settled.eq(1)
                m.d.sync += carries.eq(0)
                with m.If(self.start_copy):
                    m.d.sync += [page.eq(self.copy_page), queue.eq(self.copy_queue), tail.eq(table.tail)]
                    m.next = "copy"
                with m.Elif(self.start_wipe_page):
                    m.d.sync += page.eq(self.wipe_page)
                    m.next = "wipe_page"
                with m.Elif(self.start_wipe_queue):
                    m.d.sync += queue.eq(self.wipe_queue)
                    m.next = "wipe_queue"
            with m.State("copy"):
                # Step s reads staged word s and writes word s-1, which is zeroed behind it: what was sent leaves
                # no residue. The first step writes badge and sender, which the client still holds.
                target = Mux(self._fault("mix_queues"), 0, queue)
                m.d.comb += [
                    written.eq(step - 1),
                    self.staging_read.addr.eq(Cat(step[:within_bits], page)),
                    entry.addr.eq(Cat(written, tail, target)),
                    entry.data.eq(self.staging_read.data),
                    entry.en.eq(1),
                    staging.addr.eq(Cat(written, page)),
                    staging.data.eq(0),
                    staging.en.eq(Mux(step != 0, (1 << 8) - 1, 0)),
                ]
                m.d.sync += step.eq(step + 1)
                with m.If(step == 0):
                    m.d.comb += [
                        written.eq(payload),
                        entry.data.eq(Cat(client.answer.badge, client.check.request.payload.space)),
                    ]
                with m.Elif(step > config.message_words):
                    m.d.sync += carries.eq(carries | (self.staging_read.data != 0))
                with m.If((step == config.message_words) & self._fault("drop_last_word")):
                    m.d.comb += entry.en.eq(0)
                with m.If(step == payload):
                    m.d.comb += [
                        table.push.eq(1),
                        table.push_capabilities.eq(carries | (self.staging_read.data != 0)),
                    ]
                    m.d.sync += step.eq(0)
                    m.next = "idle"
            with m.State("wipe_page"):
                m.d.comb += [staging.addr.eq(Cat(step[:within_bits], page)), staging.data.eq(0),
                             staging.en.eq((1 << 8) - 1)]
                m.d.sync += step.eq(step + 1)
                with m.If(step == words - 1):
                    m.d.sync += step.eq(0)
                    m.next = "idle"
            with m.State("wipe_queue"):
                m.d.comb += [entry.addr.eq(Cat(step[:ceil_log2(config.depth * words)], queue)), entry.en.eq(1)]
                m.d.sync += step.eq(step + 1)
                with m.If(step == config.depth * words - 1):
                    m.d.sync += step.eq(0)
                    m.next = "idle"
