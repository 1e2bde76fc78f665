"""An issuer and a gateway that trust each other, for tests that break one thing at a time.

    lab = TokenLab()
    lab.present(lab.issue().text)                      # accepted
    lab.present(lab.issue(audience="other").text)      # WrongAudience

Everything is valid by default. The keys are new for each lab and good for nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from permit0.canonical import digest, freeze
from permit0.model.claims import ApprovalClaim, Authority, Claims, Digest, Observed
from permit0.model.vocabulary import Tier
from permit0.testing.clock import FrozenClock
from permit0.token import paseto
from permit0.token.epochs import FixedEpoch
from permit0.token.issuer import CapabilityToken, Issuer
from permit0.token.keys import KeyRing, SigningKey
from permit0.token.replay import MemoryReplayStore
from permit0.token.verifier import Verifier

__all__ = ["ARGUMENTS", "TokenLab"]

ACTION = "payments.transfer"
ARGUMENTS: Mapping[str, object] = {"amount": 120.5, "currency": "USD", "recipient": "Vendor Alpha"}
AUDIENCE = "gateway-1"
DEPLOYMENT = "deployment-1"
POLICY = "0" * 64
APPROVAL = ApprovalClaim(id="approval-1", digest=Digest("1" * 64))


class TokenLab:
    """One deployment: `key` signs, `clock` stands still, `replay` remembers."""

    def __init__(self) -> None:
        self.clock = FrozenClock()
        self.key = SigningKey.generate()
        self.replay = MemoryReplayStore(clock=self.clock)
        self.ring = KeyRing([self.key.public])

    def issuer(self, **changes: Any) -> Issuer:
        """An issuer; `changes` replace arguments of its constructor."""
        arguments: dict[str, Any] = {"key": self.key, "deployment": DEPLOYMENT, "clock": self.clock}
        return Issuer(**(arguments | changes))

    def verifier(self, **changes: Any) -> Verifier:
        """A verifier; `changes` replace arguments of its constructor."""
        arguments: dict[str, Any] = {
            "keys": self.ring,
            "audience": AUDIENCE,
            "deployment": DEPLOYMENT,
            "clock": self.clock,
            "replay": self.replay,
            "epochs": FixedEpoch(),
        }
        return Verifier(**(arguments | changes))

    def issue(self, **changes: Any) -> CapabilityToken:
        """A token for ACTION with ARGUMENTS; `changes` replace arguments of Issuer.issue."""
        arguments: dict[str, Any] = {
            "agent": "agent-1",
            "audience": AUDIENCE,
            "action": ACTION,
            "digest": digest(freeze(ARGUMENTS)),
            "session": "session-1",
            "tier": Tier.LOW,
            "score": 0.31,
            "by": Authority.SCORER,
            "policy": POLICY,
            "epoch": 0,
        }
        return self.issuer().issue(**(arguments | changes))

    def approve(self, **changes: Any) -> CapabilityToken:
        """A token that a person allowed."""
        return self.issue(**({"by": Authority.HUMAN, "approval": APPROVAL} | changes))

    def sign(self, claims: Mapping[str, object] | bytes, **changes: Any) -> str:
        """A token with any claims and a good signature: what only the holder of the key can make.

        `changes` replace arguments of paseto.sign.
        """
        payload = claims if isinstance(claims, bytes) else msgspec.json.encode(claims)
        arguments: dict[str, Any] = {"key": self.key, "implicit": DEPLOYMENT.encode()} | changes
        return paseto.sign(arguments.pop("key"), payload, **arguments)

    def claims(self, **changes: object) -> dict[str, object]:
        """Valid claims as JSON has them; `changes` replace or add some."""
        claims: dict[str, object] = msgspec.to_builtins(self.issue().claims)
        return claims | changes

    def present(
        self,
        token: str,
        *,
        action: str = ACTION,
        arguments: Mapping[str, object] = ARGUMENTS,
        observed: Observed | None = None,
        **changes: Any,
    ) -> Claims:
        """Verify a token as a gateway would that is about to run `action` with `arguments`.

        `changes` replace arguments of the verifier's constructor.
        """
        return self.verifier(**changes).verify(
            token,
            action=action,
            digest=digest(freeze(arguments)),
            observed=observed or Observed(),
        )
