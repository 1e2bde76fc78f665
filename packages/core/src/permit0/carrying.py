"""Whether a call holds a part of what an exposed read gave back: from its arguments to what the store
remembers.

Guarantees: nothing is made of a call in a scope that remembers no output, which costs two look-ups. Else
its pieces are made before the step, so that nobody waits for them, and compared inside of it; only where
another process wrote the first output in between, they are made inside.
What cannot be compared (too much in other encodings) is never calmer: it counts as carrying.
Does not: judge what is carried (sessions.carried), or keep a text.
"""

from __future__ import annotations

import msgspec

from permit0.canonical import Json, thaw
from permit0.model.call import ToolCall
from permit0.model.exposure import ExposedOutput, Wanted
from permit0.model.history import HistoryEntry, Scope, Trace
from permit0.model.vocabulary import Flag, Tier
from permit0.normalize.pieces import call_pieces, call_texts, output_pieces
from permit0.ports import HistoryTransaction, StateStore
from permit0.sessions.carried import CallCarries, call_carries

__all__ = ["Carrying", "Held", "exposure"]


class Held(msgspec.Struct, frozen=True):
    """The pieces of a call. wanted: what they were made for. whole: whether that is all that it holds."""

    wanted: Wanted
    pieces: frozenset[int]
    whole: bool


class Carrying:
    """Compares calls with what one store remembers."""

    def __init__(self, store: StateStore) -> None:
        self._store = store

    def of_output(self, call: ToolCall, output: str) -> ExposedOutput | None:
        """What to remember of an output; what the call itself had in its arguments was not read.

        Raises:
            StateUnavailable: The store has no key.
        """
        own = [] if not call.arguments else call_texts(thaw(call.arguments))[0]
        return output_pieces(call.tool, output, self._store.piece_key, own=own)

    def of_call(self, call: ToolCall, scope: Scope, at: float) -> Held | None:
        """The pieces of a call, if there is anything to compare them with; a guess (StateStore.wanted)."""
        wanted = self._store.wanted(scope, at)
        return None if wanted is None else _held(call, wanted)

    def compare(
        self, call: ToolCall, held: Held | None, step: HistoryTransaction
    ) -> CallCarries | None:
        """What the call carries, None for nothing.

        Args:
            call: The call.
            held: What `of_call` made of it.
            step: The step in which it is decided.
        """
        wanted = step.wanted()
        if wanted is None:
            return None
        if held is None or held.wanted != wanted:
            held = _held(call, wanted)
        return call_carries(step.carried(held.pieces), whole=held.whole)


def _held(call: ToolCall, wanted: Wanted) -> Held:
    arguments: Json = thaw(call.arguments)
    texts, whole = call_texts(arguments)
    return Held(wanted, call_pieces(texts, wanted), whole)


def exposure(at: float) -> HistoryEntry:
    """What history keeps of an output that held secrets or personal data."""
    trace = Trace("output", (Flag.EXPOSURE.value,), frozenset({"exposed"}))
    return HistoryEntry(at, Tier.MINIMAL, (trace,))
