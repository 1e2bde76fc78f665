"""A gateway runs in the process of the tool: without engine, packs, plugins, a private key or asyncio."""

from __future__ import annotations

import json
import subprocess
import sys

from permit0.clock import SystemClock
from permit0.testing.gateway import GatewayLab
from permit0.testing.tokens import ACTION, ARGUMENTS

SERVER = """
import json, sys
from permit0.clock import SystemClock
from permit0.errors import InvalidToken
from permit0.gateway import ExecutionGateway, PermitMiddleware
from permit0.token.epochs import FixedEpoch
from permit0.token.keys import parse_ring
from permit0.token.replay import MemoryReplayStore
from permit0.token.verifier import Verifier

request = json.load(sys.stdin)
clock = SystemClock()
gateway = ExecutionGateway(
    verifier=Verifier(
        keys=parse_ring(request["keys"], where="PERMIT0_VERIFYING_KEYS"),
        audience="gateway-1",
        deployment="deployment-1",
        clock=clock,
        replay=MemoryReplayStore(clock=clock),
        epochs=FixedEpoch(),
    ),
    clock=clock,
)
PermitMiddleware(None, gateway, action={"POST /transfer": "payments.transfer"})

@gateway.tool("payments.transfer")
def transfer(**arguments):
    return arguments["recipient"]

answers = []
for token in request["tokens"]:
    try:
        answers.append(transfer(**request["arguments"], permit=token))
    except InvalidToken as error:
        answers.append(error.reason_code)
print(json.dumps({"answers": answers, "modules": sorted(sys.modules)}))
"""
ROOMS = (
    "build", "builtin", "config", "engine", "explain", "guard", "normalize", "plugins", "policy",
    "score", "session", "state", "taxonomy",
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


def test_a_tool_needs_this_room_and_little_else() -> None:
    lab = GatewayLab()
    lab.clock.set(SystemClock().now())
    token = lab.token()
    request = {
        "keys": lab.key.public.paserk,
        "tokens": [token, token, None, lab.token(action="payments.refund")],
        "arguments": dict(ARGUMENTS),
    }
    done = subprocess.run(
        [sys.executable, "-c", SERVER],
        input=json.dumps(request), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["answers"] == [
        "Vendor Alpha", "token_replayed", "token_missing", "token_action_mismatch",
    ]  # fmt: skip
    modules = set(answer["modules"])
    assert "permit0.gateway.asgi" in modules
    assert modules.isdisjoint({f"permit0.{room}" for room in ROOMS})
    assert modules.isdisjoint(LIBRARIES)
    assert ACTION == "payments.transfer"
