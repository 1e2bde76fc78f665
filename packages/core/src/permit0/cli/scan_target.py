"""What `permit0 scan` is pointed at, and the tools that are there.

A target is one of
  module:object   an agent, a crew, a graph, a tool, a list of tools, a function; `object` may have dots, and
                  `()` behind it calls it without arguments; `module` alone means the tools in it
  FILE, or -      JSON: the result of MCP's tools/list, or a list of tools; JSON or YAML: an OpenAPI document
Guarantees: what cannot be read is one sentence, also if the module fails while it is imported: the exception
is named by type and message. What the module prints while it is imported goes to stderr. Files are bounded.
Does not: connect to anything, or run a tool. Importing a module runs its code, as `python -m` would.
"""

from __future__ import annotations

import contextlib
import importlib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from permit0.canonical import Json
from permit0.cli.inputs import JsonReader, read_bounded
from permit0.errors import InvalidInput
from permit0.integration import ToolDescription, describe_tools
from permit0.located import parse_yaml

__all__ = ["ScannedTool", "read_target", "read_tools_file"]

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
MAX_TOOLS = 10_000  # as of an object
_OBJECT = re.compile(r"(?P<module>[\w.]+):(?P<path>[\w.]+)(?P<call>\(\))?")
_TEMPLATE = re.compile(r"\{[^{}]*\}")


class ScannedTool(msgspec.Struct, frozen=True):
    """A tool, and the request that it stands for if it is of an OpenAPI document: (method, url)."""

    tool: ToolDescription
    request: tuple[str, str] | None = None


def read_target(target: str) -> tuple[ScannedTool, ...]:
    """The tools of a target, in its order.

    Raises:
        InvalidInput: It is not there, cannot be read, or holds nothing that looks like a tool.
    """
    is_file = target == "-" or Path(target).is_file()
    match = _OBJECT.fullmatch(target)
    if not is_file and match is not None:
        obj = _object(match["module"], match["path"], calls=match["call"] is not None)
        return tuple(ScannedTool(tool) for tool in describe_tools(obj))
    if not is_file and re.fullmatch(r"\w+(\.\w+)*", target) and not _is_file_name(target):
        return tuple(ScannedTool(tool) for tool in describe_tools(_module(target)))
    return read_tools_file(target)


def read_tools_file(name: str) -> tuple[ScannedTool, ...]:
    """The tools of a file: tools/list as JSON, or an OpenAPI document.

    Raises:
        InvalidInput: As for `read_target`.
    """
    if name.endswith(".py"):
        raise InvalidInput(
            f"{name!r} is Python, name the module and the object in it: module:object",
            reason_code="scan_target",
        )
    shown = "stdin" if name == "-" else repr(name)
    document = _document(read_bounded(name), name, shown)
    if isinstance(document, dict) and ("openapi" in document or "swagger" in document):
        tools = tuple(_operations(document, shown))
    else:
        tools = tuple(_listed(document, shown))
    if not tools:
        raise InvalidInput(f"{shown} lists no tool", reason_code="scan_no_tools")
    if len(tools) > MAX_TOOLS:
        raise InvalidInput(f"{shown} has more than {MAX_TOOLS} tools", reason_code="scan_failed")
    return tools


# ---------------------------------------------------------------- Python


def _object(module: str, path: str, *, calls: bool) -> object:
    obj: object = _module(module)
    for part in path.split("."):
        try:
            obj = _run(module, lambda obj=obj, part=part: getattr(obj, part), AttributeError)  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        except AttributeError as error:
            raise InvalidInput(
                f"module {module!r} has no object {path!r}", reason_code="scan_no_object"
            ) from error
    if calls:
        if not callable(obj):
            raise InvalidInput(f"{module}:{path} cannot be called", reason_code="scan_no_object")
        return _run(f"{module}:{path}", obj)
    return obj


def _module(name: str) -> object:
    here = str(Path.cwd())  # as `python -m` does
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return _run(name, lambda: importlib.import_module(name), ModuleNotFoundError)
    except ModuleNotFoundError as error:
        missing = error.name or name
        if name == missing or name.startswith(missing + "."):
            raise InvalidInput(
                f"there is no file and no module {name!r} here", reason_code="scan_no_module"
            ) from error
        raise InvalidInput(
            f"module {name!r} cannot be imported, it needs {missing!r}, which is not installed",
            reason_code="scan_import",
        ) from error


