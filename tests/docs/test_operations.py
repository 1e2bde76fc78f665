"""What docs/operations.md shows works, in order, in one empty folder."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from permit0.cli import main
from permit0.clock import SystemClock
from permit0.config import load_config
from permit0.deployment_keys import load_keys
from permit0.token.key_file import KeyStatus
from permit0.token.key_folder import KeyFolder

DOCUMENT = Path(__file__).parents[2] / "docs" / "operations.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_block_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("PERMIT0_CONFIG", "PERMIT0_SIGNING_KEY", "PERMIT0_ACCEPTED_KEYS"):
        monkeypatch.delenv(name, raising=False)
    ran = 0
    for language, text in BLOCK.findall(DOCUMENT.read_text(encoding="utf-8")):
        match language:
            case "yaml":
                name = text.splitlines()[0].removeprefix("# ")
                (tmp_path / name).parent.mkdir(exist_ok=True)
                (tmp_path / name).write_text(text, encoding="utf-8")
                loaded = load_config(tmp_path / name)
                assert loaded.config.keys is not None
                verifies_only = load_keys(loaded, clock=SystemClock()).signing is None
                assert verifies_only is name.startswith("gateway/")
            case "python":
                exec(compile(text, DOCUMENT.name, "exec"), {})  # noqa: S102  # our own document
            case "sh":
                for line in text.splitlines():
                    words = [oldest_key() if word == "KID" else word for word in shlex.split(line)]
                    assert words[0] == "permit0"
                    assert main(words[1:]) == 0, line
                    ran += 1
            case _:
                pytest.fail(f"a block of {language} is not run")
    assert ran == 26


def oldest_key() -> str:
    """What a person would copy from the list."""
    keys = KeyFolder(Path("permit0-keys"), clock=SystemClock()).list()
    return [key.kid for key in keys if key.status is KeyStatus.ACCEPTED][-1][:15]
