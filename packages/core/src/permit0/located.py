"""YAML that remembers where every key stood, so that an error can name its line.

Used for packs and for permit0.yaml.

Guarantees: plain data only (no tags, no objects); a key that appears twice in a mapping is refused;
only `true` and `false` are booleans (in YAML 1.1 `no`, the country, would be one as well).
Does not: know any schema.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from permit0.errors import InvalidInput
from permit0.words import nearest

if TYPE_CHECKING:  # an engine that reads no file needs neither
    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

__all__ = ["Located", "Place", "explain_validation", "parse_yaml"]

Place = tuple["str | int", ...]
MakeError = Callable[[str], InvalidInput]
MAX_HOMES = 3  # places that a message names for a key in the wrong place
_SECRET = re.compile(r"k4\.secret\.[\w-]*")


class Located:
    """A document and the line (from 1) of each of its keys and items."""

    def __init__(self, name: str, data: object, lines: Mapping[Place, int]) -> None:
        self.name = name
        self.data = data
        self._lines = lines
        self._keys = frozenset(part for place in lines for part in place)

    def line(self, place: Place) -> int:
        """Line of a place, or of the nearest place above it."""
        for end in range(len(place), -1, -1):
            line = self._lines.get(place[:end])
            if line is not None:
                return line
        return 1

    def has_key(self, key: str) -> bool:
        """Whether any mapping of the document has this key."""
        return key in self._keys

    def at(self, place: Place) -> str:
        """`name:line: a.b[0]` for messages."""
        path = ""
        for part in place:
            path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
        return f"{self.name}:{self.line(place)}: {path}" if path else f"{self.name}:1"


@cache
def _loader_class() -> Any:  # PyYAML has no types for its loader
    """SafeLoader with the booleans of YAML 1.2 and without dates."""
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # no C, no fast
        yaml_implicit_resolvers = {  # noqa: RUF012  # PyYAML's own way to say it
            letter: [
                (tag, pattern)
                for tag, pattern in resolvers
                if tag not in ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp")
            ]
            for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    boolean = re.compile(r"^(?:true|false)$")
    Loader.add_implicit_resolver("tag:yaml.org,2002:bool", boolean, list("tf"))
    return Loader


def parse_yaml(text: str, name: str | PurePath, error: type[InvalidInput]) -> Located:
    """Read one document.

    Args:
        text: The YAML text.
        name: What to call it in messages.
        error: Which InvalidInput to raise.

    Raises:
        InvalidInput: No YAML, several documents, or a key that appears twice; of type `error`.
    """
    import yaml

    lines: dict[Place, int] = {}
    loader = _loader_class()(text)
    try:
        node = loader.get_single_node()
        data = None if node is None else _build(loader, node, (), lines, str(name), error)
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        detail = getattr(problem, "problem", None) or "cannot be read"
        raise error(f"{name}:{line}: is no valid YAML: {detail}") from problem
    except RecursionError as problem:
        raise error(f"{name}: is nested too deeply") from problem
    finally:
        loader.dispose()
    return Located(str(name), data, lines)


def _build(
    loader: Any,
    node: Any,
    place: Place,
    lines: dict[Place, int],
    name: str,
    error: type[InvalidInput],
) -> object:
    lines.setdefault(place, node.start_mark.line + 1)
    if node.id == "mapping":
        result: dict[str, object] = {}
        for key_node, value_node in node.value:
            key = loader.construct_object(key_node, deep=True)
            line = key_node.start_mark.line + 1
            if not isinstance(key, str):
                raise error(f"{name}:{line}: key {key!r} must be text, put it in quotes")
            if key in result:
                raise error(f"{name}:{line}: key {key!r} appears twice")
            lines[(*place, key)] = line
            result[key] = _build(loader, value_node, (*place, key), lines, name, error)
        return result
    if node.id == "sequence":
        return [
            _build(loader, item, (*place, i), lines, name, error)
            for i, item in enumerate(node.value)
        ]
    return loader.construct_object(node, deep=True)


def explain_validation(
    error: ValidationError, source: Located, model: type[BaseModel], kind: type[InvalidInput]
) -> InvalidInput:
    """One sentence out of pydantic's report: file, line, key and the nearest known word."""
    # What is quoted may be a key that somebody put where its path belongs.
    return kind(_SECRET.sub("k4.secret.(not shown)", _sentence(error, source, model)))


def _sentence(error: ValidationError, source: Located, model: type[BaseModel]) -> str:
    details = error.errors(include_url=False, include_input=True, include_context=False)
    chosen = min(details, key=_usefulness)
    place = tuple(part for part in chosen["loc"] if _is_place(part, source))
    where = source.at(place)
    words = sorted(_words(model))
    match chosen["type"]:
        case "extra_forbidden":
            key = str(chosen["loc"][-1])
            homes = _homes(model, key)
            hint = f", it belongs {' or '.join(homes)}" if homes else nearest(key, words)
            return f"{where}: unknown key {key!r}{hint}"
        case "missing":
            return f"{where}: key {str(chosen['loc'][-1])!r} is missing"
        case _:
            value = chosen["input"]
            shown = f" {value!r}" if isinstance(value, str | int | float | bool) else ""
            hint = nearest(value, words) if isinstance(value, str) else ""
            message = chosen["msg"][:1].lower() + chosen["msg"][1:]
            return f"{where}:{shown} is not valid: {message}{hint}"


def _usefulness(detail: ErrorDetails) -> int:
    """Unknown keys say most; what a union's other branches wanted says least."""
    order = {"extra_forbidden": 0, "missing": 1}
    return order.get(detail["type"], 2) * 100 - len(detail["loc"])


def _is_place(part: str | int, source: Located) -> bool:
    """Pydantic's path names union branches and "[key]" too; only real keys are places."""
    return isinstance(part, int) or source.has_key(part)


def _homes(model: type[BaseModel], key: str) -> list[str]:
    """Where the schema has this key, in words: at most MAX_HOMES places, the nearest to the top first."""
    schema = model.model_json_schema()
    found: dict[str, None] = {}
    level: list[tuple[object, str]] = [(schema, "")]
    seen: set[tuple[str, str]] = set()
    while level:
        deeper: list[tuple[object, str]] = []
        for node, home in level:
            if not isinstance(node, dict):
                continue
            reference = str(node.get("$ref", ""))
            if reference and (reference, home) not in seen:
                seen.add((reference, home))
                deeper.append((schema["$defs"][reference.rpartition("/")[2]], home))
            properties = node.get("properties", {})
            if key in properties:
                found["in " + home if home else "at the top of the file"] = None
            deeper.extend((value, repr(name)) for name, value in properties.items())
            deeper.append((node.get("items"), f"an item of {home}"))
            deeper.append((node.get("additionalProperties"), f"an entry of {home}"))
            deeper.extend((choice, home) for choice in node.get("anyOf", ()))
        level = deeper
    return list(found)[:MAX_HOMES]


def _words(model: type[BaseModel]) -> set[str]:
    """Every key and every closed word that the schema knows."""
    found: set[str] = set()
    stack: list[object] = [model.model_json_schema()]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            properties = item.get("properties")
            if isinstance(properties, dict):
                found.update(properties)
            for key in ("enum", "const"):
                values = item.get(key, [])
                found.update(
                    v
                    for v in (values if isinstance(values, list) else [values])
                    if isinstance(v, str)
                )
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
    return found
