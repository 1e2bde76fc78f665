"""Values without members that JSON cannot say: Decimals, dates and times, bytes, UUIDs, paths.

Guarantees: `read_leaf` takes exact types only, since a subclass may answer as it likes; the text says all that
the copy holds, and the copy is nobody else's or cannot change. `leaf_plain` gives the plain value that a
policy judges.
Normalised: a fixed offset is a timezone without a name of its own, a zone is the installed one of its key,
UUID.is_safe is dropped, a path is the one that its text says. The copy is normalised, too.
"""

from __future__ import annotations

import binascii
import re
import sys
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID

from permit0.canonical.forms import MAX_BYTES, Json, Unfit, too_long

__all__ = ["LEAF_TAGS", "leaf_plain", "read_leaf"]

PATH_KINDS = ("PosixPath", "PurePosixPath", "PureWindowsPath", "WindowsPath")
MAX_PLAIN_DIGITS = 100  # a Decimal that needs more is written with an exponent; no amount does
_ZONE_KEY = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*")
_TO_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_FROM_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_MICROSECOND = timedelta(microseconds=1)

Leaf = tuple[str, str, object]
"""Tag (without its prefix), text, copy."""


def read_leaf(value: object) -> Leaf | None:
    """The form of a value without members, None if it is none.

    Raises:
        Unfit: It is of such a type and has no form all the same (NaN, another tzinfo).
    """
    reader = _READERS.get(type(value))
    if reader is not None:
        return reader(value)
    pathlib = sys.modules.get("pathlib")  # whoever has a path has imported it
    kind = type(value).__name__
    if pathlib is not None and kind in PATH_KINDS and type(value) is getattr(pathlib, kind, None):
        return _path(value, kind)
    return None


def _decimal(value: Decimal) -> Leaf:
    # as_tuple and not str: the latter asks the thread's decimal context.
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise Unfit("is no finite number, so it cannot be judged", "number_not_finite")
    if len(digits) > MAX_BYTES:
        raise too_long(MAX_BYTES)
    return "decimal", f"{'-' * sign}{''.join(map(str, digits))}E{exponent}", value


def _datetime(value: datetime) -> Leaf:
    clean = value.replace(tzinfo=_clean_zone(value.tzinfo))
    if clean.utcoffset() != value.utcoffset():
        raise Unfit("has a zone that is not the installed one of its name")
    return "datetime", clean.isoformat(timespec="microseconds") + _tail(clean), clean


def _time(value: time) -> Leaf:
    clean = value.replace(tzinfo=_clean_zone(value.tzinfo))
    return "time", clean.isoformat(timespec="microseconds") + _tail(clean), clean


def _clean_zone(zone: tzinfo | None) -> tzinfo | None:
    """The same zone without anything that is not written. No other tzinfo is even asked."""
    if zone is None:
        return None
    kind = type(zone)
    core = sys.modules.get("pydantic_core")  # its TzInfo is what models read from text
    if kind is timezone or (core is not None and kind is getattr(core, "TzInfo", None)):
        return timezone(zone.utcoffset(None) or timedelta())  # without a name of its own
    zoneinfo = sys.modules.get("zoneinfo")
    if zoneinfo is not None and kind is zoneinfo.ZoneInfo:
        key: object = zone.key  # type: ignore[attr-defined]  # kind is ZoneInfo
        if type(key) is str and _ZONE_KEY.fullmatch(key):
            try:
                installed: tzinfo = kind(key)
            except (LookupError, ValueError, OSError) as error:
                raise Unfit("has a zone that is not installed") from error
            return installed
    raise Unfit(
        f"has a {kind.__name__!r} as tzinfo, which has no canonical form, "
        "pass datetime.timezone or zoneinfo.ZoneInfo"
    )


def _tail(value: datetime | time) -> str:
    """The key of a zone, as RFC 9557 writes it, and which of two equal wall clock times it is."""
    zone = value.tzinfo
    key = "" if zone is None or type(zone) is timezone else f"[{zone.key}]"  # type: ignore[attr-defined]  # ZoneInfo
    return key + (";fold=1" if value.fold else "")


def _bytes(value: bytes) -> Leaf:
    return "bytes", _base64url(value), value


