"""Read a JavaScript program: which modules, names and members it uses, and what they can do.

Guarantees:
  * calm only by list: a program has no feature if every global name, member and module that it uses
    is on a list of pure ones (javascript_names) or was declared where it is used; else "unknown";
  * names are compared as the engine compares them: escapes in names, texts and templates are
    decoded, and a member in brackets is the member of that name; a key that cannot be known is
    pure only where its value cannot be called or reached into;
  * what makes names or code out of text (eval, Function, constructor, computed imports) is dynamic;
  * never raises and runs nothing; at most MAX_JS_CHARS, one parse and two walks of the tree.
Does not: follow values through calls.

The grammar sees ASCII only: characters that separate lines or words become those, all others a
letter, so that positions in the tree are positions in the text.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterator
from typing import Any, Final

from permit0.normalize.code.features import MAX_NESTED, Code
from permit0.normalize.code.javascript_names import (
    KNOWN_GLOBALS,
    KNOWN_MEMBERS,
    KNOWN_MODULES,
    PURE_GLOBALS,
    PURE_MEMBERS,
)
from permit0.normalize.code.javascript_scopes import Scopes, name_text
from permit0.normalize.code.words import dangerous_words, is_credential_text

__all__ = ["MAX_JS_CHARS", "read_javascript"]

MAX_JS_CHARS: Final = 32_768
"""The grammar reads this much in 0.1 s; of what makes no sense it takes up to one second."""

MAX_OPENING: Final = 6000  # opening signs and backticks; nested deeper, no person has written it
_LOCAL = threading.local()  # a parser must not be shared between threads
_EXPRESSION = re.compile(r"\s*(?:async\b|function\b|\{|\()")
_BODY = re.compile(r"\b(?:return|await)\b")
_LINES = "\u2028\u2029"
_FENCE = re.compile(
    r"\A\s*`{3}[ \t]*(?:javascript|js|typescript|ts|jsx)?[ \t]*\r?\n", re.IGNORECASE
)
_FENCE_END = re.compile(r"`{3}\s*\Z")
_ESCAPE = re.compile(
    r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([0-7]{1,3})|(\r\n|.))",
    re.DOTALL,
)
_SHORT = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    "\n": "",
    "\r\n": "",
    "\r": "",
}
_ARITHMETIC = frozenset(
    "+ - * / % ** & | ^ << >> >>> < > <= >= == != === !== instanceof in".split()  # noqa: SIM905  # a table
)
_TRANSPARENT = frozenset({"parenthesized_expression", "ternary_expression", "sequence_expression"})
_STOPS = frozenset({"with_statement", "html_comment", "decorator", "meta_property"})

Node = Any  # tree_sitter.Node: imported where it is needed, since the library is heavy


def read_javascript(text: str, *, nested: int = 0) -> Code:
    """Read one program, function or expression."""
    bare = _FENCE_END.sub("", _FENCE.sub("", text))
    # A function or an object alone is what browser tools take: it is an expression.
    for form in _forms(bare):
        root = _parse(form)
        if root is not None:
            return _Reader(form, root, nested).read()
    words = set(dangerous_words(text[:MAX_JS_CHARS]))
    if is_credential_text(text[:MAX_JS_CHARS]):
        words.add("secrets")
    return Code(frozenset({"unreadable", *words}), (text,))


def _forms(text: str) -> Iterator[str]:
    """The text, and where it could be one, as an expression and as the body of a function."""
    yield text
    if _EXPRESSION.match(text) is not None:
        yield f"({text.strip().rstrip(';')}\n)"
    if _BODY.search(text) is not None:
        yield f"async function f() {{\n{text}\n}}"


def _parse(text: str) -> Node | None:
    if len(text) > MAX_JS_CHARS + 64 or sum(map(text.count, "([{`<")) > MAX_OPENING:
        return None
    import tree_sitter  # heavy, and only needed for code
    import tree_sitter_javascript  # as above

    parser = getattr(_LOCAL, "parser", None)
    if parser is None:
        language = tree_sitter.Language(tree_sitter_javascript.language())
        parser = _LOCAL.parser = tree_sitter.Parser(language)
    root = parser.parse(_ascii(text).encode("ascii")).root_node
    return None if root.has_error else root


def _ascii(text: str) -> str:
    if text.isascii():
        return text
    return "".join(char if char.isascii() else _stand_in(char) for char in text)


def _stand_in(char: str) -> str:
    if char in _LINES:
        return "\n"
    if char == "\ufeff" or unicodedata.category(char) == "Zs":
        return " "
    return "x"


def unescape(text: str) -> str:
    """A text with its escapes resolved, as the engine resolves them."""

    def one(match: re.Match[str]) -> str:
        long, four, two, octal, other = match.groups()
        if long or four or two:
            number = int(long or four or two, 16)
            return chr(number) if number < 0x110000 else "?"
        return chr(int(octal, 8)) if octal else _SHORT.get(other, other)

    return _ESCAPE.sub(one, text) if "\\" in text else text


class _Reader:
    def __init__(self, text: str, root: Node, nested: int) -> None:
        self._source = text
        self._root = root
        self._nested = nested
        self._features: set[str] = set()
        self._texts: list[str] = []
        self._commands: list[str] = []
        self._scopes = Scopes(text, root)

    def read(self) -> Code:
        if self._scopes.too_deep:
            words = dangerous_words(self._source)
            return Code(frozenset({"unreadable", *words}), (self._source,))
        for node in self._scopes.nodes:
            self._node(node)
        return Code(frozenset(self._features), tuple(self._texts), tuple(self._commands))

    def _node(self, node: Node) -> None:
        kind = node.type
        if kind == "identifier":
            self._identifier(node)
        elif kind == "property_identifier":
            if self._scopes.parent(node).type == "member_expression":
                self._member(name_text(self._source, node), self._scopes.parent(node))
        elif kind == "shorthand_property_identifier":
            self._global(name_text(self._source, node), node)
        elif kind == "subscript_expression":
            self._subscript(node)
        elif kind == "this":
            self._this(node)
        elif kind in ("string", "template_string", "binary_expression"):
            text = self._literal(node)
            if text:
                self._text(text)
        elif kind in ("call_expression", "new_expression"):
            self._call(node)
        elif kind in ("import_statement", "export_statement"):
            source = node.child_by_field_name("source")
            if source is not None:
                self._module(self._literal(source))
        elif kind in ("pair_pattern", "computed_property_name"):
            self._pattern(node)
        elif kind == "shorthand_property_identifier_pattern":
            self._key(name_text(self._source, node))
        elif kind.startswith("jsx_") or kind in _STOPS:
            self._features.add("dynamic")

    def _add(self, *features: str) -> None:
        self._features.update(features)

    def _identifier(self, node: Node) -> None:
        if self._scopes.is_declaration(node):
            name = name_text(self._source, node)
            if (
                self._scopes.parent(node).type == "assignment_expression"
                and name not in PURE_GLOBALS
            ):
                self._add(*KNOWN_MEMBERS.get(name, ()), *KNOWN_GLOBALS.get(name, ()))
            return
        self._global(name_text(self._source, node), node)

    def _global(self, name: str, node: Node) -> None:
        known = KNOWN_GLOBALS.get(name)
        if known is not None and not (known == () and self._scopes.is_bound(name, node)):
            if name not in ("require", "setTimeout", "queueMicrotask"):
                self._add(*(known or ("unknown",)))
            elif self._scopes.parent(node).type != "call_expression":
                self._add("dynamic")
        elif name not in PURE_GLOBALS and not self._scopes.is_bound(name, node):
            self._add("unknown")

    def _this(self, node: Node) -> None:
        parent = self._scopes.parent(node)
        if self._scopes.in_class(node) and parent.type in (
            "member_expression",
            "subscript_expression",
        ):
            return
        self._add("page_read", "unknown")

    def _key(self, name: str) -> None:
        """A member that is taken out of a value, wherever it is named."""
        if name in KNOWN_MEMBERS:
            self._add(*KNOWN_MEMBERS[name])
        elif name in KNOWN_GLOBALS and name not in self._scopes.members:
            self._add(*(KNOWN_GLOBALS[name] or ("unknown",)))
        elif name not in PURE_MEMBERS and name not in self._scopes.members and not name.isdigit():
            self._add("unknown")

    def _member(self, name: str, node: Node) -> None:
        owner = node.child_by_field_name("object")
        if owner is not None and owner.type == "identifier":
            whole = f"{name_text(self._source, owner)}.{name}"
            if whole in ("Object.assign", "Object.create", "console.assert", "Array.from"):
                return
        self._key(name)

    def _pattern(self, node: Node) -> None:
        key = node.child_by_field_name("key") if node.type == "pair_pattern" else node
        if key is not None and key.type in ("property_identifier", "string"):
            self._key(self._literal(key) or name_text(self._source, key))
        elif key is not None and key.type == "computed_property_name":
            text = self._literal(key.named_children[0]) if key.named_children else None
            in_object = self._scopes.parent(key).type in (
                "pair",
                "method_definition",
                "field_definition",
            )
            if text is not None:
                self._key(text)
            elif not in_object:
                self._add("dynamic")

    def _subscript(self, node: Node) -> None:
        index = node.child_by_field_name("index")
        if index is None:
            return
        text = self._literal(index)
        if text is not None:
            self._key(text)
        elif not (self._scopes.is_number(index) or self._is_harmless_use(node)):
            parent = self._scopes.parent(node)
            called = (
                parent.type in ("call_expression", "new_expression")
                and (
                    parent.child_by_field_name("function")
                    or parent.child_by_field_name("constructor")
                )
                == node
            )
            self._add("dynamic" if called else "unknown")

    def _is_harmless_use(self, node: Node) -> bool:
        """Whether a value is only counted with, compared, printed or overwritten."""
        child, parent = node, self._scopes.parent(node)
        for _ in range(20):
            if parent is None:
                return False
            kind = parent.type
            if kind == "binary_expression":
                operator = parent.child_by_field_name("operator")
                if operator is not None and operator.type in _ARITHMETIC:
                    return True
                if operator is None or operator.type not in ("||", "&&", "??"):
                    return False
            elif (
                kind
                in ("update_expression", "augmented_assignment_expression", "template_substitution")
                or kind == "unary_expression"
                or kind == "if_statement"
            ):
                return True
            elif kind == "assignment_expression":
                return bool(parent.child_by_field_name("left") == child)
            elif kind == "arguments":
                call = self._scopes.parent(parent).child_by_field_name("function")
                name = "" if call is None else self._source[call.start_byte : call.end_byte]
                return name in ("console.log", "String", "Number", "parseInt", "parseFloat", "Math.max",
                                "Math.min", "JSON.stringify", "Boolean")  # fmt: skip
            elif kind not in _TRANSPARENT:
                return False
            child, parent = parent, self._scopes.parent(parent)
        return False

    def _call(self, node: Node) -> None:
        function = node.child_by_field_name("function") or node.child_by_field_name("constructor")
        arguments = node.child_by_field_name("arguments")
        values = (
            [] if arguments is None or arguments.type != "arguments" else arguments.named_children
        )
        first = self._literal(values[0]) if values else None
        if function is None:
            return
        name = self._source[function.start_byte : function.end_byte]
        if function.type == "import" or name == "require":
            self._module(first)
        elif name in ("setTimeout", "queueMicrotask"):
            given = values[0].type if values else ""
            if given not in ("arrow_function", "function_expression"):
                self._add("dynamic")
        elif name in ("Function", "eval") and first is not None and self._nested < MAX_NESTED:
            inner = read_javascript(first, nested=self._nested + 1)
            self._features |= inner.features - {"unknown", "unreadable"}
            self._texts += inner.texts
        if first is not None and function.type == "member_expression":
            last = self._source[function.start_byte : function.end_byte].rpartition(".")[2]
            if "process" in KNOWN_MEMBERS.get(last, ()) or last == "exec":
                self._commands.append(first)
        elif first is not None and name in ("execSync", "exec", "spawn", "spawnSync"):
            self._commands.append(first)

    def _module(self, name: str | None) -> None:
        if name is None:
            self._add("dynamic")
            return
        bare = name.removeprefix("node:")
        if bare in ("util", "assert", "path", "url", "querystring", "crypto", "lodash", "mathjs"):
            return
        self._add(*KNOWN_MODULES.get(bare, KNOWN_MODULES.get(bare.partition("/")[0], ("unknown",))))
        if bare.startswith((".", "/")) or "://" in bare:
            self._add("network" if "://" in bare else "files_read", "dynamic")

    def _literal(self, node: Node, depth: int = 0) -> str | None:
        """The text that an expression surely is."""
        if depth > 60:
            return None
        kind = node.type
        if kind == "string":
            return unescape(self._source[node.start_byte + 1 : node.end_byte - 1])
        if kind == "template_string":
            if any(child.type == "template_substitution" for child in node.named_children):
                return None
            return unescape(self._source[node.start_byte + 1 : node.end_byte - 1])
        if kind == "parenthesized_expression" and node.named_child_count == 1:
            return self._literal(node.named_children[0], depth + 1)
        if (
            kind == "binary_expression"
            and self._source[
                node.child_by_field_name("left").end_byte : node.child_by_field_name(
                    "right"
                ).start_byte
            ].strip()
            == "+"
        ):
            left = self._literal(node.child_by_field_name("left"), depth + 1)
            right = self._literal(node.child_by_field_name("right"), depth + 1)
            return None if left is None or right is None else left + right
        return None

    def _text(self, text: str) -> None:
        self._texts.append(text)
        if is_credential_text(text) and " " not in text.strip():
            self._add("secrets")
