"""Parameters of the capability unit."""

from dataclasses import dataclass

__all__ = ["BROADCAST_FAULTS", "CapabilityUnitConfig", "FAULTS", "MAX_HARTS"]

#: Units that one broadcast reaches at most.
MAX_HARTS = 4

#: Faults that tests can plant, to see benches and proofs go red. A product has none of them.
FAULTS = (
    #: Rights are not compared.
    "drop_rights",
    #: Types are not compared.
    "drop_type",
    #: The handle's tag is not compared.
    "drop_tag",
    #: A token whose generation is not the object's counts as live.
    "drop_generation",
    #: The valid bit of the slot is not looked at.
    "drop_valid",
    #: Invalidates report that they are done and forget nothing.
    "skip_invalidate",
    #: Invalidates let a walk in flight go on with what it has read.
    "keep_walk",
    #: A slot that changed while it was read is taken as it is.
    "skip_reread",
    #: Table bounds are not compared.
    "drop_bounds",
    #: State changes do not wait for the commit.
    "skip_commit",
    #: The lookaside buffer compares only half of the key.
    "drop_space",
    #: Revocation: the valid bit of an emptied slot stays.
    "keep_valid",
    #: The tag of an emptied slot stays.
    "keep_tag",
    #: Only first children are emptied.
    "skip_siblings",
    #: A slot whose descendants are being killed gets no mark.
    "skip_mark",
    #: A stop is not heard.
    "ignore_stop",
    #: Links are not compared with the table.
    "drop_links",
    #: A link to an empty slot is followed.
    "drop_slot_valid",
    #: A child's link to its parent is not compared.
    "drop_parent",
    #: Nobody notices that the root is reached again.
    "drop_cycle",
    #: An error of the bus passes for an answer.
    "drop_bus_error",
    #: A run does not make the lookaside buffer forget what it has emptied.
    "skip_settle",
    #: A run reports its end before the lookaside buffer has forgotten.
    "early_done",
    #: A store that comes true after its run has ended goes unnoticed.
    "drop_late",
    #: Only the root's object is forgotten, whatever was emptied.
    "drop_mixed",
    #: The parity of lines is not looked at.
    "drop_parity",
    #: A line with wrong parity is no hit, but stays where it is.
    "keep_bad",
    #: A line is filled whose numbers it has no room for.
    "keep_wide",
)

#: More of them, for units of several harts.
BROADCAST_FAULTS = (
    #: An invalidate is acknowledged when the units have been told, before they have forgotten.
    "early_ack",
    #: The last unit is told nothing.
    "leave_out",
    #: A walk in flight goes on when another hart's invalidate concerns it.
    "keep_remote_walk",
    #: An answer that waits to be taken outlives another hart's invalidate.
    "keep_remote_answer",
    #: A unit that waits for an invalidate of its own acknowledges those of others and does nothing.
    "lose_remote",
    #: A unit in reset counts as one that has forgotten.
    "reset_acks",
    #: Only the unit whose hart began the revocation is told what it has emptied.
    "keep_revoked",
    #: An invalidate that a unit has not answered in time passes for done.
    "silence_is_done",
    #: A unit that has not answered in time is told no more about it.
    "drop_late_unit",
    #: A unit that has not answered in time forgets only what it is told next.
    "narrow_late_unit",
    #: What a unit finishes late passes for what it has been told since.
    "count_once",
)


