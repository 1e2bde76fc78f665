"""`permit0 keys`: make, rotate, list and retire the keys of a deployment, and export their public half.

Guarantees: a secret is written to the folder's file and nowhere else, not to the screen, not to an
error; 1 for what is refused since it would hurt (a second `generate`, retiring the key that signs, writing
over a file), with what to do instead; an export never replaces the keys themselves.
Does not: restart what signs.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import stat
import sys
from argparse import Namespace
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import msgspec
from rich.text import Text

from permit0.cli.terminal import Terminal, make_terminal, visible
from permit0.clock import SystemClock
from permit0.config import LoadedConfig, find_config, load_config, read_key_variables
from permit0.deployment_keys import keys_path
from permit0.errors import BadKey, InvalidInput
from permit0.token.key_file import KeyInfo, KeyStatus
from permit0.token.key_folder import FILE_NAME, KeyFolder

__all__ = ["run"]

DEFAULT_FOLDER = "permit0-keys"
MIN_PREFIX = 8  # 48 bits of an id
TABLE_WIDTH = 97  # kid 51, status 8, two times of 16, gaps of 2
REFUSED = 1

_KID_PREFIX = re.compile(r"k4\.pid\.([\w-]*)(?:…|\.\.\.)?", re.ASCII)  # as `list` cuts it
_STYLE = {
    KeyStatus.SIGNING: "bold green",
    KeyStatus.ACCEPTED: "green",
    KeyStatus.RETIRED: "bright_black",
}
_INSTEAD = {
    "key_exists": "`permit0 keys rotate` makes the next key and keeps the old ones for checking",
    "key_in_use": "`permit0 keys rotate` makes its successor; restart what signs, then retire this one",
    "file_exists": "--force replaces it",
}


def run(options: Namespace) -> int:
    """0 done, 1 refused since it would hurt.

    Raises:
        BadKey, InvalidInput: There are no keys, others can use them, or KID or OUT is none.
    """
    loaded = None
    if options.path is None or options.config is not None:
        named = None if options.config is None else Path(options.config)
        loaded = load_config(find_config(named))
    path = _folder(options, loaded)
    keys = KeyFolder(path, clock=SystemClock())
    try:
        match options.verb:
            case "generate":
                _print_generated(options, loaded, path, keys.generate())
            case "rotate":
                _print_rotated(options, keys)
            case "list":
                _print_list(options, path, keys.list())
            case "retire":
                _print_retired(options, keys)
            case _:
                _export(options, keys, path)
    except (BadKey, InvalidInput) as error:
        if error.reason_code not in _INSTEAD:
            raise
        sys.stderr.write(f"permit0: {error} ({error.reason_code})\n{_INSTEAD[error.reason_code]}\n")
        return REFUSED
    return 0


def _folder(options: Namespace, loaded: LoadedConfig | None) -> Path:
    if options.path is not None:
        if "k4.secret." in options.path:
            raise InvalidInput("--path takes a folder, not a key", reason_code="bad_usage")
        path = Path(options.path)
    else:
        # Here `loaded` is there, see above.
        configured = None if loaded is None else keys_path(loaded)
        folder = Path.cwd() if loaded is None else loaded.folder
        path = folder / DEFAULT_FOLDER if configured is None else configured
    if path.is_file():
        raise InvalidInput(
            f"{str(path)!r} is a file, use `permit0 keys` where the folder with the secret is",
            reason_code="bad_usage",
        )
    return path


# -------------------------------------------------------------------- what was done


def _print_generated(
    options: Namespace, loaded: LoadedConfig | None, path: Path, key: KeyInfo
) -> None:
    term = make_terminal(no_color=options.no_color)
    _done(term, key, "this key signs from now on")
    term.line(f"its secret is in {str(path / FILE_NAME)!r}, which only its owner reads", indent=2)
    if loaded is not None and loaded.config.keys is None:
        shown = json.dumps(path.name if path.parent == loaded.folder else str(path.absolute()))
        term.line(Text("to use it, put this into permit0.yaml:", "yellow"), indent=2)
        term.line(Text(f"keys: {{path: {shown}}}", "cyan"), indent=4)
    names = read_key_variables().names
    if names:
        term.line(
            Text(f"{', '.join(names)} is set, unset it to use these keys", "yellow"), indent=2
        )


def _print_rotated(options: Namespace, keys: KeyFolder) -> None:
    before = next((key for key in keys.list() if key.status is KeyStatus.SIGNING), None)
    term = make_terminal(no_color=options.no_color)
    _done(term, keys.rotate(), "this key signs in every process that starts from now on")
    if before is not None:
        term.line(
            Text("restart what signs, wait until its last token has expired, then:"), indent=2
        )
        where = "" if options.path is None else f" --path {shlex.quote(options.path)}"
        _whole(term, Text(f"  permit0 keys retire {before.kid}{visible(where)}", "cyan"))


def _print_retired(options: Namespace, keys: KeyFolder) -> None:
    key = keys.retire(_find(options.kid, keys.list()))
    _done(
        make_terminal(no_color=options.no_color),
        key,
        f"this key is retired since {_time(key.retired)} UTC",
    )


def _done(term: Terminal, key: KeyInfo, what: str) -> None:
    term.line(Text().append(f"{term.symbols.yes} ", "bold green").append(what, "bold"))
    _whole(term, Text(f"  {key.kid}"))


def _whole(term: Terminal, line: Text) -> None:
    """A line that is copied from the screen: where it is too long, the terminal itself breaks it."""
    term.console.print(line, soft_wrap=True)


# -------------------------------------------------------------------- list


def _print_list(options: Namespace, path: Path, keys: tuple[KeyInfo, ...]) -> None:
    if options.json:
        shown = os.fsencode(path).decode(errors="backslashreplace")
        document = {"path": shown, "keys": keys}
        data = msgspec.json.format(msgspec.json.encode(document), indent=2)
        sys.stdout.write(data.decode() + "\n")
        return
    term = make_terminal(no_color=options.no_color)
    if term.wrap_at >= TABLE_WIDTH:
        term.line(
            Text(
                f"{'kid':<51}  {'status':<8}  {'created (UTC)':<16}  retired (UTC)", "bright_black"
            )
        )
    for key in keys:
        style = _STYLE[key.status]
        if term.wrap_at >= TABLE_WIDTH:
            line = Text(key.kid).append(f"  {key.status.value:<8}", style)
            line.append(f"  {_time(key.created)}  {_time(key.retired)}", "bright_black")
            line.rstrip()
            term.line(line)
            continue
        term.line(_cut(term, key.kid))
        pieces = [
            Text(f"{key.status.value:<8}", style),
            Text(f"created {_time(key.created)}", "bright_black"),
        ]
        if key.retired is not None:
            pieces.append(Text(f"retired {_time(key.retired)}", "bright_black"))
        term.flow(pieces, indent=2)


def _cut(term: Terminal, kid: str) -> str:
    """What fits on a line; `retire` takes it as well."""
    if len(kid) <= term.wrap_at:
        return kid
    return kid[: term.wrap_at - len(term.symbols.ellipsis)] + term.symbols.ellipsis


def _time(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M}"


def _find(text: str, keys: tuple[KeyInfo, ...]) -> str:
    """The kid that begins like this. What was given is not repeated: it may be another kind of key."""
    given = _KID_PREFIX.fullmatch(text)
    if given is None or len(given[1]) < MIN_PREFIX:
        raise InvalidInput(
            f"KID is k4.pid. and the first {MIN_PREFIX} or more characters, see `permit0 keys list`",
            reason_code="bad_usage",
        )
    found = [key.kid for key in keys if key.kid.startswith(f"k4.pid.{given[1]}")]
    if not found:
        raise BadKey("there is no such key, see `permit0 keys list`", reason_code="key_unknown")
    if len(found) > 1:
        raise InvalidInput(
            f"{len(found)} keys begin like this, give more of KID", reason_code="bad_usage"
        )
    return found[0]


# -------------------------------------------------------------------- export


def _export(options: Namespace, keys: KeyFolder, path: Path) -> None:
    infos = keys.list()
    text = keys.export() if options.format == "ring" else _paserk(infos)
    if options.out == "-":
        sys.stdout.write(text)
        return
    out = Path(options.out)
    try:
        _write_public(out, text.encode(), force=options.force, keys=path / FILE_NAME)
    except FileExistsError as error:
        raise InvalidInput(
            f"{options.out!r} is there already", reason_code="file_exists"
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise InvalidInput(
            f"{options.out!r} cannot be written: {type(error).__name__}",
            reason_code="unwritable_file",
        ) from error
    noun = "key" if len(infos) == 1 else "keys"
    sys.stdout.write(f"{len(infos)} public {noun} to {options.out}\n")


def _paserk(keys: tuple[KeyInfo, ...]) -> str:
    # The first line keeps this out of every setting for tokens, where a retired key would be good again.
    lines = ["# for `permit0 audit verify --key`; retired keys are among them"]
    return "\n".join((*lines, *(key.public for key in keys))) + "\n"


def _write_public(out: Path, data: bytes, *, force: bool, keys: Path) -> None:
    """Write a file of mode 0644; over another one only if told, and never over the keys.

    Raises:
        FileExistsError, InvalidInput, OSError.
    """
    found = None
    with suppress(FileNotFoundError):
        found = out.lstat()
    if found is not None:
        if not force:
            raise FileExistsError
        if not stat.S_ISREG(found.st_mode) or out.samefile(keys):
            raise InvalidInput(
                f"{str(out)!r} is no export that could be replaced", reason_code="unwritable_file"
            )
    # A new file is written in its place; an old one is replaced in one step, so that whoever watches it
    # never reads half of it.
    fresh = out
    if force:
        fresh = out.with_name(f".{out.name}.{os.getpid()}.new")
        fresh.unlink(missing_ok=True)  # what a killed process with this id has left
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            if os.name == "posix":
                os.fchmod(handle, 0o644)  # whatever the umask is: it is for others
            os.fsync(handle)
        fresh.replace(out)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