def _run(what: str, code: Callable[[], object], passes: type[Exception] | tuple[()] = ()) -> object:
    """Run the user's code; whatever it raises becomes a sentence, but for what the caller understands."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            return code()
    except passes:
        raise
    except (Exception, SystemExit) as error:  # boundary: code of the user, which may do anything
        text = " ".join(str(error).split())
        raise InvalidInput(
            f"{what!r} cannot be imported, it raised {type(error).__name__}"
            + (f": {text[:300]}" if text else ""),
            reason_code="scan_import",
        ) from error


def _is_file_name(target: str) -> bool:
    return target.endswith((".json", ".yaml", ".yml", ".py"))


# ---------------------------------------------------------------- files


def _document(text: str, name: str, shown: str) -> object:
    if name.endswith((".yaml", ".yml")) or (text.lstrip()[:1] not in "{[" and "openapi" in text):
        return parse_yaml(text, shown.strip("'"), InvalidInput).data
    reader = JsonReader()
    try:
        return reader.read(text)
    except InvalidInput as error:
        raise InvalidInput(f"{shown} is {error}", reason_code=error.reason_code) from error


def _listed(document: object, shown: str) -> Iterator[ScannedTool]:
    """tools/list of MCP, with or without the JSON-RPC envelope, or a bare list."""
    found = document
    for key in ("result", "tools"):
        if isinstance(found, dict) and key in found:
            found = found[key]
    if not isinstance(found, list):
        raise InvalidInput(
            f"{shown} is no list of tools (the result of tools/list, or a list) and no OpenAPI document",
            reason_code="scan_target",
        )
    for i, item in enumerate(found):
        said = item.get("function", item) if isinstance(item, dict) else None
        name = said.get("name") if isinstance(said, dict) else None
        if not isinstance(said, dict) or not isinstance(name, str) or not name:
            raise InvalidInput(
                f"{shown}: item {i} is no tool, a tool is an object with a name",
                reason_code="scan_target",
            )
        schema: object = next(
            (said[key] for key in ("inputSchema", "input_schema", "parameters") if key in said), {}
        )
        yield ScannedTool(_description(name, said.get("description"), schema, shown))


def _operations(document: dict[str, object], shown: str) -> Iterator[ScannedTool]:
    paths = document.get("paths")
    if not isinstance(paths, dict) or not paths:
        raise InvalidInput(
            f"{shown} is an OpenAPI document without paths", reason_code="scan_target"
        )
    for path, item in paths.items():
        if not isinstance(item, dict):
            raise InvalidInput(
                f"{shown}: path {str(path)[:100]!r} is no object", reason_code="scan_target"
            )
        for method in METHODS:
            operation = item.get(method)
            if not isinstance(operation, dict):
                continue
            name = operation.get("operationId")
            if not isinstance(name, str) or not name:
                name = f"{method.upper()} {path}"
            about = operation.get("summary") or operation.get("description")
            schema = _parameters([item, operation], document)
            base = _server(operation) or _server(item) or _server(document)
            url = f"{base.rstrip('/')}/{_TEMPLATE.sub('x', str(path)).lstrip('/')}"
            described = _description(name, about, schema, shown)
            yield ScannedTool(described, (method.upper(), url))


def _server(part: dict[str, object]) -> str:
    """The address of the first server; "" if none is given. Swagger 2 has a host."""
    servers = part.get("servers")
    first = servers[0] if isinstance(servers, list) and servers else None
    url = first.get("url") if isinstance(first, dict) else None
    if isinstance(url, str):
        return url
    host, folder = part.get("host"), part.get("basePath")
    if not isinstance(host, str):
        return ""
    return f"https://{host}{folder if isinstance(folder, str) else ''}"


def _parameters(parts: list[dict[str, object]], document: dict[str, object]) -> dict[str, Json]:
    """One schema of what a request takes: path, query, header, and the members of a JSON body."""
    members: dict[str, Json] = {}
    required: list[Json] = []

    def take(name: object, schema: object, needed: object) -> None:
        if isinstance(name, str):
            members[name] = schema if isinstance(schema, dict) else {}
            if needed is True:
                required.append(name)

    for part in parts:
        given = part.get("parameters")
        for raw in given if isinstance(given, list) else ():
            item = _resolved(raw, document)
            # In Swagger 2 the type stands beside the name.
            schema = _resolved(item.get("schema"), document) or item
            if item.get("in") == "body":
                _take_members(schema, document, take)
            else:
                take(item.get("name"), schema, item.get("required"))
        content = _resolved(part.get("requestBody"), document).get("content")
        bodies = content.values() if isinstance(content, dict) else ()
        body = next((item for item in bodies if isinstance(item, dict)), {})
        _take_members(_resolved(body.get("schema"), document), document, take)
    return {"type": "object", "properties": members, "required": required}


def _take_members(
    schema: dict[str, Json],
    document: dict[str, object],
    take: Callable[[object, object, object], None],
) -> None:
    properties, needed = schema.get("properties"), schema.get("required")
    names = needed if isinstance(needed, list) else []
    for name, below in properties.items() if isinstance(properties, dict) else ():
        take(name, _resolved(below, document), name in names)


def _resolved(part: object, document: dict[str, object]) -> dict[str, Json]:
    """The object that a `$ref` into the same document names; one step for each reference, ten at most."""
    for _ in range(10):
        reference = part.get("$ref") if isinstance(part, dict) else None
        if not isinstance(reference, str):
            break
        part = document if reference.startswith("#/") else None
        for key in reference[2:].split("/"):
            key = key.replace("~1", "/").replace("~0", "~")
            part = part.get(key) if isinstance(part, dict) else None
    return part if isinstance(part, dict) else {}


def _description(name: str, about: object, schema: object, shown: str) -> ToolDescription:
    text = about if isinstance(about, str) else ""
    try:
        (name + text).encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(
            f"{shown}: a tool's name or description is no valid text", reason_code="bad_encoding"
        ) from error
    return ToolDescription(name, text, schema if isinstance(schema, dict) else {})
