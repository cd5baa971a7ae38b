"""Fields of the CSRs that many look at: mstatus and satp (privileged specification, 3.1.6 and 12.1.11)."""

from amaranth import *
from amaranth.lib import data

from .port import Privilege

__all__ = ["Satp", "Status", "status_word"]


class Status(data.Struct):
    """mstatus fields that exist here."""

    sie: 1
    mie: 1
    spie: 1
    mpie: 1
    spp: 1
    mpp: Privilege
    mprv: 1
    sum: 1
    mxr: 1
    tvm: 1
    tw: 1
    tsr: 1


class Satp(data.Struct):
    """satp of Sv39 (privileged specification, figure 62)."""

    ppn: 44
    asid: 16
    mode: 4


def status_word(status, *, supervisor):
    """mstatus, or its sstatus view, as software reads it: UXL = SXL = 2."""
    def machine(field):
        return C(0, len(field)) if supervisor else field

    return Cat(
        C(0, 1), status.sie, C(0, 1), machine(status.mie), C(0, 1), status.spie, C(0, 1), machine(status.mpie),
        status.spp, C(0, 2), machine(status.mpp.as_value()), C(0, 4), machine(status.mprv), status.sum, status.mxr,
        machine(status.tvm), machine(status.tw), machine(status.tsr), C(0, 9), C(2, 2),
        C(0 if supervisor else 2, 2), C(0, 28))
