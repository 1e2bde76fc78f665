"""What words of tools mean, and which action a verb is in a domain: lexicon.toml and calm.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any

import msgspec

from permit0.classify.words import fold, singular

__all__ = ["ActionWords", "Calm", "Lexicon", "load_calm", "load_lexicon"]

_PLAIN_WEIGHT = 2.0


class ActionWords(msgspec.Struct, frozen=True, eq=False):
    """One action: the classes of verbs that do it, and its nouns. asked: whether it needs one of them.

    opening: the first word of its verb, which a tool may be called by.
    """

    action: str
    domain: str
    verb: str
    classes: tuple[str, ...]
    objects: frozenset[str]
    asked: bool
    opening: str


class Lexicon(msgspec.Struct, frozen=True):
    """domains: noun -> domain -> weight. verbs: verb -> classes. known: every single word of them.

    plumbing: arguments that say nothing of what a tool is for.
    single: words that stand alone in it; others, as parts of a pair are, count as their singular.
    doing: class of verbs -> the actions that it does.
    """

    domains: Mapping[str, Mapping[str, float]]
    verbs: Mapping[str, tuple[str, ...]]
    doing: Mapping[str, tuple[ActionWords, ...]]
    known: frozenset[str]
    single: frozenset[str]
    plumbing: frozenset[str]

    def fold(self, word: str) -> str:
        """A word as the lexicon has it: itself, or its singular."""
        return word if word in self.single else singular(word)


class Calm(msgspec.Struct, frozen=True):
    """What a calm tool may consist of; see calm.toml."""

    actions: frozenset[str]
    verbs: frozenset[str]
    nouns: Mapping[str, frozenset[str]]
    fillers: frozenset[str]
    doing_nouns: frozenset[str]
    arguments: frozenset[str]
    danger: frozenset[str]
    danger_nouns: frozenset[str]


def load_lexicon() -> Lexicon:
    """Read lexicon.toml (a few milliseconds)."""
    data = _read("lexicon.toml")
    single = _single_words(data)
    domains: dict[str, dict[str, float]] = {}
    for domain, words in data["domains"].items():
        for item in words.split():
            word, _, weight = item.partition("=")
            found = domains.setdefault(_folded(word, single), {})
            found[domain] = max(found.get(domain, 0.0), float(weight or _PLAIN_WEIGHT))
    verbs: dict[str, tuple[str, ...]] = {}
    for name, words in data["verbs"].items():
        for item in words.split():
            word = _folded(item, single)
            if name not in verbs.get(word, ()):
                verbs[word] = (*verbs.get(word, ()), name)
    actions = [
        _action(domain, verb, words)
        for domain, table in data["actions"].items()
        for verb, words in table.items()
    ]
    known = {part for word in (*domains, *verbs) for part in (word, *word.split("_"))}
    known.update(part for item in actions for word in item.objects for part in word.split("_"))
    doing: dict[str, list[ActionWords]] = {}
    for item in actions:
        for kind in item.classes:
            doing.setdefault(kind, []).append(item)
    return Lexicon(
        domains,
        verbs,
        {kind: tuple(found) for kind, found in doing.items()},
        frozenset(known),
        single,
        frozenset(map(fold, data["arguments"]["plumbing"].split())),
    )


def _single_words(data: Any) -> frozenset[str]:
    nouns = (item.partition("=")[0] for words in data["domains"].values() for item in words.split())
    verbs = (item for words in data["verbs"].values() for item in words.split())
    return frozenset(word for word in (*nouns, *verbs) if "_" not in word)


def _folded(word: str, single: frozenset[str]) -> str:
    """A word or a pair of words as names are read: each in the singular, unless it is a word of its own."""
    return "_".join(part if part in single else singular(part) for part in word.split("_"))


def load_calm() -> Calm:
    """Read calm.toml."""
    data = _read("calm.toml")
    nouns: dict[str, set[str]] = {}
    for domain, words in data["nouns"].items():
        for word in words.split():
            nouns.setdefault(word, set()).add(domain)
    return Calm(
        actions=frozenset(data["actions"].split()),
        verbs=frozenset(data["verbs"].split()),
        nouns={word: frozenset(found) for word, found in nouns.items()},
        fillers=frozenset(data["fillers"].split()),
        doing_nouns=frozenset(data["doing_nouns"].split()),
        arguments=frozenset(data["arguments"].split()),
        danger=frozenset(data["danger"].split()),
        danger_nouns=frozenset(data["danger_nouns"].split()),
    )


def _action(domain: str, verb: str, words: str) -> ActionWords:
    asked = "|" in words
    classes, _, objects = words.partition("|" if asked else "~")
    return ActionWords(
        f"{domain}.{verb}",
        domain,
        verb,
        tuple(classes.split()),
        frozenset(objects.split()),
        asked,
        verb.partition("_")[0],
    )


def _read(name: str) -> Any:
    text = resources.files("permit0.classify").joinpath(name).read_text(encoding="utf-8")
    return tomllib.loads(text)
