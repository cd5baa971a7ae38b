"""The test agent, and the state machine of capabilities that drives booted kernels through it."""

import pytest

from hw.abi import INFO_WORD, Call, CapType, Resource, Rights, Status
from tests.system.agent import Agent, AgentError, Request
from tests.system.booted_machine import bursts, explore
from tests.system.campaign import EMULATED, campaign_seed, targets
from tests.system.planted import without, without_right

RISCV = targets("qemu-riscv64")


@pytest.mark.parametrize("target", [*EMULATED, *targets("model")])
def test_agent_makes_any_call(target):
    with Agent.boot(target) as agent:
        made = agent.call("CAP_CREATE", w0=CapType.NOTIFICATION.value)
        assert made.status == Status.OK and made.handle != 0
        assert agent.call("NOTIFICATION_SIGNAL", handle=made.handle, w0=5).status == Status.OK
        assert agent.call("NOTIFICATION_POLL", handle=made.handle)[0] == 5
        assert agent.call("CAP_INSPECT", handle=made.handle)[0] == CapType.NOTIFICATION.value
        assert agent.call("NOTIFICATION_POLL", handle=made.handle | 1 << 32).status == Status.BAD_HANDLE
        # Numbers of no call, reserved bits, every word, texts.
        assert agent.calls([Request({INFO_WORD: 0xfff0})])[0].status == Status.BAD_CALL
        assert agent.calls([Request({INFO_WORD: 1 << 63})])[0].status == Status.BAD_CALL
        everything = {f"w{word}": 0x1111_1111_1111_1111 * (word + 1) for word in range(8)}
        answer = agent.call("NULL", timeout=12, capabilities=10, capabilities_high=11, handle=9, **everything)
        assert answer.words == {word: 0x1111_1111_1111_1111 * (word + 1) for word in range(8)} | {
            8: 0, 9: 9, 10: 10, 11: 11, 12: 12}
        missing = agent.call("PROCESS_CREATE", handle=agent.space, texts={0: "nobody"})
        assert missing.status == Status.NOT_FOUND
        with pytest.raises(AgentError, match=r"^\? 13=1"):
            agent.calls([Request({INFO_WORD: Call.NULL.value, 13: 1})])
    assert agent.result.code == 0


@pytest.mark.parametrize("target", [*RISCV, *targets("model")])
def test_sequences_agree_with_the_model(target):
    """On `model` every check by unit and by software, and what is done by either, in the same boot."""
    with Agent.boot(target) as agent:
        explore(agent, 3, 6)
        bursts(agent, 2, 1)


@pytest.mark.parametrize("target", targets("model"))
@pytest.mark.parametrize("call", [Call.CAP_DERIVE, Call.CAP_REVOKE], ids=lambda call: call.name)
def test_a_dropped_right_is_found(target, call, tmp_path):
    with (pytest.raises(AssertionError, match=f"model {Status.MISSING_RIGHTS}"),
          Agent.boot(target, kernel=without_right(tmp_path, call)) as agent):
        bursts(agent, 10, 1)


#: Lines of the short paths of derive and create, each of which the machine misses when it is gone.
LINES = {
    "rights": "bnez t0, save_rest",
    "badge": "bnez a1, with_badge",
    "reference": "addi t6, t6, 2",
}


@pytest.mark.parametrize("target", targets("model"))
@pytest.mark.parametrize("line", ["rights", "reference", *(
    pytest.param(line, marks=pytest.mark.slow) for line in LINES if line not in ("rights", "reference"))])
def test_a_short_path_without_a_line_is_found(target, line, tmp_path):
    kernel = without(tmp_path, "arch/riscv64/capability_paths.h", LINES[line])
    with pytest.raises((AssertionError, AgentError)), Agent.boot(target, kernel=kernel) as agent:
        bursts(agent, 10, 1)


def use_ids_again(agent: Agent) -> None:
    """Make as many endpoints as there are ids, twice. The last one has the id of an object that died: what names that
    stays stale."""
    def statistics():
        answer = agent.call("STATISTICS", handle=agent.kernel)
        return [answer[word] for word in range(7)]

    def make() -> list[int]:
        quota = agent.call("PROCESS_QUOTAS")[Resource.OBJECTS.value]
        left = (quota >> 32) - (quota & 0xffff_ffff)
        *made, last = agent.calls([Request.of("CAP_CREATE", w0=CapType.ENDPOINT.value)] * (left + 1))
        assert {answer.status for answer in made} == {Status.OK} and last.status == Status.NO_OBJECTS
        handles = [answer.handle for answer in made]
        assert len(set(handles)) == left
        return handles

    def delete(handles: list[int]) -> None:
        answers = agent.calls([Request.of("CAP_DELETE", handle=handle) for handle in handles])
        assert {answer.status for answer in answers} == {Status.OK}

    before = statistics()
    stale = agent.call("CAP_CREATE", w0=CapType.ENDPOINT.value).handle
    assert agent.call("CAP_DESTROY", handle=stale).status == Status.OK
    made = make()
    for rights in (Rights.SEND, Rights.RECEIVE):
        assert agent.call("CAP_DERIVE", handle=stale, w0=rights.value).status == Status.STALE
    delete([stale, *made])
    assert statistics() == before
    made = make()
    derived = agent.call("CAP_DERIVE", handle=made[-1], w0=Rights.RECEIVE.value)
    assert derived.status == Status.OK
    delete([derived.handle, *made])
    assert statistics() == before


@pytest.mark.slow
@pytest.mark.parametrize("target", RISCV)
def test_ids_are_used_again(target):
    with Agent.boot(target) as agent:
        use_ids_again(agent)


@pytest.mark.slow
@pytest.mark.parametrize("target", RISCV)
@pytest.mark.parametrize("line", ["bne t1, ra, give_up", "sw ra, CAP_STATE_FREE_OBJECT(t6)",
                                  "sw ra, CAP_STATE_FREE_OBJECTS(t6)", "lhu ra, OBJECT_GENERATION(t5)"])
def test_a_short_path_without_a_line_about_ids_is_found(target, line, tmp_path):
    kernel = without(tmp_path, "arch/riscv64/capability_paths.h", line)
    with pytest.raises((AssertionError, AgentError)), Agent.boot(target, kernel=kernel) as agent:
        use_ids_again(agent)


@pytest.mark.slow
@pytest.mark.parametrize("target", [*EMULATED, *targets("model")])
def test_sequences_agree_with_the_model_for_long(target):
    seed = campaign_seed(f"sequences on {target}")
    with Agent.boot(target) as agent:
        explore(agent, 50, 20, seed)
        bursts(agent, 100, seed)


@pytest.mark.slow
def test_sequences_agree_with_the_model_on_the_rtl():
    """The capability unit's RTL and software in the same boot: every verdict by both and by the instruction."""
    seed = campaign_seed("sequences on soc")
    with Agent.boot("soc") as agent:
        assert agent.call("CAP_CHECK").status == Status.BAD_HANDLE
        explore(agent, 4, 6, seed, shrink=False)
        bursts(agent, 4, seed)


def test_rights_of_a_request():
    """A request is one line, however it is made."""
    request = Request.of(Call.CAP_DERIVE, handle=0x1000, w0=(Rights.SEND | Rights.GRANT).value, via=0x77)
    assert request.line == ">77 cap_derive 0=28 9=1000"
    assert Request.of("IPC_CALL", count=2, move=1).line == "ipc_call 8=120000"
