"""One token is presented by many at once, to gateways as build_gateway makes them: one body runs."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from permit0.audit.events import read_event
from permit0.errors import InvalidToken
from permit0.gateway import ExecutionGateway
from permit0.testing.deployment import AUDIENCE, DeploymentLab
from permit0.testing.races import race_processes, race_threads

READ: dict[str, object] = {"path": "/app/README.md"}
THREADS = 64
PROCESSES = 8
TOKENS = 10


def test_of_64_threads_one_runs_and_every_refusal_is_on_record(tmp_path: Path) -> None:
    lab = DeploymentLab(tmp_path)
    guard = lab.guard()
    gateways = [lab.gateway() for _ in range(4)]
    witness = tmp_path / "witness"

    def tool(gateway: ExecutionGateway, token: str) -> str:
        @gateway.tool("files.read")
        def read(path: str) -> None:
            with witness.open("a") as lines:
                lines.write(f"{path}\n")

        try:
            read("/app/README.md", permit=token)
        except InvalidToken as error:
            return error.reason_code
        return "ran"

    for n in range(1, 4):
        token = guard.token_for("files.read", READ, audience=AUDIENCE)
        runs = [partial(tool, gateways[i % 4], token.text) for i in range(THREADS)]
        assert Counter(race_threads(runs)) == {"ran": 1, "token_replayed": THREADS - 1}
        assert len(witness.read_text().splitlines()) == n
        about = [event for event in events(lab) if event.get("jti") == token.claims.jti]
        assert Counter(event["what"] for event in about) == {
            "authorized": 1,
            "ran": 1,
            "token_replayed": THREADS - 1,
        }


PRESENTER = """
from permit0.build import build_gateway
from permit0.errors import InvalidToken
gateway = build_gateway({config!r}, audience={audience!r})

@gateway.tool("files.read")
def read(path):
    with open({witness!r}, "a") as lines:
        lines.write(f"{{n}}\\n")

def run():
    global n
    ran = []
    for n, token in enumerate({tokens!r}):
        try:
            read("/app/README.md", permit=token)
            ran.append(1)
        except InvalidToken as error:
            assert error.reason_code == "token_replayed", error.reason_code
            ran.append(0)
    return ran
"""


def test_of_eight_processes_one_runs_and_every_refusal_is_on_record(tmp_path: Path) -> None:
    lab = DeploymentLab(tmp_path)
    guard = lab.guard()
    tokens = [guard.token_for("files.read", READ, audience=AUDIENCE) for _ in range(TOKENS)]
    witness = tmp_path / "witness"
    source = PRESENTER.format(
        config=str(lab.config),
        audience=AUDIENCE,
        witness=str(witness),
        tokens=[token.text for token in tokens],
    )
    lines = race_processes([source] * PROCESSES)
    runs = [[int(digit) for digit in line if digit in "01"] for line in lines]
    assert [sum(of_one) for of_one in zip(*runs, strict=True)] == [1] * TOKENS
    assert sorted(witness.read_text().split()) == sorted(map(str, range(TOKENS)))
    found = Counter((event.get("jti"), event["what"]) for event in events(lab))
    for token in tokens:
        jti = token.claims.jti
        assert found[jti, "authorized"] == found[jti, "ran"] == 1
        assert found[jti, "token_replayed"] == PROCESSES - 1
    late = lab.gateway()  # after a restart, too
    for token in tokens:
        with pytest.raises(InvalidToken) as caught:
            late.authorize(token.text, "files.read", READ)
        assert caught.value.reason_code == "token_replayed"
    late.authorize(guard.token_for("files.read", READ, audience=AUDIENCE).text, "files.read", READ)


def events(lab: DeploymentLab) -> list[dict[str, str]]:
    """What gateways recorded: the refs, and the event or the reason code of a refusal."""
    found = []
    for record in lab.records():
        if record.kind == "gateway":
            body = read_event(record.body)
            found.append({**body.refs, "what": body.code or body.event})
    return found
