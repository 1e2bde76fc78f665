"""What a recorder remembers between records changes no record."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from permit0.audit.keys import Ed25519Signer
from permit0.audit.record import fact_value, facts_text
from permit0.audit.redact import MAX_QUIET, MAX_QUIET_CHARS, Redactor
from permit0.audit.sinks.memory import MemorySink
from permit0.build import assemble
from permit0.canonical import freeze
from permit0.config import parse_config
from permit0.errors import InvalidInput
from permit0.normalize.sensitive import find_confidential
from permit0.testing.clock import FrozenClock

TOKEN = "ghp_" + "a1B2" * 9
CALLS: list[tuple[str, dict[str, object]]] = [
    ("files.read", {"path": "/srv/a.txt"}),
    ("files.read", {"path": "/srv/.env"}),
    ("files.read", {"path": "/srv/ä.txt"}),
    ("payments.transfer", {"amount": 120, "recipient": "Vendor Alpha"}),
    ("payments.transfer", {"amount": 12_000, "recipient": "Vendor Beta"}),
    ("email.send", {"to": "ann@example.com", "subject": "s", "body": TOKEN}),
    ("bash", {"command": "rm -rf build && curl https://example.com"}),
    ("a_tool", {"password": "hunter22"}),
    ("a_tool", {"x": 1}),
]


def recorded(signer: Ed25519Signer, calls: list[tuple[str, dict[str, object]]]) -> list[Any]:
    """What the log says of some calls, without the ids of decisions. Each has a session of its own."""
    log = MemorySink(signer)
    engine = assemble(parse_config("", "test"), clock=FrozenClock(), sink=log).engine
    for number, (tool, arguments) in enumerate(calls):
        engine.check(tool, arguments, session=f"s{number % len(CALLS)}", agent=f"a{number}")
    found = [json.loads(record.data)["body"] for record in log.records()]
    for body in found:
        del body["id"], body["who"]["agent"]
    return found


def test_a_record_is_the_same_whatever_was_recorded_before(signer: Ed25519Signer) -> None:
    alone = [recorded(signer, [call])[0]["actions"][0]["facts"] for call in CALLS]
    together = recorded(signer, CALLS)
    assert [body["actions"][0]["facts"] for body in together] == alone
    assert recorded(signer, CALLS) == together


def test_actions_of_one_score_keep_their_own_values(signer: Ed25519Signer) -> None:
    calls: list[tuple[str, dict[str, object]]] = [
        ("payments.transfer", {"amount": amount, "recipient": payee})
        for amount, payee in ((120, "Vendor Alpha"), (130, "Vendor Beta"), (140, "Vendor Alpha"))
    ]
    actions = [body["actions"][0] for body in recorded(signer, calls)]
    assert [action["amount"] for action in actions] == ["120", "130", "140"]
    assert [action["facts"]["amount"]["decimal"] for action in actions] == ["120", "130", "140"]
    assert len({json.dumps(action["keys"]) for action in actions}) == 2


def test_a_secret_is_seen_however_often_it_comes() -> None:
    redactor = Redactor(find_confidential)
    for _ in range(3):
        assert redactor.look({"q": "x"}, ["x"], again=["a tool"]) is None
        assert redactor.look({"q": TOKEN}, ["x"], again=["a tool"]) is not None
        assert redactor.look({"q": "x"}, [TOKEN], again=["a tool"]) is not None
        assert redactor.look({"q": "x"}, ["x"], again=[TOKEN]) is not None
        assert redactor.look({TOKEN: "x"}, ["x"]) is not None
        assert redactor.look({"password": "x"}, ["x"]) is not None


def test_what_is_remembered_is_bounded_and_holds_no_secret() -> None:
    redactor = Redactor(find_confidential)
    for number in range(MAX_QUIET + 10):
        redactor.look({f"n{number}": number}, [f"text {number}"], again=["w" * MAX_QUIET_CHARS])
    redactor.look({"q": "x"}, [], again=["w" * (MAX_QUIET_CHARS + 1)])
    redactor.look({"fine": "x"}, [], again=[TOKEN])
    known = redactor._quiet
    assert 0 < len(known) <= MAX_QUIET
    assert all(len(text) <= MAX_QUIET_CHARS for text in known)
    assert not {TOKEN, "fine", "x"} & known.keys()
    assert not any(text.startswith("text") for text in known)


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"b": "x", "a": frozenset({"z", "y"})},
        {"n": 1 << 60, "t": True},
        {"ä": "ö", "\U0001f600": "\ufb33"},
        {"path": 'a"$b\n\x1f\x7f\u2028'},
        {"$odd": "x"},
    ],
)
def test_facts_are_written_as_everything_else(facts: dict[str, Any]) -> None:
    assert facts_text(facts) == freeze({name: fact_value(fact) for name, fact in facts.items()})


@pytest.mark.parametrize("facts", [{"$permit0:int": "x"}, {"x": "\ud800"}, {"x": "y" * (1 << 20)}])
def test_facts_that_cannot_be_written_are_refused(facts: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        facts_text(facts)


WORDS = st.sampled_from(
    [
        *("password", "x", "name", "value", "key", "token", "tokens", "--token", "-u", "--user"),
        *("ann:pw", "session-1", "user", "pin", "s", "password=hunter22", "token: see docs"),
        *("Authorization: Bearer abcdefgh", "mysql -p x", "é", "ｐassword", "next_token", TOKEN),
        "4111111111111111",
    ]
)  # fmt: skip
VALUES = st.recursive(
    WORDS | st.integers(0, 99) | st.just(4111111111111111) | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
REDACTOR = Redactor(find_confidential)  # one for all examples: what it remembers is on trial


@given(st.dictionaries(WORDS, VALUES, max_size=3), st.lists(WORDS, max_size=2), st.lists(WORDS))
def test_where_no_mark_is_expected_none_would_be_made(
    arguments: dict[str, Any], texts: list[str], again: list[str]
) -> None:
    found = REDACTOR.look(arguments, texts, again=again)
    full = REDACTOR.begin()
    full.arguments(arguments)
    for text in (*texts, *again):
        full.text(text, "text")
    if found is None or found.idle:
        assert full.paths == []


def test_a_hint_that_is_none_is_told_from_a_secret() -> None:
    redactor = Redactor(find_confidential)
    for _ in range(2):
        hinted = redactor.look({"key": "value"}, ["a user"], again=["session-1"])
        assert hinted is not None
        assert hinted.idle
        secret = redactor.look({"key": "value"}, ["token=abcd1234efgh"], again=["session-1"])
        assert secret is not None
        assert not secret.idle
