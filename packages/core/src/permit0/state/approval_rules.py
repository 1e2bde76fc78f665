"""What an approval store answers, as pure functions that every store shares.

A request goes pending -> approved -> used, or pending -> rejected; anything that waits too long expires.
  * An answer counts from the creation of the request until before `expires`.
  * A use counts from the answer until before MAX_USE_AFTER later, however soon the request expired.
  * A store asks with its caller's time. One that is no number, or infinite, helps nothing: it is refused
    as expired and nothing is kept. So is one from before the beginning, beyond MAX_CLOCK_BACK.
  * The first answer or use that comes too late is kept as EXPIRED, for good, and so is every pending request
    that is over when another one is opened. Looking (find, pending) says EXPIRED and keeps nothing.
  * Nobody approves their own request: `verify_approver` says who may.
Does not: authenticate. `by` is the name that an authentication found.
"""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import timedelta
from typing import Final

import msgspec

from permit0.canonical import digest as sha256
from permit0.errors import InvalidInput
from permit0.model.approval import ApprovalAnswer, ApprovalRequest, ApprovalState, ApprovalStatus
from permit0.model.claims import MAX_TTL, Authority

__all__ = [
    "MAX_CLOCK_BACK",
    "MAX_USE_AFTER",
    "answered",
    "at_time",
    "checked_answer",
    "checked_request",
    "is_consistent",
    "is_over",
    "unknown",
    "used",
    "verify_approver",
]

MAX_USE_AFTER: Final = MAX_TTL[Authority.HUMAN]
"""How long an approval waits for its use: as long as the token lives that it may become, 1 hour."""

MAX_CLOCK_BACK: Final = timedelta(minutes=1)
"""How far back of an answer its use may be: clocks of machines differ, and are set. As a token's leeway."""

_MAX_NAME = 256  # characters, as names in claims

# Ignorable by Unicode (Default_Ignorable_Code_Point) though no control or format character; after NFKC.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)

_encode = msgspec.json.Encoder().encode
_decode_request = msgspec.json.Decoder(ApprovalRequest).decode
_decode_answer = msgspec.json.Decoder(ApprovalAnswer).decode


def checked_request(request: ApprovalRequest) -> tuple[ApprovalRequest, bytes]:
    """A new request as it will be read back, and its bytes.

    Raises:
        InvalidInput: approval_invalid: it would not come back as it is, its times are none, or
            view_digest is not that of the view.
    """
    try:
        data = _encode(request)
        found = _decode_request(data)
        if found == request and request.id and _has_own_digest(request) and _has_times(request):
            return found, data
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError) as error:
        raise _invalid("request") from error
    raise _invalid("request")


def checked_answer(answer: ApprovalAnswer) -> tuple[ApprovalAnswer, bytes]:
    """An answer as it will be read back, and its bytes.

    Raises:
        InvalidInput: approval_invalid: it would not come back as it is: a field of another type,
            "false" for false, a time that is none.
    """
    try:
        data = _encode(answer)
        found = _decode_answer(data)
        if found == answer:
            return found, data
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError) as error:
        raise _invalid("answer") from error
    raise _invalid("answer")


def verify_approver(by: str, request: ApprovalRequest, *, approves: bool = True) -> None:
    """Refuse a yes by who asked, or by whom it was asked for. A no may come from them as well.

    Names are compared without regard to case, spelling (NFKC), width, spaces and invisible characters.

    Raises:
        InvalidInput: approval_by: there is no name. approval_self: it is that of the principal or
            of the agent.
    """
    name = _folded(by)
    if not name or len(by) > _MAX_NAME:
        raise InvalidInput(
            f"an answer needs the name of a person of at most {_MAX_NAME} characters, give one",
            where="by",
            reason_code="approval_by",
        )
    if not approves:
        return
    for asked in (request.principal, request.agent):
        if asked is not None and _folded(asked) == name:
            raise InvalidInput(
                f"{by!r} asked, or is asked for, and cannot answer, find another person",
                where="by",
                reason_code="approval_self",
            )


def at_time(state: ApprovalState, at: float) -> ApprovalState:
    """The state as it is at a time; nothing but the status can differ."""
    start, end = _window(state)
    # Written so that a NaN is outside.
    if start <= at < end:
        return state
    return ApprovalState(state.request, ApprovalStatus.EXPIRED, state.answer)


