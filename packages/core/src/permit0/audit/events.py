"""Records of what is neither a decision nor an outcome: approvals, kill orders, gateway verdicts, reviews.

Guarantees: redacted, canonical, kept when `keep` returns. One flat shape for all, so that an auditor reads them
in one table. `kind` of the record is the room that wrote it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from permit0.audit.redact import Redaction, Redactor
from permit0.canonical import Json, freeze
from permit0.model.record import AuditReceipt
from permit0.ports import AuditSink

__all__ = ["EventBody", "EventLog", "read_event"]


class EventBody(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """One event.

    event: one word: "requested", "answered", "used", "kill", "resume", "authorized", "refused".
    code: reason code, "" if nothing was refused. by: the person. reason: in the person's words.
    digest: of the canonical arguments, hex. refs: ids by name (decision, request, jti, order, ...).
    redacted: members in which a secret was replaced by a mark.
    """

    event: str
    code: str = ""
    by: str = ""
    reason: str = ""
    tool: str = ""
    action: str = ""
    session: str = ""
    agent: str = ""
    principal: str | None = None
    digest: str = ""
    refs: Mapping[str, str] = {}
    redacted: tuple[str, ...] = ()


_decoder = msgspec.json.Decoder(EventBody)


class EventLog:
    """Writes events. Safe for threads if the sink is."""

    def __init__(self, sink: AuditSink, *, redactor: Redactor) -> None:
        self._sink = sink
        self._redactor = redactor

    def keep(self, kind: str, at: float, body: EventBody) -> AuditReceipt:
        """Record an event.

        Args:
            kind: The room: "approval", "kill", "gateway".
            at: Unix seconds.
            body: What happened; secrets are taken out here.

        Raises:
            AuditUnavailable: It was not kept.
        """
        data: dict[str, Json] = msgspec.to_builtins(body)
        # The event and its code are words of ours, "authorized" being one with a hint in it.
        found = self._redactor.look(
            None,
            _texts((body.reason, body.digest, *body.refs.values())),
            again=_texts(
                (body.by, body.tool, body.action, body.session, body.agent, body.principal)
            ),
        )
        clean = _plain(data, "", None if found is None or found.idle else found)
        assert isinstance(clean, dict)
        if found is not None and found.paths:
            clean["redacted"] = list(found.paths)
        return self._sink.append(kind, at, freeze(clean))


def read_event(body: msgspec.Raw) -> EventBody:
    """Read the body of an event.

    Raises:
        msgspec.DecodeError, UnicodeDecodeError: It is none.
    """
    return _decoder.decode(body)


def _texts(values: Iterable[object]) -> list[str]:
    return [_encodable(value) for value in values if isinstance(value, str) and value]


def _plain(value: Json, path: str, found: Redaction | None) -> Json:
    match value:
        case str():
            text = _encodable(value)
            return text if found is None or not text else found.text(text, path)
        case dict():
            return {
                name: _plain(item, f"{path}/{name}" if path else name, found)
                for name, item in value.items()
            }
        case _:
            return value


def _encodable(text: str) -> str:
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()
