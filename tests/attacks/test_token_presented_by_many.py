"""One token is presented by many at once, to gateways that share nothing but the state file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from permit0.errors import InvalidToken, Replayed
from permit0.model.claims import Constraints, Observed
from permit0.state.used_tokens import SqliteReplayStore
from permit0.testing.races import race_processes, race_threads
from permit0.testing.tokens import ACTION, AUDIENCE, DEPLOYMENT, TokenLab
from permit0.token.issuer import CapabilityToken
from permit0.token.verifier import Verifier

ENVELOPE = Constraints(recipients=("ann@acme-corp.com",), uses=3)
INSIDE = Observed(recipients=frozenset(ENVELOPE.recipients or ()))


@pytest.fixture
def gateway(lab: TokenLab, tmp_path: Path) -> Callable[[], Verifier]:
    """Makes gateways, each with a store of its own on one file."""

    def make() -> Verifier:
        return lab.verifier(replay=SqliteReplayStore(tmp_path / "permit0.db", clock=lab.clock))

    return make


def present(verifier: Verifier, token: CapabilityToken) -> str:
    try:
        verifier.verify(token.text, action=ACTION, digest=token.claims.args, observed=INSIDE)
    except InvalidToken as error:
        return error.reason_code
    return "ran"


@pytest.mark.parametrize("gateways", [1, 8])
def test_of_64_threads_one_runs(
    lab: TokenLab, gateway: Callable[[], Verifier], gateways: int
) -> None:
    verifiers = [gateway() for _ in range(gateways)]
    for _ in range(5):
        token = lab.issue()
        runs = [partial(present, verifiers[i % gateways], token) for i in range(64)]
        assert Counter(race_threads(runs)) == {"ran": 1, "token_replayed": 63}


def test_of_64_threads_as_many_run_as_the_envelope_has_uses(
    lab: TokenLab, gateway: Callable[[], Verifier]
) -> None:
    verifiers = [gateway() for _ in range(4)]
    token = lab.issue(constraints=ENVELOPE)
    runs = [partial(present, verifiers[i % 4], token) for i in range(64)]
    assert Counter(race_threads(runs)) == {"ran": 3, "token_replayed": 61}


GATEWAY = """
from permit0.errors import InvalidToken
from permit0.state.used_tokens import SqliteReplayStore
from permit0.testing.clock import FrozenClock
from permit0.token.epochs import FixedEpoch
from permit0.token.keys import parse_ring
from permit0.token.verifier import Verifier
clock = FrozenClock({now})
verifier = Verifier(
    keys=parse_ring({public!r}, where="the test"), audience={audience!r}, deployment={deployment!r},
    clock=clock, replay=SqliteReplayStore({path!r}, clock=clock), epochs=FixedEpoch(),
)
def run():
    ran = []
    for token, digest in {tokens!r}:
        try:
            verifier.verify(token, action={action!r}, digest=digest)
            ran.append(1)
        except InvalidToken as error:
            assert error.reason_code == "token_replayed", error.reason_code
            ran.append(0)
    return ran
"""


def test_of_eight_processes_one_runs(
    lab: TokenLab, gateway: Callable[[], Verifier], tmp_path: Path
) -> None:
    tokens = [lab.issue() for _ in range(40)]
    source = GATEWAY.format(
        now=lab.clock.now(),
        public=lab.key.public.paserk,
        audience=AUDIENCE,
        deployment=DEPLOYMENT,
        path=str(tmp_path / "permit0.db"),
        tokens=[(token.text, token.claims.args) for token in tokens],
        action=ACTION,
    )
    runs = [
        [int(digit) for digit in line if digit in "01"] for line in race_processes([source] * 8)
    ]
    assert [sum(of_one) for of_one in zip(*runs, strict=True)] == [1] * len(tokens)
    late = gateway()
    for token in tokens:
        assert present(late, token) == "token_replayed"
    assert present(late, lab.issue()) == "ran"


def test_a_gateway_that_starts_anew_with_a_clock_behind_accepts_nothing_again(
    lab: TokenLab, gateway: Callable[[], Verifier]
) -> None:
    token = lab.issue()
    first = gateway()
    assert present(first, token) == "ran"
    lab.clock.advance(10_000)
    for _ in range(100):
        assert present(first, lab.issue()) == "ran"  # the mark of the token is forgotten here
    lab.clock.set(token.claims.iat.timestamp())
    with pytest.raises(Replayed):
        gateway().verify(token.text, action=ACTION, digest=token.claims.args)


def test_a_token_that_was_refused_elsewhere_was_not_used_up(
    lab: TokenLab, gateway: Callable[[], Verifier]
) -> None:
    token = lab.issue()
    with pytest.raises(InvalidToken):
        gateway().verify(token.text, action="payments.refund", digest=token.claims.args)
    assert present(gateway(), token) == "ran"
