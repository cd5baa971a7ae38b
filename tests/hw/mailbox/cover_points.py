"""What the random test of the mailbox has to have met, as data for :class:`tests.hw.coverage.Coverage`."""

from hw.abi import MailStatus
from hw.mailbox.registers import ThreadPage
from tests.hw.coverage import crossed

__all__ = ["points"]

S = MailStatus
#: Whatever the command: the verdict of the capability unit, or no queue.
ANY = (S.BAD_HANDLE, S.EMPTY, S.STALE, S.WRONG_TYPE, S.MISSING_RIGHTS, S.UNDECIDED, S.UNBOUND)
SENDING = (S.OK, S.FULL, S.RATE_LIMITED, *ANY)
OPENING = (S.OK, S.NO_MESSAGE, S.NEEDS_KERNEL, *ANY)
COMMANDS = {ThreadPage.SEND: SENDING, ThreadPage.RECEIVE: OPENING, ThreadPage.POP: (S.OK, S.LOST, *ANY),
            ThreadPage.NEXT: (S.LOST, *OPENING)}
INSTRUCTIONS = {"send": (S.RETRY, *SENDING), "receive": OPENING, "pop": (S.OK, S.LOST)}


def points(config):
    """Cover points of a mailbox of this configuration."""
    levels = range(1, config.depth + 1)
    found = {
        #: A kernel page may have what carries capabilities.
        "commands": {(register, kind, status) for register, statuses in COMMANDS.items()
                     for kind, status in crossed(("user", "kernel"), statuses)} - {
                         (register, "kernel", S.NEEDS_KERNEL) for register in COMMANDS},
        #: Messages in the queue when one was stored, opened, removed.
        "stored at": range(config.depth),
        "opened at": levels,
        "removed at": levels,
        "sent": {"with capabilities", "without"},
        "buckets": {("none", S.OK), ("unlimited", S.OK), ("limited", S.OK), ("limited", S.RATE_LIMITED)},
        "lanes": {"all", "some", "none"},
        #: Why the interrupt line is as it is.
        "interrupt": {"nothing pending", "masked", "too few", "enough", "waited"},
        "emptied": crossed(("wipe", "bind"), ("empty", "messages", "open in a page")),
        "page bound": {"idle", "staged", "open"},
        "bus": crossed(("read", "write"), ("control", "page"), ("done", "refused")),
    }
    if config.contexts:
        found |= {
            "instructions": {(name, status) for name, statuses in INSTRUCTIONS.items() for status in statuses},
            "killed": crossed((*INSTRUCTIONS, "put", "get"), ("at once", "held back")),
            "context bound": {"idle", "staged", "open"},
            "forgotten": {"open", "nothing open"},
        }
        found["emptied"] |= crossed(("wipe", "bind"), ("open in a context",))
    return found
