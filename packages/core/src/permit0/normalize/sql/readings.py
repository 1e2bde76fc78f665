"""Cut a text into tokens, once for every way in which a server may read it.

Guarantees:
  * the text of a reading is free of comments and special quoting: what the parser gets, it sees as the
    lexer did; a comment becomes a blank, an executable one its content;
  * servers that differ about where a string, a name or a comment ends give different readings;
  * what no server reads well (an open quote, control and invisible signs) is a mark, never skipped.
Does not: know statements (statements). Work is linear in the text, times the number of lexers.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

import msgspec

from permit0.normalize.sql.dialects import EVERY_LEXER, Lexer, find_dialect

__all__ = [
    "MAX_PIECES",
    "NAME",
    "NUMBER",
    "SIGN",
    "TEXT",
    "VALUE",
    "WORD",
    "Reading",
    "Token",
    "readings",
]

WORD, NAME, TEXT, NUMBER, VALUE, SIGN = "word", "name", "text", "number", "value", "sign"
"""Kinds of tokens: unquoted word, quoted name, string, number, placeholder, anything else."""

MAX_PIECES: Final = 8192
"""Tokens, blanks and comments of a text that servers may read differently: it is cut nine times."""

# Without one of these, every lexer reads a text alike.
_DIFFERENCES = re.compile(
    r"[\\#`\[]|\$(?!\d)|--|/\*|//|'''|\"\"\"|(?<![\w$])[eErRqQbBnNxXuU]{1,2}&?['\"]"
)
_UNUSUAL = re.compile(r"[^\t\n\x20-\x7e]")
_PLAIN = re.compile(
    r"(?P<blank>[ \t\r\n]+)|(?P<word>[^\W\d][\w$]*)|'(?P<text>(?:[^']|'')*+)'"
    r"|\"(?P<name>(?:[^\"]|\"\")*+)\""
    r"|(?P<number>0[xX][0-9a-fA-F]+|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)"
    r"|(?P<value>\$\d+|@{1,2}\w+|(?<!:):[A-Za-z_]\w*|%s|%\(\w+\)s|\?(?![|&?]))|(?P<sign>.)",
    re.DOTALL,
)
_ESCAPED = re.compile(r"'((?:[^'\\]|\\.|'')*+)'", re.DOTALL)
_ESCAPED_NAME = re.compile(r'"((?:[^"\\]|\\.|"")*+)"', re.DOTALL)
_SIMPLE_BRACKETS = re.compile(r"\[[\w $.,-]*\](?!\])")
_SIMPLE_TICKS = re.compile(r"`[\w $.-]+`")
_BRACKETS = re.compile(r"\[((?:[^\]]|\]\])*+)\]")
_TICKS = re.compile(r"`((?:[^`]|``)*+)`")
_LINE = re.compile(r"[^\n]*")
_DOLLAR = re.compile(r"\$(?:[A-Za-z_]\w*)?\$")
_VERSION = re.compile(r"!\d{0,6}")
_NESTING = re.compile(r"/\*|\*/")
_UNESCAPE = re.compile(r"\\(.)", re.DOTALL)
# The parser never sees a backslash: to some dialects it would be an escape again.
BACKSLASH: Final = "\u2216"
_PREFIXES = frozenset({"r", "rb", "br", "q", "nq", "u"})


class Token(msgspec.Struct, frozen=True, gc=False):
    """kind: see above. text: a word folded, a string or name without quotes. at: place in `text`."""

    kind: str
    text: str
    at: int


class Reading(msgspec.Struct, frozen=True):
    """The text as one group of servers reads it.

    text: for the parser. parser: its dialect; "" if every server reads it so. marks: what is odd.
    """

    text: str
    tokens: tuple[Token, ...]
    parser: str
    marks: frozenset[str]


def readings(text: str, dialect: str | None) -> tuple[Reading, ...]:
    """Every different reading of a text, at least one."""
    lexer = find_dialect(dialect)
    alike = _DIFFERENCES.search(text) is None
    if alike and _UNUSUAL.search(text) is None and (lexer is None or not lexer.texts):
        tokens = tuple([Token(kind, part, at) for kind, part, at in _plain(text)])
        marks = frozenset({"unreadable"}) if _open_quote(tokens) else frozenset[str]()
        return (Reading(text, tokens, "" if lexer is None else lexer.parser, marks),)
    if lexer is not None:
        return (_Scanner(text, lexer).run(),)
    found: dict[str, Reading] = {}
    for each in EVERY_LEXER[:1] if alike else EVERY_LEXER:
        reading = _Scanner(text, each).run()
        found.setdefault(f"{'unreadable' in reading.marks}{reading.text}", reading)
    if len(found) == 1:
        only = next(iter(found.values()))
        return (msgspec.structs.replace(only, parser=""),)
    return tuple(found.values())


def _open_quote(tokens: tuple[Token, ...]) -> bool:
    return any(token.kind == SIGN and token.text in "'\"" for token in tokens)


def _plain(text: str) -> Iterator[tuple[str, str, int]]:
    for match in _PLAIN.finditer(text):
        kind = match.lastgroup
        if kind == "word":
            yield WORD, match.group().casefold(), match.start()
        elif kind == "text":
            yield TEXT, match["text"].replace("''", "'"), match.start()
        elif kind == "name":
            yield NAME, match["name"].replace('""', '"'), match.start()
        elif kind != "blank":
            yield kind or SIGN, match.group(), match.start()


class _Scanner:
    """One pass of one lexer over one text."""

    def __init__(self, text: str, lexer: Lexer) -> None:
        self._text = text
        self._lexer = lexer
        self._out: list[str] = []
        self._size = 0
        self._tokens: list[Token] = []
        self._marks: set[str] = set()
        self._inside = 0  # executable comments that are open

    def run(self) -> Reading:
        """Read the whole text."""
        at = 0
        pieces = 0
        while at < len(self._text):
            at = self._step(at)
            pieces += 1
            if pieces > MAX_PIECES:
                self._marks.add("unreadable")
                break
        if self._inside:
            self._marks.add("unreadable")
        return Reading(
            "".join(self._out), tuple(self._tokens), self._lexer.parser, frozenset(self._marks)
        )

    def _add(self, kind: str, token: str, written: str) -> None:
        self._tokens.append(Token(kind, token, self._size))
        self._write(written)

    def _write(self, written: str) -> None:
        self._out.append(written)
        self._size += len(written)

    def _step(self, at: int) -> int:
        text, lexer = self._text, self._lexer
        sign = text[at]
        if sign in "-#/*":
            after = self._comment(at)
            if after is not None:
                return after
        if sign in "'\"":
            return self._quoted(at)
        if sign == "$" and lexer.dollar:
            tag = _DOLLAR.match(text, at)
            if tag is not None and (lexer.parser != "snowflake" or tag.group() == "$$"):
                end = text.find(tag.group(), tag.end())
                return self._string(text[tag.end() : end], end + len(tag.group()) if end > 0 else 0)
        if sign == "[":
            simple = _SIMPLE_BRACKETS.match(text, at)
            whole = simple or (_BRACKETS.match(text, at) if lexer.brackets else None)
            if simple is not None:
                return self._brackets(simple)
            if whole is not None:
                return self._name(whole.group(1).replace("]]", "]"), whole.end())
            if (
                lexer.brackets
            ):  # open to the end; looking again behind every `[` would take for ever
                self._marks.add("unreadable")
                return len(text)
        if sign == "`":
            simple = _SIMPLE_TICKS.match(text, at)
            if simple is not None:
                self._add(NAME, simple.group()[1:-1], simple.group())
                return simple.end()
            whole = _TICKS.match(text, at) if lexer.backticks else None
            if whole is not None:
                return self._name(whole.group(1).replace("``", "`"), whole.end())
            self._marks.add("unreadable")
            if lexer.backticks:
                return len(text)
        match = _PLAIN.match(text, at)
        if match is None:  # cannot be: the last branch takes any sign
            raise AssertionError("a sign that no branch reads")
        return self._token(match)

    def _brackets(self, match: re.Match[str]) -> int:
        """A name to some, an index to others; both see the same words."""
        for inner in _PLAIN.finditer(match.group()[1:-1]):
            if inner.lastgroup == "word":
                self._tokens.append(Token(NAME, inner.group().casefold(), self._size))
        self._tokens.append(Token(SIGN, "]", self._size))
        self._write(match.group())
        return match.end()

    def _token(self, match: re.Match[str]) -> int:
        written = match.group()
        kind = match.lastgroup
        if kind == "blank":
            self._write(written)
            if "\r" in written and "\r" in written.replace("\r\n", ""):
                self._marks.add("ambiguous")  # a line end to some: it ends a comment
        elif kind == "word":
            self._word(written, match.end())
        elif kind == "text" or kind == "name":  # reads better than a set
            raise AssertionError("quotes are read before")
        else:
            if kind == "sign" and not (" " < written < "\x7f"):
                self._marks.add("ambiguous")
            if kind == "sign" and written == "\\":
                self._marks.add("client")
                written = BACKSLASH
            self._add(kind or SIGN, written, written)
        return match.end()

    def _word(self, word: str, end: int) -> None:
        if not word.isascii() and unicodedata.normalize("NFKC", word) != word:
            self._marks.add("encoded")  # full-width letters are letters to some
        folded = word.casefold()
        following = self._text[end : end + 2]
        if (following[:1] in ("'", '"') and folded in _PREFIXES) or (
            folded == "u" and following[:1] == "&" and following[1:] in ("'", '"')
        ):
            self._marks.add("encoded")
        if (
            folded == "e"
            and following[:1] == "'"
            and (self._lexer.escapes or self._lexer.backslash)
        ):
            return  # the parser gets the string as it is meant
        self._add(WORD, folded, word)

    def _quoted(self, at: int) -> int:
        text, lexer = self._text, self._lexer
        quote = text[at]
        if lexer.triple and text.startswith(quote * 3, at):
            end = text.find(quote * 3, at + 3)
            return self._string(text[at + 3 : end], end + 3 if end > 0 else 0)
        single = quote == "'"
        escaped = lexer.backslash and (single or lexer.parser != "snowflake")
        if single and lexer.escapes and text[at - 1 : at] in ("e", "E") and at > 0:
            escaped = escaped or at < 2 or not (text[at - 2].isalnum() or text[at - 2] in "_$")
        if escaped:
            match = (_ESCAPED if single else _ESCAPED_NAME).match(text, at)
        else:
            match = _PLAIN.match(text, at)
            if match is not None and match.lastgroup == "sign":
                match = None
        if match is None:
            return self._string("", 0)
        content = match.group()[1:-1].replace(quote * 2, quote)
        if escaped:
            content = _UNESCAPE.sub(_unescaped, content)
        if single or lexer.texts:
            return self._string(content, match.end())
        return self._name(content, match.end())

    def _string(self, content: str, end: int) -> int:
        """Write a string; end 0: it has none."""
        if not end:
            self._marks.add("unreadable")
            self._add(TEXT, "", "''")
            return len(self._text)
        written = content.replace("\\", BACKSLASH).replace("'", "''")
        self._add(TEXT, content, f"'{written}'")
        return end

    def _name(self, content: str, end: int) -> int:
        written = content.replace("\\", BACKSLASH).replace('"', '""')
        self._add(NAME, content, f'"{written}"')
        return end

    def _comment(self, at: int) -> int | None:
        """Where a comment that starts here ends; None if none does."""
        text, lexer = self._text, self._lexer
        two = text[at : at + 2]
        starts = (
            (two == "--" and not (lexer.spaced and text[at + 2 : at + 3] not in _BLANKS))
            or (two[0] == "#" and lexer.hashes)
            or (two == "//" and lexer.slashes)
        )
        if starts:
            match = _LINE.match(text, at)
            end = len(text) if match is None else match.end()
            if _ODD_IN_COMMENT.search(text, at, end):
                self._marks.add("ambiguous")
            self._write(" ")
            return end
        if two == "*/" and self._inside:
            self._inside -= 1
            self._write(" ")
            return at + 2
        if two != "/*":
            return None
        executable = text[at + 2 : at + 3] == "!" or text[at + 2 : at + 4] in ("M!", "m!")
        if executable and lexer.executable:
            version = _VERSION.match(text, text.index("!", at))
            self._inside += 1
            self._marks.add("ambiguous")  # a server of another version skips it
            self._write(" ")
            return at + 3 if version is None else version.end()
        self._write(" ")
        return self._block_end(at)

    def _block_end(self, at: int) -> int:
        depth = 0
        for match in _NESTING.finditer(self._text, at):
            if match.group() == "*/":
                depth -= 1
            elif depth == 0 or self._lexer.nested:
                depth += 1
            if depth <= 0:
                return match.end()
        self._marks.add("unreadable")
        return len(self._text)


_BLANKS = ("", " ", "\t", "\n", "\r")
_ODD_IN_COMMENT = re.compile(r"\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x85\u2028\u2029]")


def _unescaped(match: re.Match[str]) -> str:
    """A quote or a backslash; any other escape stays as it is, since servers differ."""
    return match.group(1) if match.group(1) in "'\"\\`%_" else match.group()
