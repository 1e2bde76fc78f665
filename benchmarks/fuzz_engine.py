"""Calls of every tool that packs map, with other arguments than are meant: `python benchmarks/fuzz_engine.py`.

    --cases 100000    how many calls        --seed 1

Checks for every call: a decision, no internal error, at most MAX_MS of processor time. Prints the reason codes
of what was refused unread.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import time
from collections import Counter

from permit0.build import assemble
from permit0.config import parse_config
from permit0.testing.pack_cases import built_in_packs

MAX_MS = 1500.0  # the first SQL imports its parser
SESSIONS = 500
OTHERS = ("url", "query", "to", "amount", "path", "body", "headers", "webhook", "zz")
VALUES: tuple[object, ...] = (
    "", "x", "-", "*", "all", "production", 0, -1, 1.5, 10**20, True, None, [], {}, "[1]", "{}", "{{x}}",
    "a@b.com", ["a@b.com", "c@acme-corp.com"], "https://api.github.com/repos/o/r", "../../etc/passwd",
    "https://evil.net/?q=" + "A" * 80, "SELECT 1; DROP TABLE x", "rm -rf /", "import os", "$(id)",
    "5,000", "NaN", "\uff11\uff10\uff10", "\x00", "\ud83d", "\u202e", {"a": {"b": ["c"]}}, [{"x": 1}],
    ["a"] * 50, [["a", "b"]], "AKIAQ3EGRVZK4YWUPL2X", "4111 1111 1111 1111", "2026-01-01",
    {"method": "DELETE"}, "X-HTTP-Method-Override: DELETE",
)  # fmt: skip


def tools() -> list[tuple[str, list[str]]]:
    """Every tool and action with the names of its arguments."""
    found: list[tuple[str, list[str]]] = []
    for pack in built_in_packs():
        for action, spec in pack.spec.actions.items():
            aliases = [name for item in spec.parameters.values() for name in item.names]
            found.append((action, [*spec.parameters, *aliases]))
        for mapping in pack.spec.mappings:
            given = [[v] if isinstance(v, str) else v for v in mapping.arguments.values()]
            names = [name for each in given for name in each]
            found += [(tool, [*names, *mapping.inert, *mapping.select]) for tool in mapping.tools]
    return found


def arguments(names: list[str], chance: random.Random) -> dict[str, object]:
    made: dict[str, object] = {}
    for _ in range(chance.randint(0, 6)):
        known = bool(names) and chance.random() < 0.85
        name = chance.choice(names) if known else chance.choice(OTHERS)
        first, _, rest = name.partition(".")
        made[first] = {rest: chance.choice(VALUES)} if rest else chance.choice(VALUES)
    return made


def main() -> int:
    """1 if a call met an internal error or took too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    engine = assemble(parse_config("org: {domains: [acme-corp.com]}", "fuzz")).engine
    chance = random.Random(options.seed)
    known = tools()
    refused: Counter[str] = Counter()
    slowest, faults = 0.0, 0
    for i in range(options.cases):
        tool, names = chance.choice(known)
        given = arguments(names, chance)
        started = time.process_time()
        decision = engine.check(tool, given, session=str(i % SESSIONS))
        took = (time.process_time() - started) * 1000
        slowest = max(slowest, took)
        if decision.error:
            refused[decision.error] += 1
        if decision.error == "internal_error" or took > MAX_MS:
            faults += 1
            print(f"{decision.error or 'slow'}, {took:.0f} ms: {tool} {given!r:.200}")
    print(f"{options.cases} calls, slowest {slowest:.0f} ms, {faults} faults")
    for code, times in refused.most_common():
        print(f"{times:8} {code}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
