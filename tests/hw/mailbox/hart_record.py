"""Two harts at one mailbox: their stage, and a record of what they did that the golden model follows."""

from hw.abi import MailStatus, Rights
from tests.hw.mailbox.driver import Bench, Capability
from tests.hw.mailbox.instruction_bench import GETS, RETRY

A, B = 0xaaaa_0001, 0xbbbb_0002
#: Space of hart h's context c is SPACES[h][c]. The same handles name endpoints A and B in all of them.
SPACES = ((11, 12), (21, 22))
AT_A, AT_B, NOWHERE = 0x51, 0x52, 0x53
FULL, NO_MESSAGE = MailStatus.FULL.value, MailStatus.NO_MESSAGE.value
GETS_ = tuple((name,) for name in GETS)


def badge(space):
    return 0x100 + space


async def begin(dut):
    """Everybody may send to A and B and receive from them."""
    bench = await Bench.start(dut)
    for number, endpoint in enumerate((A, B)):
        await bench.bind_queue(number, endpoint)
        for space in sum(SPACES, ()):
            bench.unit.capabilities[space, (AT_A, AT_B)[number]] = Capability(
                endpoint, Rights.SEND | Rights.RECEIVE, badge(space))
    for hart, spaces in enumerate(SPACES):
        for context, space in enumerate(spaces):
            await bench.bind_context(2 * hart + context, space)
    return bench


class Record:
    """What happened at the ports and on the bus, for the golden model to follow in the order of its cycles.

    Instructions happen in the cycle in which their result is taken. In one cycle reads of the open message come before
    a removal, what the bus stores comes after all of them, and a reset last.
    """

    def __init__(self, bench):
        self.bench, self.events = bench, []

    async def run(self, hart, program, **how):
        """Execute on a hart; what its instructions said."""
        driver = self.bench.harts[hart]
        context = driver.context
        program = [(each,) if isinstance(each, str) else each for each in program]
        done, cycles = await driver.run(program, **how)
        for instruction, one in zip(program, done, strict=True):
            if one.taken is not None:
                rank = 1 if one.name == "mail.pop" else 0
                self.events.append((one.taken, rank, "execute", hart, context, instruction, one))
        return [one.data for one in done], cycles

    async def store(self, address, value):
        assert await self.bench.bus.write(address, value)
        # The acknowledge comes in the cycle behind the store, and the driver goes on in the one behind that.
        self.events.append((self.bench.hart.now() - 2, 2, "store", address, value))

    async def forget(self):
        dut = self.bench.dut
        dut.forget.value = 1
        self.events.append((self.bench.hart.now() + 1, 2, "forget"))
        await self.bench.bus.tick()
        dut.forget.value = 0

    async def reset(self, hart, cycles=1):
        """Of one hart alone."""
        for _ in range(cycles):
            self.bench.dut.resets.value = 1 << hart
            self.events.append((self.bench.hart.now(), 3, "reset", hart))
            await self.bench.bus.tick()
        self.bench.dut.resets.value = 0

    def check(self):
        """The model says the same. RETRY may come only where something of page 0, or what the unit knows, changed."""
        model, disturbed = self.bench.model, []
        for taken, _, what, *more in sorted(self.events, key=lambda event: event[:2]):
            if what == "store":
                disturbed.append(taken)
                model.write(*more)
                continue
            if what == "forget":
                disturbed.append(taken)
                model.forget()
                continue
            if what == "reset":
                model.reset_hart(*more)
                continue
            hart, number, instruction, one = more
            context = model.contexts[self.bench.config.contexts * hart + number]
            retries = one.data == RETRY and one.name in ("mail.send", "mail.receive")
            if retries and any(one.issued <= cycle <= taken for cycle in disturbed):
                context.pairs = {} if one.name == "mail.send" else context.pairs
                if one.name == "mail.receive":
                    context.view = context.view_queue = None
                continue
            expected = model.execute(self.bench.config.contexts * hart + number, *instruction)
            assert one.data == expected, f"hart {hart} context {number} {instruction}: {one}, model {expected}"
        self.events = []
