import pytest

from sim import qemu, toolchain
from sim.toolchain import ToolError


def test_exit_codes():
    assert [qemu.EMULATORS["x86_64"].guest_code(code) for code in (1, 3, 85, 0, 2)] == [0, 1, 42, 1, 1]
    assert [qemu.EMULATORS["riscv64"].guest_code(code) for code in (0, 1, 42)] == [0, 1, 42]


def test_missing_emulator_without_root(monkeypatch):
    monkeypatch.setattr(toolchain.shutil, "which", lambda name: None)
    monkeypatch.setattr(toolchain.os, "geteuid", lambda: 1000)
    with pytest.raises(ToolError) as caught:
        qemu.ensure_installed(qemu.EMULATORS["riscv64"])
    assert caught.value.exit_code == 1
    assert caught.value.message == ("qemu-system-riscv64 is not installed; type: sudo apt-get install -y "
                                    "--no-install-recommends qemu-system-misc opensbi")


def test_missing_emulator_with_root_is_installed(monkeypatch, tmp_path):
    present, commands = [], []
    monkeypatch.setattr(toolchain.shutil, "which", lambda name: name if name == "apt-get" or present else None)
    monkeypatch.setattr(toolchain.os, "geteuid", lambda: 0)

    def install(command, **_):
        commands.append(command)
        if "install" in command:
            present.append(True)

    monkeypatch.setattr(toolchain, "run_tool", install)
    qemu.ensure_installed(qemu.EMULATORS["aarch64"])
    assert commands[0] == ["apt-get", "update"]
    assert commands[1][-1] == "qemu-system-arm"
