"""A tool under a name that looks like another's."""

from __future__ import annotations

import pytest

from permit0.engine import Engine
from permit0.model.vocabulary import Outcome
from permit0.normalize.catalog import fold_name


@pytest.mark.parametrize(
    "tool",
    ["payments.transfer", "payments.transfer ", " payments.transfer", "PAYMENTS.TRANSFER", "payments_transfer",
     "payments-transfer", "paymentsTransfer", "PaymentsTransfer", "payments/transfer", "payments::transfer",
     "payments\u200b.transfer", "payments.transfer\n", "p.a.y.m.e.n.t.s.transfer", "payments\u2010transfer"],
)  # fmt: skip
def test_another_spelling_of_a_tool_is_the_tool(engine: Engine, tool: str) -> None:
    decision = engine.check(tool, {"amount": 300_000, "recipient": "V"})
    assert decision.action == "payments.transfer"
    assert decision.outcome is Outcome.DENY
    assert decision.reasons[0].code == "block"


@pytest.mark.parametrize(
    "tool",
    [
        "f\u0456les.read",  # a Ukrainian i
        "\uff46iles.read",  # a full-width f
        "\ufb01les.read",  # a ligature
        "fil\u00e9s.read",
        "\u524a\u9664files.read",  # "delete files.read": once only its ASCII letters were looked at
        "files.read\u0434",
        "files.reader",
        "xfiles.read",
        "",
        " ",
        "...",
        "\U0001f680",
        "unknown.nothing",
        "files",
        "a" * 100_000,
    ],
)
def test_a_tool_that_only_looks_like_a_known_one_asks_a_person(engine: Engine, tool: str) -> None:
    decision = engine.check(tool, {"path": "/app/main.py"})
    assert decision.action == "unknown.unclassified"
    assert decision.outcome is Outcome.HUMAN
    twin = engine.check("files.read", {"path": "/app/main.py"})
    assert twin.outcome is Outcome.ALLOW


def test_folding_keeps_the_letters_of_every_script() -> None:
    assert fold_name("\u524a\u9664files.read") != fold_name("files.read")
    assert fold_name("\u67e5\u8be2") != ""
    assert fold_name("Read_File ") == fold_name("readFile") == "readfile"


def test_a_list_entry_cannot_name_a_tool_that_folds_to_nothing(deploy: object) -> None:
    from permit0.config import parse_config
    from permit0.errors import BadConfig

    with pytest.raises(BadConfig, match=r"lists\.allow"):
        parse_config(
            "lists: {allow: [{tool: '---', reason: r, owner: o, expires: '2099-01-01T00:00:00Z'}]}",
            "permit0.yaml",
        )


def test_an_allowed_tool_in_another_script_is_only_that_tool(deploy: object) -> None:
    assert callable(deploy)
    entry = {"tool": "\u67e5\u8be2", "reason": "r", "owner": "o", "expires": "2099-01-01T00:00:00Z"}
    engine: Engine = deploy({"lists": {"allow": [entry]}}).engine
    arguments = {"path": "/app/.env"}  # medium, without any floor
    assert engine.check("files.read", arguments).outcome is Outcome.HUMAN
