"""What permit0.normalize.shell finds in a line, against a labelled table and against laws."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from permit0.errors import InvalidInput
from permit0.model.values import ShellLine
from permit0.normalize.shell import FEATURES, parse_shell
from permit0.normalize.shell.features import MAX_COMMANDS, MAX_LINE_BYTES
from permit0.normalize.shell.parts import Frame, State
from permit0.normalize.shell.scan import fast_stages
from permit0.normalize.shell.syntax import read_parsed, read_text

TABLE: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parent / "shell_lines.yaml").read_text(encoding="utf-8")
)
NEVER = frozenset(TABLE["never"])


def union(line: ShellLine) -> frozenset[str]:
    """All features of a line."""
    return frozenset().union(*[command.features for command in line.commands])


def check(row: dict[str, Any], line: ShellLine) -> frozenset[str]:
    found = union(line)
    if "run" in row:
        assert [command.program for command in line.commands] == row["run"]
    assert set(row.get("has", ())) <= found
    assert not set(row.get("not", ())) & found
    assert set(row.get("marks", ())) <= line.marks
    if "wraps" in row:
        assert list(line.commands[-1].wrappers) == row["wraps"]
    assert found <= FEATURES
    return found


@pytest.mark.parametrize("row", TABLE["ordinary"], ids=lambda row: row["line"][:60])
def test_ordinary_work_raises_no_alarm(row: dict[str, Any]) -> None:
    """False alarms cost users as much as misses cost security."""
    found = check(row, parse_shell(row["line"]))
    assert "unparsed" not in parse_shell(row["line"]).marks
    assert not (found & NEVER) - set(row.get("has", ()))


@pytest.mark.parametrize("row", TABLE["dangerous"], ids=lambda row: row["line"][:60])
def test_danger_is_found_in_any_disguise(row: dict[str, Any]) -> None:
    check(row, parse_shell(row["line"]))


def test_table_is_large_and_words_are_known() -> None:
    rows = TABLE["ordinary"] + TABLE["dangerous"]
    assert len(rows) >= 200
    assert len(TABLE["ordinary"]) >= 90
    for row in rows:
        assert set(row.get("has", ())) | set(row.get("not", ())) <= FEATURES


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("ls \0", "shell_nul"),
        ("ls \ud800", "shell_bad_unicode"),
        ("a" * (MAX_LINE_BYTES + 1), "shell_too_long"),
        ("ä" * (MAX_LINE_BYTES // 2 + 1), "shell_too_long"),
        ("( " * 200 + "ls" + " )" * 200, "shell_too_deep"),
        ("ls;" * (MAX_COMMANDS + 1), "shell_too_many_commands"),
    ],
)
def test_unreadable_lines_are_refused(line: str, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_shell(line)
    assert caught.value.reason_code == code


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_shell(b"ls")  # type: ignore[arg-type]  # the wrong type is the case under test
    assert caught.value.reason_code == "shell_not_text"


def test_limits_are_not_reached_by_ordinary_lengths() -> None:
    """The twin of the refusals."""
    assert len(parse_shell("ls;" * MAX_COMMANDS).commands) == MAX_COMMANDS
    assert parse_shell("( " * 20 + "ls" + " )" * 20).commands[-1].program == "ls"
    assert parse_shell("echo " + "a" * 60_000).commands[0].program == "echo"


def test_long_chains_are_no_nesting() -> None:
    assert len(parse_shell(" && ".join(["ls"] * 200)).commands) == 200
    assert len(parse_shell(" | ".join(["cat"] * 200)).commands) == 200


def test_deep_shell_strings_are_marked() -> None:
    line = "rm -rf /"
    for _ in range(8):
        line = "bash -c " + "'" + line.replace("'", "'\\''") + "'"
    assert "obfuscated" in parse_shell(line).marks


@pytest.mark.parametrize(
    ("line", "field", "expected"),
    [
        ("cat a b", "reads", ["a", "b"]),
        ("grep x f", "reads", ["f"]),
        ("cat < in > out", "reads", ["in"]),
        ("cat < in > out", "writes", ["out"]),
        ("cp a b c/", "reads", ["a", "b"]),
        ("cp a b c/", "writes", ["c/"]),
        ("cp -t c a b", "writes", ["c"]),
        ("tee -a log", "writes", ["log"]),
        ("rm -rf a 'b c'", "deletes", ["a", "b c"]),
        ("curl -so x.tgz https://a.io/x", "writes", ["x.tgz"]),
        ("curl -so x.tgz https://a.io/x", "urls", ["https://a.io/x"]),
        ("curl -d@f https://a.io", "reads", ["f"]),
        ("scp a me@h.io:/b", "reads", ["a"]),
        ("scp a me@h.io:/b", "hosts", ["h.io"]),
        ("ssh -p 22 me@h.io ls", "hosts", ["h.io"]),
        ("tar czf o.tgz a b", "reads", ["a", "b"]),
        ("tar czf o.tgz a b", "writes", ["o.tgz"]),
        ("ls > /dev/tcp/h.io/80", "hosts", ["h.io"]),
        ("cat ä/ö.txt", "reads", ["ä/ö.txt"]),
        ("find a -delete", "deletes", ["a"]),
    ],
)
def test_paths_and_places_are_listed(line: str, field: str, expected: list[str]) -> None:
    assert list(getattr(parse_shell(line).commands[0], field)) == expected


def through_grammar(line: str) -> tuple[list[object], set[str]]:
    state = State(read_text)
    read_parsed(state, line, Frame())
    return [draft.freeze(str) for draft in state.drafts], state.marks


PLAIN_WORDS = st.one_of(
    st.sampled_from(
        ["git", "ls", "rm", "-rf", "/", "sudo", "cat", "curl", "echo", "env", "xargs", "bash",
         "-c", "A=1", "find", "-delete", ".", "python", "-", "--", "tar", "x", "log", "12", "if"]
    ),
    st.text("abcdefrm0129_./:=@%+,-", min_size=1, max_size=8),
)  # fmt: skip


@settings(max_examples=600, deadline=None)
@given(st.lists(st.lists(PLAIN_WORDS, min_size=1, max_size=6), min_size=1, max_size=4))
def test_fast_path_agrees_with_the_grammar(stages: list[list[str]]) -> None:
    line = " | ".join(" ".join(words) for words in stages)
    if fast_stages(line) is None:
        return
    commands, marks = through_grammar(line)
    if "unparsed" in marks:
        return  # the grammar fails on some plain words; the fast path is then the better reader
    fast = parse_shell(line)
    assert list(fast.commands) == commands
    assert fast.marks == marks


SHELL_PIECES = st.sampled_from(
    ["rm", " -rf", " /", " ", ";", "|", "&", "&&", "$(", ")", "`", "'", '"', "\\", "\n", "<<EOF\n",
     "EOF\n", "<<<", "<(", ">", "<", "{", "}", "${", "$x", "x=", "if ", "then ", "fi", "do ",
     "done", "for x in ", "case x in ", "esac", "$'", "\\x72", "bash -c ", "eval ", "echo ",
     "| sh", "#", "[[ ", " ]]", "((", "))", "é", "!", "~", "*", "f() ", "base64 -d", "xargs "]
)  # fmt: skip


@settings(max_examples=800, deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(SHELL_PIECES, max_size=40).map("".join)))
def test_any_text_is_read_or_refused_in_bounded_time(line: str) -> None:
    """Nothing but InvalidInput comes out, soon, and twice the same."""
    begin = time.perf_counter()
    try:
        first = parse_shell(line)
    except InvalidInput:
        return
    assert time.perf_counter() - begin < 2.0
    assert parse_shell(line) == first
    assert union(first) <= FEATURES


@pytest.mark.parametrize(
    "piece",
    ["(", "$(", "`", '"$(', "{", "a|", "a&&", "<<A ", "if ", "${a:-", "<(", "x=(", "a=b ", "f()",
     "{a,b}", "$x", "'", "\\", "echo $(", "bash -c '", "a;", "eval ", "case x in ", "{a,",
     "find -exec ", 'a="$a$a";'],
)  # fmt: skip
def test_repetition_does_not_explode(piece: str) -> None:
    for count in (50, 3000, MAX_LINE_BYTES // len(piece)):
        begin = time.perf_counter()
        with contextlib.suppress(InvalidInput):
            parse_shell(piece * count)
        assert time.perf_counter() - begin < 5.0


@given(st.sampled_from(["rm -rf /", "curl -d @x https://a.io", "sudo reboot"]), st.data())
def test_more_commands_never_hide_a_danger(line: str, data: st.DataObject) -> None:
    """Monotone: what a line does, it still does inside any structure."""
    form = data.draw(
        st.sampled_from(
            ["{}", "ls; {}", "{} && ls", "( {} )", "if true; then {}; fi", "echo $( {} )", "! {}",
             "f() {{ {}; }}; f", "ls | {}", "for i in 1 2; do {}; done", "while true; do {}; done",
             'echo "$( {} )"', "time {}", "{} > out", "A=1 {}", "timeout 5 {}", "nohup {} &"]
        )
    )  # fmt: skip
    assert union(parse_shell(line)) - {"read_only"} <= union(parse_shell(form.format(line)))
