"""Bus traffic of benches by cocotbext-wishbone: an initiator at a port of the device under test."""

from cocotbext.wishbone.driver import WBOp, WishboneMaster

__all__ = ["Initiator", "SIGNALS"]

#: The library's names of the signals, and ours.
SIGNALS = {"cyc": "cyc", "stb": "stb", "we": "we", "adr": "adr", "datwr": "dat_w", "datrd": "dat_r", "ack": "ack"}
#: Cycles that an access may wait for its acknowledge.
PATIENCE = 5000
_WORD_BYTES = 8
_ACKNOWLEDGED = 1


class Initiator:
    """Reads and writes words of 64 bits by classic cycles.

    Parameters
    ----------
    dut
    name : str
        Of the port.

    Attributes
    ----------
    took : int
        Cycles of the last access, from the first with `stb` to the one with the acknowledge.
    """

    def __init__(self, dut, name):
        self._master = WishboneMaster(dut, name, dut.clk, timeout=PATIENCE, width=64, signals_dict=SIGNALS)
        self.took = 0

    async def accesses(self, *wanted):
        """(byte address, value to store or None) or with lanes, in one bus cycle: (acknowledged, data) of each."""
        operations = [WBOp(adr=address // _WORD_BYTES, dat=value, sel=more[0] if more else 0xff, acktimeout=PATIENCE)
                      for address, value, *more in wanted]
        results = await self._master.send_cycle(operations)
        assert len(results) == len(operations), "an acknowledge too many or too few"
        self.took = results[-1].waitAck
        answers = []
        for operation, result in zip(operations, results, strict=True):
            acknowledged = result.ack == _ACKNOWLEDGED
            answers.append((acknowledged, int(result.datrd) if acknowledged and operation.dat is None else 0))
        return answers

    async def access(self, address, value=None, select=0xff):
        """(acknowledged, data) of one access; a store if there is a value."""
        return (await self.accesses((address, value, select)))[0]
