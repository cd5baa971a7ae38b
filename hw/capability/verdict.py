"""From what is known of a slot to the verdict (DESIGN 5): the first refusal that applies."""

from functools import reduce
from operator import or_

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..abi import CapType, Handle, Query, Verdict
from ..mapping import SEPARATE, all_of, pairs_equal
from .check import CheckResponse
from .lookaside import SlotContent
from .walker import WalkResult

__all__ = ["Judge", "LineJudge"]


def _fits(m, query, content, planted):
    """Whether tag, type and rights of the query fit a slot's content: three signals."""
    handle = Handle(query.handle)
    tag, kind, rights = Signal(), Signal(), Signal()
    m.d.comb += [
        tag.eq(((handle.tag == content.tag) & (handle.tag != 0)) | planted("drop_tag")),
        kind.eq(((query.cap_type == content.cap_type) & (query.cap_type != CapType.NONE)) | planted("drop_type")),
        rights.eq(((query.rights & ~content.rights) == 0) | planted("drop_rights")),
    ]
    return tag, kind, rights


def _all_fit(query, content, planted):
    """Whether all three do, along a carry chain: what comes out of block RAM goes the shortest way."""
    handle = Handle(query.handle)
    parts = {
        "drop_tag": [handle.tag != 0, *pairs_equal(handle.tag, content.tag)],
        "drop_type": [query.cap_type != CapType.NONE, *pairs_equal(query.cap_type, content.cap_type)],
        "drop_rights": [(query.rights & ~content.rights)[i:i + 2] == 0 for i in range(0, len(query.rights), 2)],
    }
    return all_of(*(bit | planted(name) for name, bits in parts.items() for bit in bits))


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
        query, found = self.query, self.found
        verdict = self.response.verdict
        tag_fits, type_fits, rights_fit = _fits(m, query, found.content, self._planted)
        with m.If(found.error):
            m.d.comb += verdict.eq(Verdict.UNDECIDED)
        with m.Elif(found.outside | ~tag_fits):
            m.d.comb += verdict.eq(Verdict.BAD_HANDLE)
        with m.Elif(~found.valid):
            m.d.comb += verdict.eq(Verdict.EMPTY)
        with m.Elif(found.object_error):
            m.d.comb += verdict.eq(Verdict.UNDECIDED)
        with m.Elif(~found.live):
            m.d.comb += verdict.eq(Verdict.STALE)
        with m.Elif(~type_fits):
            m.d.comb += verdict.eq(Verdict.WRONG_TYPE)
        with m.Elif(~rights_fit):
            m.d.comb += verdict.eq(Verdict.MISSING_RIGHTS)
        with m.Else():
            m.d.comb += [
                verdict.eq(Verdict.OK),
                self.response.object_id.eq(found.content.object_id),
                self.response.badge.eq(found.content.badge),
            ]
        return m


class LineJudge(wiring.Component):
    """Combinational verdict on `query` about the slot of a line of the lookaside buffer, which is of a live object.

    The contents of the lines are late in a cycle, and which of them counts is later. So each is judged, and that comes
    last, together with whether the line is to be believed. Without such a line bits 1 and 2 of the verdict are set,
    which is UNDECIDED.

    Parameters
    ----------
    ways, groups : int
        Lines, and in how many parts it is said whether one is to be believed.
    planted : callable
        Value that says whether a fault, given by its name, is planted.

    Attributes
    ----------
    query : In(Query)
    enable : In(1)
        Low: UNDECIDED.
    holds : In(ways)
        Which line is the slot's, one at most of those that are intact. None: UNDECIDED.
    intact : In(groups).array(ways)
        Which line is to be believed: all of its bits. One that is not is none.
    contents : In(SlotContent).array(ways)
    response : Out(CheckResponse)
    wants_value, wants_object : In(1)
        Whether somebody wants `value`, and whether that is the object's number rather than the badge. Known early.
    value : Out(32)
        Zero unless it is wanted and the verdict is OK.
    """

    def __init__(self, ways, groups, planted):
        self._ways = ways
        self._planted = planted
        super().__init__({
            "query": In(Query),
            "enable": In(1),
            "holds": In(ways),
            "intact": In(groups).array(ways),
            "contents": In(SlotContent).array(ways),
            "response": Out(CheckResponse),
            "wants_value": In(1),
            "wants_object": In(1),
            "value": Out(32),
        })

    def elaborate(self, platform):
        m = Module()
        # What a verdict's low and high bit are, as its way says; the middle one is that of UNDECIDED alone.
        believed, low, high_clear, object_ids, badges, values = [], [], [], [], [], []
        value = Signal(32, attrs=SEPARATE)
        for way, content in enumerate(self.contents):
            tag, kind, rights = _fits(m, self.query, content, self._planted)
            verdict = Signal(Verdict, name=f"verdict{way}")
            with m.If(~tag):
                m.d.comb += verdict.eq(Verdict.BAD_HANDLE)
            with m.Elif(~kind):
                m.d.comb += verdict.eq(Verdict.WRONG_TYPE)
            with m.Elif(~rights):
                m.d.comb += verdict.eq(Verdict.MISSING_RIGHTS)

            def early(name, value, shape=1, way=way):
                """A signal that is made before it is known which way holds the slot."""
                signal = Signal(shape, name=f"{name}{way}", attrs=SEPARATE)
                m.d.comb += signal.eq(value)
                return signal
            bits = verdict.as_value()
            fits = early("fits", _all_fit(self.query, content, self._planted))
            wanted = Mux(self.wants_object, content.object_id, content.badge)
            shown = early("shown", Mux(self.wants_value, wanted, 0), 32)
            # The last part goes together with what fits: more would be another gate.
            intact = self.intact[way]
            fits = early("sure", fits & self.enable & intact[-1])
            ok = early("ok", self.holds[way] & intact[:-1].all() & fits)
            holds = early("holds", self.holds[way] & intact.all())
            believed.append(holds)
            low.append(holds & early("low", self.enable & bits[0]))
            high_clear.append(holds & early("high_clear", self.enable & ~bits[2]))
            object_ids.append(Mux(ok, content.object_id, 0))
            badges.append(Mux(ok, content.badge, 0))
            values.append(Mux(ok, shown, 0))
        verdict = Signal(3, attrs=SEPARATE)
        m.d.comb += [
            verdict[0].eq(reduce(or_, low)),
            verdict[1].eq(~(self.enable & reduce(or_, believed))),
            verdict[2].eq(~reduce(or_, high_clear)),
            self.response.verdict.eq(verdict),
            self.response.object_id.eq(reduce(or_, object_ids)),
            self.response.badge.eq(reduce(or_, badges)),
            value.eq(reduce(or_, values)),
            self.value.eq(value),
        ]
        return m
