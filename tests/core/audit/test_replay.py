"""What is on record gives what is on record, bit for bit; another policy differs where it should."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from permit0.audit.chain import read_envelope
from permit0.audit.keys import Ed25519Signer
from permit0.audit.record import DecisionBody, read_decision, read_outcome
from permit0.audit.replay import Same, recheck
from permit0.audit.sinks.memory import MemorySink
from permit0.build import Deployment, assemble
from permit0.canonical import freeze
from permit0.cli.audit import rerun_with
from permit0.config import parse_config
from permit0.model.call import ToolCall
from permit0.rejudge import make_judge
from permit0.testing.clock import FrozenClock
from permit0.testing.pack_cases import built_in_packs

WEIGHTED = """
profile: fintech
org: {domains: [acme.com], fx_to_default: {EUR: 1.08}}
weights: {flags: {FINANCIAL: 1.3, MUTATION: 0.7}, amplifiers: {session: 1.1}, tier_bounds: {low: 0.2}}
lists:
  deny: [{action: "secrets.*", reason: none at all}]
  allow:
    - {action: email.send, reason: agreed, owner: ann, expires: "2099-01-01T00:00:00Z"}
    - {tool: nobody_knows, reason: agreed, owner: bob, expires: "2099-01-01T00:00:00Z"}
