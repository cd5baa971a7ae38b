"""Before the tests: Ctrl-C works, and what Debian has for them is installed where that needs no question."""

import signal
import threading
import warnings
from functools import partial

from amaranth.hdl import UnusedElaboratable

from sim import debug
from sim.qemu import EMULATORS, ensure_installed
from sim.toolchain import ToolError
from tests.formal.revoke.spin import ensure_spin
from tests.hw.simulators import ensure_icarus

# As in pyproject.toml: what is collected between tests, where pytest's filters are not in force, is warned of as well.
warnings.simplefilter("ignore", UnusedElaboratable)


def pytest_configure(config):
    # A runner in the background may have been started with SIGINT ignored, which children inherit; tests of Ctrl-C
    # want the default.
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    emulators = [partial(ensure_installed, emulator) for emulator in EMULATORS.values()]
    for install in (*emulators, debug.ensure_installed, ensure_icarus, ensure_spin):
        try:
            install()
        except ToolError as error:
            # The tests that want it are skipped, and the summary says so.
            config.issue_config_time_warning(UserWarning(str(error)), stacklevel=2)
            return
