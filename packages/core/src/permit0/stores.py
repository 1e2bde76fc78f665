"""Where a deployment keeps what it must not forget, as its configuration says.

With `state.path`, one file that every process of the machine shares: sessions, used tokens, kill orders,
approvals, and the audit log unless that has a path of its own. Without it, sessions and approvals end with
the process, and nobody outside can stop it.
Guarantees: nothing is opened before it is needed, except the audit log.
Does not: know what is kept (state, audit).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from permit0.clock import SystemClock
from permit0.config import LoadedConfig
from permit0.deployment_keys import DeploymentKeys, load_audit_signer, load_keys
from permit0.errors import AuditUnavailable, StateUnavailable
from permit0.model.history import Feature
from permit0.ports import ApprovalStore, AuditSink, Clock, KillSwitch, ReplayStore, StateStore
from permit0.state.approvals import MemoryApprovals
from permit0.state.kills import MemoryKills
from permit0.state.memory import MemoryStore
from permit0.token.replay import MemoryReplayStore

__all__ = ["MakeStore", "Stores", "open_sink", "open_stores", "state_path"]

MakeStore = Callable[[Sequence[Feature]], StateStore]
AUDIT_FILE = "permit0-audit.db"
OPEN_TIMEOUT_S = 5.0


class Stores(msgspec.Struct, frozen=True):
    """What an engine and its guards remember with. shared: whether other processes see it."""

    history: MakeStore
    kills: KillSwitch
    approvals: ApprovalStore
    replay: ReplayStore
    shared: bool


def state_path(loaded: LoadedConfig) -> Path | None:
    """The state file, None if the configuration names none."""
    path = loaded.config.state.path
    return None if path is None else loaded.folder / path


def open_stores(loaded: LoadedConfig, *, clock: Clock, name: str) -> Stores:
    """The stores of a process.

    Args:
        loaded: The configuration.
        clock: Tells the time.
        name: What `permit0 status` calls this process.
    """
    path = state_path(loaded)
    if path is None:
        return Stores(
            history=MemoryStore,
            kills=MemoryKills(name=name),
            approvals=MemoryApprovals(),
            replay=MemoryReplayStore(clock=clock),
            shared=False,
        )
    # Only who has a file pays for loading SQLite.
    from permit0.state.approvals import SqliteApprovals
    from permit0.state.kills import SqliteKills
    from permit0.state.sqlite import SqliteStore
    from permit0.state.used_tokens import SqliteReplayStore

    return Stores(
        history=lambda features: SqliteStore(features, path),
        kills=SqliteKills(path, name=name, clock=clock),
        approvals=SqliteApprovals(path),
        replay=SqliteReplayStore(path, clock=clock),
        shared=True,
    )


def open_sink(loaded: LoadedConfig, keys: DeploymentKeys | None = None) -> AuditSink | None:
    """The audit log that the configuration names, None if it names none.

    Args:
        loaded: The configuration.
        keys: Of the deployment, if they were loaded already.

    Raises:
        BadConfig: There is no key to sign with, or it cannot be read.
        AuditUnavailable: The log cannot be used.
    """
    audit = loaded.config.audit
    if audit is None:
        return None
    from permit0.audit.sinks.sqlite import SqliteSink

    if keys is None:
        keys = load_keys(loaded, clock=SystemClock())
    signer = load_audit_signer(loaded, keys)
    state = state_path(loaded)
    path = loaded.folder / (audit.path or AUDIT_FILE)
    if state is not None and (audit.path is None or path.resolve() == state.resolve()):
        path = state
        _make_state_file(path.resolve())
    return SqliteSink(path, signer, durability=audit.durability)


def _make_state_file(path: Path) -> None:
    """The state file before the log's tables are in it: it refuses what it takes for a stranger's."""
    from permit0.state.schema import open_state

    try:
        open_state(path, timeout_s=OPEN_TIMEOUT_S).close()
    except StateUnavailable as error:
        raise AuditUnavailable(str(error), reason_code=error.reason_code) from error
