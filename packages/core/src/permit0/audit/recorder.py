"""From a decision or an outcome to a record in the sink.

Guarantees: redacted before anything else sees it; canonical; when a method returns, the sink has kept the
record. Refused calls are recorded like all others, unreadable ones with what could be read of them.
Does not: decide what happens when the sink fails (engine: DENY).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence

import msgspec

from permit0.audit.record import Provenance, fact_value, facts_text, line_data
from permit0.audit.redact import Redaction, Redactor
from permit0.canonical import MAX_BYTES, Json, freeze, number_text, thaw
from permit0.errors import InvalidInput
from permit0.model.call import ToolCall
from permit0.model.decision import ActionDecision, Decision
from permit0.model.reason import Reason
from permit0.model.record import AuditReceipt
from permit0.model.rule import ActionTemplate, Rule
from permit0.ports import AuditSink

__all__ = ["Recorder"]

MAX_CACHED_LINES = 50_000  # more than the lines of any deployment's packs; then begin anew
MAX_FRAMES = 4096  # some 4 MB; a deployment has some hundred; then begin anew
_PLAIN = (1e-3, 1e15)  # where msgspec and RFC 8785 write the same text of a float
_VERDICTS = ("allow", "review", "human", "deny")

# What an action says of this one call; all else follows from its lines and its score.
_OWN = frozenset({"amount", "facts", "keys"})

_encoder = msgspec.json.Encoder(order="sorted")


class Recorder:
    """Writes records of one deployment. Safe for threads if the sink is."""

    def __init__(
        self,
        sink: AuditSink,
        *,
        redactor: Redactor,
        template: Callable[[str], ActionTemplate],
        provenance: Provenance,
    ) -> None:
        """Args:
        sink: Where records go. redactor: takes the secrets out.
        template: The policy of an action, as the engine's catalog has it.
        provenance: With what this deployment decides.
        """
        self._sink = sink
        self._redactor = redactor
        self._template = template
        # By way of plain values, since numbers such as 1.0 are written as RFC 8785 does.
        self._provenance = msgspec.Raw(freeze(msgspec.to_builtins(provenance)))
        self._lines: dict[str, tuple[Rule, msgspec.Raw]] = {}
        self._frames: dict[tuple[object, ...], tuple[ActionDecision, tuple[bytes, ...]]] = {}

    def decision(self, call: ToolCall, decision: Decision) -> AuditReceipt:
        """Record a decision.

        Args:
            call: What was asked; `arguments` is b"" if they had no canonical form.
            decision: The answer.

        Raises:
            AuditUnavailable: It was not kept.
        """
        arguments = _thawed(call.arguments)
        found = self._redactor.look(
            arguments,
            _decision_texts(decision),
            again=(*_call_texts(call), *[reason.message for reason in decision.reasons]),
        )
        was_hinted = found is not None
        found = None if found is None or found.idle else found
        what = _what(call, arguments, decision.digest, found)
        actions = [
            self._framed(item)
            if found is None and not item.findings
            else self._action(item, number, found)
            for number, item in enumerate(decision.actions)
        ]
        body: dict[str, object] = {
            "id": decision.id,
            "who": _who(call, found),
            "what": what,
            "actions": actions,
            "mode": decision.mode,
            "decided": decision.decided,
            "outcome": decision.outcome,
            "tier": decision.tier,
            "score": _number(decision.score),
            "reasons": _reasons(decision.reasons, "decision", found),
            "error": decision.error,
            "with": self._provenance,
        }
        review = decision.review
        if review is not None:
            body["review"] = {
                "verdict": review.verdict,
                "confidence": _number(review.confidence),
                "reason": _text(review.reason, "review/reason", found),
                "failure": review.failure,
            }
        if was_hinted:  # complete now
            paths = [] if found is None else found.paths
            what["redacted"] = paths or what.get("redacted", [])
        return self._sink.append("decision", decision.at, _encoder.encode(body))

    def outcome(
        self,
        call: ToolCall,
        output: str,
        *,
        at: float,
        digest: str,
        exposed: frozenset[str],
        decision: str = "",
        error: str = "",
    ) -> AuditReceipt:
        """Record what came of a call.

        Args:
            call: The call. digest: of its arguments.
            output: What the tool gave back; only its length and digest are recorded.
            at: Unix seconds.
            exposed: Kinds of secrets and personal data in the output.
            decision: Id of the decision that let it run.
            error: Type of what the tool raised.

        Raises:
            AuditUnavailable: It was not kept.
        """
        found = self._redactor.look(None, (), again=_call_texts(call))
        was_hinted = found is not None
        found = None if found is None or found.idle else found
        data = output.encode(errors="backslashreplace")
        what = _what(call, None, digest, found)
        body: dict[str, object] = {
            "decision": decision,
            "who": _who(call, found),
            "what": what,
            "exposed": sorted(exposed),
            "output_chars": len(output),
            "output_digest": "" if exposed else hashlib.sha256(data).hexdigest(),
            "error": error,
        }
        if was_hinted:
            what["redacted"] = [] if found is None else found.paths
        return self._sink.append("outcome", at, _encoder.encode(body))

    def close(self) -> None:
        """Close the sink."""
        self._sink.close()

    def _framed(self, item: ActionDecision) -> msgspec.Raw:
        """What `_action` says of an action without findings or secrets.

        All that stands around the action's own values is made once for the same lines and the same score.
        """
        action, score = item.action, item.score
        key = (
            action.action, action.origin, action.exposed, action.outward, action.reads,
            id(score), item.session_points, item.volume_points, item.verdict, item.reasons,
            item.denied_by, item.allowed_by, *map(id, item.fired), None, *map(id, item.adjusted),
        )  # fmt: skip
        known = self._frames.get(key)
        if known is None:
            # The entry keeps the score and the lines alive, so that no identity is ever reused.
            known = item, _cut(self._action(item, 0, None))
            if len(self._frames) >= MAX_FRAMES:
                self._frames.clear()
            self._frames[key] = known
        start, before_facts, before_keys, end = known[1]
        amount = b"null" if action.amount is None else b'"%b"' % str(action.amount).encode()
        keys = freeze(action.keys) if action.keys else b"{}"
        return msgspec.Raw(
            b"".join(
                (start, amount, before_facts, facts_text(action.facts), before_keys, keys, end)
            )
        )

    def _action(
        self, item: ActionDecision, number: int, found: Redaction | None
    ) -> dict[str, object]:
        action, score = item.action, item.score
        template = self._template(action.action)
        where = f"action {number}"
        facts = {name: fact_value(fact) for name, fact in action.facts.items()}
        keys: Mapping[str, str] = action.keys
        if found is not None:
            facts = {n: _clean(fact, f"{where}/facts/{n}", found) for n, fact in facts.items()}
            keys = {n: found.text(key, f"{where}/keys/{n}") for n, key in keys.items()}
        data: dict[str, object] = {
            "action": action.action,
            "origin": action.origin,
            "facts": msgspec.Raw(freeze(facts)),
            "keys": msgspec.Raw(freeze(keys)),
            "amount": None if action.amount is None else str(action.amount),
            "marks": [name for name in ("exposed", "outward", "reads") if getattr(action, name)],
            "pack": template.pack,
            "risk_class": template.risk_class,
            "base": template.base,
            "base_roles": template.roles,
            "fired": [self._line(line) for line in item.fired],
            "adjusted": [self._line(line) for line in item.adjusted],
            "findings": [
                {
                    "rule": finding.rule,
                    "effect": finding.effect,
                    "message": _text(finding.message, f"{where}/findings/{finding.rule}", found),
                    "immutable": finding.immutable,
                }
                for finding in item.findings
            ],
            "session_points": item.session_points,
            "volume_points": item.volume_points,
            "score": _number(score.value),
            "tier": score.tier,
            "points": score.amplifiers,
            "roles": score.roles,
            "blocked": score.blocked,
            "block_rule": score.block_rule,
            "verdict": _VERDICTS[item.verdict],
            "reasons": _reasons(item.reasons, where, found),
        }
        if item.denied_by is not None or item.allowed_by is not None:
            owner, allowed = item.allowed_by or ("", None)
            data["lists"] = {"denied": item.denied_by, "allowed": allowed, "owner": owner}
        return data

    def _line(self, line: Rule) -> msgspec.Raw:
        """A line's text; made once, since lines are the same for every call."""
        known = self._lines.get(line.id)
        if known is not None and known[0] is line:
            return known[1]
        text = msgspec.Raw(_encoder.encode(line_data(line)))
        if len(self._lines) >= MAX_CACHED_LINES:
            self._lines.clear()
        self._lines[line.id] = (line, text)
        return text


