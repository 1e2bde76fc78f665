"""What permit0 takes a tool for, how it knows that, and between which tiers its calls can be.

The range of an action is read off its policy table, without any call:
  best    the base points and flags, with every line that lowers, and with those that always hold
  worst   the base, with every line that raises, session lines included, all at once
A real call is somewhere between. A range is as wide as the table allows, also where two lines cannot hold
together. It leaves out what is not in the table: the session's pressure and rate, the immutable session
rules (which may block any outward call), the lists of permit0.yaml, and the other actions that one command
line or one request can be besides.
Guarantees: a function of the packs and weights; no call is made up and no history is read.
Does not: decide anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from permit0.canonical import Json
from permit0.classify import Classifier, ToolDescription
from permit0.cli.pack_text import Mapped
from permit0.cli.scan_target import ScannedTool
from permit0.model.rule import Rule
from permit0.model.vocabulary import Effect, Flag, Role, Tier, Verdict
from permit0.normalize.catalog import ActionEntry, Catalog, Route, fold_name
from permit0.normalize.routes import find_routes
from permit0.policy.combine import combine
from permit0.score.scorer import Scorer
from permit0.taxonomy import UNCLASSIFIED

__all__ = ["Found", "How", "Range", "base_flags", "how_found", "mapped", "range_of"]

_MILD = frozenset({Effect.ALLOW, Effect.ALLOW_LOG, Effect.DOWNGRADE})
_TIERS = tuple(Tier)
How = Literal["mapping", "route", "compiled", "unknown"]


class Found(msgspec.Struct, frozen=True):
    """What a tool is taken for.

    actions: the action, and others that an argument of the call can choose. pack: whose mapping or route
    says so. confidence, reasons: of the compiler. parameters: argument -> parameter, unless a mapping says
    it. candidates: what else it could be. literals, minor_units: of the route. asks: whether every call
    asks a person at least, since the compiler is not sure that the tool is harmless.
    """

    actions: tuple[str, ...]
    how: How
    pack: str = ""
    confidence: float | None = None
    reasons: tuple[str, ...] = ()
    parameters: Mapping[str, str] = {}
    candidates: tuple[str, ...] = ()
    literals: Mapping[str, Json] = {}
    minor_units: bool = False
    asks: bool = False

    @property
    def action(self) -> str:
        """The action, if no argument chooses another."""
        return self.actions[0]


class Range(msgspec.Struct, frozen=True):
    """From the best case to the worst. low, high: what would be decided there."""

    best: Tier
    worst: Tier
    low: Verdict
    high: Verdict


def how_found(item: ScannedTool, catalog: Catalog, classifier: Classifier) -> Found:
    """What a tool is taken for: by a mapping, a route, the compiler, or not at all."""
    tool = item.tool
    mapping = catalog.find(tool.name)
    if mapping is not None:
        chosen = [action for _, choice in mapping.select for action in choice.values()]
        pack = mapping.origin.removeprefix("mapping:")
        if mapping.origin == "canonical":
            pack = catalog.actions[mapping.action].template.pack
        return Found(tuple(dict.fromkeys((mapping.action, *chosen))), "mapping", pack)
    if item.request is not None:
        return _requested(item, item.request, catalog, classifier)
    return _compiled(tool, classifier)


def mapped(item: ScannedTool, found: Found) -> Mapped:
    """The tool for a pack."""
    note = "; ".join(found.reasons)
    if found.asks:
        note = "check this: it was guessed, and with a mapping nobody is asked for that any more"
    if found.how == "route" and item.request is not None:
        note = f"found by its request: {' '.join(item.request)}"
    return Mapped(
        item.tool,
        found.action,
        found.parameters,
        note,
        found.candidates,
        found.literals,
        found.minor_units,
    )


def _requested(
    item: ScannedTool, request: tuple[str, str], catalog: Catalog, classifier: Classifier
) -> Found:
    """By the request to a known service; else as any tool, and if that is unknown, perhaps as a request."""
    method, url = request
    route = _route(method, url, catalog)
    if route is not None:
        to = route.mapping
        members = item.tool.schema.get("properties")
        names = (
            {str(name): fold_name(str(name)) for name in members or ()}
            if isinstance(members, dict)
            else {}
        )
        return Found(
            (to.action,),
            "route",
            catalog.actions[to.action].template.pack,
            parameters={
                name: to.names[folded] for name, folded in names.items() if folded in to.names
            },
            literals=to.literals,
            minor_units=to.minor_units,
        )
    found = _compiled(item.tool, classifier)
    action = f"network.http_{method.lower()}"
    if found.how != "unknown" or found.candidates or action not in catalog.actions:
        return found
    return msgspec.structs.replace(found, candidates=(action,))


def _route(method: str, url: str, catalog: Catalog) -> Route | None:
    try:
        parts = urlsplit(url)
        host, path = parts.hostname or "", parts.path.casefold()
    except ValueError:
        return None
    facts = {"url": f"https://{host}{path}", "url.host": host}
    found = find_routes(frozenset({method}), facts, "url", catalog.routes)
    return found[0][0] if found else None


def _compiled(tool: ToolDescription, classifier: Classifier) -> Found:
    """What the tool compiler makes of it."""
    said = classifier.classify(tool)
    return Found(
        (said.action,),
        "unknown" if said.action == UNCLASSIFIED else "compiled",
        confidence=said.confidence,
        reasons=said.reasons,
        parameters=said.parameters,
        candidates=tuple(item.action for item in said.candidates),
        asks=said.action != UNCLASSIFIED and not said.calm,
    )


def base_flags(found: Found, catalog: Catalog) -> dict[str, str]:
    """The flags that the actions have before any rule, with the higher role: name -> role."""
    roles: dict[str, Role] = {}
    for action in found.actions:
        template = catalog.actions[action].template
        for flag, role in zip(Flag, template.roles, strict=True):
            if role is not Role.ABSENT:
                roles[flag.value] = max(role, roles.get(flag.value, role))
    return {name: role.name.lower() for name, role in roles.items()}


def range_of(found: Found, catalog: Catalog, scorer: Scorer) -> Range:
    """Between which tiers, and decisions, the calls of a tool can be."""
    least = Verdict.HUMAN if found.asks else Verdict.ALLOW
    ends = [_ends(catalog.actions[action], scorer) for action in found.actions]
    return Range(
        best=min((end.best for end in ends), key=_TIERS.index),
        worst=max((end.worst for end in ends), key=_TIERS.index),
        low=max(min(end.low for end in ends), least),
        high=max(*(end.high for end in ends), least),
    )


def _ends(entry: ActionEntry, scorer: Scorer) -> Range:
    template = entry.template
    lowering = [rule for rule in template.rules if rule.effect in _MILD]
    always = [rule for rule in template.rules if rule.when is None and rule.effect not in _MILD]
    raising = [rule for rule in template.rules if rule.effect not in _MILD]
    best, low = _end(entry, [*lowering, *always], (), scorer)
    worst, high = _end(entry, raising, template.session, scorer)
    return Range(best, worst, low, high)


def _end(
    entry: ActionEntry, fired: list[Rule], session: Any, scorer: Scorer
) -> tuple[Tier, Verdict]:
    lines = [*fired, *session]
    score = scorer.score(
        entry.template,
        [line.change for line in lines],
        session_points=0,
        volume_points=0,
        blocked=any(line.effect is Effect.BLOCK for line in lines),
    )
    verdict, _ = combine(score, fired, session, ())
    return score.tier, verdict
