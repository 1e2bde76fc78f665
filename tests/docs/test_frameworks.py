"""The README's table of frameworks is what the integrations say, and what they say is what is installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]


def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("frameworks", ROOT / "docs/make_frameworks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_is_the_one_of_now() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert maker().placed(readme) == readme, "run docs/make_frameworks.py --write"


def test_every_integration_has_a_quick_start_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in maker().PLUGINS:
        assert f'pip install "permit0[{name.replace("_", "-")}]"' in readme
        assert f"packages/{name}/README.md" in readme


def test_the_quick_starts_are_those_that_the_integrations_run() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in maker().PLUGINS:
        own = (ROOT / f"packages/{name}/README.md").read_text(encoding="utf-8")
        block = own.split("```python\n", 1)[1].split("```", 1)[0]
        assert f"```python\n{block}```" in readme, name