def _cut(action: Mapping[str, object]) -> tuple[bytes, ...]:
    """The text of an action in pieces, without the values of _OWN, which stand between them."""
    pieces: list[bytes] = []
    piece = b"{"
    for name in sorted(action):
        piece += b"%b:" % _encoder.encode(name)
        if name in _OWN:
            pieces.append(piece)
            piece = b","
        else:
            piece += _encoder.encode(action[name]) + b","
    return (*pieces, piece.removesuffix(b",") + b"}")


def _who(call: ToolCall, found: Redaction | None) -> dict[str, object]:
    principal = None if call.principal is None else _text(call.principal, "who/principal", found)
    return {
        "agent": _text(call.agent, "who/agent", found),
        "principal": principal,
        "session": _text(call.session, "who/session", found),
        "framework": _text(call.framework, "who/framework", found),
    }


def _what(
    call: ToolCall, arguments: dict[str, Json] | None, digest: str, found: Redaction | None
) -> dict[str, object]:
    # Arguments first: what is taken out of them is then looked for everywhere else.
    text: msgspec.Raw | None = None
    respelled = False
    if arguments is not None:
        # A caller's own bytes may be no canonical ones; a line break in them would end the record's line.
        respelled = b"\n" in call.arguments or b"\r" in call.arguments
        clean = arguments if found is None else found.arguments(arguments)
        if respelled or (found is not None and found.paths):
            # The plain view, in which a secret is a text in whatever type it was passed. Marks may be
            # longer than what they stand for, and a byte that Base64 writes in 4/3 letters has up to 6.
            text = msgspec.Raw(freeze(clean, max_bytes=6 * len(call.arguments) + MAX_BYTES))
        else:
            text = msgspec.Raw(call.arguments)
    data: dict[str, object] = {
        "tool": _text(call.tool, "what/tool", found),
        "digest": digest,
        "arguments": text,
    }
    if respelled:
        data["redacted"] = ["arguments"]
    if call.task:
        data["task"] = _text(call.task, "what/task", found)
    if call.description:
        data["description"] = _text(call.description, "what/description", found)
    if call.schema:
        data["schema"] = _text(call.schema, "what/schema", found)
    return data


