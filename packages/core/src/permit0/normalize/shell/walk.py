"""Walk the statements of a tree, so that every simple command in it is read.

Guarantees:
  * every command that may run is visited: lists, pipelines, bodies of compounds and functions,
    substitutions wherever they stand, the parts of a line that follow a here-document's start;
  * what the grammar drops without an error is scanned and marked "unparsed";
  * the tree is walked once, a function's body once more for each call; a simple command costs no
    more than its own nodes.
Does not: read simple commands (tree_commands) or words (tree_words).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from permit0.errors import InvalidInput
from permit0.normalize.shell.features import MAX_DEPTH
from permit0.normalize.shell.grammar import WORD_NODES, Node
from permit0.normalize.shell.literals import MAX_PIECES, pipe
from permit0.normalize.shell.parts import Draft, Frame, Redirect, State
from permit0.normalize.shell.peel import run_command
from permit0.normalize.shell.scan import scan_text
from permit0.normalize.shell.tree_commands import REDIRECTS, TreeCommands
from permit0.normalize.shell.tree_words import TreeWords

__all__ = ["Walk"]


class Walk:
    """One walk over one tree."""

    __slots__ = ("commands", "state", "text", "words")

    def __init__(self, state: State, text: str) -> None:
        self.state = state
        self.text = text
        self.words = TreeWords(state, text, self._children)
        self.commands = TreeCommands(state, text, self.words, self.visit)

    def visit(self, node: Node, frame: Frame) -> None:
        """Read a statement or a part of one."""
        if frame.depth > MAX_DEPTH:
            raise InvalidInput(
                f"shell line nests deeper than {MAX_DEPTH} levels; split it",
                reason_code="shell_too_deep",
            )
        if node.type not in WORD_NODES:
            self._check_gaps(node, frame)
        handler = _HANDLERS.get(node.type)
        if handler is not None:
            handler(self, node, frame)
        else:
            self._children(node, frame)

    def _check_gaps(self, node: Node, frame: Frame) -> None:
        """Read what the grammar dropped without an error, as it does with the dash of `- 1=`."""
        text = self.text
        at = node.start_byte if node.type != "program" else 0
        for child in node.children:
            start = child.start_byte
            if start > at and text[at:start].strip(" \t\r\n\\"):
                self.state.marks.add("unparsed")
                scan_text(self.state, text[at : node.end_byte], frame)
                return
            at = child.end_byte
        if node.type == "program" and text[at:].strip(" \t\r\n\\"):
            self.state.marks.add("unparsed")
            scan_text(self.state, text[at:], frame)

    def _children(self, node: Node, frame: Frame) -> None:
        inner = frame.deeper()
        commands = 0
        for child in node.children:
            if child.is_named:
                if child.child_count:
                    self.visit(child, inner)
                    commands += child.type != "comment"
            elif child.type in ("&", ";", "&&", "||"):
                if child.type == "&":
                    self.state.marks.add("background")
                if commands > 0 or child.type != "&":
                    self.state.marks.add("compound")
        if commands > 1 and node.type in ("program", "compound_statement", "subshell"):
            self.state.marks.add("compound")

    def _list(self, node: Node, frame: Frame) -> None:
        """`a && b || c` leans left, one level per operator: walk it without recursion."""
        self.state.marks.add("compound")
        rights: list[Node] = []
        inner = frame.deeper()
        current = node
        while current.type == "list":
            children = [child for child in current.children if child.is_named]
            if any(child.type == "&" for child in current.children):
                self.state.marks.add("background")
            rights += reversed(children[1:])
            current = children[0]
        self.visit(current, inner)
        for right in reversed(rights):
            self.visit(right, inner)

    def _pipeline(self, node: Node, frame: Frame) -> None:
        self.state.marks.add("pipeline")
        self._stages([child for child in node.children if child.is_named], None, frame)

    def _stages(self, nodes: list[Node], previous: list[Draft] | None, frame: Frame) -> None:
        inner = frame.deeper()
        for child in nodes:
            if child.type == "comment":
                continue
            begin = len(self.state.drafts)
            fed = inner if previous is None else inner.fed(pipe(previous))
            self.visit(child, fed)
            previous = self.state.drafts[begin:]

    def _function(self, node: Node, frame: Frame) -> None:
        self.state.marks.add("function")
        named = [child for child in node.children if child.is_named]
        name = self.words.source(named[0])
        self.state.functions.add(name)
        self.state.in_function += 1
        begin = len(self.state.drafts)
        for child in named[1:]:
            self.visit(child, frame.deeper())
        self.state.in_function -= 1
        body = self.state.drafts[begin:]
        if len(body) <= MAX_PIECES:
            self.state.bodies[name] = lambda call: self._call(named[1:], call)
        if any(draft.program == name for draft in body) and (
            any(draft.feed is not None for draft in body) or "background" in self.state.marks
        ):
            for draft in body:  # a function that multiplies itself: a fork bomb
                if draft.program == name:
                    draft.features.update(("destructive", "catastrophic"))
                    draft.features.discard("read_only")

    def _call(self, nodes: list[Node], call: Frame) -> None:
        """Read a function's body again, with the arguments of a call."""
        for node in nodes:
            self.visit(node, call.deeper())

    def _for(self, node: Node, frame: Frame) -> None:
        name = ""
        for child in node.children:
            if not child.is_named:
                continue
            kind = child.type
            if kind == "variable_name" and not name:
                name = self.words.source(child)
            elif kind in ("do_group", "compound_statement"):
                self.visit(child, frame.deeper())
            else:
                for value in self.words.expand(child, frame):
                    self.state.assign(name, value)

    def _case(self, node: Node, frame: Frame) -> None:
        for child in node.children:
            if child.is_named:
                if child.type == "case_item":
                    self._children(child, frame)
                elif child.child_count:
                    self.words.expand(child, frame)

    def _test(self, node: Node, frame: Frame) -> None:
        self._children(node, frame)
        words = self.text[node.start_byte : node.end_byte].split()
        run_command(self.state, words, (), frame)

    def _bare_redirect(self, node: Node, frame: Frame) -> None:
        """`$(<file)`: a redirection without a command."""
        self._with_redirects([], [node], frame)

    def _redirected(self, node: Node, frame: Frame) -> None:
        body: list[Node] = []
        redirects: list[Node] = []
        for child in node.children:
            if child.is_named:
                (redirects if child.type in REDIRECTS else body).append(child)
        self._with_redirects(body, redirects, frame)

    def _with_redirects(self, body: list[Node], redirects: list[Node], frame: Frame) -> None:
        begin = len(self.state.drafts)
        extra: list[str] = []
        after: list[Node] = []
        own: list[Redirect] = []
        feed = frame.feed
        for redirect in redirects:
            found = self.commands.redirect(redirect, frame, extra, own, after)
            feed = found if found is not None else feed
        inner = replace(
            frame, redirects=frame.redirects + tuple(own), feed=feed, depth=frame.depth + 1
        )
        if len(body) == 1 and body[0].type == "command":
            self.commands.command(body[0], inner, extra)
        elif len(body) == 1 and body[0].type in ("pipeline", "list"):
            # Written after a pipeline or list, a redirection belongs to its last command alone.
            self._last_redirected(body[0], frame, inner)
        elif body:
            for child in body:
                self.visit(child, inner)
        elif own:
            run_command(self.state, [":"], (), inner)
        for node in after:
            if node.type == "pipeline":
                self.state.marks.add("pipeline")
                previous = self.state.drafts[begin:]
                self._stages([c for c in node.children if c.is_named], previous, frame)
            else:
                self.state.marks.add("compound")
                self.visit(node, frame.deeper())

    def _last_redirected(self, node: Node, frame: Frame, inner: Frame) -> None:
        children = [child for child in node.children if child.is_named]
        if node.type == "pipeline":
            self.state.marks.add("pipeline")
            begin = len(self.state.drafts)
            self._stages(children[:-1], None, frame)
            fed = inner
            if inner.feed is frame.feed:
                # The stage before the last one is what arrives; a here-document would replace it.
                fed = inner.fed(pipe(self.state.drafts[begin:]))
            self._with_last(children[-1], frame, fed)
            return
        self.state.marks.add("compound")
        for child in children[:-1]:
            self.visit(child, frame.deeper())
        self._with_last(children[-1], frame, inner)

    def _with_last(self, node: Node, frame: Frame, inner: Frame) -> None:
        if node.type in ("pipeline", "list"):
            self._last_redirected(node, frame, inner)
        else:
            self.visit(node, inner)


def _words_only(walk: Walk, node: Node, frame: Frame) -> None:
    """A word outside a simple command: only the substitutions in it run."""
    walk.words.expand(node, frame)


_HANDLERS: Final[dict[str, Callable[[Walk, Node, Frame], None]]] = {
    "command": lambda walk, node, frame: walk.commands.command(node, frame),
    "list": Walk._list,
    "pipeline": Walk._pipeline,
    "redirected_statement": Walk._redirected,
    "file_redirect": Walk._bare_redirect,
    "function_definition": Walk._function,
    "for_statement": Walk._for,
    "select_statement": Walk._for,
    "case_statement": Walk._case,
    "test_command": Walk._test,
    "variable_assignment": lambda walk, node, frame: walk.commands.assignments(node, frame),
    "variable_assignments": lambda walk, node, frame: walk.commands.assignments(node, frame),
    "declaration_command": lambda walk, node, frame: walk.commands.declaration(node, frame),
    "unset_command": lambda walk, node, frame: walk.commands.declaration(node, frame),
} | dict.fromkeys(WORD_NODES, _words_only)
