"""Pieces of texts: keyed digests by which a part of an output is known again in a later call.

A text is folded first: what a reader does not see is dropped, letters lose their case and, of the Latin ones,
whether they stand 13 places further in the alphabet (rot13); anything that is no letter or digit is dropped. A
piece is the digest of RUN_CHARS folded characters in a row. Numbers are compared without their separators,
whole; short secrets as whole words without case.
Guarantees:
  * A call that carries 19 folded characters in a row of an output whose every place was kept (stride 1) has a
    piece in common with it, forwards or backwards; in general 4 * stride + 15.
  * Linear in the text. An output gives at most MAX_PIECES pieces of text, MAX_SECRETS long secrets and
    MAX_VALUES numbers and words.
  * The digests are BLAKE2b-64 under the store's random key: without the key they cannot be compared with
    anything. With the key, guesses can be tried. A run of 16 characters of a random secret withstands that; a
    password or a card number does not, so whoever has the key and the digests must be trusted with what
    was read.
Does not: see a text in other words, in look-alike letters of another script, with letters put in between, or
in parts of fewer than 16 characters.
Measured: 0.25 us for each character of a call, both directions; words 1 us each, where they are wanted.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b

from permit0.canonical import Json
from permit0.model.exposure import CALL_STRIDE, ExposedOutput, PieceGroup, PieceKind, Wanted
from permit0.normalize.encodings import readings
from permit0.normalize.sensitive import sensitive_values, visible

__all__ = ["MAX_COMPARED_CHARS", "call_pieces", "call_texts", "output_pieces"]

RUN_CHARS = 16
MAX_PIECES = 8_192  # of text, per output; beyond it, every third, fifth ... place is kept
MAX_SECRETS = 64
MAX_VALUES = 1_024
MIN_WORD_CHARS = 6
MAX_CUT_CHARS = 256  # a longer text of a call has enough pieces of its own
MAX_COMPARED_CHARS = 1 << 20  # of a call, what is decoded from it included

_LETTERS = b"abcdefghijklmnopqrstuvwxyz"
_KEEP = frozenset(b"0123456789" + _LETTERS) | frozenset(range(0x80, 0x100))
_DROP = bytes(set(range(256)) - _KEEP)
_FOLD = bytes.maketrans(_LETTERS, _LETTERS[:13] * 2)
_DIGIT_RUN = re.compile(r"[0-9](?:[ \t./_-]{0,2}[0-9]){5,}")
_NO_DIGIT = re.compile(r"[^0-9]")
_WORD = re.compile(r"[^\s\"'`<>(){}\[\],;=:/?&@|\\]{6,64}")
_NUMBER_DIGITS = range(8, 20)
# What everybody writes: nobody's secret, and no part that was carried. Compared folded.
_STOCK = (
    "if you have any questions please do not hesitate to contact us",
    "if you have any questions please do not hesitate to contact me",
    "please let me know if you have any questions",
    "please do not reply to this email",
    "i am looking forward to hearing from you",
    "thank you very much for your message",
    "thank you for your patience and understanding",
    "the information contained in this email is confidential and intended only for the addressee",
    "this email and any attachments are confidential and intended solely for the use of the individual "
    "or entity to whom they are addressed",
    "if you have received this email in error please notify the sender immediately and delete it",
    "please consider the environment before printing this email",
    "mit freundlichen gruessen", "mit freundlichen grüßen",
    "bei fragen stehen wir ihnen gerne zur verfügung",
    "veuillez agréer madame monsieur l expression de mes salutations distinguées",
    "-----BEGIN RSA PRIVATE KEY-----", "-----BEGIN OPENSSH PRIVATE KEY-----",
)  # fmt: skip


def fold(text: str) -> bytes:
    """The letters and digits of a text, one byte each (see the module).

    Letters of other scripts keep the lower half of their number: enough to tell texts apart, if not letters.
    """
    if not text.isascii():
        text = visible(text)
    if text.isascii():
        return text.lower().encode("ascii").translate(_FOLD, _DROP)
    low = text.casefold().encode("utf-16-le", "surrogatepass")[::2]
    return low.translate(_FOLD, _DROP)


_STOCK_FOLDED = tuple(sorted((fold(line) for line in _STOCK), key=len, reverse=True))


class _Digests:
    """Digests under one key; each sort of piece has a room of its own."""

    def __init__(self, key: bytes) -> None:
        self._run, self._number, self._word = (key + sort for sort in (b"r", b"n", b"w"))

    def runs(self, folded: bytes, stride: int) -> Iterator[bytes]:
        """Of every `stride`-th run."""
        prefix, size = self._run, RUN_CHARS
        for at in range(0, len(folded) - size + 1, stride):
            yield blake2b(prefix + folded[at : at + size], digest_size=8).digest()

    def number(self, digits: bytes) -> bytes:
        """Of a whole number."""
        return blake2b(self._number + digits, digest_size=8).digest()

    def word(self, word: str) -> bytes:
        """Of a whole word."""
        folded = word.casefold().encode("utf-8", "surrogatepass")
        return blake2b(self._word + folded, digest_size=8).digest()


def output_pieces(
    tool: str, output: str, key: bytes, *, own: Sequence[str] = ()
) -> ExposedOutput | None:
    """What is to be remembered of an output.

    Args:
        tool: Which gave it back.
        output: The text.
        key: Of the store.
        own: Texts of the call itself: what a tool only repeats was not read.

    Returns:
        Its pieces; None if it has none.
    """
    digests = _Digests(key)
    known: frozenset[bytes] = frozenset()
    if own:
        known = frozenset(_all_of(digests, own))
    more, _ = readings(output)
    groups: list[PieceGroup] = []
    secrets: dict[bytes, str] = {}
    numbers: dict[str, dict[bytes, int]] = {}
    words: dict[str, dict[bytes, None]] = {}
    for text in (output, *more):
        for what, value in sensitive_values(text):
            _sort_value(digests, what, value, secrets, numbers, words)
    for folded, what in list(secrets.items())[:MAX_SECRETS]:
        groups += _group(what, PieceKind.SECRET, digests.runs(folded, 1), known)
    for what, found in numbers.items():
        kept = {piece: length for piece, length in found.items() if piece not in known}
        groups += _group(what, PieceKind.NUMBER, kept, known, lengths=kept.values())
    for what, listed in words.items():
        groups += _group(what, PieceKind.WORD, listed, known)
    left = MAX_PIECES
    for text in (output, *more):
        folded = _without_stock(fold(text))
        places = len(folded) - RUN_CHARS + 1
        if places < 1 or left < 1:
            continue
        stride = -(-places // left) | 1  # odd: it must share no factor with CALL_STRIDE
        found_runs = _group(
            "text", PieceKind.TEXT, digests.runs(folded, stride), known, stride=stride
        )
        left -= sum(group.pieces for group in found_runs)
        groups += found_runs
    return ExposedOutput(tool, tuple(groups)) if groups else None


def _group(
    what: str,
    kind: PieceKind,
    pieces: Iterable[bytes],
    known: frozenset[bytes],
    *,
    stride: int = 1,
    lengths: Iterable[int] = (),
) -> list[PieceGroup]:
    kept = [piece for piece in pieces if piece not in known]
    if not kept:
        return []
    return [PieceGroup(what, kind, b"".join(kept), stride, tuple(sorted(set(lengths))))]


def _without_stock(folded: bytes) -> bytes:
    for line in _STOCK_FOLDED:
        if line in folded:
            folded = folded.replace(line, b"")
    return folded


def _sort_value(
    digests: _Digests,
    what: str,
    value: str,
    secrets: dict[bytes, str],
    numbers: dict[str, dict[bytes, int]],
    words: dict[str, dict[bytes, None]],
) -> None:
    """Put a value where it is compared best: by its runs, or whole."""
    digits = _NO_DIGIT.sub("", value)
    if len(digits) in _NUMBER_DIGITS and _DIGIT_RUN.fullmatch(value) is not None:
        found = numbers.setdefault(what, {})
        if len(found) < MAX_VALUES:
            found[digests.number(digits.encode())] = len(digits)
        return
    folded = fold(value)
    if len(folded) >= RUN_CHARS:
        secrets[folded] = what
        return
    for match in _WORD.finditer(value):
        word = match.group().rstrip(".!")
        # A password that is a word of the language would be met in any text.
        if len(word) >= MIN_WORD_CHARS and not word.isalpha():
            listed = words.setdefault(what, {})
            if len(listed) < MAX_VALUES:
                listed[digests.word(word)] = None


def call_texts(value: Json) -> tuple[list[str], bool]:
    """Every text of a call's arguments, in order, with what is encoded in it, and all of them in one.

    Returns:
        The texts; whether they are all, or there was too much to decode.
    """
    texts = list(_leaves(value))
    whole = True
    short = [text for text in texts if len(text) <= MAX_CUT_CHARS]
    if len(short) > 1:
        texts.append("".join(short))  # what was cut into the items of a list
    left = MAX_COMPARED_CHARS
    for text in tuple(texts):
        if len(text) >= RUN_CHARS:
            more, complete = readings(text, max_chars=left, thorough=True)
            whole = whole and complete
            left -= sum(map(len, more))
            texts.extend(more)
    return list(dict.fromkeys(texts)), whole


def _leaves(value: Json) -> Iterator[str]:
    stack: list[Json] = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            for name, inner in reversed(item.items()):
                stack.extend((inner, name))
        elif isinstance(item, list):
            stack.extend(reversed(item))
        elif isinstance(item, int | float) and not isinstance(item, bool):
            yield str(item)


def call_pieces(texts: Sequence[str], wanted: Wanted) -> frozenset[int]:
    """The pieces of a call, to be looked up among those of outputs."""
    digests = _Digests(wanted.key)
    found = b"".join(_of_call(digests, texts, wanted))
    return frozenset(struct.unpack(f"={len(found) // 8}Q", found))


def _of_call(digests: _Digests, texts: Sequence[str], wanted: Wanted) -> Iterator[bytes]:
    for text in texts:
        folded = fold(text)
        yield from digests.runs(folded, CALL_STRIDE)
        yield from digests.runs(folded[::-1], CALL_STRIDE)
        if wanted.lengths:
            yield from _numbers(digests, text, wanted.lengths)
        if wanted.words:
            for match in _WORD.finditer(text):
                word = match.group().rstrip(".!")
                yield digests.word(word)
                yield digests.word(word[::-1])


def _numbers(digests: _Digests, text: str, lengths: Sequence[int]) -> Iterator[bytes]:
    for match in _DIGIT_RUN.finditer(text if text.isascii() else visible(text)):
        forwards = _NO_DIGIT.sub("", match.group()).encode()
        for digits in (forwards, forwards[::-1]):
            for length in lengths:
                for at in range(len(digits) - length + 1):
                    yield digests.number(digits[at : at + length])


def _all_of(digests: _Digests, texts: Sequence[str]) -> Iterator[bytes]:
    """Every piece of a call's own texts, in every place."""
    for text in texts:
        yield from digests.runs(fold(text), 1)
        yield from _numbers(digests, text, tuple(_NUMBER_DIGITS))
        for match in _WORD.finditer(text):
            yield digests.word(match.group().rstrip(".!"))
