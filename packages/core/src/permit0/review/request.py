"""What a reviewer reads about a call.

Guarantees: secrets are taken out first; a text has at most MAX_TEXT_CHARS, the arguments MAX_ARGUMENTS_CHARS;
characters that no person sees (with which a text can speak to a model behind everybody's back) are
written out as JSON escapes. The arguments stay JSON of the same values, but for marks and cuts.
Does not: make a model immune to what the arguments say. It need not be: a reviewer cannot allow.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

from permit0.canonical import Json, freeze, thaw
from permit0.errors import InvalidInput
from permit0.model.call import ToolCall
from permit0.model.decision import Decision
from permit0.model.review import ReviewRequest
from permit0.visible import escape

__all__ = ["Clean", "make_request"]

Clean = Callable[[Mapping[str, Json]], Mapping[str, Json]]
"""Takes the secrets out: the same structure and order, with a text in place of each secret."""

MAX_TEXT_CHARS = 4000  # of one value; the start and the end of a longer one
MAX_ARGUMENTS_CHARS = 48_000  # about 12,000 tokens: a model reads no more with care
MAX_REASONS = 40
_DIGEST_CHARS = 16


def make_request(call: ToolCall, decision: Decision, *, clean: Clean) -> ReviewRequest:
    """What a reviewer reads.

    Args:
        call: What would run. decision: the REVIEW decision about it.
        clean: Takes the secrets out of the arguments, and out of the words beside them.

    Raises:
        InvalidInput: review_too_large, or no canonical form is left. The caller asks a person.
    """
    said: dict[str, Json] = {
        "tool": call.tool,
        "task": call.task,
        "session": call.session,
        "agent": call.agent,
    }
    cleaned = clean({"arguments": thaw(call.arguments), "words": said})
    arguments, words = cleaned.get("arguments"), cleaned.get("words")
    assert isinstance(arguments, dict)  # the redactor keeps the form
    assert isinstance(words, dict)
    text = escape(freeze({name: _short(value) for name, value in arguments.items()}).decode())
    if len(text) > MAX_ARGUMENTS_CHARS:
        raise InvalidInput(
            f"the arguments are longer than the {MAX_ARGUMENTS_CHARS} characters that are reviewed",
            where="arguments",
            reason_code="review_too_large",
        )
    return ReviewRequest(
        decision=decision.id,
        tool=_word(words["tool"]),
        action=decision.action,
        arguments=text,
        task=_word(words["task"]),
        session=_word(words["session"]),
        agent=_word(words["agent"]),
        tier=decision.tier,
        score=decision.score,
        flags=tuple(flag.value for flag in decision.flags),
        rules=decision.rules[:MAX_REASONS],
        reasons=tuple(_word(reason.message) for reason in decision.reasons[:MAX_REASONS]),
    )


def _word(value: Json) -> str:
    return escape(_cut(str(value)))


def _short(value: Json) -> Json:
    match value:
        case str():
            return _cut(value)
        case list():
            return [_short(item) for item in value]
        case dict():
            return {_cut(name): _short(item) for name, item in value.items()}
        case _:
            return value


def _cut(text: str) -> str:
    if len(text) <= MAX_TEXT_CHARS:
        return text
    half = MAX_TEXT_CHARS // 2
    whole = hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()[:_DIGEST_CHARS]
    missing = f"{len(text) - 2 * half} characters left out, SHA-256 of all {whole}"
    return f"{text[:half]} [{missing}] {text[-half:]}"
