"""An HTTP request becomes arguments, or is refused: whatever two readers could read in two ways.

Guarantees:
  1. A path is plain: no percent-encoding, no empty segment, no `.` or `..`, ASCII; and there is no query.
  2. The body is one JSON object (RFC 8259, and I-JSON, RFC 7493): UTF-8, no member twice, no NaN, no
     integer that a double rounds, no content coding; its length is what the headers say, and limited.
  3. There is one token.
Does not: know what a path means (asgi), or bind headers: nothing else in them reaches a token.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any, TypeAlias

from permit0.canonical import MAX_SAFE_INT
from permit0.errors import GatewayRefused, InvalidInput, TokenMalformed, TokenMissing

__all__ = ["Headers", "Receive", "Scope", "Send", "is_plain_path", "read_arguments", "read_token"]

Scope: TypeAlias = MutableMapping[str, Any]  # Any: what ASGI 3 says; each key has its own type
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers: TypeAlias = list[tuple[bytes, bytes]]

WITHOUT_BODY = frozenset({"GET", "HEAD"})  # RFC 9110 9.3.1, 9.3.2: content has no meaning here
EXPONENT_FROM = 1e21  # ECMAScript Number::toString, as RFC 8785 3.2.2.3 has it
MAX_SAFE_DIGITS = len(str(MAX_SAFE_INT)) + 1  # and a sign

# RFC 3986 3.3, pchar without percent-encoding.
_PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@/-]*")
_EMPTY_OR_DOTS = re.compile(r"//|/\.\.?(?:/|\Z)")
_LENGTH = re.compile(rb"[0-9]{1,15}")
_JSON_TYPE = re.compile(
    rb'application/json(?:[ \t]*;[ \t]*charset=(?:"utf-8"|utf-8))?', re.IGNORECASE
)


def is_plain_path(path: str) -> bool:
    """Whether a path has only one reading."""
    return _PATH.fullmatch(path) is not None and _EMPTY_OR_DOTS.search(path) is None


def read_token(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    """The token of a request.

    Raises:
        TokenMissing, TokenMalformed.
    """
    found = _values(headers, name)
    if len(found) > 1:
        raise TokenMalformed(f"the request has {len(found)} tokens, send one")
    if not found or not found[0]:
        raise TokenMissing(f"the request has no {name.decode()!r} header, ask for a decision first")
    try:
        return found[0].decode("ascii")
    except UnicodeDecodeError as error:
        raise TokenMalformed("the token is no PASETO: it has letters beyond ASCII") from error


async def read_arguments(
    scope: Scope, headers: Headers, receive: Receive, *, max_bytes: int
) -> Mapping[str, object]:
    """The arguments of a request. Reads its body to the end, or refuses.

    Raises:
        GatewayRefused: request_query, request_content_type, request_encoding, request_length,
            request_too_large, request_body, request_incomplete.
        InvalidInput: argument_conflict, number_out_of_range, number_not_finite: inside the JSON.
    """
    if scope.get("query_string"):
        raise _refused(
            "request_query", "a query string is bound by no token, send arguments as JSON"
        )
    without = scope["method"] in WITHOUT_BODY
    if not without:
        _check_type(headers)
    if _values(headers, b"content-encoding"):
        raise _refused("request_encoding", "the body must have no content-encoding")
    body = await _read(receive, _declared(headers, max_bytes), max_bytes)
    if without:
        if body:
            raise _refused("request_body", f"a {scope['method']} request has no body, use POST")
        return {}
    return parse_object(body)


def parse_object(body: bytes) -> dict[str, object]:
    """Read one JSON object that every reader reads alike.

    Raises:
        GatewayRefused: request_body.
        InvalidInput: argument_conflict, number_out_of_range, number_not_finite.
    """
    try:
        # Decoded here: json.loads would guess UTF-16 and UTF-32, and let surrogates through.
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_constant,
        )
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        # Neither the text nor the place: both could quote an argument.
        raise _refused("request_body", "the body is no JSON in UTF-8") from error
    if not isinstance(value, dict):
        raise _refused("request_body", "the body must be a JSON object, arguments by name")
    return value


def _object(members: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(members)
    if len(value) != len(members):
        raise InvalidInput(
            "the body has an object with two members of one name, send each once",
            where="arguments",
            reason_code="argument_conflict",
        )
    return value


def _integer(text: str) -> int:
    # RFC 7493 2.2. Its canonical form is a tagged text, which the tool behind us does not know.
    if len(text) <= MAX_SAFE_DIGITS and abs(value := int(text)) <= MAX_SAFE_INT:
        return value
    raise _out_of_range()


def _float(text: str) -> float:
    value = float(text)
    # RFC 8785 would write such a double as an integer, rounded; a reader of exact integers would take
    # the rounded one for meant. From 1e21 on it writes an exponent. Infinity is refused by `freeze`.
    if MAX_SAFE_INT < abs(value) < EXPONENT_FROM:
        raise _out_of_range()
    return value


def _out_of_range() -> InvalidInput:
    return InvalidInput(
        f"the body has an integer beyond {MAX_SAFE_INT}, which many readers round, send it as text",
        where="arguments",
        reason_code="number_out_of_range",
    )


def _constant(text: str) -> object:
    raise InvalidInput(
        f"the body has the number {text}, which JSON does not know",
        where="arguments",
        reason_code="number_not_finite",
    )


def _check_type(headers: Headers) -> None:
    types = _values(headers, b"content-type")
    if len(types) != 1 or _JSON_TYPE.fullmatch(types[0]) is None:
        raise _refused(
            "request_content_type", "the content-type must be application/json, in UTF-8"
        )


def _declared(headers: Headers, max_bytes: int) -> int | None:
    """The length that the headers promise; None if they do not."""
    lengths = _values(headers, b"content-length")
    codings = [value.lower() for value in _values(headers, b"transfer-encoding")]
    # RFC 9112 6.3: both, or either twice, is how requests are smuggled.
    if len(lengths) + len(codings) > 1 or codings not in ([], [b"chunked"]):
        raise _refused("request_length", "the request says its length in more than one way")
    if not lengths:
        return None
    if _LENGTH.fullmatch(lengths[0]) is None:
        raise _refused("request_length", "the content-length is no number")
    declared = int(lengths[0])
    if declared > max_bytes:
        raise _too_large(max_bytes)
    return declared


async def _read(receive: Receive, declared: int | None, max_bytes: int) -> bytes:
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise _refused(
                "request_incomplete", "the client went away before the body was complete"
            )
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
    if declared is not None and len(body) != declared:
        raise _refused("request_length", "the body is not as long as its content-length says")
    return bytes(body)


def _values(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    return [value.strip(b" \t") for key, value in headers if key.lower() == name]


def _too_large(max_bytes: int) -> GatewayRefused:
    return _refused("request_too_large", f"the body is longer than {max_bytes} bytes")


def _refused(code: str, message: str) -> GatewayRefused:
    return GatewayRefused(message, reason_code=code)
