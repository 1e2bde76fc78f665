"""What is issued is what is read, for every claim and every envelope."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from permit0.errors import Replayed
from permit0.model.claims import (
    MAX_TTL,
    MAX_USES,
    ApprovalClaim,
    Authority,
    Claims,
    Constraints,
    Digest,
    Observed,
)
from permit0.model.vocabulary import Tier
from permit0.testing.clock import FrozenClock
from permit0.testing.tokens import AUDIENCE, DEPLOYMENT, TokenLab
from permit0.token import base64url
from permit0.token.issuer import Issuer

LAB = TokenLab()  # signing keys are slow to make; the lab's clock stands still

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
digests = st.text("0123456789abcdef", min_size=64, max_size=64).map(Digest)
actions = st.from_regex(r"[a-z][a-z0-9_]{0,20}\.[a-z][a-z0-9_]{0,20}", fullmatch=True)
amounts = st.decimals(0, 10**12, places=2) | st.just(Decimal(0)) | st.just(Decimal(7))
segments = st.from_regex(r"[A-Za-z0-9_ -]{1,12}", fullmatch=True)
paths = st.lists(segments, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts))
approvals = st.builds(ApprovalClaim, id=names, digest=digests)


@st.composite
def envelopes(draw: st.DrawFn) -> Constraints:
    amount = draw(st.none() | amounts)
    recipients = draw(st.none() | st.lists(names, min_size=1, max_size=5).map(tuple))
    path = draw(paths if amount is None and recipients is None else st.none() | paths)
    return Constraints(
        max_amount=amount,
        currency=None if amount is None else "EUR",
        recipients=recipients,
        path_prefix=path,
        environment=draw(st.none() | names),
        uses=draw(st.integers(1, MAX_USES)),
    )


def inside(limits: Constraints) -> Observed:
    return Observed(
        amount=limits.max_amount,
        currency=limits.currency,
        recipients=None if limits.recipients is None else frozenset(limits.recipients),
        paths=None if limits.path_prefix is None else frozenset({limits.path_prefix + "/x"}),
        environment=limits.environment,
    )


@given(
    agent=names,
    session=names,
    action=actions,
    digest=digests,
    tier=st.sampled_from(Tier),
    score=st.floats(0, 1, exclude_max=True),
    by=st.sampled_from(Authority),
    policy=digests,
    epoch=st.integers(0, 2**53 - 1),
    approval=approvals,
    constraints=st.none() | envelopes(),
)
def test_a_token_says_what_was_issued(
    agent: str,
    session: str,
    action: str,
    digest: Digest,
    tier: Tier,
    score: float,
    by: Authority,
    policy: Digest,
    epoch: int,
    approval: ApprovalClaim,
    constraints: Constraints | None,
) -> None:
    apv = approval if by is Authority.HUMAN else None
    token = LAB.issue(
        agent=agent, session=session, action=action, digest=digest, tier=tier, score=score,
        by=by, policy=policy, epoch=epoch, approval=apv, constraints=constraints,
    )  # fmt: skip
    observed = Observed() if constraints is None else inside(constraints)
    claims = LAB.verifier().verify(token.text, action=action, digest=digest, observed=observed)
    assert claims == token.claims
    start = datetime.fromtimestamp(LAB.clock.now(), UTC)
    assert claims == Claims(
        iss=DEPLOYMENT, sub=agent, aud=AUDIENCE, iat=start, nbf=start, exp=start + MAX_TTL[by],
        jti=claims.jti, act=action, args=digest, sid=session, tier=tier, score=score, by=by,
        pol=policy, epoch=epoch, cst=constraints, apv=apv,
    )  # fmt: skip


@given(st.binary(max_size=200))
def test_base64url_round_trips(data: bytes) -> None:
    text = base64url.encode(data)
    assert base64url.decode(text) == data
    assert not set(text) & set(b"=+/")


@given(st.binary(max_size=12))
def test_whatever_is_read_is_what_would_be_written(text: bytes) -> None:
    data = base64url.decode(text)
    assert data is None or base64url.encode(data) == text


@given(st.floats(0, 4e9), st.sampled_from(Authority), st.integers(1, 300))
def test_a_token_is_valid_when_it_is_issued_and_never_too_long(
    at: float, by: Authority, ttl_s: int
) -> None:
    issuer = Issuer(
        key=LAB.key,
        deployment=DEPLOYMENT,
        clock=FrozenClock(at),
        ttl={by: timedelta(seconds=ttl_s)},
    )
    claims = issuer.issue(
        agent="a", audience="g", action="a.b", digest="0" * 64, session="s", tier=Tier.LOW,
        score=0.1, by=by, policy="0" * 64, epoch=0,
        approval=ApprovalClaim(id="x", digest=Digest("0" * 64)) if by is Authority.HUMAN else None,
    ).claims  # fmt: skip
    assert claims.nbf.timestamp() <= at < claims.exp.timestamp() <= at + ttl_s


def test_ids_do_not_repeat(lab: TokenLab) -> None:
    assert len({lab.issue().claims.jti for _ in range(2000)}) == 2000


def test_times_are_rfc_3339_and_absent_claims_are_absent(lab: TokenLab) -> None:
    claims = lab.claims()
    assert claims["iat"] == claims["nbf"] == "2026-01-05T08:00:00Z"
    assert claims["exp"] == "2026-01-05T08:05:00Z"
    assert not {"cst", "apv"} & set(claims)


def test_repr_of_a_token_does_not_show_it(lab: TokenLab) -> None:
    token = lab.issue()
    assert token.claims.jti in repr(token)
    for part in token.text.split("."):
        assert part not in repr(token) or part in ("v4", "public")


@pytest.mark.parametrize("uses", [1, 2, 7])
def test_an_envelope_is_used_as_often_as_it_says_by_64_threads_at_once(
    lab: TokenLab, uses: int
) -> None:
    token = lab.approve(constraints=Constraints(path_prefix="/data", uses=uses))
    seen = Observed(paths=frozenset({"/data/a"}))
    verifier = lab.verifier()
    results: Counter[str] = Counter()
    lock, start = threading.Lock(), threading.Barrier(64)

    def run() -> None:
        start.wait()
        try:
            verifier.verify(token.text, action=token.claims.act, digest="x", observed=seen)
            result = "ran"
        except Replayed as error:
            result = error.reason_code
        with lock:
            results[result] += 1

    threads = [threading.Thread(target=run) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {"ran": uses, "token_replayed": 64 - uses}


def test_claims_do_not_change(lab: TokenLab) -> None:
    claims = lab.issue().claims
    with pytest.raises(AttributeError):
        claims.act = "payments.refund"  # type: ignore[misc]  # the attack
    assert msgspec.json.decode(msgspec.json.encode(claims), type=Claims) == claims
