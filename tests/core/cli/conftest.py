"""The command line without the caller's colours, width or configuration."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

TERMINAL_VARIABLES = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "COLORTERM", "PERMIT0_CONFIG")

ORG = """\
org:
  domains: [acme-corp.com]
  default_currency: USD
  approved_payees: []
  fx_to_default: {USD: 1.0, GBP: 1.25, EUR: 1.08, CHF: 1.12, SGD: 0.74, AED: 0.2723}
"""


@pytest.fixture(autouse=True)
def _neutral_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in TERMINAL_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    def give(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))

    return give


@pytest.fixture
def org(tmp_path: Path) -> Path:
    path = tmp_path / "org.yaml"
    path.write_text(ORG, encoding="utf-8")
    return path


@pytest.fixture
def permit0() -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """The command in a process of its own."""

    def run(*arguments: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "permit0", *arguments],
            input=data,
            capture_output=True,
            timeout=60,
            check=False,
        )

    return run
