"""The walk of system calls and rights: its reader, what the table has to say at least, and planted faults."""

import importlib.util
import shutil
from pathlib import Path

import pytest

from hw import abi
from sim.boot import TARGETS, boot
from sim.qemu import EMULATORS
from tests.system.planted import handle_rule, without_right

_spec = importlib.util.spec_from_file_location("system_rights", Path(__file__).with_name("rights.py"))
rights = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(rights)

_R = abi.Rights
#: Written once more by hand, so that a right that drops out of the table is noticed.
POLICY = {
    "CONSOLE_WRITE": _R.WRITE, "IPC_CALL": _R.SEND, "IPC_SEND": _R.SEND, "IPC_RECEIVE": _R.RECEIVE,
    "IPC_REPLY_RECEIVE": _R.RECEIVE, "CAP_DERIVE": _R.DERIVE, "CAP_REVOKE": _R.REVOKE, "PROCESS_CREATE": _R.EXECUTE,
    "PROCESS_WAIT": _R.WAIT, "KERNEL_CONTROL": _R.MANAGE, "MAIL_SEND": _R.SEND, "MAIL_RECEIVE": _R.RECEIVE,
    "CAP_DESTROY": _R.MANAGE, "NOTIFICATION_SIGNAL": _R.SIGNAL, "NOTIFICATION_WAIT": _R.WAIT,
    "NOTIFICATION_POLL": _R.WAIT, "TIMER_SET": _R.WRITE, "TIMER_CANCEL": _R.WRITE, "TIMER_INFO": _R.READ,
    "PROCESS_KILL": _R.MANAGE, "PROCESS_SUSPEND": _R.MANAGE, "PROCESS_RESUME": _R.MANAGE,
    "PROCESS_INFO": _R.READ, "PROCESS_LIMIT": _R.MANAGE, "STATISTICS": _R.READ, "CAP_COPY": _R.GRANT,
    "CAP_MOVE": _R.GRANT, "PROCESS_SPACE": _R.MANAGE, "SPACE_INFO": _R.READ, "SPACE_SEAL": _R.MANAGE,
    "REGISTRY_REGISTER": _R.WRITE, "REGISTRY_LOOKUP": _R.READ, "REGISTRY_UNREGISTER": _R.MANAGE,
    "THREAD_WAIT": _R.WAIT, "THREAD_SUSPEND": _R.MANAGE, "THREAD_RESUME": _R.MANAGE, "THREAD_KILL": _R.MANAGE,
    "THREAD_INFO": _R.READ, "IO_INFO": _R.READ, "IO_READ": _R.READ, "IO_WRITE": _R.WRITE | _R.MANAGE,
    "INTERRUPT_CREATE": _R.MANAGE, "INTERRUPT_BIND": _R.MANAGE, "INTERRUPT_UNBIND": _R.MANAGE,
    "INTERRUPT_ACKNOWLEDGE": _R.WRITE, "CHANNEL_SEND": _R.SEND, "CHANNEL_RECEIVE": _R.RECEIVE,
    "CHANNEL_COMPLETE": _R.RECEIVE, "CHANNEL_AWAIT": _R.SEND, "BUFFER_WATCH": _R.MANAGE,
    "PROCESS_ADDRESS_SPACE": _R.MANAGE, "ADDRESS_SPACE_INFO": _R.READ, "ADDRESS_SPACE_UNMAP": _R.WRITE,
    "RESERVATION_SET": _R.WRITE, "RESERVATION_BIND": _R.EXECUTE, "RESERVATION_UNBIND": _R.EXECUTE,
    "RESERVATION_INFO": _R.READ,
}
#: Of a call's second handle, where it has one.
SECOND = {
    "TIMER_SET": _R.SIGNAL, "CAP_COPY": _R.WRITE, "CAP_MOVE": _R.WRITE, "REGISTRY_REGISTER": _R.GRANT,
    "MEM_MAP": _R.WRITE, "MEM_PROTECT": _R.WRITE,
    "INTERRUPT_BIND": _R.SIGNAL, "BUFFER_WATCH": _R.SIGNAL, "RESERVATION_SET": _R.EXECUTE,
    "RESERVATION_BIND": _R.MANAGE,
}
#: Calls that any process may make, and calls that ask for a type only or by their arguments.
FREE = {"NULL", "YIELD", "EXIT", "CLOCK", "IPC_REPLY", "CAP_CHECK", "CAP_CREATE", "MAIL_BIND", "THREAD_CREATE",
        "THREAD_EXIT", "PROCESS_QUOTAS"}
