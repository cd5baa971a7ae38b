"""What the tests of the debug blocks share: a debugger at either interface, and a hart that obeys the debug module."""

from hw.core.debug import DRET
from hw.core.isa import CsrAddress, DebugCsr, Opcode
from hw.debug import park
from hw.debug.jtag import INSTRUCTION_BITS, Instruction
from hw.debug.registers import (
    AbstractControl,
    Command,
    ModuleAddress,
    ModuleControl,
    ModuleStatus,
)
from tests.hw.bus.bench import BusError, Initiator

__all__ = ["Dmi", "Hart", "JtagProbe", "access_register"]

#: Polls after which a debugger gives up.
PATIENCE = 200
MASK = (1 << 64) - 1


def access_register(regno, *, write=False, transfer=True, postexec=False, size=3, **others):
    """Word of an Access Register command."""
    control = {"regno": regno, "write": write, "transfer": transfer, "postexec": postexec, "size": size}
    cmdtype = others.pop("cmdtype", 0)
    return Command.const({"control": control | others, "cmdtype": cmdtype}).as_bits()


class Dmi:
    """Debugger at the debug module interface itself."""

    def __init__(self, ctx, port):
        self.ctx = ctx
        self.port = port

    async def _request(self, address, data, write):
        ctx, port = self.ctx, self.port
        ctx.set(port.valid, 1)
        ctx.set(port.write, write)
        ctx.set(port.address, address)
        ctx.set(port.data, data)
        await ctx.tick()
        ctx.set(port.valid, 0)
        await ctx.tick()
        return ctx.get(port.response)

    async def read(self, address):
        return await self._request(address, 0, 0)

    async def write(self, address, data):
        await self._request(address, data, 1)

    # ---- the same for every way to the module

    async def control(self, **fields):
        """Write dmcontrol; dmactive is 1 unless told."""
        await self.write(ModuleAddress.DMCONTROL, ModuleControl.const({"dmactive": 1} | fields).as_bits())

    async def status(self):
        return ModuleStatus.from_bits(await self.read(ModuleAddress.DMSTATUS))

    async def abstract(self):
        return AbstractControl.from_bits(await self.read(ModuleAddress.ABSTRACTCS))

    async def until(self, condition):
        """Poll dmstatus until `condition` holds for it."""
        for _ in range(PATIENCE):
            status = await self.status()
            if condition(status):
                return status
        raise AssertionError(f"the debug module stays at {status}")

    async def halt(self):
        await self.control(haltreq=1)
        await self.until(lambda status: status.allhalted)
        await self.control()

    async def resume(self):
        await self.control(resumereq=1)
        await self.until(lambda status: status.allresumeack)

    async def execute(self, command):
        """Run an abstract command; returns cmderr, which is cleared."""
        await self.write(ModuleAddress.COMMAND, command)
        for _ in range(PATIENCE):
            state = await self.abstract()
            if not state.busy:
                break
        else:
            raise AssertionError("the command does not end")
        await self.write(ModuleAddress.ABSTRACTCS, AbstractControl.const({"cmderr": state.cmderr}).as_bits())
        return state.cmderr

    async def data(self):
        return await self.read(ModuleAddress.DATA0) | await self.read(ModuleAddress.DATA1) << 32

    async def set_data(self, value):
        await self.write(ModuleAddress.DATA0, value & 0xffff_ffff)
        await self.write(ModuleAddress.DATA1, value >> 32)


