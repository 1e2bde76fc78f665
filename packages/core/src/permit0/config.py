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
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Never

import msgspec

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
    "parse_config",
    "parse_org",
    "read_key_variables",
]

CONFIG_NAME = "permit0.yaml"
CONFIG_VARIABLE = "PERMIT0_CONFIG"
SIGNING_KEY_VARIABLE = "PERMIT0_SIGNING_KEY"
ACCEPTED_KEYS_VARIABLE = "PERMIT0_ACCEPTED_KEYS"
MAX_CONFIG_BYTES = 1 << 20  # a policy that a person can still read
PROFILES = ("general", "fintech", "insurtech", "healthtech")


class _Values(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Values that were checked. What they may be is in config_schema."""


class PayeeConfig(_Values, frozen=True):
    """A payee that was approved, with any account or with the accounts that are listed."""

    name: str
    account: str | None = None


class OrgConfig(_Values, frozen=True):
    """Facts about the organisation."""

    domains: tuple[str, ...] = ()
    default_currency: str = "USD"
    fx_to_default: Mapping[str, float] = {}
    approved_payees: tuple[PayeeConfig, ...] = ()
    customers: tuple[str, ...] | None = None
    environment: Literal["production", "staging", "development", "test", ""] = ""


class DenyEntry(_Values, frozen=True, kw_only=True):
    """What is refused whatever its score. All tests that are given must hold."""

    action: str | None = None
    tool: str | None = None
    when: Mapping[str, Any] | None = None  # Json; msgspec knows no recursive types
    reason: str


class AllowEntry(DenyEntry, frozen=True, kw_only=True):
    """What needs no score. It never lifts a session rule, a gate or a block, and it expires."""

    owner: str
    expires: datetime


class ListsConfig(_Values, frozen=True):
    """Deny and allow list."""

    deny: tuple[DenyEntry, ...] = ()
    allow: tuple[AllowEntry, ...] = ()


class WeightsConfig(_Values, frozen=True):
    """Factors on the weights, moves of the tier bounds."""

    flags: Mapping[str, int | float] = {}
    amplifiers: Mapping[str, int | float] = {}
    tier_bounds: Mapping[str, int | float] = {}


class StateConfig(_Values, frozen=True):
    """Where sessions are remembered."""

    path: str | None = None


class AuditConfig(_Values, frozen=True):
    """Where decisions are recorded; paths are relative to permit0.yaml."""

    path: str | None = None
    durability: Literal["process", "power"] = "process"
    key: str | None = None


class KeysConfig(_Values, frozen=True):
    """The keys of the deployment, for tokens and records."""

    path: str


class TokensConfig(_Values, frozen=True):
    """How long tokens live, in seconds."""

    scorer_ttl_s: int = 300
    human_ttl_s: int = 3600


class ApprovalConfig(_Values, frozen=True):
    """How long a question to a person waits for its answer, in seconds."""

    timeout_s: int = 300


class Config(_Values, frozen=True):
    """A whole permit0.yaml. `rules`: more rules per action, in the form of a pack's, upward only."""

    org: OrgConfig = OrgConfig()
    mode: Literal["enforce", "observe"] = "enforce"
    profile: Literal["general", "fintech", "insurtech", "healthtech"] = "general"
    weights: WeightsConfig = WeightsConfig()
    limits: Mapping[str, int | float] = {}
    lists: ListsConfig = ListsConfig()
    rules: Mapping[str, tuple[Mapping[str, Any], ...]] = {}
    state: StateConfig = StateConfig()
    packs: tuple[str, ...] = ()
    plugins: tuple[str, ...] | None = None
    audit: AuditConfig | None = None
    deployment: str = "permit0"
    keys: KeysConfig | None = None
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
    from pydantic import ValidationError  # only who has a file pays for it

    from permit0.config_schema import ConfigFile

    source = parse_yaml(text, name, BadConfig)
    data = {} if source.data is None else source.data
    try:
        checked = ConfigFile.model_validate(data)
    except ValidationError as error:
        raise explain_validation(error, source, ConfigFile, BadConfig) from error
    return LoadedConfig(msgspec.convert(checked.model_dump(), Config), source, path)


def parse_org(data: object) -> OrgConfig:
    """An `org` block alone, as the cases of packs have it.

    Raises:
        pydantic.ValidationError: It is not valid.
    """
    from permit0.config_schema import OrgFile

    return msgspec.convert(OrgFile.model_validate(data).model_dump(), OrgConfig)
