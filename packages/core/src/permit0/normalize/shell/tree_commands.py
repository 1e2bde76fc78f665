"""Simple commands of a tree: their words, assignments and redirections, handed to `peel`.

Guarantees: substitutions in a command's words run before it; a command is read again for every
value of a variable it depends on, up to MAX_CHOICES.
Does not: know compound statements (walk) or expand words (tree_words).

tree-sitter-bash 0.25 has habits that this module undoes: a redirection swallows the words after
its target, a here-document swallows the rest of its line.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from permit0.normalize.shell.features import MAX_CHOICES
from permit0.normalize.shell.grammar import WORD_NODES, Node
from permit0.normalize.shell.parts import Feed, Frame, Redirect, State, flags_of
from permit0.normalize.shell.peel import run_command
from permit0.normalize.shell.scan import scan_text
from permit0.normalize.shell.tree_words import TreeWords

__all__ = ["REDIRECTS", "TreeCommands"]

REDIRECTS: Final = frozenset({"file_redirect", "heredoc_redirect", "herestring_redirect"})


class TreeCommands:
    """The simple commands of one tree. visit: reads a statement that a here-document swallowed."""

    __slots__ = ("state", "text", "visit", "words")

    def __init__(
        self, state: State, text: str, words: TreeWords, visit: Callable[[Node, Frame], None]
    ) -> None:
        self.state = state
        self.text = text
        self.words = words
        self.visit = visit

    def redirect(
        self,
        node: Node,
        frame: Frame,
        extra: list[str],
        own: list[Redirect],
        after: list[Node],
    ) -> Feed | None:
        """Read one redirection into `own`; words it swallowed into `extra`, statements into `after`."""
        kind = node.type
        if kind == "herestring_redirect":
            value = ""
            for child in node.children:
                if child.is_named and child.type != "file_descriptor":
                    value = self.words.one(child, frame)
            known = None if flags_of(value) else value + "\n"
            return Feed("text", (), known)
        if kind == "heredoc_redirect":
            return self._heredoc(node, frame, extra, own, after)
        op = ""
        target: str | None = None
        for start, end, nodes in self.words.groups(
            [child for child in node.children if child.type != "file_descriptor"]
        ):
            source = self.text[start:end]
            if op == "":
                op = source
                continue
            if source.isdigit() and self.text[end : end + 1] in ("<", ">"):
                continue  # the descriptor of the next redirection
            words = self.words.expand_span(start, end, nodes, frame)
            if target is None:
                target = words[0] if words else ""
                extra += words[1:]
            else:
                extra += words
        own.append(Redirect(op, target or ""))
        return None

    def _heredoc(
        self,
        node: Node,
        frame: Frame,
        extra: list[str],
        own: list[Redirect],
        after: list[Node],
    ) -> Feed:
        self.state.marks.add("heredoc")
        raw = False
        value: str = ""
        for child in node.children:
            kind = child.type
            if not child.is_named:
                continue
            if kind == "heredoc_start":
                raw = any(mark in self.words.source(child) for mark in "'\"\\")
                if not self.words.source(child).isascii():
                    # The parser cannot tell two such delimiters apart and may end the text early.
                    self.state.marks.add("unparsed")
                    scan_text(self.state, self.text, frame)
            elif kind == "heredoc_body":
                value = self.words.source(child) if raw else self.words.here_text(child, frame)
            elif kind == "file_redirect" or kind in ("herestring_redirect", "heredoc_redirect"):
                self.redirect(child, frame, extra, own, after)
            elif kind not in ("heredoc_end", "comment", "file_descriptor"):
                if kind in WORD_NODES:
                    extra += self.words.expand(child, frame)
                else:
                    after.append(child)
        return Feed("text", (), None if flags_of(value) else value)

    def command(self, node: Node, frame: Frame, extra: list[str] | None = None) -> None:
        """One simple command, again for every value of a variable it depends on."""
        state = self.state
        outermost = state.choice == 0 and state.widest == 1
        self._command_once(node, frame, extra)
        if not outermost:
            return
        widest, state.widest = min(state.widest, MAX_CHOICES), 1
        for choice in range(1, widest):
            state.choice = choice
            self._command_once(node, frame, extra)
        state.choice = 0
        state.widest = 1

    def _command_once(self, node: Node, frame: Frame, extra: list[str] | None = None) -> None:
        begin = len(self.state.drafts)
        words: list[str] = []
        own: list[Redirect] = []
        more: list[str] = []
        assigned: list[str] = []
        after: list[Node] = []
        feed: Feed | None = None
        plain: list[Node] = []
        for child in node.children:
            kind = child.type
            if kind == "variable_assignment":
                assigned.append(self.words.assignment(child, frame, keep=False))
            elif kind in REDIRECTS:
                words += self.words.word_list(plain, frame)
                plain = []
                feed = self.redirect(child, frame, more, own, after) or feed
                words += more
                more.clear()
            else:
                plain.append(child)
        words += self.words.word_list(plain, frame)
        if extra:
            words += extra
        inner = frame
        if own or feed is not None:
            inner = replace(
                frame,
                redirects=frame.redirects + tuple(own),
                feed=feed if feed is not None else frame.feed,
            )
        inside = tuple(self.state.drafts[begin:])
        run_command(self.state, words, inside, inner, assigned)
        for later in after:
            self.visit(later, frame.deeper())

    def declaration(self, node: Node, frame: Frame) -> None:
        """`export a=b`, `local`, `unset`: the assignments last."""
        begin = len(self.state.drafts)
        words: list[str] = []
        plain: list[Node] = []
        for child in node.children:
            if child.type == "variable_assignment":
                words += self.words.word_list(plain, frame)
                plain = []
                words.append(self.words.assignment(child, frame, keep=True))
            else:
                plain.append(child)
        words += self.words.word_list(plain, frame)
        run_command(self.state, words, tuple(self.state.drafts[begin:]), frame)

    def assignments(self, node: Node, frame: Frame) -> None:
        """One or more assignments that are a statement of their own."""
        begin = len(self.state.drafts)
        nodes = [node] if node.type == "variable_assignment" else node.children
        assigned = [
            self.words.assignment(child, frame, keep=True)
            for child in nodes
            if child.type == "variable_assignment"
        ]
        run_command(self.state, [], tuple(self.state.drafts[begin:]), frame, assigned)
