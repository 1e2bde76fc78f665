"""Find national numbers in a text that is visible already.

Guarantees: linear in the text: candidates are digits with the separators that numbers are printed with, or one
word of letters and digits; a number has at most MAX_GROUPS groups and is compared only with the forms of
its length. Without a label only what is telling by itself counts: see forms.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from permit0.normalize.identifiers.forms import FORMS, LABEL_STEMS, LABEL_WORDS, Form

__all__ = ["LABEL_AFTER", "LABEL_BEFORE", "MAX_GROUPS", "national_numbers"]

MAX_GROUPS = 8
LABEL_BEFORE = 40  # characters in which a label stands before its number
LABEL_AFTER = 16
_DIGITS = re.compile(r"(?<![A-Za-z0-9])[0-9](?:[ ./+-]?[0-9]){5,40}(?![A-Za-z0-9])")
# Every number with letters in it has three digits in a row, or pairs of them.
_SOME_DIGITS = re.compile(r"[0-9]{3,}|[0-9]{2} [0-9]{2} [0-9]{2}")
_BESIDE_LETTERS = re.compile(r"[ .-]{0,1}[A-Za-z]")
_MIXED = re.compile(
    r"(?<![A-Za-z0-9])(?:[A-Z]{2}(?: ?[0-9]{2}){3} ?[A-D]"  # United Kingdom
    r"|[0-9]{6}[-+A-FU-Y][0-9]{3}[0-9A-Z]"  # Finland
    r"|[0-9]{1,2}\.[0-9]{3}\.[0-9]{3}-?[A-Z]|[0-9]{8}-[A-Z]|[XYZ]-?[0-9]{7}-?[A-Z]"  # Spain
    r"|[A-Z]{3} [A-Z]{3} [0-9A-Z]{5} [0-9A-Z]{5}"  # Italy
    r"|[12] [0-9]{2} [0-9]{2} 2[AB] [0-9]{3} [0-9]{3} [0-9]{2}"  # Corsica
    r"|[0-9]{8}[A-Za-z]|[0-9]{17}[Xx]"
    r"|(?=[A-Za-z]{0,6}[0-9])[0-9]{0,17}[A-Za-z][A-Za-z0-9]{5,17})(?![A-Za-z0-9])"
)
_SEPARATORS = re.compile(r"[ ./+-]")
_LONGEST = 18


# Forms of digits only, by how many there are.
_OF_DIGITS: Mapping[int, tuple[Form, ...]] = MappingProxyType(
    {
        length: tuple(form for form in FORMS if length in form.lengths)
        for length in range(5, _LONGEST + 1)
        if any(length in form.lengths for form in FORMS)
    }
)
_BARE: Mapping[int, tuple[Form, ...]] = MappingProxyType(
    {
        length: found
        for length, forms in _OF_DIGITS.items()
        if (found := tuple(form for form in forms if form.is_bare(length)))
    }
)
_PRINTED = re.compile(
    "(?<![0-9])(?:"
    + "|".join(
        form.printed.pattern for form in FORMS if form.printed is not None and not form.mixed
    )
    + ")(?![0-9])"
)
_WORDS = re.compile(r"[^\W\d_]+")
_MIXED_FORMS = tuple(form for form in FORMS if form.mixed)


def national_numbers(text: str, *, label: str = "") -> Iterator[tuple[str, str]]:
    """Every national number of a text: its kind, and the number as it is written.

    Args:
        text: The text, visible (normalize/sensitive.py).
        label: What stands before it elsewhere: the name of its argument.
    """
    for match in _DIGITS.finditer(text):
        yield from _in_digits(text, match.group(), match.start(), label)
    done = 0
    for match in _SOME_DIGITS.finditer(text):
        start, end = match.span()
        if start < done or not (
            text[max(0, start - 1) : start].isalpha()
            or text[end : end + 1].isalpha()
            or _BESIDE_LETTERS.match(text, end) is not None
            or _BESIDE_LETTERS.match(text[max(0, start - 2) : start]) is not None
        ):
            continue
        found = _MIXED.search(text, max(0, start - 16), min(len(text), end + 20))
        if found is None or text[found.end() : found.end() + 1].isalnum():
            continue
        done = found.end()
        yield from _mixed(text, found, label)


def _mixed(text: str, match: re.Match[str], label: str) -> Iterator[tuple[str, str]]:
    written = match.group()
    compact = written if written[6:7] in "-+" else _SEPARATORS.sub("", written)
    near = _Near(text, match.start(), match.end(), label)
    for form in _MIXED_FORMS:
        # In small letters it may be any hash: only with a label.
        shown = compact if form.shape.fullmatch(compact) is not None else compact.upper()
        if form.shape.fullmatch(shown) is None or not form.check(shown):
            continue
        telling = form.bare or (
            form.printed is not None and form.printed.fullmatch(written) is not None
        )
        if (telling and shown == compact) or near.has(form):
            yield form.kind, written
            return


def _in_digits(text: str, run: str, start: int, label: str) -> Iterator[tuple[str, str]]:
    groups = _SEPARATORS.split(run)
    for group in groups if len(groups) == 1 else (*groups, "".join(groups)):
        for form in _BARE.get(len(group), ()):
            if form.shape.fullmatch(group) is not None and form.check(group):
                yield form.kind, group
    if len(groups) > 1:
        for printed in _PRINTED.finditer(run):
            written = printed.group()
            digits = _SEPARATORS.sub("", written)
            for form in _OF_DIGITS.get(len(digits), ()):
                if (
                    form.printed is not None
                    and form.printed.fullmatch(written) is not None
                    and form.shape.fullmatch(digits) is not None
                    and form.check(digits)
                ):
                    yield form.kind, written
    near = _Near(text, start, start + len(run), label)
    if near.has_any():
        yield from _labelled(groups, near)


def _labelled(groups: list[str], near: _Near) -> Iterator[tuple[str, str]]:
    """Each number that neighbouring groups of a run make together."""
    for first in range(len(groups)):
        digits = ""
        for group in groups[first : first + MAX_GROUPS]:
            digits += group
            if len(digits) > _LONGEST:
                break
            for form in _OF_DIGITS.get(len(digits), ()):
                if form.shape.fullmatch(digits) and form.check(digits) and near.has(form):
                    yield form.kind, digits


class _Near:
    """What stands near a number, looked at only when a number needs a label."""

    __slots__ = ("_end", "_label", "_near", "_start", "_text")

    def __init__(self, text: str, start: int, end: int, label: str) -> None:
        self._text = text
        self._start = start
        self._end = end
        self._label = label
        self._near: str | None = None

    def has_any(self) -> bool:
        """Whether there may be a label at all."""
        near = self._near
        if near is None:
            text, start, end = self._text, self._start, self._end
            before, after = (
                text[max(0, start - LABEL_BEFORE) : start],
                text[end : end + LABEL_AFTER],
            )
            near = f"{self._label} {before} {after}"
            folded = near.lower()
            if LABEL_WORDS.isdisjoint(_WORDS.findall(folded)) and not any(
                map(folded.__contains__, LABEL_STEMS)
            ):
                near = ""
            self._near = near
        return near != ""

    def has(self, form: Form) -> bool:
        """Whether one of a form's labels is there."""
        return self.has_any() and form.labels.search(self._near or "") is not None
