"""permit0.yaml and the environment: the only reader of both.

Where it is looked for: `--config`, then PERMIT0_CONFIG, then `permit0.yaml` in the working directory or
above. Without one, safe defaults: every recipient is external, no payee is known, enforce mode.

Guarantees: unknown keys are errors; every error names file, line and key; guardrails (weights
0.5 to 2, tier bounds 0.10, immutable rules only stricter) are checked before anything starts. What the
environment says about keys shows itself in no message, repr, pickle or variable of a traceback.
Does not: read packs or plugins (build), know what a rule does (normalize), or look at keys
(deployment_keys).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Never

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StrictFloat,
    StrictInt,
    ValidationError,
)

from permit0.errors import BadConfig
from permit0.located import Located, explain_validation, parse_yaml

__all__ = [
    "AllowEntry",
    "ApprovalConfig",
    "AuditConfig",
    "Config",
    "DenyEntry",
    "KeyVariables",
    "KeysConfig",
    "ListsConfig",
    "OrgConfig",
    "PayeeConfig",
    "TokensConfig",
    "find_config",
    "load_config",
    "read_key_variables",
]

CONFIG_NAME = "permit0.yaml"
CONFIG_VARIABLE = "PERMIT0_CONFIG"
SIGNING_KEY_VARIABLE = "PERMIT0_SIGNING_KEY"
ACCEPTED_KEYS_VARIABLE = "PERMIT0_ACCEPTED_KEYS"
MAX_CONFIG_BYTES = 1 << 20  # a policy that a person can still read
PROFILES = ("general", "fintech", "insurtech", "healthtech")


_Number = StrictInt | StrictFloat  # `true` and '5' are no numbers


class _Strict(BaseModel):
    # A value in an error may be a key in the wrong place.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class PayeeConfig(_Strict):
    """A payee that was approved, with any account or with the accounts that are listed."""

    name: str = Field(min_length=1)
    account: str | None = None


def _payee(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


class OrgConfig(_Strict):
    """Facts about the organisation."""

    domains: tuple[str, ...] = ()
    default_currency: str = Field(default="USD", pattern=r"^[A-Za-z]{3}$")
    fx_to_default: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = Field(
        default_factory=dict
    )
    approved_payees: tuple[Annotated[PayeeConfig, BeforeValidator(_payee)], ...] = ()
    customers: tuple[str, ...] | None = None
    environment: Literal["production", "staging", "development", "test", ""] = ""


class DenyEntry(_Strict):
    """What is refused whatever its score. All tests that are given must hold."""

    action: str | None = Field(default=None, description="`payments.transfer`, or `payments.*`.")
    # Without a letter or digit, nothing is left of a name once it is folded, and that means any tool.
    tool: str | None = Field(None, pattern=r"[^\W_]")
    when: dict[str, JsonValue] | None = None
    reason: str = Field(min_length=1)


class AllowEntry(DenyEntry):
    """What needs no score. It never lifts a session rule, a gate or a block, and it expires."""

    owner: str = Field(min_length=1)
    expires: AwareDatetime


class ListsConfig(_Strict):
    """Deny and allow list."""

    deny: tuple[DenyEntry, ...] = ()
    allow: tuple[AllowEntry, ...] = ()


class WeightsConfig(_Strict):
    """Factors of 0.5 to 2 on the weights, moves of up to 0.10 on the tier bounds."""

    flags: dict[str, _Number] = Field(default_factory=dict)
    amplifiers: dict[str, _Number] = Field(default_factory=dict)
    tier_bounds: dict[Literal["low", "medium", "high", "critical"], _Number] = Field(
        default_factory=dict
    )


class StateConfig(_Strict):
    """Where sessions are remembered."""

    path: str | None = Field(
        default=None,
        min_length=1,
        description="One file for every process of this machine, relative to permit0.yaml; "
        "without it, each process remembers its own calls until it ends.",
    )


class AuditConfig(_Strict):
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


class KeysConfig(_Strict):
    """The keys of the deployment, for tokens and records."""

    path: str = Field(
        min_length=1,
        description="Folder of `permit0 keys`, or a file of `permit0 keys export` on a machine that "
        "only verifies; relative to permit0.yaml.",
    )


class TokensConfig(_Strict):
    """How long tokens live, in seconds; never longer than the defaults."""

    scorer_ttl_s: StrictInt = Field(default=300, ge=1, le=300)
    human_ttl_s: StrictInt = Field(default=3600, ge=1, le=3600)


class ApprovalConfig(_Strict):
    """How long a question to a person waits for its answer, in seconds."""

    timeout_s: StrictInt = Field(default=300, ge=1, le=7 * 24 * 3600)


class Config(_Strict):
    """A whole permit0.yaml. `rules`: more rules per action, in the form of a pack's, upward only."""

    org: OrgConfig = OrgConfig()
    mode: Literal["enforce", "observe"] = "enforce"
    profile: Literal["general", "fintech", "insurtech", "healthtech"] = "general"
    weights: WeightsConfig = WeightsConfig()
    limits: dict[str, _Number] = Field(default_factory=dict)
    lists: ListsConfig = ListsConfig()
    rules: dict[str, list[dict[str, JsonValue]]] = Field(default_factory=dict)
    state: StateConfig = StateConfig()
    packs: tuple[str, ...] = Field(
        default=(), description="More pack files, relative to permit0.yaml."
    )
    plugins: tuple[str, ...] | None = Field(
        default=None,
        description="Plugins to load by name; without it, all first-party ones installed.",
    )
    audit: AuditConfig | None = Field(
        default=None, description="Where decisions are recorded; without it, nowhere."
    )
    deployment: str = Field(
        default="permit0",
        min_length=1,
        max_length=256,
        description="Name of this deployment. Tokens of another one are refused.",
    )
    keys: KeysConfig | None = Field(
        default=None,
        description="Without it and without PERMIT0_SIGNING_KEY, each process signs for itself.",
    )
    tokens: TokensConfig = TokensConfig()
    approval: ApprovalConfig = ApprovalConfig()


