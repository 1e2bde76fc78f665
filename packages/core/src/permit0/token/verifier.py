"""Verify capability tokens at a tool boundary.

Guarantees: a token that is refused is refused with its own error, and nothing was remembered; one
that is accepted is accepted as often as it says, once unless it has an envelope with more uses.
In this order:
  1. size        at most MAX_TOKEN_BYTES, before anything else is looked at
  2. form        v4.public in its one spelling
  3. key         the footer names a key of the ring
  4. signature   holds for claims, footer and deployment; then: the key is not retired
  5. claims      all there, none unknown, each typed
  6. audience    equal to ours
  7. time        nbf <= now < exp, in UTC, widened by the leeway, which is none by default
  8. epoch       no kill since the decision
  9. action      equal
 10. arguments   digest equal, or inside the envelope
 11. replay      jti claimed in the store; from here on the token is used
Does not: decide whether an action is wise (policy), or remember tokens (a ReplayStore).
"""

from __future__ import annotations

import hmac
from datetime import timedelta
from typing import Final

import msgspec

from permit0.errors import (
    ActionMismatch,
    ArgumentsMismatch,
    ClaimIllTyped,
    ClaimMissing,
    ClaimUnknown,
    EpochPassed,
    Expired,
    InvalidInput,
    InvalidToken,
    NotYetValid,
    OutsideEnvelope,
    Replayed,
    WrongAudience,
)
from permit0.model.claims import Claims, Observed
from permit0.ports import Clock, KillEpochs, ReplayStore, TrustedKeys
from permit0.token import paseto
from permit0.token.envelope import first_limit_broken
from permit0.token.issuer import implicit_assertion

__all__ = ["MAX_LEEWAY", "Verifier", "decode_claims"]

MAX_LEEWAY: Final = timedelta(
    minutes=1
)  # RFC 7519 4.1.4: "no more than a few minutes"; ours live 5

_MAX_LEEWAY_S = MAX_LEEWAY.total_seconds()
_NOTHING = Observed()
_KNOWN = frozenset(Claims.__struct_fields__)
_REQUIRED = tuple(
    field.name for field in msgspec.structs.fields(Claims) if field.required
)  # in the order of the struct
_decoder = msgspec.json.Decoder(Claims)


class Verifier:
    """Verifies tokens for one audience of one deployment. Any number of threads may use it.

    Args:
        keys: The keys that are trusted; a KeyRing, or a WatchedRing that follows its file.
        audience: The name of this gateway.
        deployment: Id of the deployment whose tokens are accepted.
        clock: Tells the time.
        replay: Remembers which tokens were used; shared by all processes that accept them.
        epochs: The kill switch.
        leeway: By how much clocks may differ; up to MAX_LEEWAY.

    Raises:
        InvalidInput: deployment_missing, audience_missing, leeway_out_of_range.
    """

    def __init__(
        self,
        *,
        keys: TrustedKeys,
        audience: str,
        deployment: str,
        clock: Clock,
        replay: ReplayStore,
        epochs: KillEpochs,
        leeway: timedelta = timedelta(0),
    ) -> None:
        if not audience:
            raise InvalidInput(
                "a verifier needs the name of its gateway, set one", reason_code="audience_missing"
            )
        if not timedelta(0) <= leeway <= MAX_LEEWAY:
            raise InvalidInput(
                f"the leeway is between 0 and {MAX_LEEWAY}, not {leeway}",
                reason_code="leeway_out_of_range",
            )
        self._keys = keys
        self._audience = audience
        self._implicit = implicit_assertion(deployment)
        self._clock = clock
        self._replay = replay
        self._epochs = epochs
        self._leeway_s = leeway.total_seconds()

    @property
    def audience(self) -> str:
        """The name of this gateway."""
        return self._audience

    def verify(
        self, token: str, *, action: str, digest: str, observed: Observed = _NOTHING
    ) -> Claims:
        """Accept a token for one execution, or raise.

        Args:
            token: The token.
            action: What is about to run, `domain.verb`.
            digest: SHA-256 of the canonical form of the very arguments that it will get, hex.
            observed: What the arguments mean, for tokens with an envelope.

        Raises:
            InvalidToken: One subclass for each step above.
            StateUnavailable: The keys, the replay store or the kill switch did not answer. Nothing
                may run.
        """
        payload = paseto.verify(self._keys, token, implicit=self._implicit)  # 1 to 4
        claims = decode_claims(payload)  # 5
        jti = claims.jti
        if claims.aud != self._audience:  # 6
            raise WrongAudience(
                f"the token is for {claims.aud!r}, this is {self._audience!r}", jti=jti
            )
        expires_at = claims.exp.timestamp()
        self._check_time(claims, expires_at)  # 7
        required = self._epochs.required(agent=claims.sub, session=claims.sid, action=claims.act)
        if not claims.epoch >= required:  # 8
            raise EpochPassed("the kill switch was used after this token was decided", jti=jti)
        if claims.act != action:  # 9
            raise ActionMismatch(f"the token is for {claims.act!r}, not for {action!r}", jti=jti)
        uses = _check_arguments(claims, digest, observed)  # 10
        # The longest that any verifier of the same store may still accept it, whatever our own leeway.
        if not self._replay.claim(jti, expires_at + _MAX_LEEWAY_S, uses=uses):  # 11
            raise Replayed("the token was used before", jti=jti)
        return claims

    def _check_time(self, claims: Claims, expires_at: float) -> None:
        now = self._clock.now()
        # Both tests are written so that a clock without a number (NaN) refuses.
        if not claims.nbf.timestamp() - self._leeway_s <= now:
            raise NotYetValid(
                "the token is not valid yet, compare the clocks of issuer and gateway",
                jti=claims.jti,
            )
        if not now < expires_at + self._leeway_s:
            raise Expired("the token has expired, ask for a new decision", jti=claims.jti)


def decode_claims(payload: bytes) -> Claims:
    """The claims of a payload whose signature held.

    Raises:
        ClaimMissing, ClaimUnknown: The message names it.
        ClaimIllTyped: The message names it where one claim alone is wrong.
    """
    try:
        return _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _why_not_claims(payload, error) from error


def _check_arguments(claims: Claims, digest: str, observed: Observed) -> int:
    """Compare the arguments with the token; how many uses it has."""
    if claims.cst is None:
        # Neither side is a secret here; constant time costs nothing and leaves nothing to argue.
        if not hmac.compare_digest(claims.args.encode(), digest.encode()):
            raise ArgumentsMismatch("the token is for other arguments", jti=claims.jti)
        return 1
    broken = first_limit_broken(claims.cst, observed)
    if broken is not None:
        raise OutsideEnvelope(
            f"the call is outside the limit {broken!r} of the token", jti=claims.jti
        )
    return claims.cst.uses


def _why_not_claims(payload: bytes, error: Exception) -> InvalidToken:
    """The most telling error for a payload that is no claims."""
    try:
        raw = msgspec.json.decode(payload, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ClaimIllTyped("the claims are no JSON object")
    for name in _REQUIRED:
        if name not in raw:
            return ClaimMissing(f"the token has no claim {name!r}")
    for name in raw:
        if name not in _KNOWN:
            return ClaimUnknown(f"the token has a claim that is not known: {name[:32]!r}")
    # The decoder's text says path and type ("at `$.exp`"); it quotes no value beyond a word.
    return ClaimIllTyped(f"a claim of the token is wrong: {error}")
