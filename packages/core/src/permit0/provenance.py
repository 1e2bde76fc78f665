"""With what a deployment decides, in a form that can be recorded and compared.

The fingerprint of the policy is the SHA-256 of everything of it that can change a decision: the
configuration but for `audit`, every pack, the plugins and their versions, the formula, permit0's version.
Guarantees: equal deployments have equal fingerprints, wherever their files lie; comments, the order of
members and the cases of packs count for nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from permit0.audit.record import Provenance, WeightsBody
from permit0.canonical import MAX_BYTES, freeze
from permit0.config import LoadedConfig
from permit0.normalize.loader import LoadedPack
from permit0.plugins.manager import LoadedPlugin
from permit0.policy.guardrails import Tuning
from permit0.rejudge import formula_digest

__all__ = ["describe"]


def describe(
    *,
    version: str,
    loaded: LoadedConfig,
    packs: Sequence[LoadedPack],
    plugins: Sequence[LoadedPlugin],
    tuning: Tuning,
) -> Provenance:
    """Say with what is decided: see audit.record.Provenance."""
    formula = formula_digest()
    names = tuple((p.name, p.distribution, p.version) for p in plugins)
    config = msgspec.to_builtins(loaded.config)
    for name in ("audit", "packs", "plugins"):
        del config[name]
    summary = {
        "permit0": version,
        "formula": formula,
        "config": config,
        "packs": {pack.name: pack.digest for pack in packs},
        "plugins": [list(name) for name in sorted(names)],
    }
    return Provenance(
        permit0=version,
        policy=hashlib.sha256(freeze(summary, max_bytes=8 * MAX_BYTES)).hexdigest(),
        formula=formula,
        packs={pack.name: pack.version for pack in packs},
        plugins=names,
        weights=WeightsBody(
            flags={flag.value: factor for flag, factor in tuning.flags.items() if factor != 1},
            amplifiers={
                amp.value: factor for amp, factor in tuning.amplifiers.items() if factor != 1
            },
            tier_bounds=tuning.tier_bounds,
        ),
    )
