"""Which actions a tool might be: evidence from its name, its arguments and its own words, added up.

A noun speaks for domains, a verb for classes of verbs; an action is a class of verb in a domain, and some
ask for a noun of their own (`delete` is delete_branch where a branch is meant). The name counts most,
arguments and the description a fraction each. The weights were set by hand; a linear model learned from the
names in the packs did worse on vendors that it had not seen, alone and on top of these (docs/adr/0006).
Guarantees: deterministic; time linear in what is read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from permit0.classify.lexicon import ActionWords, Lexicon
from permit0.classify.model import Candidate
from permit0.classify.words import base_forms, fold, grams, join_known, raw_words, singular

__all__ = ["MAX_CANDIDATES", "Evidence", "weigh"]

MAX_CANDIDATES = 5
FIRST_SENTENCE_CHARS = 300  # what a tool does stands in front
REST_CHARS = 1000
OPENING_WORDS = 12

LAST_NOUN = 1.2
INSIDE = 0.2
"""A word inside a compound that is known: the event in `security_event` is no appointment."""
PRIMARY = 0.15  # the class of verbs that an action is listed with first
ARGUMENT, ARGUMENT_CAP = 0.3, 3.75
FIRST_SENTENCE, REST, DESCRIPTION_CAP = 0.4, 0.1, 4.0
ARGUMENTS_ALONE = 0.4
DOMAIN_SHARE, PRIOR = 4.5, 2.0
FIRST_VERB, SECOND_VERB, NEXT_VERB, NOUN_AS_VERB = 1.2, 1.0, 0.5, 0.35
SAID_VERB, ONLY_SAID_VERB, MENTIONED_VERB, NO_VERB = 0.7, 1.0, 0.3, 0.2
OBJECT, OBJECT_ELSEWHERE, SAID_OBJECT, NO_OBJECT = 0.8, 0.5, -0.4, -1.0
SOFT_OBJECT = 0.6
SAME_WORD = 0.15
PLURAL = 0.2
MEMBERSHIP = 0.2
SHORT = 2  # words; `get_list` is about one list
NOUN = 0.8
SHARPNESS = 2.0
NEGLIGIBLE = 0.08  # of the strongest domain; weaker ones cannot win

_FRAMEWORK = frozenset({"mcp", "functions", "function", "tools", "tool", "api", "default"})
_READS = frozenset({"list", "get", "search", "download", "scrape", "export", "calculate"})
_PREPOSITIONS = frozenset({"by", "for", "from", "in", "of", "with", "on", "to", "at", "via"})
_NEVER_SEVERAL = frozenset(
    {"details", "stats", "statistics", "settings", "contents", "metrics", "analytics", "news"}
)
_MEMBERSHIPS = (
    (frozenset({"add", "insert", "append", "attach"}), "to", ("assign", "update")),
    (frozenset({"remove", "detach"}), "from", ("revoke", "update")),
)
_SENTENCE = re.compile(r"(?<=[.!?\n])\s+")


class Evidence(msgspec.Struct, frozen=True):
    """candidates: best first. verbs: words of the name that say what is done."""

    candidates: tuple[Candidate, ...]
    verbs: tuple[str, ...]


class _Said(msgspec.Struct, frozen=True):
    first: tuple[str, ...] = ()
    raw: tuple[str, ...] = ()
    rest: tuple[str, ...] = ()


def weigh(lexicon: Lexicon, name: str, arguments: Iterable[str], description: str = "") -> Evidence:
    """Weigh every action.

    Args:
        lexicon: What words mean.
        name: Of the tool. arguments: their names. description: "" to go by name and arguments alone.
    """
    words = _name_words(lexicon, name)
    named = grams(words)
    asked: dict[str, float] = {}
    for argument in arguments:
        if fold(argument) not in lexicon.plumbing:
            for gram, factor in _counted(lexicon, _words(lexicon, argument)).items():
                asked[gram] = max(asked.get(gram, 0.0), factor)
    said = _said(lexicon, description)
    domains = _domains(lexicon, words, asked, said)
    classes, verbs = _classes(lexicon, name, words, named, said)
    total = sum(domains.values()) + PRIOR
    spoken = asked.keys() | set(grams(said.first))
    heads, whole_name = _heads(lexicon, words, named), frozenset([*named, *map(singular, words)])
    least = max(domains.values(), default=0.0) * NEGLIGIBLE
    scored: list[tuple[float, str, ActionWords]] = []
    for item, verb in _verbs_of(lexicon, classes).items():
        weight = domains.get(item.domain, 0.0)
        if weight <= least:
            continue
        score = DOMAIN_SHARE * weight / total + verb
        if item.objects:
            score += _object(item, heads, whole_name, spoken, verb)
        if item.opening in words:
            score += SAME_WORD
        scored.append((-score, item.action, item))
    scored.sort(key=lambda entry: entry[:2])
    if not scored:
        return Evidence((), tuple(verbs))
    best = scored[0][0]
    odds = [math.exp(SHARPNESS * (best - entry[0])) for entry in scored]
    whole = sum(odds) + math.exp(SHARPNESS * (best + 1.5))  # that it is none of them
    reads: dict[str, float] = {}  # list or get of one domain: either is a read of the same things
    for entry, odd in zip(scored, odds, strict=True):
        if _READS.issuperset(entry[2].classes):
            reads[entry[2].domain] = reads.get(entry[2].domain, 0.0) + odd
    # Arguments are a caller's to choose: what they alone say never clears the bar.
    told = description or (
        any(gram in lexicon.domains for gram in named)
        and any(gram in lexicon.verbs for gram in named)
    )
    share = 1.0 if told else ARGUMENTS_ALONE
    candidates = []
    for entry, odd in list(zip(scored, odds, strict=True))[:MAX_CANDIDATES]:
        item = entry[2]
        if _READS.issuperset(item.classes):
            odd = reads[item.domain]
        reasons = (
            f"{item.domain}: {_because(lexicon, item.domain, named, asked, said)}",
            f"{item.verb}: {', '.join(verbs[:4]) or 'no verb in the name'}",
        )
        candidates.append(Candidate(item.action, round(share * odd / whole, 2), reasons))
    return Evidence(tuple(candidates), tuple(verbs))


def _words(lexicon: Lexicon, text: str) -> list[str]:
    return [
        lexicon.fold(part) for word in raw_words(text) for part in join_known(word, lexicon.known)
    ]


def _name_words(lexicon: Lexicon, name: str) -> list[str]:
    words = _words(lexicon, name)
    return [word for word in words if word not in _FRAMEWORK] or words


def _said(lexicon: Lexicon, description: str) -> _Said:
    if not description:
        return _Said()
    first, *rest = _SENTENCE.split(description[: FIRST_SENTENCE_CHARS + REST_CHARS].strip())
    raw = raw_words(first[:FIRST_SENTENCE_CHARS])
    more = raw_words(" ".join(rest))
    return _Said(tuple(map(lexicon.fold, raw)), tuple(raw), tuple(map(lexicon.fold, more)))


def _domains(
    lexicon: Lexicon, words: Sequence[str], asked: Mapping[str, float], said: _Said
) -> dict[str, float]:
    found: dict[str, float] = {}
    last = _last(words)
    for gram, factor in _counted(lexicon, words).items():
        if gram == last or gram.endswith("_" + last):
            factor *= LAST_NOUN
        for domain, weight in lexicon.domains.get(gram, {}).items():
            found[domain] = found.get(domain, 0.0) + weight * factor
    _add(found, lexicon, asked, ARGUMENT, ARGUMENT_CAP)
    spoken = {gram: REST * f for gram, f in _counted(lexicon, said.rest).items()}
    for gram, factor in _counted(lexicon, said.first).items():
        spoken[gram] = FIRST_SENTENCE * factor
    _add(found, lexicon, spoken, 1.0, DESCRIPTION_CAP)
    return found


def _counted(lexicon: Lexicon, words: Sequence[str]) -> dict[str, float]:
    """Words and compounds that speak for a domain, with how much each counts: those inside others less."""
    found: dict[str, float] = {}
    inside: set[int] = set()
    for size in (3, 2, 1):
        here: set[int] = set()
        for i in range(len(words) - size + 1):
            gram = "_".join(words[i : i + size])
            if gram not in lexicon.domains:
                continue
            places = range(i, i + size)
            factor = INSIDE if inside.issuperset(places) else 1.0
            found[gram] = max(found.get(gram, 0.0), factor)
            here.update(places)
        inside |= here
    return found


def _add(
    found: dict[str, float],
    lexicon: Lexicon,
    weights: Mapping[str, float],
    share: float,
    cap: float,
) -> None:
    extra: dict[str, float] = {}
    for gram in sorted(weights):  # sums of floats depend on their order
        for domain, weight in lexicon.domains.get(gram, {}).items():
            extra[domain] = extra.get(domain, 0.0) + weight * weights[gram] * share
    for domain, value in extra.items():
        found[domain] = found.get(domain, 0.0) + min(value, cap)


def _classes(
    lexicon: Lexicon, name: str, words: Sequence[str], named: Sequence[str], said: _Said
) -> tuple[dict[str, float], list[str]]:
    """Classes of verbs with their weights, and the verbs of the name."""
    found: dict[str, float] = {}
    verbs: list[str] = []
    acted = any(word in lexicon.verbs and not _is_noun(lexicon, word) for word in words[1:])
    noun_first = acted and bool(words) and _is_noun(lexicon, words[0])  # `tweets_search`
    for i, gram in enumerate(named):
        for kind in lexicon.verbs.get(gram, ()):
            if i == 0 and not noun_first:
                weight = FIRST_VERB
            elif i < len(words) and _is_noun(lexicon, gram):
                weight = NOUN_AS_VERB
            else:
                weight = NEXT_VERB if verbs else SECOND_VERB
            found[kind] = max(found.get(kind, 0.0), weight)
        if gram in lexicon.verbs and (i == 0 or not _is_noun(lexicon, gram)):
            verbs.append(gram)
    if said.raw:
        for kind in _verb_classes(lexicon, said.raw[0]):
            found[kind] = found.get(kind, 0.0) + (SAID_VERB if verbs else ONLY_SAID_VERB)
        if not verbs:
            for word in said.raw[1:OPENING_WORDS]:
                for kind in _verb_classes(lexicon, word):
                    found[kind] = max(found.get(kind, 0.0), MENTIONED_VERB)
    if found.get("get", 0.0) >= SECOND_VERB and _is_plural(name, words):
        found["list"] = max(found.get("list", 0.0), found["get"] + PLURAL)
    for kind in _membership(words):
        found[kind] = max(found.get(kind, 0.0), FIRST_VERB + MEMBERSHIP)
    if not found:
        found = {"get": NO_VERB, "search": NO_VERB}
    return found, verbs


def _is_noun(lexicon: Lexicon, word: str) -> bool:
    """Whether a word that may be a verb says more as a noun: `issue` does, `list` does not."""
    return max(lexicon.domains.get(word, {}).values(), default=0.0) >= NOUN


def _verb_classes(lexicon: Lexicon, word: str) -> Sequence[str]:
    return next((lexicon.verbs[base] for base in base_forms(word) if base in lexicon.verbs), ())


def _is_plural(name: str, words: Sequence[str]) -> bool:
    """Whether a name is about several: `get_tasks_by_project`, `get_task_list`."""
    written = raw_words(name)
    raw = _last(written)
    if raw in _NEVER_SEVERAL or (written[-1:] and written[-1].endswith("id")):
        return False  # `get_user_details` and `get_groups_by_id` are about one
    return singular(raw) != raw or (len(words) > SHORT and words[-1] == "list")


def _membership(words: Sequence[str]) -> Sequence[str]:
    """What else `add X to Y` and `remove X from Y` do: they change Y, or what X may do in it."""
    for verbs, preposition, kinds in _MEMBERSHIPS:
        if words and words[0] in verbs and preposition in words[2:-1]:
            return kinds
    return ()


def _last(words: Sequence[str]) -> str:
    """The last noun of what a name is about: the word before the first preposition, or the last one."""
    for i, word in enumerate(words):
        if i > 1 and word in _PREPOSITIONS:
            return words[i - 1]
    return words[-1] if words else ""


def _verbs_of(lexicon: Lexicon, classes: Mapping[str, float]) -> dict[ActionWords, float]:
    """Every action that one of the classes does, with the largest weight of these."""
    found: dict[ActionWords, float] = {}
    for kind, weight in classes.items():
        for item in lexicon.doing.get(kind, ()):
            worth = weight + PRIMARY if item.classes[0] == kind else weight
            if worth > found.get(item, 0.0):
                found[item] = worth
    return found


def _heads(lexicon: Lexicon, words: Sequence[str], named: Sequence[str]) -> frozenset[str]:
    """The nouns that a name is about: its last one, and its first if it ends in a verb."""
    if not words:
        return frozenset()
    last = _last(words)
    heads = {last, singular(last)}
    heads.update(gram for gram in named if gram.endswith("_" + last))
    if words[-1] in lexicon.verbs and words[0] not in lexicon.verbs:
        heads.add(words[0])
    if _membership(words):
        heads.update(words[3:])  # the group in `add_user_to_group`
    return frozenset(heads)


def _object(
    item: ActionWords, heads: frozenset[str], named: frozenset[str], spoken: set[str], verb: float
) -> float:
    weight = OBJECT if item.asked else SOFT_OBJECT
    if not item.objects.isdisjoint(heads):
        return weight * min(1.0, verb)
    if not item.objects.isdisjoint(named):
        return weight * OBJECT_ELSEWHERE * min(1.0, verb)
    if not item.asked:
        return 0.0
    return NO_OBJECT if item.objects.isdisjoint(spoken) else SAID_OBJECT


def _because(
    lexicon: Lexicon, domain: str, named: Sequence[str], asked: Mapping[str, float], said: _Said
) -> str:
    """The words that spoke for a domain, where they stood."""
    places = (
        ("the name", named),
        ("the arguments", sorted(asked)),
        ("the description", grams(said.first)),
    )
    found = []
    for place, words in places:
        speaking = [w for w in dict.fromkeys(words) if domain in lexicon.domains.get(w, {})]
        if speaking:
            found.append(f"{', '.join(speaking[:4])} in {place}")
    return "; ".join(found)
