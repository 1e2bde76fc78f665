"""A whole deployment for the demo, in a folder that is gone afterwards: keys, state file, log, desk, gateway.

The path of a call that was decided, in the order of the code:
  1. ask       HUMAN: the desk asks a person, here a simulated one, and the engine decides again
  2. token     for the digest of the arguments and for the gateway
  3. changed   (where attempts are wanted) the token with one argument changed: refused
  4. run       the token with its own arguments: the gateway accepts it and runs the tool
  5. again     (where attempts are wanted) the same token a second time: refused
Guarantees: the parts are those of build.py, none of them a stand-in; all they keep is in one temporary folder
that only its owner reads and that is removed in the end; no permit0.yaml, key or PERMIT0 variable of whoever
runs it is read.
Does not: run anything real. The tool behind the gateway only remembers that it ran.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import msgspec
import yaml

from permit0.approval.approvers import CallbackApprover
from permit0.audit.events import EventLog
from permit0.audit.export import write_jsonl
from permit0.audit.keys import PublicKeys
from permit0.audit.reader import open_log
from permit0.audit.redact import Redactor
from permit0.audit.verify import Summary, verify_log
from permit0.build import Deployment, assemble
from permit0.canonical import Json, thaw
from permit0.config import LoadedConfig, parse_config
from permit0.deployment_keys import load_keys
from permit0.errors import AuditBroken, InvalidInput, Permit0Error
from permit0.gateway import ExecutionGateway
from permit0.model.call import ToolCall
from permit0.model.claims import Authority, Claims
from permit0.model.decision import Decision
from permit0.model.history import Feature
from permit0.model.vocabulary import Outcome
from permit0.normalize.sensitive import find_confidential
from permit0.ports import AuditSink
from permit0.state.approvals import SqliteApprovals
from permit0.state.kills import SqliteKills
from permit0.state.sqlite import SqliteStore
from permit0.state.used_tokens import SqliteReplayStore
from permit0.stores import open_sink, open_stores, state_path
from permit0.testing.clock import FrozenClock
from permit0.token.issuer import Issuer
from permit0.token.key_folder import KeyFolder
from permit0.token.keys import SigningKey
from permit0.token.verifier import Verifier

__all__ = ["APPROVER", "Attempt", "DemoDeployment", "Execution", "LogCheck", "deploy"]

NAME = "permit0-demo"
GATEWAY = "demo-tools"
APPROVER = "Dana Reyes"
_TOOL = b'"tool":"'


class Attempt(msgspec.Struct, frozen=True):
    """A try to use a token otherwise. code: why it was refused, "" if it was not.

    argument: which one was changed, from `before` to `after`; "" for the same call again.
    """

    code: str
    argument: str = ""
    before: Json = None
    after: Json = None


class Execution(msgspec.Struct, frozen=True):
    """What became of an allowed call. kid: the key that signed. runs: how often the tool ran with the token."""

    claims: Claims
    kid: str
    runs: int
    attempts: tuple[Attempt, ...]

    @property
    def is_good(self) -> bool:
        """Whether it ran once and every other try was refused."""
        return self.runs == 1 and all(attempt.code for attempt in self.attempts)


class LogCheck(msgspec.Struct, frozen=True):
    """The log as it is, and a copy in which one byte of record `flipped` was changed.

    found: the first bad record of the copy, 0 if nothing was found. code, message: what is wrong with it.
    """

    log: Summary
    flipped: int
    found: int = 0
    code: str = ""
    message: str = ""

    @property
    def is_good(self) -> bool:
        """Whether the change was found where it is."""
        return self.found == self.flipped


class DemoDeployment:
    """An engine with its desk and issuer, and a gateway of its own audience that has public keys only."""

    def __init__(
        self,
        parts: Deployment,
        *,
        clock: FrozenClock,
        key: SigningKey,
        sink: AuditSink,
        gateway: ExecutionGateway,
    ) -> None:
        self.clock = clock
        self.engine = parts.engine
        self._desk = parts.desk
        self._policy = parts.provenance.policy
        self._key = key
        self._issuer = Issuer(key=key, deployment=NAME, clock=clock)
        self._sink = sink
        self._log = _state_path(parts.loaded)
        self._gateway = gateway
        self._ran: list[str] = []

    def execute(
        self, call: ToolCall, decision: Decision, *, approved: bool, attempts: bool
    ) -> Execution | None:
        """Take a decision to its end.

        Args:
            call: The call. decision: the engine's.
            approved: What the simulated person says if one is asked.
            attempts: Also try to use the token otherwise.

        Returns:
            None if the call may not run.
        """
        if decision.outcome is Outcome.HUMAN:  # 1
            request = self._desk.request(call, decision)
            self._desk.ask(CallbackApprover(lambda _: approved, by=APPROVER), request)
            decision = self.engine.conclude(call, request.id)
        if decision.outcome is not Outcome.ALLOW:
            return None
        token = self._issuer.issue(  # 2
            agent=call.agent,
            audience=GATEWAY,
            action=decision.action,
            digest=decision.digest,
            session=call.session,
            tier=decision.tier,
            score=decision.score,
            by=Authority.SCORER if decision.approval is None else Authority.HUMAN,
            policy=self._policy,
            epoch=decision.epoch,
            approval=decision.approval,
        )
        arguments = thaw(call.arguments)
        tried: list[Attempt] = []
        if attempts:  # 3
            name, after = _changed(arguments)
            code = self._attempt(token.text, call, decision.action, {**arguments, name: after})
            tried.append(Attempt(code, name, arguments[name], after))
        result = self._run(token.text, call, decision.action, arguments)  # 4
        if attempts:  # 5
            tried.append(Attempt(self._attempt(token.text, call, decision.action, arguments)))
        self.engine.report(call, result, decision=decision)
        runs = self._ran.count(token.claims.jti)
        return Execution(token.claims, self._issuer.kid, runs, tuple(tried))

    def check_log(self) -> LogCheck:
        """End the log and verify it, as `permit0 audit verify` does; then a copy with one byte changed.

        Raises:
            AuditBroken: The log is not what was written.
        """
        self._sink.close()
        keys = PublicKeys([self._key.public.paserk])
        with closing(open_log(self._log)) as log:
            found = verify_log(log, keys).summary()
            out = io.BytesIO()
            write_jsonl(log, out)
        copy = self._log.with_suffix(".jsonl")
        flipped, data = _flip_a_byte(out.getvalue())
        copy.write_bytes(data)
        with closing(open_log(copy)) as log:
            try:
                verify_log(log, keys)
            except AuditBroken as error:
                return LogCheck(found, flipped, error.seq, error.reason_code, str(error))
        return LogCheck(found, flipped)

    def _attempt(
        self, token: str, call: ToolCall, action: str, arguments: Mapping[str, Json]
    ) -> str:
        try:
            self._run(token, call, action, arguments)
        except Permit0Error as refusal:
            return refusal.reason_code
        return ""

    def _run(self, token: str, call: ToolCall, action: str, arguments: Mapping[str, Json]) -> str:
        """The tool behind the gateway. It gets what the token was for, and does nothing with it.

        Raises:
            Permit0Error: The gateway refused; nothing ran.
        """
        authorized = self._gateway.authorize(token, action, arguments, tool=call.tool)
        with self._gateway.running(authorized) as run:
            self._ran.append(authorized.claims.jti)
            run.result = "done (simulated)"
        return "done (simulated)"


@contextmanager
def deploy(org: Mapping[str, object]) -> Iterator[DemoDeployment]:
    """A deployment for an organisation, for as long as the `with` block lasts.

    Raises:
        InvalidInput: demo_folder: there is no folder to put it into.
        BadConfig, StateUnavailable, AuditUnavailable: The folder cannot be used for it.
    """
    clock = FrozenClock()
    with ExitStack() as stack:
        folder = _folder(stack)
        loaded = _configuration(org, folder)
        KeyFolder(folder / "keys", clock=clock).generate()
        # Not the environment of whoever runs the demo: it may name keys.
        keys = load_keys(loaded, clock=clock, environment={})
        assert keys.signing is not None  # they were just made
        sink = open_sink(loaded, keys)
        assert sink is not None  # the configuration names a log
        stack.callback(sink.close)
        stores = open_stores(loaded, clock=clock, name="demo")
        for store in (stores.kills, stores.approvals, stores.replay):
            assert isinstance(store, SqliteKills | SqliteApprovals | SqliteReplayStore)
            stack.callback(store.close)

        def make_history(features: Sequence[Feature]) -> SqliteStore:
            history = SqliteStore(features, _state_path(loaded))
            stack.callback(history.close)
            return history

        gateway = ExecutionGateway(
            verifier=Verifier(
                keys=keys.ring,
                audience=GATEWAY,
                deployment=NAME,
                clock=clock,
                replay=stores.replay,
                epochs=stores.kills,
            ),
            clock=clock,
            events=EventLog(sink, redactor=Redactor(find_confidential)),
        )
        parts = assemble(loaded, clock=clock, make_store=make_history, sink=sink, stores=stores)
        stores.kills.state()  # a file that cannot be used is told here, not as a DENY of every call
        yield DemoDeployment(parts, clock=clock, key=keys.signing, sink=sink, gateway=gateway)


def _folder(stack: ExitStack) -> Path:
    try:
        # What cannot be removed (Windows: a file that is still open) must not hide what was shown.
        made = tempfile.TemporaryDirectory(prefix="permit0-demo-", ignore_cleanup_errors=True)
    except OSError as error:
        raise InvalidInput(
            "the demo needs a folder for its keys and its log, let TMPDIR name one that can be written",
            reason_code="demo_folder",
        ) from error
    return Path(stack.enter_context(made))


def _configuration(org: Mapping[str, object], folder: Path) -> LoadedConfig:
    config = {
        "org": dict(org),
        "plugins": [],
        "deployment": NAME,
        "keys": {"path": "keys"},
        "state": {"path": "permit0.db"},
        "audit": {},
    }
    return parse_config(yaml.safe_dump(config), "demo.yaml", folder / "permit0.yaml")


def _state_path(loaded: LoadedConfig) -> Path:
    path = state_path(loaded)
    assert path is not None  # `_configuration` names it; the log is in it, too
    return path


def _changed(arguments: Mapping[str, Json]) -> tuple[str, Json]:
    """One argument as a thief of the token would have it: ten times the money, another file."""
    for name, value in arguments.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            return name, value * 10
    name = "path" if "path" in arguments else next(iter(arguments))
    return name, "/etc/shadow" if name == "path" else f"{arguments[name]}?"


def _flip_a_byte(lines: bytes) -> tuple[int, bytes]:
    """The export with one bit changed in the name of a tool, and in which record that is."""
    records = lines.splitlines(keepends=True)
    middle = len(records) // 2
    place = next(i for i in range(middle, len(records)) if _TOOL in records[i])
    data = bytearray(records[place])
    data[data.index(_TOOL) + len(_TOOL)] ^= 1
    records[place] = bytes(data)
    return place + 1, b"".join(records)