class LoadedConfig:
    """A Config and where each of its keys stood."""

    def __init__(self, config: Config, source: Located, path: Path | None) -> None:
        self.config = config
        self.path = path
        self._source = source

    @property
    def folder(self) -> Path:
        """What relative paths in it are relative to."""
        return Path.cwd() if self.path is None else self.path.parent

    def at(self, *place: str | int) -> str:
        """`permit0.yaml:12: limits.transfer_total` for messages."""
        return self._source.at(place)


class KeyVariables:
    """What the environment says about keys: text that may be secret and that nobody has looked at.

    signing: one k4.secret. accepted: k4.public keys with commas between. None where it is not set.
    """

    __slots__ = ("accepted", "signing")

    def __init__(self, *, signing: str | None, accepted: str | None) -> None:
        self.signing = signing
        self.accepted = accepted

    @property
    def names(self) -> tuple[str, ...]:
        """Which variables are set."""
        given = {SIGNING_KEY_VARIABLE: self.signing, ACCEPTED_KEYS_VARIABLE: self.accepted}
        return tuple(name for name, text in given.items() if text is not None)

    def __repr__(self) -> str:
        return "<KeyVariables>"

    def __reduce_ex__(self, protocol: object) -> Never:
        raise TypeError("keys are not copied or pickled, read them where they are needed")


def read_key_variables(environment: Mapping[str, str] | None = None) -> KeyVariables:
    """PERMIT0_SIGNING_KEY and PERMIT0_ACCEPTED_KEYS. One that is set but empty is set."""
    variables = os.environ if environment is None else environment
    return KeyVariables(
        signing=variables.get(SIGNING_KEY_VARIABLE), accepted=variables.get(ACCEPTED_KEYS_VARIABLE)
    )


def find_config(
    explicit: Path | None = None, *, environment: Mapping[str, str] | None = None
) -> Path | None:
    """Where the configuration is, or None for the safe defaults.

    Raises:
        BadConfig: A path was named, by option or variable, and nothing is there.
    """
    variable = (os.environ if environment is None else environment).get(CONFIG_VARIABLE)
    del environment  # may hold a key, and tools print the variables of a traceback
    named = Path(variable) if explicit is None and variable else explicit
    if named is not None:
        if not named.is_file():
            raise BadConfig(f"there is no configuration file at {str(named)!r}")
        return named
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / CONFIG_NAME).is_file():
            return folder / CONFIG_NAME
    return None


def load_config(path: Path | None) -> LoadedConfig:
    """Read a configuration file, or the safe defaults for None.

    Raises:
        BadConfig: Not readable, no YAML, an unknown key or a value of the wrong kind.
    """
    if path is None:
        return LoadedConfig(Config(), Located("defaults", {}, {}), None)
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise BadConfig(f"{path.name} is larger than {MAX_CONFIG_BYTES} bytes")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(f"{str(path)!r} cannot be read: {type(error).__name__}") from error
    return parse_config(text, path.name, path)


def parse_config(text: str, name: str, path: Path | None = None) -> LoadedConfig:
    """Read a configuration from text; `name` is for messages. Raises like load_config."""
    source = parse_yaml(text, name, BadConfig)
    data = {} if source.data is None else source.data
    try:
        return LoadedConfig(Config.model_validate(data), source, path)
    except ValidationError as error:
        raise explain_validation(error, source, Config, BadConfig) from error
