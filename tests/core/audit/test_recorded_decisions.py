"""Every decision is on record before it is returned; what cannot be recorded is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from permit0.audit.chain import read_envelope
from permit0.audit.keys import Ed25519Signer, PublicKeys
from permit0.audit.reader import open_log
from permit0.audit.record import read_decision, read_outcome
from permit0.audit.sinks.memory import MemorySink
from permit0.audit.verify import verify_log
from permit0.build import Deployment, assemble, build_engine
from permit0.canonical import freeze
from permit0.config import parse_config
from permit0.errors import AuditUnavailable, BadConfig
from permit0.model.call import ToolCall
from permit0.model.record import AuditReceipt
from permit0.model.vocabulary import Mode, Outcome
from permit0.testing.clock import FrozenClock

TRANSFER = {"amount": 12000, "recipient": "Vendor Alpha Ltd"}


@pytest.fixture
def log(signer: Ed25519Signer) -> MemorySink:
    return MemorySink(signer)


def deploy(sink: Any, config: str = "") -> Deployment:
    return assemble(parse_config(config, "test"), clock=FrozenClock(), sink=sink)


def bodies(log: MemorySink) -> list[dict[str, Any]]:
    return [json.loads(record.data)["body"] for record in log.records()]


class BrokenSink:
    """A log that keeps nothing."""

    def __init__(self, error: BaseException) -> None:
        self._error = error
        self.asked = 0

    def append(self, kind: str, at: float, body: bytes) -> AuditReceipt:
        self.asked += 1
        raise self._error

    def close(self) -> None:
        """Nothing is open."""


def test_record_says_who_what_why_and_with_what(log: MemorySink) -> None:
    engine = deploy(log).engine
    decision = engine.check(
        "payments.transfer", TRANSFER, session="s", agent="a", principal="ann@example.com"
    )
    body = bodies(log)[0]
    assert body["id"] == decision.id
    assert body["who"] == {
        "agent": "a",
        "framework": "",
        "principal": "ann@example.com",
        "session": "s",
    }
    assert body["what"]["arguments"] == TRANSFER
    assert body["what"]["digest"] == decision.digest
    action = body["actions"][0]
    assert action["action"] == "payments.transfer"
    assert action["facts"]["amount"] == {"decimal": "12000"}
    fired = {line["id"]: line for line in action["fired"]}
    assert fired["payments.transfer/amount_over_10000"]["add"] == [["amount", 25]]
    assert tuple(fired) == tuple(rule.id for rule in decision.actions[0].fired)
    assert (body["outcome"], body["score"], body["tier"]) == (
        decision.outcome.value, decision.score, decision.tier.value
    )  # fmt: skip
    assert [reason["code"] for reason in body["reasons"]] == [r.code for r in decision.reasons]
    origin = body["with"]
    assert origin["packs"]["payments.transfer"] == 1
    assert origin["plugins"][0] == ["core", "permit0", "0.1.0"]
    assert len(origin["policy"]) == 64
    assert json.loads(next(log.records()).data)["at"] == decision.at


def test_refused_and_unreadable_calls_are_on_record(log: MemorySink) -> None:
    engine = deploy(log).engine
    engine.check("a_tool", {"x": float("nan")}, session="s")
    engine.check("a_tool", {"x": object()}, session="s")
    engine.check("payments.transfer", {"amount": "many", "recipient": "x"}, session="s")
    engine.decide(ToolCall(tool="a_tool", arguments=b"[1]", session="s"))
    engine.decide(ToolCall(tool="a_tool", arguments=b"no json", session="s"))
    engine.decide(ToolCall(tool="a_tool", arguments=b"[" * 100_000, session="s"))
    found = bodies(log)
    assert [body["error"] for body in found[:2]] == [
        "number_not_finite",
        "argument_type_unsupported",
    ]
    assert [body["what"]["arguments"] for body in found[3:]] == [None, None, None]
    for body in found:
        assert body["who"]["session"] == "s"
    assert [body["decided"] for body in found[:2]] == ["deny", "deny"]
    assert len(found) == 6


@pytest.mark.parametrize("text", ["\ud800", "é\udfff", 7, None, b"x"])
def test_call_with_impossible_names_is_on_record(log: MemorySink, text: Any) -> None:
    engine = deploy(log).engine
    assert engine.check(text, {"x": 1}).error != "audit_unavailable"
    assert engine.check("a_tool", {"x": 1}, agent=text).error != "audit_unavailable"
    assert len(bodies(log)) == 2


def test_session_rules_lists_and_allowances_are_on_record(log: MemorySink) -> None:
    engine = deploy(
        log,
        "lists:\n"
        "  deny: [{tool: bad_tool, reason: never}]\n"
        "  allow: [{action: payments.transfer, reason: agreed, owner: ann, expires: 2099-01-01T00:00:00Z}]\n",
    ).engine
    engine.check("bad_tool", {})
    for number in range(7):
        engine.check("payments.transfer", {"amount": 3000, "recipient": f"payee {number}"})
    denied, allowed, *_, scattered = bodies(log)
    assert denied["actions"][0]["lists"] == {"allowed": None, "denied": "never", "owner": ""}
    assert allowed["actions"][0]["lists"] == {"allowed": "agreed", "denied": None, "owner": "ann"}
    assert {f["rule"] for f in scattered["actions"][0]["findings"]} >= {"scatter_transfer"}
    assert scattered["actions"][0]["session_points"] > 0


def test_observe_mode_says_so_in_the_record(
    log: MemorySink, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = deploy(log, "mode: observe").engine
    decision = engine.check("payments.transfer", TRANSFER)
    body = bodies(log)[0]
    assert (body["mode"], body["decided"], body["outcome"]) == ("observe", "human", "allow")
    assert decision.outcome is Outcome.ALLOW
    assert "observe" in capsys.readouterr().err


def test_outcome_is_tied_to_its_decision(log: MemorySink) -> None:
    engine = deploy(log).engine
    call = ToolCall(tool="files.read", arguments=freeze({"path": "/a.txt"}), session="s")
    decision = engine.decide(call)
    engine.report(call, "hello", decision=decision)
    engine.report(call, "", decision=decision, error="TimeoutError")
    records = [read_envelope(record.data) for record in log.records()]
    assert [r.kind for r in records if r is not None] == ["decision", "outcome", "outcome"]
    first, second = (read_outcome(r.body) for r in records[1:] if r is not None)
    assert first.decision == second.decision == decision.id
    assert first.what.digest == decision.digest
    assert (first.output_chars, first.error, second.error) == (5, "", "TimeoutError")


# -------------------------------------------------------------------- when the log fails


@pytest.mark.parametrize("config", ["", "mode: observe"])
@pytest.mark.parametrize(
    "error",
    [AuditUnavailable("it is full", reason_code="audit_full"), RuntimeError("no"), OSError(5)],
)
def test_decision_that_cannot_be_recorded_is_a_binding_deny(config: str, error: Exception) -> None:
    sink = BrokenSink(error)
    engine = deploy(sink, config).engine
    decision = engine.check("files.list", {"path": "/a"})
    assert sink.asked == 1
    assert (decision.outcome, decision.decided) == (Outcome.DENY, Outcome.DENY)
    assert decision.error == decision.reasons[0].code == "audit_unavailable"
    assert deploy(None).engine.check("files.list", {"path": "/a"}).outcome is Outcome.ALLOW


def test_unreadable_call_that_cannot_be_recorded_is_a_deny_for_that_reason() -> None:
    engine = deploy(BrokenSink(AuditUnavailable("no"))).engine
    decision = engine.check("a_tool", {"x": object()})
    assert decision.error == "audit_unavailable"
    assert decision.reasons[1].code == "argument_type_unsupported"


def test_interrupt_is_not_swallowed() -> None:
    with pytest.raises(KeyboardInterrupt):
        deploy(BrokenSink(KeyboardInterrupt())).engine.check("files.list", {"path": "/a"})


def test_outcome_that_cannot_be_recorded_is_an_error_but_the_session_knows_it() -> None:
    engine = deploy(BrokenSink(AuditUnavailable("no"))).engine
    call = ToolCall(tool="files.read", arguments=freeze({"path": "/a"}), session="s")
    with pytest.raises(AuditUnavailable):
        engine.report(call, "AKIA" + "ABCDEFGH12345678")
    mail = {"to": "x@elsewhere.example", "subject": "a", "body": "b"}
    known = engine.check("email.send", mail, session="s").rules
    assert "read_then_exfiltrate" in known
    assert "read_then_exfiltrate" not in engine.check("email.send", mail, session="other").rules


def test_closed_engine_refuses(log: MemorySink) -> None:
    engine = deploy(log).engine
    engine.close()
    assert engine.check("files.list", {"path": "/a"}).error == "audit_unavailable"
    deploy(None).engine.close()


# -------------------------------------------------------------------- laws


ARGUMENTS = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8).filter(lambda n: "$" not in n),
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(
            st.characters(exclude_categories=["Cs"]), max_size=20
        ) | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
            st.sampled_from(["path", "amount", "to"]), inner, max_size=3
        ),
        max_leaves=8,
    ),
    max_size=5,
)  # fmt: skip


@given(
    tool=st.sampled_from(["files.read", "payments.transfer", "process.run", "other"]),
    arguments=ARGUMENTS,
    at=st.floats(0, 1e11),
)
def test_any_record_is_canonical_and_reads_back(
    tool: str, arguments: dict[str, Any], at: float
) -> None:
    signer = Ed25519Signer.from_seed(bytes(range(32)))
    log = MemorySink(signer)
    clock = FrozenClock(at)
    decision = _deployed(log, clock).engine.check(tool, arguments)
    record = next(log.records())
    assert rfc8785.dumps(_small(json.loads(record.data))) == record.data
    envelope = read_envelope(record.data)
    assert envelope is not None
    assert envelope.at == decision.at
    body = read_decision(envelope.body)
    assert body.id == decision.id
    assert body.score == decision.score
    if not body.what.redacted:
        assert body.what.readable() == freeze(arguments)
    verify_log(log, PublicKeys([signer.public]))


_BASE: list[Deployment] = []


def _deployed(log: MemorySink, clock: FrozenClock) -> Deployment:
    if not _BASE:
        _BASE.append(deploy(None))
    return assemble(_BASE[0].loaded, clock=clock, sink=log)


def _small(value: Any) -> Any:
    """Numbers beyond 2**53 as the doubles that they were written as."""
    match value:
        case bool():
            return value
        case int() if abs(value) > 2**53 - 1:
            return float(value)
        case dict():
            return {name: _small(item) for name, item in value.items()}
        case list():
            return [_small(item) for item in value]
        case _:
            return value


# -------------------------------------------------------------------- configuration


def write_config(folder: Path, audit: str) -> Path:
    path = folder / "permit0.yaml"
    path.write_text(f"audit: {audit}\n", encoding="utf-8")
    return path


def write_key(folder: Path, signer: Ed25519Signer, mode: int = 0o600) -> None:
    key = folder / "audit.secret"
    key.write_text(signer.secret_text() + "\n", encoding="utf-8")
    key.chmod(mode)


@pytest.mark.parametrize("durability", ["process", "power"])
def test_configured_log_is_written_beside_the_configuration(
    tmp_path: Path, signer: Ed25519Signer, keys: PublicKeys, durability: str
) -> None:
    write_key(tmp_path, signer)
    path = write_config(tmp_path, f"{{key: audit.secret, durability: {durability}}}")
    engine = build_engine(path)
    assert engine.check("files.list", {"path": "/a"}).outcome is Outcome.ALLOW
    engine.close()
    log = open_log(tmp_path / "permit0-audit.db")
    assert verify_log(log, keys).records == 1
    log.close()


@pytest.mark.parametrize(
    ("audit", "mode"),
    [("{}", 0o600), ("{key: none}", 0o600), ("{key: audit.secret}", 0o644),
     ("{key: permit0.yaml}", 0o600), ("{key: audit.secret, durability: never}", 0o600)],
)  # fmt: skip
def test_configuration_without_a_usable_key_starts_nothing(
    tmp_path: Path, signer: Ed25519Signer, audit: str, mode: int
) -> None:
    write_key(tmp_path, signer, mode)
    path = write_config(tmp_path, audit)
    path.chmod(0o600)
    with pytest.raises(BadConfig):
        build_engine(path)


def test_unusable_log_starts_nothing(tmp_path: Path, signer: Ed25519Signer) -> None:
    write_key(tmp_path, signer)
    path = write_config(tmp_path, "{key: audit.secret, path: none/a.db}")
    with pytest.raises(AuditUnavailable):
        build_engine(path)


def test_fingerprint_changes_with_the_policy_and_with_nothing_else() -> None:
    def fingerprint(config: str) -> str:
        return deploy(None, config).provenance.policy

    plain = fingerprint("")
    assert fingerprint("# a comment\nmode: enforce") == plain
    assert fingerprint("audit: {key: x}") == plain
    others = [
        "mode: observe",
        "profile: fintech",
        "org: {domains: [acme.com]}",
        "weights: {flags: {FINANCIAL: 1.5}}",
        "lists: {deny: [{tool: x, reason: y}]}",
        "limits: {scatter_recipients: 5}",
    ]
    assert len({plain, *map(fingerprint, others)}) == len(others) + 1


def test_engine_without_a_log_keeps_its_mode(log: MemorySink) -> None:
    assert deploy(None).engine.mode is deploy(log).engine.mode is Mode.ENFORCE
