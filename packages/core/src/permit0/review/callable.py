"""Any function as a reviewer, and its answer read strictly.

    reviewer = CallableReviewer(ask_my_model)

The function gets the request as a plain dict (`arguments` is JSON text in it) and returns a Review, a
dict, or JSON text of an object, alone or as the only thing in a fence of three backticks:

    {"verdict": "human" | "deny", "confidence": 0.0 to 1.0, "reason": "..."}

Guarantees: exactly these three members, each once; the verdict is one of these words in full, in lower or upper
case; words around the object, other words, other members, NaN and numbers in quotes are refused. What is
refused is InvalidInput review_unparsable, and so HUMAN.
Does not: write a prompt, call a model, or repair an answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NoReturn

import msgspec

from permit0.errors import InvalidInput
from permit0.model.review import Review, ReviewRequest, ReviewVerdict
from permit0.timebox import settle

__all__ = ["CallableReviewer", "parse_review"]

Said = Review | Mapping[str, Any] | str
MAX_ANSWER_CHARS = 20_000
_MEMBERS = {"verdict", "confidence", "reason"}
_WORDS = {
    word: verdict for verdict in ReviewVerdict for word in (verdict.value, verdict.value.upper())
}
_FENCED = re.compile(r"```(?:json|JSON)?[ \t]*\r?\n(.*)\r?\n```", re.DOTALL)


class CallableReviewer:
    """Asks a function, sync or async.

    Args:
        function: Reads the request and answers.
    """

    def __init__(self, function: Callable[[dict[str, Any]], Said | Awaitable[Said]]) -> None:
        self._function = function

    def review(self, request: ReviewRequest) -> Review:
        plain = msgspec.json.decode(msgspec.json.encode(request))
        return parse_review(settle(self._function(plain)))


def parse_review(answer: object) -> Review:
    """A review from what a function returned.

    Raises:
        InvalidInput: review_unparsable.
    """
    if type(answer) is Review:
        return answer
    if isinstance(answer, str):
        answer = _object(answer)
    if not isinstance(answer, dict) or answer.keys() != _MEMBERS:
        _refuse("it is no object of verdict, confidence and reason")
    verdict, confidence, reason = answer["verdict"], answer["confidence"], answer["reason"]
    if not isinstance(verdict, str) or verdict not in _WORDS:
        _refuse("the verdict is neither human nor deny")
    if type(confidence) not in {int, float} or not 0 <= confidence <= 1:  # NaN, too
        _refuse("the confidence is no number from 0 to 1")
    if not isinstance(reason, str):
        _refuse("the reason is no text")
    return Review(verdict=_WORDS[verdict], confidence=float(confidence), reason=reason)


def _object(text: str) -> object:
    if len(text) > MAX_ANSWER_CHARS:
        _refuse("it is too long")
    text = text.strip()
    fenced = _FENCED.fullmatch(text)
    try:
        return json.loads(
            text if fenced is None else fenced[1],
            object_pairs_hook=_once,
            parse_constant=lambda name: _refuse(f"{name} is no number"),
        )
    except (ValueError, RecursionError):
        _refuse("it is no JSON")


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        _refuse("a member is there twice")
    return found


def _refuse(why: str) -> NoReturn:
    raise InvalidInput(
        f"the reviewer's answer cannot be read: {why}", reason_code="review_unparsable"
    )
