"""A guard for two canary tools: one that may run and one that may not. For proofs and contract tests."""

from __future__ import annotations

from pathlib import Path

from permit0.build import build_guard
from permit0.guard import Guard
from permit0.integration.seams import ALLOWED, REFUSED

__all__ = ["canary_guard"]

_CONFIG = f"""\
packs: [canary.yaml]
lists: {{deny: [{{tool: {REFUSED}, reason: the canary that must not run}}]}}
"""
_PACK = f"""\
pack: permit0.canary
version: 1
mappings:
  # The second line: what frameworks themselves put between an agent and another one's canaries.
  - tools: [{ALLOWED}, {REFUSED},
            delegate_work_to_coworker, ask_question_to_coworker]
    action: process.compute
cases:
  - {{name: the canary sings, call: {{tool: {ALLOWED}, args: {{}}}}, decision: allow}}
"""


def canary_guard(folder: Path, *, more: str = "") -> Guard:
    """A guard that allows one canary and refuses the other.

    Args:
        folder: An empty one for its files.
        more: Further lines of its permit0.yaml.
    """
    (folder / "permit0.yaml").write_text(_CONFIG + more, encoding="utf-8")
    (folder / "canary.yaml").write_text(_PACK, encoding="utf-8")
    return build_guard(folder / "permit0.yaml")
