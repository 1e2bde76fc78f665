"""Objects with named members: named tuples, dataclasses, msgspec structs, pydantic models.

Guarantees:
  * Members are read from where the object keeps them, never through a method or property of its class.
  * Nothing is left out: an object that holds more than its members (other attributes, a base class in C, a
    slot that another one hides) is refused, and so is a class that answers for its attributes itself.
  * `Record.build` makes another one of the class, without __init__ or any other code of the class.
Does not: look at members (writer, copier), or import pydantic: whoever has a model has imported it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import GetSetDescriptorType, MemberDescriptorType
from typing import Any, Generic

import msgspec

from permit0.canonical.forms import Unfit

__all__ = ["RECORD_TAGS", "Record", "is_named_tuple", "read_record", "type_name"]

Members = Mapping[str, object]
RECORD_TAGS = frozenset({"namedtuple", "dataclass", "struct", "model", "root"})
_POINTER_BYTES = object.__basicsize__ // 2  # a bare object is a reference count and its type
_SLOTS = ("__pydantic_extra__", "__pydantic_fields_set__", "__pydantic_private__")


class Record(msgspec.Struct, frozen=True):
    """What an object holds.

    fields: declared members. more: of a pydantic model, by "extra" and "private". chosen: names that its
    maker set explicitly, sorted; None if the kind does not know. build: another one, of other members.
    """

    tag: str
    type: str
    fields: Members
    build: Callable[[Members, Mapping[str, Members]], object]
    more: Mapping[str, Members] = {}
    chosen: list[str] | None = None


def type_name(kind: type) -> str:
    """`module:qualified.name`.

    Raises:
        Unfit: The class calls itself by something that is no text.
    """
    module, name = kind.__module__, kind.__qualname__
    if type(module) is not str or type(name) is not str:
        raise Unfit("has a class without a name")
    return f"{module}:{name}"


def is_named_tuple(kind: type) -> bool:
    """Whether a class was made by namedtuple or NamedTuple; one derived from it is only a tuple."""
    return "_fields" in vars(kind) and kind.__bases__ in ((tuple,), (tuple, Generic))


def read_record(value: object) -> Record | None:
    """What an object holds, None if it is of no known kind.

    Raises:
        Unfit: It holds more than its members, or its class answers for them.
    """
    kind = type(value)
    if issubclass(kind, tuple):
        return _named_tuple(value, kind) if is_named_tuple(kind) else None
    if isinstance(value, msgspec.Struct):
        return _struct(value, type(value))
    pydantic = sys.modules.get("pydantic.main")
    # The MRO and not issubclass, which a class can be registered with.
    if pydantic is not None and getattr(pydantic, "BaseModel", None) in kind.__mro__:
        return _model(value, kind)
    if hasattr(kind, "__dataclass_fields__"):
        return _dataclass(value, kind)
    return None


def _named_tuple(value: Any, kind: Any) -> Record:
    names = kind._fields
    items = tuple(tuple.__iter__(value))
    if type(names) is not tuple or len(names) != len(items) or kind.__dictoffset__:
        raise Unfit("is a named tuple with other members than its class names")

    def build(fields: Members, _: Mapping[str, Members]) -> object:
        return tuple.__new__(kind, [fields[name] for name in names])

    return Record("namedtuple", type_name(kind), dict(zip(names, items, strict=True)), build)


def _dataclass(value: object, kind: type) -> Record:
    dataclasses = sys.modules["dataclasses"]  # it made the class
    state = _state(value, kind)
    names = [field.name for field in dataclasses.fields(kind)]
    for name in names:
        default = _class_attribute(kind, name)
        # A field with init=False may live in the class only; the copy gets one of its own.
        if name not in state and default is not _MISSING:
            state[name] = default
    _check_complete(state, names)
    return Record("dataclass", type_name(kind), state, lambda fields, _: _built(kind, fields))


def _struct(value: msgspec.Struct, kind: type[msgspec.Struct]) -> Record:
    state = _state(value, kind)
    for name in kind.__struct_fields__:
        _class_attribute(kind, name)
    _check_complete(state, kind.__struct_fields__)

    def build(fields: Members, _: Mapping[str, Members]) -> object:
        copy = msgspec.Struct.__copy__(value)  # type: ignore[attr-defined]  # it is there
        for name, item in fields.items():
            msgspec.structs.force_setattr(copy, name, item)
        return copy

    return Record("struct", type_name(kind), state, build)


def _model(value: object, kind: Any) -> Record:
    state = _state(value, kind)
    extra, chosen, private = (state.pop(name, None) for name in _SLOTS)
    # pydantic before 2.10 has only model_fields.
    fields: Mapping[str, object] = getattr(kind, "__pydantic_fields__", None) or kind.model_fields
    for name in fields:
        if _class_attribute(kind, name) is not _MISSING:
            raise Unfit(f"has a class that answers for {name!r} itself")
    _check_complete(
        state, [name for name in fields if name in state]
    )  # model_construct leaves some out
    more: dict[str, Members] = {}
    names = set(state)
    for word, part in (("extra", extra), ("private", private)):
        if part is None:
            continue
        if type(part) is not dict or not names.isdisjoint(part):
            raise Unfit(f"has {word} members that are none")
        more[word] = dict(part)
        names |= part.keys()
    if type(chosen) is not set or not chosen <= names:
        raise Unfit("does not know which of its fields were set")

    def build(fields: Members, more: Mapping[str, Members]) -> object:
        slots = (more.get("extra"), set(chosen), more.get("private"))
        return _built(kind, fields, dict(zip(_SLOTS, slots, strict=True)))

    tag = "root" if getattr(kind, "__pydantic_root_model__", False) is True else "model"
    return Record(tag, type_name(kind), state, build, more, sorted(chosen))


def _check_complete(state: Members, names: tuple[str, ...] | list[str]) -> None:
    if len(names) != len(state) or not state.keys() <= set(names):
        raise Unfit("holds other attributes than its fields")


_MISSING = object()


def _class_attribute(kind: type, name: str) -> object:
    """What the class itself says under the name of a member; _MISSING if nothing, or only a slot.

    Raises:
        Unfit: A property or the like, which answers instead of the member.
    """
    for base in kind.__mro__:
        if name in vars(base):
            found: object = vars(base)[name]
            if type(found) is MemberDescriptorType:
                return _MISSING
            if hasattr(type(found), "__set__") or hasattr(type(found), "__delete__"):
                raise Unfit(f"has a class that answers for {name!r} itself")
            return found
    return _MISSING


def _state(value: object, kind: type) -> dict[str, object]:
    """All attributes that an object holds, from its slots and its dict.

    Raises:
        Unfit: Its class answers for attributes itself, or it holds what cannot be seen.
    """
    state: dict[str, object] = {}
    slots = 0
    for base in kind.__mro__:
        for name, item in vars(base).items():
            if type(item) is MemberDescriptorType:
                slots += 1
                try:
                    held = item.__get__(value, kind)
                except AttributeError:
                    continue  # not set
                if name in state:
                    raise Unfit(f"holds {name!r} twice")
                state[name] = held
            elif base is not object and (
                name == "__getattribute__"
                or (name == "__dict__" and type(item) is not GetSetDescriptorType)
            ):
                raise Unfit("has a class that answers for its attributes itself")
    # The rule by which copyreg tells that an object has C fields: it is larger than what is known of it.
    known = slots + (kind.__dictoffset__ > 0) + (kind.__weakrefoffset__ > 0)
    if kind.__itemsize__ or kind.__basicsize__ > object.__basicsize__ + known * _POINTER_BYTES:
        raise Unfit("is derived from a type that holds more than attributes")
    if kind.__dictoffset__:
        attributes: object = object.__getattribute__(value, "__dict__")
        if type(attributes) is not dict or not state.keys().isdisjoint(attributes):
            raise Unfit("has attributes that cannot be read exactly")
        state |= attributes
    return state


def _built(kind: type, fields: Members, slots: Members | None = None) -> object:
    """An object with these attributes, without any code of its class."""
    made: object = object.__new__(kind)
    attributes: object = object.__getattribute__(made, "__dict__") if kind.__dictoffset__ else None
    for name, item in {**fields, **(slots or {})}.items():
        slot = _slot(kind, name)
        if slot is not None:
            slot.__set__(made, item)
        elif isinstance(attributes, dict):
            attributes[name] = item
    return made


def _slot(kind: type, name: str) -> MemberDescriptorType | None:
    for base in kind.__mro__:
        found = vars(base).get(name)
        if type(found) is MemberDescriptorType:
            return found
    return None
