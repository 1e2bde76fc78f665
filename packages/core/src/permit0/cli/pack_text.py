"""The text of a pack file: mappings, a rule and cases, commented for the person who goes on with it.

Guarantees: what is written loads, and its cases pass: each case is a call with made-up arguments, and pins what
the call gets now. Names and descriptions of tools cannot break out of their place in the file. A file that is
there is never replaced.
Does not: know what a tool means (scan_find), or what the right decision is: the person who edits the file does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from permit0.canonical import Json
from permit0.cli.terminal import visible
from permit0.errors import InvalidInput
from permit0.integration import ToolDescription
from permit0.model.decision import Decision
from permit0.model.vocabulary import Amplifier
from permit0.normalize.catalog import ActionEntry, Catalog, fold_name
from permit0.normalize.loader import LoadedPack, load_pack
from permit0.normalize.pack_schema import ParameterType
from permit0.taxonomy import UNCLASSIFIED
from permit0.testing.pack_cases import CaseBench, with_packs

__all__ = ["Mapped", "StarterRule", "pack_text", "sample_of", "write_new", "yaml_of"]

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan"})
MAX_COMMENT = 100  # characters of a tool's own description

_EXPLAINED = (
    "# Nobody knows what these tools do, so every call of them asks a person. To map one, choose an action",
    "# (`permit0 taxonomy` lists them) and say which argument is which of its parameters.",
)
_SAMPLES: Mapping[str, Json] = {
    ParameterType.MONEY: 100,
    ParameterType.CURRENCY: "USD",
    ParameterType.PAYEE: "Alpha Ltd",
    ParameterType.ACCOUNT: "DE89370400440532013000",
    ParameterType.CUSTOMER: "cus_1",
    ParameterType.RECIPIENTS: "ann@example.com",
    ParameterType.PATH: "/srv/notes/today.txt",
    ParameterType.URL: "https://example.com/",
    ParameterType.SHELL: "ls",
    ParameterType.FILES: "report.pdf",
    ParameterType.COUNT: 1,
    ParameterType.SWITCH: True,
}
_TYPED: Mapping[str, Json] = {
    "integer": 1,
    "number": 1,
    "boolean": True,
    "array": ["example"],
    "object": {},
    "string": "example",
}


class Mapped(msgspec.Struct, frozen=True):
    """A tool that the pack maps.

    arguments: argument -> parameter. literals, minor_units: as in a mapping. note: why it is this action,
    for a comment. candidates: for a tool that nobody knows (action UNCLASSIFIED): what it could be.
    """

    tool: ToolDescription
    action: str
    arguments: Mapping[str, str]
    note: str = ""
    candidates: tuple[str, ...] = ()
    literals: Mapping[str, Json] = {}
    minor_units: bool = False


class StarterRule(msgspec.Struct, frozen=True):
    """A rule to start from, and arguments of a call on which it fires (args), and just does not (calm)."""

    action: str
    id: str
    when: Mapping[str, Json]
    why: str
    tool: str
    args: Mapping[str, Json]
    calm: Mapping[str, Json]


class _Call(msgspec.Struct, frozen=True):
    """A case to be. rule: which rule fires, or "not " and which one does not."""

    name: str
    tool: str
    args: dict[str, Json]
    rule: str = ""


def pack_text(
    name: str,
    tools: Sequence[Mapped],
    packs: Sequence[LoadedPack],
    *,
    source: str,
    rule: StarterRule | None = None,
) -> str:
    """The text of a pack.

    Args:
        name: Of the pack. tools: what it maps, and unknown ones, which become comments.
        packs: What the cases run with. source: where the names come from.
        rule: A rule to begin with.

    Raises:
        BadPack: The pack would not be valid; a name, say.
    """
    catalog = CaseBench(packs).catalog
    # Two names that differ in case and separators only are one tool.
    tools = list({fold_name(item.tool.name): item for item in reversed(tools)}.values())[::-1]
    known = [item for item in tools if item.action != UNCLASSIFIED]
    unknown = [item for item in tools if item.action == UNCLASSIFIED]
    head = [
        f"pack: {name}",
        "version: 1",
        "",
        "# Which real tool is which action, and which of its arguments is which parameter. An argument that is",
        "# not named here is looked at for addresses, amounts and secrets all the same.",
    ]
    if known:
        head.append("mappings:")
    for item in known:
        head += _mapping(item, catalog, source)
    if unknown:
        head += ["", *_EXPLAINED, *([] if known else ["# mappings:"])]
    for item in unknown:
        head += _unmapped(item, source)
    if rule is not None:
        head += _rule(rule)
    calls = [_Call(_case_name(item), item.tool.name, _sample_call(item, catalog)) for item in tools]
    if rule is not None:
        why, calm = f"{rule.tool}: {rule.why}", f"{rule.tool}: less does not count as {rule.id}"
        calls.append(_Call(why, rule.tool, dict(rule.args), rule.id))
        calls.append(_Call(calm, rule.tool, dict(rule.calm), f"not {rule.id}"))
    body = "\n".join(head) + "\n"
    return body + _cases(name, body, calls, packs)


def write_new(path: str, text: str) -> None:
    """Write a file that was not there.

    Raises:
        InvalidInput: file_exists, or unwritable_file.
    """
    try:
        with Path(path).open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError as error:
        raise InvalidInput(
            f"{path!r} is there already, it is not replaced", reason_code="file_exists"
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise InvalidInput(
            f"{path!r} cannot be written: {type(error).__name__}", reason_code="unwritable_file"
        ) from error


def yaml_of(value: Json) -> str:
    """A value on one line of YAML."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case str():
            return (
                value if _PLAIN.fullmatch(value) and value.lower() not in _WORDS else _quoted(value)
            )
        case list():
            return "[" + ", ".join(map(yaml_of, value)) + "]"
        case dict():
            return "{" + ", ".join(f"{yaml_of(k)}: {yaml_of(v)}" for k, v in value.items()) + "}"


