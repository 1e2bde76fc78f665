"""Find national numbers in a text that is visible already.

Guarantees: linear in the text: candidates are digits with the separators that numbers are printed with, or one
word of letters and digits; each has at most eight groups and is compared only with the forms of its length,
MAX_CANDIDATES of them at most. A text with more numbers than that is "many_numbers", which counts as personal:
it could not be read.
Without a label only what is telling by itself counts: see forms.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from permit0.normalize.identifiers.forms import FORMS, Form

__all__ = ["LABEL_AFTER", "LABEL_BEFORE", "MAX_CANDIDATES", "national_numbers"]

MAX_CANDIDATES = 20_000
LABEL_BEFORE = 40  # characters in which a label stands before its number
LABEL_AFTER = 16
_DIGITS = re.compile(r"(?<![A-Za-z0-9])[0-9]{1,18}(?:[ ./+-][0-9]{1,14}){0,7}(?![A-Za-z0-9])")
_MIXED = re.compile(
    r"(?<![A-Za-z0-9])(?:[A-Z]{2}(?: ?[0-9]{2}){3} ?[A-D]"  # United Kingdom
    r"|[0-9]{6}[-+A-FU-Y][0-9]{3}[0-9A-Z]"  # Finland
    r"|[0-9]{1,2}\.[0-9]{3}\.[0-9]{3}-?[A-Z]|[0-9]{8}-[A-Z]|[XYZ]-?[0-9]{7}-?[A-Z]"  # Spain
    r"|[A-Z]{3} [A-Z]{3} [0-9A-Z]{5} [0-9A-Z]{5}"  # Italy
    r"|[12] [0-9]{2} [0-9]{2} 2[AB] [0-9]{3} [0-9]{3} [0-9]{2}"  # Corsica
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
_MIXED_FORMS = tuple(form for form in FORMS if form.mixed)


def national_numbers(text: str, *, label: str = "") -> Iterator[tuple[str, str]]:
    """Every national number of a text: its kind, and the number as it is written.

    Args:
        text: The text, visible (normalize/sensitive.py).
        label: What stands before it elsewhere: the name of its argument.
    """
    labelled = frozenset(
        form.kind
        for form in FORMS
        if form.labels.search(text) is not None or (label and form.labels.search(label) is not None)
    )
    count = 0
    for match in _DIGITS.finditer(text):
        count += 1
        if count > MAX_CANDIDATES:
            yield "many_numbers", ""
            return
        yield from _in_digits(text, match.group(), match.start(), labelled, label)
    for match in _MIXED.finditer(text):
        count += 1
        if count > MAX_CANDIDATES:
            yield "many_numbers", ""
            return
        written = match.group()
        compact = written if written[6:7] in "-+" else _SEPARATORS.sub("", written)
        for form in _MIXED_FORMS:
            near = form.kind in labelled and _is_near(form, text, match.start(), match.end(), label)
            shown = compact.upper() if near else compact  # in small letters it may be any hash
            if form.shape.fullmatch(shown) is None:
                continue
            telling = form.bare or (
                form.printed is not None and form.printed.fullmatch(written) is not None
            )
            if (telling or near) and form.check(shown):
                yield form.kind, written
                break


def _in_digits(
    text: str, run: str, start: int, labelled: frozenset[str], label: str
) -> Iterator[tuple[str, str]]:
    """Each number that neighbouring groups of a run make together."""
    marks = [match.start() for match in _SEPARATORS.finditer(run)]
    begins, ends = [0, *(mark + 1 for mark in marks)], [*marks, len(run)]
    for first, begin in enumerate(begins):
        for last in range(first, len(ends)):
            length = ends[last] - begin - (last - first)
            if length > _LONGEST:
                break
            forms = _OF_DIGITS.get(length)
            if forms is None:
                continue
            written = run[begin : ends[last]]
            digits = written if first == last else _SEPARATORS.sub("", written)
            for form in forms:
                # A part of a divided run is a number only by its label, or as it is printed.
                if not (
                    (form.bare and (first == last or written == run))
                    or (form.printed is not None and form.printed.fullmatch(written) is not None)
                    or (
                        form.kind in labelled
                        and _is_near(form, text, start + begin, start + ends[last], label)
                    )
                ):
                    continue
                if form.shape.fullmatch(digits) is not None and form.check(digits):
                    yield form.kind, written


def _is_near(form: Form, text: str, start: int, end: int, label: str) -> bool:
    if label and form.labels.search(label) is not None:
        return True
    before, after = text[max(0, start - LABEL_BEFORE) : start], text[end : end + LABEL_AFTER]
    return form.labels.search(before) is not None or form.labels.search(after) is not None
