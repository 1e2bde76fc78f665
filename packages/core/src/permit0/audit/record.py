"""What the log says about a decision and about an execution: the bodies of its records.

A DecisionBody holds all that the score and the verdict were computed from and what came out, so that
replay needs nothing else. By index, in the order of the vocabulary: `base`, `points` (Amplifier),
`roles` (Flag; 0 absent, 1 secondary, 2 primary). An OutcomeBody holds what came of a call.
Guarantees: canonical JSON; reading a body gives back what was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from permit0.canonical import MAX_BYTES, Json, freeze
from permit0.model.action import Fact
from permit0.model.rule import Change, Rule
from permit0.model.vocabulary import Amplifier, Flag, Role

__all__ = [
    "ActionBody",
    "DecisionBody",
    "FindingBody",
    "LineBody",
    "ListsBody",
    "OutcomeBody",
    "Provenance",
    "ReasonBody",
    "ReviewBody",
    "WeightsBody",
    "WhatBody",
    "WhoBody",
    "change_of",
    "fact_value",
    "facts_text",
    "line_data",
    "read_decision",
    "read_outcome",
]

_AMPLIFIERS = tuple(amplifier.value for amplifier in Amplifier)
_FLAGS = tuple(flag.value for flag in Flag)


class _Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class WhoBody(_Body, frozen=True, kw_only=True):
    """Who asked."""

    agent: str
    principal: str | None
    session: str
    framework: str = ""


class WhatBody(_Body, frozen=True, kw_only=True):
    """What was asked. arguments: redacted; null if they could not be read.

    digest: SHA-256 of the canonical arguments before redaction, hex. redacted: where marks stand
    in this body, as `arguments/JSON pointer`, `action 0/facts/path`, `who/session` and so on.
    """

    tool: str
    digest: str
    arguments: msgspec.Raw
    redacted: tuple[str, ...] = ()
    task: str = ""
    description: str = ""
    schema: str = ""

    def readable(self) -> bytes | None:
        """The arguments, None for null."""
        text = bytes(self.arguments)
        return None if text == b"null" else text


class LineBody(_Body, frozen=True, kw_only=True):
    """A line of the policy table that fired, and what it moved."""

    id: str
    effect: str
    why: str
    add: tuple[tuple[str, int], ...] = ()
    at_least: tuple[tuple[str, int], ...] = ()
    raise_to: tuple[tuple[str, int], ...] = ()
    demote: tuple[str, ...] = ()


class FindingBody(_Body, frozen=True, kw_only=True):
    """See Finding."""

    rule: str
    effect: str
    message: str
    immutable: bool = False


class ReasonBody(_Body, frozen=True, kw_only=True):
    """See Reason."""

    code: str
    message: str
    rule: str = ""


class ListsBody(_Body, frozen=True, kw_only=True):
    """Entries of the lists that cover the action: the reason, and who owns an allowance."""

    denied: str | None = None
    allowed: str | None = None
    owner: str = ""


class ReviewBody(_Body, frozen=True, kw_only=True):
    """What a second reader said. See Review."""

    verdict: str
    confidence: float
    reason: str
    failure: str = ""


class ActionBody(_Body, frozen=True, kw_only=True):
    """One action: what it is, what it began with, what moved it, and the result."""

    action: str
    origin: str
    facts: dict[str, object]
    keys: dict[str, str]
    amount: str | None
    marks: tuple[str, ...]
    pack: str
    risk_class: str
    base: tuple[int, ...]
    base_roles: tuple[int, ...]
    fired: tuple[LineBody, ...]
    adjusted: tuple[LineBody, ...]
    findings: tuple[FindingBody, ...]
    lists: ListsBody | None = None
    session_points: int
    volume_points: int
    score: float
    tier: str
    points: tuple[int, ...]
    roles: tuple[int, ...]
    blocked: bool
    block_rule: str
    verdict: str
    reasons: tuple[ReasonBody, ...]


class WeightsBody(_Body, frozen=True, kw_only=True):
    """The deployment's factors on the formula's weights, 1 where none is given, and the tier bounds."""

    flags: dict[str, float]
    amplifiers: dict[str, float]
    tier_bounds: tuple[float, float, float, float]


class Provenance(_Body, frozen=True, kw_only=True):
    """With what it was decided.

    policy: fingerprint of configuration, packs and plugins, SHA-256, hex. formula: of the scorer's
    constants. packs: versions by name. plugins: [name, distribution, version].
    """

    permit0: str
    policy: str
    formula: str
    packs: dict[str, int]
    plugins: tuple[tuple[str, str, str], ...]
    weights: WeightsBody


class DecisionBody(_Body, frozen=True, kw_only=True):
    """One decision. Its time is the record's."""

    id: str
    who: WhoBody
    what: WhatBody
    actions: tuple[ActionBody, ...]
    mode: str
    decided: str
    outcome: str
    tier: str
    score: float
    reasons: tuple[ReasonBody, ...]
    error: str = ""
    provenance: Provenance = msgspec.field(name="with")
    review: ReviewBody | None = None


