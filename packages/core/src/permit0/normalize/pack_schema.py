"""What a pack file may say. `permit0 pack schema` prints it as JSON Schema for editors.

A pack holds `actions` (the policy table of canonical actions: typed parameters, base flags and
amplifiers, rules, session lines), `rules` (more rules for actions of other packs; they can only raise),
`mappings` (which real tool is which action, and which of its arguments is which parameter) and `cases`
(calls with the decision they must get; `permit0 pack test` runs them). A pack is data: nothing in it is
ever evaluated as text.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from permit0.model.vocabulary import Amplifier, Effect, Flag
from permit0.normalize.parameter_types import ParameterType

__all__ = [
    "ActionSpec",
    "CaseCall",
    "CaseSpec",
    "ConditionSpec",
    "LineSpec",
    "MappingSpec",
    "PackSpec",
    "ParameterSpec",
    "ParameterType",
    "RuleSpec",
    "SessionSpec",
    "SessionTestSpec",
    "Test",
    "TestSpec",
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _by_value(kind: type[StrEnum]) -> BeforeValidator:
    return BeforeValidator(lambda value: kind(value) if value in set(kind) else value)


FlagName = Annotated[Flag, _by_value(Flag)]
AmplifierName = Annotated[Amplifier, _by_value(Amplifier)]
EffectName = Annotated[Effect, _by_value(Effect)]
RoleName = Literal["primary", "secondary"]
Number = int | float


TypeName = Annotated[ParameterType, _by_value(ParameterType)]


class ParameterSpec(_Strict):
    """One parameter of a canonical action."""

    type: TypeName
    required: bool = Field(default=False, description="A call without it is refused.")
    names: list[str] = Field(
        default_factory=list,
        description="Argument names that mean this parameter when the tool is called by the "
        "canonical name; the parameter's own name always does.",
    )


class TestSpec(_Strict):
    """Tests of one fact; all that are given must hold."""

    above: Number | None = None
    at_least: Number | None = None
    below: Number | None = None
    at_most: Number | None = None
    has: list[str] | None = Field(default=None, description="The set holds one of these.")
    lacks: list[str] | None = Field(default=None, description="The set holds none of these.")
    matches: list[str] | None = Field(
        default=None, description="The text, or one of a set, matches one."
    )
    misses: list[str] | None = Field(
        default=None, description="The text matches none of these pattern sets."
    )
    present: bool | None = None


Test = bool | int | float | str | list[str] | TestSpec
"""A value to be equal to, a list to be in, or tests."""


class ConditionSpec(_Strict):
    """Tests by fact name; all must hold. `any`: one of several conditions; `not`: none of it."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, Test] = Field(init=False)

    any_of: list[ConditionSpec] | None = Field(default=None, alias="any")
    none_of: ConditionSpec | None = Field(default=None, alias="not")


