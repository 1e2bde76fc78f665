"""A decision that allows becomes a capability token.

Guarantees: a token lives no longer than DESIGN 6 says, or than the configuration, which can only be
shorter; its id has 128 random bits; what is signed was read back as a verifier will read it.
Does not: decide. The caller has put the decision on record first.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from permit0.errors import InvalidInput
from permit0.model.claims import MAX_TTL, ApprovalClaim, Authority, Claims, Constraints
from permit0.model.vocabulary import Tier
from permit0.ports import Clock
from permit0.token import base64url, paseto
from permit0.token.keys import SigningKey

__all__ = ["CapabilityToken", "Issuer"]

JTI_BYTES = 16
MIN_TTL = timedelta(seconds=1)  # times in a token are whole seconds

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Claims)


class CapabilityToken(msgspec.Struct, frozen=True, gc=False):
    """A token and what it says. `text` is a secret for as long as it lives; repr leaves it out."""

    text: str
    claims: Claims

    def __repr__(self) -> str:
        return f"<CapabilityToken {self.claims.act} jti={self.claims.jti}>"


class Issuer:
    """Issues tokens with one key, for one deployment.

    Args:
        key: The signing key.
        deployment: Id of the deployment. It is signed and does not travel, so that a token of
            another deployment fails even where both trust the same key.
        clock: Tells the time.
        name: The claim `iss`, for people; the deployment by default.
        ttl: How long tokens live, by who allowed it; what is not given has its MAX_TTL.

    Raises:
        InvalidInput: deployment_missing; ttl_out_of_range: below a second or above MAX_TTL.
    """

    def __init__(
        self,
        *,
        key: SigningKey,
        deployment: str,
        clock: Clock,
        name: str | None = None,
        ttl: Mapping[Authority, timedelta] | None = None,
    ) -> None:
        self._key = key
        self._implicit = implicit_assertion(deployment)
        self._clock = clock
        self._name = deployment if name is None else name
        self._ttl_s = {by: _whole_seconds(by, (ttl or {}).get(by, MAX_TTL[by])) for by in Authority}
        # Of the latest second; replaced as a whole, so that no thread sees half of it.
        self._written: tuple[float, Mapping[Authority, tuple[str, str]]] = (math.nan, {})

    @property
    def kid(self) -> str:
        """The key that signs."""
        return self._key.kid

    def issue(
        self,
        *,
        agent: str,
        audience: str,
        action: str,
        digest: str,
        session: str,
        tier: Tier,
        score: float,
        by: Authority,
        policy: str,
        epoch: int,
        constraints: Constraints | None = None,
        approval: ApprovalClaim | None = None,
    ) -> CapabilityToken:
        """Issue one token, valid from now on.

        Args:
            agent: Who may use it.
            audience: The gateway that may accept it.
            action: `domain.verb`.
            digest: SHA-256 of the canonical arguments, hex.
            session: The session it belongs to.
            tier: Of the decision.
            score: Of the decision.
            by: Who allowed it.
            policy: Fingerprint of policy, packs and versions; SHA-256, hex.
            epoch: Number of the latest kill, read when the decision began: a kill in between wins.
            constraints: Let the arguments vary inside these.
            approval: The approval, if a person allowed it.

        Raises:
            InvalidInput: claims_invalid, or token_too_long: an envelope with too much in it.
        """
        start, end = self._times(by)
        # INVARIANT: nothing is signed that a verifier would not read. The decoder is the check.
        try:
            written: dict[str, object] = {
                "iss": self._name,
                "sub": agent,
                "aud": audience,
                "iat": start,
                "nbf": start,
                "exp": end,
                "jti": base64url.encode(secrets.token_bytes(JTI_BYTES)).decode(),
                "act": action,
                "args": digest,
                "sid": session,
                "tier": tier,
                "score": score,
                "by": by,
                "pol": policy,
                "epoch": epoch,
            }
            if constraints is not None:
                written["cst"] = constraints
            if approval is not None:
                written["apv"] = approval
            payload = _encoder.encode(written)
            claims = _decoder.decode(payload)
        except (ValueError, msgspec.MsgspecError, TypeError) as error:
            raise InvalidInput(
                f"no token can say this: {error}", reason_code="claims_invalid"
            ) from error
        text = paseto.sign(self._key, payload, implicit=self._implicit)
        if len(text) > paseto.MAX_TOKEN_BYTES:
            raise InvalidInput(
                f"the token would have {len(text)} bytes, above {paseto.MAX_TOKEN_BYTES}, "
                "name fewer recipients",
                reason_code="token_too_long",
            )
        return CapabilityToken(text, claims)

    def _times(self, by: Authority) -> tuple[str, str]:
        """The second in which a token begins, and the one in which it ends, as RFC 3339."""
        now = self._clock.now()
        try:
            second = math.floor(now)
            written, texts = self._written
            if second != written:  # else another token of this second has them
                start = datetime.fromtimestamp(second, UTC)
                texts = {
                    by: (_text(start), _text(start + timedelta(seconds=ttl_s)))
                    for by, ttl_s in self._ttl_s.items()
                }
                self._written = second, texts
        except (ValueError, OverflowError, OSError, TypeError) as error:
            raise InvalidInput(
                f"the clock says {now!r}, which is no time for a token", reason_code="bad_time"
            ) from error
        return texts[by]


def implicit_assertion(deployment: str) -> bytes:
    """What every signature of a deployment covers and no token carries.

    Raises:
        InvalidInput: deployment_missing.
    """
    if not deployment:
        raise InvalidInput(
            "tokens need the id of the deployment, set one", reason_code="deployment_missing"
        )
    return deployment.encode()


def _text(moment: datetime) -> str:
    return moment.isoformat().removesuffix("+00:00") + "Z"


def _whole_seconds(by: Authority, ttl: timedelta) -> int:
    if not MIN_TTL <= ttl <= MAX_TTL[by]:
        raise InvalidInput(
            f"tokens by {by.value} live between {MIN_TTL} and {MAX_TTL[by]}, not {ttl}",
            where=f"ttl.{by.value}",
            reason_code="ttl_out_of_range",
        )
    return int(ttl.total_seconds())
