"""Take the secrets out of what is about to be recorded.

What is a secret:
  1. the value of an argument whose name says so (`password`, `x-api-key`, `authToken`), at any depth:
     in objects, in lists of {"name", "value"}, in pairs, and in words after `--password`
  2. a text that holds something of the shape of a credential, or of a card number: the detector says
  3. a text with `name=value`, `--name value` or `Name: value`, where the name says so
  4. wherever it turns up again: a text that contains what was taken out by 1 to 3
The whole text goes, not the part: what stands beside one secret is often another. A mark takes its
place and says why; structure, names and numbers stay, and so does the digest of the arguments.
Guarantees: deterministic; linear in the text; the paths of all marks are listed, so that nobody can pass
off a mark of their own as one of ours. Texts that come from packs or permit0.yaml are not looked at.
Does not: find a secret that looks like a word under a name that says nothing. Over-redacts rather than
the other way round. `secret_name`, `token_count` and the like name no secret.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from permit0.canonical import Json

__all__ = ["MARK", "Detector", "Redaction", "Redactor", "is_secret_name"]

Detector = Callable[[str], frozenset[str]]
"""The kinds of secrets that a text holds."""

MARK = "[redacted: "
BY_NAME = MARK + "named a secret]"
AGAIN = MARK + "repeats a secret]"
MIN_REPEATED_CHARS = 4  # shorter ones would take out every text with these letters
MIN_NUMBER = 10**11  # the shortest card number has 12 digits
MAX_QUIET = 4096  # texts that are not looked at again, some 500 kB; then begin anew
MAX_QUIET_CHARS = 128
_FENCE = "\n;\n"

# One of these is in every text and name that 1 or 3 is about; looking for them is cheap.
_HINTS = ("pass", "pwd", "secret", "token", "key", "cred", "auth", "bearer", "cookie", "jwt", "otp",
          "cvv", "cvc", "pin", "session", "code", "-u", "-p", "user")  # fmt: skip
# Folded names: NFKC, lower case, letters and digits only.
_PARTS = re.compile(
    r"passw(?:or)?d|passphrase|passcode|secret|apikey|accesskey|privatekey|signingkey|encryptionkey"
    r"|authkey|masterkey|accountkey|storagekey|sharedkey|credential|authorization|bearer|cookie"
    r"|securitycode|sessionkey|recoverykey|sessionid$|accesscode|authcode|mfacode"
)
_WHOLE = frozenset(
    {"pwd", "pass", "pin", "otp", "totp", "cvv", "cvc", "cvv2", "cvc2", "jwt", "auth", "token",
     "tokens", "dbpass", "userpass", "pgpass", "mysqlpwd", "xauth", "keymaterial", "keypass",
     "storepass", "oauth", "basicauth", "clientauth"}
)  # fmt: skip
_TOKEN = re.compile(r"(?<!page)(?<!next)(?<!cursor)(?<!sync)(?<!continuation)(?<!delta)tokens?$")
_HARMLESS = re.compile(
    r"(?:name|path|arn|type|version|count|limit|length|policy|expiry|expires(?:in|at)?|rotation)s?$"
    r"|(?:max|min|new|num|total|prompt|completion|reasoning|input|output|used)(?:output|new)?tokens$"
)
_OTHER = re.compile(r"[^\x00-\x7f]")
_LETTERS = re.compile(r"[^a-z0-9]+")

_NAMING = frozenset({"name", "key", "field", "header", "variable", "var", "param", "parameter",
                     "option", "property", "attribute", "label"})  # fmt: skip
_VALUES = frozenset({"value", "val", "values", "content", "contents", "data", "default", "text"})

# Each begins at the start of a run, so that a long run is looked at once.
_EQUALS = re.compile(r"(?<![\w.-])-{0,2}([A-Za-z_][\w.-]{1,60})[\"']?\s?=\s?([^\s&;]+)")
_OPTION = re.compile(r"(?<![\w.-])--?([A-Za-z][\w-]{1,60})\s+([^\s-]\S*)")
_QUOTED = re.compile(r"[\"']([A-Za-z_][\w.-]{1,60})[\"']\s?(?::|,|=>)\s?[\"']([^\"']+)")
_HEADER = re.compile(r"(?<![\w.-])([A-Za-z][\w-]{2,60})\s?:\s*([^\s\"']+)")
_HEADERS = re.compile(r"(?:proxy)?authorization|(?:set)?cookie|x?.{0,20}(?:apikey|authtoken|token)")
_USER = re.compile(r"(?:^|\s)(?:-u|--user|--proxy-user)[\s=]?\s*[^\s:]+:\S+")
_SHORT_PASSWORD = re.compile(r"(?:^|[\s;&|])(?:sshpass|mysql\w*|mariadb\w*)\s(?:[^;&|]*\s)?-p\s?\S")
_USER_OPTIONS = frozenset({"-u", "--user"})
_REFERENCE = re.compile(r"[\"']?(?:\$|<|\{|%[A-Z_]+%|\*+[\"']?$)")


class Redaction:
    """What of one record may be recorded.

    paths: where marks stand, as `room/JSON pointer`. idle: it was looked already, there will be none.
    """

    def __init__(self, detect: Detector) -> None:
        self.paths: list[str] = []
        self.idle = False
        self._detect = detect
        self._taken: dict[str, None] = {}

    def arguments(self, value: Mapping[str, Json]) -> dict[str, Json]:
        """The arguments with marks in them."""
        clean = self._object(value, "arguments", secret=False)
        if not self._taken:
            return clean
        # Members come in any order: what was taken from a later one may stand in an earlier one.
        again = self._again(clean, "arguments", frozenset(self.paths))
        assert isinstance(again, dict)
        return again

    def text(self, text: str, path: str) -> str:
        """A text from elsewhere in the record: as it is, or a mark."""
        mark = self._mark(text) or (AGAIN if self._repeats(text) else "")
        if not mark:
            return text
        self.paths.append(path)
        return mark

    # ---------------------------------------------------------------- arguments

    def _value(self, value: Json, path: str, *, secret: bool) -> Json:
        match value:
            case None | bool():
                return value
            case str():
                mark = BY_NAME if secret and value else self._mark(value)
                return self._take(value, mark, path) if mark else value
            case int() | float():
                mark = BY_NAME if secret else self._mark(_digits(value))
                return self._take(_digits(value), mark, path) if mark else value
            case list():
                return self._list(value, path, secret=secret)
            case dict():
                return self._object(value, path, secret=secret)

    def _object(self, value: Mapping[str, Json], path: str, *, secret: bool) -> dict[str, Json]:
        named = any(
            _fold(name) in _NAMING and isinstance(item, str) and is_secret_name(item)
            for name, item in value.items()
        )
        result: dict[str, Json] = {}
        for number, (name, item) in enumerate(value.items()):
            shown = name
            if mark := self._mark(name):
                shown = f"{mark[:-1]}, name {number}]"
            where = _below(path, shown)
            if shown != name:
                self._take(name, mark, where)
            hides = secret or is_secret_name(name) or (named and _fold(name) in _VALUES)
            result[shown] = self._value(item, where, secret=hides)
        return result

    def _list(self, items: list[Json], path: str, *, secret: bool) -> list[Json]:
        result: list[Json] = []
        before = ""
        for number, item in enumerate(items):
            hides = secret or (
                isinstance(item, str | int | float)
                and (
                    (before.startswith("-") and is_secret_name(before))
                    or (len(items) == 2 and is_secret_name(before))
                    or (before in _USER_OPTIONS and ":" in str(item))
                )
            )
            result.append(self._value(item, f"{path}/{number}", secret=hides))
            before = item if isinstance(item, str) else ""
        return result

    def _again(self, value: Json, path: str, done: frozenset[str]) -> Json:
        """Arguments with marks in them, without what was taken from elsewhere."""
        match value:
            case str():
                if path in done or not self._repeats(value):
                    return value
                self.paths.append(path)
                return AGAIN
            case list():
                return [self._again(item, f"{path}/{i}", done) for i, item in enumerate(value)]
            case dict():
                result: dict[str, Json] = {}
                for number, (name, item) in enumerate(value.items()):
                    where = _below(path, name)
                    if where not in done and self._repeats(name):
                        name = f"{AGAIN[:-1]}, name {number}]"
                        self.paths.append(_below(path, name))
                    result[name] = self._again(item, where, done)
                return result
            case _:
                return value

    def _take(self, text: str, mark: str, path: str) -> str:
        self.paths.append(path)
        if len(text) >= MIN_REPEATED_CHARS:
            self._taken[text.casefold()] = None
        return mark

    # ---------------------------------------------------------------- texts

    def _mark(self, text: str) -> str:
        """The mark for a text that holds a secret, else ""."""
        kinds = self._detect(text)
        if not kinds and _names_secret(text):
            kinds = frozenset({"assigned by name"})
        return f"{MARK}{', '.join(sorted(kinds))}]" if kinds else ""

    def _repeats(self, text: str) -> bool:
        folded = text.casefold()
        return any(taken in folded for taken in self._taken)


class Redactor:
    """Makes a Redaction for each record that needs one. Any number of threads may use it."""

    def __init__(self, detect: Detector) -> None:
        self._detect = detect
        # What comes again and again and is no reason for a mark, and whether it has a hint.
        self._quiet: dict[str, bool] = {}

    def look(
        self, arguments: Json, texts: Iterable[str], *, again: Iterable[str] = ()
    ) -> Redaction | None:
        """None if there is certainly no secret: one look at all texts and names together.

        A line of its own for each text, fenced by a sign that no pattern crosses.

        Args:
            arguments: Of the call.
            texts: What else will be recorded.
            again: As well, but likely to be in the next record too: who calls, the tool, a rule's words.

        Returns:
            Where there is a hint and it turns out to be none, one that is `idle`.
        """
        new = list(texts)
        names: list[str] = []
        _gather(arguments, names, new)
        quiet = self._quiet
        unknown: list[str] = []
        is_hinted = False
        for text in (*again, *names):
            known = quiet.get(text)
            if known is None:
                unknown.append(text)
            elif known:
                is_hinted = True
        looked_at = dict.fromkeys((*new, *unknown))  # facts repeat arguments
        joined = _FENCE.join(looked_at)
        if self._detect(joined):
            return self.begin()
        is_hinted = _hints(_ascii(joined)) or is_hinted
        if is_hinted and any(map(_gives_reason, looked_at)):
            return self.begin()
        for text in unknown:
            if len(text) <= MAX_QUIET_CHARS and not is_secret_name(text):
                if len(quiet) >= MAX_QUIET:
                    quiet.clear()
                quiet[text] = _hints(_ascii(text))
        if not is_hinted:
            return None
        found = self.begin()
        found.idle = True
        return found

    def begin(self) -> Redaction:
        """For a record that may hold secrets."""
        return Redaction(self._detect)


def _below(path: str, name: str) -> str:
    """The JSON pointer (RFC 6901) of a member."""
    return f"{path}/{name.replace('~', '~0').replace('/', '~1')}"


@lru_cache(maxsize=4096)
def _is_secret_folded(folded: str) -> bool:
    if folded in _WHOLE:
        return True
    if _HARMLESS.search(folded) is not None:
        return False
    return _PARTS.search(folded) is not None or _TOKEN.search(folded) is not None


def is_secret_name(name: str) -> bool:
    """Whether an argument, header or option of this name holds a secret."""
    return len(name) <= 256 and _is_secret_folded(_fold(name))


def _fold(name: str) -> str:
    if not name.isascii():
        name = unicodedata.normalize("NFKC", name)
    return _LETTERS.sub("", name.casefold())


def _ascii(text: str) -> str:
    """What of a text a hint could be in."""
    return text if text.isascii() else _OTHER.sub("", unicodedata.normalize("NFKC", text))


def _gives_reason(text: str) -> bool:
    """Whether a text that no detector finds anything in may be one for a mark, on itself or a neighbour."""
    return is_secret_name(text) or text in _USER_OPTIONS or _names_secret(text)


def _hints(text: str) -> bool:
    return any(map(text.casefold().__contains__, _HINTS))


def _names_secret(text: str) -> bool:
    if not _hints(text):
        return False
    for pattern in (_EQUALS, _OPTION, _QUOTED):
        for name, value in pattern.findall(text):
            if is_secret_name(name) and _REFERENCE.match(value) is None:
                return True
    for name, value in _HEADER.findall(text):
        if _HEADERS.fullmatch(_fold(name)) is not None and _REFERENCE.match(value) is None:
            return True
    return _USER.search(text) is not None or _SHORT_PASSWORD.search(text) is not None


def _digits(value: float) -> str:
    """A number as the text that a detector can read; "" if it is too short to be a card's."""
    return str(int(value)) if abs(value) >= MIN_NUMBER else str(value)


def _gather(value: Json, names: list[str], texts: list[str]) -> None:
    """Every name and text of the arguments, and every number that could be a card's."""
    match value:
        case str():
            texts.append(value)
        case dict():
            names.extend(value)
            for item in value.values():
                _gather(item, names, texts)
        case list():
            for item in value:
                _gather(item, names, texts)
        case bool() | None:
            return
        case int() | float():
            if abs(value) >= MIN_NUMBER:
                texts.append(_digits(value))
