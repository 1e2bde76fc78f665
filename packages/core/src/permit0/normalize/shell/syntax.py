"""Walk the tree-sitter tree of a shell text and hand every simple command to `peel`.

Guarantees:
  * every command that may run is visited: lists, pipelines, bodies of compounds and functions,
    substitutions wherever they stand, the parts of a line that follow a here-document's start;
  * a text that the grammar cannot read without errors goes to `scan` and is marked "unparsed";
  * the tree is walked once; a simple command costs no more than its own nodes.
Does not: interpret a command (peel, classify), expand words (words).

tree-sitter-bash 0.25 has habits that this module undoes: a redirection swallows the words after
its target, a here-document swallows the rest of its line, touching nodes can be one bash word.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

import tree_sitter
import tree_sitter_bash

from permit0.errors import InvalidInput
from permit0.normalize.shell.features import (
    MAX_CHOICES,
    MAX_DEPTH,
    MAX_OPERATORS,
    MAX_REPARSE,
)
from permit0.normalize.shell.literals import literal_output
from permit0.normalize.shell.parts import Draft, Feed, Frame, Redirect, State, Word, flags_of
from permit0.normalize.shell.peel import run_command
from permit0.normalize.shell.scan import fast_stages, scan_text
from permit0.normalize.shell.words import Expander

__all__ = ["read_parsed", "read_text"]

_LANGUAGE: Final = tree_sitter.Language(tree_sitter_bash.language())
# A Parser must not be shared between threads; making one costs 0.3 us more than keeping it.
_LOCAL: Final = threading.local()

MAX_PIECES: Final = 16
"""Commands of one pipeline stage whose outputs are put together."""

_ASCII: Final = bytes(range(128)) + b"x" * 128
"""The parser sees every byte above 127 as a letter, and words are cut from the text itself.

