"""Mutation testing of packs: which change of a policy table would no case notice?

Each change of testing.mutants is made alone; the cases that touch the action run until one fails. A change that
no case notices survives: nothing would tell if the pack lost what was changed. Also a change that cannot
have an effect survives; it shows that the pack says something needless.
    for outcome in MutationBench(packs).run(names): ...
Guarantees: the same packs give the same outcomes in the same order, with any number of processes. A change
that is no valid pack is not counted, in any way.
Does not: change files, or read permit0.yaml.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from copy import copy
from types import MappingProxyType

import msgspec
from pydantic import ValidationError

from permit0.errors import BadPack
from permit0.located import Located
from permit0.normalize.catalog import Catalog
from permit0.normalize.compiler import compile_packs
from permit0.normalize.loader import LoadedPack
from permit0.normalize.pack_policy import policy_of
from permit0.normalize.pack_schema import PackSpec
from permit0.taxonomy import load_taxonomy
from permit0.testing.mutants import Mutant, Target, mutants, said_at, targets
from permit0.testing.pack_cases import Case, CaseBench

__all__ = ["MutationBench", "Outcome", "Survivor"]


class Survivor(msgspec.Struct, frozen=True):
    """A change that no case notices. where: `file:line`; what: in words."""

    action: str
    where: str
    what: str


class Outcome(msgspec.Struct, frozen=True):
    """What came of the changes of one target. tried: how many there were."""

    target: Target
    tried: int
    survivors: tuple[Survivor, ...]


class MutationBench:
    """Packs with their cases, ready to be changed.

    Args:
        packs: All packs; every case of every one of them may notice.
        own: Names of those whose cases must all pass. A case of another pack that fails (since a rule of
            these changes its points, say) notices nothing any more and is left out. By default all.

    Raises:
        BadPack: A pack cannot be compiled, or a case fails although nothing was changed.
    """

    def __init__(self, packs: Sequence[LoadedPack], *, own: Sequence[str] | None = None) -> None:
        self._own = own
        self._packs = tuple(packs)
        self._bench = CaseBench(packs)
        self._taxonomy = load_taxonomy()
        catalog = self._bench.catalog
        patterns = {name: list(globs) for name, globs in catalog.patterns.items()}
        self._patterns = _pack_of(
            {"pack": "patterns", "version": 1, "patterns": patterns}, packs[0]
        )
        self._by_name = {pack.name: pack for pack in self._packs}
        self._targets: dict[str, list[Target]] = {}
        for target in self.targets():
            self._targets.setdefault(target.action, []).append(target)
        self._cases: dict[str, list[Case]] = {}
        for case in self._bench.cases():
            result = self._bench.run(case)
            if result.failures and own is not None and case.pack not in own:
                continue
            if result.failures:
                raise BadPack(
                    f"{case.where}: the case {case.spec.name!r} fails although nothing was changed, "
                    "run `permit0 pack test` first"
                )
            for action in result.actions:
                self._cases.setdefault(action, []).append(case)

    def targets(self, names: Sequence[str] | None = None) -> tuple[Target, ...]:
        """What all packs say, or those with these names."""
        return tuple(
            target
            for pack in self._packs
            if names is None or pack.name in names
            for target in targets(pack)
        )

    def run(self, chosen: Sequence[Target], *, processes: int = 1) -> Iterator[Outcome]:
        """Try every change of these targets, in their order."""
        if processes <= 1 or len(chosen) <= 1:
            yield from map(self.try_target, chosen)
            return
        # Spawned, on every system alike: nothing of the caller's threads or locks comes along.
        with ProcessPoolExecutor(
            min(processes, len(chosen)),
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start,
            initargs=([pack.whole for pack in self._packs], self._own),
        ) as pool:
            yield from pool.map(_try_target, chosen)

    def try_target(self, target: Target) -> Outcome:
        """Try every change of one target."""
        tried = 0
        survivors: list[Survivor] = []
        for mutant in mutants(self._by_name[target.pack], target):
            catalog = self._changed(target, mutant)
            if catalog is None:
                continue
            tried += 1
            if not self._is_noticed(target.action, mutant, catalog):
                survivors.append(Survivor(target.action, mutant.where, mutant.what))
        return Outcome(target, tried, tuple(survivors))

    def _changed(self, target: Target, mutant: Mutant) -> Catalog | None:
        """The catalog with one target changed; None if the change makes no valid pack."""
        base = self._bench.catalog
        packs = [self._patterns]
        try:
            for part in self._targets[target.action]:
                pack = self._by_name[part.pack]
                said = mutant.changed if part == target else said_at(pack, part)
                data = {"pack": part.pack, "version": 1, part.part: {part.action: said}}
                packs.append(_pack_of(data, pack))
            alone = compile_packs(packs, self._taxonomy)
        except (ValidationError, BadPack):
            return None
        changed = copy(base)
        changed.actions = MappingProxyType({**base.actions, **alone.actions})
        changed.features = (*base.features, *alone.features)
        return changed

    def _is_noticed(self, action: str, mutant: Mutant, catalog: Catalog) -> bool:
        bench = self._bench.having(catalog)
        cases = sorted(self._cases.get(action, ()), key=lambda case: _order(case, mutant))
        return any(bench.run(case).failures for case in cases)


def _pack_of(data: Mapping[str, object], origin: LoadedPack) -> LoadedPack:
    """A part of a pack as a pack of its own; its lines are those of the file that it is from."""
    return _loaded(PackSpec.model_validate(data), origin.source)


def _loaded(spec: PackSpec, source: Located) -> LoadedPack:
    return LoadedPack(policy_of(spec), lambda: (spec, source), file=source.name)


def _order(case: Case, mutant: Mutant) -> tuple[int, int]:
    """Those that name the changed line first, and short ones before long ones."""
    named = mutant.line and any(rule.rpartition("/")[2] == mutant.line for rule in case.spec.rules)
    return (0 if named else 1, len(case.spec.before))


_work: Callable[[Target], Outcome] | None = None
"""Of a process that was started for nothing else."""


def _start(packs: Sequence[tuple[PackSpec, Located]], own: Sequence[str] | None) -> None:
    global _work  # noqa: PLW0603  # the pool gives its initializer no other place
    _work = MutationBench([_loaded(*pack) for pack in packs], own=own).try_target


def _try_target(target: Target) -> Outcome:
    assert _work is not None
    return _work(target)
