"""Fit the scorer's constants to the twelve published scores, and check the ones in use.

    python benchmarks/calibrate.py             compare the constants in use with the published scores
    python benchmarks/calibrate.py --search 1  search for round constants (seed 1; some minutes)

What is given: the published base points and deltas (the packs) and, per step, what fired. What is
searched: flag weights, category weights, amplifier weights, the fraction of a secondary flag, the
sharpness of tanh, and how many points history gives. All are kept on a round grid: weights in
hundredths, points whole. A step counts as met when the score rounds to the published two decimals.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from pathlib import Path
from typing import Any

import yaml

from permit0.build import assemble
from permit0.config import parse_config
from permit0.model.vocabulary import Amplifier, Category, Flag, Role, Tier
from permit0.score.amplifiers import CEILING
from permit0.score.scorer import Constants, Scorer
from permit0.sessions import pressure
from permit0.testing.clock import FrozenClock

WALKTHROUGH = Path(__file__).parent.parent / "tests" / "walkthrough.yaml"
START = 1_700_000_000.0
SESSION, VOLUME = (list(Amplifier).index(a) for a in (Amplifier.SESSION, Amplifier.VOLUME))
CALM_MAIL = {Flag.OUTBOUND: 1, Flag.EXPOSURE: 1, Flag.MUTATION: 1}  # internal mail must be minimal


class Step:
    """One published score with everything that does not depend on the constants."""

    def __init__(self, wanted: float, roles: tuple[Role, ...], points: list[int]) -> None:
        self.wanted, self.roles, self.points = wanted, roles, points
        self.tiers: dict[Tier, int] = {}
        self.flags = 0
        self.rate = 0


def published_steps() -> list[Step]:
    """Replay the scenarios and keep what fired. History follows the published tiers, not ours."""
    data: dict[str, Any] = yaml.safe_load(WALKTHROUGH.read_text(encoding="utf-8"))
    steps: list[Step] = []
    for scenario in data["scenarios"]:
        clock = FrozenClock(START)
        engine = assemble(
            parse_config(yaml.safe_dump({"org": data["org"]}), "org"), clock=clock
        ).engine
        tiers: dict[Tier, int] = {}
        flags: set[Flag] = set()
        before: list[tuple[float, str]] = []
        for line in scenario["steps"]:
            clock.set(START + line["at_s"])
            item = engine.check(line["tool"], line["args"]).actions[0]
            if "score" in line:
                changes = [rule.change for rule in (*item.fired, *item.adjusted)]
                step = Step(line["score"], item.score.roles, raw_points(engine, item, changes))
                step.tiers, step.flags = dict(tiers), len(flags)
                step.rate = sum(t == line["tool"] and line["at_s"] - at <= 60 for at, t in before)
                steps.append(step)
            tier = Tier(line["tier"])
            tiers[tier] = tiers.get(tier, 0) + 1
            flags |= set(item.score.flags)
            before.append((line["at_s"], line["tool"]))
    return steps


def raw_points(engine: Any, item: Any, changes: list[Any]) -> list[int]:
    """Points of packs alone: base and deltas, without session and rate, not clamped."""
    raw = list(engine.catalog.actions[item.action.action].template.base)
    for change in changes:
        for index, points in change.add:
            raw[index] += points
    return raw


class Candidate:
    """A point of the grid."""

    def __init__(self) -> None:
        now = Constants()
        self.flags = {flag: round(weight * 100) for flag, weight in now.flags.items()}
        self.categories = {c: round(w * 100) for c, w in now.categories.items()}
        self.amplifiers = {a: round(w) for a, w in now.amplifiers.items()}
        self.secondary = round(now.secondary * 100)
        self.sharpness = round(now.sharpness * 100)
        self.medium = pressure.POINTS_PER_TIER[Tier.MEDIUM]
        self.high = pressure.POINTS_PER_TIER[Tier.HIGH]
        self.low = pressure.POINTS_PER_LOW_CALL
        self.flag = pressure.POINTS_PER_FLAG
        self.call = pressure.POINTS_PER_CALL_A_MINUTE

    def copy(self) -> Candidate:
        other = Candidate.__new__(Candidate)
        other.__dict__.update(
            {k: dict(v) if isinstance(v, dict) else v for k, v in vars(self).items()}
        )
        return other

    def scorer(self) -> Scorer:
        return Scorer(
            constants=Constants(
                flags={f: w / 100 for f, w in self.flags.items()},
                categories={c: w / 100 for c, w in self.categories.items()},
                amplifiers=dict(self.amplifiers),
                secondary=self.secondary / 100,
                sharpness=self.sharpness / 100,
            )
        )

    def score(self, scorer: Scorer, step: Step) -> float:
        raw = list(step.points)
        low = min(step.tiers.get(Tier.LOW, 0), pressure.LOW_CALLS_COUNTED)
        raw[SESSION] += (
            self.low * low
            + self.medium * step.tiers.get(Tier.MEDIUM, 0)
            + self.high * (step.tiers.get(Tier.HIGH, 0) + step.tiers.get(Tier.CRITICAL, 0))
            + self.flag * step.flags
        )
        raw[VOLUME] += self.call * step.rate
        ceilings = [CEILING[a] for a in Amplifier]
        clamped = [max(0, min(p, c)) for p, c in zip(raw, ceilings, strict=True)]
        return scorer.value(clamped, step.roles)

    def cost(self, steps: list[Step]) -> float:
        """Distance to the published scores, beyond what rounding forgives, and to calm mail."""
        scorer = self.scorer()
        cost = 0.0
        for step in steps:
            off = abs(self.score(scorer, step) - step.wanted) * 100
            cost += 60 * max(0.0, off - 0.35) ** 2 + 0.05 * off**2
        roles = [Role(CALM_MAIL.get(flag, 0)) for flag in Flag]
        calm = [3 if a in (Amplifier.SENSITIVITY, Amplifier.SCOPE) else 0 for a in Amplifier]
        return cost + 4000 * max(0.0, scorer.value(calm, roles) - 0.145) ** 2

    def neighbour(self, rng: random.Random) -> Candidate:
        other = self.copy()
        kind = rng.random()
        if kind < 0.3:
            up, down = rng.sample(list(Amplifier), 2)
            if other.amplifiers[down] > 3:
                other.amplifiers[up] += 1
                other.amplifiers[down] -= 1
        elif kind < 0.5:
            flag = rng.choice(list(Flag))
            other.flags[flag] = max(6, other.flags[flag] + rng.choice((-1, 1)))
        elif kind < 0.6:
            other.categories[rng.choice(list(Category))] += rng.choice((-1, 1))
        else:
            name = rng.choice(("secondary", "sharpness", "medium", "high", "low", "flag", "call"))
            step = rng.choice((-1, 1)) * (5 if name == "sharpness" else 1)
            setattr(other, name, max(1, getattr(other, name) + step))
        return other


def search(steps: list[Step], seed: int, rounds: int) -> Candidate:
    """Simulated annealing from the constants in use."""
    rng = random.Random(seed)
    now = best = Candidate()
    cost = best_cost = now.cost(steps)
    for i in range(rounds):
        if i % 2000 == 0:
            print(f"\r{100 * i // rounds:3d}%  best cost {best_cost:.3f}", end="", file=sys.stderr)
        heat = max(0.005, (1 - i / rounds) ** 2) * 0.3
        other = now.neighbour(rng)
        other_cost = other.cost(steps)
        if other_cost < cost or rng.random() < math.exp((cost - other_cost) / heat):
            now, cost = other, other_cost
            if cost < best_cost:
                best, best_cost = now, cost
    print(file=sys.stderr)
    return best


def report(candidate: Candidate, steps: list[Step]) -> bool:
    scorer = candidate.scorer()
    print("published  computed    off")
    met = 0
    for step in steps:
        value = candidate.score(scorer, step)
        ok = round(value, 2) == step.wanted
        met += ok
        print(
            f"{step.wanted:9.2f}  {value:8.4f}  {100 * (value - step.wanted):+5.2f}  {'' if ok else 'MISSED'}"
        )
    print(f"{met} of {len(steps)} to two decimals")
    return met == len(steps)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--search", type=int, metavar="SEED", help="search for round constants")
    parser.add_argument("--rounds", type=int, default=60_000)
    options = parser.parse_args()
    steps = published_steps()
    candidate = Candidate()
    if options.search is not None:
        candidate = search(steps, options.search, options.rounds)
        for name, value in vars(candidate).items():
            shown = {k.value: v for k, v in value.items()} if isinstance(value, dict) else value
            print(f"{name}: {shown}")
    return 0 if report(candidate, steps) else 1


if __name__ == "__main__":
    raise SystemExit(main())
