"""What random tests of the capability unit have to have met, as data for :class:`tests.hw.coverage.Coverage`."""

from hw.abi import RevokeState, Verdict
from hw.capability.lookaside import InvalidateKind
from tests.hw.coverage import crossed

__all__ = ["CHECKS", "INTERFACES", "OF_LINES", "REVOCATIONS", "amount"]

INTERFACES = ("port", "window", "check")
#: What a line of the lookaside buffer can say; all else is found out by walking, each time.
OF_LINES = (Verdict.OK, Verdict.WRONG_TYPE, Verdict.MISSING_RIGHTS, Verdict.BAD_HANDLE)
NAMING = (InvalidateKind.SLOT, InvalidateKind.SPACE, InvalidateKind.OBJECT)

#: Of `random_bench`.
CHECKS = {
    "verdicts": crossed(INTERFACES, Verdict, ("miss",)) | crossed(INTERFACES, OF_LINES, ("hit",)),
    #: Whether a walk was under way when it began.
    "invalidates": (crossed(NAMING, ("port", "window"), ("walking", "quiet"))
                    | crossed((InvalidateKind.ALL,), ("window",), ("walking", "quiet"))),
    #: Whether it named something that had been answered from memory since.
    "forgets": crossed(NAMING, ("known", "unknown")) | {(InvalidateKind.ALL, "known")},
    "changes": crossed(("fill", "empty", "object", "directory", "refuse"), ("walking", "quiet")),
    "instructions": crossed(("cap.badge", "cap.object", "cap.check", "cap.install", "cap.space"), ("done", "killed")),
    "answers": crossed(("port", "check"), ("taken", "left lying")),
    #: How many others waited for an answer when one came.
    "together": crossed(INTERFACES, range(3)),
    "wait states": {"none", "few", "many"},
}


def amount(count):
    """How many slots, roughly."""
    return next(name for name, most in (("none", 0), ("one", 1), ("some", 6), ("many", count)) if count <= most)


#: How a run that has begun can end; `refused` counts for a run that does not begin.
ENDS = [state for state in RevokeState if state not in (RevokeState.IDLE, RevokeState.RUNNING)]

#: Of `random_revoke_bench`.
REVOCATIONS = {
    "ends": crossed(("port", "window"), ENDS),
    "stops": {"by a stop", "by a limit"},
    #: A second start during a run.
    "refused": {"port", "window"},
    "descendants": {"none", "one", "some", "many"},
    "emptied": crossed((RevokeState.DONE, RevokeState.STOPPED), ("none", "one", "some", "many")) - {
        # A limit is at least one, and a run of many is not stopped behind many of them here.
        (RevokeState.STOPPED, "many")},
    "depth": {1, 2, 3, "more"},
    #: Who asked about a descendant, or another, during a run, and what was answered.
    "asked": crossed(("port", "check"), ("descendant",), (Verdict.OK, Verdict.EMPTY, Verdict.BAD_HANDLE))
    | crossed(("port", "check"), ("other",), (Verdict.OK,)),
    "wait states": {"none", "few", "many"},
}
