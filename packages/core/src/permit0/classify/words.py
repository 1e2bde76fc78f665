"""Words of names and sentences.

Guarantees: linear in the length of the text; ASCII words only, everything else is no word (`is_plain` says so).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import pairwise

__all__ = ["base_forms", "fold", "grams", "is_plain", "join_known", "raw_words", "singular"]

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+[a-z]*")
_PLAIN = re.compile(r"[A-Za-z0-9_.:/ -]*")
_NO_LETTER = re.compile(r"[^0-9a-z]+")
_ES = ("sses", "ches", "shes", "xes")
_KEPT = ("ss", "us", "is")
_ENDINGS = (
    ("ies", "y"),
    ("es", "e"),
    ("es", ""),
    ("s", ""),
    ("ing", ""),
    ("ing", "e"),
    ("ed", "e"),
)
_ENDINGS_PAST = (("ed", ""), ("ied", "y"))
MIN_JOINED = 6  # letters; shorter words are not taken apart
MAX_JOINED = 40
MIN_PART = 3


def raw_words(text: str) -> list[str]:
    """The words of a name, as they are written but in lower case: `listOpenPRs_2` -> list open prs 2."""
    return [word.lower() for word in _WORDS.findall(text)]


def is_plain(name: str) -> bool:
    """Whether a name is made of ASCII words and separators only."""
    return _PLAIN.fullmatch(name) is not None


def fold(name: str) -> str:
    """Letters and digits only, lower case."""
    return _NO_LETTER.sub("", name.lower())


def singular(word: str) -> str:
    """A plural without its ending; other words as they are."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(_ES):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(_KEPT):
        return word[:-1]
    return word


def base_forms(word: str) -> list[str]:
    """What a verb in a sentence may come from: sends, sending, sent is not among them."""
    found = [word]
    for ending, instead in (*_ENDINGS, *_ENDINGS_PAST):
        if word.endswith(ending) and len(word) - len(ending) >= MIN_PART - 1:
            stem = word[: -len(ending)]
            found.append(stem + instead)
            if len(stem) > MIN_PART and stem[-1] == stem[-2]:  # running, dropped
                found.append(stem[:-1])
    return found


def join_known(word: str, known: Collection[str]) -> list[str]:
    """A word that is several known ones without a separator (`sendemail`), taken apart; else itself."""
    if not MIN_JOINED <= len(word) <= MAX_JOINED or word in known or singular(word) in known:
        return [word]
    best: dict[int, list[str]] = {0: []}
    for i in range(len(word)):
        so_far = best.get(i)
        if so_far is None:
            continue
        for j in range(i + MIN_PART, len(word) + 1):
            part = word[i:j]
            if part in known or singular(part) in known:
                other = best.get(j)
                if other is None or len(so_far) + 1 < len(other):
                    best[j] = [*so_far, part]
    return best.get(len(word), [word])


def grams(words: Sequence[str]) -> list[str]:
    """Single words, then two and three that stand together, joined by `_`."""
    pairs = [f"{a}_{b}" for a, b in pairwise(words)]
    threes = [f"{pair}_{c}" for pair, c in zip(pairs, words[2:], strict=False)]
    return [*words, *pairs, *threes]
