"""The composition root: configuration and plugins to an Engine, a Guard, a Gateway. Wired here and only here.

Anyone can build two engines in one process; nothing is shared between them but the files they name.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from permit0 import builtin
from permit0.approval.desk import ApprovalDesk, ApprovalEvent
from permit0.approval.recorded import event_body
from permit0.approval.view import Clean, render_view
from permit0.audit.events import EventLog
from permit0.audit.record import Provenance
from permit0.audit.recorder import Recorder
from permit0.audit.redact import Redactor
from permit0.clock import SystemClock
from permit0.config import LoadedConfig, find_config, load_config
from permit0.deployment_keys import load_keys
from permit0.engine import AskReviewer, Engine
from permit0.errors import BadConfig, InvalidInput
from permit0.guard import Guard
from permit0.model.call import ToolCall
from permit0.model.claims import Authority
from permit0.model.decision import Decision
from permit0.model.review import Review
from permit0.model.vocabulary import Mode
from permit0.normalize.catalog import Catalog
from permit0.normalize.loader import LoadedPack
from permit0.normalize.normalizer import Normalizer
from permit0.normalize.organisation import Organisation
from permit0.normalize.sensitive import find_confidential
from permit0.plugins.manager import Plugins
from permit0.policy.guardrails import Tuning, tune
from permit0.policy.lists import Lists
from permit0.ports import Approver, AuditSink, Clock, Reviewer, SessionRule
from permit0.provenance import describe
from permit0.review.review import SecondReader, is_reviewable
from permit0.score.scorer import TIER_BOUNDS, Scorer, Weights
from permit0.state.memory import MemoryStore
from permit0.stores import MakeStore, Stores, open_sink, open_stores
from permit0.taxonomy import Taxonomy
from permit0.token.issuer import Issuer
from permit0.token.replay import MemoryReplayStore
from permit0.token.verifier import Verifier
from permit0.version import VERSION
from permit0.wiring import (
    compile_catalog,
    gather_packs,
    make_lists,
    rule_features,
    session_rules,
)

if TYPE_CHECKING:
    from permit0.gateway import ExecutionGateway

__all__ = [
    "Deployment",
    "assemble",
    "build_engine",
    "build_gateway",
    "build_guard",
    "open_desk",
    "open_sink",
]


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
    stores: Stores
    desk: ApprovalDesk

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
    reviewer: Reviewer | None = None,
) -> Engine:
    """Build an engine.

    Args:
        config: Path of a permit0.yaml. Without it PERMIT0_CONFIG, then permit0.yaml in the working
            directory or above, then safe defaults.
        clock: Where the time comes from; the system's clock by default.
        plugins: Further plugins, (name, object) each.
        reviewer: Second reader of medium decisions; it can refuse, and nothing else.

    Raises:
        BadConfig: The configuration is not valid or violates a guardrail.
        BadPack, BadPlugin: A pack or plugin is not valid.
        AuditUnavailable: The configured audit log cannot be used.
    """
    loaded = load_config(find_config(Path(config) if config is not None else None))
    sink = open_sink(loaded)
    return assemble(loaded, clock=clock, plugins=plugins, sink=sink, reviewer=reviewer).engine


def build_guard(
    config: str | Path | None = None,
    *,
    on_refusal: Literal["raise", "return"] = "raise",
    approver: Approver | None = None,
    reviewer: Reviewer | None = None,
    clock: Clock | None = None,
    name: str | None = None,
) -> Guard:
    """Build a guard for the functions of this process.

    Args:
        config: As for `build_engine`.
        on_refusal: "raise" Denied or ApprovalRequired, or "return" one sentence for the agent.
        approver: Asks a person and waits, see permit0.approval; without one, a call that needs a
            person raises ApprovalRequired, and its request waits.
        reviewer: As for `build_engine`.
        clock: Where the time comes from; the system's clock by default.
        name: What `permit0 status` calls this process.

    Raises:
        BadConfig, BadPack, BadPlugin, StateUnavailable, AuditUnavailable: As for `build_engine`.
    """
    loaded = load_config(find_config(Path(config) if config is not None else None))
    clock = SystemClock() if clock is None else clock
    keys = load_keys(loaded, clock=clock)
    if keys.signing is None:
        raise BadConfig(
            f"{loaded.at('keys')}: {keys.source!r} has public keys only, a guard signs tokens",
            reason_code="key_public_for_signing",
        )
    deployment = assemble(
        loaded,
        clock=clock,
        sink=open_sink(loaded, keys),
        stores=open_stores(loaded, clock=clock, name=name or f"guard {os.getpid()}"),
        reviewer=reviewer,
    )
    config_ = loaded.config
    # The tokens for this process's own functions are good nowhere else, so that who used them is known here.
    audience = f"process:{secrets.token_hex(8)}"
    return Guard(
        engine=deployment.engine,
        issuer=Issuer(
            key=keys.signing,
            deployment=config_.deployment,
            clock=clock,
            ttl={
                Authority.SCORER: timedelta(seconds=config_.tokens.scorer_ttl_s),
                Authority.HUMAN: timedelta(seconds=config_.tokens.human_ttl_s),
            },
        ),
        verifier=Verifier(
            keys=keys.ring,
            audience=audience,
            deployment=config_.deployment,
            clock=clock,
            replay=MemoryReplayStore(clock=clock),
            epochs=deployment.stores.kills,
        ),
        audience=audience,
        policy=deployment.provenance.policy,
        on_refusal=on_refusal,
        desk=deployment.desk,
        approver=approver,
    )


def build_gateway(
    config: str | Path | None = None, *, audience: str, clock: Clock | None = None
) -> ExecutionGateway:
    """Build the gateway of a tool server: it accepts tokens of this deployment for `audience`, each once.

    Args:
        config: As for `build_engine`; it needs `keys` (public ones are enough) and `state.path`.
        audience: The name of this gateway, as in `Guard.token_for`.
        clock: Where the time comes from; the system's clock by default.

    Raises:
        BadConfig: The configuration is not valid, or names no keys or no state file.
        AuditUnavailable: The configured audit log cannot be used.
    """
    from permit0.gateway import ExecutionGateway  # only who has tools of its own pays for it

    loaded = load_config(find_config(Path(config) if config is not None else None))
    clock = SystemClock() if clock is None else clock
    keys = load_keys(loaded, clock=clock)
    if not keys.lasting:
        raise BadConfig(
            f"{loaded.at('keys')}: a gateway needs the keys of those who issue tokens, name them",
            reason_code="key_missing",
        )
    stores = open_stores(loaded, clock=clock, name=f"gateway {audience}")
    if not stores.shared:
        raise BadConfig(
            f"{loaded.at('state')}: a gateway must remember used tokens over a restart, give it a path"
        )
    sink = open_sink(loaded, keys)
    return ExecutionGateway(
        verifier=Verifier(
            keys=keys.ring,
            audience=audience,
            deployment=loaded.config.deployment,
            clock=clock,
            replay=stores.replay,
            epochs=stores.kills,
        ),
        clock=clock,
        events=None if sink is None else EventLog(sink, redactor=Redactor(find_confidential)),
    )


def assemble(
    loaded: LoadedConfig,
    *,
    clock: Clock | None = None,
    make_store: MakeStore | None = None,
    plugins: Iterable[tuple[str, object]] = (),
    sink: AuditSink | None = None,
    stores: Stores | None = None,
    reviewer: Reviewer | None = None,
) -> Deployment:
    """Wire everything for a configuration that was read. Raises like `build_engine`.

    Args:
        loaded: The configuration.
        clock: As for `build_engine`. plugins, reviewer: as well.
        make_store: Where history is kept; by default what the configuration says.
        sink: Where decisions are recorded; `open_sink` opens the configured one.
        stores: What else is remembered where; by default what the configuration says.
    """
    config = loaded.config
    clock = SystemClock() if clock is None else clock
    manager = Plugins()
    manager.register(builtin, name="core", distribution="permit0", version=VERSION)
    manager.load(config.plugins)
    for name, plugin in plugins:
        manager.register(plugin, name=name)
    packs = gather_packs(manager, loaded)
    catalog = compile_catalog(packs, loaded)
    tuning = tune(loaded, TIER_BOUNDS)
    rules = session_rules(manager, tuning)
    try:
        org = Organisation(config.org)
    except InvalidInput as error:
        raise BadConfig(f"{loaded.at('org')}: {error}") from error
    mode = Mode(config.mode)
    normalizer = Normalizer(catalog, org)
    lists = make_lists(loaded, catalog, packs.taxonomy)
    if stores is None:
        stores = open_stores(loaded, clock=clock, name=f"engine {os.getpid()}")
    provenance = describe(
        version=VERSION, loaded=loaded, packs=packs.all, plugins=manager.loaded, tuning=tuning
    )
    redactor = Redactor(find_confidential)
    scorer = Scorer(Weights(tuning.flags, tuning.amplifiers, tuning.tier_bounds))
    desk = _desk(loaded, stores, clock, redactor, sink)
    engine = Engine(
        catalog=catalog,
        normalizer=normalizer,
        scorer=scorer,
        rules=rules,
        store=(make_store or stores.history)([*catalog.features, *rule_features(rules)]),
        clock=clock,
        lists=lists,
        mode=mode,
        audit=None if sink is None else _recorder(sink, catalog, provenance, redactor),
        kills=stores.kills,
        desk=desk,
        review=None if reviewer is None else _second_reader(reviewer, scorer, redactor),
    )
    if mode is Mode.OBSERVE:
        sys.stderr.write("permit0: observe mode, decisions are recorded but nothing is refused\n")
    return Deployment(
        engine=engine,
        catalog=catalog,
        taxonomy=packs.taxonomy,
        tuning=tuning,
        plugins=manager,
        packs=packs.all,
        rules=rules,
        normalizer=normalizer,
        lists=lists,
        loaded=loaded,
        provenance=provenance,
        stores=stores,
        desk=desk,
    )


def _recorder(
    sink: AuditSink, catalog: Catalog, provenance: Provenance, redactor: Redactor
) -> Recorder:
    return Recorder(
        sink,
        redactor=redactor,
        template=lambda action: catalog.actions[action].template,
        provenance=provenance,
    )


def open_desk(loaded: LoadedConfig, *, clock: Clock, name: str) -> ApprovalDesk:
    """The desk of a deployment for whoever answers from another process.

    Args:
        loaded: The configuration; it needs `state.path`, or nobody else's requests are there.
        clock: Tells the time. name: what `permit0 status` calls this process.

    Raises:
        BadConfig: There is no state file, or no key for the audit log.
        AuditUnavailable: The configured audit log cannot be used.
    """
    stores = open_stores(loaded, clock=clock, name=name)
    if not stores.shared:
        raise BadConfig(
            f"{loaded.at('state')}: requests of other processes need a file that they share, "
            "give it a path"
        )
    return _desk(loaded, stores, clock, Redactor(find_confidential), open_sink(loaded))


def _desk(
    loaded: LoadedConfig,
    stores: Stores,
    clock: Clock,
    redactor: Redactor,
    sink: AuditSink | None,
) -> ApprovalDesk:
    events = None if sink is None else EventLog(sink, redactor=redactor)

    def record(event: ApprovalEvent) -> None:
        if events is not None:
            events.keep("approval", event.at, event_body(event))

    return ApprovalDesk(
        stores.approvals,
        clock=clock,
        show=lambda call, decision: render_view(call, decision, clean=_cleaner(redactor)),
        record=record,
        timeout_s=loaded.config.approval.timeout_s,
    )


def _second_reader(reviewer: Reviewer, scorer: Scorer, redactor: Redactor) -> AskReviewer:
    second = SecondReader(reviewer, clean=_cleaner(redactor))
    _, medium, high, _ = scorer.tier_bounds

    def read(call: ToolCall, decision: Decision) -> Review | None:
        if not is_reviewable(score=decision.score, bounds=(medium, high)):
            return None
        return second.read(call, decision)

    return read


def _cleaner(redactor: Redactor) -> Clean:
    return lambda values: redactor.begin().arguments(values)
