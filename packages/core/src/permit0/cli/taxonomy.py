"""`permit0 taxonomy`: the closed list of actions, and which of them have a policy table."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path

from rich.text import Text

from permit0.build import Deployment, assemble
from permit0.cli.terminal import make_terminal
from permit0.config import find_config, load_config

__all__ = ["run"]

DOMAIN_WIDTH = 12


def run(options: Namespace) -> int:
    """Always 0.

    Raises:
        Permit0Error: The configuration or a pack is not valid.
    """
    named = None if options.config is None else Path(options.config)
    deployment = assemble(load_config(find_config(named)))
    if options.json:
        sys.stdout.write(json.dumps(_as_data(deployment), indent=2) + "\n")
        return 0
    term = make_terminal(no_color=options.no_color)
    taxonomy, actions = deployment.taxonomy, deployment.catalog.actions
    for group, domains in (*taxonomy.groups.items(), ("other", ("unknown",))):
        term.line(Text(group.replace("_", " and "), "bold"))
        for domain in domains:
            pieces = []
            for verb in taxonomy.domains[domain]:
                covered = f"{domain}.{verb}" in actions
                mark = term.symbols.met if covered else term.symbols.unmet
                style = "green" if covered else "bright_black"
                pieces.append(Text(f"{mark} {verb}", style))
            if term.narrow:
                term.line(Text(domain, "cyan"), indent=2)
                term.flow(pieces, indent=2)
            else:
                term.columns(Text(f"{domain:<{DOMAIN_WIDTH}}", "cyan"), pieces, indent=2)
    total = len(taxonomy.actions)
    term.blank()
    known = sum(action in actions for action in taxonomy.actions)
    legend = Text().append(f"{term.symbols.met} has a policy table", "green")
    legend.append(f"   {term.symbols.unmet} named only", "bright_black")
    legend.append(f"   {known} of {total} actions")
    term.line(legend)
    return 0


def _as_data(deployment: Deployment) -> dict[str, object]:
    taxonomy, actions = deployment.taxonomy, deployment.catalog.actions
    return {
        "groups": {group: list(domains) for group, domains in taxonomy.groups.items()},
        "domains": {
            domain: [
                {
                    "verb": verb,
                    "action": f"{domain}.{verb}",
                    "policy": f"{domain}.{verb}" in actions,
                    "note": taxonomy.notes.get(f"{domain}.{verb}", ""),
                }
                for verb in verbs
            ]
            for domain, verbs in taxonomy.domains.items()
        },
    }
