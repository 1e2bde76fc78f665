"""A kill is in force before it is on record, a resume only after it; in between, what is stopped stays so."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from permit0.audit.chain import read_envelope
from permit0.audit.events import EventBody, EventLog, read_event
from permit0.audit.keys import Ed25519Signer
from permit0.audit.redact import Redactor
from permit0.audit.sinks.memory import MemorySink
from permit0.control.kill_switch import RECORD_KIND, KillControl
from permit0.errors import AuditUnavailable, InvalidInput, KillUnrecorded, StateUnavailable
from permit0.model.kill import KillOrder, KillScope, KillState, KillVerb
from permit0.model.record import AuditReceipt
from permit0.normalize.sensitive import find_confidential
from permit0.ports import AuditSink
from permit0.state.kills import MemoryKills, SqliteKills
from permit0.testing.clock import FrozenClock
from permit0.testing.kill_contract import give


class FailingSink:
    """A log that fails from its n-th record on."""

    def __init__(self, sink: AuditSink, good: int, error: Exception) -> None:
        self._sink = sink
        self._good = good
        self._error = error

    def append(self, kind: str, at: float, body: bytes) -> AuditReceipt:
        if self._good <= 0:
            raise self._error
        self._good -= 1
        return self._sink.append(kind, at, body)

    def close(self) -> None:
        self._sink.close()


class Lab:
    """A switch, a log and the control over both."""

    def __init__(self) -> None:
        self.clock = FrozenClock()
        self.switch = MemoryKills()
        self.sink = MemorySink(Ed25519Signer.from_seed(bytes(range(32))))
        self.control = self.controlled(self.sink)

    def controlled(self, sink: AuditSink | None) -> KillControl:
        events = None if sink is None else EventLog(sink, redactor=Redactor(find_confidential))
        return KillControl(self.switch, clock=self.clock, events=events)

    def failing(self, good: int = 0, error: Exception | None = None) -> KillControl:
        error = AuditUnavailable("full", reason_code="audit_full") if error is None else error
        return self.controlled(FailingSink(self.sink, good, error))

    def events(self) -> list[EventBody]:
        found = []
        for record in self.sink.records():
            envelope = read_envelope(record.data)
            assert envelope is not None
            assert envelope.kind == RECORD_KIND
            found.append(read_event(envelope.body))
        return found

    def names(self) -> list[tuple[str, str]]:
        return [(event.event, event.code) for event in self.events()]


@pytest.fixture
def lab() -> Lab:
    return Lab()


FLEET = (KillScope.FLEET, "")
BOT = (KillScope.AGENT, "bot")


def kill(
    control: KillControl, scope: KillScope = KillScope.AGENT, target: str = "bot"
) -> KillOrder:
    return control.kill(scope, target, by="ann", reason="it leaks")


def resume(
    control: KillControl, scope: KillScope = KillScope.AGENT, target: str = "bot"
) -> KillOrder:
    return control.resume(scope, target, by="bob", reason="mended")


def test_kill_and_resume_are_in_force_and_on_record(lab: Lab) -> None:
    first = kill(lab.control)
    assert lab.switch.state().active == (first,)
    second = resume(lab.control)
    assert lab.switch.state().active == ()
    killed, asked, resumed = lab.events()
    refs = {"scope": "agent", "target": "bot"}
    assert killed == EventBody(
        event="kill", by="ann", reason="it leaks", agent="bot", refs=refs | {"order": "1"}
    )
    assert asked == EventBody(
        event="resume_asked", by="bob", reason="mended", agent="bot", refs=refs
    )
    assert (resumed.event, resumed.refs["order"]) == ("resume", str(second.number))


@pytest.mark.parametrize(
    ("scope", "target", "member"),
    [
        (KillScope.SESSION, "s1", "session"),
        (KillScope.ACTION, "payments.transfer", "action"),
        (KillScope.DOMAIN, "payments", ""),
        (KillScope.FLEET, "", ""),
    ],
)
def test_a_record_is_found_under_what_was_stopped(
    lab: Lab, scope: KillScope, target: str, member: str
) -> None:
    kill(lab.control, scope, target)
    (event,) = lab.events()
    assert dict(event.refs) == {"scope": scope.value, "target": target, "order": "1"}
    found = {name: getattr(event, name) for name in ("agent", "session", "action")}
    assert {name: value for name, value in found.items() if value} == (
        {member: target} if member else {}
    )


def test_a_secret_in_a_reason_is_not_in_the_log(lab: Lab) -> None:
    secret = "AKIA" + "IOSFODNN7EXAMPLE"
    lab.control.kill(*BOT, by="ann", reason=f"it printed {secret}")
    assert secret.encode() not in next(lab.sink.records()).data
    assert lab.events()[0].redacted == ("reason",)


# -------------------------------------------------------------------- what breaks in between


@pytest.mark.parametrize(
    "error", [AuditUnavailable("full", reason_code="audit_full"), OSError("disk"), ValueError()]
)
def test_a_kill_stands_though_it_cannot_be_recorded(lab: Lab, error: Exception) -> None:
    with pytest.raises(KillUnrecorded) as caught:
        kill(lab.failing(error=error))
    assert caught.value.reason_code == "kill_unrecorded"
    assert lab.switch.state().active == (caught.value.order,)
    assert lab.names() == []


def test_a_resume_that_cannot_be_recorded_resumes_nothing(lab: Lab) -> None:
    kill(lab.control)
    with pytest.raises(AuditUnavailable) as caught:
        resume(lab.failing())
    assert caught.value.reason_code == "audit_full"
    assert len(lab.switch.state().active) == 1
    assert len(lab.switch.orders()) == 1
    resume(lab.control)
    assert lab.switch.state().active == ()


def test_a_resume_that_was_asked_for_on_record_says_so_if_its_end_is_not(lab: Lab) -> None:
    kill(lab.control)
    with pytest.raises(KillUnrecorded) as caught:
        resume(lab.failing(good=1))
    assert isinstance(caught.value.order, KillOrder)
    assert caught.value.order.verb is KillVerb.RESUME
    assert lab.switch.state().active == ()
    assert lab.names() == [("kill", ""), ("resume_asked", "")]


def test_a_resume_that_another_was_first_with_is_refused_on_record(lab: Lab) -> None:
    kill(lab.control)

    class Racing(FailingSink):
        """Somebody else resumes between the record and the order."""

        def append(self, kind: str, at: float, body: bytes) -> AuditReceipt:
            if b"resume_asked" in body:
                give(lab.switch, KillVerb.RESUME, *BOT)
            return super().append(kind, at, body)

    with pytest.raises(InvalidInput) as caught:
        resume(lab.controlled(Racing(lab.sink, 9, OSError())))
    assert caught.value.reason_code == "kill_not_active"
    assert lab.names()[1:] == [("resume_asked", ""), ("resume_failed", "kill_not_active")]


@pytest.mark.parametrize("good", [0, 9])
def test_an_order_that_the_switch_does_not_take_is_recorded_as_failed_if_possible(
    lab: Lab, tmp_path: Path, good: int
) -> None:
    switch = SqliteKills(tmp_path / "nowhere" / "permit0.db", name="n", clock=lab.clock)
    sink = FailingSink(lab.sink, good, AuditUnavailable("full"))
    events = EventLog(sink, redactor=Redactor(find_confidential))
    with pytest.raises(StateUnavailable) as caught:
        kill(KillControl(switch, clock=lab.clock, events=events))
    assert caught.value.reason_code == "state_missing_folder"
    assert lab.names() == [("kill_failed", "state_missing_folder")][: good > 0]


CRASH = """
import os, sys
from pathlib import Path
from permit0.audit.events import EventLog
from permit0.audit.redact import Redactor
from permit0.clock import SystemClock
from permit0.control.kill_switch import KillControl
from permit0.model.kill import KillScope
from permit0.normalize.sensitive import find_confidential
from permit0.state.kills import SqliteKills
path, verb, dies_at = sys.argv[1:]
class Sink:
    def append(self, kind, at, body):
        if dies_at.encode() in body:
            os.kill(os.getpid(), 9)
    def close(self): pass
