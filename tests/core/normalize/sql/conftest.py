"""What the tests of SQL share: the labelled statements, and judges with the built-in packs."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="session")
def fuzz() -> ModuleType:
    """The script that makes texts, and the judge in it."""
    spec = importlib.util.spec_from_file_location("fuzz_sql", ROOT / "benchmarks" / "fuzz_sql.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def judges(fuzz: ModuleType) -> dict[str, Any]:
    """A judge for each environment; "" is none that is known."""
    return {name: fuzz.Judge(name or None) for name in ("", "production", "development")}


@pytest.fixture(scope="session")
def labelled() -> list[dict[str, Any]]:
    """tests/vectors/sql.jsonl."""
    path = ROOT / "tests" / "vectors" / "sql.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