class OutcomeBody(_Body, frozen=True, kw_only=True):
    """One execution.

    decision: id of the decision, "" if the caller did not say. error: what the tool raised, by type.
    exposed: kinds of secrets and personal data in the output. output_chars: its length.
    output_digest: SHA-256 of it, hex; "" where it held a secret, whose digest could be searched for.
    """

    decision: str
    who: WhoBody
    what: WhatBody
    exposed: tuple[str, ...]
    output_chars: int
    output_digest: str
    error: str = ""


_encoder = msgspec.json.Encoder(order="sorted")
_decision = msgspec.json.Decoder(DecisionBody)
_outcome = msgspec.json.Decoder(OutcomeBody)


def read_decision(body: msgspec.Raw) -> DecisionBody:
    """The body of a record of kind "decision".

    Raises:
        msgspec.DecodeError: It is of another form.
    """
    return _decision.decode(body)


def read_outcome(body: msgspec.Raw) -> OutcomeBody:
    """The body of a record of kind "outcome". Raises like `read_decision`."""
    return _outcome.decode(body)


def fact_value(fact: Fact) -> Json:
    """A fact as JSON: {"decimal": text}, {"set": [...]}, else the value itself."""
    if isinstance(fact, frozenset):
        members: list[Json] = [*sorted(fact)]
        return {"set": members}
    return {"decimal": str(fact)} if isinstance(fact, Decimal) else fact


def facts_text(facts: Mapping[str, Fact]) -> bytes:
    """Facts as canonical JSON."""
    plain = {name: fact_value(fact) for name, fact in facts.items()}
    for fact in plain.values():
        if type(fact) is int:  # may have more digits than a double
            return freeze(plain)
    try:
        text = _encoder.encode(plain)
    except UnicodeEncodeError:  # half a surrogate pair
        return freeze(plain)
    # Where all is ASCII, sorting needs no UTF-16; a name with "$" may be reserved.
    if text.isascii() and b'"$' not in text and len(text) <= MAX_BYTES:
        return text
    return freeze(plain)


def line_data(line: Rule) -> dict[str, object]:
    """A line of the policy table as plain values; what is empty is left out."""
    change = line.change
    data: dict[str, object] = {"id": line.id, "effect": line.effect.value, "why": line.why}
    if change.add:
        data["add"] = [(_AMPLIFIERS[i], points) for i, points in change.add]
    if change.at_least:
        data["at_least"] = [(_AMPLIFIERS[i], points) for i, points in change.at_least]
    if change.raise_to:
        data["raise_to"] = [(_FLAGS[i], int(role)) for i, role in change.raise_to]
    if change.demote:
        data["demote"] = [_FLAGS[i] for i in change.demote]
    return data


def change_of(line: LineBody) -> Change:
    """What a recorded line moved.

    Raises:
        ValueError: It names something that this permit0 does not know.
    """
    return Change(
        add=tuple((_AMPLIFIERS.index(name), points) for name, points in line.add),
        at_least=tuple((_AMPLIFIERS.index(name), points) for name, points in line.at_least),
        raise_to=tuple((_FLAGS.index(name), Role(role)) for name, role in line.raise_to),
        demote=tuple(_FLAGS.index(name) for name in line.demote),
    )
