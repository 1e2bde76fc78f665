"""`permit0 plugins`: what is loaded, with version and hooks, and what is installed but not loaded.

Also the tools of which a pack of the operator's own says something else than the packs that came with
permit0 or a plugin.
"""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path

from rich.text import Text

from permit0.build import assemble
from permit0.cli.terminal import make_terminal, visible
from permit0.config import find_config, load_config
from permit0.plugins.manager import available_plugins

__all__ = ["run"]


def run(options: Namespace) -> int:
    """Always 0.

    Raises:
        Permit0Error: The configuration is not valid, or a plugin was refused.
    """
    named = None if options.config is None else Path(options.config)
    deployment = assemble(load_config(find_config(named)))
    loaded, replaced = deployment.plugins.loaded, deployment.catalog.replaced
    names = {plugin.name for plugin in loaded}
    waiting = {name: point for name, point in available_plugins().items() if name not in names}
    if options.json:
        document = {
            "loaded": [
                {
                    "name": plugin.name,
                    "distribution": plugin.distribution,
                    "version": plugin.version,
                    "hooks": list(plugin.hooks),
                }
                for plugin in loaded
            ],
            "not_loaded": [
                {
                    "name": name,
                    "distribution": point.dist.name if point.dist is not None else "",
                    "version": point.dist.version if point.dist is not None else "",
                }
                for name, point in waiting.items()
            ],
            "replaced": [
                {"tool": tool, "was": was, "is": now} for tool, (was, now) in replaced.items()
            ],
        }
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return 0
    term = make_terminal(no_color=options.no_color)
    term.line(Text("loaded", "bold"))
    for plugin in loaded:
        line = Text().append(visible(plugin.name), "green")
        line.append(f"  {visible(plugin.distribution)} {visible(plugin.version)}")
        term.flow([line, Text(", ".join(plugin.hooks), "bright_black")], indent=2)
    if waiting:
        term.line(Text("installed, not loaded", "bold"))
        for name, point in waiting.items():
            dist = point.dist
            version = f"  {dist.name} {dist.version}" if dist is not None else ""
            term.line(Text().append(visible(name), "yellow").append(visible(version)), indent=2)
        term.line(Text("name them under `plugins` in permit0.yaml to load them", "bright_black"))
    if replaced:
        term.line(Text("tools that mean what your own packs say", "bold"))
        for tool, (was, now) in replaced.items():
            line = Text().append(visible(tool), "yellow").append(f"  {now}")
            term.flow([line, Text(f"without your pack: {was}", "bright_black")], indent=2)
    return 0
