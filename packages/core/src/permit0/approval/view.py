"""What a person is shown before saying yes: plain text, complete, and nothing in it can be forged by the call.

Guarantees:
  1. Deterministic; every argument has its name in the view, in canonical order.
  2. A value is on one line of its own, behind its name. Texts are quoted JSON in which all that is not
     plainly visible is written out (permit0.visible); what is not quoted is ours.
  3. A secret is never shown: the redactor's mark stands in its place, with a short digest, so that
     two secrets look different. The digest is bound to the call, so that it is worth nothing elsewhere.
  4. What is too long is cut in the middle: how much is missing, and the SHA-256 of the whole. What is too
     much is counted, short and shallow values are shown first. The end of the view names what a
     reader did not see.
  5. Lines have at most COLUMNS cells. What is wrapped continues behind CONTINUED, with which no
     line of ours begins, so that nothing can look like a line that it is not.
Refuses, InvalidInput: approval_view_too_large (more than MAX_ARGUMENTS), approval_view_unreadable (the
arguments are not canonical, or do not fit their redacted form). What cannot be shown cannot be approved.
Does not: know what is a secret (`Clean`, from whoever builds).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from permit0.canonical import Json, freeze, thaw
from permit0.errors import InvalidInput
from permit0.model.call import ToolCall
from permit0.model.decision import Decision
from permit0.visible import alphabets, cells, escape, quote

__all__ = ["COLUMNS", "CONTINUED", "Clean", "render_view", "rewrap"]

Clean = Callable[[Mapping[str, Json]], Mapping[str, Json]]
"""Takes the secrets out: the same structure and order, with a text in place of each secret."""

COLUMNS = 78  # a terminal of 80
MIN_COLUMNS = 20
CONTINUED = "    | "
MAX_ARGUMENTS = 200  # nobody reads more; far above any real tool
MAX_VALUES = 200
MAX_VALUE_CHARS = 600
MAX_SHOWN_CHARS = 24_000  # about 300 lines in all
MAX_NAME_CHARS = 80
MAX_WORDS_CHARS = 400
MAX_REASONS = 40
MAX_ACTIONS = 40
_DIGEST_CHARS = 16  # 64 bits: nobody finds a second text for it while a request is open
_MARK_CHARS = 8

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@/+-]*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class _Path(msgspec.Struct, frozen=True):
    """Where a value is. Written only if it is shown: many deep values would be a very long text."""

    above: _Path | None
    step: str
    chars: int

    def below(self, step: str) -> _Path:
        """The path of a part."""
        return _Path(self, step, self.chars + len(step))

    def __str__(self) -> str:
        steps: list[str] = []
        here: _Path | None = self
        while here is not None:
            steps.append(here.step)
            here = here.above
        return "".join(reversed(steps))


class _Leaf(msgspec.Struct, frozen=True):
    """A scalar, an empty container, or a secret (then `mark` stands in its place)."""

    top: int
    depth: int
    place: int
    path: _Path
    value: Json
    mark: str | None


def render_view(call: ToolCall, decision: Decision, *, clean: Clean) -> str:
    """The text that a person decides by.

    Args:
        call: What would run. decision: why a person is asked.
        clean: Takes the secrets out of the arguments, and out of the words beside them.

    Raises:
        InvalidInput: approval_view_too_large, approval_view_unreadable.
    """
    raw = _arguments(call)
    words: dict[str, Json] = {
        "tool": call.tool,
        "agent": call.agent,
        "session": call.session,
        "principal": call.principal,
        "task": call.task,
    }
    cleaned = clean({"arguments": raw, "words": words})
    names, found = _leaves(raw, cleaned.get("arguments"))
    body, secret, cut = _chosen(found, names, raw, decision.digest)
    said = _words(words, cleaned.get("words"))
    lines = [
        "ALLOW THIS TOOL CALL?",
        "",
        f"tool       {said['tool']}",
        *(f"action     {action}" for action in _actions(decision)),
        f"agent      {said['agent']}",
        f"principal  {said['principal'] if call.principal is not None else 'not named'}",
        f"session    {said['session']}",
        *((f"task       {said['task']}",) if call.task else ()),
        f"score      {decision.score:.2f} {decision.tier.value}",
        *(f"why        {reason}" for reason in _reasons(decision)),
        *_review(decision),
        "",
        f"arguments, {len(names)} in all:" if names else "no arguments",
        *body,
        "",
        *((f"NOT SHOWN, holds a secret: {', '.join(secret)}",) if secret else ()),
        *((f"NOT SHOWN IN FULL: {', '.join(cut)}",) if cut else ()),
        "A yes lets this call run once, with exactly these arguments.",
        "SHA-256 of the arguments:",
        decision.digest,
    ]
    return "\n".join(_wrapped(lines, COLUMNS))


def rewrap(view: str, columns: int) -> str:
    """The same view for a terminal of another width."""
    whole: list[str] = []
    for line in view.split("\n"):
        if line.startswith(CONTINUED) and whole:
            whole[-1] += line.removeprefix(CONTINUED)
        else:
            whole.append(line)
    return "\n".join(_wrapped(whole, max(columns, MIN_COLUMNS)))


# -------------------------------------------------------------------- who and why


def _words(words: Mapping[str, Json], cleaned: Json) -> dict[str, str]:
    """Names of ours as they are if they are plain ASCII, else in quotes; marks of the redactor bare."""
    if not isinstance(cleaned, dict) or cleaned.keys() != words.keys():
        raise _unreadable("the redactor changed their form")
    said: dict[str, str] = {}
    for name, word in words.items():
        text = str(cleaned[name])
        plain = cleaned[name] != word or (
            len(text) <= MAX_NAME_CHARS and _PLAIN.fullmatch(text) is not None
        )
        said[name] = escape(text) if plain else _text(text)
    return said


def _actions(decision: Decision) -> list[str]:
    """What would be done, the most restrictive first."""
    if not decision.actions:
        return [decision.action]
    lines: list[str] = []
    for item in decision.actions[:MAX_ACTIONS]:
        score = item.score
        flags = " ".join(flag.value for flag in score.flags)
        lines.append(
            f"{item.action.action}  {score.value:.2f} {score.tier.value}  {flags}".rstrip()
        )
    if len(decision.actions) > MAX_ACTIONS:
        lines.append(f"and {len(decision.actions) - MAX_ACTIONS} more actions")
    return lines


def _reasons(decision: Decision) -> list[str]:
    """Every sentence that speaks for asking, once: the decisive one first."""
    said: dict[str, None] = {}
    for reason in decision.reasons:
        said[_sentence(reason.message, reason.rule)] = None
    for item in decision.actions:
        for reason in item.reasons:
            if reason.code.startswith("tier_"):
                continue  # beside each action stands its tier
            said[_sentence(reason.message, reason.rule)] = None
        for finding in item.findings:
            said[_sentence(finding.message, finding.rule)] = None
        for line in (*item.adjusted, *item.fired):
            said[_sentence(line.why, line.id)] = None
    sentences = list(said)
    if len(sentences) > MAX_REASONS:
        rest = f"and {len(sentences) - MAX_REASONS} more reasons"
        return [*sentences[:MAX_REASONS], rest]
    return sentences


def _sentence(message: str, rule: str) -> str:
    text = escape(message)
    if len(text) > MAX_WORDS_CHARS:
        text = text[: MAX_WORDS_CHARS - 3] + "..."
    return f"{text} ({escape(rule)})" if rule and rule not in message else text


def _review(decision: Decision) -> Iterator[str]:
    review = decision.review
    if review is not None and not review.failure:
        yield (
            f"reviewer   {review.verdict.value}, {review.confidence:.2f} sure, "
            f"in its words {_text(review.reason)}"
        )


# -------------------------------------------------------------------- arguments


def _arguments(call: ToolCall) -> dict[str, Json]:
    if not call.arguments.startswith(b"{"):
        raise _unreadable("they are no object")
    try:
        raw = thaw(call.arguments)
        # With tagged values in it, the plain view is another text; then no name may stand twice.
        tagged = b'"$permit0:' in call.arguments
        canonical = _is_unambiguous(call.arguments) if tagged else freeze(raw) == call.arguments
    except (msgspec.MsgspecError, InvalidInput, ValueError, RecursionError) as error:
        raise _unreadable("they are not canonical JSON") from error
    if not canonical:
        raise _unreadable("they are not canonical JSON")
    if len(raw) > MAX_ARGUMENTS:
        raise InvalidInput(
            f"nobody can judge {len(raw)} arguments at once, pass {MAX_ARGUMENTS} at most",
            where="arguments",
            reason_code="approval_view_too_large",
        )
    return raw


def _is_unambiguous(data: bytes) -> bool:
    """Whether every object has each name once, so that all readers read the same."""
    twice: list[str] = []

    def look(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) != len(pairs):
            twice.append("")
        return found

    json.loads(data, object_pairs_hook=look)
    return not twice


def _leaves(raw: dict[str, Json], cleaned: Json) -> tuple[list[str], list[_Leaf]]:
    """The names of the arguments as they are shown, and every line that could be."""
    if not isinstance(cleaned, dict) or len(cleaned) != len(raw):
        raise _unreadable("the redactor changed their form")
    names = [_name(name) for name in cleaned]
    found: list[_Leaf] = []
    pairs = zip(names, raw.values(), cleaned.values(), strict=True)
    for top, (name, value, shown) in enumerate(pairs):
        _walk(_Path(None, name, len(name)), value, shown, top=top, depth=0, found=found)
    return names, found


def _walk(
    path: _Path, raw: Json, cleaned: Json, *, top: int, depth: int, found: list[_Leaf]
) -> None:
    if type(raw) is dict and isinstance(cleaned, dict) and len(raw) == len(cleaned):
        for name, value, shown in zip(cleaned, raw.values(), cleaned.values(), strict=True):
            step = path.below("." + _name(name))
            _walk(step, value, shown, top=top, depth=depth + 1, found=found)
    elif isinstance(raw, list) and isinstance(cleaned, list) and len(raw) == len(cleaned):
        for i, (value, shown) in enumerate(zip(raw, cleaned, strict=True)):
            _walk(path.below(f"[{i}]"), value, shown, top=top, depth=depth + 1, found=found)
    elif isinstance(cleaned, str) and (type(raw) is not str or raw != cleaned):
        found.append(_Leaf(top, depth, len(found), path, raw, cleaned))
        return
    elif type(raw) is not type(cleaned) or raw != cleaned:
        raise _unreadable("the redactor changed their form")
    if not isinstance(raw, dict | list) or not raw:
        found.append(_Leaf(top, depth, len(found), path, raw, None))


def _chosen(
    found: Sequence[_Leaf], names: Sequence[str], raw: Mapping[str, Json], key: str
) -> tuple[list[str], list[str], list[str]]:
    """The lines that are shown; the arguments that hold secrets; those that are not shown in full."""
    room = MAX_SHOWN_CHARS
    of: list[dict[int, str]] = [{} for _ in names]
    total = [0] * len(names)
    secret: set[int] = set()
    cut: set[int] = set()
    for leaf in found:
        total[leaf.top] += 1
        if leaf.mark is not None:
            secret.add(leaf.top)
    for leaf in sorted(found, key=_size)[:MAX_VALUES]:
        line, full = _line(leaf, key)
        if len(line) > room:
            break
        room -= len(line)
        of[leaf.top][leaf.place] = line
        if not full:
            cut.add(leaf.top)
    lines: list[str] = []
    for top, (name, value) in enumerate(zip(names, raw.values(), strict=True)):
        lines += [of[top][place] for place in sorted(of[top])]
        missing = total[top] - len(of[top])
        if missing:
            cut.add(top)
            whole = hashlib.sha256(freeze({"": value})).hexdigest()[:_DIGEST_CHARS]
            lines.append(
                f"  {name}: {missing} of {total[top]} values left out, SHA-256 of all {whole}"
            )
    return lines, [names[top] for top in sorted(secret)], [names[top] for top in sorted(cut)]


def _size(leaf: _Leaf) -> tuple[int, int, int]:
    """The order in which values get room: shallow before deep, short before long."""
    chars = len(leaf.value) if isinstance(leaf.value, str) and leaf.mark is None else 0
    return leaf.depth, leaf.path.chars + min(chars, MAX_VALUE_CHARS), leaf.place


def _line(leaf: _Leaf, key: str) -> tuple[str, bool]:
    """The line of a value, and whether nothing of it is left out."""
    value = leaf.value
    if leaf.mark is not None:
        data = f"{key}\0".encode() + freeze({"": value})
        digest = hashlib.sha256(data).hexdigest()[:_MARK_CHARS]
        return f"  {leaf.path} = {escape(leaf.mark)} (#{digest})", True
    if isinstance(value, str):
        return f"  {leaf.path} = {_text(value)}", len(value) <= MAX_VALUE_CHARS
    text = freeze({"": value})[len(b'{"":') : -1].decode()
    if type(value) is int:
        text = str(value)  # freeze has a form of its own for large ones
    return f"  {leaf.path} = {_cut(text, MAX_VALUE_CHARS, str)}", len(text) <= MAX_VALUE_CHARS


def _text(value: str) -> str:
    """A text of the call's, in quotes; behind it, whose letters are in it."""
    if len(value) > MAX_VALUE_CHARS:
        return _cut(value, MAX_VALUE_CHARS, quote) + _note(value)
    return quote(value, alone=True) + _note(value)


