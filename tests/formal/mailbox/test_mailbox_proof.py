"""The mailbox loses, doubles, reorders and mixes nothing, stores nothing on a refusal, and leaves no residue.

Proven for all time by induction, with reset at any moment, for a small mailbox (see MailboxProof).
"""

import pytest

from hw.mailbox.config import FAULTS, HART_FAULTS
from tests.formal.mailbox.mailbox_proof import MailboxProof
from tests.formal.prove import ProofFailure, prove

DEPTH = 3
#: Nothing that the proof speaks of.
BEYOND = {"no_rate_limit", "no_charge", "limit_by_page", "interrupt_always", "no_threshold", "no_delay"}
#: Of several harts: who waits for how long, it does not speak of.
BEYOND |= {"first_hart_first", "never_gives_way", "never_pauses"}
#: One of each kind; the others take as long and only `make test-all` runs them.
QUICK = {"store_on_refusal", "lose_on_pop", "mix_queues", "late_answer", "send_after_kill", "pop_without_view"}


def test_mailbox():
    prove(MailboxProof(), mode="prove", depth=DEPTH, reset="any", name="mailbox")


def test_two_harts():
    prove(MailboxProof(harts=2), mode="prove", depth=DEPTH, reset="any", name="mailbox", timeout=1200)


@pytest.mark.slow
@pytest.mark.parametrize("fault", [fault for fault in HART_FAULTS if fault not in BEYOND])
def test_fault_breaks_the_proof_of_two_harts(fault):
    with pytest.raises(ProofFailure, match="(mailbox|instruction)_proof.py"):
        prove(MailboxProof(fault, harts=2), mode="prove", depth=DEPTH, reset="any", name="mailbox", timeout=1200)


@pytest.mark.parametrize("fault", [
    pytest.param(fault, marks=() if fault in QUICK else pytest.mark.slow)
    for fault in FAULTS if fault not in BEYOND and fault not in HART_FAULTS])
def test_fault_breaks_the_proof(fault):
    with pytest.raises(ProofFailure, match="(mailbox|instruction)_proof.py"):
        prove(MailboxProof(fault), mode="prove", depth=DEPTH, reset="any", name="mailbox")


@pytest.mark.slow
def test_marked_message_arrives():
    """The properties are not empty: a marked message is stored, read and popped. (No time is spent on clearing.)"""
    prove(MailboxProof("no_clear"), mode="cover", depth=36, name="mailbox")
