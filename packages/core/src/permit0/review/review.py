"""Ask a reviewer, with a time limit, and take only what it may say.

Guarantees:
  1. What comes back is HUMAN or DENY; the type has no third.
  2. DENY only with MIN_CONFIDENCE and a reason. Anything else, whatever a reviewer does, is HUMAN, and
     `failure` says why.
  3. A reviewer that hangs keeps neither the caller nor the program; MAX_STUCK of them, and no more are started.
  4. Calls near the upper end of the band are not reviewed (`is_reviewable`); always-human actions never
     come here, since their verdict is HUMAN.

`failure`: review_timeout (silence), review_failed (an exception), review_unparsable (no Review, or one with
a value that it cannot have), review_unsure (a DENY below MIN_CONFIDENCE or without a reason),
review_overloaded (too many hang), review_too_large.
Does not: raise for anything that a reviewer does, or record (engine).
"""

from __future__ import annotations

from permit0.errors import InvalidInput
from permit0.model.call import ToolCall
from permit0.model.decision import Decision
from permit0.model.review import Review, ReviewRequest, ReviewVerdict
from permit0.ports import Reviewer
from permit0.review.request import Clean, make_request
from permit0.timebox import Crowded, Done, Failed, Late, Timebox
from permit0.visible import escape

__all__ = [
    "MIN_CONFIDENCE",
    "REVIEW_TIMEOUT_S",
    "SecondReader",
    "is_reviewable",
    "review_box",
    "run_review",
]

REVIEW_TIMEOUT_S = 20.0  # a model answers in seconds; an agent waits meanwhile
MIN_CONFIDENCE = 0.90  # DESIGN 7
TOP_OF_BAND = 0.2  # DESIGN 7: the part of the band, from above, that goes to a person at once
MAX_STUCK = 16
MAX_RUNNING = 128  # reviews at the same moment; each is a thread that waits for a model
MAX_REASON_CHARS = 1000
_ROUNDING = 1e-9  # a score on the bound is above it, however the bound was computed


class SecondReader:
    """A reviewer as the engine asks it. Safe for threads if the reviewer is.

    Args:
        reviewer: Reads.
        clean: Takes the secrets out of what it reads.
        timeout_s: How long it may take, in seconds.
    """

    def __init__(
        self, reviewer: Reviewer, *, clean: Clean, timeout_s: float = REVIEW_TIMEOUT_S
    ) -> None:
        if not 0 < timeout_s <= 3600:  # so that NaN is refused, too
            raise InvalidInput(
                f"a review cannot take {timeout_s!r} s, give seconds up to an hour",
                reason_code="timeout_invalid",
            )
        self._reviewer = reviewer
        self._clean = clean
        self._timeout_s = timeout_s
        self._box = review_box()

    def read(self, call: ToolCall, decision: Decision) -> Review:
        """Read one call."""
        try:
            request = make_request(call, decision, clean=self._clean)
        except InvalidInput as error:
            return _human("review_too_large", str(error))
        return run_review(self._reviewer, request, timeout_s=self._timeout_s, box=self._box)


def review_box() -> Timebox:
    """Where reviewers run; it remembers those that hang, so keep it as long as the reviewer."""
    return Timebox("permit0-reviewer", max_stuck=MAX_STUCK, max_running=MAX_RUNNING)


def run_review(
    reviewer: Reviewer,
    request: ReviewRequest,
    *,
    timeout_s: float = REVIEW_TIMEOUT_S,
    box: Timebox,
) -> Review:
    """Ask a reviewer once.

    Args:
        reviewer: Whom. request: what.
        timeout_s: How long it may take, in seconds.
        box: From `review_box`.
    """
    match box.run(lambda: reviewer.review(request), timeout_s=timeout_s):
        case Done(value=value):
            return _checked(value)
        case Failed(code="review_unparsable"):
            return _human("review_unparsable", "the reviewer's answer cannot be read")
        case Failed(error=name):
            return _human("review_failed", f"the reviewer failed with {escape(name)}")
        case Late():
            return _human("review_timeout", "the reviewer did not answer in time")
        case Crowded():
            return _human("review_overloaded", "too many reviews hang, none was started")


def is_reviewable(*, score: float, bounds: tuple[float, float]) -> bool:
    """Whether a REVIEW decision goes to the reviewer; if not, to a person at once.

    Args:
        score: Of the decision. bounds: of the medium band, lower and upper.
    """
    low, high = bounds
    # A comparison with NaN is false. A score below the band came to REVIEW by a rule, and is read.
    return low < high and score + _ROUNDING < high - TOP_OF_BAND * (high - low)


def _checked(value: object) -> Review:
    """What a reviewer said, if it may say that. Structs do not check what they are made of."""
    if type(value) is not Review or not _is_sound(value.verdict, value.confidence, value.reason):
        return _human("review_unparsable", "the reviewer gave something that no review can be")
    said = escape(value.reason.strip(), alone=True)[:MAX_REASON_CHARS]
    verdict, failure = value.verdict, ""
    if verdict is ReviewVerdict.DENY and not (value.confidence >= MIN_CONFIDENCE and said):
        verdict, failure = ReviewVerdict.HUMAN, "review_unsure"
    return Review(verdict=verdict, confidence=float(value.confidence), reason=said, failure=failure)


def _is_sound(verdict: object, confidence: object, reason: object) -> bool:
    return (
        type(verdict) is ReviewVerdict
        and type(confidence) in {int, float}
        and isinstance(confidence, int | float)
        and 0 <= confidence <= 1  # false for NaN
        and type(reason) is str
    )


def _human(failure: str, reason: str) -> Review:
    return Review(verdict=ReviewVerdict.HUMAN, confidence=0.0, reason=reason, failure=failure)
