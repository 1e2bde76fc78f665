"""What every StateStore promises about exposed outputs; a part of StateStoreContract (state_contract.py).

Pieces are remembered for a day, for the session and the agent's other sessions for the same principal;
what calls carried of them is added up with the step that carried it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from permit0.model.exposure import Carried, ExposedOutput, PieceGroup, PieceKind
from permit0.model.history import Feature, HistoryEntry, Scope, Trace
from permit0.model.vocabulary import Tier
from permit0.ports import StateStore
from permit0.state.shelf import KEPT_S

__all__ = ["ExposedOutputContract", "SharedExposedOutputContract", "carried", "expose", "output"]

AT = 1_700_000_000.25
ALONE = Scope("session", "agent", None)
ANN = Scope("session", "agent", "ann")
FEATURES: tuple[Feature, ...] = ()


def output(first: int, pieces: int = 8, *, tool: str = "a.read") -> ExposedOutput:
    """An output with so many pieces, numbered from `first`."""
    digests = b"".join(n.to_bytes(8, "little") for n in range(first, first + pieces))
    return ExposedOutput(tool, (PieceGroup("text", PieceKind.TEXT, digests),))


def expose(store: StateStore, given: ExposedOutput, scope: Scope = ALONE, at: float = AT) -> None:
    """Remember an output, as `Engine.report` does."""
    trace = Trace("output", ("EXPOSURE",), frozenset({"exposed"}))
    store.settle(scope, at, HistoryEntry(at, Tier.MINIMAL, (trace,)), given)


def carried(
    store: StateStore, pieces: Iterable[int], scope: Scope = ALONE, at: float = AT
) -> list[tuple[str, int, int]]:
    """Decide a call with these pieces, and remember it.

    Returns:
        For each output of which it carries something: its tool, its parts carried by now, and by this call.
    """
    with store.transaction(scope, at) as step:
        found: Sequence[Carried] = ()
        if step.wanted() is not None:
            found = step.carried(frozenset(pieces))
        entry = HistoryEntry(step.now, Tier.LOW, (Trace("a.x"),))
        step.append(entry, [item.blocks for item in found])
    return [(item.tool, parts, now) for item in found for _, parts, now in item.groups]


class ExposedOutputContract:
    """For a store of one process, or any other."""

    def make_store(self, features: Sequence[Feature]) -> StateStore:
        """The store to test; called again in a test, another one on the same history if there is one."""
        raise NotImplementedError

    def test_without_an_output_nothing_is_wanted(self) -> None:
        store = self.make_store(FEATURES)
        assert store.wanted(ALONE, AT) is None
        assert carried(store, [1, 2, 3]) == []
        assert store.piece_key == store.piece_key
        assert len(store.piece_key) == 32
        expose(store, output(100), Scope("other", "agent", "bob"))
        assert carried(store, range(100, 108)) == carried(store, range(100, 108), ANN) == []

    def test_pieces_of_an_output_are_known_again(self) -> None:
        store = self.make_store(FEATURES)
        expose(store, output(100))
        with store.transaction(ALONE, AT) as step:
            wanted = step.wanted()
            assert wanted is not None
            assert (wanted.key, wanted.words, wanted.lengths) == (store.piece_key, False, ())
        assert carried(store, [1, 2, 99, 108]) == []
        assert carried(store, [100, 1, 2]) == [("a.read", 1, 1)]

    def test_parts_over_several_calls_are_added_up_once(self) -> None:
        store = self.make_store(FEATURES)
        expose(store, output(100))
        assert carried(store, [100]) == [("a.read", 1, 1)]
        assert carried(store, [101]) == [("a.read", 1, 1)]  # the same part of four pieces
        assert carried(store, [104]) == [("a.read", 2, 1)]
        assert carried(store, [5]) == []

    def test_what_was_not_appended_was_not_carried(self) -> None:
        store = self.make_store(FEATURES)
        expose(store, output(100))
        with store.transaction(ALONE, AT) as step:
            assert len(step.carried({100})) == 1
        assert carried(store, [104]) == [("a.read", 1, 1)]

    def test_outputs_of_the_principals_other_sessions_count_once(self) -> None:
        store = self.make_store(FEATURES)
        expose(store, output(100), ANN)
        other = Scope("other", "agent", "ann")
        assert carried(store, [100], other) == [("a.read", 1, 1)]
        assert carried(store, [104], ANN) == [("a.read", 2, 1)]
        for scope in (
            Scope("other", "agent", "bob"),
            Scope("third", "agent 2", "ann"),
            Scope("third", "agent", None),
        ):
            assert carried(store, [100], scope) == []

    def test_an_output_is_forgotten_after_a_day(self) -> None:
        store = self.make_store(FEATURES)
        expose(store, output(100))
        assert carried(store, [100], at=AT + KEPT_S) == [("a.read", 1, 1)]
        assert carried(store, [104], at=AT + KEPT_S + 1) == []
        assert carried(store, [104]) == []  # the clock goes back and brings nothing back

    def test_the_oldest_outputs_make_room(self) -> None:
        store = self.make_store(FEATURES)
        size = 8_192
        for i in range(9):
            expose(store, output(i * size, size, tool=f"t{i}"), ANN, AT + i)
        assert carried(store, [0], ANN, AT + 9) == []
        assert carried(store, [size], ANN, AT + 9) == [("t1", 1, 1)]
        assert carried(store, [8 * size], Scope("new", "agent", "ann"), AT + 9) == [("t8", 1, 1)]

    def test_an_output_that_is_read_again_replaces_the_first(self) -> None:
        store = self.make_store(FEATURES)
        expose(store, output(100), ANN)
        assert carried(store, [100], ANN) == [("a.read", 1, 1)]
        expose(store, output(100, tool="again"), ANN, AT + 5)
        assert carried(store, [104], ANN, AT + 9) == [("again", 2, 1)]


class SharedExposedOutputContract:
    """For a store whose history is seen by every instance."""

    def make_store(self, features: Sequence[Feature]) -> StateStore:
        """As above."""
        raise NotImplementedError

    def test_outputs_and_what_was_carried_are_seen_by_every_instance(self) -> None:
        stores = [self.make_store(FEATURES) for _ in range(3)]
        assert len({store.piece_key for store in stores}) == 1
        assert carried(stores[2], [100], ANN) == []
        expose(stores[0], output(100), ANN)
        assert carried(stores[1], [100], ANN) == [("a.read", 1, 1)]
        assert carried(stores[2], [104], ANN) == [("a.read", 2, 1)]
        expose(stores[2], output(200), ANN)
        assert carried(stores[0], [105, 200], ANN) == [("a.read", 2, 1), ("a.read", 1, 1)]
        again = self.make_store(FEATURES)
        assert carried(again, [100, 204], ANN) == [("a.read", 2, 1), ("a.read", 2, 1)]
        expose(again, output(100, tool="again"), ANN, AT + 5)
        assert carried(stores[1], [104], ANN, AT + 9) == [("again", 2, 1)]
        assert carried(self.make_store(FEATURES), [104], ANN, AT + 9) == [("again", 2, 1)]
