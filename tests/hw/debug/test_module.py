import pytest

from hw.core.isa import DebugCsr
from hw.debug import park
from hw.debug.module import DebugModule
from hw.debug.registers import CommandError, ModuleAddress
from tests.hw.bus.bench import BusError, Initiator, idle, run
from tests.hw.debug.driver import Dmi, Hart, access_register

X = 0x1000  # Number of x0 in abstract commands.


def debug(testbench, harts=1, **parameters):
    """Run `testbench(dmi, hart)` (or with a list of harts) on an active module whose harts run."""
    dut = DebugModule(harts=harts, **parameters)
    models = []

    async def process(ctx):
        dmi = Dmi(ctx, dut.dmi)
        dmi.dut = dut
        await dmi.control()
        await testbench(dmi, models[0] if harts == 1 else models)

    async def execute(ctx):
        # Harts share the bus of the test bench, one instruction each in turn.
        models.extend(Hart(ctx, dut.bus, dut.harts[number], number) for number in range(harts))
        while True:
            await ctx.tick()
            for hart in models:
                if hart.halted:
                    await hart.step()
                elif ctx.get(hart.port.halt):
                    hart.enter()

    run(dut, process, background=[execute])


@pytest.mark.parametrize("parameters, error, message", [
    ({"harts": 0}, ValueError, "Harts must be between 1 and 32, not 0"),
    ({"harts": 2.0}, TypeError, "Harts must be an integer, not 2.0"),
    ({"progbuf_words": 1}, ValueError, "Program buffer words must be between 2 and 8, not 1"),
    ({"progbuf_words": 9}, ValueError, "Program buffer words must be between 2 and 8, not 9"),
    ({"progbuf_words": "x"}, TypeError, "Program buffer words must be an integer, not 'x'"),
])
def test_bad_parameters(parameters, error, message):
    with pytest.raises(error) as caught:
        DebugModule(**parameters)
    assert str(caught.value) == message


# ---- run control

def test_status_of_a_running_hart():
    async def testbench(dmi, hart):
        status = await dmi.status()
        assert (status.version, status.authenticated, status.impebreak, status.hasresethaltreq) == (3, 1, 1, 1)
        assert (status.anyrunning, status.allrunning, status.anyhalted, status.allhalted) == (1, 1, 0, 0)
        assert (status.anyunavail, status.anynonexistent, status.ndmresetpending) == (0, 0, 0)
        assert await dmi.read(ModuleAddress.HALTSUM0) == 0
        assert await dmi.read(0x13) == 0 and await dmi.read(0x38) == 0  # haltsum1 and sbcs do not exist.

    debug(testbench)


def test_halt_and_resume():
    async def testbench(dmi, hart):
        await dmi.halt()
        assert hart.halted and await dmi.read(ModuleAddress.HALTSUM0) == 1
        before = list(hart.registers)
        await idle(dmi.ctx, 200)
        await dmi.resume()
        status = await dmi.status()
        assert not hart.halted and (status.allrunning, status.anyhalted) == (1, 0)
        assert hart.registers == before

    debug(testbench)


def test_resume_is_acknowledged_only_when_it_happened():
    async def testbench(dmi, hart):
        await dmi.halt()
        assert (await dmi.status()).allresumeack == 1
        await dmi.control(resumereq=1)
        assert (await dmi.status()).allresumeack == 0
        await dmi.until(lambda status: status.allresumeack)
        assert not hart.halted
        # A running hart ignores the request, which clears the bit all the same.
        await dmi.control(resumereq=1)
        await idle(dmi.ctx, 100)
        assert (await dmi.status()).anyresumeack == 0
        await dmi.halt()
        assert hart.halted

    debug(testbench)


def test_resume_is_ignored_together_with_halt():
    async def testbench(dmi, hart):
        await dmi.halt()
        await dmi.control(haltreq=1, resumereq=1)
        await idle(dmi.ctx, 200)
        assert hart.halted and hart.resumed == 0 and (await dmi.status()).allresumeack == 1

    debug(testbench)


def test_reset_is_remembered_until_it_is_acknowledged():
    async def testbench(dmi, hart):
        assert (await dmi.status()).allhavereset == 1
        await dmi.control(ackhavereset=1)
        assert (await dmi.status()).anyhavereset == 0
        await dmi.control(ndmreset=1)
        assert dmi.ctx.get(dmi.dut.ndmreset) == 1
        status = await dmi.status()
        assert (status.allunavail, status.anyrunning, status.anyhalted, status.ndmresetpending) == (1, 0, 0, 1)
        await dmi.control()
        assert dmi.ctx.get(dmi.dut.ndmreset) == 0
        assert (await dmi.status()).allhavereset == 1

    debug(testbench)


