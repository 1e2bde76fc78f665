"""What a text says besides its letters: what is written in it in another encoding.

Read are base64 (standard, for URLs, without padding, broken into lines, behind other characters), base32, hex,
percent-encoding, character references, backslash escapes, quoted-printable; and what is compressed with gzip
or zlib inside of one of them. Each answer is read once more, to MAX_DEPTH.
Guarantees: never raises for a text. Bounded: at most MAX_READINGS answers, together at most the given number of
characters; time is linear in the text. What is decoded but is no text gives no answer.
Does not: read archives, encryption, images, or an encoding that somebody made up.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
import zlib
from collections.abc import Iterator
from itertools import islice
from urllib.parse import unquote

__all__ = ["MAX_DECODED_CHARS", "MAX_DEPTH", "has_encoding", "readings"]

MAX_DEPTH = 2  # gzip inside of base64 is one; base64 in base64 is two
MAX_READINGS = 64
MAX_DECODED_CHARS = 64 * 1024
MAX_RUNS = 4_096  # of one sort in one text: more is a table of something
MIN_TEXT_CHARS = 6  # shorter than this is no secret

# Every run is taken whole (possessive): otherwise each of its signs begins a new search.
_BASE64_RUN = re.compile(r"[A-Za-z0-9+/_-]{16,}+")
_BASE64_WORD = re.compile(r"[A-Za-z0-9+/_-]{4,}+={0,2}+(\s{0,4}+)")
_BASE32_RUN = re.compile(r"[A-Z2-7]{24,}+")
_HEX_RUN = re.compile(r"[0-9A-Fa-f]{16,}+")
_HEX_PAIRS = re.compile(
    r"(?<![0-9A-Za-z])(?:0x)?[0-9A-Fa-f]{2}(?:[ \t\r\n:,-]{1,2}(?:0x)?[0-9A-Fa-f]{2}){7,}+"
)
_NOT_HEX = re.compile(r"0x|[^0-9A-Fa-f]")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2}))")
_QUOTED_PRINTABLE = re.compile(r"=[0-9A-F]{2}")
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_PRINTABLE = re.compile(rb"[\x20-\x7e\t\r\n]{%d,}" % MIN_TEXT_CHARS)
_SMALL = bytes(range(ord("a"), ord("z") + 1))
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
# The longest run of one sort of signs in ordinary text is a long word or a path.
_LONG = re.compile(r"[A-Za-z0-9+/_-]{24}")


def has_encoding(text: str, *, has_long: bool) -> bool:
    """Whether it may be worth to look; quick, and true for some ordinary texts.

    Args:
        text: The text.
        has_long: Whether it has a run of 15 letters, digits and the signs of base64 at all.
    """
    return (
        (has_long and _LONG.search(text) is not None)
        or "&#" in text
        or "\\x" in text
        or "\\u" in text
        or ("%" in text and _PERCENT.search(text) is not None)
        or (len(text) >= 23 and text.count(" ") * 3 + 2 >= len(text))  # pairs of hex digits
    )


def readings(
    text: str, *, max_chars: int = MAX_DECODED_CHARS, thorough: bool = False
) -> tuple[tuple[str, ...], bool]:
    """What else a text says.

    Args:
        text: The text.
        max_chars: How much may be decoded in all.
        thorough: Also where other characters stand before an encoded part, and where it is reversed.

    Returns:
        Other readings of it, without the text itself; whether that is all of them.
    """
    found: dict[str, None] = {}
    left = max_chars
    level = [text]
    for _ in range(MAX_DEPTH):
        deeper: list[str] = []
        for given in level:
            for other in _once(given, max_chars, thorough=thorough):
                if other == text or other in found or len(other) < MIN_TEXT_CHARS:
                    continue
                if len(found) >= MAX_READINGS or len(other) > left:
                    return tuple(found), False
                left -= len(other)
                found[other] = None
                if len(other) >= max_chars:  # perhaps not to its end
                    return tuple(found), False
                deeper.append(other)
        level = deeper
    return tuple(found), True


def _once(text: str, max_chars: int, *, thorough: bool) -> Iterator[str]:
    if "%" in text and _PERCENT.search(text) is not None:
        yield unquote(text, errors="replace")
    if "&#" in text or (thorough and "&" in text):
        yield html.unescape(text)
    if "\\u" in text or "\\x" in text:
        yield _ESCAPE.sub(lambda m: chr(int(m.group(1) or m.group(2), 16)), text)
    if "=" in text and len(_QUOTED_PRINTABLE.findall(text)) >= 3:
        try:
            decoded = binascii.a2b_qp(text.encode("utf-8", "replace"))
        except binascii.Error:
            decoded = b""
        yield from _texts(decoded, max_chars)
    for match in islice(_HEX_RUN.finditer(text), MAX_RUNS):
        digits = match.group()
        yield from _from_hex(digits, max_chars)
        if thorough:
            yield from _from_hex(digits[1:], max_chars)
            yield from _from_hex(digits[::-1], max_chars)
    for match in islice(_HEX_PAIRS.finditer(text), MAX_RUNS):
        yield from _from_hex(_NOT_HEX.sub("", match.group()), max_chars)
    for match in islice(_BASE32_RUN.finditer(text), MAX_RUNS):
        run = match.group()
        run = run[: len(run) // 8 * 8 + {2: 2, 4: 4, 5: 5, 7: 7}.get(len(run) % 8, 0)]
        try:
            yield from _texts(base64.b32decode(run + "=" * (-len(run) % 8)), max_chars)
        except (binascii.Error, ValueError):
            continue
    for run in _base64_runs(text, thorough=thorough):
        yield from _from_base64(run, max_chars)


def _base64_runs(text: str, *, thorough: bool) -> Iterator[str]:
    """What may be base64, without white space and padding."""
    runs = [match.group() for match in islice(_BASE64_RUN.finditer(text), MAX_RUNS)]
    words: list[str] = []
    end = -1
    for match in islice(_BASE64_WORD.finditer(text), MAX_RUNS):
        if match.start() != end:
            if len(words) > 2:
                runs.append("".join(words))
            words = []
        words.append(match.group().rstrip().rstrip("="))
        end = match.end() if match.group(1) else -1
    if len(words) > 2:
        runs.append("".join(words))
    for run in runs:
        # Of base64, more than half are no small letters; of words run together, nearly all are.
        if len(run.encode("ascii").translate(None, _SMALL)) * 6 < len(run):
            continue
        yield run
        if thorough:
            for behind in (run, run[::-1]):
                for first in range(4):
                    if first or behind is not run:
                        yield behind[first:]


def _from_base64(run: str, max_chars: int) -> Iterator[str]:
    run = run[: len(run) - (len(run) % 4 == 1)]
    try:
        data = base64.b64decode(run.encode("ascii").translate(_URL_SAFE) + b"=" * (-len(run) % 4))
    except (binascii.Error, ValueError):
        return
    yield from _texts(data, max_chars)


def _from_hex(digits: str, max_chars: int) -> Iterator[str]:
    yield from _texts(bytes.fromhex(digits[: len(digits) // 2 * 2]), max_chars)


def _texts(data: bytes, max_chars: int) -> Iterator[str]:
    """The text that bytes are, or that is in them."""
    if data[:2] == b"\x1f\x8b" or (data[:1] == b"\x78" and data[1:2] in b"\x01\x5e\x9c\xda"):
        try:
            # 32: the header says which of the two it is. Never more than is asked for: no bomb.
            data = zlib.decompressobj(wbits=47).decompress(data, max_chars)
        except zlib.error:
            return
    if b"\0" in data:  # UTF-16, as some shells have it
        data = data.replace(b"\0", b"")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = ""
    if text and (text.isprintable() or _is_text(text)):
        yield text
        return
    runs = _PRINTABLE.findall(data)
    # By chance, six printable characters follow each other in one place of 400: of that, little is left.
    if runs and sum(map(len, runs)) * 2 >= len(data):
        yield b"\n".join(runs).decode("ascii")
    elif any(len(run) >= 16 for run in runs):
        yield b"\n".join(run for run in runs if len(run) >= 16).decode("ascii")


def _is_text(text: str) -> bool:
    odd = sum(1 for char in text[:256] if not char.isprintable() and char not in "\t\r\n")
    return odd * 16 <= min(len(text), 256)
