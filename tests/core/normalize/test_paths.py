"""However a path is written, the rules see the file that it names."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from permit0.errors import InvalidInput
from permit0.model.values import PathValue
from permit0.normalize.paths import MAX_PATH_CHARS, parse_path


def read(value: object) -> PathValue:
    return parse_path(value, where="path")


def code_of(value: object) -> str:
    with pytest.raises(InvalidInput) as refused:
        read(value)
    assert refused.value.where == "path"
    return refused.value.reason_code


@pytest.mark.parametrize(
    ("value", "normal", "marks"),
    [
        ("/app/README.md", "/app/README.md", {"absolute"}),
        ("src/main.py", "src/main.py", set()),
        (".env.production", ".env.production", set()),
        ("./a//b/./c/", "a/b/c", set()),
        ("/", "/", {"absolute"}),
        (".", ".", set()),
        ("a/..", ".", {"traversal"}),
        ("//etc//passwd", "/etc/passwd", {"absolute"}),
        (" /etc/passwd ", "/etc/passwd", {"absolute"}),
        ("/app/../etc/passwd", "/etc/passwd", {"absolute", "traversal"}),
        ("/../../etc/passwd", "/etc/passwd", {"absolute", "traversal", "escapes_root"}),
        ("../../x", "../../x", {"traversal"}),
        ("a/../../x", "../x", {"traversal"}),
        ("%2e%2e/%2E%2E/etc", "../../etc", {"traversal", "encoded"}),
        ("/app%2f..%2fetc", "/etc", {"absolute", "traversal", "encoded"}),
        ("/app/%252e%252e/etc", "/etc", {"absolute", "traversal", "encoded"}),
        ("/app/%25252e%25252e/etc", "/etc", {"absolute", "traversal", "encoded"}),
        ("/100%", "/100%", {"absolute"}),
        ("..\\..\\x", "../../x", {"traversal", "windows"}),
        ("/app/..%5c..%5cetc", "/etc", {"absolute", "traversal", "encoded", "windows",
                                        "escapes_root"}),
        ("C:\\Users\\Bob\\.ssh", "C:/Users/Bob/.ssh", {"absolute", "windows"}),
        ("c:/x/../../y", "c:/y", {"absolute", "windows", "traversal", "escapes_root"}),
        ("C:x", "C:/x", {"absolute", "windows"}),
        ("\\\\server\\share\\x", "/server/share/x", {"absolute", "windows"}),
        ("\\\\?\\C:\\x", "C:/x", {"absolute", "windows"}),
        ("\\\\?\\UNC\\server\\x", "/server/x", {"absolute", "windows"}),
        ("\\\\.\\PhysicalDrive0", "/PhysicalDrive0", {"absolute", "windows", "device"}),
        ("~/.ssh/id_rsa", "~/.ssh/id_rsa", {"home"}),
        ("~", "~", {"home"}),
        ("~bob/.ssh", "~bob/.ssh", {"home"}),
        ("~/../bob", "~/../bob", {"home", "traversal"}),
        ("$HOME/.ssh", "~/.ssh", {"home"}),
        ("${HOME}/.ssh", "~/.ssh", {"home"}),
        ("%USERPROFILE%\\.ssh", "~/.ssh", {"home", "windows"}),
        ("$env:USERPROFILE\\.ssh", "~/.ssh", {"home", "windows"}),
        ("$PWD/.env", ".env", set()),
        ("$OTHER/.env", "$OTHER/.env", {"glob"}),
        ("/etc/pass*", "/etc/pass*", {"absolute", "glob"}),
        ("/etc/{passwd,shadow}", "/etc/{passwd,shadow}", {"absolute", "glob"}),
        ("file:///etc/passwd", "/etc/passwd", {"absolute"}),
        ("FILE://localhost/etc/passwd#x", "/etc/passwd", {"absolute"}),
        ("file:/etc/passwd?x", "/etc/passwd", {"absolute"}),
        ("file%3a///etc/passwd", "/etc/passwd", {"absolute", "encoded"}),
        ("file://host/share", "/host/share", {"absolute"}),
        ("file://~/.ssh", "~/.ssh", {"home"}),
        ("file://../x", "../x", {"traversal"}),
        ("file:///C:/x", "C:/x", {"absolute", "windows"}),
        ("/proc/self/environ", "/proc/self/environ", {"absolute", "proc"}),
        ("/proc/self/root/etc/shadow", "/etc/shadow", {"absolute", "proc"}),
        ("/proc/1/root/etc", "/etc", {"absolute", "proc"}),
        ("/proc/self/task/7/root/etc", "/etc", {"absolute", "proc"}),
        ("/proc/self/root/proc/self/root/etc", "/etc", {"absolute", "proc"}),
        ("/proc/x/../self/./root//etc", "/etc", {"absolute", "proc", "traversal"}),
        ("/proc/self/root/../etc", "/etc", {"absolute", "proc", "traversal", "escapes_root"}),
        ("/proc/self/cwd/.env", ".env", {"proc"}),
        ("/proc/self/cwd/../x", "../x", {"proc", "traversal"}),
        ("/dev/fd/3", "/dev/fd/3", {"absolute", "device"}),
        ("/dev/sda", "/dev/sda", {"absolute", "device"}),
        ("/dev/shm/x", "/dev/shm/x", {"absolute"}),
        ("/srv/proc/self/root/x", "/srv/proc/self/root/x", {"absolute"}),
    ],
)  # fmt: skip
def test_path_is_resolved_and_marked(value: str, normal: str, marks: set[str]) -> None:
    path = read(value)
    assert path.normal == normal
    assert path.marks == marks


@pytest.mark.parametrize(
    "value",
    [
        "/ETC/Shadow",
        "/etc\uff0fshadow",
        "/etc/\uff33\uff28\uff21\uff24\uff2f\uff37",
        "/etc/sha\u200bdow",
        "/etc/\u017fhadow",
        "/app/\u2025/etc/shadow",
        "/app/\u2024\u2024/etc/shadow",
        "/app/.. /etc/shadow",
        "/etc/shadow.",
        "/etc/shadow . .",
        "/etc/shadow::$DATA",
        "/etc::$INDEX_ALLOCATION/shadow",
        "/etc%EF%BC%8Fshadow",
        "/app/\uff05\uff12\uff45\uff0e/etc/shadow",
        "/etc/. ./shadow",
        "\\etc\\shadow",
        "file:///%65tc/shadow",
        "/PROC/self/root/etc/shadow",
    ],
)
def test_folded_form_sees_through_spelling(value: str) -> None:
    assert read(value).folded == "/etc/shadow"


def test_three_dots_are_a_name() -> None:
    assert read("/app/.../etc/../../x").folded == "/app/x"
    assert read("/app/...").folded == "/app/..."


def test_named_stream_of_windows_is_stripped() -> None:
    assert read("secret.txt:hidden:$DATA").folded == "secret.txt"
    assert read("a:b").folded != "a"


@pytest.mark.parametrize(
    "value", ["/etc/shadow2", "/etc/shadow/x", "/srv/etc/shadow", "etc/shadow"]
)
def test_other_files_stay_other_files(value: str) -> None:
    assert read(value).folded != "/etc/shadow"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "path_missing"),
        (5, "path_missing"),
        (True, "path_missing"),
        (["/a"], "path_missing"),
        ({"path": "/a"}, "path_missing"),
        ("", "path_missing"),
        ("   ", "path_missing"),
        ("%20", "path_missing"),
        ("/a\0b", "path_control_characters"),
        ("/a%00b", "path_control_characters"),
        ("/a%2500b", "path_control_characters"),
        ("/a\nb", "path_control_characters"),
        ("/a\x85b", "path_control_characters"),
        ("/a\u2028b", "path_control_characters"),
        ("/a\ud800", "path_control_characters"),
        ("..%c0%afetc", "path_malformed"),
        ("%ff", "path_malformed"),
        ("%252525252e", "path_malformed"),
        ("a" * (MAX_PATH_CHARS + 1), "path_too_long"),
    ],
)
def test_unreadable_path_is_refused(value: object, code: str) -> None:
    assert code_of(value) == code


def test_longest_path_is_read() -> None:
    assert len(read("a" * MAX_PATH_CHARS).normal) == MAX_PATH_CHARS


@given(st.none() | st.booleans() | st.floats() | st.text() | st.lists(st.text()))
@example("%" * 4096)
@example("../" * 1365)
@example("x::$data" * 500)
def test_any_value_is_read_or_refused(value: object) -> None:
    try:
        path = read(value)
    except InvalidInput as refused:
        code = refused.reason_code
        assert code.startswith("path_")
        return
    assert path.normal
    assert path.folded


PIECES = st.sampled_from(
    ["/", "/", "..", ".", "a", "B", "~", "proc", "self", "root", "cwd", "\\", "%2e", "%2f", "%25",
     " ", "C:", ":", "::$DATA", "$HOME", "\uff0f", "\u2025", "\u2024", "\u200b", "file:", "\u0130",
     "\u00df", "\uff05", "2e", "7", "task", "\uff3c", "\uff5e", "\uff1a"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=12).map("".join))
def test_folding_is_idempotent(value: str) -> None:
    try:
        path = read(value)
    except InvalidInput:
        return
    assert read(path.folded).folded == path.folded


@given(st.lists(PIECES, max_size=12).map("".join))
def test_resolved_path_has_nothing_left_to_resolve(value: str) -> None:
    try:
        path = read("/" + value)
    except InvalidInput:
        return
    for form in (path.normal, path.folded):
        segments = form.split("/")
        assert "." not in segments or form == "."
        if "absolute" in path.marks and "proc" not in path.marks:
            assert ".." not in segments


@given(st.lists(st.sampled_from(["a", "..", ".", "b c", "x.y"]), min_size=1).map("/".join))
def test_encoding_a_path_changes_only_the_mark(value: str) -> None:
    encoded = value.replace(".", "%2e").replace("/", "%2F")
    plain, hidden = read(value), read(encoded)
    assert (hidden.normal, hidden.folded) == (plain.normal, plain.folded)
    assert hidden.marks - {"encoded"} == plain.marks


@given(st.text(alphabet="/.abPROCdevproc_-~", max_size=20))
def test_the_short_way_and_the_long_way_agree(value: str) -> None:
    try:
        path = read(value)
    except InvalidInput:
        return
    # "/." sends the same path the long way.
    longer = read(value + "/.")
    assert (longer.normal, longer.folded, longer.marks) == (path.normal, path.folded, path.marks)
