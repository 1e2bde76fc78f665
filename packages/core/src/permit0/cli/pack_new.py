"""`permit0 pack new`: a commented pack to start from, which passes `permit0 pack test` at once.

Guarantees: a file that is there is not replaced, and nothing is written unless it loads.
"""

from __future__ import annotations

import re
from argparse import Namespace

from rich.text import Text

from permit0.canonical import Json
from permit0.cli.pack_text import Mapped, StarterRule, pack_text, sample_of, write_new
from permit0.cli.scan_find import how_found
from permit0.cli.scan_target import read_tools_file
from permit0.cli.terminal import Terminal, visible
from permit0.errors import InvalidInput
from permit0.integration import ToolDescription
from permit0.normalize.catalog import ActionEntry, Catalog
from permit0.normalize.compiled import make_classifier
from permit0.normalize.pack_schema import ParameterType
from permit0.taxonomy import UNCLASSIFIED, load_taxonomy
from permit0.testing.pack_cases import CaseBench, built_in_packs

__all__ = ["write_pack"]

_NAME = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")
DEFAULT_ACTION = "email.send"
CREDENTIALS = "password: hunter2!xY9"
_COUNTED = {
    ParameterType.MONEY: ("large_here", "{p}", 5000, "5,000 or more asks a person here"),
    ParameterType.RECIPIENTS: (
        "many_here",
        "recipients.count",
        10,
        "ten recipients or more ask a person here",
    ),
    ParameterType.COUNT: ("many_here", "{p}", 100, "a hundred or more ask a person here"),
}
"""By type: id, fact, bound and reason of a rule to start from."""


def write_pack(term: Terminal, options: Namespace) -> int:
    """Write the pack, and say what is in it. Always 0.

    Raises:
        InvalidInput: A name that is none, a file that is there, an unreadable list of tools.
        UnknownAction: An action that the taxonomy does not have.
    """
    name: str = options.name
    if _NAME.fullmatch(name) is None:
        raise InvalidInput(
            f"{name[:100]!r} is no name for a pack: small letters, digits and _, parts with dots between",
            reason_code="bad_usage",
        )
    packs = built_in_packs()
    catalog = CaseBench(packs).catalog
    tools = _tools(options, catalog)
    text = pack_text(
        name,
        tools,
        packs,
        source=options.tools if options.tools is not None else "made up, to be replaced",
        rule=_starter_rule(tools, catalog),
    )
    path: str = options.out or f"{name}.yaml"
    write_new(path, text)
    term.line(
        Text(visible(path), "green").append(
            f"  {len(tools)} {'tool' if len(tools) == 1 else 'tools'}; next: permit0 pack test {visible(path)}",
            "default",
        )
    )
    return 0


def _tools(options: Namespace, catalog: Catalog) -> list[Mapped]:
    taxonomy = load_taxonomy()
    found: list[Mapped] = []
    last = options.name.rpartition(".")[2]
    wanted = list(dict.fromkeys(options.action))
    if not wanted and options.tools is None:
        wanted = [DEFAULT_ACTION]
    for action in wanted:
        taxonomy.require(action)
        if action == UNCLASSIFIED:
            raise InvalidInput(
                f"{UNCLASSIFIED} is what a tool is without a mapping, choose what the tool does",
                reason_code="bad_usage",
            )
        entry = catalog.actions[action]
        arguments = {parameter: parameter for parameter in _shown_parameters(entry)}
        tool = ToolDescription(f"{last}_{action.replace('.', '_')}")
        found.append(Mapped(tool, action, arguments, "put the name of your tool and its arguments"))
    if options.tools is not None:
        classifier = make_classifier(catalog)
        for item in read_tools_file(options.tools):
            known = how_found(item, catalog, classifier)
            if known.how != "mapping":
                note = (
                    f"found by its {known.how}"
                    if known.how == "route"
                    else "; ".join(known.reasons)
                )
                found.append(
                    Mapped(item.tool, known.action, dict(known.parameters), note, known.candidates)
                )
    return found


def _shown_parameters(entry: ActionEntry) -> list[str]:
    """Those that a call needs, and the first few others."""
    others = [name for name in entry.parameters if name not in entry.required]
    return [*entry.required, *others][: max(4, len(entry.required))]


def _starter_rule(tools: list[Mapped], catalog: Catalog) -> StarterRule | None:
    """A rule about the first tool that is known, with a call on which it fires."""
    item = next((item for item in tools if item.action != UNCLASSIFIED), None)
    if item is None:
        return None
    entry = catalog.actions[item.action]
    args: dict[str, Json] = {
        argument: sample_of(entry, parameter, {})
        for argument, parameter in item.arguments.items()
        if parameter in entry.parameters
    }
    for argument, parameter in item.arguments.items():
        kind = entry.parameters[parameter].kind if parameter in entry.parameters else None
        found = _COUNTED.get(kind) if kind is not None else None
        if found is not None:
            id_, fact, bound, why = found
            people: list[Json] = [f"person{i}@example.com" for i in range(bound)]
            is_list = kind is ParameterType.RECIPIENTS
            if is_list:  # those of cc and bcc count as well
                args = {
                    name: value
                    for name, value in args.items()
                    if entry.parameters[item.arguments[name]].kind is not kind
                }
            return StarterRule(
                item.action,
                id_,
                {fact.format(p=parameter): {"at_least": bound}},
                why,
                item.tool.name,
                {**args, argument: people if is_list else bound},
                {**args, argument: people[1:] if is_list else bound - 1},
            )
    return StarterRule(
        item.action,
        "secret_here",
        {"content.secrets": True},
        "a call with credentials asks a person here",
        item.tool.name,
        {**args, "remark": CREDENTIALS},
        {**args, "remark": "nothing of note"},
    )
