"""The mailbox on Verilator, and its parameters."""

import pytest

from hw.mailbox.mailbox import Mailbox
from tests.hw.cocotb_bench import build, run, testcases
from tests.hw.mailbox.driver import CONFIGS

DIRECTED = "tests.hw.mailbox.mailbox_bench"


@pytest.fixture(scope="session")
def default():
    return build(Mailbox(CONFIGS["default"]), name="mailbox")


@pytest.mark.parametrize("testcase", testcases(DIRECTED))
def test_directed(default, testcase):
    run(default, DIRECTED, testcase, environment={"MAILBOX": "default"})
