"""May a tool be allowed without a person? Only if everything about it is understood.

Guarantees:
  1. The answer is yes only if the action is one of the calm ones (calm.toml), every word of the name is a
     calm verb, a noun of that action's domain or a filler, there is a verb, and every argument is bound to a
     typed parameter or known to only choose what is read.
  2. No word of danger stands in the description, in what an argument says of itself, or among its values.
  3. A description takes calm away and never gives it; nor does a word that is added to a name that holds
     one which is not understood.
  4. What is not plain ASCII is not understood: other scripts, full-width and zero-width letters, look-alikes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from permit0.classify.lexicon import Calm
from permit0.classify.schema import Argument, Arguments
from permit0.classify.words import base_forms, is_plain, raw_words

__all__ = ["find_doubt", "reads_oddly"]

MAX_NAME_WORDS = 8
_PHRASES = {("pull", "request"), ("merge", "request")}
_PAGE_TOKEN = re.compile(
    r"\b(?:next|page|previous|pagination|continuation)[ _-]?(?:page[ _-]?)?tokens?\b"
)
_NUMBER = re.compile(r"\d{1,2}")
_TYPOGRAPHY = str.maketrans(
    dict.fromkeys("\u2013\u2014\u2018\u2019\u201c\u201d\u2026\u2022\u2192\u00b0", " ")
)
_SAFE_FORMATS = frozenset(
    {"", "date", "date-time", "time", "int32", "int64", "float", "double", "uuid"}
)
_BEFORE_A_NOUN = frozenset(
    {"the", "a", "an", "all", "any", "each", "every", "of", "for", "in", "from", "recent", "latest"}
    | {
        "new",
        "unread",
        "this",
        "that",
        "these",
        "those",
        "your",
        "their",
        "its",
        "my",
        "more",
        "given",
    }
    | {"specific", "single", "multiple", "matching", "open", "existing"}
)
"""After these stands a noun: `the messages` says what is read, `and messages the team` what is done."""
_COMPUTING = frozenset({"convert", "calculate"})
_COMPUTED = frozenset({"process", "network"})
_OPENING = frozenset({"open", "closed", "new"})
_FRAMEWORK = frozenset({"mcp", "functions", "tools"})
_CODE = frozenset({"code"})
_PREFIXES_OF_CODE = frozenset(
    {"country", "zip", "postal", "language", "currency", "state", "airport"}
)


def find_doubt(
    calm: Calm,
    *,
    name: str,
    action: str,
    arguments: Arguments,
    bound: Mapping[str, str],
    parameters: Mapping[str, str],
    description: str,
) -> tuple[str, tuple[str, ...]]:
    """Why a tool is not calm.

    Args:
        calm: What it may consist of. action: what its name and arguments were taken for.
        bound: argument -> parameter. parameters: parameter -> type.

    Returns:
        The first doubt, "" if there is none; and the arguments that only choose what is read.
    """
    if action not in calm.actions:
        return f"{action} is not among the actions that need nobody", ()
    domain = action.partition(".")[0]
    doubt = _name_doubt(calm, name, domain)
    if doubt:
        return doubt, ()
    if arguments.opaque:
        return "the schema is not understood completely", ()
    inert: list[str] = []
    for argument in arguments.items:
        doubt = _argument_doubt(calm, argument, domain, bound.get(argument.name))
        if doubt:
            return doubt, ()
        if argument.name not in bound:
            inert.append(argument.name)
    if action == "files.read" and "path" not in bound.values():
        return "no argument says which file is read", ()
    text_kinds = {item.name for item in arguments.items if item.kind in {"string", "array"}}
    if domain == "network" and not text_kinds <= bound.keys():
        # What goes to a stranger is read, all of it.
        return "an argument that leaves for a public service is not read", ()
    word = _danger(calm, description, domain)
    if word:
        return f"the description says {word!r}", ()
    return "", tuple(inert)


def reads_oddly(calm: Calm, name: str) -> bool:
    """Whether a name that was taken for a read has no verb of reading, or a word of doing as well."""
    words = raw_words(name)
    if not is_plain(name) or calm.verbs.isdisjoint(words):
        return True
    harmless = calm.verbs | calm.doing_nouns | calm.fillers | calm.nouns.keys()
    for word in _joined(words):
        if word in calm.danger_nouns:
            return True
        if word in harmless:
            continue
        if any(base in calm.danger for base in base_forms(word)):
            return True
    return False


def _name_doubt(calm: Calm, name: str, domain: str) -> str:
    if not is_plain(name):
        return "the name has letters that are not plain ASCII"
    words = _joined(raw_words(name))
    if words and words[0] in _FRAMEWORK:  # in front, a framework's own label
        del words[0]
    if not words or len(words) > MAX_NAME_WORDS:
        return "the name is empty or too long to be understood"
    verbs = 0
    nouns = 0
    for i, word in enumerate(words):
        after = words[i + 1] if i + 1 < len(words) else ""
        if word in _COMPUTING and domain not in _COMPUTED:
            return f"{word!r} in the name may change something"
        if word in calm.verbs and not (word == "list" and verbs):
            verbs += 1
            continue
        if word in _OPENING and (i == 0 or not after.endswith("s")):
            return f"{word!r} in the name may be a verb"
        if word in calm.doing_nouns:
            settled = not after or after in calm.fillers or after.endswith("s")
            if i == 0 or not settled:
                return f"{word!r} in the name may be a verb"
        if domain in calm.nouns.get(word, ()):
            nouns += 1
        elif word not in calm.fillers and not _NUMBER.fullmatch(word):
            return f"{word!r} in the name is not understood"
    if not verbs:
        return "no verb in the name says that it only reads"
    if not nouns:
        return "no noun in the name says what is read"
    return ""


def _joined(words: Sequence[str]) -> list[str]:
    found: list[str] = []
    for word in words:
        if found and (found[-1], word.removesuffix("s")) in _PHRASES:
            found[-1] = f"{found[-1]}_{word}"
        else:
            found.append(word)
    return found


def _argument_doubt(calm: Calm, argument: Argument, domain: str, parameter: str | None) -> str:
    shown = f"argument {argument.name[:40]!r}"
    if not is_plain(argument.name):
        return "an argument has letters that are not plain ASCII"
    if argument.opaque or argument.kind in {"", "object"}:
        return f"{shown} is not understood"
    if argument.format not in _SAFE_FORMATS:
        return f"{shown} is an address"
    for value in argument.values:
        word = _danger(calm, value, None)
        if word:
            return f"{shown} may say {word!r}"
    for text in argument.texts:
        word = _danger(calm, text, domain)
        if word:
            return f"{shown} speaks of {word!r}"
    words = _joined(raw_words(argument.name))
    for i, word in enumerate(words):
        before = words[i - 1] if i else ""
        if word in _CODE and before in _PREFIXES_OF_CODE:
            continue
        if word == "token" and before in {"page", "next"}:
            continue
        if word in calm.danger_nouns:
            return f"{shown} is about {word!r}"
        if parameter is not None and (i == len(words) - 1 or domain in calm.nouns.get(word, ())):
            continue
        if word in calm.arguments or word in calm.fillers or domain in calm.nouns.get(word, ()):
            continue
        if not _NUMBER.fullmatch(word):
            return f"{shown} is neither read nor known to be without influence"
    return "" if words else f"{shown} has no name"


def _danger(calm: Calm, text: str, domain: str | None) -> str:
    """The first word of danger in a text, "" if there is none; letters outside ASCII are one.

    domain: of the action, for prose; None for a value, of which only the word itself counts.
    """
    if not text.isascii():
        text = text.translate(_TYPOGRAPHY)
        if not text.isascii():
            return "letters outside ASCII"
    before = ""
    for word in raw_words(_PAGE_TOKEN.sub(" ", text.lower())):
        if word in calm.danger_nouns:
            return word
        if domain is None:
            if word in calm.danger:
                return word
        elif not (before in _BEFORE_A_NOUN and domain in calm.nouns.get(word, ())) and any(
            base in calm.danger for base in base_forms(word)
        ):
            return word
        before = word
    return ""
