"""Work out what a command prints when that is certain from the line alone.

Guarantees: a returned text is exactly the output (byte view); None whenever there is doubt.
Does not: run anything. It knows echo, printf, cat of its input, and the decoders that are used
to hide a command: base64, base32, xxd -r, rev, tr.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from permit0.normalize.shell.parts import DYNAMIC, GLOB, Draft, Feed, flags_of
from permit0.normalize.shell.quoting import ansi_c

__all__ = ["DECODERS", "MAX_PIECES", "is_decoder", "known_output", "literal_output", "pipe"]

MAX_OUTPUT: Final = 64 * 1024
"""Bytes of a decoded text; longer than the longest line that is read anyway."""

MAX_PIECES: Final = 16
"""Commands of one pipeline stage whose outputs are put together."""

DECODERS: Final = frozenset(
    {
        "base32", "base64", "basenc", "bunzip2", "gpg", "gunzip", "gzip", "openssl", "rev", "tr",
        "unxz", "uudecode", "xxd", "xz", "xzcat", "zcat", "zstd", "zstdcat",
    }
)  # fmt: skip

_DECODING: Final = {
    "base64": {"-d", "-D", "--decode", "-di", "-id"},
    "base32": {"-d", "-D", "--decode", "-di"},
    "basenc": {"-d", "--decode"},
    "xxd": {"-r", "-rp", "-p", "-ps"},
    "gzip": {"-d", "-dc", "-cd", "--decompress"},
    "xz": {"-d", "-dc", "-cd", "--decompress"},
    "zstd": {"-d", "-dc", "--decompress"},
    "openssl": {"-d", "-decode"},
    "gpg": {"-d", "--decrypt"},
}
_RANGE = re.compile(r"(.)-(.)", re.DOTALL)


def is_decoder(draft: Draft) -> bool:
    """Whether a command turns unreadable text back into readable text."""
    if draft.program not in DECODERS:
        return False
    wanted = _DECODING.get(draft.program)
    return wanted is None or any(word in wanted or word.startswith("--dec") for word in draft.argv)


def literal_output(draft: Draft) -> str | None:
    """The text that a command writes to standard output, if it is known exactly."""
    maker = _MAKERS.get(draft.program)
    if maker is None:
        return None
    for redirect in draft.redirects:
        if redirect.op not in ("<", ">&"):
            return None
    argv = draft.argv
    for word in argv:
        if flags_of(word) & (DYNAMIC | GLOB):
            return None
    text = maker(draft, argv)
    return None if text is None or len(text) > MAX_OUTPUT else text


def pipe(drafts: list[Draft]) -> Feed:
    """What arrives from the commands of the stage before."""
    return Feed("pipe", tuple(drafts), known_output(drafts))


def known_output(drafts: list[Draft]) -> str | None:
    """What a stage prints: `(echo a; echo b)` prints both. Unknown for a pipeline in a stage."""
    if not drafts or len(drafts) > MAX_PIECES or drafts[0].program not in _MAKERS:
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


def _echo(draft: Draft, argv: list[str]) -> str | None:
    words = list(argv)
    newline, escapes = "\n", False
    while words and re.fullmatch(r"-[neE]+", words[0]):
        option = words.pop(0)
        newline = "" if "n" in option else newline
        escapes = "e" in option or (escapes and "E" not in option)
    text = " ".join(words)
    # sh's own echo understands escapes without -e; bash's does not. Decoding is the riskier text.
    return (ansi_c(text) if escapes or "\\" in text else text) + newline


def _printf(draft: Draft, argv: list[str]) -> str | None:
    if argv and argv[0] == "--":
        argv = argv[1:]
    if not argv or argv[0] == "-v":
        return None
    form = ansi_c(str(argv[0]))
    values = [str(word) for word in argv[1:]]
    pieces = re.split(r"(%%|%[bs])", form)
    if any("%" in piece for piece in pieces[::2]):
        return None
    slots = sum(1 for piece in pieces[1::2] if piece != "%%")
    rounds = max(1, -(-len(values) // slots)) if slots else 1
    out: list[str] = []
    rest = iter(values)
    for _ in range(min(rounds, 256)):
        for piece in pieces:
            if piece == "%%":
                out.append("%")
            elif piece in ("%s", "%b"):
                value = next(rest, "")
                out.append(ansi_c(value) if piece == "%b" else value)
            else:
                out.append(piece)
    return "".join(out)


def _input(draft: Draft) -> str | None:
    return None if draft.feed is None else draft.feed.text


def _cat(draft: Draft, argv: list[str]) -> str | None:
    return _input(draft) if all(word == "-" for word in argv) and not draft.redirects else None


def _base64(draft: Draft, argv: list[str]) -> str | None:
    text = _input(draft)
    if text is None or not is_decoder(draft) or any(not word.startswith("-") for word in argv):
        return None
    raw = re.sub(r"[^A-Za-z0-9+/]", "", text)
    try:
        if draft.program == "base32":
            data = base64.b32decode(text.strip(), casefold=True)
        else:
            data = base64.b64decode(raw + "=" * (-len(raw) % 4))
        data.decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return data.decode("latin-1")


def _xxd(draft: Draft, argv: list[str]) -> str | None:
    text = _input(draft)
    options = "".join(word for word in argv if word.startswith("-"))
    if text is None or "r" not in options or "p" not in options:
        return None
    try:
        return bytes.fromhex(re.sub(r"\s", "", text)).decode("latin-1")
    except ValueError:
        return None


def _rev(draft: Draft, argv: list[str]) -> str | None:
    text = _input(draft)
    if text is None or argv:
        return None
    return "\n".join(line[::-1] for line in text.split("\n"))


def _spread(letters: str) -> str:
    def one(match: re.Match[str]) -> str:
        low, high = match.groups()
        return "".join(map(chr, range(ord(low), ord(high) + 1)))

    return _RANGE.sub(one, letters)


def _tr(draft: Draft, argv: list[str]) -> str | None:
    text = _input(draft)
    if text is None:
        return None
    if len(argv) == 2 and argv[0] == "-d":
        return text.translate(dict.fromkeys(map(ord, _spread(ansi_c(argv[1])))))
    if len(argv) != 2 or argv[0].startswith("-") or "[" in argv[0]:
        return None
    source, target = _spread(ansi_c(argv[0])), _spread(ansi_c(argv[1]))
    if not target:
        return None
    target += target[-1] * (len(source) - len(target))
    return text.translate({ord(a): b for a, b in zip(source, target, strict=False)})


def _which(draft: Draft, argv: list[str]) -> str | None:
    names = [word for word in argv if not word.startswith("-")]
    return names[0] + "\n" if len(names) == 1 else None


_MAKERS: Final = {
    "echo": _echo,
    "printf": _printf,
    "cat": _cat,
    "base64": _base64,
    "base32": _base64,
    "xxd": _xxd,
    "rev": _rev,
    "tr": _tr,
    "which": _which,
    "type": _which,
    "command": _which,
}
