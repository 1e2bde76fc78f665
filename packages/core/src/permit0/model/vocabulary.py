"""The closed words of a decision: flags, amplifiers, tiers, effects, verdicts, outcomes.

The order of members is part of the contract: scorer tables are indexed by it.
"""

from __future__ import annotations

from enum import Enum, IntEnum, StrEnum

__all__ = ["Amplifier", "Category", "Effect", "Flag", "Mode", "Outcome", "Role", "Tier", "Verdict"]


class Category(StrEnum):
    """What a flag is about; each has its own weight in the score."""

    DATA = "data"
    POWER = "power"
    CONTROL = "control"


class Flag(StrEnum):
    """What an action can do. A flag fires as primary or secondary."""

    OUTBOUND = "OUTBOUND"
    EXPOSURE = "EXPOSURE"
    MUTATION = "MUTATION"
    DESTRUCTION = "DESTRUCTION"
    PRIVILEGE = "PRIVILEGE"
    FINANCIAL = "FINANCIAL"
    EXECUTION = "EXECUTION"
    PHYSICAL = "PHYSICAL"
    GOVERNANCE = "GOVERNANCE"


class Role(IntEnum):
    """How strongly a flag counts. Larger is never milder."""

    ABSENT = 0
    SECONDARY = 1
    PRIMARY = 2


class Amplifier(StrEnum):
    """How much context adds, in raw points up to a ceiling of its own."""

    DESTINATION = "destination"
    SENSITIVITY = "sensitivity"
    SCOPE = "scope"
    AMOUNT = "amount"
    SESSION = "session"
    VOLUME = "volume"
    IRREVERSIBILITY = "irreversibility"
    BOUNDARY = "boundary"
    ACTOR = "actor"
    ENVIRONMENT = "environment"


class Tier(StrEnum):
    """The band of a score, mildest first."""

    MINIMAL = "minimal"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Effect(StrEnum):
    """What a rule does to routing when it fires, besides moving flags and amplifiers.

    ALLOW, ALLOW_LOG are ceilings that any session finding removes; DOWNGRADE and UPGRADE do no
    routing of their own; MEDIUM is a floor of REVIEW; HIGH and APPROVAL are a floor of HUMAN;
    GATE is HUMAN and hard; BLOCK is DENY and immutable.
    """

    ALLOW = "allow"
    ALLOW_LOG = "allow+log"
    DOWNGRADE = "downgrade"
    UPGRADE = "upgrade"
    MEDIUM = "medium"
    HIGH = "high"
    APPROVAL = "approval"
    GATE = "gate"
    BLOCK = "block"


class Verdict(IntEnum):
    """What the combination of all findings says. Larger is more restrictive; max() combines."""

    ALLOW = 0
    REVIEW = 1
    HUMAN = 2
    DENY = 3


class Outcome(StrEnum):
    """What the caller gets."""

    ALLOW = "allow"
    HUMAN = "human"
    DENY = "deny"


class Mode(Enum):
    """Whether decisions bind. OBSERVE records what would have been decided and lets calls run."""

    ENFORCE = "enforce"
    OBSERVE = "observe"
