"""What a permit0.yaml may say, checked by pydantic; what comes of it are the values of permit0.config.

Apart from those, so that an engine without a permit0.yaml needs no schema. tests/core/test_config.py compares
the two.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StrictFloat,
    StrictInt,
)

__all__ = ["ConfigFile", "OrgFile"]

_Number = StrictInt | StrictFloat  # `true` and '5' are no numbers


class _Strict(BaseModel):
    # A value in an error may be a key in the wrong place.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class PayeeFile(_Strict):
    """A payee that was approved, with any account or with the accounts that are listed."""

    name: str = Field(min_length=1)
    account: str | None = None


def _payee(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


class OrgFile(_Strict):
    """Facts about the organisation."""

    domains: tuple[str, ...] = ()
    default_currency: str = Field(default="USD", pattern=r"^[A-Za-z]{3}$")
    fx_to_default: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = Field(
        default_factory=dict
    )
    approved_payees: tuple[Annotated[PayeeFile, BeforeValidator(_payee)], ...] = ()
    customers: tuple[str, ...] | None = None
    environment: Literal["production", "staging", "development", "test", ""] = ""


class DenyFile(_Strict):
    """What is refused whatever its score. All tests that are given must hold."""

    action: str | None = Field(default=None, description="`payments.transfer`, or `payments.*`.")
    # Without a letter or digit, nothing is left of a name once it is folded, and that means any tool.
    tool: str | None = Field(None, pattern=r"[^\W_]")
    when: dict[str, JsonValue] | None = None
    reason: str = Field(min_length=1)


class AllowFile(DenyFile):
    """What needs no score. It never lifts a session rule, a gate or a block, and it expires."""

    owner: str = Field(min_length=1)
    expires: AwareDatetime


class ListsFile(_Strict):
    """Deny and allow list."""

    deny: tuple[DenyFile, ...] = ()
    allow: tuple[AllowFile, ...] = ()


class WeightsFile(_Strict):
    """Factors of 0.5 to 2 on the weights, moves of up to 0.10 on the tier bounds."""

    flags: dict[str, _Number] = Field(default_factory=dict)
    amplifiers: dict[str, _Number] = Field(default_factory=dict)
    tier_bounds: dict[Literal["low", "medium", "high", "critical"], _Number] = Field(
        default_factory=dict
    )


class StateFile(_Strict):
    """Where sessions are remembered."""

    path: str | None = Field(
        default=None,
        min_length=1,
        description="One file for every process of this machine, relative to permit0.yaml; "
        "without it, each process remembers its own calls until it ends.",
    )


class AuditFile(_Strict):
    """Where decisions are recorded; paths are relative to permit0.yaml."""

    path: str | None = Field(
        default=None,
        min_length=1,
        description="The log; by default in the state file, without one in permit0-audit.db.",
    )
    durability: Literal["process", "power"] = "process"
    key: str | None = Field(
        default=None,
        min_length=1,
        description="What signs the records: a file of one k4.secret key, or a folder of "
        "`permit0 keys`; without it, the keys of the deployment.",
    )


class KeysFile(_Strict):
    """The keys of the deployment, for tokens and records."""

    path: str = Field(
        min_length=1,
        description="Folder of `permit0 keys`, or a file of `permit0 keys export` on a machine that "
        "only verifies; relative to permit0.yaml.",
    )


class TokensFile(_Strict):
    """How long tokens live, in seconds; never longer than the defaults."""

    scorer_ttl_s: StrictInt = Field(default=300, ge=1, le=300)
    human_ttl_s: StrictInt = Field(default=3600, ge=1, le=3600)


class ApprovalFile(_Strict):
    """How long a question to a person waits for its answer, in seconds."""

    timeout_s: StrictInt = Field(default=300, ge=1, le=7 * 24 * 3600)


class ConfigFile(_Strict):
    """A whole permit0.yaml. `rules`: more rules per action, in the form of a pack's, upward only."""

    org: OrgFile = OrgFile()
    mode: Literal["enforce", "observe"] = "enforce"
    profile: Literal["general", "fintech", "insurtech", "healthtech"] = "general"
    weights: WeightsFile = WeightsFile()
    limits: dict[str, _Number] = Field(default_factory=dict)
    lists: ListsFile = ListsFile()
    rules: dict[str, list[dict[str, JsonValue]]] = Field(default_factory=dict)
    state: StateFile = StateFile()
    packs: tuple[str, ...] = Field(
        default=(), description="More pack files, relative to permit0.yaml."
    )
    plugins: tuple[str, ...] | None = Field(
        default=None,
        description="Plugins to load by name; without it, all first-party ones installed.",
    )
    audit: AuditFile | None = Field(
        default=None, description="Where decisions are recorded; without it, nowhere."
    )
    deployment: str = Field(
        default="permit0",
        min_length=1,
        max_length=256,
        description="Name of this deployment. Tokens of another one are refused.",
    )
    keys: KeysFile | None = Field(
        default=None,
        description="Without it and without PERMIT0_SIGNING_KEY, each process signs for itself.",
    )
    tokens: TokensFile = TokensFile()
    approval: ApprovalFile = ApprovalFile()
