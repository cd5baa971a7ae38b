"""From what is known of a slot to the verdict (DESIGN 5): the first refusal that applies."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..abi import CapType, Handle, Query, Verdict
from .check import CheckResponse
from .walker import WalkResult

__all__ = ["Judge"]


class Judge(wiring.Component):
    """Combinational verdict on `query` about the slot that `found` describes.

    Parameters
    ----------
    planted : callable
        Value that says whether a fault, given by its name, is planted.
    """

    query: In(Query)
    found: In(WalkResult)
    response: Out(CheckResponse)

    def __init__(self, planted):
        self._planted = planted
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        query, found, planted = self.query, self.found, self._planted
        handle = Handle(query.handle)
        verdict = self.response.verdict
        tag_fits = (handle.tag == found.content.tag) & (handle.tag != 0)
        type_fits = (query.cap_type == found.content.cap_type) & (query.cap_type != CapType.NONE)
        rights_fit = (query.rights & ~found.content.rights) == 0
        with m.If(found.error):
            m.d.comb += verdict.eq(Verdict.UNDECIDED)
        with m.Elif(found.outside | ~(tag_fits | planted("drop_tag"))):
            m.d.comb += verdict.eq(Verdict.BAD_HANDLE)
        with m.Elif(~found.valid):
            m.d.comb += verdict.eq(Verdict.EMPTY)
        with m.Elif(found.object_error):
            m.d.comb += verdict.eq(Verdict.UNDECIDED)
        with m.Elif(~found.live):
            m.d.comb += verdict.eq(Verdict.STALE)
        with m.Elif(~(type_fits | planted("drop_type"))):
            m.d.comb += verdict.eq(Verdict.WRONG_TYPE)
        with m.Elif(~(rights_fit | planted("drop_rights"))):
            m.d.comb += verdict.eq(Verdict.MISSING_RIGHTS)
        with m.Else():
            m.d.comb += [
                verdict.eq(Verdict.OK),
                self.response.object_id.eq(found.content.object_id),
                self.response.badge.eq(found.content.badge),
            ]
        return m
