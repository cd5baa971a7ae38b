"""Attacks on a booted system that need several processes, through the test agent."""

import pytest

from hw.abi import CapType, Rights, Status
from tests.system.agent import Agent
from tests.system.booted_machine import BootedSystem
from tests.system.campaign import EMULATED, targets

TARGETS = [*EMULATED, *targets("model"), *(pytest.param(name, marks=pytest.mark.slow) for name in ("soc", "soc-sw"))]


@pytest.mark.parametrize("target", TARGETS)
def test_a_deputy_is_not_confused(target):
    """Who has a strong capability and acts for one who has a weak one does not lend it its strength unawares."""
    with Agent.boot(target) as agent:
        system = BootedSystem(agent, 1)
        (_, deputy), (_, client) = system.new_space(), system.new_space()
        _, _, strong = system.create(deputy, CapType.NOTIFICATION)
        status, weak = system.derive(deputy, strong, (Rights.SIGNAL | Rights.GRANT).value, 0)
        assert status == Status.OK
        status, [given, *_] = system.transfer(deputy, client, [weak], 0)
        assert status == Status.OK
        # The client asks for what it may not do itself, and names the object by the capability that it has.
        status, [came, *_] = system.transfer(client, deputy, [given], 0)
        assert status == Status.OK and came != strong
        assert system.call(deputy, "NOTIFICATION_POLL", handle=came).status == Status.MISSING_RIGHTS
        assert system.call(deputy, "NOTIFICATION_SIGNAL", handle=came, w0=4).status == Status.OK
        assert system.call(deputy, "NOTIFICATION_POLL", handle=strong)[0] == 4
        # The deputy's own number for its strong capability is worth nothing to the client, neither to use nor to send.
        assert system.call(client, "NOTIFICATION_POLL", handle=strong).status == Status.BAD_HANDLE
        assert system.transfer(client, deputy, [strong], 0)[0] == Status.BAD_HANDLE
        # It gets no stronger on the way: not by deriving, and not by another badge.
        _, _, service = system.create(deputy, CapType.ENDPOINT)
        status, known = system.derive(deputy, service, (Rights.SEND | Rights.GRANT | Rights.DERIVE).value, 7)
        status, [seven, *_] = system.transfer(deputy, client, [known], 0)
        assert system.derive(client, seven, Rights.SEND.value, 8)[0] == Status.BAD_ARGUMENT
        assert system.derive(client, seven, Rights.RECEIVE.value, 0)[0] == Status.MISSING_RIGHTS
        system.close()


@pytest.mark.parametrize("target", TARGETS)
def test_a_name_is_read_once(target):
    """What a program does to its text after a call changes nothing of what the kernel has taken."""
    with Agent.boot(target) as agent:
        registry = agent.call("CAP_CREATE", w0=CapType.REGISTRY_NAME.value).handle
        endpoint = agent.call("CAP_CREATE", w0=CapType.ENDPOINT.value).handle
        # The agent has one buffer for texts, so each call overwrites the one before.
        assert agent.call("REGISTRY_REGISTER", handle=registry, w2=endpoint, texts={0: "first"}).status == Status.OK
        assert agent.call("REGISTRY_LOOKUP", handle=registry, texts={0: "other"}).status == Status.NOT_FOUND
        assert agent.call("REGISTRY_LOOKUP", handle=registry, texts={0: "first"}).status == Status.OK
