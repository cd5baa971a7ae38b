"""Harts at the mailbox: what each has for itself, and whose turn it is where they share.

Harts share the client that asks the capability unit, the queues and the sequencer, so of these one serves at a time. A
hart has no number that an instruction could name: what is its own follows from the port by which it comes.
"""

from amaranth import *

__all__ = ["HartSide", "add_harts"]


class HartSide:
    """What a hart's instructions say to the rest of the mailbox, and hear from it.

    Parameters
    ----------
    parts : Parts
    number : int
        Of the hart.

    Attributes
    ----------
    wants, wants_send, wants_handle, context : Signal
        An instruction of this context (of the hart's own) wants a check of this handle, to send or to receive.
    starts : Signal
        Its check begins in this cycle.
    serves, moves : Value
        The command that is being checked, if it is an instruction's, is this hart's; the message that is being copied.
    may_decide, take : Signal
        That instruction is the oldest one and has been committed; the hart takes a result.
    pops, pop_waits, may_pop : Signal, Signal, Value
        The oldest instruction is a `mail.pop`; and has been committed; it may happen in this cycle.
    pop_now, pop_queue, pop_removes : Signal
        It happens: to this queue, and with or without effect.
    moved_word : Signal
        Word of the message that is being copied, if it is this hart's.
    inside : SimpleNamespace
        For proofs.
    """

    def __init__(self, parts, number):
        config = parts.config
        self.number = number
        self._harts, self._contexts = config.harts, config.contexts
        prefix = self.name("")
        self.wants, self.wants_send, self.wants_handle = (Signal(width, name=f"{prefix}{name}") for name, width in (
            ("wants", 1), ("wants_send", 1), ("wants_handle", 32)))
        self.context = Signal(range(config.contexts), name=f"{prefix}context")
        self.starts = Signal(name=f"{prefix}starts")
        self.may_decide, self.take = Signal(name=f"{prefix}may_decide"), Signal(name=f"{prefix}take")
        self.pops, self.pop_waits, self.pop_now, self.pop_removes = (Signal(name=f"{prefix}{name}") for name in (
            "pops", "pop_waits", "pop_now", "pop_removes"))
        self.pop_queue = Signal(range(config.queues), name=f"{prefix}pop_queue")
        self.moved_word = Signal(64, name=f"{prefix}moved_word")
        alone = config.harts == 1
        self.serves, self.moves, self.may_pop = (
            C(1) if alone else Signal(name=f"{prefix}{name}") for name in ("serves", "moves", "may_pop"))

    def name(self, name):
        """`name` as this hart's, where there are others."""
        return name if self._harts == 1 else f"hart{self.number}_{name}"

    def own(self, all_contexts):
        """What belongs to its contexts, of an array or a signal with an element for each context of all harts."""
        first = self.number * self._contexts
        owned = all_contexts[first:first + self._contexts]
        return Array(owned) if isinstance(all_contexts, Array) else owned

    def number_among_all(self, context):
        """The number among those of all harts of one of its contexts."""
        return context + self.number * self._contexts

    def own_number(self, context):
        """The other way round; anything for another hart's context."""
        return (context - self.number * self._contexts)[:len(self.context)]


def add_harts(m, parts):
    """Give each hart its turn."""
    sides, client = parts.sides, parts.client
    if len(sides) == 1:
        side, = sides
        m.d.comb += [
            parts.wants.eq(side.wants), parts.wants_send.eq(side.wants_send), parts.wants_handle.eq(side.wants_handle),
            parts.context.eq(side.context), side.starts.eq(parts.starts_instruction),
            parts.may_decide.eq(side.may_decide), parts.taken.eq(side.take),
            parts.pop_now.eq(side.pop_now), parts.pop_queue.eq(side.pop_queue), parts.pop_removes.eq(side.pop_removes),
            parts.moved_word.eq(side.moved_word),
        ]
        return
    harts = range(len(sides))
    served, moved = parts.active_hart, Signal(range(len(sides)))
    wants = Cat(side.wants for side in sides)
    m.d.comb += moved.eq(Mux(parts.fault("other_staging"), 0, parts.moved_hart))

    # ---- who asks: the next one behind whoever asked last
    for last in harts:
        with m.If((served == last) & ~parts.fault("first_hart_first")):
            for distance in reversed(range(1, len(sides) + 1)):
                candidate = (last + distance) % len(sides)
                with m.If(wants[candidate]):
                    m.d.comb += parts.wanting_hart.eq(candidate)
    with m.If(parts.fault("first_hart_first")):
        m.d.comb += parts.wanting_hart.eq(~wants[0])
    # The question of the one that is served stays, until it has been taken.
    asking = Signal.like(served)
    m.d.comb += [parts.wants.eq(wants.any()), asking.eq(Mux(client.idle, parts.wanting_hart, served))]
    # An instruction may wait for its commit for as long as its hart sleeps. It gives way, and asks again.
    others = Cat(side.wants & ~side.serves for side in sides).any() | parts.waiting.any()
    m.d.comb += parts.gives_way.eq(client.done & parts.by_instruction & ~parts.killed & ~parts.may_decide & others
                                   & ~parts.fault("never_gives_way"))

    # ---- who removes a message: whoever is alone, or has the turn
    turn, pops = Signal(range(len(sides))), Cat(side.pops for side in sides)
    with m.If(parts.settled & ~parts.deciding):
        m.d.sync += turn.eq(Mux(turn == len(sides) - 1, 0, turn + 1))

    # ---- sends that come one behind the other leave the cycle between their copies to who waits for the sequencer
    paused = Signal()
    m.d.sync += paused.eq(~parts.settled & (parts.bus_waits | parts.pop_waits))
    m.d.comb += parts.pauses.eq(paused & parts.settled & parts.by_instruction & parts.sends
                                & ~parts.fault("never_pauses"))

    def either(name):
        return Cat(getattr(side, name) for side in sides).any()

    m.d.comb += [parts.may_decide.eq(either("may_decide")), parts.pop_now.eq(either("pop_now")),
                 parts.pop_waits.eq(either("pop_waits")), parts.pop_removes.eq(either("pop_removes")),
                 parts.taken.eq(Cat(side.take & side.serves for side in sides).any())]
    for side in sides:
        number = side.number
        m.d.comb += [
            side.serves.eq(served == number),
            side.moves.eq(parts.moved_hart == number),
            side.starts.eq(parts.starts_instruction & ((parts.wanting_hart == number)
                                                       | (parts.fault("drop_request") & side.wants))),
            side.may_pop.eq(((pops & ~(1 << number)) == 0) | (turn == number) | parts.fault("pop_together")),
        ]
        with m.If(parts.wanting_hart == number):
            m.d.comb += [
                parts.wants_send.eq(side.wants_send),
                parts.context.eq(Mux(parts.fault("other_hart"), side.context, side.number_among_all(side.context))),
            ]
        with m.If(asking == number):
            m.d.comb += parts.wants_handle.eq(side.wants_handle)
        with m.If(side.pop_now):
            m.d.comb += parts.pop_queue.eq(side.pop_queue)
        with m.If(moved == number):
            m.d.comb += parts.moved_word.eq(side.moved_word)