def _name(name: str) -> str:
    if _NAME.fullmatch(name) and len(name) <= MAX_NAME_CHARS:
        return name
    return _cut(name, MAX_NAME_CHARS, quote) + _note(name)


def _note(text: str) -> str:
    others = alphabets(escape(text, alone=True))
    return f" (has letters that are not Latin: {', '.join(others[:5])})" if others else ""


def _cut(text: str, limit: int, write: Callable[[str], str]) -> str:
    if len(text) <= limit:
        return write(text)
    head, tail = limit * 2 // 3, limit // 3
    whole = hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()[:_DIGEST_CHARS]
    missing = f"{len(text) - head - tail} characters left out, SHA-256 of all {whole}"
    return f"{write(text[:head])} ... {missing} ... {write(text[-tail:])}"


def _unreadable(why: str) -> InvalidInput:
    return InvalidInput(
        f"the arguments cannot be shown to a person: {why}",
        where="arguments",
        reason_code="approval_view_unreadable",
    )


# -------------------------------------------------------------------- lines


def _wrapped(lines: Sequence[str], columns: int) -> Iterator[str]:
    for line in lines:
        rest, before = line, ""
        while cells(rest) > columns - len(before):
            end = _fitting(rest, columns - len(before))
            yield before + rest[:end]
            rest, before = rest[end:], CONTINUED
        yield before + rest


def _fitting(text: str, room: int) -> int:
    """How many characters fit, up to a blank if there is one near the end."""
    end = min(room, len(text)) if text.isascii() else 0
    if not end:
        used = 0
        for char in text:
            used += cells(char)
            if used > room:
                break
            end += 1
    end = max(end, 1)
    blank = text.rfind(" ", max(end - 16, 1), end)
    return blank + 1 if blank > 0 else end
