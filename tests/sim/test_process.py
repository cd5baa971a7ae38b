import os
import signal
import subprocess
import sys
import time

from sim.process import EXIT_TIMEOUT, watch


def test_output_lines_and_code():
    lines = []
    finished = watch(["sh", "-c", "printf 'one\\r\\ntwo\\nrest'; exit 7"], echo=False, on_line=lines.append)
    assert (finished.code, lines) == (7, ["one", "two"])
    assert finished.output == "one\r\ntwo\nrest"


def test_stdin_is_empty_unless_interactive():
    assert watch(["cat"], echo=False, timeout=10).code == 0


def test_timeout_ends_the_child():
    start = time.monotonic()
    finished = watch(["sh", "-c", "echo started; exec sleep 60"], echo=False, timeout=0.5)
    assert finished.code == EXIT_TIMEOUT
    assert finished.output == "started\n"
    assert time.monotonic() - start < 10


def test_interrupt_ends_the_child_and_reports_130(tmp_path):
    marker = tmp_path / "pid"
    script = ("from sim.process import watch; import sys; "
              f"sys.exit(watch(['sh', '-c', 'echo $$ > {marker}; exec sleep 60']).code)")
    process = subprocess.Popen([sys.executable, "-c", script], start_new_session=True)
    try:
        deadline = time.monotonic() + 20
        while not (marker.exists() and marker.read_text().strip()) and time.monotonic() < deadline:
            time.sleep(0.05)
        child = int(marker.read_text())
        time.sleep(0.2)
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(20) == 130
        assert not os.path.exists(f"/proc/{child}")
    finally:
        process.kill()