def test_halt_on_reset():
    async def testbench(dmi, hart):
        port = hart.port
        assert dmi.ctx.get(port.halt_on_reset) == 0
        await dmi.control(setresethaltreq=1)
        assert dmi.ctx.get(port.halt_on_reset) == 1
        await dmi.control()
        assert dmi.ctx.get(port.halt_on_reset) == 1
        await dmi.control(clrresethaltreq=1, setresethaltreq=1)
        assert dmi.ctx.get(port.halt_on_reset) == 0
        dmi.ctx.set(dmi.dut.halt_on_reset, 1)
        await dmi.ctx.tick()
        assert dmi.ctx.get(port.halt_on_reset) == 1

    debug(testbench)


def test_fields_that_do_not_exist_stay_zero():
    async def testbench(dmi, hart):
        await dmi.control(hartreset=1, hasel=1, hartsello=0x3ff, hartselhi=0x3ff, setkeepalive=1)
        assert await dmi.read(ModuleAddress.DMCONTROL) == 1

    debug(testbench)


def test_inactive_module_is_reset():
    async def testbench(dmi, hart):
        await dmi.halt()
        await dmi.set_data(0x1234_5678_9abc_def0)
        await dmi.write(ModuleAddress.ABSTRACTAUTO, 1)
        await dmi.write(ModuleAddress.PROGBUF0, park.NOP)
        await dmi.write(ModuleAddress.DMCONTROL, 0)
        assert await dmi.read(ModuleAddress.DMCONTROL) == 0
        # Only dmactive can be written.
        await dmi.control(haltreq=1, ndmreset=1)
        assert await dmi.read(ModuleAddress.DMCONTROL) == 1
        assert await dmi.data() == 0 and await dmi.read(ModuleAddress.ABSTRACTAUTO) == 0
        assert await dmi.read(ModuleAddress.PROGBUF0) == 0
        assert (await dmi.status()).allhalted == 1 and dmi.ctx.get(hart.port.halt) == 0

    debug(testbench)


# ---- abstract commands

def test_every_general_register():
    async def testbench(dmi, hart):
        before = list(hart.registers)
        await dmi.halt()
        for number in range(32):
            assert await dmi.execute(access_register(X + number)) == CommandError.NONE
            assert await dmi.data() == before[number]
        for number in range(32):
            await dmi.set_data(0xfedc_ba98_7654_3200 + number)
            assert await dmi.execute(access_register(X + number, write=True)) == CommandError.NONE
        await dmi.resume()
        assert hart.registers == [0] + [0xfedc_ba98_7654_3200 + number for number in range(1, 32)]

    debug(testbench)


def test_registers_in_32_bits():
    async def testbench(dmi, hart):
        await dmi.halt()
        await dmi.set_data(0)
        assert await dmi.execute(access_register(X + 5, size=2)) == CommandError.NONE
        assert await dmi.data() == hart.registers[5] & 0xffff_ffff
        await dmi.set_data(0x1_0000_0042)
        assert await dmi.execute(access_register(X + 5, size=2, write=True)) == CommandError.NONE
        assert hart.registers[5] == 0x42

    debug(testbench)


def test_csrs():
    async def testbench(dmi, hart):
        saved = hart.registers[8]
        await dmi.halt()
        assert await dmi.execute(access_register(DebugCsr.DPC)) == CommandError.NONE
        assert await dmi.data() == 0x8000_0000
        await dmi.set_data(0x8020_0004)
        assert await dmi.execute(access_register(DebugCsr.DPC, write=True)) == CommandError.NONE
        assert hart.csrs[DebugCsr.DPC] == 0x8020_0004
        assert await dmi.execute(access_register(X + 8)) == CommandError.NONE
        assert await dmi.data() == saved
        await dmi.resume()
        assert hart.registers[8] == saved

    debug(testbench)


def test_csr_that_does_not_exist_is_an_exception_and_leaves_s0_alone():
    async def testbench(dmi, hart):
        saved = hart.registers[8]
        await dmi.halt()
        for write in (False, True):
            assert await dmi.execute(access_register(0x7c0, write=write)) == CommandError.EXCEPTION
        await dmi.resume()
        assert hart.registers[8] == saved

    debug(testbench)


@pytest.mark.parametrize("command", [
    access_register(X, cmdtype=1),
    access_register(X, cmdtype=2),
    access_register(X, size=1),
    access_register(X, size=4),
    access_register(X + 32),
    access_register(0x2000),
    access_register(DebugCsr.DPC, postexec=True),
    access_register(X, postincrement=1),
    access_register(X, reserved=1),
])
def test_commands_that_are_not_supported(command):
    async def testbench(dmi, hart):
        await dmi.halt()
        assert await dmi.execute(command) == CommandError.NOT_SUPPORTED

    debug(testbench)


