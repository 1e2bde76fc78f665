"""No secret is recorded in clear: by name, by shape, in words, and wherever it turns up again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from permit0.audit.keys import Ed25519Signer
from permit0.audit.redact import Redactor, is_secret_name
from permit0.audit.sinks.memory import MemorySink
from permit0.build import Deployment, assemble
from permit0.canonical import freeze
from permit0.config import load_config
from permit0.model.call import ToolCall
from permit0.normalize.sensitive import find_confidential
from permit0.testing.clock import FrozenClock

GITHUB = "ghp_" + "a1B2" * 9
AWS = "AKIA" + "ABCDEFGH12345678"
JWT = "eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.c2lnbmF0dXJl"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\n-----END RSA PRIVATE KEY-----"
CARD = "4111 1111 1111 1111"
PLAIN = "correct-horse"

# Name of the case, the arguments, and what must not be found in the record.
TABLE: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    ("password", {"password": PLAIN}, (PLAIN,)),
    ("any case", {"PassWord": PLAIN}, (PLAIN,)),
    ("camel case", {"dbPassword": PLAIN}, (PLAIN,)),
    ("short", {"pin": "4711"}, ("4711",)),
    ("number", {"pin": 471147}, ("471147",)),
    ("api key", {"x-api-key": PLAIN}, (PLAIN,)),
    ("token", {"refresh_token": PLAIN}, (PLAIN,)),
    ("header", {"headers": {"Authorization": f"Basic {PLAIN}"}}, (PLAIN,)),
    ("cookie", {"headers": {"Set-Cookie": f"sid={PLAIN}"}}, (PLAIN,)),
    ("below", {"credentials": {"user": "ann", "extra": [PLAIN, {"deep": PLAIN}]}}, (PLAIN,)),
    ("name and value", {"env": [{"name": "DB_PASSWORD", "value": PLAIN}]}, (PLAIN,)),
    ("header list", {"headers": [{"key": "Authorization", "value": PLAIN}]}, (PLAIN,)),
    ("pairs", {"headers": [["Authorization", PLAIN], ["Accept", "x"]]}, (PLAIN,)),
    ("words", {"argv": ["mysql", "--password", PLAIN]}, (PLAIN,)),
    ("user of curl", {"argv": ["curl", "-u", f"ann:{PLAIN}", "https://a.com"]}, (PLAIN,)),
    ("full width", {"ｐａｓｓｗｏｒｄ": PLAIN}, (PLAIN,)),
    ("zero width", {"pass\u200bword": PLAIN}, (PLAIN,)),
    ("github", {"text": f"use {GITHUB} please"}, (GITHUB,)),
    ("aws", {"items": [1, {"x": AWS}]}, (AWS,)),
    ("jwt", {"note": JWT}, (JWT,)),
    ("pem", {"content": PEM}, ("MIIEowIBAAKCAQEA",)),
    ("url", {"url": f"https://ann:{PLAIN}@example.com/x"}, (PLAIN,)),
    ("dsn", {"dsn": f"postgres://ann:{PLAIN}@db/x"}, (PLAIN,)),
    ("card", {"note": f"card {CARD}"}, (CARD, "1111 1111")),
    ("card as a number", {"n": 4111111111111111}, ("4111111111111111",)),
    ("social security", {"note": "ssn 078-05-1120"}, ("078-05-1120",)),
    ("assignment", {"command": f"PGPASSWORD={PLAIN} psql"}, (PLAIN,)),
    ("option", {"command": f"login --password {PLAIN}"}, (PLAIN,)),
    ("option with =", {"command": f"login --api-key={PLAIN}"}, (PLAIN,)),
    ("curl -u", {"command": f"curl -u ann:{PLAIN} https://a.com"}, (PLAIN,)),
    ("mysql -p", {"command": f"mysql -uroot -p{PLAIN} db"}, (PLAIN,)),
    ("header in text", {"command": f"curl -H 'X-Api-Key: {PLAIN}' https://a.com"}, (PLAIN,)),
    ("json in text", {"body": json.dumps({"user": "ann", "password": "xy"})}, ('"xy', "xy\\")),
    ("query", {"url": f"https://a.com/?access_token={PLAIN}"}, (PLAIN,)),
    ("name is the secret", {GITHUB: 1}, (GITHUB,)),
    ("again in another", {"password": PLAIN, "note": f"it is {PLAIN}!"}, (PLAIN,)),
    ("again, folded", {"password": "Correct-Horse", "path": "/x/CORRECT-HORSE"}, ("CORRECT-",)),
    ("in a fact", {"path": f"/srv/{GITHUB}/x"}, (GITHUB, GITHUB.lower())),
    ("recipient", {"to": f"{AWS}@example.com", "password": PLAIN}, (PLAIN,)),
]


@pytest.fixture(scope="module")
def log() -> MemorySink:
    return MemorySink(Ed25519Signer.from_seed(bytes(range(32))))


@pytest.fixture(scope="module")
def deployment(log: MemorySink) -> Deployment:
    return assemble(load_config(None), clock=FrozenClock(), sink=log)


def last(log: MemorySink) -> tuple[str, dict[str, Any]]:
    """The last record as text, and its body."""
    data = list(log.records())[-1].data.decode()
    body: dict[str, Any] = json.loads(data)["body"]
    return data, body


@pytest.mark.parametrize("tool", ["files.write", "process.run", "http_request", "email.send"])
@pytest.mark.parametrize(
    ("arguments", "secrets"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE]
)
def test_secret_is_nowhere_in_the_record(
    deployment: Deployment,
    log: MemorySink,
    tool: str,
    arguments: dict[str, Any],
    secrets: tuple[str],
) -> None:
    decision = deployment.engine.check(tool, arguments)
    text, body = last(log)
    for secret in secrets:
        assert secret not in text
    assert body["what"]["redacted"]
    assert body["what"]["digest"] == decision.digest


CLEAN: list[dict[str, Any]] = [
    {"path": "/home/ann/notes.txt", "content": "the keynote is at ten"},
    {"amount": 12000, "recipient": "Vendor Alpha Ltd", "iban": "DE89370400440532013000"},
    {"query": "select name from users", "max_tokens": 100, "token_count": 3, "page_token": "2"},
    {"secret_name": "prod/db", "password_policy": "strict", "author": "Ann"},
    {"to": "ann@example.com", "subject": "Reset your password", "body": "Please choose a new one."},
    {"command": "git commit -m 'add key'", "cwd": "/srv"},
    {"command": "psql -h db", "env": {"PGHOST": "db"}, "shipping": True, "option": None},
]


@pytest.mark.parametrize("arguments", CLEAN)
def test_what_is_no_secret_is_recorded_as_it_is(
    deployment: Deployment, log: MemorySink, arguments: dict[str, Any]
) -> None:
    deployment.engine.check("a_tool", arguments)
    _, body = last(log)
    assert body["what"]["arguments"] == arguments
    assert not body["what"].get("redacted")


def test_structure_stays_and_paths_say_what_was_taken(
    deployment: Deployment, log: MemorySink
) -> None:
    deployment.engine.check(
        "a_tool", {"a/b": {"api_key": "x", "none": None}, "list": [GITHUB, 5, "[redacted: mine]"]}
    )
    _, body = last(log)
    marks = body["what"]["arguments"]
    assert marks["a/b"] == {"api_key": "[redacted: named a secret]", "none": None}
    assert marks["list"] == ["[redacted: github_token]", 5, "[redacted: mine]"]
    assert body["what"]["redacted"][:2] == ["arguments/a~1b/api_key", "arguments/list/0"]


@pytest.mark.parametrize("field", ["tool", "session", "agent", "principal", "framework", "task",
                                   "description", "schema"])  # fmt: skip
def test_secret_in_any_field_of_a_call_is_redacted(
    deployment: Deployment, log: MemorySink, field: str
) -> None:
    fields = {"tool": "a_tool", "arguments": freeze({"x": 1}), field: f"at {GITHUB}"}
    deployment.engine.decide(ToolCall(**fields))  # type: ignore[arg-type]
    text, body = last(log)
    assert GITHUB not in text
    assert any(path.endswith("/" + field) for path in body["what"]["redacted"])


def test_output_is_never_recorded(deployment: Deployment, log: MemorySink) -> None:
    call = ToolCall(tool="a_tool", arguments=freeze({"x": 1}))
    deployment.engine.report(call, f"the key is {GITHUB}")
    text, body = last(log)
    assert "the key is" not in text
    assert body["exposed"] == ["github_token"]
    assert body["output_digest"] == ""
    deployment.engine.report(call, "fine")
    assert last(log)[1]["output_digest"] != ""


SECRET_NAMES = ["password", "Passwd", "user_password", "apiKey", "API-KEY", "client_secret", "pwd",
                "authToken", "access_token", "token", "tokens", "Authorization", "cookie", "cvv",
                "private_key", "sessionId", "otp", "secretAccessKey"]  # fmt: skip
OTHER_NAMES = ["name", "max_tokens_limit", "token_count", "next_page_token", "keyword", "monkey",
               "secret_name", "password_policy", "path", "author", "pinned", "compass", "key",
               "primary_key", "token_type", "expires_in"]  # fmt: skip


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_name_of_a_secret_is_known(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_name_of_something_else_is_none_of_a_secret(name: str) -> None:
    assert not is_secret_name(name)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12)
    | st.sampled_from([GITHUB, AWS, PLAIN, CARD]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(["a", "password", "name", "value", "b"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(value=st.dictionaries(st.sampled_from(["x", "token", "y"]), JSON, max_size=4))
def test_quick_look_never_misses_what_the_careful_one_finds(value: dict[str, Any]) -> None:
    redactor = Redactor(find_confidential)
    found = redactor.look(value, ())
    if found is None:
        careful = redactor.begin()
        assert careful.arguments(value) == value
        assert not careful.paths
        return
    once = found.arguments(value)
    assert redactor.begin().arguments(value) == once
    text = json.dumps(once)
    for secret in (GITHUB, AWS, CARD):
        assert secret not in text
