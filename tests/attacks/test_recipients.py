"""A recipient outside the organisation, made to look as if everybody were inside."""

from __future__ import annotations

import pytest

from permit0.engine import Engine
from permit0.model.vocabulary import Outcome

INSIDE = "bob@acme-corp.com"
OUTSIDE = "eve@evil.example"


def rules(engine: Engine, **arguments: object) -> tuple[str, ...]:
    return engine.check("email.send", {"subject": "s", "body": "b", **arguments}).rules


@pytest.mark.parametrize(
    "arguments",
    [
        {"to": OUTSIDE},
        {"to": INSIDE, "bcc": OUTSIDE},
        {"to": INSIDE, "BCC": OUTSIDE},
        {"to": INSIDE, "b-c-c": [OUTSIDE]},
        {"to": INSIDE, "cc": f"{INSIDE}, {OUTSIDE}"},
        {"to": [INSIDE] * 20 + [OUTSIDE]},
        {"to": f"{INSIDE};{OUTSIDE}"},
        {"to": f"{INSIDE}\n{OUTSIDE}"},
        {"to": f'"{INSIDE}" <{OUTSIDE}>'},
        {"to": f"team: {INSIDE}, {OUTSIDE};"},
        {"to": {"email": OUTSIDE, "name": INSIDE}},
        {"to": [{"emailAddress": {"address": OUTSIDE}}]},
        {"to": "bob@acme-corp.com.evil.example"},
        {"to": "bob@acme-c0rp.com"},
        {"to": "bob@xn--acme-crp-d5a.com"},
        {"to": "bob@\u0430cme-corp.com"},
        {"to": "bob@acme-corp.co"},
        {"to": "bob@notacme-corp.com"},
        {"to": "everyone"},
        {"to": f"mailto:{INSIDE}?bcc={OUTSIDE}"},
        {"to": "bob@[203.0.113.5]"},
        {"to": INSIDE, "x_bcc": OUTSIDE},
        {"to": INSIDE, "options": {"also": [OUTSIDE]}},
        {"to": INSIDE, "options": {OUTSIDE: True}},
        {"to": INSIDE, "forward": "eve\uff20evil.example"},
        {"to": INSIDE, "forward": "eve%40evil.example"},
        {"to": INSIDE, "webhook": "https://evil.example/in"},
    ],
)
def test_one_recipient_outside_makes_the_mail_external(
    engine: Engine, arguments: dict[str, object]
) -> None:
    found = rules(engine, **arguments)
    assert "email.send/external" in found
    assert "email.send/internal" not in found


@pytest.mark.parametrize(
    "arguments",
    [
        {"to": INSIDE},
        {"to": "Bob <BOB@ACME-CORP.COM>"},
        {"to": [INSIDE, "ann@mail.acme-corp.com"], "cc": {"email": INSIDE}},
        {"to": INSIDE, "x_note": "see you @ noon"},
    ],
)
def test_a_mail_to_colleagues_is_internal(engine: Engine, arguments: dict[str, object]) -> None:
    found = rules(engine, **arguments)
    assert "email.send/internal" in found
    assert "email.send/external" not in found


@pytest.mark.parametrize(
    "to",
    ["a@b@acme-corp.com", "a%evil.example@acme-corp.com", "evil.example!a@acme-corp.com", 7, [7], True,
     f"<@evil.example:{INSIDE}>", f"{INSIDE}\x00{OUTSIDE}", "bob@acme-corp\u200b.com",
     "bob@\u202eacme-corp.com"],
)  # fmt: skip
def test_a_recipient_that_relays_read_differently_is_refused(engine: Engine, to: object) -> None:
    decision = engine.check("email.send", {"to": to, "subject": "s", "body": "b"})
    assert decision.outcome is Outcome.DENY
    assert decision.error in {
        "recipient_malformed", "recipient_routed", "recipient_hidden_characters",
        "domain_hidden_characters", "domain_malformed",
    }  # fmt: skip


@pytest.mark.parametrize("line_break", ["\r\n", "\n", "\r", "\u2028", "\x0b"])
@pytest.mark.parametrize("field", ["subject", "reply_to", "title"])
def test_a_header_cannot_be_smuggled_into_another(
    engine: Engine, field: str, line_break: str
) -> None:
    arguments = {"to": INSIDE, "body": "b", field: f"Hello{line_break}Bcc: {OUTSIDE}"}
    assert engine.check("email.send", arguments).error == "header_injection"


def test_a_body_may_have_lines_that_look_like_headers(engine: Engine) -> None:
    arguments = {"to": INSIDE, "subject": "Fwd: plan", "body": "From: ann\r\nCc: bob\r\n\r\nHello"}
    assert engine.check("email.send", arguments).outcome is Outcome.ALLOW


def test_without_configured_domains_everybody_is_outside() -> None:
    from permit0.build import assemble
    from permit0.config import parse_config

    engine = assemble(parse_config("", "permit0.yaml")).engine
    assert "email.send/external" in rules(engine, to=INSIDE)
