"""Public names stay what they are, whichever of permit0's rooms were loaded before."""

from __future__ import annotations

import pkgutil

import permit0


def test_every_public_name_is_there() -> None:
    for name in permit0.__all__:
        value = getattr(permit0, name)
        assert type(value).__name__ != "module", name


def test_no_room_has_the_name_of_a_public_thing() -> None:
    """Whoever loads a room gives its name to the package, and would hide the function of that name."""
    rooms = {module.name for module in pkgutil.iter_modules(permit0.__path__)}
    assert rooms.isdisjoint(permit0.__all__)
