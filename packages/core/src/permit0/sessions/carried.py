"""exposed_output_carried: a call carries a part of what an exposed read gave back.

It speaks in every channel, also inside of the organisation, in an unknown tool and hours later: a person has to
look (floor HUMAN). Where the action leaves the organisation and the part is a secret or a large one, it is
`read_then_exfiltrate`, which nothing lifts.
What is noticed: about 55 letters of a text in a row, or as much in parts, or half of a short one; two
parts of a secret; a whole number or password. What is large: about 175 letters or half of a text; any secret.
Guarantees: the messages say how much of which output and when it was read, never what.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from permit0.model.exposure import (
    CALL_STRIDE,
    Carried,
    CarriedBlocks,
    PieceGroup,
    PieceKind,
)
from permit0.model.finding import Finding
from permit0.model.vocabulary import Effect

__all__ = ["CARRIED", "CallCarries", "call_carries", "carried_findings"]

CARRIED = "exposed_output_carried"
_EXFILTRATED = "read_then_exfiltrate"
# Characters by which a text is told from a phrase that everybody uses; measured on mail.
NOTICED_CHARS = 40
LARGE_CHARS = 160
FEWEST_PARTS = 2


class CallCarries(msgspec.Struct, frozen=True, gc=False):
    """What a call carries. noticed: one sentence, of the first that is worth one. large: of the first
    large one.

    blocks: what is to be remembered, also of what is too little by itself: a chunk of many.
    """

    noticed: str
    large: str
    blocks: tuple[CarriedBlocks, ...]

    def __bool__(self) -> bool:
        return bool(self.noticed)


def call_carries(carried: Sequence[Carried], *, whole: bool) -> CallCarries | None:
    """Weigh what a call carries.

    Args:
        carried: Of each output.
        whole: Whether all of the call was compared.

    Returns:
        None if there is nothing to say and nothing to remember.
    """
    noticed = large = ""
    for item in carried:
        for group, parts, _ in item.groups:
            if _is_noticed(group, parts):
                message = _message(item, group, parts)
                noticed = noticed or message
                if not large and _is_large(group, parts):
                    large = message
    if not whole and not noticed:
        noticed = "sensitive data was read, and this call holds more than can be compared with it"
    blocks = tuple(item.blocks for item in carried if item.blocks.blocks)
    return CallCarries(noticed, large, blocks) if noticed or blocks else None


def carried_findings(carried: CallCarries, *, outward: bool) -> tuple[Finding, ...]:
    """What to say about one action of a call.

    Args:
        carried: What the call carries.
        outward: Whether the action leaves the organisation.
    """
    if not carried.noticed:
        return ()
    findings = [Finding(CARRIED, Effect.APPROVAL, carried.noticed)]
    if outward and carried.large:
        message = f"{carried.large}, and this action leaves the organisation"
        findings.insert(0, Finding(_EXFILTRATED, Effect.BLOCK, message, immutable=True))
    return tuple(findings)


def _is_noticed(group: PieceGroup, parts: int) -> bool:
    if group.kind is PieceKind.TEXT:
        return parts >= _enough(group, NOTICED_CHARS)
    if group.kind is PieceKind.SECRET:
        return parts >= min(group.parts, FEWEST_PARTS)
    return True


def _is_large(group: PieceGroup, parts: int) -> bool:
    return group.kind is not PieceKind.TEXT or parts >= _enough(group, LARGE_CHARS)


def _enough(group: PieceGroup, chars: int) -> int:
    part_chars = CALL_STRIDE * group.stride
    few = max(FEWEST_PARTS, -(-chars // part_chars))
    # Half of what is short; but of ten letters, half are in any text.
    half = max(4, -(-group.parts // 2))
    return min(few, half)


def _message(item: Carried, group: PieceGroup, parts: int) -> str:
    read = datetime.fromtimestamp(item.at, UTC).strftime("%Y-%m-%d %H:%M:%S")
    if group.kind in (PieceKind.NUMBER, PieceKind.WORD):
        count = f"{parts} of {group.parts} values of the kind {group.what}"
    else:
        of = "" if group.kind is PieceKind.TEXT else f" of a {group.what}"
        count = f"{min(parts, group.parts)} of {group.parts} pieces{of}"
    return f"{count} that {item.tool!r} gave back at {read} UTC are in this session's calls"