@dataclass(frozen=True)
class CapabilityUnitConfig:
    """Parameters of the capability unit.

    Attributes
    ----------
    harts : int
        Units that stay coherent, each with a capability port, a lookaside buffer and a walker of its own; 1 to 4.
    lines : int
        Slots that the lookaside buffer holds; a power of two, at least two sets of `ways`.
    ways : int
        Lines of a set; a power of two, at least 2.
    max_walk_cycles : int
        A table walk that takes longer ends in a refusal; a run of the revocation engine ends when one transfer does.
    patience : int
        Cycles that the check port and the window wait for a lookup before they go ahead of the instruction port, and
        that the revocation engine waits for a walk before it goes ahead with a slot.
    memory_base, memory_bytes : int
        Where tables may lie. The walker never reads outside, so that no table content makes it touch a device.
    counters : bool
        Whether the window has statistics counters.
    revocation : bool
        Whether there is a revocation engine. Without it, `cap.revoke` is an illegal instruction, the window has neither
        its command nor its registers, and software revokes. Units of several harts have one.
    error_injection : bool
        For tests: whether the window has a register that flips a bit of the lookaside buffer. It is no way around the
        parity, but whoever reaches it can make the unit forget.
    faults : frozenset of str
        For tests: names out of :data:`FAULTS`, and with more than one hart :data:`BROADCAST_FAULTS`, to plant.
    fault_inputs : bool
        For tests: give the unit an input `faults` with one bit for each of `known_faults`.

    Raises
    ------
    TypeError, ValueError
        For values outside these rules.
    """

    lines: int = 256
    ways: int = 2
    max_walk_cycles: int = 2048
    patience: int = 16
    memory_base: int = 0x8000_0000
    memory_bytes: int = 0x8000_0000
    counters: bool = True
    revocation: bool = True
    error_injection: bool = False
    harts: int = 1
    faults: frozenset = frozenset()
    fault_inputs: bool = False

    def __post_init__(self):
        for name in ("lines", "ways", "max_walk_cycles", "patience", "memory_base", "memory_bytes", "harts"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise TypeError(f"{name} must be a non-negative integer, not {value!r}")
        for name in ("counters", "revocation", "error_injection"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name} must be true or false, not {getattr(self, name)!r}")
        if self.ways < 2 or self.ways & (self.ways - 1):
            raise ValueError(f"ways must be a power of two and at least 2, not {self.ways}")
        if self.lines & (self.lines - 1) or self.lines < 2 * self.ways:
            raise ValueError(f"lines must be a power of two and at least {2 * self.ways}, not {self.lines}")
        if self.lines // self.ways > 1 << 16:
            raise ValueError(f"lines must make at most 65536 sets, not {self.lines // self.ways}")
        if self.max_walk_cycles < 16:
            raise ValueError(f"max_walk_cycles must be at least 16, not {self.max_walk_cycles}")
        if self.patience < 1:
            raise ValueError(f"patience must be at least 1, not {self.patience}")
        if self.memory_bytes == 0 or self.memory_bytes & (self.memory_bytes - 1):
            raise ValueError(f"memory_bytes must be a power of two, not {self.memory_bytes:#x}")
        if self.memory_base % self.memory_bytes:
            raise ValueError(f"memory_base must be a multiple of memory_bytes, not {self.memory_base:#x}")
        if self.memory_base + self.memory_bytes > 1 << 32:
            raise ValueError(f"memory must end within 32 bits, not at "
                             f"{self.memory_base + self.memory_bytes:#x}")
        if not 1 <= self.harts <= MAX_HARTS:
            raise ValueError(f"harts must be 1 to {MAX_HARTS}, not {self.harts}")
        if self.harts > 1 and not self.revocation:
            raise ValueError(f"revocation must be true with {self.harts} harts")
        unknown = set(self.faults) - set(self.known_faults)
        if unknown:
            raise ValueError(f"faults must be out of {', '.join(self.known_faults)}, not {', '.join(sorted(unknown))}")

    @property
    def sets(self):
        """Sets of the lookaside buffer."""
        return self.lines // self.ways

    @property
    def known_faults(self):
        """Names of the faults that can be planted."""
        return FAULTS + BROADCAST_FAULTS if self.harts > 1 else FAULTS

    @property
    def max_broadcast_cycles(self):
        """Cycles that all units together have for an invalidate: each may have to clear its buffer, after a reset, and
        to sweep it. Who asks the check port has the rest for taking an answer."""
        return self.max_walk_cycles + 2 * self.sets
