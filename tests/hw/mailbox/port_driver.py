"""A hart at the mailbox's capability port: issues, commits, kills and takes results as `hw/core/commit.py` does."""

from dataclasses import dataclass

from cocotb.triggers import FallingEdge, Timer
from cocotb.utils import get_sim_time

from hw.abi import CUSTOM_0, INSTRUCTIONS

__all__ = ["Done", "Hart", "encode"]

_WORDS = {each.name: CUSTOM_0 | each.funct3 << 12 | each.funct7 << 25 for each in INSTRUCTIONS}
#: More than any instruction may take.
_PATIENCE = 3000


def encode(name):
    """The instruction's bits, registers left out."""
    return _WORDS[name]


@dataclass
class Done:
    """What became of an instruction."""

    name: str
    #: None: killed, or rd keeps its value.
    data: int | None = None
    killed: bool = False
    accepted: bool = True
    #: Cycles in which it was issued, and in which its result was taken.
    issued: int | None = None
    taken: int | None = None


class Hart:
    """The hart at the port of this name. Two instructions are in flight at most: one in the memory stage, one that
    waits in writeback.

    `slow_stores` are the cycles that the store buffer takes to be empty, for instructions that ask for a fence. With a
    `number` it is one of several, and forgets its program in the first cycle in which its bit of `resets` is high.
    """

    def __init__(self, dut, port="port", number=None):
        self.dut = dut
        self.context = 0
        self.slow_stores = 0
        self._port, self._number = port, number

    @property
    def in_reset(self):
        """In this cycle."""
        return self._number is not None and bool(int(self.dut.resets.value) >> self._number & 1)

    def signal(self, name):
        """A signal of the port."""
        return getattr(self.dut, f"{self._port}_{name}")

    @staticmethod
    def now():
        """Number of the present cycle."""
        return int(get_sim_time("ns")) // 10

    async def run(self, program, *, kill=(), hold=None, privilege=0):
        """Execute (name, rs1, rs2) one after the other.

        Parameters
        ----------
        program : list of tuple
        kill : collection of int
            Numbers of instructions that are killed instead of committed.
        hold : dict of int to int, optional
            Cycles that an instruction waits in the memory stage before it is committed or killed, as behind a slow
            one.
        privilege : int

        Returns
        -------
        tuple of list of Done and int
            And the cycles that `mcycle` read before and behind would tell, but for the reading itself. What a reset
            has ended has no cycle in which its result was taken.
        """
        signal, hold = self.signal, dict(hold or {})
        done = [Done(name) for name, *_ in program]
        position, memory, back, began, cycles = 0, None, None, None, 0
        fence = [False] * len(program)
        back_committed, stores = False, 0
        while position < len(program) or memory is not None or back is not None:
            assert cycles < _PATIENCE, f"no end of {program} at {position}, {memory}, {back}"
            # ---- what the hart drives in this cycle
            frozen = back is not None
            waits = memory is not None and not frozen and hold.get(memory, 0) > 0
            offers = position < len(program) and not frozen and not waits
            if offers:
                name, rs1, rs2 = (*program[position], 0, 0)[:3]
                signal("issue_insn").value = encode(name)
                signal("issue_rs1").value, signal("issue_rs2").value = rs1, rs2
                signal("issue_privilege").value, signal("issue_context").value = privilege, self.context
            signal("issue_valid").value = int(offers)
            acts = memory is not None and not frozen and not waits
            kills = acts and memory in kill
            late = frozen and not back_committed and stores <= 0
            commits = (acts and not kills and not fence[memory]) or late
            signal("commit_valid").value, signal("commit_kill").value = int(commits or kills), int(kills)
            signal("result_ready").value = int(commits or (frozen and back_committed))
            await Timer(2, unit="ns")
            # ---- what the mailbox says
            taken = bool(int(signal("result_valid").value)) and bool(int(signal("result_ready").value))
            data = int(signal("result_data").value) if taken and int(signal("result_we").value) else None
            issued = offers and bool(int(signal("issue_ready").value))
            accepted = issued and bool(int(signal("issue_accept").value))
            if issued:
                done[position].issued = self.now()
            if issued and accepted:
                fence[position] = bool(int(signal("issue_fence").value))
            # ---- the next cycle
            if self.in_reset:
                assert not taken and not issued, f"{program} goes on in reset at {position}, {memory}, {back}"
                await FallingEdge(self.dut.clk)
                break
            stores -= 1
            if frozen:
                back_committed = back_committed or late
                if taken:
                    done[back].data, done[back].taken, back = data, self.now(), None
            elif waits:
                hold[memory] -= 1
            elif acts:
                if kills:
                    done[memory].killed = True
                elif taken:
                    done[memory].data, done[memory].taken = data, self.now()
                else:
                    back, back_committed, stores = memory, bool(commits), self.slow_stores
                memory = None
            if issued:
                done[position].accepted = accepted
                memory = position if accepted else memory
                position += 1
            if began is None and issued:
                began = cycles
            await FallingEdge(self.dut.clk)
            cycles += 1
        signal("issue_valid").value = signal("commit_valid").value = signal("result_ready").value = 0
        return done, cycles - (began or 0) - 1

    async def forget(self):
        """The capability unit forgets something, and says so for a cycle; effective a cycle later."""
        self.dut.forget.value = 1
        await FallingEdge(self.dut.clk)
        self.dut.forget.value = 0
        await FallingEdge(self.dut.clk)
