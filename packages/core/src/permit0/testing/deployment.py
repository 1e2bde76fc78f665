"""A whole deployment in a folder, as a user has it: permit0.yaml, keys, and one file for state and log.

    lab = DeploymentLab(tmp_path)
    guard, gateway = lab.guard(), lab.gateway()
    lab.records()                                    # of the log, after the whole chain was verified

Everything goes through permit0.build_guard and build_gateway, so that the wiring is under test as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from permit0.audit.chain import Envelope
from permit0.audit.keys import PublicKeys
from permit0.audit.reader import open_log
from permit0.audit.verify import verified_records
from permit0.build import build_gateway, build_guard
from permit0.clock import SystemClock
from permit0.errors import OutcomeUnrecorded, Permit0Error
from permit0.gateway import ExecutionGateway
from permit0.guard import Guard
from permit0.testing.clock import FrozenClock
from permit0.token.key_folder import KeyFolder

__all__ = ["AUDIENCE", "READ", "DeploymentLab", "GuardBench"]

AUDIENCE = "gw"
READ: Mapping[str, object] = MappingProxyType({"path": "/app/README.md"})
CONFIG: dict[str, Any] = {
    "org": {"domains": ["acme-corp.com"]},
    "state": {"path": "permit0.db"},
    "keys": {"path": "permit0-keys"},
    "audit": {},
}


class DeploymentLab:
    """A deployment. config: what to replace in permit0.yaml; None takes a key away."""

    def __init__(self, folder: Path, config: dict[str, Any] | None = None) -> None:
        self.folder = folder
        self.state = folder / "permit0.db"
        self.keys = folder / "permit0-keys"
        self.config = self.configure(config or {})
        KeyFolder(self.keys, clock=SystemClock()).generate()

    def configure(self, config: dict[str, Any], name: str = "permit0.yaml") -> Path:
        """Write a configuration file, a second one under another name."""
        data = {key: value for key, value in (CONFIG | config).items() if value is not None}
        path = self.folder / name
        path.write_text(yaml.safe_dump(data), encoding="utf-8")
        return path

    def guard(self, config: Path | None = None, **options: Any) -> Guard:
        """What `permit0.build_guard` gives."""
        return build_guard(self.config if config is None else config, **options)

    def gateway(self, **options: Any) -> ExecutionGateway:
        """What `permit0.build_gateway` gives."""
        return build_gateway(self.config, **({"audience": AUDIENCE} | options))

    def records(self, log: Path | None = None) -> list[Envelope]:
        """Every record of the log.

        Raises:
            AuditBroken: The log is not what was written.
        """
        with closing(open_log(self.state if log is None else log)) as reader:
            keys = PublicKeys(reader.public_keys.values())
            return [envelope for _, envelope in verified_records(reader, keys)]


class GuardBench:
    """A deployment with a guarded tool; `ran` is the only witness."""

    def __init__(self, folder: Path, config: dict[str, Any] | None = None, **options: Any) -> None:
        self.clock = FrozenClock()
        self.lab = DeploymentLab(folder, config)
        self.ran: list[object] = []
        self.guard: Guard = self.lab.guard(**({"clock": self.clock} | options))

    def call(self, tool: str = "files.read", arguments: Mapping[str, object] = READ) -> str:
        """How it ended: "ran", or the reason code of the one error."""
        before = len(self.ran)
        body = self.guard(tool)(lambda **given: self.ran.append(given))
        error: Permit0Error | None = None
        try:
            body(**arguments)
        except OutcomeUnrecorded:
            assert len(self.ran) == before + 1
            return "ran"
        except Permit0Error as refusal:
            error = refusal
        assert len(self.ran) == before + (error is None)
        if error is None:
            return "ran"
        assert str(error)
        assert "\n" not in str(error)
        return _why(error)


def _why(error: Permit0Error) -> str:
    """The reason code; of a decision that could not be recorded, the code of the log as well."""
    if error.reason_code != "audit_unavailable":
        return error.reason_code
    return f"audit_unavailable ({str(error).rsplit('(', 1)[-1].rstrip(')')})"
