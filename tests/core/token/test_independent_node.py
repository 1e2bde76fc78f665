"""The npm package `paseto` verifies our tokens and signs some that we verify.

It shares no line with permit0, and its Ed25519 is the one of Node. The test fetches one pinned
archive with npm, once, into pytest's cache. Where node or npm are missing it is skipped, and says so; in CI
it fails instead.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from base64 import b64encode
from pathlib import Path
from typing import Any, Never

import pytest

from permit0.model.claims import ApprovalClaim, Claims, Constraints, Digest
from permit0.testing.tokens import AUDIENCE, DEPLOYMENT, TokenLab
from permit0.token.keys import footer_of

PACKAGE = "paseto@4.0.1"
INTEGRITY = (
    "we4tY6T1Mo3/Gwo0gdo2ZoMiZ5IUREFZxE2294eauVcM51N0sP822/XI3a2EvzYfXOKUYq94yFI3Qylu2CONBQ=="
)
SCRIPT = Path(__file__).with_name("independent.mjs")
TIMEOUT_S = 120


def unavailable(why: str) -> Never:
    if os.environ.get("CI"):
        pytest.fail(f"the independent implementation could not run: {why}")
    pytest.skip(f"the independent implementation could not run: {why}")


@pytest.fixture(scope="module")
def package(request: pytest.FixtureRequest) -> Path:
    """The unpacked archive. No install script runs, and nothing but the pinned bytes is unpacked."""
    cache: Path = request.config.cache.mkdir("npm-paseto-4.0.1")
    folder = cache / "package"
    if not (folder / "index.js").is_file():
        data = fetch(cache)
        assert b64encode(hashlib.sha512(data).digest()).decode() == INTEGRITY
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            archive.extractall(cache, filter="data")
    return folder


def fetch(folder: Path) -> bytes:
    npm = shutil.which("npm")
    if npm is None:
        unavailable("npm is not installed")
    command = [npm, "pack", "--ignore-scripts", "--silent", PACKAGE]
    try:
        done = subprocess.run(
            command, check=False, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        unavailable(f"npm pack took longer than {TIMEOUT_S} s")
    if done.returncode:
        unavailable(f"npm pack failed: {done.stderr.strip()[-300:]}")
    return (folder / done.stdout.split()[-1]).read_bytes()


def ask(package: Path, request: dict[str, Any]) -> dict[str, Any]:
    node = shutil.which("node")
    if node is None:
        unavailable("node is not installed")
    done = subprocess.run(
        [node, "--no-warnings", str(SCRIPT), str(package)],
        check=False, input=json.dumps(request), capture_output=True, text=True, timeout=TIMEOUT_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_paseto_for_node_agrees_in_both_directions(lab: TokenLab, package: Path) -> None:
    plain = lab.issue(agent="agent-\N{GREEK SMALL LETTER ALPHA}").text
    full = lab.approve(
        constraints=Constraints(path_prefix="/data", uses=3),
        approval=ApprovalClaim(id="a", digest=Digest("a" * 64)),
    ).text
    flipped = plain[:60] + ("A" if plain[60] != "A" else "B") + plain[61:]
    request = {
        "now": lab.clock.now() * 1000,
        "deployment": DEPLOYMENT,
        "audience": AUDIENCE,
        "publicKey": lab.key.public.paserk,
        "secretKey": lab.key.reveal(),
        "requiredClaims": [name for name in Claims.__struct_fields__ if name not in ("cst", "apv")],
        "tokens": [plain, full, flipped, lab.issue(audience="other").text],
        "claims": lab.claims(),
        "footer": footer_of(lab.key.kid).decode(),
    }
    answer = ask(package, request)
    good, with_envelope, changed, elsewhere = answer["answers"]

    assert good["claims"]["sub"] == "agent-\N{GREEK SMALL LETTER ALPHA}"
    assert good["footer"] == footer_of(lab.key.kid).decode()
    assert good["claims"]["jti"] == lab.present(plain).jti
    assert with_envelope["claims"]["cst"] == {"path_prefix": "/data", "uses": 3}
    assert changed == {"error": "InvalidTokenError"}
    assert elsewhere == {"error": "ClaimValidationError"}

    assert answer["derived"] == lab.key.public.paserk
    lab.present(answer["signed"])
    # Ed25519 has one signature for one message: theirs and ours are the same text.
    assert answer["signed"] == lab.sign(
        json.dumps(request["claims"], separators=(",", ":")).encode()
    )


def test_another_deployment_is_refused_there_too(lab: TokenLab, package: Path) -> None:
    request = {
        "now": lab.clock.now() * 1000,
        "deployment": "deployment-2",
        "audience": AUDIENCE,
        "publicKey": lab.key.public.paserk,
        "secretKey": lab.key.reveal(),
        "requiredClaims": [],
        "tokens": [lab.issue().text],
        "claims": lab.claims(),
        "footer": "",
    }
    assert ask(package, request)["answers"] == [{"error": "InvalidTokenError"}]
