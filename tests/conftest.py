"""Once before the tests: the emulators that the booted tests run, where they can be installed without asking."""

from sim.qemu import EMULATORS, ensure_installed
from sim.toolchain import ToolError


def pytest_configure(config):
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    for emulator in EMULATORS.values():
        try:
            ensure_installed(emulator)
        except ToolError as error:
            # The tests that want it are skipped, and the summary says so.
            config.issue_config_time_warning(UserWarning(str(error)), stacklevel=2)
            return
