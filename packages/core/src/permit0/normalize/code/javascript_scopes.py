"""Which names a JavaScript program has declared where it uses them, and which of them are numbers.

Guarantees: let, const, class, parameters and imports count in their block, since the engine refuses
them before they are bound; `var` and plain assignment at the top of a program count from where they
stand, since a name of the page or of an earlier program is still there before.
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["Scopes", "name_text"]

Node = Any  # as in javascript

_BLOCKS = frozenset(
    {"statement_block", "program", "for_statement", "for_in_statement", "switch_body", "class_body"}
    | {"catch_clause", "class_static_block"}
)
_FUNCTIONS = frozenset(
    {"function_declaration", "function_expression", "arrow_function", "method_definition"}
    | {"generator_function", "generator_function_declaration", "program", "class_static_block"}
)
_NUMERIC = frozenset({"-", "*", "/", "%", "**", "&", "|", "^", "<<", ">>", ">>>", "+"})
_ESCAPED = re.compile(r"\\u(?:\{([0-9a-fA-F]{1,6})\}|([0-9a-fA-F]{4}))")
MAX_TREE_DEPTH = 300  # levels of one program; a chain of 100 calls has 200
_PATTERNS = frozenset({"object_pattern", "array_pattern", "assignment_pattern", "rest_pattern", "pair_pattern",
                       "object_assignment_pattern"})  # fmt: skip


def name_text(source: str, node: Node) -> str:
    """A name with its escapes resolved."""
    text = source[node.start_byte : node.end_byte]
    if "\\" not in text:
        return text
    return _ESCAPED.sub(lambda m: chr(min(int(m.group(1) or m.group(2), 16), 0x10FFFF)), text)


class Scopes:
    """Declarations of a program.

    nodes: every named node. members: names of members that the program's own objects have.
    """

    def __init__(self, source: str, root: Node) -> None:
        self._source = source
        self._declared: dict[int, dict[str, int]] = {}
        self._declarations: set[int] = set()
        self._numbers: dict[str, bool] = {}
        self.members: set[str] = set()
        self.nodes: list[Node] = []
        self._parents: dict[int, Node] = {}
        self.too_deep = not self._walk(root)
        if self.too_deep:
            return
        for node in self.nodes:
            self._declare(node)
        self._numeric_names()

    def _walk(self, root: Node) -> bool:
        cursor = root.walk()
        above: list[Node] = []
        while True:
            node = cursor.node
            if above:
                self._parents[node.id] = above[-1]
            if node.is_named or node.type == "import":
                self.nodes.append(node)
            if cursor.goto_first_child():
                above.append(node)
                if len(above) > MAX_TREE_DEPTH:
                    return False
                continue
            while not cursor.goto_next_sibling():
                if not cursor.goto_parent():
                    return True
                above.pop()

    def parent(self, node: Node) -> Any:
        """The node above; the library's own answer costs a walk from the root."""
        return self._parents.get(node.id)

    def is_declaration(self, node: Node) -> bool:
        """Whether an identifier is declared here rather than used."""
        return node.id in self._declarations

    def is_bound(self, name: str, node: Node) -> bool:
        """Whether a declaration of a name surely holds at a node."""
        scope = self.parent(node)
        while scope is not None:
            names = self._declared.get(scope.id)
            if names is not None and name in names and names[name] <= node.start_byte:
                return True
            scope = self.parent(scope)
        return False

    def in_class(self, node: Node) -> bool:
        """Whether `this` is an object of one of the program's own classes."""
        scope = self.parent(node)
        while scope is not None:
            if scope.type in ("method_definition", "field_definition"):
                return bool(
                    self.parent(scope) is not None and self.parent(scope).type == "class_body"
                )
            if scope.type in ("function_declaration", "function_expression", "generator_function"):
                return False
            scope = self.parent(scope)
        return False

    def is_number(self, node: Node, depth: int = 0) -> bool:
        """Whether an expression is surely a number."""
        kind = node.type
        if depth > 40:
            return False
        if kind == "number":
            return True
        if kind == "identifier":
            return self._numbers.get(name_text(self._source, node), False)
        if kind == "parenthesized_expression" and node.named_child_count == 1:
            return self.is_number(node.named_children[0], depth + 1)
        if kind == "update_expression":
            return True
        if kind == "unary_expression":
            return self._source[node.start_byte] in "-+~"
        if kind == "binary_expression":
            operator = node.child_by_field_name("operator").type
            if operator not in _NUMERIC:
                return False
            return operator != "+" or all(
                self.is_number(node.child_by_field_name(side), depth + 1)
                for side in ("left", "right")
            )
        if kind == "member_expression":
            return self._source[node.start_byte : node.end_byte].endswith(".length")
        if kind == "call_expression":
            name = node.child_by_field_name("function")
            text = self._source[name.start_byte : name.end_byte]
            return text.startswith("Math.") or text in ("parseInt", "Number", "parseFloat")
        return False

    # Declarations.

    def _declare(self, node: Node) -> None:
        kind = node.type
        if kind == "variable_declarator":
            name = node.child_by_field_name("name")
            statement = self.parent(node)
            if statement.type == "variable_declaration":  # var
                scope = self._enclosing(statement, _FUNCTIONS)
                top = scope.type == "program"
                if not top or (
                    self.parent(statement) == scope and node.child_by_field_name("value")
                ):
                    self._bind(name, scope, node.end_byte if top else 0)
            else:
                self._bind(name, self._enclosing(statement, _BLOCKS), 0)
        elif kind in _FUNCTIONS and kind != "program":
            self._function(node)
        elif kind in ("class_declaration", "class"):
            name = node.child_by_field_name("name")
            if name is not None:
                scope = self._enclosing(node, _BLOCKS) if kind == "class_declaration" else node
                self._bind(name, scope, 0)
        elif kind == "catch_clause":
            self._bind(node.child_by_field_name("parameter"), node, 0)
        elif kind == "for_in_statement":
            if node.child_by_field_name("kind") is not None:
                self._bind(node.child_by_field_name("left"), node, 0)
        elif kind in ("import_clause", "namespace_import", "import_specifier"):
            for child in node.named_children:
                if child.type == "identifier":
                    self._bind(child, self._enclosing(node, frozenset({"program"})), 0)
        elif kind == "assignment_expression":
            left, statement = node.child_by_field_name("left"), self.parent(node)
            if left.type == "identifier" and statement.type == "expression_statement":
                outer = self.parent(statement)
                if outer.type == "program":
                    self._bind(left, outer, node.end_byte)
        elif kind in ("pair", "field_definition"):
            key = node.child_by_field_name("key") or node.child_by_field_name("name")
            key = key or node.child_by_field_name("property")
            if key is not None and key.type in (
                "property_identifier",
                "private_property_identifier",
            ):
                self.members.add(name_text(self._source, key))
        elif kind == "member_expression":
            parent = self.parent(node)
            if (
                parent.type == "assignment_expression"
                and parent.child_by_field_name("left") == node
            ):
                owner = node.child_by_field_name("object")
                if owner.type == "this" and self.in_class(owner):
                    self.members.add(name_text(self._source, node.child_by_field_name("property")))

    def _function(self, node: Node) -> None:
        name = node.child_by_field_name("name")
        if name is not None and name.type in ("property_identifier", "private_property_identifier"):
            self.members.add(name_text(self._source, name))
        if name is not None and name.type == "identifier":
            outer = node.type.endswith("declaration")
            self._bind(name, self._enclosing(node, _BLOCKS) if outer else node, 0)
        for field in ("parameters", "parameter"):
            parameters = node.child_by_field_name(field)
            if parameters is not None:
                self._bind(parameters, node, 0)

    def _enclosing(self, node: Node, kinds: frozenset[str]) -> Node:
        scope = self.parent(node)
        while self.parent(scope) is not None and scope.type not in kinds:
            scope = self.parent(scope)
        return scope

    def _bind(self, pattern: Node | None, scope: Node, start: int) -> None:
        stack = [] if pattern is None else [pattern]
        names = self._declared.setdefault(scope.id, {})
        while stack:
            node = stack.pop()
            kind = node.type
            if kind in ("identifier", "shorthand_property_identifier_pattern"):
                name = name_text(self._source, node)
                names[name] = min(start, names.get(name, start))
                if kind == "identifier":
                    self._declarations.add(node.id)
            elif kind == "formal_parameters" or kind in (
                "array_pattern",
                "object_pattern",
                "rest_pattern",
            ):
                stack.extend(node.named_children)
            elif kind in ("assignment_pattern", "object_assignment_pattern"):
                left = node.child_by_field_name("left")
                if left is not None:
                    stack.append(left)
            elif kind == "pair_pattern":
                value = node.child_by_field_name("value")
                if value is not None:
                    stack.append(value)

    def _numeric_names(self) -> None:
        """Names of which every declaration and assignment is a number."""
        given: dict[str, list[Node | None]] = {}
        for node in self.nodes:
            kind = node.type
            if kind == "variable_declarator":
                name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
                if name.type == "identifier":
                    given.setdefault(name_text(self._source, name), []).append(value)
                    continue
            elif kind in ("assignment_expression", "augmented_assignment_expression"):
                left = node.child_by_field_name("left")
                if left.type == "identifier":
                    value = node.child_by_field_name("right")
                    given.setdefault(name_text(self._source, left), []).append(value)
                    continue
        assigned = {
            id_
            for node in self.nodes
            if node.type in ("variable_declarator", "assignment_expression")
            for id_ in [(node.child_by_field_name("name") or node.child_by_field_name("left")).id]
        }
        for node in self.nodes:  # parameters, patterns, loops over values: not numbers
            if (
                node.type == "identifier"
                and node.id in self._declarations
                and node.id not in assigned
            ):
                given.setdefault(name_text(self._source, node), []).append(None)
        for _ in range(3):
            for name, values in given.items():
                self._numbers[name] = all(v is not None and self.is_number(v) for v in values)
