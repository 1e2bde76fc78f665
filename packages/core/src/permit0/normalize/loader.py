"""Read pack files into validated specs. Errors name file, line, key and the nearest known word."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from importlib.resources.abc import Traversable
from pathlib import Path

import msgspec
from pydantic import ValidationError

from permit0.errors import BadPack
from permit0.located import Located, explain_validation, parse_yaml
from permit0.normalize.pack_schema import PackSpec

__all__ = ["LoadedPack", "load_pack", "load_packs", "pack_files"]

MAX_PACK_BYTES = 1 << 20  # a pack is written by hand; more is a mistake


class LoadedPack(msgspec.Struct, frozen=True):
    """A pack and where each of its keys stood."""

    spec: PackSpec
    source: Located


@lru_cache(maxsize=128)  # a pure function of its arguments; packs are frozen
def load_pack(text: str, name: str) -> LoadedPack:
    """Read one pack.

    Args:
        text: YAML.
        name: What to call the file in messages.

    Raises:
        BadPack: Not a valid pack.
    """
    if len(text) > MAX_PACK_BYTES:
        raise BadPack(f"{name}: is larger than {MAX_PACK_BYTES} bytes")
    source = parse_yaml(text, name, BadPack)
    try:
        return LoadedPack(PackSpec.model_validate(source.data), source)
    except ValidationError as error:
        raise explain_validation(error, source, PackSpec, BadPack) from error


def load_packs(files: Iterable[Traversable | Path]) -> list[LoadedPack]:
    """Read several packs; names must differ."""
    packs: list[LoadedPack] = []
    names: dict[str, str] = {}
    for file in files:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadPack(f"{file.name} cannot be read: {type(error).__name__}") from error
        pack = load_pack(text, file.name)
        other = names.setdefault(pack.spec.pack, file.name)
        if other != file.name:
            raise BadPack(f"{file.name}: pack {pack.spec.pack!r} is also in {other!r}")
        packs.append(pack)
    return packs


def pack_files(root: Traversable) -> list[Traversable]:
    """Every YAML file below a folder, in a stable order."""
    found: list[Traversable] = []
    for entry in sorted(root.iterdir(), key=lambda item: item.name):
        if entry.is_dir():
            found.extend(pack_files(entry))
        elif entry.name.endswith(".yaml"):
            found.append(entry)
    return found
