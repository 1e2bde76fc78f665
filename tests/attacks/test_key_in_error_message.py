"""A key is damaged, misplaced or in the wrong variable: no message, repr, traceback or output shows it.

The tracebacks are those of tools that print the variables of each function as well.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

import permit0
from permit0.audit.keys import read_public_keys
from permit0.cli import main
from permit0.config import find_config, load_config
from permit0.deployment_keys import load_audit_signer, load_keys
from permit0.errors import BadConfig, Permit0Error
from permit0.testing.clock import FrozenClock
from permit0.token.key_folder import KeyFolder
from permit0.token.keys import SigningKey

OURS = Path(permit0.__file__).parent.as_posix()
KEY = SigningKey.generate()
SECRET = KEY.reveal()
PUBLIC = SigningKey.generate().public.paserk
PIECE = 12  # letters in a row that would be a piece of the key

DAMAGES: list[Callable[[str], str]] = [
    lambda key: key[:-1],
    lambda key: key + "A",
    lambda key: key[:30] + "!" + key[31:],
    lambda key: key[:30] + "ä" + key[31:],
    lambda key: key[:12] + ("A" if key[12] != "A" else "B") + key[13:],
    lambda key: key.removeprefix("k4.secret."),
    lambda key: key.replace("k4", "k2"),
    lambda key: key.replace("secret", "public"),
    lambda key: f"'{key}'",
    lambda key: key + " " + key,
]


def holds_key(text: str) -> bool:
    """Whether a piece of the secret half is in it; the other half is public."""
    body = SECRET.removeprefix("k4.secret.")[:40]
    return any(body[i : i + PIECE] in text for i in range(len(body) - PIECE + 1))


def shown(error: BaseException) -> str:
    """Everything that a log could hold of an error: texts, reprs, variables of ours, causes too."""
    parts: list[str] = []
    link: BaseException | None = error
    while link is not None:
        parts += [str(link), repr(link), repr(link.args)]
        link = link.__cause__ or link.__context__
    report: traceback.TracebackException | None = traceback.TracebackException.from_exception(
        error, capture_locals=True
    )
    while report is not None:
        frames = [frame for frame in report.stack if OURS in Path(frame.filename).as_posix()]
        parts += [repr(frame.locals) for frame in frames]
        report = report.__cause__ or report.__context__
    return "\n".join(parts)


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("PERMIT0_CONFIG", "PERMIT0_SIGNING_KEY", "PERMIT0_ACCEPTED_KEYS"):
        monkeypatch.delenv(name, raising=False)


Refused = tuple[Callable[[], object], ...]


def load(text: str, environment: dict[str, str] | None = None) -> None:
    Path("permit0.yaml").write_text(text, encoding="utf-8")
    loaded = load_config(Path("permit0.yaml"))
    keys = load_keys(loaded, clock=FrozenClock(), environment=environment or {})
    load_audit_signer(loaded, keys)


def private(name: str, text: str, mode: int = 0o600) -> Path:
    path = Path(name)
    path.touch(0o600)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def test_the_check_of_this_test_finds_a_key() -> None:
    def careless(text: str) -> None:
        assert text
        raise ValueError("no")

    assert holds_key(f"x{SECRET}x")
    assert not holds_key(KEY.public.paserk + KEY.kid + PUBLIC)
    with pytest.raises(ValueError, match="no") as caught:
        careless(SECRET)
    report = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert any(holds_key(repr(frame.locals)) for frame in report.stack)


@pytest.mark.parametrize("damage", DAMAGES)
def test_variables_of_the_environment(damage: Callable[[str], str]) -> None:
    damaged = damage(SECRET)
    for environment in (
        {"PERMIT0_SIGNING_KEY": damaged},
        {"PERMIT0_ACCEPTED_KEYS": damaged},
        {"PERMIT0_ACCEPTED_KEYS": f"{PUBLIC},{SECRET}"},
        {"PERMIT0_SIGNING_KEY": SECRET, "PERMIT0_ACCEPTED_KEYS": damaged},
    ):
        with pytest.raises(BadConfig) as refusal:
            load("", environment)
        assert not holds_key(shown(refusal.value))
    load("", {"PERMIT0_SIGNING_KEY": SECRET, "PERMIT0_ACCEPTED_KEYS": PUBLIC})


def test_a_refusal_that_has_nothing_to_do_with_the_key_in_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PERMIT0_SIGNING_KEY", SECRET)
    environment = {"PERMIT0_SIGNING_KEY": SECRET, "PERMIT0_CONFIG": "nowhere.yaml"}
    attempts: Refused = (
        lambda: find_config(environment=environment),
        lambda: find_config(Path("nowhere.yaml")),
        lambda: load("keys: {path: keys}\n", environment),
        lambda: load("audit: {key: nowhere}\n", environment),
    )
    for refused in attempts:
        with pytest.raises(BadConfig) as refusal:
            refused()
        assert not holds_key(shown(refusal.value))


@pytest.mark.parametrize("damage", DAMAGES)
def test_files(damage: Callable[[str], str]) -> None:
    KeyFolder(Path("keys"), clock=FrozenClock()).generate()
    file = Path("keys/keys.json")
    document = json.loads(file.read_text())
    document["keys"][0]["key"] = damage(SECRET)
    file.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    private("ring.json", file.read_text(encoding="utf-8"))
    private("audit.secret", damage(SECRET))
    for text in ("keys: {path: keys}", "keys: {path: ring.json}", "audit: {key: audit.secret}"):
        with pytest.raises(BadConfig) as refusal:
            load(text)
        assert not holds_key(shown(refusal.value)), text
    private("audit.secret", SECRET)
    load("audit: {key: audit.secret}")


def test_good_keys_in_the_wrong_file() -> None:
    private("exposed", SECRET, 0o644)
    private("audit.pub", f"# ours\n{PUBLIC}\n{SECRET}\n")
    private("text", f"the key is {SECRET}\xff")
    attempts: Refused = (
        lambda: load("audit: {key: exposed}"),
        lambda: load("audit: {key: text}"),
        lambda: load("keys: {path: audit.pub}"),
        lambda: read_public_keys([Path("audit.pub")]),
        lambda: read_public_keys([Path("text")]),
    )
    for refused in attempts:
        with pytest.raises(Permit0Error) as refusal:
            refused()
        assert not holds_key(shown(refusal.value))


@pytest.mark.parametrize(
    "text",
    [
        f"keys: {{path: {SECRET}}}",
        f"keys: {{path: ../{SECRET}}}",
        f"audit: {{key: {SECRET}}}",
        f"keys: {SECRET}",
        f"keys: [{SECRET}]",
        f"keys: {{path: [{SECRET}]}}",
        f"keys: {{path: {{{SECRET}: 1}}}}",
        f"audit: {SECRET}",
        f"audit: {{durability: {SECRET}}}",
        f"mode: {SECRET}",
    ],
    ids=range(10),
)
def test_a_key_in_permit0_yaml_where_its_path_belongs(text: str) -> None:
    """The file itself is wrong; what is said about it can be passed on."""
    with pytest.raises(BadConfig) as refusal:
        load(text)
    link: BaseException | None = refusal.value
    while link is not None:
        assert not holds_key(f"{link} {link!r}")
        link = link.__cause__ or link.__context__


def test_a_key_as_a_key_of_permit0_yaml() -> None:
    for text in (f"keys: {{{SECRET}: 1}}", f"{SECRET}: 1"):
        with pytest.raises(BadConfig) as refusal:
            load(text)
        assert "unknown key" in str(refusal.value)
        assert not holds_key(str(refusal.value))


def test_no_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    good = ["generate", "rotate", "list", "list --json", "export", "export out.json"]
    bad = [
        "generate",
        "export out.json",
        "retire nonsense",
        f"retire {SECRET}",
        f"list --path {SECRET}",
        f"generate --path x/{SECRET}",
    ]
    for words, codes in [*((words, (0,)) for words in good), *((words, (1, 2)) for words in bad)]:
        assert main(["keys", *words.split()]) in codes, words
        done = capsys.readouterr()
        file = json.loads(Path("permit0-keys/keys.json").read_text())
        now = file["keys"][0]["key"]
        assert now.startswith("k4.secret.")
        assert not holds_key(done.out + done.err)
        assert "k4.secret" not in done.out + done.err
        assert now[12:40] not in done.out + done.err


def test_no_command_prints_a_damaged_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "generate"]) == 0
    file = Path("permit0-keys/keys.json")
    document = json.loads(file.read_text())
    document["keys"][0]["key"] = SECRET[:-1]
    file.write_text(json.dumps(document))
    for words in (["rotate"], ["list"], ["list", "--json"], ["export"], ["retire", KEY.kid]):
        assert main(["keys", *words]) == 2
        done = capsys.readouterr()
        assert not holds_key(done.out + done.err)
