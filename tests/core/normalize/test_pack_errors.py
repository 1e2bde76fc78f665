"""What a pack is refused for, and whether its author can tell what to do."""

from __future__ import annotations

import pytest

from permit0.config import parse_config
from permit0.errors import BadConfig, BadPack, InvalidInput
from permit0.normalize.catalog import Catalog
from permit0.normalize.compiler import compile_packs
from permit0.normalize.facts import COMMON_FACTS, FACTS_OF, check_parameters
from permit0.normalize.loader import load_pack
from permit0.normalize.pack_policy import ParameterPolicy
from permit0.normalize.parameter_types import ParameterType
from permit0.taxonomy import load_taxonomy

ACTION = "pack: x\nversion: 1\nactions:\n  tasks.create:\n    risk: low\n    flags: {}\n    parameters: {%s}\n"


def compiled(parameters: str) -> Catalog:
    return compile_packs([load_pack(ACTION % parameters, "x.yaml")], load_taxonomy())


# ------------------------------------------------------------------- one fact from two places


@pytest.mark.parametrize("name", sorted({fact.partition(".")[0] for fact in COMMON_FACTS}))
@pytest.mark.parametrize("kind", ["text", "label", "any"])
def test_parameter_called_like_a_fact_of_every_action_is_refused(name: str, kind: str) -> None:
    """`content` as a text would say `content.secrets: false` over what a title had said."""
    with pytest.raises(
        BadPack, match=rf"x\.yaml:7: .*'{name}' is called like a fact of every action"
    ):
        compiled(f"{name}: {{type: {kind}}}")


def test_argument_called_like_a_fact_of_every_action_is_fine() -> None:
    made = compiled("body: {type: text, names: [content, environment, extra]}")
    found = made.find("tasks.create")
    assert found is not None
    assert found.names["content"] == "body"


@pytest.mark.parametrize(
    ("name", "kind"), [("recipients", "label"), ("command", "text"), ("command", "any")]
)
def test_parameter_called_like_the_facts_of_another_type_is_refused(name: str, kind: str) -> None:
    with pytest.raises(BadPack, match="is called like the facts of type"):
        compiled(f"{name}: {{type: {kind}}}")


@pytest.mark.parametrize(("name", "kind"), [("recipients", "recipients"), ("command", "shell")])
def test_parameter_called_like_the_facts_of_its_own_type_is_fine(name: str, kind: str) -> None:
    assert compiled(f"{name}: {{type: {kind}}}").find("tasks.create") is not None


@pytest.mark.parametrize(
    "name", ["to.count", "x.host", "extra.unread", "", "Amount", "a-b", "1st", "a b", "{p}"]
)
def test_parameter_whose_name_could_be_part_of_a_fact_is_refused(name: str) -> None:
    with pytest.raises(BadPack, match="lower-case letters"):
        compiled(f"'{name}': {{type: any}}")


@pytest.mark.parametrize("kind", ["shell", "currency"])
def test_two_parameters_of_which_one_would_overwrite_the_other_are_refused(kind: str) -> None:
    with pytest.raises(BadPack, match="are both of type"):
        compiled(f"one: {{type: {kind}}}, two: {{type: {kind}}}")
    assert compiled(f"one: {{type: {kind}}}").find("tasks.create") is not None


@pytest.mark.parametrize("kind", ["recipients", "text", "path", "money", "label"])
def test_two_parameters_that_are_read_together_or_apart_are_fine(kind: str) -> None:
    assert (
        compiled(f"one: {{type: {kind}}}, two: {{type: {kind}}}").find("tasks.create") is not None
    )


def test_whatever_passes_has_each_fact_from_one_parameter() -> None:
    """The law behind the checks, for two parameters of any types."""
    shared = set(FACTS_OF[ParameterType.RECIPIENTS])
    for one in ParameterType:
        for two in ParameterType:
            pair = {"a": ParameterPolicy(one), "b": ParameterPolicy(two)}
            try:
                check_parameters(pair)
            except InvalidInput:
                continue
            first = {fact.format(p="a") for fact in FACTS_OF[one]} - shared
            second = {fact.format(p="b") for fact in FACTS_OF[two]} - shared
            assert first.isdisjoint(second)
            assert (first | second).isdisjoint(COMMON_FACTS)


# ------------------------------------------------------------------- where a key belongs


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("tools: [a]\n", "x.yaml:3: tools: unknown key 'tools', it belongs in an item of 'mappings'"),
        ("mappings:\n- {tools: [a], action: b, patterns: {}}\n", "it belongs at the top of the file"),
        ("cases:\n- {name: a, args: {}, call: {tool: x}, decision: allow}\n", "it belongs in 'call' or in"),
        ("type: money\n", "it belongs in an entry of 'parameters'"),
        ("mapings: []\n", "unknown key 'mapings', did you mean 'mappings'?"),
    ],
)  # fmt: skip
def test_key_in_the_wrong_place_is_told_where_it_belongs(text: str, says: str) -> None:
    with pytest.raises(BadPack) as caught:
        load_pack("pack: x\nversion: 1\n" + text, "x.yaml")
    assert says in str(caught.value)


def test_key_of_permit0_yaml_is_told_where_it_belongs() -> None:
    with pytest.raises(BadConfig, match="unknown key 'domains', it belongs in 'org'"):
        parse_config("domains: [acme-corp.com]\n", "permit0.yaml")
