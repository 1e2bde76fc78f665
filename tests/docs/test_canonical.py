"""Every row of docs/canonical.md is what happens."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from permit0.canonical import freeze, snapshot, thaw
from permit0.canonical.leaves import LEAF_TAGS
from permit0.canonical.records import RECORD_TAGS

TEXT = (Path(__file__).parents[2] / "docs" / "canonical.md").read_text("utf-8")
ROWS = re.findall(r"^\| ([^|`]+) \| `(.+?)` \| `(.+?)` \| `(.+?)` \|$", TEXT, re.MULTILINE)


@pytest.fixture(scope="module")
def names() -> Iterator[dict[str, Any]]:
    block = re.search(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    assert block is not None
    shop = ModuleType("shop")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "shop", shop)
        code = compile(block[1], "docs/canonical.md", "exec", dont_inherit=True)
        exec(code, vars(shop))  # noqa: S102  # the document's own code
        yield vars(shop)


def test_the_table_is_read_whole() -> None:
    assert len(ROWS) == TEXT.count("\n| ") - 2  # without its head
    written = set(re.findall(r'"\$permit0:(\w+)"', TEXT))
    assert written == LEAF_TAGS | RECORD_TAGS | {"int", "enum", "set"}


@pytest.mark.parametrize(("kind", "value", "written", "judged"), ROWS, ids=[row[0] for row in ROWS])
def test_row_says_what_happens(
    kind: str, value: str, written: str, judged: str, names: dict[str, Any]
) -> None:
    argument = eval(value, names)  # noqa: S307  # the document's own code
    for given in (argument, snapshot(argument)):
        frozen = freeze({"a": given})
        assert frozen.decode() == f'{{"a":{written}}}', kind
        assert thaw(frozen) == {"a": eval(judged, names)}, kind  # noqa: S307  # the same
