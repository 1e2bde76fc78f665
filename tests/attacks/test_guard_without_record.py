"""The audit log is broken and the call goes through a guard, in enforce and in observe mode."""

from __future__ import annotations

from typing import Any

import pytest

from permit0.audit.keys import Ed25519Signer
from permit0.audit.sinks.memory import MemorySink
from permit0.build import assemble
from permit0.config import parse_config
from permit0.errors import Denied, OutcomeUnrecorded
from permit0.guard import Guard
from permit0.testing.clock import FrozenClock
from permit0.token.epochs import FixedEpoch
from permit0.token.issuer import Issuer
from permit0.token.keys import KeyRing, SigningKey
from permit0.token.replay import MemoryReplayStore
from permit0.token.verifier import Verifier


def guarded(mode: str) -> tuple[Guard, MemorySink]:
    clock = FrozenClock(1_700_000_000.0)
    sink = MemorySink(Ed25519Signer.generate())
    engine = assemble(parse_config(f"mode: {mode}", "org"), clock=clock, sink=sink).engine
    key = SigningKey.generate()
    verifier = Verifier(
        keys=KeyRing([key.public]),
        audience="guard",
        deployment="tests",
        clock=clock,
        replay=MemoryReplayStore(clock=clock),
        epochs=FixedEpoch(),
    )
    issuer = Issuer(key=key, deployment="tests", clock=clock)
    guard = Guard(
        engine=engine, issuer=issuer, verifier=verifier, audience="guard", policy="0" * 64
    )
    return guard, sink


@pytest.mark.parametrize("mode", ["enforce", "observe"])
def test_nothing_runs_that_is_not_on_record(mode: str) -> None:
    guard, sink = guarded(mode)
    ran: list[Any] = []

    @guard("files.read")
    def read(path: str) -> None:
        ran.append(path)

    read(path="/app/README.md")
    sink.close()
    with pytest.raises(Denied) as caught:
        read(path="/app/README.md")
    assert caught.value.reason_code == "audit_unavailable"
    assert ran == ["/app/README.md"]


def test_observe_mode_lets_a_refused_call_run_while_it_is_recorded() -> None:
    guard, sink = guarded("observe")
    ran: list[Any] = []

    @guard("process.shell")
    def run(command: str) -> None:
        ran.append(command)

    run("rm -rf /")
    assert ran == ["rm -rf /"]
    assert len(list(sink.records())) == 2


@pytest.mark.parametrize("mode", ["enforce", "observe"])
def test_call_that_ran_without_a_record_of_its_outcome_says_so(mode: str) -> None:
    guard, sink = guarded(mode)

    def read(path: str) -> str:
        sink.close()
        return "text of " + path

    with pytest.raises(OutcomeUnrecorded) as caught:
        guard("files.read")(read)("/app/README.md")
    assert caught.value.result == "text of /app/README.md"


def test_exception_of_the_tool_is_not_replaced() -> None:
    guard, sink = guarded("enforce")

    def read(path: str) -> str:
        sink.close()
        raise ZeroDivisionError(path)

    with pytest.raises(ZeroDivisionError) as caught:
        guard("files.read")(read)("/app/README.md")
    assert "could not record" in caught.value.__notes__[0]