def _thawed(arguments: bytes) -> dict[str, Json] | None:
    if not arguments:
        return None
    try:
        value: object = thaw(arguments)
    except (
        msgspec.DecodeError,
        UnicodeDecodeError,
        RecursionError,
        AttributeError,
        InvalidInput,
    ):
        return None  # a caller's own bytes, which the engine refuses
    return value if isinstance(value, dict) else None


def _reasons(
    reasons: Sequence[Reason], where: str, found: Redaction | None
) -> list[dict[str, object]]:
    return [
        {
            "code": reason.code,
            "message": _text(reason.message, f"{where}/reasons/{number}", found),
            "rule": reason.rule,
        }
        for number, reason in enumerate(reasons)
    ]


def _clean(value: Json, path: str, found: Redaction) -> Json:
    match value:
        case str():
            return found.text(value, path)
        case list():
            return [_clean(item, path, found) for item in value]
        case dict():
            return {name: _clean(item, path, found) for name, item in value.items()}
        case _:
            return value


def _text(value: object, path: str, found: Redaction | None) -> str:
    """A text that JSON can hold, without its secrets. Callers hand us whatever they have."""
    text = _plain(value)
    return text if found is None else found.text(text, path)


def _plain(value: object) -> str:
    if not isinstance(value, str):
        return f"<{type(value).__name__}>"
    value = str.__str__(value)
    return value if value.isascii() else value.encode(errors="backslashreplace").decode()


def _call_texts(call: ToolCall) -> list[str]:
    texts = [_plain(call.tool), _plain(call.session), _plain(call.agent), _plain(call.framework)]
    if call.principal is not None:
        texts.append(_plain(call.principal))
    if call.task or call.description or call.schema:
        texts += [_plain(text) for text in (call.task, call.description, call.schema) if text]
    return texts


def _decision_texts(decision: Decision) -> list[str]:
    """What a decision says of this one call."""
    texts: list[str] = []
    if decision.review is not None:
        texts.append(_plain(decision.review.reason))
    for item in decision.actions:
        for fact in item.action.facts.values():
            if isinstance(fact, str):
                texts.append(fact)
            elif isinstance(fact, frozenset):
                texts.extend(fact)
        texts.extend(item.action.keys.values())
        texts.extend([finding.message for finding in item.findings])
    for item in decision.actions[1:]:  # the first one's are the decision's
        texts.extend([reason.message for reason in item.reasons])
    return texts


def _number(value: float) -> int | float | msgspec.Raw:
    """A number that is written as RFC 8785 does."""
    if value.is_integer():
        return int(value)
    if _PLAIN[0] <= abs(value) < _PLAIN[1]:
        return value
    return msgspec.Raw(number_text(value).encode())