"""
CALLS = 2_000


def deploy(
    config: str, sink: MemorySink | None = None, clock: FrozenClock | None = None
) -> Deployment:
    clock = FrozenClock() if clock is None else clock
    return assemble(parse_config(config, "test"), clock=clock, sink=sink)


def calls() -> Iterator[tuple[str, dict[str, Any], str | None, str | None]]:
    """Every case of every pack with what came before it, and what no pack knows: name, arguments,
    principal, output.
    """
    for pack in built_in_packs():
        for case in pack.spec.cases:
            for call in (*case.before, case.call):
                yield call.tool, dict(call.args), "ann", call.output
    yield "nobody_knows", {"x": 1}, None, None
    yield "nobody_knows", {"x": float("inf")}, None, None
    yield "files.read", {"path": 7}, None, None


def fill(deployment: Deployment, clock: FrozenClock, count: int) -> None:
    """Many decisions in some sessions, at all distances in time."""
    known = list(calls())
    for number in range(count):
        tool, arguments, principal, output = known[number % len(known)]
        session = f"s{number * 7 % 41}"
        clock.advance((0.25, 3.0, 40.0, 700.0)[number % 4])
        engine = deployment.engine
        decision = engine.check(tool, arguments, session=session, principal=principal)
        if output is not None and decision.actions:
            call = ToolCall(
                tool=tool, arguments=freeze(arguments), session=session, principal=principal
            )
            engine.report(call, str(output), decision=decision)


def decisions(log: MemorySink) -> Iterator[tuple[DecisionBody, float]]:
    for record in log.records():
        envelope = read_envelope(record.data)
        assert envelope is not None
        if envelope.kind == "decision":
            yield read_decision(envelope.body), envelope.at


@pytest.fixture(scope="module")
def log() -> MemorySink:
    sink = MemorySink(Ed25519Signer.from_seed(bytes(range(32))))
    clock = FrozenClock()
    fill(deploy("", sink, clock), clock, CALLS)
    return sink


@pytest.mark.parametrize("config", ["", WEIGHTED, "mode: observe"])
def test_every_decision_follows_from_its_record(config: str) -> None:
    sink = MemorySink(Ed25519Signer.from_seed(bytes(range(32))))
    clock = FrozenClock()
    fill(deploy(config, sink, clock), clock, CALLS)
    judge = make_judge()
    bodies = [body for body, _ in decisions(sink)]
    assert len(bodies) == CALLS
    assert {body.decided for body in bodies} == {"allow", "human", "deny"}
    assert [wrong for body in bodies if (wrong := recheck(body, judge))] == []


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("score", 0.123456), ("tier", "low"), ("points", [0] * 10), ("roles", [0] * 9),
        ("verdict", "allow"), ("blocked", True), ("reasons", []), ("block_rule", "x"),
        ("base", [40] * 10), ("session_points", 30), ("fired", []),
        ("findings", [{"rule": "x", "effect": "block", "message": "m"}]),
        ("lists", {"denied": "never"}),
    ],
)  # fmt: skip
def test_record_that_does_not_follow_is_found(member: str, value: object) -> None:
    """A signer that lies, or a scorer that computed wrongly."""
    sink = MemorySink(Ed25519Signer.from_seed(bytes(range(32))))
    deploy("", sink).engine.check("payments.transfer", {"amount": 12000, "recipient": "A"})
    body = json.loads(next(sink.records()).data)["body"]
    judge = make_judge()
    assert recheck(read_decision(msgspec.Raw(freeze(body))), judge) == ()
    body["actions"][0][member] = value
    assert recheck(read_decision(msgspec.Raw(freeze(body))), judge) != ()


@pytest.mark.parametrize("member", ["decided", "outcome", "tier", "score"])
def test_whole_that_does_not_follow_from_its_actions_is_found(member: str) -> None:
    sink = MemorySink(Ed25519Signer.from_seed(bytes(range(32))))
    deploy("", sink).engine.check("payments.transfer", {"amount": 12000, "recipient": "A"})
    body = json.loads(next(sink.records()).data)["body"]
    body[member] = 0.5 if member == "score" else "deny" if member != "tier" else "minimal"
    wrong = recheck(read_decision(msgspec.Raw(freeze(body))), make_judge())
    assert member in wrong


def test_arguments_that_are_not_the_digested_ones_are_found() -> None:
    sink = MemorySink(Ed25519Signer.from_seed(bytes(range(32))))
    deploy("", sink).engine.check("payments.transfer", {"amount": 12000, "recipient": "A"})
    data = next(sink.records()).data.replace(b'"recipient":"A"', b'"recipient":"B"')
    envelope = read_envelope(data)
    assert envelope is not None
    assert recheck(read_decision(envelope.body), make_judge()) == ("what/digest",)


def test_record_of_another_formula_is_told_apart(log: MemorySink) -> None:
    body, _ = next(decisions(log))
    other = msgspec.structs.replace(
        body, provenance=msgspec.structs.replace(body.provenance, formula="0" * 64)
    )
    assert recheck(other, make_judge()) == ("formula",)


# -------------------------------------------------------------------- another policy


def compare(log: MemorySink, config: str) -> list[tuple[DecisionBody, Same, str]]:
    rerun = rerun_with(parse_config(config, "test"))
    found = []
    for record in log.records():
        envelope = read_envelope(record.data)
        assert envelope is not None
        if envelope.kind == "outcome":
            rerun.outcome(read_outcome(envelope.body), envelope.at)
            continue
        body = read_decision(envelope.body)
        again = rerun.decision(body, envelope.at)
        found.append((body, again.same, again.after))
    return found


def test_same_policy_decides_everything_the_same(log: MemorySink) -> None:
    """History included: the only calls without an answer are those without their arguments."""
    for body, same, _ in compare(log, ""):
        if body.what.readable() is None:
            assert same is Same.UNREADABLE
        elif body.what.redacted:
            assert same is Same.REDACTED
        else:
            assert same is Same.SAME, (body.what.tool, bytes(body.what.arguments))


def test_other_policy_differs_exactly_where_its_line_speaks(log: MemorySink) -> None:
    config = 'lists: {deny: [{action: "files.*", reason: none}]}'
    rank = ("allow", "human", "deny")
    changed = later = 0
    for body, same, after in compare(log, config):
        if same in {Same.UNREADABLE, Same.REDACTED}:
            continue
        speaks = any(item.action.startswith("files.") for item in body.actions)
        if speaks:
            assert after == "deny"
        changed += same is Same.DIFFERENT
        if body.decided != after and not speaks:
            # A refused call is no step, so what was done before it stays recent for longer.
            assert rank.index(after) > rank.index(body.decided)
            later += 1
    assert changed > 50
    assert later < changed / 20


def test_stricter_weights_never_allow_more(log: MemorySink) -> None:
    config = "weights: {tier_bounds: {low: 0.1, medium: 0.25, high: 0.45, critical: 0.65}}"
    rank = ("allow", "human", "deny")
    found = compare(log, config)
    for body, same, after in found:
        if same in {Same.SAME, Same.DIFFERENT}:
            assert rank.index(after) >= rank.index(body.decided)
    assert any(same is Same.DIFFERENT for _, same, _ in found)
