"""A claim has a value that it cannot have, signed by somebody who has the key."""

from __future__ import annotations

import msgspec
import pytest

from permit0.errors import ClaimIllTyped, InvalidInput
from permit0.model.claims import ApprovalClaim, Authority, Digest
from permit0.testing.tokens import APPROVAL, TokenLab

EVERY = ["iss", "sub", "aud", "iat", "nbf", "exp", "jti", "act", "args", "sid", "tier", "by", "pol"]
NOTHING: list[object] = [None, 1, True, [], {}, "", "x" * 300]
TIMES = [
    "2026-01-05T08:00:00",  # no zone
    "2026-01-05T09:00:00+01:00",  # the same moment, not in UTC
    "2026-01-05",
    "1767600000",
    1767600000,
    "2026-01-05T08:00:60Z",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00Z",
]
OTHERS: dict[str, list[object]] = {
    # 21 characters and 23; bits that no 16 bytes have; padding; a line
    "jti": ["A" * 21, "A" * 23, "A" * 21 + "B", "A" * 21 + "=", "A" * 22 + "\n"],
    "act": ["payments", "payments.transfer.now", "Payments.transfer", "payments.transfer\n"],
    "args": ["0" * 63, "0" * 64 + "\n", "A" * 64],
    "pol": ["g" * 64],
    "tier": ["none"],
    "by": ["agent"],
    "score": [None, "0.3", -0.01, 1, 1.5, True, [0.3]],
    "epoch": [None, "0", -1, 0.5, 2**53, True],
    "cst": [[], "", 1, {}, {"uses": 5}, {"environment": "test"}],
    "apv": [[], "", {}, {"id": "a"}, {"id": "a", "digest": "0"}],
}
TABLE: list[tuple[str, object]] = [
    *((name, value) for name in EVERY for value in NOTHING),
    *((name, value) for name in ("iat", "nbf", "exp") for value in TIMES),
    *((name, value) for name, values in OTHERS.items() for value in values),
]


@pytest.mark.parametrize(("name", "value"), TABLE)
def test_a_wrong_value_is_refused(lab: TokenLab, name: str, value: object) -> None:
    with pytest.raises(ClaimIllTyped) as refusal:
        lab.present(lab.sign(lab.claims(**{name: value})))
    assert refusal.value.reason_code == "token_claim_ill_typed"


@pytest.mark.parametrize(
    ("name", "value"),
    [("score", 0), ("epoch", 7), ("tier", "high"), ("sub", "\u00e4"), ("cst", None)],
)
def test_a_right_value_is_accepted(lab: TokenLab, name: str, value: object) -> None:
    lab.present(lab.sign(lab.claims(**{name: value})))


@pytest.mark.parametrize(
    "payload",
    [
        b"null",
        b"[]",
        b"1",
        b"{",
        b"\xff",
        b'"' + b"x" * 40 + b'"',
        b"[" * 2000,
        b"\xff{}",
    ],
)
def test_a_payload_that_is_no_object_is_refused(lab: TokenLab, payload: bytes) -> None:
    with pytest.raises(ClaimIllTyped):
        lab.present(lab.sign(payload))


@pytest.mark.parametrize("by", ["scorer", "human", "break_glass"])
def test_even_the_holder_of_the_key_cannot_make_a_long_life(lab: TokenLab, by: str) -> None:
    approval = {"id": APPROVAL.id, "digest": APPROVAL.digest}
    apv = {} if by == "scorer" else {"apv": approval}
    late = "2026-01-05T09:00:00Z" if by == "human" else "2026-01-05T08:05:00Z"
    lab.present(lab.sign(lab.claims(by=by, exp=late, **apv)))
    with pytest.raises(ClaimIllTyped):
        lab.present(lab.sign(lab.claims(by=by, exp=late.replace("00Z", "01Z"), **apv)))


def test_what_a_person_allowed_names_the_approval(lab: TokenLab) -> None:
    lab.present(lab.approve().text)
    with pytest.raises(ClaimIllTyped):
        lab.present(lab.sign(lab.claims(by="human")))
    with pytest.raises(ClaimIllTyped):
        lab.present(lab.sign(lab.claims(apv={"id": "a", "digest": "0" * 64})))


@pytest.mark.parametrize(
    "changes",
    [
        {"action": "payments"},
        {"agent": ""},
        {"digest": "0"},
        {"score": 1.0},
        {"score": float("nan")},
        {"epoch": -1},
        {"policy": ""},
        {"by": Authority.HUMAN},
        {"approval": ApprovalClaim(id="a", digest=Digest("0" * 64))},
        {"agent": "\ud800"},
    ],
)
def test_the_issuer_does_not_sign_what_nobody_would_read(
    lab: TokenLab, changes: dict[str, object]
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        lab.issue(**changes)
    assert refusal.value.reason_code == "claims_invalid"
    lab.present(lab.issue().text)


def test_text_that_is_no_utf_8_is_refused(lab: TokenLab) -> None:
    payload = msgspec.json.encode(lab.claims(sub="agent"))
    lab.present(lab.sign(payload))
    with pytest.raises(ClaimIllTyped):
        lab.present(lab.sign(payload.replace(b"agent", b"age\xed\xa0\x80")))