BY_ARGUMENT = {"CAP_DELETE", "MEM_MAP", "MEM_UNMAP", "MEM_PROTECT", "MEM_INFO", "CAP_INSPECT"}


def test_every_call_is_in_the_policy():
    assert {call.name for call in abi.Call} == POLICY.keys() | FREE | BY_ARGUMENT
    assert {rule.call.name for rule in abi.CALLS if not rule.handles} == FREE


@pytest.mark.parametrize("name", POLICY)
def test_calls_ask_for_the_rights_of_the_policy(name):
    assert handle_rule(abi.Call[name]).rights == POLICY[name]


@pytest.mark.parametrize("name", ["MEM_MAP", "MEM_PROTECT"])
def test_mapping_asks_for_rights_of_the_address_space(name):
    place = handle_rule(abi.Call[name], 1)
    assert (place.cap_type, place.rights, place.asked) == (abi.CapType.ADDRESS_SPACE, _R.WRITE, 1)
    # Where a handle of 0 will do without a capability, it is the caller's own, and there is nothing else like that.
    assert {(rule.call.name, handle.name) for rule in abi.CALLS for handle in rule.handles if handle.own} == {
        (call, "address space") for call in ("MEM_MAP", "MEM_PROTECT", "ADDRESS_SPACE_INFO", "ADDRESS_SPACE_UNMAP")}


def test_second_handles_ask_for_the_rights_of_the_policy():
    assert {rule.call.name: rule.handles[1].rights for rule in abi.CALLS if len(rule.handles) > 1} == SECOND


def _good_lines() -> list[str]:
    lines = []
    for rule in abi.CALLS:
        for index, handle in enumerate(rule.handles):
            found = " ".join(f"{name}={value}" for name, value in rights._expected(handle).items())
            lines.append(f"rights call={rule.call.value} handle={index} {found}")
    return lines


def test_reader_agrees_with_a_good_walk():
    assert rights.faults(rights.parse("\n".join(["noise", *_good_lines()]))) == []


@pytest.mark.parametrize("change", ["missing line", "right not needed", "not refused", "unknown call"])
def test_reader_sees_a_bad_walk(change):
    lines = _good_lines()
    match change:
        case "missing line":
            lines.pop(3)
        case "right not needed":
            lines[0] = lines[0].replace(f"refused={_R.WRITE.value}", "refused=0")
        case "not refused":
            lines[0] = lines[0].replace("wrong_type=4", "wrong_type=0")
        case "unknown call":
            lines.append(lines[0].replace("call=4", "call=999"))
    assert len(rights.faults(rights.parse("\n".join(lines)))) == 1


@pytest.mark.skipif(shutil.which(EMULATORS["riscv64"].program) is None, reason="QEMU is not installed")
@pytest.mark.parametrize("call, index", [(abi.Call.IPC_RECEIVE, 0), (abi.Call.CAP_REVOKE, 0), (abi.Call.MEM_MAP, 1),
                                         (abi.Call.RESERVATION_BIND, 0)],
                         ids=lambda value: getattr(value, "name", None))
def test_a_dropped_right_is_found(tmp_path, call, index):
    """One entry missing from the kernel's table: the walk on the booted system shows that call, and no other."""
    result = boot(TARGETS["qemu-riscv64"], init="suite", echo=False, timeout=300,
                  kernel=without_right(tmp_path, call, index))
    assert result.code == 1
    found = rights.faults(rights.parse(result.output))
    assert found and all(fault.startswith(f"{call.name}, ") for fault in found)
