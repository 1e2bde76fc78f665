"""A whole deployment in a folder, as a user has it: permit0.yaml, keys, and one file for state and log.

    lab = DeploymentLab(tmp_path)
    guard, gateway = lab.guard(), lab.gateway()
    lab.records()                                    # of the log, after the whole chain was verified

Everything goes through permit0.build_guard and build_gateway, so that the wiring is under test as well.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import yaml

from permit0.audit.chain import Envelope
from permit0.audit.keys import PublicKeys
from permit0.audit.reader import open_log
from permit0.audit.verify import verified_records
from permit0.build import build_gateway, build_guard
from permit0.clock import SystemClock
from permit0.gateway import ExecutionGateway
from permit0.guard import Guard
from permit0.token.key_folder import KeyFolder

__all__ = ["AUDIENCE", "DeploymentLab"]

AUDIENCE = "gw"
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
