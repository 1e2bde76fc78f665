"""What docs/operations.md shows works, in order, in one empty folder."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from permit0.cli import main

DOCUMENT = Path(__file__).parents[2] / "docs" / "operations.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_block_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PERMIT0_CONFIG", raising=False)
    ran = 0
    for language, text in BLOCK.findall(DOCUMENT.read_text(encoding="utf-8")):
        match language:
            case "yaml":
                name = text.splitlines()[0].removeprefix("# ")
                (tmp_path / name).write_text(text, encoding="utf-8")
            case "python":
                exec(compile(text, DOCUMENT.name, "exec"), {})  # noqa: S102  # our own document
            case "sh":
                for line in text.splitlines():
                    words = shlex.split(line)
                    assert words[0] == "permit0"
                    assert main(words[1:]) == 0, line
                    ran += 1
            case _:
                pytest.fail(f"a block of {language} is not run")
    assert ran == 11
