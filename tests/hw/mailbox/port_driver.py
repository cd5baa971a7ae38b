"""A hart at the mailbox's capability port: issues, commits, kills and takes results as `hw/core/commit.py` does."""

from dataclasses import dataclass

from cocotb.triggers import FallingEdge, Timer

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


class Hart:
    """Two instructions are in flight at most: one in the memory stage, one that waits in writeback.

    `slow_stores` are the cycles that the store buffer takes to be empty, for instructions that ask for a fence.
    """

    def __init__(self, dut):
        self.dut = dut
        self.context = 0
        self.slow_stores = 0

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
            And the cycles that `mcycle` read before and behind would tell, but for the reading itself.
        """
        dut, hold = self.dut, dict(hold or {})
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
                dut.port_issue_insn.value = encode(name)
                dut.port_issue_rs1.value, dut.port_issue_rs2.value = rs1, rs2
                dut.port_issue_privilege.value, dut.port_issue_context.value = privilege, self.context
            dut.port_issue_valid.value = int(offers)
            acts = memory is not None and not frozen and not waits
            kills = acts and memory in kill
            late = frozen and not back_committed and stores <= 0
            commits = (acts and not kills and not fence[memory]) or late
            dut.port_commit_valid.value, dut.port_commit_kill.value = int(commits or kills), int(kills)
            dut.port_result_ready.value = int(commits or (frozen and back_committed))
            await Timer(2, unit="ns")
            # ---- what the mailbox says
            taken = bool(int(dut.port_result_valid.value)) and bool(int(dut.port_result_ready.value))
            data = int(dut.port_result_data.value) if taken and int(dut.port_result_we.value) else None
            issued = offers and bool(int(dut.port_issue_ready.value))
            accepted = issued and bool(int(dut.port_issue_accept.value))
            if issued and accepted:
                fence[position] = bool(int(dut.port_issue_fence.value))
            # ---- the next cycle
            stores -= 1
            if frozen:
                back_committed = back_committed or late
                if taken:
                    done[back].data, back = data, None
            elif waits:
                hold[memory] -= 1
            elif acts:
                if kills:
                    done[memory].killed = True
                elif taken:
                    done[memory].data = data
                else:
                    back, back_committed, stores = memory, bool(commits), self.slow_stores
                memory = None
            if issued:
                done[position].accepted = accepted
                memory = position if accepted else memory
                position += 1
            if began is None and issued:
                began = cycles
            await FallingEdge(dut.clk)
            cycles += 1
        dut.port_issue_valid.value = dut.port_commit_valid.value = dut.port_result_ready.value = 0
        return done, cycles - (began or 0) - 1

    async def forget(self):
        """The capability unit forgets something, and says so for a cycle; effective a cycle later."""
        self.dut.forget.value = 1
        await FallingEdge(self.dut.clk)
        self.dut.forget.value = 0
        await FallingEdge(self.dut.clk)
