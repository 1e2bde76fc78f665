"""The packs and the taxonomy that ship, read from YAML once and from a cache of what decides after that.

The YAML is the truth; the cache is a file beside it (CACHE_NAME). A wheel brings it; in a checkout it is
made at first use. It is used only if its first line says what is true now:
  1. the format of the cache and the version of permit0;
  2. the SHA-256 of the code and the vocabulary that checked the packs (_CHECKED_BY);
  3. the SHA-256 over the name and the bytes of every pack file, which are read at every start;
  4. the SHA-256 of what follows, against damage. It is no signature.
Guarantees: with anything else (no cache, another version, a changed, added or removed pack, a damaged or
cut file) the packs come from YAML, and a new cache is written if that is possible: as a whole, by renaming,
so that processes that write at the same moment do not mind each other. Not being able to write is no error.
Only packs that compile without fault are kept.
Who can write the cache can change the policy, so it lies where our code lies, like __pycache__, and nowhere
else: no setting and no variable moves it. A link, or a file that more people can write than the folder, is
not read.
Does not: hold cases or texts for authors (LoadedPack.spec reads those from the YAML), or keep packs of
plugins and operators, which are read and checked at every start.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from collections.abc import Sequence
from contextlib import suppress
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import msgspec

from permit0.errors import BadPack
from permit0.normalize.compiler import compile_packs
from permit0.normalize.loader import LoadedPack, load_pack, named_pack_files, unique_packs
from permit0.normalize.pack_policy import PackPolicy
from permit0.taxonomy import Taxonomy, load_taxonomy
from permit0.version import VERSION

__all__ = ["CACHE_NAME", "cached_form", "load_with_cache"]

CACHE_NAME = "compiled.bin"
FORMAT = 1  # of the cache; raise it when its bytes mean something else
MAX_CACHE_BYTES = 16 << 20  # far above what our packs need; more is not ours

# What says yes to a pack. If one changes, the packs must be checked again.
_CHECKED_BY = (
    "taxonomy.yaml",
    "canonical/writer.py",
    "model/vocabulary.py",
    "normalize/compiler.py",
    "normalize/conditions.py",
    "normalize/facts.py",
    "normalize/implied_rules.py",
    "normalize/loader.py",
    "normalize/pack_policy.py",
    "normalize/pack_schema.py",
    "normalize/parameter_types.py",
    "normalize/rule_compiler.py",
    "normalize/tool_index.py",
    "normalize/tool_names.py",
)
_FOR_OTHERS = stat.S_IWGRP | stat.S_IWOTH

NamedFile = tuple[str, bytes]
"""Name below the folder of packs, and content."""


class _Head(msgspec.Struct, frozen=True):
    """The first line of a cache."""

    format: int
    permit0: str
    checked_by: str
    packs: str
    payload: str


class _Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A pack in the cache. file: see NamedFile. digest: see LoadedPack."""

    file: str
    policy: PackPolicy
    digest: str