def is_over(state: ApprovalState, at: float) -> bool:
    """Whether its time is over, in a way that is to be kept."""
    return math.isfinite(at) and at >= _window(state)[1]


def answered(
    state: ApprovalState, answer: ApprovalAnswer
) -> tuple[ApprovalState, InvalidInput | None]:
    """What becomes of a request that is answered, and the refusal if it could not be.

    Raises:
        InvalidInput: approval_by, approval_self, approval_view_changed; nothing becomes of it.
    """
    request = state.request
    if state.answer is not None:
        return state, _refusal("was answered before", "approval_answered")
    if at_time(state, answer.at).status is not ApprovalStatus.PENDING:
        return _expired(state, answer.at), _refusal("has expired", "approval_expired")
    verify_approver(answer.by, request, approves=answer.approved)
    if answer.view_digest != request.view_digest:
        raise _refusal(
            "shows something else than was answered, look again", "approval_view_changed"
        )
    status = ApprovalStatus.APPROVED if answer.approved else ApprovalStatus.REJECTED
    return ApprovalState(request, status, answer), None


def used(state: ApprovalState, digest: str, at: float) -> tuple[ApprovalState, InvalidInput | None]:
    """What becomes of an approval that is used, and the refusal if it could not be.

    Who does not know the digest learns nothing but that, whatever the status.
    """
    if state.request.digest != digest:
        return state, _refusal("is for other arguments, ask anew", "approval_other_call")
    match at_time(state, at).status:
        case ApprovalStatus.APPROVED:
            return ApprovalState(state.request, ApprovalStatus.USED, state.answer), None
        case ApprovalStatus.PENDING:
            return state, _refusal("was not answered yet, wait", "approval_pending")
        case ApprovalStatus.REJECTED:
            return state, _refusal("was rejected", "approval_rejected")
        case ApprovalStatus.USED:
            return state, _refusal("was used before, ask anew", "approval_used")
        case ApprovalStatus.EXPIRED:
            return _expired(state, at), _refusal("has expired, ask anew", "approval_expired")


def unknown() -> InvalidInput:
    """The error for an id that no request has."""
    return _refusal("is not known", "approval_unknown")


def is_consistent(state: ApprovalState) -> bool:
    """Whether a state that was read back can have come from these functions."""
    request, answer = state.request, state.answer
    if not _has_own_digest(request):
        return False
    if answer is None:
        return state.status in (ApprovalStatus.PENDING, ApprovalStatus.EXPIRED)
    if answer.request != request.id or answer.view_digest != request.view_digest:
        return False
    if answer.approved:
        return state.status not in (ApprovalStatus.PENDING, ApprovalStatus.REJECTED)
    return state.status is ApprovalStatus.REJECTED


def _window(state: ApprovalState) -> tuple[float, float]:
    """From when until before when the status stands."""
    back = MAX_CLOCK_BACK.total_seconds()
    if state.status is ApprovalStatus.PENDING:
        return state.request.created - back, state.request.expires
    if state.status is ApprovalStatus.APPROVED and state.answer is not None:
        given = state.answer.at
        return given - back, given + MAX_USE_AFTER.total_seconds()
    return -math.inf, math.inf


def _expired(state: ApprovalState, at: float) -> ApprovalState:
    return at_time(state, at) if is_over(state, at) else state


def _has_own_digest(request: ApprovalRequest) -> bool:
    return sha256(request.view.encode()) == request.view_digest


def _has_times(request: ApprovalRequest) -> bool:
    # Written so that a NaN is refused; JSON has no infinity either.
    return request.created < request.expires


def _folded(name: str) -> str:
    """A name as people read it: NFKC_Casefold of Unicode 3.13, and spaces as one."""
    seen = "".join(
        char
        for char in _INVISIBLE.sub("", unicodedata.normalize("NFKC", name))
        if char.isspace() or not unicodedata.category(char).startswith("C")
    )
    folded = unicodedata.normalize("NFKC", seen.casefold())
    return " ".join(unicodedata.normalize("NFKC", folded.casefold()).split())


def _refusal(why: str, reason_code: str) -> InvalidInput:
    return InvalidInput(f"the request for approval {why}", reason_code=reason_code)


def _invalid(what: str) -> InvalidInput:
    return InvalidInput(
        f"the {what} of an approval has a field that cannot be kept as it is, correct it",
        where=what,
        reason_code="approval_invalid",
    )
