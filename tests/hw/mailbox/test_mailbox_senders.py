"""The mailbox's token buckets and floods, on Verilator."""

import pytest

from hw.mailbox.mailbox import Mailbox
from tests.hw.cocotb_bench import build, run, testcases
from tests.hw.mailbox.driver import CONFIGS

BENCH = "tests.hw.mailbox.sender_bench"


@pytest.fixture(scope="session")
def default():
    return build(Mailbox(CONFIGS["default"]), name="mailbox")


@pytest.mark.parametrize("testcase", testcases(BENCH))
def test_senders(default, testcase):
    run(default, BENCH, testcase, environment={"MAILBOX": "default"})