class _Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What follows the first line."""

    packs: tuple[_Kept, ...]
    taxonomy: Taxonomy


def load_with_cache(root: Traversable) -> tuple[list[LoadedPack], Taxonomy]:
    """Every pack below a folder of ours, and the taxonomy.

    Args:
        root: The folder, with or without a cache.

    Raises:
        BadPack: A file is no pack, or cannot be read.
    """
    files = _read_files(root)
    found = _from_cache(root, files)
    if found is not None:
        return found
    packs, taxonomy = _from_yaml(files), load_taxonomy()
    if isinstance(root, Path):  # nothing is written into a zip
        _keep(root, files, packs, taxonomy)
    return packs, taxonomy


def cached_form(root: Traversable) -> bytes:
    """What the cache of a folder of packs must hold.

    Raises:
        BadPack: A file is no pack, or the packs do not fit together.
    """
    files = _read_files(root)
    return _encode(files, _from_yaml(files), load_taxonomy())


def _read_files(root: Traversable) -> list[NamedFile]:
    files: list[NamedFile] = []
    for name, file in named_pack_files(root):
        try:
            files.append((name, file.read_bytes()))
        except OSError as error:
            raise BadPack(f"{name} cannot be read: {type(error).__name__}") from error
    return files


def _from_yaml(files: Sequence[NamedFile]) -> list[LoadedPack]:
    return unique_packs(_parse(name, data) for name, data in files)


def _parse(name: str, data: bytes) -> LoadedPack:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadPack(f"{name} cannot be read: UnicodeDecodeError") from error
    return load_pack(text, name.rpartition("/")[2])


def _from_cache(
    root: Traversable, files: Sequence[NamedFile]
) -> tuple[list[LoadedPack], Taxonomy] | None:
    """What the cache has; None if it is not there or not of these files."""
    data = _read_cache(root)
    if data is None:
        return None
    head, _, payload = data.partition(b"\n")
    if head != _head(files, payload):
        return None
    try:
        content = msgspec.msgpack.decode(payload, type=_Content)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None  # a cache that was made to be wrong; its digest is its own
    kept = content.packs
    if [item.file for item in kept] != [name for name, _ in files]:
        return None
    names = frozenset(item.policy.pack for item in kept)
    packs = [
        LoadedPack(
            item.policy,
            lambda file=file: _parse(*file).whole,  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            file=item.file.rpartition("/")[2],
            digest=item.digest,
            checked_with=names,
        )
        for item, file in zip(kept, files, strict=True)
    ]
    return packs, content.taxonomy


def _read_cache(root: Traversable) -> bytes | None:
    try:
        if not isinstance(root, Path):
            return (root / CACHE_NAME).read_bytes()
        # O_NONBLOCK: what is no file must not hold us up.
        more = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        with open(
            root / CACHE_NAME, "rb", opener=lambda path, flags: os.open(path, flags | more)
        ) as file:
            return file.read() if _is_ours(os.fstat(file.fileno()), root.stat()) else None
    except (OSError, KeyError):  # KeyError: not in the zip
        return None


def _is_ours(cache: os.stat_result, folder: os.stat_result) -> bool:
    """Whether only those can have written the cache who can write the packs."""
    if not stat.S_ISREG(cache.st_mode) or cache.st_size > MAX_CACHE_BYTES:
        return False
    if cache.st_mode & _FOR_OTHERS & ~folder.st_mode:
        return False
    return (
        cache.st_uid in (0, folder.st_uid)
        or not hasattr(os, "getuid")
        or cache.st_uid == os.getuid()
    )


def _keep(
    root: Path, files: Sequence[NamedFile], packs: Sequence[LoadedPack], taxonomy: Taxonomy
) -> None:
    """Write the cache, or leave it."""
    draft = root / f"{CACHE_NAME}.{secrets.token_hex(8)}"
    try:
        # First, so that a place that cannot be written costs nothing. "x" follows no link.
        with open(draft, "xb", opener=lambda path, flags: os.open(path, flags, 0o644)) as file:
            file.write(_encode(files, packs, taxonomy))
        draft.replace(root / CACHE_NAME)
    except (OSError, BadPack, msgspec.MsgspecError, OverflowError):
        # BadPack: whoever compiles the packs will be told. The last two: a value that no cache can hold.
        pass
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _encode(files: Sequence[NamedFile], packs: Sequence[LoadedPack], taxonomy: Taxonomy) -> bytes:
    compile_packs(packs, taxonomy)
    kept = tuple(
        _Kept(name, pack.policy, pack.digest) for (name, _), pack in zip(files, packs, strict=True)
    )
    payload = msgspec.msgpack.encode(_Content(kept, taxonomy))
    return _head(files, payload) + b"\n" + payload


def _head(files: Sequence[NamedFile], payload: bytes) -> bytes:
    ours = resources.files("permit0")
    checked_by = [(name, _bytes_of(ours.joinpath(name))) for name in _CHECKED_BY]
    return msgspec.json.encode(
        _Head(
            format=FORMAT,
            permit0=VERSION,
            checked_by=_digest(checked_by),
            packs=_digest(files),
            payload=hashlib.sha256(payload).hexdigest(),
        )
    )


def _bytes_of(file: Traversable) -> bytes:
    """A file of ours; empty if only its compiled form was installed, where nobody edits it."""
    try:
        return file.read_bytes()
    except (OSError, KeyError):
        return b""


def _digest(files: Sequence[NamedFile]) -> str:
    """SHA-256 over names and contents, hex; their lengths keep them apart."""
    hashed = hashlib.sha256()
    for name, data in files:
        for part in (name.encode("utf-8"), data):
            hashed.update(len(part).to_bytes(8, "big"))
            hashed.update(part)
    return hashed.hexdigest()
