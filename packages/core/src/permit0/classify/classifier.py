"""The tool compiler: a description of a tool to an action, compiled once and remembered by digest.

Guarantees:
  1. Name and arguments decide if they clear the bar; only if they do not, the description may.
  2. Calm is decided on name and arguments alone; the description can only take it away.
  3. A required parameter that no argument fills makes the tool unknown.
  4. At most MAX_REMEMBERED answers are kept; safe for threads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec

from permit0.classify.calm import find_doubt, reads_oddly
from permit0.classify.evidence import MAX_CANDIDATES, weigh
from permit0.classify.lexicon import load_calm, load_lexicon
from permit0.classify.model import (
    MAX_DESCRIPTION_CHARS,
    MAX_NAME_CHARS,
    MAX_SCHEMA_CHARS,
    UNCLASSIFIED,
    ActionShape,
    Candidate,
    Classification,
    ToolDescription,
)
from permit0.classify.parameters import bind
from permit0.classify.schema import read_arguments
from permit0.remembered import Remembered

__all__ = ["BAR", "Classifier"]

BAR = 0.5
"""The confidence that an action needs. Measured by benchmarks/classify.py: below it most answers are wrong."""
MAX_REMEMBERED = 2048
_encode = msgspec.json.Encoder(order="sorted").encode


class Classifier:
    """Classifies tools for one table of actions."""

    def __init__(self, actions: Mapping[str, ActionShape]) -> None:
        self._actions = dict(actions)
        self._lexicon = load_lexicon()
        self._calm = load_calm()
        self._known: Remembered[Classification] = Remembered(MAX_REMEMBERED)

    def classify(self, tool: ToolDescription) -> Classification:
        """What a tool is taken for. Never raises for whatever a tool says; the same answer every time."""
        if len(tool.name) > MAX_NAME_CHARS or len(tool.description) > MAX_DESCRIPTION_CHARS:
            return _unknown("its name or description is longer than is read")
        given: object = tool.schema  # scan reads it from other people's files
        if not isinstance(given, Mapping):
            return _unknown("its schema is no JSON object")
        try:
            schema = _encode(tool.schema)
        except (TypeError, ValueError, RecursionError, OverflowError):
            return _unknown("its schema is no JSON")
        if len(schema) > MAX_SCHEMA_CHARS:
            return _unknown("its schema is longer than is read")
        key = _digest(tool.name, tool.description, schema)
        return self._known.answer(key, lambda: self._classify(tool))

    def _classify(self, tool: ToolDescription) -> Classification:
        arguments = read_arguments(tool.schema)
        names = [item.name for item in arguments.items]
        shown = self._offered(weigh(self._lexicon, tool.name, names).candidates)
        said = (
            self._offered(weigh(self._lexicon, tool.name, names, tool.description).candidates)
            if tool.description
            else shown
        )
        best, source = _first(shown), "name and arguments"
        if (best is None or best.confidence < BAR) and tool.description:
            best, source = _first(said), "the description"
        if best is None:
            return _unknown("no word of it is understood", said)
        if best.confidence < BAR:
            return _unknown(f"{best.confidence:.2f} for {best.action} is below {BAR}", said)
        shape = self._actions[best.action]
        bound = bind(arguments.items, shape)
        missing = [name for name in shape.required if name not in bound.values()]
        if missing:
            return _unknown(f"no argument is the {missing[0]!r} that {best.action} needs", said)
        doubt, inert = find_doubt(
            self._calm,
            name=tool.name,
            action=best.action,
            arguments=arguments,
            bound=bound,
            parameters=shape.parameters,
            description=tool.description,
        )
        if source != "name and arguments":
            doubt = doubt or "only its description says what it does"
        if doubt and best.action in self._calm.actions and reads_oddly(self._calm, tool.name):
            return _unknown(f"it looks like {best.action}, but its name does not say so", said)
        reasons = [f"by {source}: {best.action}", *best.reasons]
        reasons.append(
            f"not calm: {doubt}" if doubt else "calm: every word and argument is understood"
        )
        return Classification(
            action=best.action,
            parameters=bound,
            confidence=best.confidence,
            reasons=tuple(reasons),
            candidates=said,
            calm=not doubt,
            inert=() if doubt else inert,
        )

    def _offered(self, candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
        """Those that the packs of this deployment have."""
        return tuple(item for item in candidates if item.action in self._actions)[:MAX_CANDIDATES]


def _first(candidates: tuple[Candidate, ...]) -> Candidate | None:
    return candidates[0] if candidates else None


def _unknown(why: str, candidates: tuple[Candidate, ...] = ()) -> Classification:
    confidence = candidates[0].confidence if candidates else 0.0
    return Classification(
        UNCLASSIFIED, confidence=confidence, reasons=(why,), candidates=candidates
    )


def _digest(name: str, description: str, schema: bytes) -> bytes:
    parts = (name.encode(errors="surrogatepass"), description.encode(errors="surrogatepass"))
    head = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hashlib.sha256(head + schema).digest()
