"""Campaigns in booted systems: the program `campaign` does something very often, by a seed, and the system goes on.

Each is short in `make test`; the long ones print their seed, and VERIDIAN_SEED runs one again.
"""

import re

import pytest

from hw import abi
from hw.abi import Call, CapType, ExitReason, Rights, Status
from kernel.build import build_kernel
from sim.boot import TARGETS
from tests.system.agent import Agent
from tests.system.campaign import EMULATED, campaign_seed, targets
from tests.system.planted import with_type

#: Of enum campaign in kernel/user/include/campaign.h.
FUZZ, GUESS, CHURN = range(3)
MILLION = 1_000_000
#: Calls that the program does not make.
NOT_REACHED = {Call.EXIT, Call.THREAD_EXIT}
RISCV = targets("qemu-riscv64")


def run(target: str, campaign: int, count: int, seed: int, **options) -> str:
    """The campaign's lines, after it ended well and the system has everything back and goes on."""
    with Agent.boot(target, **options) as agent:
        before = statistics(agent)
        started = agent.call("PROCESS_CREATE", handle=agent.space, texts={0: "campaign"}, w2=campaign, w3=count,
                             w4=seed, count=3, capabilities=agent.console | agent.space << 32,
                             capabilities_high=agent.kernel)
        assert started.status == Status.OK
        ended = agent.call("PROCESS_WAIT", handle=started.handle, timeout=abi.TIMEOUT_FOREVER)
        lines = "\n".join(line for line in agent.log if line.startswith("campaign: "))
        assert (ended.status, ended[0], ended[1]) == (Status.OK, ExitReason.EXITED.value, 0), f"seed {seed}: {lines}"
        assert agent.call("CAP_DELETE", handle=started.handle).status == Status.OK
        assert statistics(agent) == before
        # Whoever comes now finds a system like any other.
        made = agent.call("CAP_CREATE", w0=CapType.ENDPOINT.value).handle
        derived = agent.call("CAP_DERIVE", handle=made, w0=Rights.SEND.value).handle
        assert agent.call("CAP_REVOKE", handle=made)[0] == 1
        assert agent.call("CAP_INSPECT", handle=derived).status == Status.BAD_HANDLE
    assert agent.result.code == 0
    return lines


def statistics(agent: Agent) -> list[int]:
    """Everything but the object ids that were retired, which a campaign may cost."""
    answer = agent.call("STATISTICS", handle=agent.kernel)
    assert answer.status == Status.OK
    return [answer[word] for word in range(7) if word != 3]


def reached(lines: str) -> dict[int, set[Status]]:
    """How calls of each number ended; the number behind the last is for all that are none."""
    return {int(number): {status for status in Status if int(mask, 16) >> status.value & 1}
            for number, mask in re.findall(r"fuzz number=(\d+) statuses=(0x[0-9a-f]+)", lines)}


def check_fuzz(lines: str, enough: int) -> None:
    found = reached(lines)
    assert found[len(abi.CALLS)] == {Status.BAD_CALL}
    for rule in abi.CALLS:
        assert found[rule.call.value] <= {Status.OK, *rule.all_errors}, rule.call
    good = {rule.call for rule in abi.CALLS if Status.OK in found[rule.call.value]}
    assert len(good) >= enough, f"never did: {sorted(call.name for call in set(Call) - good - NOT_REACHED)}"


@pytest.mark.parametrize("target", [*EMULATED, *targets("model")])
def test_random_calls(target):
    check_fuzz(run(target, FUZZ, 6_000, 11), enough=25)


@pytest.mark.parametrize("target", RISCV)
def test_guesses_at_handles(target):
    run(target, GUESS, 20_000, 12)


@pytest.mark.parametrize("target", RISCV)
def test_capabilities_come_and_go(target):
    run(target, CHURN, 20_000, 13)


@pytest.mark.parametrize("target", RISCV)
def test_a_fault_is_found(target, tmp_path):
    """A call that says WRONG_TYPE, which its row does not list, and for an endpoint goes on with a slot that
    nobody has looked up: the one is seen by the campaign, the other ends the machine, whichever comes first."""
    with pytest.raises(AssertionError, match="not so: a call ends as its table says|kernel panic: trap"):
        run(target, FUZZ, 6_000, 11, kernel=with_type(tmp_path, Call.CAP_DELETE, CapType.ENDPOINT))


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("test_kernel", [False, True], ids=["release", "assertions"])
@pytest.mark.parametrize("target", EMULATED)
def test_a_million_random_calls(target, test_kernel):
    kernel = {"kernel": build_kernel(TARGETS[target].architecture, test=True)} if test_kernel else {}
    check_fuzz(run(target, FUZZ, MILLION, 1 + campaign_seed(f"random calls on {target}"), **kernel), enough=40)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("target", [*EMULATED, *targets("model")])
def test_a_million_guesses(target):
    lines = run(target, GUESS, MILLION, 1 + campaign_seed(f"guesses on {target}"))
    [(right, empty)] = re.findall(r"guess count=\d+ right=(\d+) empty=(\d+)", lines)
    # About 8 of the half that name a slot in use are right by chance.
    assert int(right) < 40 and int(empty) < 40


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("target", EMULATED)
def test_a_million_capabilities_come_and_go(target):
    run(target, CHURN, MILLION, 1 + campaign_seed(f"churn on {target}"))
