"""Read pack files into validated specs. Errors name file, line, key and the nearest known word."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import cached_property, lru_cache
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING

from permit0.canonical import MAX_BYTES, freeze
from permit0.errors import BadPack
from permit0.normalize.pack_policy import PackPolicy, policy_of

if TYPE_CHECKING:
    from permit0.located import Located
    from permit0.normalize.pack_schema import PackSpec

__all__ = [
    "LoadedPack",
    "load_pack",
    "load_packs",
    "named_pack_files",
    "pack_files",
    "unique_packs",
]

MAX_PACK_BYTES = 1 << 20  # a pack is written by hand; more is a mistake
_NO_POLICY = {"cases", "about"}


class LoadedPack:
    """A pack: what of it decides, and on demand all that its file says.

    Immutable, but for what is read on demand.
    """

    def __init__(
        self,
        policy: PackPolicy,
        read: Callable[[], tuple[PackSpec, Located]],
        *,
        file: str,
        digest: str | None = None,
        checked_with: frozenset[str] = frozenset(),
    ) -> None:
        """Args:
        policy: What of the pack decides.
        read: Gives the whole pack, and where each of its keys stood. Of a pack from YAML: what was
            read before; of one from the cache: reads the YAML now.
        file: What its file is called in messages.
        digest: See `digest`, if it is known.
        checked_with: Names of the packs, this one included, together with which it was compiled before
            and found without fault; none if it was not.
        """
        self.policy = policy
        self.file = file
        self.checked_with = checked_with
        self._read = read
        if digest is not None:
            self.digest = digest

    @property
    def name(self) -> str:
        """The pack's own name, unique among the packs of a deployment."""
        return self.policy.pack

    @property
    def version(self) -> int:
        """The pack's own version."""
        return self.policy.version

    @property
    def spec(self) -> PackSpec:
        """All that the file says, cases included."""
        return self.whole[0]

    @property
    def source(self) -> Located:
        """Where each key of the file stood."""
        return self.whole[1]

    @cached_property
    def digest(self) -> str:
        """SHA-256, hex, of all but cases and comments: equal ones decide alike."""
        data = self.spec.model_dump(mode="json", exclude=_NO_POLICY)
        return hashlib.sha256(freeze(data, max_bytes=8 * MAX_BYTES)).hexdigest()

    @cached_property
    def whole(self) -> tuple[PackSpec, Located]:
        """`spec` and `source`."""
        return self._read()


@lru_cache(maxsize=128)  # a pure function of its arguments; packs are frozen
def load_pack(text: str, name: str) -> LoadedPack:
    """Read one pack.

    Args:
        text: YAML.
        name: What to call the file in messages.

    Raises:
        BadPack: Not a valid pack.
    """
    from pydantic import ValidationError  # only who reads YAML pays for it

    from permit0.located import explain_validation, parse_yaml
    from permit0.normalize.pack_schema import PackSpec

    if len(text) > MAX_PACK_BYTES:
        raise BadPack(f"{name}: is larger than {MAX_PACK_BYTES} bytes")
    source = parse_yaml(text, name, BadPack)
    try:
        spec = PackSpec.model_validate(source.data)
    except ValidationError as error:
        raise explain_validation(error, source, PackSpec, BadPack) from error
    return LoadedPack(policy_of(spec), lambda: (spec, source), file=name)


def load_packs(files: Iterable[Traversable | Path]) -> list[LoadedPack]:
    """Read several packs; names must differ."""
    packs: list[LoadedPack] = []
    for file in files:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadPack(f"{file.name} cannot be read: {type(error).__name__}") from error
        packs.append(load_pack(text, file.name))
    return unique_packs(packs)


def unique_packs(packs: Iterable[LoadedPack]) -> list[LoadedPack]:
    """The packs, of which no two may have one name.

    Raises:
        BadPack: Two have.
    """
    files: dict[str, str] = {}
    found = list(packs)
    for pack in found:
        if pack.name in files:
            raise BadPack(f"{pack.file}: pack {pack.name!r} is also in {files[pack.name]!r}")
        files[pack.name] = pack.file
    return found


def pack_files(root: Traversable) -> list[Traversable]:
    """Every YAML file below a folder, in a stable order."""
    return [file for _, file in named_pack_files(root)]


def named_pack_files(root: Traversable, prefix: str = "") -> list[tuple[str, Traversable]]:
    """Every YAML file below a folder with its name there, `payments/stripe.yaml`, in a stable order."""
    found: list[tuple[str, Traversable]] = []
    for entry in sorted(root.iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".yaml") and not entry.is_dir():
            found.append((prefix + entry.name, entry))
        elif entry.is_dir():
            found.extend(named_pack_files(entry, f"{prefix}{entry.name}/"))
    return found
