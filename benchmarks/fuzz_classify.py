"""Random and hostile tools for the compiler: `python benchmarks/fuzz_classify.py [--cases N] [--seed N]`.

Checks for every case: no exception, at most MAX_MS of processor time, calm only for calm actions in plain
words, the same answer again, and that words added to the description make nothing calm and change nothing
that name and arguments had settled.
"""

from __future__ import annotations

import argparse
import random
import string
import sys
import time
from typing import Any

from permit0.build import assemble
from permit0.classify import Classifier, ToolDescription
from permit0.classify.lexicon import load_calm, load_lexicon
from permit0.classify.model import MAX_DESCRIPTION_CHARS
from permit0.config import load_config
from permit0.normalize.compiled import action_shapes
from permit0.taxonomy import UNCLASSIFIED

MAX_MS = 250.0
ODD = "\u0430\u0435\u0456\uff41\u200b\u202e\u00e9\u4e2d\ufb01\U0001f680\x00\ud800\n\t'\"\\{}$;|&"
KINDS = [
    "string",
    "integer",
    "boolean",
    "number",
    "array",
    "object",
    "null",
    "zorg",
    None,
    3,
    ["string", "null"],
]


class Maker:
    """Makes tools."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # reproducible, not secret
        lexicon, calm = load_lexicon(), load_calm()
        self._verbs, self._arguments = sorted(calm.verbs), sorted(calm.arguments)
        self._nouns: dict[str, list[str]] = {}
        for word, domains in sorted(calm.nouns.items()):
            for domain in sorted(domains):
                self._nouns.setdefault(domain, []).append(word)
        self._calm = sorted({*calm.verbs, *calm.nouns, *calm.fillers})
        self._words = sorted({*lexicon.domains, *lexicon.verbs, *calm.danger, *self._calm})

    def word(self) -> str:
        """A word: of the lexicon, of the calm ones, changed, or noise."""
        pick = self._random.random()
        word = self._random.choice(self._calm if pick < 0.6 else self._words)
        if pick > 0.92:
            at = self._random.randrange(len(word) + 1)
            return word[:at] + self._random.choice(ODD) + word[at:]
        if pick > 0.88:
            return "".join(self._random.choices(string.printable, k=self._random.randrange(12)))
        return word.capitalize() if pick > 0.8 else word

    def text(self, most: int) -> str:
        """Words with some separator."""
        joint = self._random.choice(["_", "-", " ", "", ".", "__", "/"])
        return joint.join(self.word() for _ in range(self._random.randrange(most)))

    def schema(self, depth: int = 0) -> Any:
        """A schema, mostly."""
        if self._random.random() < 0.03:
            return self._random.choice([None, [], 3, "x", True, {"type": []}, {"properties": 3}])
        properties = {}
        for _ in range(self._random.randrange(6)):
            spec: dict[str, Any] = {"type": self._random.choice(KINDS)}
            pick = self._random.random()
            if pick < 0.1:
                spec["enum"] = [self.word() for _ in range(3)]
            elif pick < 0.2:
                spec["description"] = self.text(6)
            elif pick < 0.3 and depth < 4:
                spec["anyOf"] = [self.schema(depth + 1), {"type": "null"}]
            elif pick < 0.4 and depth < 4:
                spec["items"] = self.schema(depth + 1)
            elif pick < 0.45:
                spec["default"] = self.text(3)
            properties[self.text(4)] = spec
        return {"type": "object", "properties": properties}

    def harmless(self) -> ToolDescription:
        """A read in plain words, so that there is something to take away."""
        nouns = self._random.choice(list(self._nouns.values()))
        words = [
            self._random.choice(self._verbs),
            *self._random.choices(nouns, k=self._random.randrange(1, 3)),
        ]
        names = self._random.choices(self._arguments, k=self._random.randrange(3))
        schema = {name: {"type": self._random.choice(["string", "integer"])} for name in names}
        return ToolDescription("_".join(words), "", {"type": "object", "properties": schema})

    def tool(self) -> ToolDescription:
        """One tool; now and then a very long one."""
        if self._random.random() < 0.4:
            return self.changed(self.harmless())
        if self._random.random() < 0.002:
            many = self._random.choice(["list_", "a", "_", "\u200b", "sendemail", "aA", "1"])
            return ToolDescription(many * self._random.randrange(9000), many * 5000, {})
        return ToolDescription(self.text(6), self.text(12), self.schema())

    def changed(self, tool: ToolDescription) -> ToolDescription:
        """The same tool with one thing more, or as it is."""
        match self._random.randrange(5):
            case 0:
                return ToolDescription(f"{tool.name}_{self.word()}", "", tool.schema)
            case 1:
                return ToolDescription(f"{self.word()}_{tool.name}", "", tool.schema)
            case 2:
                return ToolDescription(tool.name, self.text(9), tool.schema)
            case 3:
                return ToolDescription(tool.name, "", self.schema())
            case _:
                return tool


def main() -> int:
    """1 if a case breaks a rule."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    maker = Maker(options.seed)
    shapes = action_shapes(assemble(load_config(None)).catalog)
    classifier = Classifier(shapes)
    actions = load_calm().actions
    slowest, calm, unknown = 0.0, 0, 0
    for i in range(options.cases):
        tool = maker.tool()
        more = ToolDescription(tool.name, f"{tool.description} {maker.text(5)}", tool.schema)
        bare = ToolDescription(tool.name, "", tool.schema)
        started = time.thread_time()
        found, longer, alone = (classifier.classify(item) for item in (tool, more, bare))
        took = (time.thread_time() - started) * 1000
        slowest = max(slowest, took)
        calm += alone.calm
        unknown += alone.action == UNCLASSIFIED
        too_long = len(more.description) > MAX_DESCRIPTION_CHARS
        wrong = (
            took > MAX_MS
            or not alone.calm >= found.calm >= longer.calm
            or (alone.calm and (alone.action not in actions or not tool.name.isascii()))
            or (alone.action not in (UNCLASSIFIED, found.action) and found.confidence > 0)
            or (alone.action != UNCLASSIFIED and longer.action != alone.action and not too_long)
            or (i % 1000 == 0 and Classifier(shapes).classify(tool) != found)
        )
        if wrong:
            print(f"case {i} of seed {options.seed}: {tool!r:.2000} {took:.0f} ms")
            print(
                *(f"{item.action} {item.calm} {item.reasons}" for item in (alone, found, longer)),
                sep="\n",
            )
            return 1
    print(
        f"{options.cases} cases, slowest {slowest:.1f} ms, {calm} calm, {unknown} unknown by name and arguments"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