def test_running_hart_executes_nothing():
    async def testbench(dmi, hart):
        assert await dmi.execute(access_register(X + 1)) == CommandError.HALT_RESUME

    debug(testbench)


def test_error_stays_and_stops_commands():
    async def testbench(dmi, hart):
        await dmi.halt()
        await dmi.write(ModuleAddress.COMMAND, access_register(X + 32))
        await dmi.write(ModuleAddress.COMMAND, access_register(X + 7))
        await idle(dmi.ctx, 200)
        assert (await dmi.abstract()).cmderr == CommandError.NOT_SUPPORTED and await dmi.data() == 0
        await dmi.write(ModuleAddress.ABSTRACTCS, 1 << 8)  # The other bits stay.
        assert (await dmi.abstract()).cmderr == CommandError.NOT_SUPPORTED
        await dmi.write(ModuleAddress.ABSTRACTCS, 2 << 8)
        assert (await dmi.abstract()).cmderr == CommandError.NONE
        assert await dmi.execute(access_register(X + 7)) == CommandError.NONE
        assert await dmi.data() == hart.registers[7]

    debug(testbench)


@pytest.mark.parametrize("address, write", [
    (ModuleAddress.DATA0, False), (ModuleAddress.DATA1, True), (ModuleAddress.PROGBUF0, False),
    (ModuleAddress.PROGBUF0, True), (ModuleAddress.COMMAND, True), (ModuleAddress.ABSTRACTCS, True),
    (ModuleAddress.ABSTRACTAUTO, True),
])
def test_access_while_a_command_runs(address, write):
    async def testbench(dmi, hart):
        await dmi.halt()
        await dmi.write(ModuleAddress.COMMAND, access_register(X + 7))
        assert (await dmi.abstract()).busy == 1
        if write:
            await dmi.write(address, 0xffff_ffff)
        else:
            await dmi.read(address)
        # What a running command forbids in dmcontrol is ignored.
        await dmi.control(resumereq=1)
        while (state := await dmi.abstract()).busy:
            pass
        assert state.cmderr == CommandError.BUSY
        assert await dmi.data() == hart.registers[7]
        assert await dmi.read(ModuleAddress.ABSTRACTAUTO) == 0 and await dmi.read(ModuleAddress.PROGBUF0) == 0
        await idle(dmi.ctx, 100)
        assert hart.halted

    debug(testbench)


# ---- program buffer

@pytest.mark.parametrize("words", (2, 5, 8))
def test_program_buffer_ends_by_its_implicit_ebreak(words):
    async def testbench(dmi, hart):
        assert (await dmi.abstract()).progbufsize == words and (await dmi.abstract()).datacount == 2
        await dmi.halt()
        for number in range(words):
            await dmi.write(ModuleAddress.PROGBUF0 + number, 0x0014_8493)  # addi s1, s1, 1
        await dmi.write(ModuleAddress.PROGBUF0 + words, 0xffff_ffff)  # Does not exist.
        assert await dmi.read(ModuleAddress.PROGBUF0 + words) == 0
        await dmi.set_data(100)
        assert await dmi.execute(access_register(X + 9, write=True, postexec=True)) == CommandError.NONE
        assert hart.registers[9] == 100 + words
        assert await dmi.execute(access_register(0, transfer=False, postexec=True)) == CommandError.NONE
        assert hart.registers[9] == 100 + 2 * words

    debug(testbench, progbuf_words=words)


def test_exception_in_the_program_buffer_keeps_what_came_before():
    async def testbench(dmi, hart):
        await dmi.halt()
        await dmi.write(ModuleAddress.PROGBUF0, 0x0014_0413)  # addi s0, s0, 1
        await dmi.write(ModuleAddress.PROGBUF0 + 1, 0)
        await dmi.set_data(41)
        assert await dmi.execute(access_register(X + 8, write=True, postexec=True)) == CommandError.EXCEPTION
        assert await dmi.execute(access_register(X + 8)) == CommandError.NONE
        assert await dmi.data() == 42

    debug(testbench)


def test_program_buffer_reaches_the_data_registers():
    async def testbench(dmi, hart):
        info = await dmi.read(ModuleAddress.HARTINFO)
        assert (info >> 20, info >> 16 & 1, info >> 12 & 15, info & 0xfff) == (0, 1, 2, park.DATA)
        await dmi.halt()
        await dmi.write(ModuleAddress.PROGBUF0, park.load(9, 3, park.DATA))
        await dmi.write(ModuleAddress.PROGBUF0 + 1, park.store(1, 2, park.DATA + 4))
        await dmi.set_data(0x0123_4567_89ab_cdef)
        assert await dmi.execute(access_register(0, transfer=False, postexec=True)) == CommandError.NONE
        assert hart.registers[9] == 0x0123_4567_89ab_cdef
        assert await dmi.data() == (hart.registers[1] & 0xffff_ffff) << 32 | 0x89ab_cdef

    debug(testbench)