def _quoted(text: str) -> str:
    def escaped(char: str) -> str:
        if char in '"\\':
            return "\\" + char
        if char.isascii() and char.isprintable():
            return char
        code = ord(char)
        return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"

    return '"' + "".join(map(escaped, text)) + '"'


def _mapping(item: Mapped, catalog: Catalog, source: str) -> list[str]:
    lines = [f"  # {line}" for line in _about(item)]
    lines += [
        f"  - tools: [{yaml_of(item.tool.name)}]",
        f"    action: {item.action}",
        f"    source: {yaml_of(source)}",
    ]
    by_parameter: dict[str, list[Json]] = {}
    for argument, parameter in item.arguments.items():
        if parameter in catalog.actions[item.action].parameters:
            by_parameter.setdefault(parameter, []).append(argument)
    if by_parameter:
        arguments: dict[str, Json] = {
            parameter: given[0] if len(given) == 1 else given
            for parameter, given in by_parameter.items()
        }
        lines.append(f"    arguments: {yaml_of(arguments)}")
    if item.literals:
        lines.append(f"    literals: {yaml_of(dict(item.literals))}")
    if item.minor_units:
        lines.append("    minor_units: true")
    return lines


def _about(item: Mapped) -> list[str]:
    text = " ".join(visible(item.tool.description).split())
    lines = [text[:MAX_COMMENT]] if text else []
    return [*lines, visible(item.note, MAX_COMMENT)] if item.note else lines


def _unmapped(item: Mapped, source: str) -> list[str]:
    """A mapping to complete, commented out."""
    said = [f"#   # {line}" for line in _about(item)]
    if item.candidates:
        said.append(f"#   # it could be: {', '.join(item.candidates[:5])}")
    members = item.tool.schema.get("properties")
    names: list[Json] = []
    names += list(members)[:20] if isinstance(members, dict) else []
    return [
        *said,
        f"#   - tools: [{yaml_of(item.tool.name)}]",
        "#     action: CHOOSE.ONE",
        f"#     source: {yaml_of(source)}",
        f"#     arguments: {{PARAMETER: ARGUMENT}}  # of {yaml_of(names)}",
    ]


