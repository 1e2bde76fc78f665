"""Claims: what a capability token says, and nothing that it could say otherwise.

Guarantees, for claims that were decoded:
  1. Every claim is there and has its type; unknown ones are refused. `cst` and `apv` alone may be absent.
  2. Times are UTC; nbf lies between iat and exp; a token lives no longer than MAX_TTL for who allowed it.
  3. What a person allowed names the approval.
  4. An envelope limits the arguments by at least one thing that can be checked.
Does not: know the time, the audience or a key (token.verifier), or sign (token.issuer).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, NewType

import msgspec
from msgspec import Meta

from permit0.model.vocabulary import Tier

__all__ = [
    "MAX_AMOUNT_DIGITS",
    "MAX_RECIPIENTS",
    "MAX_TTL",
    "MAX_USES",
    "ApprovalClaim",
    "Authority",
    "Claims",
    "Constraints",
    "Digest",
    "Jti",
    "Observed",
    "is_normal_path",
]

Jti = NewType("Jti", str)
"""Token id: 128 random bits, base64url without padding."""

Digest = NewType("Digest", str)
"""SHA-256, lower-case hex."""

MAX_RECIPIENTS = 50  # with addresses of usual length the token stays below MAX_TOKEN_BYTES
MAX_USES = 1000  # an envelope is for a batch, not for good
MAX_AMOUNT_DIGITS = 30  # before and after the point; more than any currency needs, quick to compare


class Authority(StrEnum):
    """Who allowed the action."""

    SCORER = "scorer"
    HUMAN = "human"
    BREAK_GLASS = "break_glass"


# DESIGN 6. Break-glass is not slower than the scorer: each use is a decision with a token of its own.
MAX_TTL: Mapping[Authority, timedelta] = MappingProxyType(
    {
        Authority.SCORER: timedelta(minutes=5),
        Authority.HUMAN: timedelta(hours=1),
        Authority.BREAK_GLASS: timedelta(minutes=5),
    }
)
"""The longest life of a token. Configuration may shorten it."""

# \Z, not $: a newline at the end is not part of a name.
_Name = Annotated[str, Meta(min_length=1, max_length=256)]
_HexDigest = Annotated[Digest, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
# 22 characters carry 132 bits; the last four are zero in the only spelling that counts.
_TokenId = Annotated[Jti, Meta(pattern=r"\A[A-Za-z0-9_-]{21}[AQgw]\Z")]
_ActionName = Annotated[str, Meta(max_length=128, pattern=r"\A[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*\Z")]
_Currency = Annotated[str, Meta(pattern=r"\A[A-Z]{3}\Z")]
_Recipients = Annotated[tuple[_Name, ...], Meta(min_length=1, max_length=MAX_RECIPIENTS)]
_PathPrefix = Annotated[str, Meta(max_length=1024, pattern=r"\A/[^\x00\\]+\Z")]


class ApprovalClaim(
    msgspec.Struct, frozen=True, gc=False, kw_only=True, forbid_unknown_fields=True
):
    """Which approval allowed it. digest: of the view that the approver was shown."""

    id: _Name
    digest: _HexDigest


class Constraints(
    msgspec.Struct,
    frozen=True,
    gc=False,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
):
    """The envelope inside which arguments may vary. What is None is not limited.

    max_amount: of each use, in units of `currency` (ISO 4217), inclusive; both or neither.
    recipients: the only ones, in the spelling of permit0.normalize.
    path_prefix: a folder, absolute and normalised; what lies under it, and itself.
    environment: where the action may run. uses: how many times the token may be used.

    Raises:
        ValueError: The envelope has no limit on the arguments, or one that cannot be checked.
    """

    max_amount: Decimal | None = None
    currency: _Currency | None = None
    recipients: _Recipients | None = None
    path_prefix: _PathPrefix | None = None
    environment: _Name | None = None
    uses: Annotated[int, Meta(ge=1, le=MAX_USES)] = 1

    def __post_init__(self) -> None:
        if (self.max_amount is None) != (self.currency is None):
            raise ValueError("max_amount and currency belong together")
        if self.max_amount is not None and not _is_plain(self.max_amount):
            raise ValueError("max_amount must be a plain number that is not negative")
        if self.max_amount is None and self.recipients is None and self.path_prefix is None:
            raise ValueError("an envelope must limit the amount, the recipients or the path")
        if self.path_prefix is not None and not is_normal_path(self.path_prefix):
            raise ValueError("path_prefix must be a normalised folder below the root")


class Observed(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What the arguments of a call mean, as far as an envelope asks; None is "not known".

    amount: exact, in units of `currency`. recipients: all of them. paths: all of them, absolute and
    normalised. environment: where this gateway runs, not what the call says of itself.
    """

    amount: Decimal | None = None
    currency: str | None = None
    recipients: frozenset[str] | None = None
    paths: frozenset[str] | None = None
    environment: str | None = None


class Claims(
    msgspec.Struct,
    frozen=True,
    gc=False,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
):
    """The claims of one token.

    iss: who issued it. sub: the agent. aud: the gateway that may accept it.
    iat, nbf, exp: RFC 3339, UTC. Valid from nbf on and before exp.
    jti: what makes it usable once. act: `domain.verb`. args: SHA-256 of the canonical arguments.
    cst: if present, the arguments may vary inside it; if not, they are those of `args`.
    sid: the session. tier, score, by: how it came to be allowed. apv: by which approval.
    pol: fingerprint of policy, packs and versions.
    epoch: number of the latest kill that the decision knew of; one that comes after it wins.
    """

    iss: _Name
    sub: _Name
    aud: _Name
    iat: datetime
    nbf: datetime
    exp: datetime
    jti: _TokenId
    act: _ActionName
    args: _HexDigest
    sid: _Name
    tier: Tier
    score: Annotated[float, Meta(ge=0, lt=1)]
    by: Authority
    pol: _HexDigest
    epoch: Annotated[int, Meta(ge=0, lt=1 << 53)]  # exact in every JSON reader
    cst: Constraints | None = None
    apv: ApprovalClaim | None = None

    def __post_init__(self) -> None:
        # The decoder gives this very object for "Z" and "+00:00"; any other zone is not UTC.
        if self.iat.tzinfo is not UTC or self.nbf.tzinfo is not UTC or self.exp.tzinfo is not UTC:
            raise ValueError("iat, nbf and exp must be UTC")
        if not self.iat <= self.nbf < self.exp:
            raise ValueError("iat, nbf and exp must follow each other")
        if self.exp - self.iat > MAX_TTL[self.by]:
            raise ValueError(f"exp is later than a token by {self.by.value} may live")
        if self.by is Authority.HUMAN and self.apv is None:
            raise ValueError("a token by human must name its approval")
        if self.by is Authority.SCORER and self.apv is not None:
            raise ValueError("a token by scorer has no approval")


def is_normal_path(path: str) -> bool:
    r"""Whether a path is absolute, below the root, and has no `.`, `..`, empty segment, NUL or `\`."""
    head, *segments = path.split("/")
    return (
        not head
        and bool(segments)
        and "\\" not in path
        and "\0" not in path
        and not any(segment in ("", ".", "..") for segment in segments)
    )


def _is_plain(amount: Decimal) -> bool:
    """Whether an amount is finite, not negative and not absurdly long."""
    if not amount.is_finite() or amount.is_signed():
        return False
    _, digits, exponent = amount.as_tuple()
    return len(digits) <= MAX_AMOUNT_DIGITS and -MAX_AMOUNT_DIGITS <= int(exponent) <= 0
