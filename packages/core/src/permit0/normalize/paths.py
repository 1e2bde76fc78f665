r"""Read a file path into the one form that rules are matched on.

Guarantees:
  * `normal` is what remains after percent-decoding, `\` -> `/`, `.` and `..`, home variables and
    the kernel's links back to the root (`/proc/self/root`). Both readings of an encoded path are
    covered: plain text without `%` has only one, and any other is marked "encoded".
  * `folded` is `normal` as a case-insensitive, Unicode-folding or Windows file system could read
    it: NFKC, case folded, invisible characters removed, trailing dots, spaces and stream names
    stripped, then resolved again. Reading it once more changes nothing.
  * An absolute path never climbs above `/`; a relative one keeps its leading `..`.

Does not: touch the file system. Symbolic links, mounts and short names (`PROGRA~1`) are invisible
to it; an enforcing tool resolves them again at the time of use.

Marks: as in model.values; "glob" is also set for a path that depends on a shell expansion
(`$NAME`, backticks, braces), because what it names is not known.

Reason codes: path_missing, path_malformed, path_control_characters, path_too_long.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote_to_bytes

from permit0.errors import InvalidInput
from permit0.model.values import PathValue

__all__ = ["MAX_PATH_CHARS", "parse_path"]

# Linux PATH_MAX, with the final NUL; Windows allows more only behind `\\?\`.
MAX_PATH_CHARS = 4096
# One decoding by a proxy, one by a framework, one by the tool; a fourth has no honest reason.
MAX_DECODINGS = 3

# Segments end in a letter, digit, "_" or "-", so that "." and ".." and trailing dots do not match.
_PLAIN = re.compile(
    r"(?!/(?i:proc|dev)(?:/|\Z))/?(?:[A-Za-z0-9_.-]*[A-Za-z0-9_-]/)*[A-Za-z0-9_.-]*[A-Za-z0-9_-]"
)
_NO_MARKS: frozenset[str] = frozenset()
_ABSOLUTE: frozenset[str] = frozenset({"absolute"})

_FILE_URL = re.compile(r"file:(?://([^/\\?#]*))?([^?#]*)", re.IGNORECASE)
_HOME = re.compile(
    r"(?:\$HOME\b|\$\{HOME\}|\$env:(?:HOME|USERPROFILE)\b|%(?:HOME|USERPROFILE|HOMEPATH)%)",
    re.IGNORECASE,
)
_WORKING_DIRECTORY = re.compile(r"(?:\$PWD\b|\$\{PWD\}|%CD%)(?=[/\\]|\Z)", re.IGNORECASE)
_DRIVE = re.compile(r"/*([A-Za-z]):")
_DEVICE_PREFIX = re.compile(r"//[.?]/(?:GLOBALROOT/|UNC/)?", re.IGNORECASE)
_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}")
_DYNAMIC = re.compile(r"[*?\[\]{}`$]")
_STREAM = re.compile(r"::?\$(?:data|index_allocation|bitmap)\Z|:[^:/]*:\$data\Z")
# In a link to a process: its own, a thread's, or one of a number.
_ROOT_LINK = re.compile(r"/proc/(?:self|thread-self|[0-9]+)(?:/task/[0-9]+)?/(root|cwd)")
_ROOT_LINK_SEGMENTS = 5

_MESSAGES = {
    "path_missing": "path is missing, give the name of a file as text",
    "path_malformed": "path cannot be decoded, write it without percent signs",
    "path_control_characters": "path has control characters, remove them",
    "path_too_long": f"path has more than {MAX_PATH_CHARS} characters, shorten it",
}


def _refuse(code: str, where: str) -> InvalidInput:
    return InvalidInput(_MESSAGES[code], where=where, reason_code=code)


def parse_path(value: object, *, where: str) -> PathValue:
    """Normalise a path or a file: URL lexically.

    Raises:
        InvalidInput: With one of the module's reason codes.
    """
    if not isinstance(value, str):
        raise _refuse("path_missing", where)
    if len(value) > MAX_PATH_CHARS:
        raise _refuse("path_too_long", where)
    if _PLAIN.fullmatch(value) is not None:
        return PathValue(value, value.lower(), _ABSOLUTE if value[0] == "/" else _NO_MARKS)
    return _parse_any(value, where)


def _parse_any(value: str, where: str) -> PathValue:
    marks: set[str] = set()
    # 1. Decode, and look at every character that results.
    text = _decode(value.strip(" "), marks, where)
    if not text.strip(" "):
        raise _refuse("path_missing", where)
    # 2. Leave only slashes, a drive and segments.
    text = _expand(text, marks)
    # 3. Resolve the segments; once more as a forgiving file system would see them.
    normal = _resolve(text, marks)
    folded_text = normal.lower() if normal.isascii() else _decode(_fold(normal), marks, where)
    folded = _settle(folded_text, marks)
    return PathValue(normal, folded, frozenset(marks))


def _decode(text: str, marks: set[str], where: str) -> str:
    """Decode percent signs until nothing changes; refuse controls in any of the readings."""
    for _ in range(MAX_DECODINGS):
        _check_characters(text, where)
        if _ENCODED.search(text) is None:
            return text
        marks.add("encoded")
        try:
            # Strict: overlong forms such as %c0%af were slashes to some decoders.
            text = unquote_to_bytes(text).decode("utf-8")
        except UnicodeDecodeError as error:
            raise _refuse("path_malformed", where) from error
    _check_characters(text, where)
    if _ENCODED.search(text) is not None:
        raise _refuse("path_malformed", where)
    return text


def _check_characters(text: str, where: str) -> None:
    if text.isascii() and text.isprintable():
        return
    if any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in text):
        raise _refuse("path_control_characters", where)


def _expand(text: str, marks: set[str]) -> str:
    """Replace file: URLs, backslashes, drives, Windows prefixes and home variables."""
    text = text.strip(" ")
    url = _FILE_URL.match(text)
    if url is not None:
        host, path = url.group(1) or "", url.group(2)
        local = host.lower() in {"", "localhost", "127.0.0.1"}
        # "file://~/x" and "file://../x" have no host: tools cut the prefix off and go on.
        relative = host[:1] in {"~", "."}
        text = path if local else f"{'' if relative else '//'}{host}{path}"
    home = _HOME.match(text)
    if home is not None:
        text = "~" + text[home.end() :]
    text = _WORKING_DIRECTORY.sub(".", text, count=1) if text[:1] in {"$", "%"} else text
    if "\\" in text:
        marks.add("windows")
        text = text.replace("\\", "/")
    prefix = _DEVICE_PREFIX.match(text)
    if prefix is not None:
        marks.add("windows")
        if prefix.group().lower() != "//?/unc/" and not _DRIVE.match(text, prefix.end()):
            marks.add("device")
        text = "/" + text[prefix.end() :]
    drive = _DRIVE.match(text)
    if drive is not None:
        # "C:x" is relative to a directory that nobody here knows; it is read as "C:/x".
        marks.update(("windows", "absolute"))
        text = f"{drive.group(1)}:/{text[drive.end() :]}"
    if _DYNAMIC.search(text) is not None:
        marks.add("glob")
    return text


def _resolve(text: str, marks: set[str]) -> str:
    """Resolve `.`, `..`, duplicate slashes and links back to the root, without the file system."""
    absolute = text.startswith("/")
    # What `..` cannot remove: a drive like the root, a home because its parent is unknown.
    floor = 0
    stack: list[str] = []
    climbed = False
    for position, segment in enumerate(text.split("/")):
        if segment in {"", "."}:
            continue
        if segment == "..":
            climbed = True
            if len(stack) > floor:
                stack.pop()
            elif absolute or (stack and stack[0][-1:] == ":"):
                marks.add("escapes_root")
            else:
                stack.append(segment)
                floor = len(stack)
            continue
        stack.append(segment)
        if position == 0 and not absolute:
            if segment[0] == "~":
                marks.add("home")
                floor = 1
            elif len(segment) == 2 and segment[1] == ":":  # a drive letter
                floor = 1
        elif absolute and segment in {"root", "cwd"} and len(stack) <= _ROOT_LINK_SEGMENTS:
            link = _ROOT_LINK.fullmatch("/" + "/".join(stack))
            if link is not None:
                # The link is followed before a `..` behind it, as the kernel does.
                marks.add("proc")
                stack.clear()
                absolute = link.group(1) == "root"
    if climbed:
        marks.add("traversal")
    if absolute:
        marks.add("absolute")
        if stack[:1] == ["proc"]:
            marks.add("proc")
        # /dev/shm holds ordinary files.
        if stack[:1] == ["dev"] and stack[1:2] != ["shm"]:
            marks.add("device")
        return "/" + "/".join(stack)
    return "/".join(stack) or "."


def _fold(text: str) -> str:
    """Return NFKC text in one case, without characters that have no width."""
    seen = "".join(
        char for char in unicodedata.normalize("NFKC", text) if unicodedata.category(char) != "Cf"
    )
    # Twice: folding can produce letters that compose again.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).casefold())


def _settle(text: str, marks: set[str]) -> str:
    """Strip what Windows ignores in every segment, and resolve until nothing changes."""
    while True:
        # Folding and stripping can leave a drive, a backslash or a home variable behind.
        expanded = _expand(text, marks)
        stripped = "/".join(map(_stripped, expanded.split("/")))
        if stripped.startswith("/") and not expanded.startswith("/"):
            stripped = "." + stripped  # A first segment of nothing: still relative.
        resolved = _resolve(stripped, marks)
        if resolved == text:
            return resolved
        text = resolved


def _stripped(segment: str) -> str:
    segment = _STREAM.sub("", segment).rstrip(" ")
    if segment in {"", ".", ".."}:
        return segment
    # Three dots and more are a name, to Windows as well; dots and spaces are nothing.
    return segment.rstrip(" .") or ("." if " " in segment else segment)
