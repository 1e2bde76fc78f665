"""A tool server verifies tokens without engine, packs or plugins in its process."""

from __future__ import annotations

import json
import subprocess
import sys

from permit0.clock import SystemClock
from permit0.testing.tokens import ARGUMENTS, TokenLab

SERVER = """
import json, sys
from permit0.canonical import digest, freeze
from permit0.clock import SystemClock
from permit0.errors import InvalidToken
from permit0.token.epochs import FixedEpoch
from permit0.token.keys import parse_ring
from permit0.token.replay import MemoryReplayStore
from permit0.token.verifier import Verifier

request = json.load(sys.stdin)
clock = SystemClock()
verifier = Verifier(
    keys=parse_ring(request["keys"], where="PERMIT0_VERIFYING_KEYS"),
    audience="gateway-1",
    deployment="deployment-1",
    clock=clock,
    replay=MemoryReplayStore(clock=clock),
    epochs=FixedEpoch(),
)
expected = digest(freeze(request["arguments"]))
answers = []
for token in request["tokens"]:
    try:
        answers.append(verifier.verify(token, action="payments.transfer", digest=expected).sub)
    except InvalidToken as error:
        answers.append(error.reason_code)
print(json.dumps({"answers": answers, "modules": sorted(sys.modules)}))
"""
ROOMS = (
    "build", "builtin", "config", "engine", "explain", "normalize", "plugins", "policy", "score",
    "session", "state", "taxonomy",
)  # fmt: skip
LIBRARIES = [
    "pluggy",
    "pydantic",
    "yaml",
    "rich",
    "tree_sitter",
    "tldextract",
    "can_ada",
    "asyncio",
]


def test_a_server_needs_this_room_and_little_else() -> None:
    lab = TokenLab()
    lab.clock.set(SystemClock().now())
    token = lab.issue().text
    request = {
        "keys": lab.key.public.paserk,
        "tokens": [token, token, token[:-1]],
        "arguments": dict(ARGUMENTS),
    }
    done = subprocess.run(
        [sys.executable, "-c", "import permit0.token.key_folder" + SERVER],
        input=json.dumps(request), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["answers"] == ["agent-1", "token_replayed", "token_malformed"]
    modules = set(answer["modules"])
    assert "permit0.token.verifier" in modules
    assert modules.isdisjoint({f"permit0.{room}" for room in ROOMS})
    assert modules.isdisjoint(LIBRARIES)


def test_importing_permit0_loads_no_cryptography() -> None:
    code = "import permit0, sys; print([name for name in sys.modules if name.startswith('nacl')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