@pytest.mark.parametrize("auto, address, write", [
    (1 << 0, ModuleAddress.DATA0, False), (1 << 1, ModuleAddress.DATA1, False), (1 << 0, ModuleAddress.DATA0, True),
    (1 << 16, ModuleAddress.PROGBUF0, False), (1 << 17, ModuleAddress.PROGBUF0 + 1, True),
])
def test_autoexec(auto, address, write):
    async def testbench(dmi, hart):
        await dmi.halt()
        await dmi.write(ModuleAddress.PROGBUF0, 0x0014_8493)  # addi s1, s1, 1
        await dmi.write(ModuleAddress.PROGBUF0 + 1, park.NOP)
        await dmi.set_data(10)
        assert await dmi.execute(access_register(X + 9, write=True)) == CommandError.NONE
        assert await dmi.execute(access_register(X + 9, postexec=True)) == CommandError.NONE
        await dmi.write(ModuleAddress.ABSTRACTAUTO, auto)
        for count in range(2, 5):
            if write:
                await dmi.write(address, park.NOP)
            else:
                await dmi.read(address)
            assert (await dmi.abstract()).busy == 1
            while (await dmi.abstract()).busy:
                pass
            assert hart.registers[9] == 10 + count
        # Other registers start nothing.
        other = ModuleAddress.PROGBUF0 if auto < 1 << 16 else ModuleAddress.DATA0
        await dmi.read(other)
        assert (await dmi.abstract()).busy == 0

    debug(testbench)


def test_only_bits_of_existing_registers_are_in_abstractauto():
    async def testbench(dmi, hart):
        await dmi.write(ModuleAddress.ABSTRACTAUTO, 0xffff_ffff)
        assert await dmi.read(ModuleAddress.ABSTRACTAUTO) == 0x0007_0003

    debug(testbench, progbuf_words=3)


def test_reset_ends_a_command():
    async def testbench(dmi, hart):
        await dmi.halt()
        await dmi.write(ModuleAddress.PROGBUF0, 0x0000_006f)  # j .
        await dmi.write(ModuleAddress.COMMAND, access_register(0, transfer=False, postexec=True))
        await idle(dmi.ctx, 500)
        assert (await dmi.abstract()).busy == 1
        await dmi.control(ndmreset=1)
        hart.leave()
        await dmi.control()
        state = await dmi.abstract()
        assert (state.busy, state.cmderr) == (0, CommandError.HALT_RESUME)

    debug(testbench)


# ---- the harts' side

def test_memory_is_closed_while_no_hart_is_halted():
    dut = DebugModule()

    async def testbench(ctx):
        bus = Initiator(ctx, dut.bus)
        for address in (park.ENTRY, park.DATA, park.FLAGS, 0):
            with pytest.raises(BusError):
                await bus.read(address)
        with pytest.raises(BusError):
            await bus.write(park.DATA, 0, 8)
        ctx.set(dut.harts[0].halted, 1)
        assert await bus.read(park.ENTRY) & 0x7f == 0x6f
        for address in (0, 0x118, park.ENTRY + 0x100, park.PARKED):
            with pytest.raises(BusError):
                await bus.read(address)
        for address in (park.ENTRY, park.PROGBUF, park.FLAGS):
            with pytest.raises(BusError):
                await bus.write(address, 0)

    run(dut, testbench)


def test_two_of_three_harts():
    async def testbench(dmi, harts):
        # hartsel has two bits; the fourth hart does not exist.
        await dmi.control(hartsello=0x3ff)
        assert await dmi.read(ModuleAddress.DMCONTROL) == 3 << 16 | 1
        status = await dmi.status()
        assert (status.anynonexistent, status.allnonexistent, status.anyrunning, status.anyhalted) == (1, 1, 0, 0)
        for number in (0, 2):
            await dmi.control(hartsello=number, haltreq=1)
            await dmi.until(lambda status: status.allhalted)
            await dmi.control(hartsello=number)
        assert await dmi.read(ModuleAddress.HALTSUM0) == 0b101
        harts[2].registers[3] = 0x2222
        assert await dmi.execute(access_register(X + 3)) == CommandError.NONE
        assert await dmi.data() == 0x2222
        await dmi.control(hartsello=1)
        assert (await dmi.status()).allrunning == 1
        assert await dmi.execute(access_register(X + 3)) == CommandError.HALT_RESUME
        await dmi.control(hartsello=0, resumereq=1)
        await dmi.until(lambda status: status.allresumeack)
        assert await dmi.read(ModuleAddress.HALTSUM0) == 0b100

    debug(testbench, harts=3)
