"""Words and assignments of a tree: where a word begins and ends, and what it expands to.

Guarantees:
  * nodes that touch each other are one word, as in bash; the grammar may show them apart;
  * the end of a substitution is the grammar's; its commands are handed to `run`, in order.
Does not: expand the source of a word (words), or know statements (walk) and commands (tree_commands).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from permit0.normalize.shell.grammar import Node
from permit0.normalize.shell.literals import known_output, literal_output
from permit0.normalize.shell.parts import Frame, State, Word, flags_of
from permit0.normalize.shell.words import Expander

__all__ = ["TreeWords"]

_SUBSTITUTIONS: Final = frozenset({"command_substitution", "process_substitution"})


class TreeWords:
    """The words of one tree. run: visits the commands inside a substitution's node."""

    __slots__ = ("expander", "frame", "run", "spans", "state", "text")

    def __init__(self, state: State, text: str, run: Callable[[Node, Frame], None]) -> None:
        self.state = state
        self.text = text
        self.run = run
        self.spans: dict[int, tuple[int, object]] = {}
        self.expander = Expander(text, state, self.spans, self._substitute)
        self.frame = Frame()

    def source(self, node: Node) -> str:
        """The source text of a node."""
        return self.text[node.start_byte : node.end_byte].strip()

    def groups(self, nodes: list[Node]) -> list[tuple[int, int, list[Node]]]:
        """Nodes that touch each other are one word."""
        groups: list[tuple[int, int, list[Node]]] = []
        text = self.text
        for node in nodes:
            start, end = node.start_byte, node.end_byte
            while start < end and text[start] in " \t\n":  # a habit of the grammar
                start += 1
            if groups and groups[-1][1] == start and node.is_named and groups[-1][2][-1].is_named:
                groups[-1][2].append(node)
                groups[-1] = (groups[-1][0], end, groups[-1][2])
            elif groups and self._touches(groups[-1][1], start):
                groups[-1] = (groups[-1][0], end, [*groups[-1][2], node])
            else:
                groups.append((start, end, [node]))
        return groups

    def _touches(self, end: int, start: int) -> bool:
        """`$"x"`, and a word that a backslash continues on the next line."""
        gap = self.text[end:start]
        if gap == "":
            return self.text[start - 1 : start] == "$"
        return gap.startswith("\\\n") and gap.replace("\\\n", "") == ""

    def word_list(self, nodes: list[Node], frame: Frame) -> list[str]:
        """The words of neighbouring nodes, expanded."""
        words: list[str] = []
        for start, end, group in self.groups(nodes):
            words += self.expand_span(start, end, group, frame)
        return words

    def expand(self, node: Node, frame: Frame) -> list[str]:
        """The words of one node."""
        return self.word_list([node], frame)

    def expand_span(self, start: int, end: int, nodes: list[Node], frame: Frame) -> list[str]:
        """The words of the source between start and end, which holds these nodes."""
        for node in nodes:
            if node.child_count:
                self._find_spans(node)
        self.frame = frame
        return self.expander.words(start, end)

    def one(self, node: Node, frame: Frame) -> str:
        """One node as one word, without field splitting."""
        self._find_spans(node)
        self.frame = frame
        return self.expander.one(node.start_byte, node.end_byte)

    def _find_spans(self, node: Node) -> None:
        """Note where the substitutions of a word are, so that their end is the grammar's."""
        if "(" not in self.text[node.start_byte : node.end_byte]:
            return  # backticks are read by the expander: the grammar does not unescape them
        pending = [node]
        while pending:
            current = pending.pop()
            if current.type in _SUBSTITUTIONS:
                start = current.start_byte
                while self.text[start] in " \t\n":
                    start += 1
                if self.text[start] != "`":
                    self.spans[start] = (current.end_byte, current)
            elif current.child_count:
                pending += current.children

    def _substitute(self, inside: str, node: object) -> str | None:
        """Visit the commands of a substitution; its output if that is a known literal."""
        frame = self.frame
        state = self.state
        state.marks.add("substitution")
        begin = len(state.drafts)
        inner = replace(frame, depth=frame.depth + 1, feed=None, redirects=())
        if isinstance(node, Node):
            self.run(node, inner)
        else:
            state.read_text(state, inside, replace(inner, reparse=frame.reparse + 1))
        self.frame = frame
        found = state.drafts[begin:]
        if any(draft.feed is not None for draft in found):
            if any(draft.feed is None for draft in found[1:]):
                return None
            return literal_output(found[-1])
        return known_output(found)

    def assignment(self, node: Node, frame: Frame, *, keep: bool) -> str:
        """Read `name=value`; returns it as one word. keep: it lasts beyond this command."""
        name = ""
        value: str = ""
        append = False
        start = 0
        for child in node.children:
            kind = child.type
            if kind in ("variable_name", "subscript") and not name:
                name = self.source(child)
                start = child.end_byte
            elif kind in ("=", "+="):
                append = kind == "+="
                start = child.end_byte
            elif kind == "array":
                items: list[str] = []
                for item in child.children:
                    if item.is_named:
                        items += self.expand(item, frame)
                base = self.state.arrays.get(name, []) if append else []
                self.state.arrays[name] = base + items
                return f"{name}=(...)"
        if start < node.end_byte:
            self._find_spans(node)
            self.frame = frame
            value = self.expander.one(start, node.end_byte)
        if append:
            old = self.state.lookup(name) or ""
            flags = flags_of(value) | flags_of(old)
            value = Word(old + value, flags) if flags else old + value
        if keep:
            self.state.assign(name, value)
        text = f"{name}={value}"
        return Word(text, flags_of(value)) if flags_of(value) else text

    def here_text(self, node: Node, frame: Frame) -> str:
        """The body of a here-document whose delimiter is not quoted."""
        self._find_spans(node)
        self.frame = frame
        return self.expander.quoted(node.start_byte, node.end_byte, heredoc=True)