To bash they are letters too, while the scanner of tree-sitter-bash 0.25 asks the C library's ctype
tables about code points far outside of them and can crash the process."""

_SUBSTITUTIONS: Final = frozenset({"command_substitution", "process_substitution"})
_REDIRECTS: Final = frozenset({"file_redirect", "heredoc_redirect", "herestring_redirect"})


def _parser() -> tree_sitter.Parser:
    parser: tree_sitter.Parser | None = getattr(_LOCAL, "parser", None)
    if parser is None:
        parser = _LOCAL.parser = tree_sitter.Parser(_LANGUAGE)
    return parser


def read_text(state: State, text: str, frame: Frame) -> None:
    """Read a shell text (a byte view) and emit all its commands into `state`."""
    if frame.reparse > MAX_REPARSE:
        state.marks.add("obfuscated")
        return
    stages = fast_stages(text)
    if stages is None:
        read_parsed(state, text, frame)
        return
    if len(stages) > 1:
        state.marks.add("pipeline")
    previous: list[Draft] | None = None
    for words in stages:
        begin = len(state.drafts)
        state.count(len(words))
        inner = frame
        if previous is not None:
            inner = frame._replace(feed=_pipe(previous))
        run_command(state, words, (), inner)
        previous = state.drafts[begin:]


def read_parsed(state: State, text: str, frame: Frame) -> None:
    """The same, always through the grammar."""
    if text.count("|") + text.count("(") > MAX_OPERATORS:
        state.marks.add("unparsed")
        scan_text(state, text, frame)
        return
    tree = _parser().parse(text.encode("latin-1").translate(_ASCII))
    root = tree.root_node
    if root.has_error:
        state.marks.add("unparsed")
        scan_text(state, text, frame)
        return
    _Walk(state, text).visit(root, frame)


def _pipe(drafts: list[Draft]) -> Feed:
    return Feed("pipe", tuple(drafts), _known_output(drafts))


def _known_output(drafts: list[Draft]) -> str | None:
    """What a stage prints: `(echo a; echo b)` prints both. Unknown for a pipeline in a stage."""
    if not drafts or len(drafts) > MAX_PIECES:
        return None
    text = ""
    for draft in drafts:
        if draft.feed is not drafts[0].feed:
            return None
        piece = literal_output(draft)
        if piece is None:
            return None
        text += piece
    return text


class _Walk:
    """One walk over one tree."""

    __slots__ = ("expander", "frame", "spans", "state", "text")

    def __init__(self, state: State, text: str) -> None:
        self.state = state
        self.text = text
        self.spans: dict[int, tuple[int, object]] = {}
        self.expander = Expander(text, state, self.spans, self._substitute)
        self.frame = Frame()

    # -- statements -------------------------------------------------------------------------

    def visit(self, node: tree_sitter.Node, frame: Frame) -> None:
        if frame.depth > MAX_DEPTH:
            raise InvalidInput(
                f"shell line nests deeper than {MAX_DEPTH} levels; split it",
                reason_code="shell_too_deep",
            )
        if node.type not in _WORDS:
            self._check_gaps(node, frame)
        handler = _HANDLERS.get(node.type)
        if handler is not None:
            handler(self, node, frame)
        else:
            self._children(node, frame)

    def _check_gaps(self, node: tree_sitter.Node, frame: Frame) -> None:
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

    def _children(self, node: tree_sitter.Node, frame: Frame) -> None:
        inner = frame._replace(depth=frame.depth + 1)
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

    def _list(self, node: tree_sitter.Node, frame: Frame) -> None:
        """`a && b || c` leans left, one level per operator: walk it without recursion."""
        self.state.marks.add("compound")
        rights: list[tree_sitter.Node] = []
        inner = frame._replace(depth=frame.depth + 1)
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

    def _pipeline(self, node: tree_sitter.Node, frame: Frame) -> None:
        self.state.marks.add("pipeline")
        self._stages([child for child in node.children if child.is_named], None, frame)

    def _stages(
        self, nodes: list[tree_sitter.Node], previous: list[Draft] | None, frame: Frame
    ) -> None:
        inner = frame._replace(depth=frame.depth + 1)
        for child in nodes:
            if child.type == "comment":
                continue
            begin = len(self.state.drafts)
            fed = inner if previous is None else inner._replace(feed=_pipe(previous))
            self.visit(child, fed)
            previous = self.state.drafts[begin:]

    def _function(self, node: tree_sitter.Node, frame: Frame) -> None:
        self.state.marks.add("function")
        named = [child for child in node.children if child.is_named]
        name = self._source(named[0])
        self.state.functions.add(name)
        self.state.in_function += 1
        begin = len(self.state.drafts)
        for child in named[1:]:
            self.visit(child, frame._replace(depth=frame.depth + 1))
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

    def _call(self, nodes: list[tree_sitter.Node], call: Frame) -> None:
        """Read a function's body again, with the arguments of a call."""
        for node in nodes:
            self.visit(node, call._replace(depth=call.depth + 1))

    def _for(self, node: tree_sitter.Node, frame: Frame) -> None:
        name = ""
        for child in node.children:
            if not child.is_named:
                continue
            kind = child.type
            if kind == "variable_name" and not name:
                name = self._source(child)
            elif kind in ("do_group", "compound_statement"):
                self.visit(child, frame._replace(depth=frame.depth + 1))
            else:
                for value in self._expand(child, frame):
                    self.state.assign(name, value)

    def _case(self, node: tree_sitter.Node, frame: Frame) -> None:
        for child in node.children:
            if child.is_named:
                if child.type == "case_item":
                    self._children(child, frame)
                elif child.child_count:
                    self._expand(child, frame)

    def _test(self, node: tree_sitter.Node, frame: Frame) -> None:
        self._children(node, frame)
        words = self.text[node.start_byte : node.end_byte].split()
        run_command(self.state, words, (), frame)

    # -- simple commands --------------------------------------------------------------------

    def _redirected(self, node: tree_sitter.Node, frame: Frame) -> None:
        body: list[tree_sitter.Node] = []
        redirects: list[tree_sitter.Node] = []
        for child in node.children:
            if child.is_named:
                (redirects if child.type in _REDIRECTS else body).append(child)
        self._with_redirects(body, redirects, frame)

    def _with_redirects(
        self, body: list[tree_sitter.Node], redirects: list[tree_sitter.Node], frame: Frame
    ) -> None:
        begin = len(self.state.drafts)
        extra: list[str] = []
        after: list[tree_sitter.Node] = []
        own: list[Redirect] = []
        feed = frame.feed
        for redirect in redirects:
            found = self._redirect(redirect, frame, extra, own, after)
            feed = found if found is not None else feed
        inner = frame._replace(
            redirects=frame.redirects + tuple(own), feed=feed, depth=frame.depth + 1
        )
        if len(body) == 1 and body[0].type == "command":
            self._command(body[0], inner, extra)
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
                self.visit(node, frame._replace(depth=frame.depth + 1))

    def _last_redirected(self, node: tree_sitter.Node, frame: Frame, inner: Frame) -> None:
        children = [child for child in node.children if child.is_named]
        if node.type == "pipeline":
            self.state.marks.add("pipeline")
            begin = len(self.state.drafts)
            self._stages(children[:-1], None, frame)
            fed = inner
            if inner.feed is frame.feed:
                # The stage before the last one is what arrives; a here-document would replace it.
                fed = inner._replace(feed=_pipe(self.state.drafts[begin:]))
            self._with_last(children[-1], frame, fed)
            return
        self.state.marks.add("compound")
        for child in children[:-1]:
            self.visit(child, frame._replace(depth=frame.depth + 1))
        self._with_last(children[-1], frame, inner)

    def _with_last(self, node: tree_sitter.Node, frame: Frame, inner: Frame) -> None:
        if node.type in ("pipeline", "list"):
            self._last_redirected(node, frame, inner)
        else:
            self.visit(node, inner)

    def _redirect(
        self,
        node: tree_sitter.Node,
        frame: Frame,
        extra: list[str],
        own: list[Redirect],
        after: list[tree_sitter.Node],
    ) -> Feed | None:
        kind = node.type
        if kind == "herestring_redirect":
            value = ""
            for child in node.children:
                if child.is_named and child.type != "file_descriptor":
                    value = self._one(child, frame)
            known = None if flags_of(value) else value + "\n"
            return Feed("text", (), known)
        if kind == "heredoc_redirect":
            return self._heredoc(node, frame, extra, own, after)
        op = ""
        target: str | None = None
        for start, end, nodes in self._groups(
            [child for child in node.children if child.type != "file_descriptor"]
        ):
            source = self.text[start:end]
            if op == "":
                op = source
                continue
            if source.isdigit() and self.text[end : end + 1] in ("<", ">"):
                continue  # the descriptor of the next redirection
            words = self._expand_span(start, end, nodes, frame)
            if target is None:
                target = words[0] if words else ""
                extra += words[1:]
            else:
                extra += words
        own.append(Redirect(op, target or ""))
        return None

    def _heredoc(
        self,
        node: tree_sitter.Node,
        frame: Frame,
        extra: list[str],
        own: list[Redirect],
        after: list[tree_sitter.Node],
    ) -> Feed:
        self.state.marks.add("heredoc")
        raw = False
        value: str = ""
        for child in node.children:
            kind = child.type
            if not child.is_named:
                continue
            if kind == "heredoc_start":
                raw = any(mark in self._source(child) for mark in "'\"\\")
                if not self._source(child).isascii():
                    # The parser cannot tell two such delimiters apart and may end the text early.
                    self.state.marks.add("unparsed")
                    scan_text(self.state, self.text, frame)
            elif kind == "heredoc_body":
                if raw:
                    value = self._source(child)
                else:
                    self._find_spans(child)
                    self.frame = frame
                    value = self.expander.quoted(child.start_byte, child.end_byte, heredoc=True)
            elif kind == "file_redirect" or kind in ("herestring_redirect", "heredoc_redirect"):
                self._redirect(child, frame, extra, own, after)
            elif kind not in ("heredoc_end", "comment", "file_descriptor"):
                if kind in _WORDS:
                    extra += self._expand(child, frame)
                else:
                    after.append(child)
        return Feed("text", (), None if flags_of(value) else value)

    def _command(
        self, node: tree_sitter.Node, frame: Frame, extra: list[str] | None = None
    ) -> None:
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

    def _command_once(
        self, node: tree_sitter.Node, frame: Frame, extra: list[str] | None = None
    ) -> None:
        begin = len(self.state.drafts)
        words: list[str] = []
        own: list[Redirect] = []
        more: list[str] = []
        assigned: list[str] = []
        after: list[tree_sitter.Node] = []
        feed: Feed | None = None
        plain: list[tree_sitter.Node] = []
        for child in node.children:
            kind = child.type
            if kind == "variable_assignment":
                assigned.append(self._assignment(child, frame, keep=False))
            elif kind in _REDIRECTS:
                words += self._word_list(plain, frame)
                plain = []
                feed = self._redirect(child, frame, more, own, after) or feed
                words += more
                more.clear()
            else:
                plain.append(child)
        words += self._word_list(plain, frame)
        if extra:
            words += extra
        inner = frame
        if own or feed is not None:
            inner = frame._replace(
                redirects=frame.redirects + tuple(own),
                feed=feed if feed is not None else frame.feed,
            )
        inside = tuple(self.state.drafts[begin:])
        run_command(self.state, words, inside, inner, assigned)
        for later in after:
            self.visit(later, frame._replace(depth=frame.depth + 1))

    def _declaration(self, node: tree_sitter.Node, frame: Frame) -> None:
        begin = len(self.state.drafts)
        words: list[str] = []
        plain: list[tree_sitter.Node] = []
        for child in node.children:
            if child.type == "variable_assignment":
                words += self._word_list(plain, frame)
                plain = []
                words.append(self._assignment(child, frame, keep=True))
            else:
                plain.append(child)
        words += self._word_list(plain, frame)
        run_command(self.state, words, tuple(self.state.drafts[begin:]), frame)

    def _assignments(self, node: tree_sitter.Node, frame: Frame) -> None:
        """One or more assignments that are a statement of their own."""
        begin = len(self.state.drafts)
        nodes = [node] if node.type == "variable_assignment" else node.children
        assigned = [
            self._assignment(child, frame, keep=True)
            for child in nodes
            if child.type == "variable_assignment"
        ]
        run_command(self.state, [], tuple(self.state.drafts[begin:]), frame, assigned)

    def _assignment(self, node: tree_sitter.Node, frame: Frame, *, keep: bool) -> str:
        """Read `name=value`; returns it as one word. keep: it lasts beyond this command."""
        name = ""
        value: str = ""
        append = False
        start = 0
        for child in node.children:
            kind = child.type
            if kind in ("variable_name", "subscript") and not name:
                name = self._source(child)
                start = child.end_byte
            elif kind in ("=", "+="):
                append = kind == "+="
                start = child.end_byte
            elif kind == "array":
                items: list[str] = []
                for item in child.children:
                    if item.is_named:
                        items += self._expand(item, frame)
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

    # -- words ------------------------------------------------------------------------------

    def _source(self, node: tree_sitter.Node) -> str:
        return self.text[node.start_byte : node.end_byte].strip()

    def _groups(
        self, nodes: list[tree_sitter.Node]
    ) -> list[tuple[int, int, list[tree_sitter.Node]]]:
        """Nodes that touch each other are one word."""
        groups: list[tuple[int, int, list[tree_sitter.Node]]] = []
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

    def _word_list(self, nodes: list[tree_sitter.Node], frame: Frame) -> list[str]:
        words: list[str] = []
        for start, end, group in self._groups(nodes):
            words += self._expand_span(start, end, group, frame)
        return words

    def _expand(self, node: tree_sitter.Node, frame: Frame) -> list[str]:
        return self._word_list([node], frame)

    def _expand_span(
        self, start: int, end: int, nodes: list[tree_sitter.Node], frame: Frame
    ) -> list[str]:
        for node in nodes:
            if node.child_count:
                self._find_spans(node)
        self.frame = frame
        return self.expander.words(start, end)

    def _one(self, node: tree_sitter.Node, frame: Frame) -> str:
        self._find_spans(node)
        self.frame = frame
        return self.expander.one(node.start_byte, node.end_byte)

    def _find_spans(self, node: tree_sitter.Node) -> None:
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
        inner = frame._replace(depth=frame.depth + 1, feed=None, redirects=())
        if isinstance(node, tree_sitter.Node):
            self._children(node, inner)
        else:
            state.read_text(state, inside, inner._replace(reparse=frame.reparse + 1))
        self.frame = frame
        found = state.drafts[begin:]
        if any(draft.feed is not None for draft in found):
            if any(draft.feed is None for draft in found[1:]):
                return None
            return literal_output(found[-1])
        return _known_output(found)


_WORDS: Final = frozenset(
    {
        "ansi_c_string", "arithmetic_expansion", "brace_expression", "command_substitution",
        "concatenation", "expansion", "number", "process_substitution", "raw_string",
        "simple_expansion", "string", "translated_string", "word",
    }
)  # fmt: skip


def _words_only(walk: _Walk, node: tree_sitter.Node, frame: Frame) -> None:
    """A word outside a simple command: only the substitutions in it run."""
    walk._expand(node, frame)


_HANDLERS: Final[dict[str, Callable[[_Walk, tree_sitter.Node, Frame], None]]] = {
    "command": _Walk._command,
    "list": _Walk._list,
    "pipeline": _Walk._pipeline,
    "redirected_statement": _Walk._redirected,
    "function_definition": _Walk._function,
    "for_statement": _Walk._for,
    "select_statement": _Walk._for,
    "case_statement": _Walk._case,
    "test_command": _Walk._test,
    "variable_assignment": _Walk._assignments,
    "variable_assignments": _Walk._assignments,
    "declaration_command": _Walk._declaration,
    "unset_command": _Walk._declaration,
} | dict.fromkeys(_WORDS, _words_only)