class JtagProbe(Dmi):
    """Debugger at the pins. TCK has `half` cycles of the clock in each phase."""

    def __init__(self, ctx, pins, half=4):
        super().__init__(ctx, None)
        self.pins = pins
        self.half = half
        self.selected = None

    async def clocks(self, levels):
        """One period of TCK for each (TMS, TDI); returns TDO as a probe samples it, at the rising edges."""
        ctx, pins = self.ctx, self.pins
        result = 0
        for index, (tms, tdi) in enumerate(levels):
            ctx.set(pins.tms, tms)
            ctx.set(pins.tdi, tdi)
            await ctx.tick().repeat(self.half)
            result |= ctx.get(pins.tdo) << index
            ctx.set(pins.tck, 1)
            await ctx.tick().repeat(self.half)
            ctx.set(pins.tck, 0)
        return result

    async def reset(self):
        await self.clocks([(1, 0)] * 5 + [(0, 0)])
        self.selected = Instruction.IDCODE

    async def _scan(self, before, value, bits):
        """From Run-Test/Idle by the TMS levels `before` to a shift state, `bits` bits through, and back."""
        shift = [(bit == bits - 1, value >> bit & 1) for bit in range(bits)]
        answer = await self.clocks([(tms, 0) for tms in before] + shift + [(1, 0), (0, 0)])
        return answer >> len(before) & ((1 << bits) - 1)

    async def instruction(self, value):
        self.selected = value
        return await self._scan((1, 1, 0, 0), value, INSTRUCTION_BITS)

    async def scan(self, value, bits):
        return await self._scan((1, 0, 0), value, bits)

    async def _request(self, address, data, write):
        if self.selected != Instruction.DMI:
            await self.instruction(Instruction.DMI)
        await self.scan(address << 34 | data << 2 | (2 if write else 1), 41)
        answer = await self.scan(0, 41)
        assert answer & 3 == 0 and answer >> 34 == address
        return answer >> 2 & 0xffff_ffff


class Hart:
    """Executes what the debug module offers, one instruction at a time, as a hart in debug mode must.

    Attributes
    ----------
    registers : list of int
    csrs : dict of int to int
        Those not in it are illegal.
    halted : bool
    resumed : int
        How often it left debug mode.
    """

    def __init__(self, ctx, bus, port, number=0):
        self.ctx, self.port = ctx, port
        self.bus = Initiator(ctx, bus)
        self.registers = [0] + [(0x0123_4567_89ab_cdef * n * n) & MASK for n in range(1, 32)]
        self.csrs = {CsrAddress.MHARTID: number, DebugCsr.DSCRATCH0: 0, DebugCsr.DPC: 0x8000_0000}
        self.halted = False
        self.resumed = 0
        self.pc = 0

    def enter(self):
        self.halted, self.pc = True, park.ENTRY
        self.ctx.set(self.port.halted, 1)

    def leave(self):
        self.halted = False
        self.resumed += 1
        self.ctx.set(self.port.halted, 0)

    async def step(self):
        insn = await self.bus.read(self.pc, 4)
        opcode, rd, funct3, rs1, rs2 = insn & 0x7f, insn >> 7 & 31, insn >> 12 & 7, insn >> 15 & 31, insn >> 20 & 31
        x, here, immediate = self.registers, self.pc, _signed(insn >> 20, 12)
        self.pc += 4
        try:
            if insn == park.EBREAK:
                self.pc = park.ENTRY
            elif insn == DRET:
                self.leave()
            elif opcode == Opcode.LOAD:
                x[rd] = await self._load(x[rs1] + immediate, funct3)
            elif opcode == Opcode.STORE:
                size = 1 << funct3
                address = x[rs1] + _signed(insn >> 25 << 5 | rd, 12)
                await self.bus.write(address, x[rs2] & ((1 << 8 * size) - 1), size)
            elif opcode == Opcode.OP_IMM and funct3 in (0, 7):
                x[rd] = (x[rs1] + immediate if funct3 == 0 else x[rs1] & immediate) & MASK
            elif opcode == Opcode.BRANCH and funct3 in (0, 1):
                if (x[rs1] == x[rs2]) == (funct3 == 0):
                    self.pc = here + _signed((insn >> 31) << 12 | (insn >> 7 & 1) << 11 | (insn >> 25 & 63) << 5
                                             | (insn >> 8 & 15) << 1, 13)
            elif opcode == Opcode.JAL:
                x[rd] = self.pc
                self.pc = here + _signed((insn >> 31) << 20 | (insn >> 12 & 255) << 12 | (insn >> 20 & 1) << 11
                                         | (insn >> 21 & 1023) << 1, 21)
            elif opcode == Opcode.SYSTEM and funct3 in (1, 2) and insn >> 20 in self.csrs:
                old = self.csrs[insn >> 20]
                if funct3 == 1:
                    self.csrs[insn >> 20] = x[rs1]
                x[rd] = old
            elif opcode != Opcode.MISC_MEM:
                self.pc = park.ENTRY + 4
        except BusError:
            self.pc = park.ENTRY + 4
        x[0] = 0

    async def _load(self, address, funct3):
        size = 1 << (funct3 & 3)
        value = await self.bus.read(address, size)
        return value if funct3 & 4 else _signed(value, 8 * size) & MASK


def _signed(value, bits):
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value
