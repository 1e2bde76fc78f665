"""Expand the source text of one shell word as bash would, as far as that is decidable.

Guarantees:
  * quotes, backslashes, ANSI-C strings, brace expansion and ${IFS} give the words bash gives;
  * variables that the line itself sets, and substitutions whose output is a literal, are resolved;
  * anything else keeps its source text and is flagged DYNAMIC, never silently dropped;
  * every command substitution met is handed to `substitute`, exactly once per pass.
Does not: find word boundaries (tree_words, scan), expand globs or tildes, evaluate arithmetic.
Texts are byte views: UTF-8 read as latin-1, so that positions equal tree-sitter's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from permit0.normalize.shell.atoms import (
    BARE,
    FIELD,
    KEPT,
    QUOTE,
    SPLIT,
    SUBBED,
    Atom,
    brace_words,
    fields,
    has_glob,
    join,
)
from permit0.normalize.shell.parts import DYNAMIC, GLOB, QUOTED, SUBST, State, Word, flags_of
from permit0.normalize.shell.quoting import ansi_c, matching

__all__ = ["Expander"]
_RUN = re.compile(r"[^\\'\"$`<>{},]+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PARAM = re.compile(
    r"(!?)(#?)([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-])(?:\[([^\]]*)\])?(.*)", re.DOTALL
)
_SLICE = re.compile(r":\s*(\d+)(?::\s*(\d+))?$")


class Expander:
    """Expands words of one source text.

    spans: start of each substitution the grammar found -> (end, node), so that its end is the
        grammar's and not a guess. substitute: called with (source inside, node or None); returns
        the output if it is a known literal.
    """

    __slots__ = ("spans", "state", "substitute", "text")

    def __init__(
        self,
        text: str,
        state: State,
        spans: Mapping[int, tuple[int, object]],
        substitute: Callable[[str, object], str | None],
    ) -> None:
        self.text = text
        self.state = state
        self.spans = spans
        self.substitute = substitute

    def words(self, start: int, end: int) -> list[str]:
        """The words that the source between start and end becomes; none, one or several."""
        run = _RUN.match(self.text, start, end)
        if run is not None and run.end() == end:  # nothing to expand, as most words
            self.state.count(1)
            text = run.group()
            return [Word(text, GLOB) if has_glob(text) else text]
        atoms = self._unquoted(start, end)
        if len(atoms) == 1 and atoms[0][1] <= QUOTE:
            text, kind = atoms[0]
            self.state.count(1)
            if kind == QUOTE:
                return [Word(text, QUOTED)]
            return [Word(text, GLOB) if has_glob(text) else text]
        alternatives = brace_words(atoms)
        if alternatives is None:
            self.state.marks.add("obfuscated")
            alternatives = [atoms]
        separators = self.state.variables.get("IFS", [" \t\n"])[-1]
        words: list[str] = []
        for alternative in alternatives:
            words += fields(alternative, separators)
        self.state.count(len(words))
        return words

    def one(self, start: int, end: int) -> str:
        """The same as one word, without field splitting: an assignment or a here-string."""
        return join(self._unquoted(start, end))

    def quoted(self, start: int, end: int, *, heredoc: bool = False) -> str:
        """The text as inside double quotes, or of a here-document."""
        return join(self._double(start, end, heredoc=heredoc))

    # -- scanning ---------------------------------------------------------------------------

    def _unquoted(self, i: int, end: int) -> list[Atom]:
        text = self.text
        atoms: list[Atom] = []
        while i < end:
            run = _RUN.match(text, i, end)
            if run is not None:
                atoms.append((run.group(), BARE))
                i = run.end()
                continue
            c = text[i]
            if c == "\\":
                if i + 1 < end and text[i + 1] != "\n":
                    atoms.append((text[i + 1], QUOTE))
                i += 2
            elif c == "'":
                close = text.find("'", i + 1, end)
                close = end if close < 0 else close
                atoms.append((text[i + 1 : close], QUOTE))
                i = close + 1
            elif c == '"':
                close = self._string_end(i + 1, end)
                atoms.append(("", QUOTE))
                atoms += self._double(i + 1, close)
                i = close + 1
            elif c == "$":
                i = self._dollar(i, end, atoms, quoted=False)
            elif c == "`":
                i = self._backtick(i, end, atoms, quoted=False)
            elif c in "<>" and i + 1 < end and text[i + 1] == "(":
                i = self._substitution(i, i + 2, end, atoms, quoted=True)
            else:
                atoms.append((c, BARE))
                i += 1
        return atoms

    def _string_end(self, i: int, end: int) -> int:
        text = self.text
        while i < end:
            c = text[i]
            if c == "\\":
                i += 2
            elif c == '"':
                return i
            elif i in self.spans:
                i = max(self.spans[i][0], i + 1)
            elif c == "$" and i + 1 < end and text[i + 1] in "({":
                after = matching(text, i + 2, end, text[i + 1])
                i = after if after > 0 else i + 2
            else:
                i += 1
        return end

    def _double(self, i: int, end: int, *, heredoc: bool = False) -> list[Atom]:
        text = self.text
        atoms: list[Atom] = []
        special = "$`\\\n" if heredoc else '$`"\\\n'
        begin = i
        while i < end:
            c = text[i]
            if c not in "$`\\":
                i += 1
                continue
            if begin < i:
                atoms.append((text[begin:i], QUOTE))
            if c == "$":
                i = self._dollar(i, end, atoms, quoted=True)
            elif c == "`":
                i = self._backtick(i, end, atoms, quoted=True)
            else:
                follow = text[i + 1 : i + 2]
                if follow == "" or follow not in special:
                    atoms.append(("\\" + follow, QUOTE))
                elif follow != "\n":
                    atoms.append((follow, QUOTE))
                i += 2
            begin = i
        if begin < end:
            atoms.append((text[begin:end], QUOTE))
        return atoms

    def _backtick(self, i: int, end: int, atoms: list[Atom], *, quoted: bool) -> int:
        if i in self.spans:
            return self._substitution(i, i + 1, end, atoms, quoted=quoted)
        close = i + 1
        while close < end and self.text[close] != "`":
            close += 2 if self.text[close] == "\\" else 1
        close = min(close, end)
        inside = re.sub(r"\\([\\$`])", r"\1", self.text[i + 1 : close])
        self._output(i, close + 1, self.substitute(inside, None), atoms, quoted=quoted)
        return close + 1

    def _substitution(
        self, i: int, inner: int, end: int, atoms: list[Atom], *, quoted: bool
    ) -> int:
        span = self.spans.get(i)
        if span is not None:
            after, node = span
        else:
            node = None
            after = matching(self.text, inner, end, "(")
            if after < 0:  # never closed: read to the end, so that nothing is lost
                after = end + 1
        output = self.substitute(self.text[inner : after - 1], node)
        if self.text[i] in "<>":  # a process substitution is a file name, not its output
            output = None
        self._output(i, after, output, atoms, quoted=quoted)
        return after

    def _output(
        self, start: int, end: int, output: str | None, atoms: list[Atom], *, quoted: bool
    ) -> None:
        if output is None:
            atoms.append((self.text[start:end], SUBBED))
        else:
            atoms.append((output.rstrip("\n"), QUOTE if quoted else SPLIT))

    def _dollar(self, i: int, end: int, atoms: list[Atom], *, quoted: bool) -> int:
        text = self.text
        follow = text[i + 1] if i + 1 < end else ""
        if follow == "(":
            if text.startswith("$((", i) and i not in self.spans:
                after = matching(text, i + 2, end, "(")
                if after > 0 and text[after - 2 : after] == "))":
                    # Arithmetic: its value is a number, but it may hold substitutions.
                    self._double(i + 3, after - 2)
                    atoms.append((text[i:after], KEPT))
                    return after
            return self._substitution(i, i + 2, end, atoms, quoted=quoted)
        if follow == "{":
            after = matching(text, i + 2, end, "{")
            if after < 0:
                atoms.append((text[i:end], KEPT))
                return end
            self._parameter(i, after, atoms, quoted=quoted)
            return after
        if follow == "'" and not quoted:
            close = i + 2
            while close < end and text[close] != "'":
                close += 2 if text[close] == "\\" else 1
            atoms.append((ansi_c(text[i + 2 : min(close, end)]), QUOTE))
            return close + 1
        if follow == '"' and not quoted:
            return i + 1
        name = _NAME.match(text, i + 1, end)
        if name is not None:
            self._value(name.group(), text[i : name.end()], atoms, quoted=quoted)
            return name.end()
        if follow != "" and follow in "@*#?$!-0123456789":
            self._special(follow, text[i : i + 2], atoms, quoted=quoted)
            return i + 2
        atoms.append(("$", QUOTE))
        return i + 1

    # -- parameters -------------------------------------------------------------------------

    def _value(self, name: str, source: str, atoms: list[Atom], *, quoted: bool) -> None:
        if name in self.state.arrays:
            items = self.state.arrays[name]
            value: str | None = items[0] if items else ""
        else:
            value = self.state.lookup(name)
        if value is not None:
            self.state.grow(len(value))
        if value is None and name == "IFS":
            value = " \t\n"
        if value is None:
            atoms.append((source, KEPT))
        elif flags_of(value) & DYNAMIC:
            atoms.append((source, SUBBED if flags_of(value) & SUBST else KEPT))
        elif name == "IFS" and not quoted:
            # Used to separate words without a blank; as text it splits at itself.
            atoms.append((" ", SPLIT))
        else:
            atoms.append((str(value), QUOTE if quoted else SPLIT))

    def _special(self, name: str, source: str, atoms: list[Atom], *, quoted: bool) -> None:
        state = self.state
        if name in "#?$!-" or (name == "0") or state.in_function:
            atoms.append((source, KEPT))
        elif name in "@*":
            if quoted and name == "@":
                atoms += [(value, FIELD) for value in state.positional]
            else:
                atoms.append((" ".join(state.positional), QUOTE if quoted else SPLIT))
        else:
            # $1 of an agent's own line is empty, unless `set --` or `bash -c ... _ x` gave it.
            index = int(name) - 1
            given = state.positional[index] if index < len(state.positional) else ""
            atoms.append((given, QUOTE if quoted else SPLIT))

    def _parameter(self, start: int, end: int, atoms: list[Atom], *, quoted: bool) -> None:
        text = self.text
        source = text[start:end]
        match = _PARAM.fullmatch(text, start + 2, end - 1)
        if match is None:
            self._double(start + 2, end - 1)  # for the substitutions in it
            atoms.append((source, KEPT))
            return
        indirect, length, name, index, rest = match.groups()
        operand = match.start(5)
        if length:
            atoms.append((source, KEPT))
            return
        found: list[Atom] = []
        if index is not None and name in self.state.arrays:
            items = self.state.arrays[name]
            self.state.grow(sum(map(len, items)))
            if index in ("@", "*"):
                if quoted and index == "@":
                    found += [(item, FIELD) for item in items]
                else:
                    found.append((" ".join(items), QUOTE if quoted else SPLIT))
            elif index.isdigit() and int(index) < len(items):
                found.append((items[int(index)], QUOTE if quoted else SPLIT))
            else:
                found.append((source, KEPT))
        elif _NAME.match(name):
            self._value(name, source, found, quoted=quoted)
            if indirect and len(found) == 1 and found[0][1] in (QUOTE, SPLIT):
                target = found[0][0]
                found = []
                self._value(target, source, found, quoted=quoted)
        else:
            self._special(name[0] if len(name) == 1 else "#", source, found, quoted=quoted)
        atoms += self._operate(found, rest, operand, end - 1, source, quoted=quoted)

    def _operate(
        self,
        found: list[Atom],
        rest: str,
        operand: int,
        end: int,
        source: str,
        *,
        quoted: bool,
    ) -> list[Atom]:
        """Apply the operator after a parameter name, as far as its result is certain."""
        if rest == "":
            return found
        known = len(found) == 1 and found[0][1] in (QUOTE, SPLIT)
        colon = rest.startswith(":")
        op = rest[1:2] if colon else rest[0]
        if op in "-=+?" and op:
            begin = operand + (2 if colon else 1)
            given = self._double(begin, end) if quoted else self._unquoted(begin, end)
            if op == "+":
                return given
            if known and (found[0][0] or not colon):
                return found
            # Not set by the line: the environment may set it, but the default is what is written.
            return given
        self._double(operand, end)  # for the substitutions in it
        if not known:
            return [(source, found[0][1] if found else KEPT)]
        text, kind = found[0]
        cut = _SLICE.match(rest)
        if cut is not None:
            first = int(cut.group(1))
            return [(text[first:][: int(cut.group(2))] if cut.group(2) else text[first:], kind)]
        if rest in ("^^", ",,"):
            return [(text.upper() if rest == "^^" else text.lower(), kind)]
        if rest[0] in "#%/" and not re.search(r"[*?\[\\$`'\"]", rest):
            return [(_trim(text, rest), kind)]
        return [(source, KEPT)]


def _trim(text: str, rest: str) -> str:
    """Removal and replacement with plain patterns: ${a#x} ${a%x} ${a/x/y} ${a//x/y}."""
    if rest[0] == "#":
        return text.removeprefix(rest.lstrip("#"))
    if rest[0] == "%":
        return text.removesuffix(rest.lstrip("%"))
    everywhere = rest.startswith("//")
    pattern, _, new = rest[2 if everywhere else 1 :].partition("/")
    if pattern == "":
        return text
    return text.replace(pattern, new, -1 if everywhere else 1)
