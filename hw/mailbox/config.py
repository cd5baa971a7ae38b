"""Parameters of the mailbox."""

from dataclasses import dataclass

from ..abi import MESSAGE_CAPABILITIES, MESSAGE_WORDS
from ..core.port import CONTEXT_BITS

__all__ = ["FAULTS", "HART_FAULTS", "MAX_CONTEXTS", "MAX_HARTS", "MAX_QUEUES", "MailboxConfig"]

#: A bit of a bus word for each.
MAX_QUEUES = 64
#: Registers of page 0 for their bindings.
MAX_CONTEXTS = 1 << CONTEXT_BITS
MAX_HARTS = 8

#: Defects that a test may plant, one bit each of the port `fault`: every one breaks a promise of the datasheet,
#: and the bench or the proof named after it has to notice.
FAULTS = (
    #: A refused sender's message is stored.
    "store_on_refusal",
    #: The check asks about space 0 and not about the page's space.
    "wrong_space",
    #: Receiving asks for the SEND right.
    "wrong_right",
    #: A full queue takes one more message.
    "overwrite_when_full",
    #: Pop removes the message but the next one in line is skipped as well.
    "lose_on_pop",
    #: A pop leaves the message in the queue.
    "duplicate_on_pop",
    #: Messages of queue 1 are written into the entries of queue 0.
    "mix_queues",
    #: The last message word is not copied.
    "drop_last_word",
    #: A page keeps its staged words when it is bound anew.
    "keep_staging",
    #: A page keeps its view of a message that was popped.
    "keep_view",
    #: Any page may stage capabilities.
    "anyone_stages_capabilities",
    #: A user page receives messages that carry capabilities.
    "anyone_receives_capabilities",
    #: An answer that comes after its timeout is taken for the answer to the next question.
    "late_answer",
    #: No answer in time counts as OK.
    "timeout_is_ok",
    #: The rate limit is ignored.
    "no_rate_limit",
    #: A message costs nothing.
    "no_charge",
    #: Pages have buckets, and not the spaces that they send for.
    "limit_by_page",
    #: A message is judged by the bucket that its sender had when the answer arrived, not when it is decided.
    "early_bucket",
    #: The interrupt enable bits are ignored.
    "interrupt_always",
    #: One message interrupts, whatever the threshold.
    "no_threshold",
    #: Too few messages never interrupt, however long they wait.
    "no_delay",
    #: Reset leaves the memories as they were.
    "no_clear",
    #: A page that is bound anew still completes the command of its former owner.
    "no_kill",
    #: An instruction that was killed stages its words all the same.
    "put_before_commit",
    #: An instruction that was killed sends all the same.
    "send_after_kill",
    #: The words of a put take the place of those that are staged.
    "reuse_staged",
    #: They take the place of those that an instruction in front will stage.
    "reuse_waiting",
    #: They take the place of those that are being copied.
    "reuse_copied",
    #: A context keeps its staged words when it is bound anew.
    "keep_pairs",
    #: A context keeps its open message when it is bound anew.
    "keep_context_view",
    #: A message that was staged in part is sent.
    "send_in_part",
    #: `mail.get` reads where no message is open.
    "get_without_view",
    #: `mail.pop` removes the first message of the queue that was open last, open or not.
    "pop_without_view",
    #: A death of capabilities leaves open messages open.
    "no_forget",
    #: Of two harts that want a check in one cycle, the one that has no turn is taken for served.
    "drop_request",
    #: Hart 0 always goes first.
    "first_hart_first",
    #: An instruction that is not committed keeps its turn.
    "never_gives_way",
    #: What is sent is read from the words that hart 0 has staged.
    "other_staging",
    #: The check asks for the space of hart 0's context.
    "other_hart",
    #: A context of another hart than 0 keeps what it has staged and open when it is bound anew.
    "keep_other_hart",
    #: A message is read while another hart's words are still being written.
    "read_ahead",
    #: Harts remove messages in the same cycle.
    "pop_together",
    #: Sends that come one behind the other keep removals and the bus waiting until the queue is full.
    "never_pauses",
    #: Contexts stay bound in the reset of their hart, with what they have staged and open.
    "keep_in_reset",
    #: The command of a hart that is in reset goes on to wait for it.
    "serve_in_reset",
)

#: Those of them that take more than one hart.
HART_FAULTS = FAULTS[FAULTS.index("drop_request"):]


@dataclass(frozen=True)
class MailboxConfig:
    """What a mailbox is made of.

    Attributes
    ----------
    queues : int
        Endpoints that can have a hardware queue at a time, 1 to 64.
    depth : int
        Messages that each queue holds, a power of two up to 64.
    pages : int
        Thread pages, 1 to 15.
    senders : int
        Spaces whose rate is limited, 1 to 16.
    contexts : int
        Thread contexts of each hart that may use instructions, 0 to 16; 0: no instructions, and no port for them.
    harts : int
        Harts that have instructions, 1 to 8, each by a port of its own; with all their contexts at most 16.
    check_timeout : int
        Cycles that the capability unit may take for an answer; then the command is refused.
    message_words, capability_words : int
        Words of a message, and words of two capability handles each. Less than the ABI's only in proofs.
    faults : tuple of str
        Defects from :data:`FAULTS` that the port `fault` can switch on. For tests only; empty: no such port.

    Raises
    ------
    TypeError, ValueError
        With the field's name, for anything that cannot be built.
    """

    queues: int = 8
    depth: int = 4
    pages: int = 7
    senders: int = 8
    contexts: int = 1
    harts: int = 1
    check_timeout: int = 1024
    message_words: int = MESSAGE_WORDS
    capability_words: int = MESSAGE_CAPABILITIES // 2
    faults: tuple[str, ...] = ()

    def __post_init__(self):
        limits = {"queues": (1, MAX_QUEUES), "depth": (1, 64), "pages": (1, 15), "senders": (1, 16),
                  "contexts": (0, MAX_CONTEXTS), "harts": (1, MAX_HARTS),
                  "check_timeout": (4, 1 << 20),
                  "message_words": (1, MESSAGE_WORDS), "capability_words": (1, MESSAGE_CAPABILITIES // 2)}
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise TypeError(f"{name} must be an integer, not {value!r}")
            if not low <= value <= high:
                raise ValueError(f"{name} must be from {low} to {high}, not {value}")
        if self.harts > 1 and not 0 < self.all_contexts <= MAX_CONTEXTS:
            raise ValueError(f"{self.harts} harts with contexts={self.contexts} have {self.all_contexts} contexts, not "
                             f"from 1 to {MAX_CONTEXTS}")
        if self.depth & (self.depth - 1):
            raise ValueError(f"depth must be a power of two, not {self.depth}")
        for fault in self.faults:
            if fault not in FAULTS:
                raise ValueError(f"Unknown fault {fault!r}; there are {', '.join(FAULTS)}")

    @property
    def all_contexts(self) -> int:
        """Contexts of all harts. Context c of hart h has the number `h * contexts + c` among them."""
        return self.harts * self.contexts
