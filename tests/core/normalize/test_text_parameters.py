"""What several arguments say in one parameter, and what a label says in another spelling, is not lost."""

from __future__ import annotations

import pytest

from permit0.canonical import Json
from permit0.config import OrgConfig
from permit0.normalize.organisation import Organisation
from permit0.normalize.pack_schema import ParameterType
from permit0.normalize.parameters import Bound, read_parameters


def facts(*bound: Bound) -> dict[str, object]:
    return dict(read_parameters(bound, Organisation(OrgConfig())).facts)


@pytest.mark.parametrize("turned", [False, True])
def test_a_secret_in_one_of_two_arguments_is_seen_in_any_order(turned: bool) -> None:
    secret = Bound("body", ParameterType.TEXT, "arguments.body", "password: hunter22x")
    plain = Bound("body", ParameterType.TEXT, "arguments.body_html", "see you at ten")
    found = facts(plain, secret) if turned else facts(secret, plain)
    assert (found["body.secrets"], found["body.personal"]) == (True, False)
    assert found["body.length"] == len("password: hunter22x") + len("see you at ten")
    assert facts(plain)["body.secrets"] is False


@pytest.mark.parametrize("value", ["prod", "prod ", " PROD", "\uff30\uff32\uff2f\uff24", ["Prod"]])
def test_a_label_has_one_spelling(value: Json) -> None:
    found = facts(Bound("stage", ParameterType.LABEL, "arguments.stage", value))
    assert found["stage"] == "prod"
    assert "stage.several" not in found


@pytest.mark.parametrize("value", [["prod", "dev"], [], {"a": "prod"}])
def test_a_label_that_is_several_is_a_fact_of_its_own(value: Json) -> None:
    found = facts(Bound("stage", ParameterType.LABEL, "arguments.stage", value))
    assert "stage" not in found
    assert found["stage.several"] is True


@pytest.mark.parametrize(
    ("argument", "value", "fact"),
    [
        ("bsn", "715483365", "text.personal"),
        ("api_key", "a8f3k2m9x7q1w5e4", "text.secrets"),
        ("order", "715483365", ""),
        ("item", "a8f3k2m9x7q1w5e4", ""),
    ],
)
def test_the_name_of_an_argument_is_a_label(argument: str, value: str, fact: str) -> None:
    found = facts(Bound("text", ParameterType.TEXT, f"arguments.{argument}", value))
    assert {name for name in ("text.secrets", "text.personal") if found[name]} == ({fact} - {""})