class LineSpec(_Strict):
    """What every line of a policy table may say."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    when: ConditionSpec | None = None
    effect: EffectName
    amplifiers: dict[AmplifierName, int] = Field(default_factory=dict, description="Points to add.")
    override: dict[AmplifierName, int] = Field(
        default_factory=dict, description="Points the amplifier is raised to."
    )
    add_flags: dict[FlagName, RoleName] = Field(default_factory=dict)
    promote: list[FlagName] = Field(default_factory=list)
    why: str = Field(description="One sentence for the person who reads the decision.")


class RuleSpec(LineSpec):
    """One line about the call itself."""

    demote: list[FlagName] = Field(
        default_factory=list, description="To secondary; only in a downgrade or allow."
    )


class SessionTestSpec(_Strict):
    """A question to the session. Counts include the call that is being decided."""

    count: int | None = Field(default=None, description="At least this many of the actions.", ge=2)
    distinct: int | None = Field(
        default=None, description="At least this many different values of `key`.", ge=2
    )
    key: str | None = None
    recent: int | None = Field(
        default=None, description="One of the actions is among the last n calls.", ge=1
    )
    rate: int | None = Field(default=None, description="More than this many a minute.", ge=1)
    of: list[str] = Field(description="The actions that count.", min_length=1)
    within_s: int | None = Field(default=None, ge=1)
    exposed: bool = Field(
        default=False, description="Only actions that exposed secrets or personal data."
    )


class SessionSpec(LineSpec):
    """One line about the session."""

    session: SessionTestSpec
    effect: EffectName = Effect.UPGRADE


class ActionSpec(_Strict):
    """The policy table of one canonical action."""

    risk: Literal["low", "medium", "high", "critical"] = Field(
        description="The published label of the action, for people; scores come from the rest."
    )
    parameters: dict[str, ParameterSpec] = Field(default_factory=dict)
    inert: list[str] = Field(
        default_factory=list, description="Argument names without influence on the risk."
    )
    flags: dict[FlagName, RoleName]
    amplifiers: dict[AmplifierName, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    reads: bool = Field(
        default=False, description="Hands data to the agent: EXPOSURE on it marks the session."
    )
    outward: ConditionSpec | bool = Field(
        default=False, description="When data leaves the organisation with this action."
    )
    counterparty: list[str] = Field(
        default_factory=list, description="Parameters whose values together identify who receives."
    )
    rules: list[RuleSpec] = Field(default_factory=list)
    session: list[SessionSpec] = Field(default_factory=list)


class MappingSpec(_Strict):
    """Which action a real tool is. An argument that is not named here is looked at for addresses,
    amounts and secrets all the same.
    """

    tools: list[str] = Field(
        min_length=1, description="Names of the tool; case and separators do not matter."
    )
    vendor: str = ""
    source: str = Field(
        default="", description="Where the names were checked: package and version."
    )
    action: str
    arguments: dict[str, str | list[str]] = Field(
        default_factory=dict,
        description="Parameter -> argument names; `a.b` reaches into an object.",
    )
    inert: list[str] = Field(default_factory=list)
    literals: dict[str, JsonValue] = Field(
        default_factory=dict, description="Parameter -> fixed value."
    )
    minor_units: bool = Field(
        default=False, description="Money arguments count minor units (cents)."
    )
    select: dict[str, dict[str, str]] = Field(
        default_factory=dict,
        description="Argument -> its value (lower case) -> action instead of `action`.",
    )


class RouteSpec(_Strict):
    """Which action an HTTP request is. It is judged as the request and as the action."""

    methods: list[str] = Field(min_length=1)
    host: str = Field(description="Exact host name.")
    path: str = Field(description="Path with `*` for one segment.")
    action: str
    arguments: dict[str, str | list[str]] = Field(default_factory=dict)
    literals: dict[str, JsonValue] = Field(default_factory=dict)
    minor_units: bool = False


class CaseCall(_Strict):
    """One call of a case."""

    tool: str
    args: dict[str, JsonValue] = Field(default_factory=dict)
    at_s: float = 0.0
    output: str | None = None
    agent: str | None = None
    principal: str | None = None
    session: str | None = None


class CaseSpec(_Strict):
    """Calls in one session and what the last of them must get."""

    name: str
    org: dict[str, JsonValue] = Field(
        default_factory=dict, description="Like `org` in permit0.yaml."
    )
    before: list[CaseCall] = Field(default_factory=list)
    call: CaseCall
    decision: Literal["allow", "human", "deny"]
    tier: Literal["minimal", "low", "medium", "high", "critical"] | None = None
    score: float | None = None
    action: str | None = None
    flags: list[FlagName] = Field(default_factory=list, description="Flags that must have fired.")
    rules: list[str] = Field(default_factory=list, description="Rules that must have fired.")
    not_rules: list[str] = Field(
        default_factory=list, description="Rules that must not have fired."
    )
    reasons: list[str] = Field(
        default_factory=list,
        description="Reasons that the decision must have: a code (tier_high), or a code and the rule that "
        "gave it (gate/credentials, floor_approval/large_here).",
    )
    amplifiers: dict[AmplifierName, int] = Field(
        default_factory=dict, description="Raw points it must have."
    )


class PackSpec(_Strict):
    """A pack file."""

    pack: str = Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)*$", description="Unique name.")
    version: int = Field(ge=1)
    about: str = ""
    patterns: dict[str, list[str]] = Field(
        default_factory=dict,
        description="Pattern sets by name, for `matches`: globs over a normalised, case-folded text "
        "(`*` within a path segment, `**` across segments).",
    )
    actions: dict[str, ActionSpec] = Field(default_factory=dict)
    rules: dict[str, list[RuleSpec]] = Field(
        default_factory=dict,
        description="More rules for actions of other packs: they can raise a decision, never lower it.",
    )
    mappings: list[MappingSpec] = Field(default_factory=list)
    routes: list[RouteSpec] = Field(default_factory=list)
    cases: list[CaseSpec] = Field(default_factory=list)


ConditionSpec.model_rebuild()
