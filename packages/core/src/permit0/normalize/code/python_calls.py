"""Calls of Python that say in their arguments what they do, and how to look into them.

Guarantees: tables and pure functions over the tree; nothing here is run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from permit0.normalize.code.python_names import PURE_MODULES

__all__ = [
    "BY_TEXT",
    "CODE_CALLS",
    "COMMANDS",
    "DUNDER",
    "EXPORTS",
    "FIELD",
    "MEMORY",
    "SELF",
    "WRITES",
    "first_words",
    "is_listed",
    "keyword",
    "target_names",
]

DUNDER = re.compile(r"__\w+__")
FIELD = re.compile(r"\{\w*[.\[!]")
BY_TEXT = frozenset({"apply", "agg", "aggregate", "transform", "pipe", "map", "applymap", "assign"})
"""Members of frames that take the name of another member as a text."""
COMMANDS = frozenset(
    {"os.system", "os.popen", "subprocess.run", "subprocess.call", "subprocess.Popen"}
    | {"subprocess.check_output", "subprocess.check_call", "subprocess.getoutput"}
    | {
        "subprocess.getstatusoutput",
        "commands.getoutput",
        "pty.spawn",
        "asyncio.create_subprocess_shell",
    }
)
CODE_CALLS = frozenset(
    {"eval", "exec", "compile", "timeit.timeit", "timeit.repeat", "timeit.Timer"}
)
SELF = frozenset({"self", "cls"})
MEMORY = frozenset({"StringIO", "BytesIO", "io.StringIO", "io.BytesIO"})
WRITES = frozenset("wax+")
EXPORTS = frozenset({"to_csv", "to_string", "to_json", "to_html", "to_markdown", "to_latex"})


def is_listed(path: str) -> bool:
    """Whether a whole name is on the list of pure ones."""
    root, _, member = path.partition(".")
    return member in PURE_MODULES.get(root, ())


def keyword(node: ast.Call, name: str) -> ast.expr | None:
    """The value of a keyword argument."""
    return next((k.value for k in node.keywords if k.arg == name), None)


def first_words(node: ast.Call) -> Iterator[ast.expr]:
    """The command of a call: its first argument, and the words of a list joined."""
    for value in (*node.args[:1], keyword(node, "args")):
        if isinstance(value, ast.List | ast.Tuple):
            words: list[ast.expr] = []
            for word in value.elts:
                words += [word, ast.Constant(value=" ")]
            joined: ast.expr = ast.Constant(value="")
            for part in words[:40]:
                joined = ast.BinOp(left=joined, op=ast.Add(), right=part)
            yield joined
        elif value is not None:
            yield value


def target_names(node: ast.Assign | ast.AnnAssign) -> Iterable[str]:
    """Names that an assignment binds."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]
