"""The environments of this clone: what each of them holds. bootstrap.py makes them.

- tools, runtime, dev: .venv; the tools and the core, without any framework
- langchain-new, langchain-old and so on: .venv-langchain-new and so on; the integration with the newest
  and with the oldest release of its framework
- frameworks: .venv-frameworks; all four together, with what they can agree on

Standard library only, and syntax that Python 3.6 can read, as in bootstrap.py.
"""

from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
UV = VENV / "bin" / "uv"
CORE = "packages/core"
INTEGRATIONS = {
    "langchain": "packages/langchain",
    "llamaindex": "packages/llamaindex",
    "openai-agents": "packages/openai_agents",
    "crewai": "packages/crewai",
}


class Profile(NamedTuple):
    """What an environment holds."""

    venv: Path
    pinned: "tuple[str, ...]"
    editable: "tuple[str, ...]"
    # Folders whose modules can be imported although nothing is installed: for import-linter.
    visible: "tuple[str, ...]" = ()


def profiles() -> "dict[str, Profile]":
    """Every profile by its name."""
    everything = tuple(INTEGRATIONS.values())
    # dev.txt holds everything that build.txt and core.txt hold, at the same versions.
    table = {
        "tools": Profile(VENV, (), ()),
        "runtime": Profile(VENV, ("build.txt", "core.txt"), (CORE,)),
        "dev": Profile(VENV, ("dev.txt",), (CORE,), tuple(f"{name}/src" for name in everything)),
        "frameworks": Profile(ROOT / ".venv-frameworks", ("frameworks.txt",), (CORE, *everything)),
    }
    for framework, folder in INTEGRATIONS.items():
        for age in ("new", "old"):
            name = framework + "-" + age
            table[name] = Profile(ROOT / (".venv-" + name), (name + ".txt",), (CORE, folder))
    return table


PROFILES = profiles()