def _rule(rule: StarterRule) -> list[str]:
    return [
        "",
        "# More rules for an action. They can raise a decision, never lower it. An effect is one of upgrade",
        "# (only points and flags), medium, approval, gate (asks a person) and block (refuses).",
        "rules:",
        f"  {rule.action}:",
        f"    - id: {rule.id}",
        f"      when: {yaml_of(dict(rule.when))}",
        "      effect: approval",
        "      amplifiers: {scope: 5}",
        f"      why: {yaml_of(rule.why)}",
    ]


def _case_name(item: Mapped) -> str:
    if item.action == UNCLASSIFIED:
        return f"{item.tool.name} without a mapping"
    return f"{item.tool.name} is {item.action}"


def _cases(name: str, body: str, calls: Sequence[_Call], packs: Sequence[LoadedPack]) -> str:
    """The cases, with what each call gets now."""
    lines = [
        "",
        "# Calls and the decision that they must get: `permit0 pack test FILE`. Pinned is what they get today;",
        "# change it to what they should get. With `--mutate` it tells what no case notices.",
        "cases:",
    ]
    stubs: list[str] = []
    for item in calls:
        call: dict[str, Json] = {"tool": item.tool, "args": item.args}
        stubs.append(f"  - name: {yaml_of(item.name)}\n    call: {yaml_of(call)}\n")
    empty = "".join(stub + "    decision: deny\n" for stub in stubs)
    pack = load_pack(body + "cases:\n" + empty, f"{name}.yaml")
    bench = CaseBench(with_packs(packs, [pack]))
    for stub, item, case in zip(stubs, calls, bench.cases([pack.spec.pack]), strict=True):
        lines.append(stub + _expected(bench.run(case).decision, item.rule))
    return "\n".join(lines)


def _expected(decision: Decision, rule: str) -> str:
    said = f"    decision: {decision.outcome.value}\n"
    if decision.error:
        return said + f"    # refused: {visible(decision.reason, MAX_COMMENT)}\n"
    score = decision.actions[0].score
    said += f"    tier: {decision.tier.value}\n    action: {decision.action}\n"
    if decision.rules:
        said += f"    rules: {yaml_of(list(decision.rules))}\n"
    if rule.startswith("not ") and not any(
        name.endswith(f"/{rule[4:]}") for name in decision.rules
    ):
        said += f"    not_rules: [{rule[4:]}]\n"
    elif rule and not rule.startswith("not "):
        said += f"    reasons: [floor_approval/{rule}]\n"
    points: dict[str, Json] = {
        amplifier.value: raw
        for amplifier, raw in zip(Amplifier, score.amplifiers, strict=True)
        if raw
    }
    if points:
        said += f"    amplifiers: {yaml_of(points)}\n"
    return said + f"    score: {decision.score:.2f}\n"


# ---------------------------------------------------------------- made-up calls


def _sample_call(item: Mapped, catalog: Catalog) -> dict[str, Json]:
    """Arguments that could be: one for each parameter, and what the schema requires."""
    entry = catalog.actions[item.action]
    members = item.tool.schema.get("properties")
    schemas = members if isinstance(members, dict) else {}
    args: dict[str, Json] = {}
    filled: set[str] = set()
    for argument, parameter in item.arguments.items():
        if parameter in entry.parameters and parameter not in filled:
            filled.add(parameter)
            args[argument] = sample_of(entry, parameter, _schema(schemas.get(argument)))
    known = {fold_name(name) for name in entry.parameters} | {fold_name(name) for name in args}
    needed = item.tool.schema.get("required")
    for name in needed if isinstance(needed, list) else ():
        argument = str(name)
        if fold_name(argument) not in known:
            args[argument] = _by_schema(_schema(schemas.get(argument)))
    return args


def sample_of(entry: ActionEntry, parameter: str, schema: Mapping[str, Json]) -> Json:
    """A value for a parameter, in the form that the schema wants."""
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        return choices[0]
    value = _SAMPLES.get(entry.parameters[parameter].kind, "example")
    return [value] if schema.get("type") == "array" else value


def _by_schema(schema: Mapping[str, Json]) -> Json:
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        return choices[0]
    kind = schema.get("type")
    return _TYPED.get(kind, "example") if isinstance(kind, str) else "example"


def _schema(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}