def _bytearray(value: bytearray) -> Leaf:
    clean = bytes(value[: MAX_BYTES + 1])
    if len(clean) > MAX_BYTES:
        raise too_long(MAX_BYTES)
    return "bytearray", _base64url(clean), bytearray(clean)


def _base64url(value: bytes) -> str:
    """RFC 4648 5, without padding."""
    if len(value) > MAX_BYTES:
        raise too_long(MAX_BYTES)
    text = binascii.b2a_base64(value, newline=False).rstrip(b"=")
    return text.translate(_TO_URL_SAFE).decode()


def _uuid(value: UUID) -> Leaf:
    try:
        clean = UUID(int=value.int)
    except (AttributeError, TypeError, ValueError) as error:
        raise Unfit("is a UUID that was tampered with") from error
    return "uuid", str(clean), clean


def _path(value: Any, kind: str) -> Leaf:
    # By way of the text: a path keeps its parts and its text, and they can be made to differ.
    clean = type(value)(str(value))
    return "path", f"{kind}:{clean}", clean


_READERS: Mapping[type, Callable[[Any], Leaf]] = MappingProxyType(
    {
        Decimal: _decimal,
        datetime: _datetime,
        date: lambda value: ("date", value.isoformat(), value),
        time: _time,
        timedelta: lambda value: ("timedelta", str(value // _MICROSECOND), value),
        bytes: _bytes,
        bytearray: _bytearray,
        UUID: _uuid,
    }
)


# ------------------------------------------------------------------ what a policy judges


def leaf_plain(tag: str, text: str) -> Json:
    """The plain value that a leaf's text stands for.

    Raises:
        ValueError: This is no text of that tag.
    """
    return _PLAIN[tag](text)


def _decimal_plain(text: str) -> Json:
    """A number if one says exactly this, else the digits as text."""
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise ValueError(text)
    sign, digits, exponent = match[1], match[2], int(match[3])
    if not digits.strip("0"):
        return 0
    kept = digits.lstrip("0").rstrip("0")
    exponent += len(digits) - len(digits.rstrip("0"))
    if len(kept) > MAX_PLAIN_DIGITS or abs(exponent) > MAX_PLAIN_DIGITS:
        return f"{sign}{kept}E{exponent}"
    if exponent >= 0:
        return int(sign + kept + "0" * exponent)
    # A float means the decimal that it prints as, here as in normalize.money.
    number = float(f"{sign}{kept}E{exponent}")
    if Decimal(repr(number)) == Decimal(f"{sign}{kept}E{exponent}"):
        return number
    kept = kept.rjust(1 - exponent, "0")
    return f"{sign}{kept[:exponent]}.{kept[exponent:]}"


_DECIMAL = re.compile(r"(-?)([0-9]+)E(-?[0-9]{1,20})")


def _datetime_plain(text: str) -> Json:
    """ISO 8601, without the zone's key: a rule reads the offset."""
    return datetime.fromisoformat(_bare(text)).isoformat()


def _time_plain(text: str) -> Json:
    return time.fromisoformat(_bare(text)).isoformat()


def _bare(text: str) -> str:
    return text.partition(";")[0].partition("[")[0]


def _timedelta_plain(text: str) -> Json:
    """Seconds."""
    return _decimal_plain(f"{text}E-6")


def _bytes_plain(text: str) -> Json:
    """The text if it is UTF-8, else one letter for each byte.

    Not Base64: a command with one odd byte in it must stay readable.
    """
    data = binascii.a2b_base64(
        text.encode().translate(_FROM_URL_SAFE) + b"=" * (-len(text) % 4), strict_mode=True
    )
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _path_plain(text: str) -> Json:
    kind, colon, path = text.partition(":")
    if not colon or kind not in PATH_KINDS:
        raise ValueError(kind)
    return path


_PLAIN: Mapping[str, Callable[[str], Json]] = MappingProxyType(
    {
        "decimal": _decimal_plain,
        "datetime": _datetime_plain,
        "date": lambda text: date.fromisoformat(text).isoformat(),
        "time": _time_plain,
        "timedelta": _timedelta_plain,
        "bytes": _bytes_plain,
        "bytearray": _bytes_plain,
        "uuid": lambda text: str(UUID(text)),
        "path": _path_plain,
    }
)
LEAF_TAGS = frozenset(_PLAIN)
