from dataclasses import replace

import pytest

from hw.capability.config import CapabilityUnitConfig
from hw.core.config import CoreConfig
from soc.config import SocConfig
from soc.parameters import configure, describe, parameter_names


def test_pairs_win_over_json():
    config = configure(CoreConfig, '{"contexts": 2, "tlb_entries": 4}', ["tlb_entries=0x10"])
    assert config == CoreConfig(contexts=2, tlb_entries=16)


def test_defaults_lose_against_both():
    config = configure(CoreConfig, '{"contexts": 2}', ["hart_id=1"], {"contexts": 3, "hart_id": 3, "trace": True})
    assert config == CoreConfig(contexts=2, hart_id=1, trace=True)


def test_core_takes_a_systems_configuration():
    assert configure(CoreConfig, SocConfig(core=CoreConfig(contexts=4)).to_json()) == CoreConfig(contexts=4)


def test_preset_by_name():
    assert configure(CoreConfig, "small") == SocConfig.from_json("small").core
    assert configure(SocConfig, "small", ["tlb_entries=4"]) == replace(
        SocConfig.from_json("small"), core=configure(CoreConfig, "small", ["tlb_entries=4"]))


@pytest.mark.parametrize("name", ["contexts", "core.contexts"])
def test_system_reaches_its_core(name):
    assert configure(SocConfig, "{}", [f"{name}=4", "mailbox=False"]) == SocConfig(core=CoreConfig(contexts=4),
                                                                                  mailbox=False)


def test_regions():
    config = configure(CoreConfig, "{}", ["cached=[[0x80000000, 4096]]".replace("0x80000000", str(1 << 31))])
    assert config.cached == ((1 << 31, 4096),)


@pytest.mark.parametrize("config", [CoreConfig(contexts=4, trace=True), CapabilityUnitConfig(lines=64),
                                    SocConfig(core=CoreConfig(tlb_entries=16), mailbox=False)])
def test_description_is_read_back(config):
    assert configure(type(config), "{}", describe(config).split()) == config


def test_planted_faults_are_no_parameters():
    assert not [name for name in parameter_names(CapabilityUnitConfig) if "fault" in name]


@pytest.mark.parametrize("kind, text, pairs, message", [
    (CoreConfig, "[]", [], "a configuration is a JSON object, not []"),
    (CoreConfig, "{", [], "a configuration is a JSON object: "),
    (CoreConfig, "tiny", [], "a configuration is a JSON object: Expecting value: line 1 column 1 (char 0), nor is it "),
    (CoreConfig, '{"contextes": 1}', [], "there is no parameter 'contextes'; there are hart_id, "),
    (CoreConfig, '{"core": {"contexts": "x"}}', [], "Contexts must be an integer, not 'x'"),
    (CoreConfig, "{}", ["contexts"], "a parameter is NAME=VALUE, not 'contexts'"),
    (CoreConfig, "{}", ["contextes=1"], "there is no parameter 'contextes'"),
    (CoreConfig, "{}", ["contexts=99"], "Contexts must be between 1 and 16, not 99"),
    (CoreConfig, "{}", ["contexts=many"], "Contexts must be an integer, not 'many'"),
    (SocConfig, "{}", ["core.trace=true"], "there is no parameter 'core.trace'"),
    (SocConfig, "{}", ["reset_vector=0"], "there is no parameter 'reset_vector'"),
    (SocConfig, "{}", ["harts=2"], "harts must be 1"),
    (CapabilityUnitConfig, "{}", ["lines=3"], "lines must be a power of two"),
    (CapabilityUnitConfig, "{}", ["fault_inputs=true"], "there is no parameter 'fault_inputs'"),
])
def test_refusals(kind, text, pairs, message):
    with pytest.raises(ValueError) as refusal:
        configure(kind, text, pairs)
    assert str(refusal.value).startswith(message)
    assert "\n" not in str(refusal.value)
