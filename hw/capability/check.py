"""Check port of the capability unit: how another block (the mailbox) asks for a verdict."""

from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..abi import Query, Verdict

__all__ = ["CheckRequest", "CheckResponse", "CheckPort"]


class CheckRequest(data.Struct):
    """One question.

    `space` is the number of the capability space, an index into the space table.
    """

    query: Query
    space: 32


class CheckResponse(data.Struct):
    """The answer; `object_id` and `badge` are zero unless the verdict is OK."""

    verdict: Verdict
    object_id: 32
    badge: 32


class CheckPort(wiring.Signature):
    """Request and response streams, seen from who asks. One response for each request, in order."""

    def __init__(self):
        super().__init__({
            "request": Out(stream.Signature(CheckRequest)),
            "response": In(stream.Signature(CheckResponse)),
        })
