"""The composition root: configuration and plugins to an Engine. Everything is wired here and only here.

Anyone can build two engines in one process; nothing is shared between them.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal

import msgspec
from pydantic import TypeAdapter, ValidationError

from permit0 import builtin
from permit0.audit.record import Provenance
from permit0.audit.recorder import Recorder
from permit0.audit.redact import Redactor
from permit0.clock import SystemClock
from permit0.config import DenyEntry, LoadedConfig, find_config, load_config
from permit0.engine import Engine
from permit0.errors import BadConfig, BadPlugin, InvalidInput
from permit0.guard import Guard
from permit0.located import Place
from permit0.model.history import Feature
from permit0.model.rule import FactPredicate
from permit0.model.vocabulary import Mode
from permit0.normalize.catalog import Catalog, fold_name
from permit0.normalize.compiler import ExtraRules, compile_packs
from permit0.normalize.conditions import ConditionCompiler
from permit0.normalize.loader import LoadedPack, load_packs
from permit0.normalize.normalizer import Normalizer
from permit0.normalize.organisation import Organisation
from permit0.normalize.pack_schema import ConditionSpec, RuleSpec
from permit0.normalize.sensitive import find_confidential
from permit0.plugins.manager import Plugins
from permit0.policy.guardrails import Tuning, tune
from permit0.policy.lists import AllowListed, ListEntry, Lists
from permit0.ports import AuditSink, Clock, SessionRule, StateStore
from permit0.provenance import describe
from permit0.score.scorer import TIER_BOUNDS, Scorer, Weights
from permit0.session.rules import IMMUTABLE_RULES
from permit0.state.memory import MemoryStore
from permit0.taxonomy import Taxonomy, load_taxonomy
from permit0.token.epochs import FixedEpoch
from permit0.token.issuer import Issuer
from permit0.token.keys import KeyRing, SigningKey
from permit0.token.replay import MemoryReplayStore
from permit0.token.verifier import Verifier
from permit0.words import nearest

__all__ = ["Deployment", "assemble", "build_engine", "build_guard", "open_sink"]

MakeStore = Callable[[Sequence[Feature]], StateStore]


class Deployment(msgspec.Struct, frozen=True):
    """An engine and the parts that it was built from."""

    engine: Engine
    catalog: Catalog
    taxonomy: Taxonomy
    tuning: Tuning
    plugins: Plugins
    packs: tuple[LoadedPack, ...]
    rules: tuple[SessionRule, ...]
    normalizer: Normalizer
    lists: Lists
    loaded: LoadedConfig
    provenance: Provenance

    def fresh_engine(self, clock: Clock, make_store: MakeStore = MemoryStore) -> Engine:
        """A second engine of the same parts, with an empty history and a clock of its own."""
        features = [*self.catalog.features, *rule_features(self.rules)]
        return Engine(
            catalog=self.catalog,
            normalizer=self.normalizer,
            scorer=self.engine.scorer,
            rules=self.rules,
            store=make_store(features),
            clock=clock,
            lists=self.lists,
            mode=self.engine.mode,
        )


def build_engine(
    config: str | Path | None = None,
    *,
    clock: Clock | None = None,
    plugins: Iterable[tuple[str, object]] = (),
) -> Engine:
    """Build an engine.

    Args:
        config: Path of a permit0.yaml. Without it PERMIT0_CONFIG, then permit0.yaml in the working
            directory or above, then safe defaults.
        clock: Where the time comes from; the system's clock by default.
        plugins: Further plugins, (name, object) each.

    Raises:
        BadConfig: The configuration is not valid or violates a guardrail.
        BadPack, BadPlugin: A pack or plugin is not valid.
        AuditUnavailable: The configured audit log cannot be used.
    """
    loaded = load_config(find_config(Path(config) if config is not None else None))
    return assemble(loaded, clock=clock, plugins=plugins, sink=open_sink(loaded)).engine


def build_guard(
    config: str | Path | None = None,
    *,
    on_refusal: Literal["raise", "return"] = "raise",
    clock: Clock | None = None,
) -> Guard:
    """Build a guard for the functions of this process.

    Its tokens are signed with a key that is made for it and never leaves the process.

    Args:
        config: As for `build_engine`.
        on_refusal: "raise" Denied or ApprovalRequired, or "return" one sentence for the agent.
        clock: Where the time comes from; the system's clock by default.

    Raises:
        BadConfig, BadPack, BadPlugin, StateUnavailable, AuditUnavailable: As for `build_engine`.
    """
    loaded = load_config(find_config(Path(config) if config is not None else None))
    clock = SystemClock() if clock is None else clock
    deployment = assemble(loaded, clock=clock, sink=open_sink(loaded))
    key = SigningKey.generate()
    name = f"process:{secrets.token_hex(8)}"
    return Guard(
        engine=deployment.engine,
        issuer=Issuer(key=key, deployment=name, clock=clock),
        verifier=Verifier(
            keys=KeyRing([key.public]),
            audience=name,
            deployment=name,
            clock=clock,
            replay=MemoryReplayStore(clock=clock),
            epochs=FixedEpoch(),
        ),
        audience=name,
        policy=deployment.provenance.policy,
        on_refusal=on_refusal,
    )


def open_sink(loaded: LoadedConfig) -> AuditSink | None:
    """The audit log that the configuration names, None if it names none.

    Raises:
        BadConfig: The key cannot be read.
        AuditUnavailable: The log cannot be used.
    """
    audit = loaded.config.audit
    if audit is None:
        return None
    from permit0.audit.keys import read_signer
    from permit0.audit.sinks.sqlite import SqliteSink

    if audit.key is None:
        raise BadConfig(f"{loaded.at('audit')}: the log needs a key, name one in 'key'")
    try:
        signer = read_signer(loaded.folder / audit.key)
    except InvalidInput as error:
        raise BadConfig(f"{loaded.at('audit', 'key')}: {error}") from error
    return SqliteSink(loaded.folder / audit.path, signer, durability=audit.durability)


def assemble(
    loaded: LoadedConfig,
    *,
    clock: Clock | None = None,
    make_store: MakeStore | None = None,
    plugins: Iterable[tuple[str, object]] = (),
    sink: AuditSink | None = None,
) -> Deployment:
    """Wire everything for a configuration that was read. Raises like `build_engine`.

    Args:
        loaded: The configuration.
        clock: As for `build_engine`. plugins: as well.
        make_store: Where history is kept; by default what the configuration says.
        sink: Where decisions are recorded; `open_sink` opens the configured one.
    """
    config = loaded.config
    manager = Plugins()
    manager.register(builtin, name="core", distribution="permit0", version=_version())
    manager.load(config.plugins)
    for name, plugin in plugins:
        manager.register(plugin, name=name)
    taxonomy = load_taxonomy()
    packs = load_packs([*plugin_packs(manager), *pack_paths(loaded)])
    catalog = compile_catalog(packs, taxonomy, loaded)
    tuning = tune(loaded, TIER_BOUNDS)
    rules = session_rules(manager, tuning)
    try:
        org = Organisation(config.org)
    except InvalidInput as error:
        raise BadConfig(f"{loaded.at('org')}: {error}") from error
    mode = Mode(config.mode)
    normalizer = Normalizer(catalog, org)
    lists = make_lists(loaded, catalog, taxonomy)
    if make_store is None:
        make_store = _store_maker(loaded)
    provenance = describe(
        version=_version(), loaded=loaded, packs=packs, plugins=manager.loaded, tuning=tuning
    )
    engine = Engine(
        catalog=catalog,
        normalizer=normalizer,
        scorer=Scorer(Weights(tuning.flags, tuning.amplifiers, tuning.tier_bounds)),
        rules=rules,
        store=make_store([*catalog.features, *rule_features(rules)]),
        clock=SystemClock() if clock is None else clock,
        lists=lists,
        mode=mode,
        audit=None if sink is None else _recorder(sink, catalog, provenance),
    )
    if mode is Mode.OBSERVE:
        sys.stderr.write("permit0: observe mode, decisions are recorded but nothing is refused\n")
    return Deployment(
        engine=engine,
        catalog=catalog,
        taxonomy=taxonomy,
        tuning=tuning,
        plugins=manager,
        packs=tuple(packs),
        rules=rules,
        normalizer=normalizer,
        lists=lists,
        loaded=loaded,
        provenance=provenance,
    )


def _recorder(sink: AuditSink, catalog: Catalog, provenance: Provenance) -> Recorder:
    return Recorder(
        sink,
        redactor=Redactor(find_confidential),
        template=lambda action: catalog.actions[action].template,
        provenance=provenance,
    )


def _store_maker(loaded: LoadedConfig) -> MakeStore:
    path = loaded.config.state.path
    if path is None:
        return MemoryStore
    from permit0.state.sqlite import SqliteStore  # only who has a file pays for loading SQLite

    file = loaded.folder / path
    return lambda features: SqliteStore(features, file)


def _version() -> str:
    from permit0 import __version__  # the public module imports this one lazily

    return __version__
