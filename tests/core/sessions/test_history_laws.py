"""History never makes a call milder."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from permit0.build import assemble
from permit0.config import parse_config
from permit0.engine import Engine
from permit0.model.decision import Decision
from permit0.model.vocabulary import Outcome, Tier
from permit0.testing.clock import FrozenClock

Call = tuple[str, dict[str, object]]
CALLS: list[Call] = [
    ("files.read", {"path": "/app/src/main.py"}),
    ("files.read", {"path": "/app/README.md"}),
    ("files.read", {"path": "/app/.env"}),
    ("files.read", {"path": "/etc/shadow"}),
    ("payments.charge", {"amount": 1, "customer": "a"}),
    ("payments.charge", {"amount": 1, "customer": "b"}),
    ("payments.charge", {"amount": 500, "customer": "c"}),
    ("payments.transfer", {"amount": 100, "recipient": "a"}),
    ("payments.transfer", {"amount": 20_000, "recipient": "b"}),
    ("payments.transfer", {"amount": 300_000, "recipient": "c"}),
    ("email.send", {"to": "a@acme-corp.com", "subject": "s", "body": "b"}),
    ("email.send", {"to": "a@evil.example", "subject": "s", "body": "b"}),
    ("process.shell", {"command": "ls"}),
    ("process.shell", {"command": "make"}),
    ("process.shell", {"command": "sudo make install"}),
    ("iam.assign_role", {"user": "u", "role": "admin"}),
    ("frobnicate", {"to": "a@evil.example"}),
    ("payments.charge", {"amount": "?"}),
]
ORDER = {Outcome.ALLOW: 0, Outcome.HUMAN: 1, Outcome.DENY: 2}
TIERS = tuple(Tier)
steps = st.tuples(st.sampled_from(CALLS), st.sampled_from([0, 1, 61, 700, 3601, 90_000]))
CONFIG = yaml.safe_dump({"org": {"domains": ["acme-corp.com"]}})


@pytest.fixture(scope="module")
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture(scope="module")
def engine(clock: FrozenClock) -> Engine:
    return assemble(parse_config(CONFIG, "permit0.yaml"), clock=clock).engine


def is_milder(one: Decision, than: Decision) -> bool:
    return (
        ORDER[one.outcome] < ORDER[than.outcome]
        or TIERS.index(one.tier) < TIERS.index(than.tier)
        or one.score < than.score
    )


counter = iter(range(10**9))


@given(st.lists(steps, max_size=25), st.sampled_from(CALLS), st.booleans())
@settings(max_examples=150)
def test_a_call_after_any_history_is_never_milder_than_the_call_alone(
    engine: Engine, clock: FrozenClock, before: list[tuple[Call, int]], call: Call, shared: bool
) -> None:
    n = next(counter)
    alone = engine.check(*call, session=f"alone-{n}")
    principal = f"p-{n}" if shared else None
    for i, (earlier, seconds) in enumerate(before):
        session = f"s-{n}-{i % 3}" if shared else f"s-{n}"
        engine.check(*earlier, session=session, principal=principal)
        clock.advance(seconds)
    after = engine.check(*call, session=f"s-{n}-0" if shared else f"s-{n}", principal=principal)
    assert not is_milder(after, alone)


@given(
    st.lists(st.sampled_from(CALLS), max_size=12), st.sampled_from(CALLS), st.sampled_from(CALLS)
)
@settings(max_examples=100)
def test_repeating_the_call_just_made_is_never_milder(
    engine: Engine, before: list[Call], call: Call, other: Call
) -> None:
    """Within one second nothing leaves a window, and a call of one kind pushes none of its kind out.

    More history in general may be milder: a line about the last five actions ends after five.
    """
    n = next(counter)
    for earlier in before[:3]:
        engine.check(*earlier, session=f"r-{n}")
    first = engine.check(*call, session=f"r-{n}")
    second = engine.check(*call, session=f"r-{n}")
    assert not is_milder(second, first)


@given(st.lists(st.sampled_from(CALLS), max_size=20), st.sampled_from(CALLS))
@settings(max_examples=60)
def test_the_same_history_gives_the_same_decision(
    engine: Engine, before: list[Call], call: Call
) -> None:
    found = []
    for _ in range(2):
        n = next(counter)
        for earlier in before:
            engine.check(*earlier, session=f"t-{n}")
        decision = engine.check(*call, session=f"t-{n}")
        found.append((decision.outcome, decision.score, decision.rules, decision.reason))
    assert found[0] == found[1]
