"""What a token costs: python benchmarks/tokens.py

Ed25519 alone with each library that is installed, then permit0's own steps. Each figure is the median of
several rounds, in microseconds, on one thread. docs/adr/0003-tokens.md rests on these.
"""

from __future__ import annotations

import importlib.metadata
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from nacl import bindings as sodium

from permit0.clock import SystemClock
from permit0.model.claims import Jti
from permit0.testing.tokens import ACTION, DEPLOYMENT, TokenLab
from permit0.token import paseto
from permit0.token.key_folder import KeyFolder
from permit0.token.keys import PublicKey, SigningKey
from permit0.token.verifier import decode_claims
from permit0.token.watched_ring import WatchedRing

ROUNDS, CALLS = 9, 1500


def measure(name: str, call: Callable[[], object]) -> None:
    rounds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(CALLS):
            call()
        rounds.append((time.perf_counter() - began) / CALLS * 1e6)
    print(f"{name:44s} p50 {statistics.median(rounds):7.1f}   best {min(rounds):7.1f}")


def version(name: str) -> str:
    try:
        return f"{name} {importlib.metadata.version(name)}"
    except importlib.metadata.PackageNotFoundError:
        return f"{name} is not installed"


class NoStore:
    """Leaves the cost of remembering out."""

    def claim(self, jti: Jti, expires_at: float, *, uses: int = 1) -> bool:
        return True


class NoTime:
    """A clock after which everything is long ago."""

    def now(self) -> float:
        return float("nan")


def main() -> None:
    lab = TokenLab()
    token = lab.issue()
    payload = paseto.split(token.text).payload
    message = paseto.pae(b"v4.public.", payload, b"f" * 61, DEPLOYMENT.encode())
    secret, public = lab.key.reveal(), lab.key.public.paserk
    print(f"token {len(token.text)} bytes, signed message {len(message)} bytes")

    print(f"\n{version('pynacl')}")
    raw = sodium.crypto_sign_keypair()
    signed = sodium.crypto_sign(message, raw[1])
    measure("sign", lambda: sodium.crypto_sign(message, raw[1]))
    measure("verify", lambda: sodium.crypto_sign_open(signed, raw[0]))

    print(f"\n{version('cryptography')}")
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ImportError:
        pass
    else:
        key = Ed25519PrivateKey.from_private_bytes(raw[1][:32])
        other = key.public_key()
        signature = key.sign(message)
        assert signature == signed[:64]
        measure("sign", lambda: key.sign(message))
        measure("verify", lambda: other.verify(signature, message))

    print(f"\n{version('pyseto')}")
    try:
        import pyseto
    except ImportError:
        pass
    else:
        theirs, theirs_public = (pyseto.Key.from_paserk(text) for text in (secret, public))
        implicit = DEPLOYMENT.encode()
        footer = paseto.split(token.text).footer
        assert token.text.encode() == pyseto.encode(
            theirs, payload, footer=footer, implicit_assertion=implicit
        )
        measure(
            "sign a token",
            lambda: pyseto.encode(theirs, payload, footer=footer, implicit_assertion=implicit),
        )
        measure(
            "verify a token",
            lambda: pyseto.decode(theirs_public, token.text, implicit_assertion=implicit),
        )

    print("\npermit0")
    implicit = DEPLOYMENT.encode()
    verifier = lab.verifier(replay=NoStore())
    args = token.claims.args
    measure("sign a token", lambda: paseto.sign(lab.key, payload, implicit=implicit))
    measure("verify a token", lambda: paseto.verify(lab.ring, token.text, implicit=implicit))
    measure("read the claims", lambda: decode_claims(payload))
    issuer = lab.issuer()
    claims = token.claims
    measure(
        "issue: claims, id, sign",
        lambda: issuer.issue(
            agent=claims.sub, audience=claims.aud, action=ACTION, digest=args, session=claims.sid,
            tier=claims.tier, score=claims.score, by=claims.by, policy=claims.pol, epoch=0,
        ),
    )  # fmt: skip
    measure(
        "verify: signature, claims, all checks",
        lambda: verifier.verify(token.text, action=ACTION, digest=args),
    )
    measure("load k4.secret", lambda: SigningKey.parse(secret))
    measure("load k4.public", lambda: PublicKey.parse(public))
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "keys"
        folder = KeyFolder(path, clock=lab.clock)
        folder.generate()
        measure("load a key folder", folder.signing_key)
        key, clock = folder.signing_key(), SystemClock()
        ours = paseto.sign(key, payload, implicit=implicit)
        for name, ring in (
            ("verify a token, ring that stays", folder.ring()),
            (
                "verify a token, ring that follows its file",
                WatchedRing.of_folder(path, clock=clock),
            ),
            (
                "the same, looking at the file each time",
                WatchedRing.of_folder(path, clock=NoTime()),
            ),
        ):
            measure(name, partial(paseto.verify, ring, ours, implicit=implicit))


if __name__ == "__main__":
    main()
