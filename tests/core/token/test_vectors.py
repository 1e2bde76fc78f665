"""The official vectors of PASETO v4 and PASERK; tests/vectors/README.md names their source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from permit0.errors import BadKey, BadSignature, InvalidToken, Permit0Error, WrongVersion
from permit0.token import paserk, paseto
from permit0.token.keys import KeyRing, PublicKey, SigningKey

VECTORS = Path(__file__).parents[2] / "vectors"
OURS = {"k4.public", "k4.secret", "k4.pid", "k4.sid"}

Vector = dict[str, Any]


def load(name: str) -> list[Vector]:
    tests: list[Vector] = json.loads((VECTORS / f"{name}.json").read_text("utf-8"))["tests"]
    return tests


def named(vectors: list[Vector]) -> dict[str, Any]:
    return {"argvalues": vectors, "ids": [vector["name"] for vector in vectors]}


V4 = load("paseto/v4")
SIGNED = [vector for vector in V4 if vector["name"].startswith("4-S")]
FAILING = [vector for vector in V4 if vector["expect-fail"]]
# Of these 4-F-1 is v4.local under a public key, 4-F-2 v4.public under a secret one, 4-F-3 v3.local.
ENCRYPTED = [vector for vector in V4 if vector["token"].startswith("v4.local.")]
OTHER_VERSIONS = [v for name in ("v2", "v3") for v in load(f"paseto/{name}") if v["token"]]


def test_the_files_are_complete() -> None:
    assert len(SIGNED) == 3
    assert len(FAILING) == 3
    assert len(ENCRYPTED) >= 9
    assert {path.stem.split(".", 1)[1] for path in (VECTORS / "paserk").glob("k4.*")} == {
        "lid", "local", "local-pw", "local-wrap.pie", "pid", "public", "seal", "secret",
        "secret-pw", "secret-wrap.pie", "sid",
    }  # fmt: skip


@pytest.mark.parametrize("vector", **named(SIGNED))
def test_v4_public_signs_to_the_very_bytes(vector: Vector) -> None:
    key = SigningKey(bytes.fromhex(vector["secret-key"]))
    token = paseto.sign(
        key,
        vector["payload"].encode(),
        footer=vector["footer"].encode(),
        implicit=vector["implicit-assertion"].encode(),
    )
    assert token == vector["token"]


@pytest.mark.parametrize("vector", **named(SIGNED))
def test_v4_public_verifies(vector: Vector) -> None:
    key = PublicKey(bytes.fromhex(vector["public-key"]))
    parts = paseto.split(vector["token"])
    assert parts.payload == vector["payload"].encode()
    assert parts.footer == vector["footer"].encode()
    message = paseto.pae(
        b"v4.public.", parts.payload, parts.footer, vector["implicit-assertion"].encode()
    )
    assert key.is_signature(parts.signature, message)
    assert not key.is_signature(parts.signature, message + b"\0")


@pytest.mark.parametrize("vector", **named(FAILING))
def test_failing_vectors_fail(vector: Vector) -> None:
    key = PublicKey(bytes.fromhex(vector.get("public-key") or SIGNED[0]["public-key"]))
    with pytest.raises(InvalidToken):
        paseto.verify(
            KeyRing([key]), vector["token"], implicit=vector["implicit-assertion"].encode()
        )


@pytest.mark.parametrize("vector", **named(ENCRYPTED))
def test_v4_local_is_another_kind(vector: Vector) -> None:
    with pytest.raises(WrongVersion):
        paseto.split(vector["token"])


@pytest.mark.parametrize("vector", **named(OTHER_VERSIONS))
def test_v2_and_v3_are_other_kinds(vector: Vector) -> None:
    with pytest.raises(WrongVersion):
        paseto.split(vector["token"])


@pytest.mark.parametrize("vector", **named(load("paserk/k4.public")))
def test_k4_public(vector: Vector) -> None:
    data = bytes.fromhex(vector["key"])
    assert paserk.format_public(data) == vector["paserk"]
    assert paserk.read_public(vector["paserk"]) == data


@pytest.mark.parametrize("vector", **named(load("paserk/k4.secret")))
def test_k4_secret(vector: Vector) -> None:
    key = SigningKey.parse(vector["paserk"])
    assert key.reveal() == vector["paserk"]
    assert key.public.paserk == paserk.format_public(bytes.fromhex(vector["public-key"]))
    assert paserk.read_secret(vector["paserk"]) == bytes.fromhex(vector["key"])


@pytest.mark.parametrize("vector", **named(load("paserk/k4.pid")))
def test_k4_pid(vector: Vector) -> None:
    assert paserk.key_id(bytes.fromhex(vector["key"])) == vector["paserk"]


@pytest.mark.parametrize("vector", **named(load("paserk/k4.sid")))
def test_k4_sid(vector: Vector) -> None:
    assert paserk.secret_key_id(bytes.fromhex(vector["key"])) == vector["paserk"]
    assert SigningKey(bytes.fromhex(vector["key"])).sid == vector["paserk"]


FOREIGN = [
    vector
    for path in sorted((VECTORS / "paserk").glob("*.json"))
    if path.stem not in OURS
    for vector in load(f"paserk/{path.stem}")
    if vector["paserk"]
]


@pytest.mark.parametrize("vector", **named(FOREIGN))
def test_every_other_type_of_key_is_refused_by_its_code(vector: Vector) -> None:
    for parse in (PublicKey.parse, SigningKey.parse):
        with pytest.raises(BadKey) as refusal:
            parse(vector["paserk"])
        assert refusal.value.reason_code == "key_unsupported"


@pytest.mark.parametrize(
    "vector", **named(FOREIGN + load("paserk/k4.secret") + load("paserk/k4.pid"))
)
def test_a_key_is_no_token(vector: Vector) -> None:
    with pytest.raises(WrongVersion):
        paseto.split(vector["paserk"])


def test_a_key_of_small_order_is_no_key() -> None:
    """The first k4.public vector is a valid text for a point that would accept forgeries."""
    first, *others = load("paserk/k4.public")
    assert first["key"] == "00" * 32
    with pytest.raises(BadKey) as refusal:
        PublicKey.parse(first["paserk"])
    assert refusal.value.reason_code == "key_malformed"
    assert others


def test_a_signed_vector_under_another_key_fails() -> None:
    """The twin of the tests above: the very bytes are good, and only under their key."""
    vector = SIGNED[2]
    ring = KeyRing([SigningKey.generate().public])
    with pytest.raises(Permit0Error) as refusal:
        paseto.verify(ring, vector["token"], implicit=vector["implicit-assertion"].encode())
    assert not isinstance(refusal.value, BadSignature)  # its footer names no key of ours
