"""Score and combine again what an audit record holds, by the code that decides.

Guarantees: the engine's Scorer and combine, nothing of its own. Does not: look anything up: weights, base,
changes, points and lists are the record's.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

import msgspec

from permit0.audit.record import ActionBody, LineBody, ReasonBody, WeightsBody, change_of
from permit0.audit.replay import Judge, Judged
from permit0.canonical import freeze
from permit0.errors import BadConfig
from permit0.model.finding import Finding
from permit0.model.rule import ActionTemplate, Rule, SessionAdjustment, floor_of
from permit0.model.vocabulary import Amplifier, Effect, Flag, Role
from permit0.policy.combine import combine
from permit0.policy.lists import AllowListed, ListEntry
from permit0.score.amplifiers import AMPLIFIER_CATEGORY, CEILING, MULTIPLYING
from permit0.score.block_rules import BLOCK_RULES
from permit0.score.flags import CATEGORY_OF
from permit0.score.scorer import ALMOST_ONE, SCORE_DIGITS, Constants, Scorer, Weights

__all__ = ["formula_digest", "make_judge"]

_VERDICTS = ("allow", "review", "human", "deny")


def formula_digest() -> str:
    """SHA-256 of every constant of the scorer, hex: equal ones compute equal scores."""
    constants = Constants()
    return hashlib.sha256(
        freeze(
            {
                "flag_weights": {f.value: weight for f, weight in constants.flags.items()},
                "categories": {c.value: weight for c, weight in constants.categories.items()},
                "hundredths": {a.value: weight for a, weight in constants.amplifiers.items()},
                "secondary": constants.secondary,
                "sharpness": constants.sharpness,
                "ceilings": {amp.value: points for amp, points in CEILING.items()},
                "amplifiers": {amp.value: of.value for amp, of in AMPLIFIER_CATEGORY.items()},
                "flags": {flag.value: of.value for flag, of in CATEGORY_OF.items()},
                "multiplying": sorted(amp.value for amp in MULTIPLYING),
                "blocks": msgspec.to_builtins(BLOCK_RULES),
                "digits": SCORE_DIGITS,
                "below": ALMOST_ONE,
            }
        )
    ).hexdigest()


def make_judge() -> Judge:
    """The computation for `permit0.audit.replay.recheck`."""

    @lru_cache(maxsize=64)
    def scorer_of(weights: bytes) -> Scorer:
        read = msgspec.json.decode(weights, type=WeightsBody)
        try:
            return Scorer(
                Weights(
                    {Flag(name): factor for name, factor in read.flags.items()},
                    {Amplifier(name): factor for name, factor in read.amplifiers.items()},
                    read.tier_bounds,
                )
            )
        except BadConfig as error:
            raise ValueError(str(error)) from error

    def judge(weights: WeightsBody, item: ActionBody) -> Judged:
        return _judge(scorer_of(msgspec.json.encode(weights, order="sorted")), item)

    return Judge(formula_digest(), judge)


def _judge(scorer: Scorer, item: ActionBody) -> Judged:
    fired = tuple(_rule(line) for line in item.fired)
    adjusted = tuple(_adjustment(line) for line in item.adjusted)
    findings = tuple(
        Finding(found.rule, Effect(found.effect), found.message, found.immutable)
        for found in item.findings
    )
    template = ActionTemplate(
        action=item.action,
        risk_class=item.risk_class,
        base=item.base,
        roles=tuple(Role(role) for role in item.base_roles),
        rules=(),
        session=(),
        pack=item.pack,
    )
    lines = (*fired, *adjusted)
    effects = [*(line.effect for line in lines), *(found.effect for found in findings)]
    score = scorer.score(
        template,
        [line.change for line in lines],
        session_points=item.session_points,
        volume_points=item.volume_points,
        blocked=Effect.BLOCK in effects,
    )
    lists = item.lists
    denied = allowed = None
    if lists is not None and lists.denied is not None:
        denied = ListEntry("", "", None, lists.denied)
    if lists is not None and lists.allowed is not None:
        allowed = AllowListed("", "", None, lists.allowed, lists.owner, float("inf"))
    verdict, reasons = combine(score, fired, adjusted, findings, denied=denied, allowed=allowed)
    return Judged(
        score=score.value,
        tier=score.tier.value,
        points=score.amplifiers,
        roles=tuple(int(role) for role in score.roles),
        blocked=score.blocked,
        block_rule=score.block_rule,
        verdict=_VERDICTS[verdict],
        reasons=tuple(ReasonBody(code=r.code, message=r.message, rule=r.rule) for r in reasons),
    )


def _rule(line: LineBody) -> Rule:
    effect = Effect(line.effect)
    return Rule(
        line.id, effect, change_of(line), None, line.why, floor_of(effect, line.id, line.why)
    )


def _adjustment(line: LineBody) -> SessionAdjustment:
    effect = Effect(line.effect)
    floor = floor_of(effect, line.id, line.why)
    return SessionAdjustment(
        line.id, effect, change_of(line), None, line.why, floor, test=lambda *_: True
    )
