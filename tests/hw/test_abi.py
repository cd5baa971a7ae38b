"""The ABI's data is consistent with itself and with the numbers that DESIGN fixes."""

import pytest

from hw import abi


def test_sizes_of_kernel_structures():
    assert abi.Token.as_shape().size == 80
    assert abi.SLOT_BYTES == 32
    assert abi.OBJECT_ENTRY_BYTES == 16
    assert abi.SLOTS_PER_PAGE * abi.SLOT_BYTES == abi.PAGE_BYTES
    assert abi.DIRECTORY_ENTRIES * abi.DIRECTORY_ENTRY_BYTES == abi.PAGE_BYTES


@pytest.mark.parametrize("layout", [abi.Slot, abi.SpaceEntry, abi.DirectoryEntry, abi.ObjectEntry, abi.Query,
                                    abi.Answer, abi.MailAnswer, abi.Handle, abi.InfoIn, abi.InfoOut],
                         ids=lambda c: c.__name__)
def test_fields_do_not_cross_words(layout):
    for name, field in layout.as_shape():
        assert field.offset // 64 == (field.offset + field.width - 1) // 64, name


def test_a_handle_reaches_every_slot_of_a_space():
    index_bits = abi.Handle.as_shape()["index"].width
    assert 1 << index_bits == abi.DIRECTORY_ENTRIES * abi.SLOTS_PER_PAGE


def test_the_slot_holds_the_token_first():
    slot, token = abi.Slot.as_shape(), abi.Token.as_shape()
    for name, field in token:
        assert (slot[name].offset, slot[name].width) == (field.offset, field.width)


def test_a_slot_link_names_every_slot_of_every_page():
    assert abi.Slot.as_shape()["parent"].width == abi.DirectoryEntry.as_shape()["page"].width + 7


def test_instruction_encodings_differ():
    encodings = [(insn.funct7, insn.funct3) for insn in abi.INSTRUCTIONS]
    assert len(set(encodings)) == len(encodings)
    assert [insn.name for insn in abi.INSTRUCTIONS if insn.user and not insn.name.startswith("mail.")] == ["cap.check"]


def test_units_share_no_function():
    assert abi.unit_functions("cap").isdisjoint(abi.unit_functions("mail"))
    assert abi.unit_functions("mail") == {2, 3}


def test_every_call_has_one_rule_at_its_number():
    assert [rule.call for rule in abi.CALLS] == list(abi.Call)
    assert [rule.call.value for rule in abi.CALLS] == list(range(len(abi.CALLS)))


def test_statuses_begin_with_the_verdicts():
    for verdict in abi.Verdict:
        assert abi.Status[verdict.name].value == verdict.value


@pytest.mark.parametrize("arch", abi.CALL_REGISTERS)
def test_call_registers(arch):
    registers = abi.CALL_REGISTERS[arch]
    assert len(set(registers)) == len(registers) == abi.MESSAGE_WORDS + 5


def test_rights_are_single_bits():
    assert all(right.value.bit_count() == 1 for right in abi.Rights)


def test_handles_come_first_and_in_the_handle_word_once():
    for rule in abi.CALLS:
        assert rule.arguments[:len(rule.handles)] == rule.handles, rule.call
        assert [handle.word for handle in rule.handles].count(abi.HANDLE_WORD) == min(1, len(rule.handles)), rule.call


def test_no_word_holds_two_arguments():
    for rule in abi.CALLS:
        words = [argument.word for argument in rule.arguments]
        assert len(set(words)) == len(words), rule.call
        assert all(abi.INFO_WORD != word < abi.CALL_WORDS for word in words), rule.call


def test_a_call_asks_for_rights_that_the_type_has():
    for rule in abi.CALLS:
        for handle in rule.handles:
            assert handle.cap_type is None or not handle.rights & ~abi.TYPE_RIGHTS[handle.cap_type], rule.call
            assert not handle.stale or (handle.cap_type is None and not handle.rights), rule.call


def test_every_type_has_a_call_that_needs_it():
    assert {handle.cap_type for rule in abi.CALLS for handle in rule.handles} - {None} == set(abi.TYPE_RIGHTS)


def test_statuses_fit_the_mask_of_errors():
    assert max(status.value for status in abi.Status) < 64
    assert all(abi.Status.OK not in rule.all_errors for rule in abi.CALLS)