events = EventLog(Sink(), redactor=Redactor(find_confidential))
switch = SqliteKills(path, name="n", clock=SystemClock())
control = KillControl(switch, clock=SystemClock(), events=events)
getattr(control, verb)(KillScope.AGENT, "bot", by="ann", reason="why")
"""


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize(
    ("verb", "dies_at", "stopped"),
    [
        ("kill", '"kill"', True),
        ("resume", "resume_asked", True),
        ("resume", '"event":"resume"', False),
    ],
)
def test_after_a_crash_between_the_steps_what_was_stopped_is_stopped(
    tmp_path: Path, verb: str, dies_at: str, *, stopped: bool
) -> None:
    path = tmp_path / "permit0.db"
    switch = SqliteKills(path, name="n", clock=FrozenClock())
    if verb == "resume":
        give(switch, scope=KillScope.AGENT, target="bot")
    done = subprocess.run(
        [sys.executable, "-c", CRASH, str(path), verb, dies_at], capture_output=True, check=False
    )
    assert done.returncode == -9, done.stderr
    assert bool(switch.state().active) is stopped


def test_without_a_log_orders_are_given_all_the_same(lab: Lab) -> None:
    control = lab.controlled(None)
    kill(control)
    resume(control)
    assert [order.verb.value for order in lab.switch.orders()] == ["kill", "resume"]


# -------------------------------------------------------------------- slips of the keyboard


@pytest.mark.parametrize(
    ("scope", "target", "hint"),
    [
        (KillScope.DOMAIN, "paymets", "'payments'"),
        (KillScope.DOMAIN, "Payments", "'payments'"),
        (KillScope.ACTION, "payments.tranfer", "'payments.transfer'"),
        (KillScope.ACTION, "payments.*", ""),
        (KillScope.DOMAIN, "x" * 60_000, ""),
    ],
)
def test_a_domain_or_action_that_does_not_exist_is_refused(
    lab: Lab, scope: KillScope, target: str, hint: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        kill(lab.control, scope, target)
    assert caught.value.reason_code == "kill_target"
    assert hint in str(caught.value)
    assert len(str(caught.value)) < 300
    assert lab.names() == []
    kill(lab.control, KillScope.DOMAIN, "unknown")
    kill(lab.control, KillScope.ACTION, "unknown.unclassified")


@pytest.mark.parametrize("order", [kill, resume])
def test_an_order_without_a_person_or_a_reason_is_refused_and_not_recorded(
    lab: Lab, order: Callable[..., KillOrder]
) -> None:
    kill(lab.control)
    act = lab.control.kill if order is kill else lab.control.resume
    for by, reason, code in (("", "why", "kill_by"), ("ann", " ", "kill_reason")):
        with pytest.raises(InvalidInput) as caught:
            act(*BOT, by=by, reason=reason)
        assert caught.value.reason_code == code
    assert lab.names() == [("kill", "")]
    order(lab.control)


def test_what_is_not_stopped_is_not_resumed_and_what_is_stopped_is_suggested(lab: Lab) -> None:
    kill(lab.control)
    for target, hint in (("bott", "did you mean 'bot'?"), ("zzz", "in force")):
        with pytest.raises(InvalidInput) as caught:
            resume(lab.control, KillScope.AGENT, target)
        assert caught.value.reason_code == "kill_not_active"
        assert hint in str(caught.value)
    with pytest.raises(InvalidInput):
        resume(lab.control, *FLEET)
    assert lab.names() == [("kill", "")]


def test_a_target_that_left_the_taxonomy_can_be_resumed(lab: Lab) -> None:
    give(lab.switch, scope=KillScope.DOMAIN, target="of_old")
    resume(lab.control, KillScope.DOMAIN, "of_old")
    assert lab.switch.state().active == ()


def test_status_says_what_is_stopped_and_who_knows_and_acknowledges_nothing(lab: Lab) -> None:
    empty = lab.control.status()
    assert (empty.number, empty.active, empty.orders, empty.seen) == (0, (), 0, ())
    kill(lab.control)
    kept = kill(lab.control, *FLEET)
    resume(lab.control)
    lab.clock.advance(5)
    status = lab.control.status()
    assert status.active == (kept,)
    assert (status.number, status.orders, status.at) == (3, 3, lab.clock.now())
    assert status.seen == ()
    assert lab.switch.state() == KillState.of(lab.switch.orders())
    assert [seen.number for seen in lab.control.status().seen] == [3]
