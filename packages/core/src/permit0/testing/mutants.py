"""Every small change of an action's policy table, one at a time: what mutation testing tries.

What is changed:
  * a base flag loses its place, or gets the other role; base points move by one, up and down
  * `reads` and `outward` are turned, a test of `outward` is dropped
  * of a line (a rule, or a session line): its condition, each test in it, each alternative and each label of
    a list is dropped; a number in it moves by one; its points move by one; a flag that it adds,
    promotes or demotes stays as it was, or gets the other role; its effect becomes one of another outcome
  * of a session line: its counts and seconds move by one, an action that counts is dropped, and `exposed`
An effect is changed to one that ends differently: none (upgrade), asking (approval), refusing (block). What a
case cannot see is not tried: `medium` against `gate`, points beyond an amplifier's ceiling or below nothing.
Guarantees: the same table gives the same changes in the same order; each says file and line.
Does not: know whether the changed table is valid (mutation tries to compile it), or run anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

import msgspec

from permit0.canonical import Json
from permit0.located import Place
from permit0.model.vocabulary import Amplifier, Flag
from permit0.normalize.loader import LoadedPack
from permit0.score.amplifiers import CEILING

__all__ = ["Mutant", "Target", "mutants", "said_at", "targets"]

_NUMBERS = ("above", "at_least", "below", "at_most")
_LABELS = ("has", "lacks", "matches", "misses")
_SESSION_NUMBERS = ("count", "distinct", "recent", "rate", "within_s")
_OTHER_ROLE = {"primary": "secondary", "secondary": "primary"}
_OTHER_EFFECTS: Mapping[str, tuple[str, ...]] = {
    "allow": ("downgrade",),
    "allow+log": ("downgrade",),
    "upgrade": ("approval",),
    "medium": ("upgrade", "block"),
    "high": ("upgrade", "block"),
    "approval": ("upgrade", "block"),
    "gate": ("upgrade", "block"),
    "block": ("gate",),
}
_Data = dict[str, Json]


class _Dropped:
    """Instead of a value: the key or item is not there."""


DROPPED: Final = _Dropped()


class Target(msgspec.Struct, frozen=True):
    """What a pack says of an action. part: "actions", its table, or "rules", lines that are added to it."""

    pack: str
    part: Literal["actions", "rules"]
    action: str


class Mutant(msgspec.Struct, frozen=True):
    """One change.

    where: `file:line` of what is changed. what: in words, as `rules.external.amplifiers.destination:
    14 -> 15`. changed: what the pack then says at the target. line: id of the rule or session line, ""
    for the rest.
    """

    where: str
    what: str
    changed: Json
    line: str


def targets(pack: LoadedPack) -> Iterator[Target]:
    """What a pack says that can be changed."""
    for action in pack.spec.actions:
        yield Target(pack.spec.pack, "actions", action)
    for action in pack.spec.rules:
        yield Target(pack.spec.pack, "rules", action)


def mutants(pack: LoadedPack, target: Target) -> Iterator[Mutant]:
    """Every change of a target of this pack."""
    said = said_at(pack, target)
    # Added lines are the table of nothing but rules.
    is_table = target.part == "actions"
    table = _map(said) if is_table else {"rules": said}
    for place, name, new, line in _Changes(table).all():
        if not (is_table or line):
            continue  # it says nothing of the action itself
        below = place if is_table else place[1:]
        number = pack.source.line((target.part, target.action, *below))
        yield Mutant(
            where=f"{pack.source.name}:{number}",
            what=f"{name}: {_shown(_at(table, place))} -> {_shown(new)}",
            changed=_edited(said, below, new),
            line=line,
        )


def said_at(pack: LoadedPack, target: Target) -> Json:
    """What a pack says at a target, as it is written there."""
    data = pack.source.data
    assert isinstance(data, dict)  # it was validated as a pack
    said: Json = data[target.part][target.action]
    return said


_Change = tuple[Place, str, object, str]
"""Where, how that is called, what it becomes, and the id of its line."""


class _Changes:
    """Walks one table."""

    def __init__(self, table: _Data) -> None:
        self._table = table
        self._lines = [*_list(table.get("rules")), *_list(table.get("session"))]

    def all(self) -> Iterator[_Change]:
        table = self._table
        yield from self._roles(("flags",), "flags", _map(table.get("flags")), "")
        for name, points in _map(table.get("amplifiers")).items():
            yield from self._points(("amplifiers", name), f"amplifiers.{name}", name, points, "")
        if table.get("reads") and self._exposes():
            yield ("reads",), "reads", False, ""
        outward = table.get("outward", False)
        if isinstance(outward, bool):
            yield ("outward",), "outward", not outward, ""
        else:
            yield ("outward",), "outward", True, ""
            yield from self._condition(("outward",), "outward", _map(outward), "")
        for part in ("rules", "session"):
            for i, line in enumerate(_list(table.get(part))):
                yield from self._line((part, i), f"{part}.{line['id']}", line, str(line["id"]))

    def _exposes(self) -> bool:
        """Whether the action can carry EXPOSURE: without it, nobody asks whether it reads."""
        rules = _list(self._table.get("rules"))
        said = [_map(self._table.get("flags")), *(_map(rule.get("add_flags")) for rule in rules)]
        promoted = [_items(rule.get("promote")) for rule in rules]
        return any(Flag.EXPOSURE.value in flags for flags in (*said, *promoted))

    def _line(self, place: Place, name: str, line: _Data, id_: str) -> Iterator[_Change]:
        effect = str(line.get("effect", "upgrade"))
        for other in _OTHER_EFFECTS.get(effect, ()):
            yield (*place, "effect"), f"{name}.effect", other, id_
        if "when" in line:
            yield (*place, "when"), f"{name}.when", DROPPED, id_
            yield from self._condition((*place, "when"), f"{name}.when", _map(line["when"]), id_)
        if "session" in line:
            yield from self._session((*place, "session"), name, _map(line["session"]), id_)
        for part in ("amplifiers", "override"):
            for key, points in _map(line.get(part)).items():
                at = (*place, part, key)
                yield from self._points(at, f"{name}.{part}.{key}", key, points, id_)
        flags = _map(line.get("add_flags"))
        yield from self._roles((*place, "add_flags"), f"{name}.add_flags", flags, id_)
        for part in ("promote", "demote"):
            for i, _ in enumerate(_items(line.get(part))):
                yield (*place, part, i), f"{name}.{part}", DROPPED, id_

    def _roles(self, place: Place, name: str, roles: _Data, id_: str) -> Iterator[_Change]:
        for flag, role in roles.items():
            yield (*place, flag), f"{name}.{flag}", DROPPED, id_
            yield (*place, flag), f"{name}.{flag}", _OTHER_ROLE[str(role)], id_

    def _points(
        self, place: Place, name: str, amplifier: str, points: Json, id_: str
    ) -> Iterator[_Change]:
        """One more and one less, where that can be seen."""
        value, base = _number(points), _number(_map(self._table.get("amplifiers")).get(amplifier))
        others = [
            _number(_map(line.get("amplifiers")).get(amplifier))
            for line in self._lines
            if line.get("id") != id_
        ]
        ceiling = CEILING[Amplifier(amplifier)]
        own = value if not id_ or "override" in place else base + value
        for other in (value + 1, value - 1):
            moved = own + other - value
            if moved > ceiling and not any(points < 0 for points in others):
                continue  # clamped to the ceiling, whatever else fires
            if moved < 0 and not any(points > 0 for points in others):
                continue  # clamped to nothing
            yield place, name, other, id_

    def _condition(self, place: Place, name: str, when: _Data, id_: str) -> Iterator[_Change]:
        for key, test in when.items():
            at, called = (*place, key), f"{name}.{key}"
            if len(when) > 1:
                yield at, called, DROPPED, id_
            if key == "any":
                for i, choice in enumerate(_list(test)):
                    if len(_list(test)) > 1:
                        yield (*at, i), f"{called}[{i}]", DROPPED, id_
                    yield from self._condition((*at, i), f"{called}[{i}]", choice, id_)
            elif key == "not":
                yield from self._condition(at, called, _map(test), id_)
            elif isinstance(test, dict):
                yield from self._test(at, called, test, id_)
            elif isinstance(test, list):
                yield from _without_each(at, called, test, id_)
            elif _is_number(test):
                yield at, called, _number(test) + 1, id_
                yield at, called, _number(test) - 1, id_

    def _test(self, place: Place, name: str, test: _Data, id_: str) -> Iterator[_Change]:
        for key, value in test.items():
            at, called = (*place, key), f"{name}.{key}"
            if len(test) > 1:
                yield at, called, DROPPED, id_
            if key in _NUMBERS:
                yield at, called, _number(value) + 1, id_
                yield at, called, _number(value) - 1, id_
            elif key in _LABELS:
                yield from _without_each(at, called, _items(value), id_)

    def _session(self, place: Place, name: str, test: _Data, id_: str) -> Iterator[_Change]:
        for key in _SESSION_NUMBERS:
            if key in test:
                at, called = (*place, key), f"{name}.session.{key}"
                yield at, called, _number(test[key]) + 1, id_
                yield at, called, _number(test[key]) - 1, id_
        if test.get("exposed"):
            yield (*place, "exposed"), f"{name}.session.exposed", False, id_
        yield from _without_each((*place, "of"), f"{name}.session.of", _items(test.get("of")), id_)


def _without_each(place: Place, name: str, items: Sequence[Json], id_: str) -> Iterator[_Change]:
    if len(items) > 1:
        for i, _ in enumerate(items):
            yield (*place, i), name, DROPPED, id_


def _edited(data: Json, place: Place, new: object) -> Json:
    """A copy of `data` with another value at a place; what is not on the way there is shared."""
    head, rest = place[0], place[1:]
    if isinstance(data, list):
        index = int(head)
        kept = [] if not rest and new is DROPPED else [_changed(data[index], rest, new)]
        return [*data[:index], *kept, *data[index + 1 :]]
    table = dict(_map(data))
    key = str(head)
    if not rest and new is DROPPED:
        del table[key]
    else:
        table[key] = _changed(table.get(key), rest, new)
    return table


def _changed(value: Json, rest: Place, new: object) -> Json:
    return _edited(value, rest, new) if rest else _json(new)


def _json(value: object) -> Json:
    assert isinstance(value, bool | int | float | str)  # nothing else is put in
    return value


def _at(data: Json, place: Place) -> Json:
    for part in place:
        if isinstance(data, dict):
            data = data.get(str(part))
        elif isinstance(data, list) and isinstance(part, int):
            data = data[part]
    return data


def _shown(value: object) -> str:
    """A value as a pack would say it, in a few words."""
    if isinstance(value, _Dropped):
        return "dropped"
    if value is None:
        return "not there"
    if isinstance(value, bool | int | float):
        return str(value).lower()
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else text[:57] + "..."


def _map(value: Json) -> _Data:
    return value if isinstance(value, dict) else {}


def _list(value: Json) -> list[_Data]:
    return [item for item in _items(value) if isinstance(item, dict)]


def _items(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: Json) -> int | float:
    return value if isinstance(value, int | float) else 0
