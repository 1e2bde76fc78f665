"""Make the cache of the packs (permit0.pack_cache) when a wheel is built, so that no start has to.

Guarantees: the cache is made from the very files that go into the wheel, and nothing is written beside them.
A wheel for development gets none: its packs change, and the first start makes one. Packs that are not valid
fail the build.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PackCacheHook(BuildHookInterface):  # type: ignore[type-arg]  # hatchling wants no configuration here
    """Adds one file to the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before the wheel is made."""
        if version == "editable":
            return
        source = Path(self.root) / "src"
        sys.path.insert(0, str(source))
        from permit0 import pack_cache

        if not Path(pack_cache.__file__).is_relative_to(source):
            raise RuntimeError("another permit0 is in the way, build with a fresh interpreter")
        packs = source / "permit0" / "packs"
        folder = tempfile.mkdtemp(prefix="permit0-packs-")
        file = Path(folder) / pack_cache.CACHE_NAME
        file.write_bytes(pack_cache.cached_form(packs))
        build_data["force_include"][str(file)] = f"permit0/packs/{pack_cache.CACHE_NAME}"
        self._made = file

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """After it."""
        if version != "editable":
            self._made.unlink()
            self._made.parent.rmdir()
