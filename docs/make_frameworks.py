"""Print the table of frameworks for the README, from what the integrations say of themselves.

    python docs/make_frameworks.py            prints it
    python docs/make_frameworks.py --write    puts it into README.md, between its marks

Their tests compare what they say with the pinned versions and with what ran.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN = "<!-- frameworks: docs/make_frameworks.py --write -->"
END = "<!-- /frameworks -->"
PLUGINS = ("langchain", "llamaindex", "openai_agents", "crewai")


def table() -> str:
    """The table as Markdown."""
    rows = [
        "| framework, versions tested | enforced at | a person is asked by | not covered |",
        "|" + " --- |" * 4,
    ]
    for name in PLUGINS:
        (integration,) = import_module(f"permit0_{name}.plugin").permit0_integrations()
        said = integration.support()
        versions = said["versions"]
        if isinstance(versions, Mapping):
            versions = ", ".join(f"{package} {span}" for package, span in versions.items())
        cells = (
            f"**{said['framework']}**<br>{versions}",
            "<br>".join(said["hooks"]),
            said["approval"],
            "<br>".join(said["gaps"]),
        )
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def placed(readme: str) -> str:
    """A README with the table of now."""
    before, rest = readme.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        README.write_text(placed(README.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        sys.stdout.write(table() + "\n")
