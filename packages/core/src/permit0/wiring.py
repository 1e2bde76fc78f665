"""From configuration and plugins to what an engine is made of: packs, catalog, session rules, lists.

Guarantees: every error names file and line of permit0.yaml, or the plugin. Does not: build an engine (build).
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from permit0 import builtin
from permit0.config import LoadedConfig
from permit0.errors import BadConfig, BadPlugin, InvalidInput
from permit0.model.history import Feature
from permit0.model.rule import FactPredicate
from permit0.normalize.catalog import Catalog, fold_name
from permit0.normalize.compiler import ExtraRules, compile_packs
from permit0.normalize.conditions import ConditionCompiler
from permit0.normalize.loader import LoadedPack, load_packs, unique_packs
from permit0.normalize.pack_policy import RuleLine, condition_of, rule_of
from permit0.plugins.manager import Plugins
from permit0.policy.guardrails import Tuning
from permit0.policy.lists import AllowListed, ListEntry, Lists
from permit0.ports import SessionRule
from permit0.sessions.rules import IMMUTABLE_RULES
from permit0.taxonomy import Taxonomy
from permit0.words import nearest

if TYPE_CHECKING:
    from permit0.config import DenyEntry
    from permit0.located import Place

__all__ = [
    "Packs",
    "compile_catalog",
    "gather_packs",
    "make_lists",
    "pack_paths",
    "plugin_packs",
    "rule_features",
    "session_rules",
]


def rule_features(rules: Sequence[SessionRule]) -> list[Feature]:
    """The questions to history that the rules ask."""
    return [feature for rule in rules for feature in rule.features]


class Packs(msgspec.Struct, frozen=True):
    """All packs of a deployment. operators: the names of those that permit0.yaml names."""

    all: tuple[LoadedPack, ...]
    operators: frozenset[str]
    taxonomy: Taxonomy


def gather_packs(manager: Plugins, loaded: LoadedConfig) -> Packs:
    """The packs of plugins, permit0's own and those that permit0.yaml names.

    Raises:
        BadPack: A file is no pack, or two packs have one name.
        BadPlugin, BadConfig: As plugin_packs and pack_paths.
    """
    ours, taxonomy = builtin.load_built_in()
    plugins = load_packs(plugin_packs(manager))
    operators = load_packs(pack_paths(loaded))
    names = frozenset(pack.name for pack in operators)
    return Packs(tuple(unique_packs([*plugins, *ours, *operators])), names, taxonomy)


def plugin_packs(manager: Plugins) -> list[Traversable]:
    """Pack files of the plugins, without permit0's own.

    Raises:
        BadPlugin: A plugin gave something else.
    """
    ours = set(map(str, builtin.permit0_pack_files()))
    files: list[Traversable] = []
    for file in manager.ask("permit0_pack_files"):
        if not isinstance(file, Traversable):
            raise BadPlugin(f"{type(file).__name__!r} is no pack file, give a path")
        if str(file) not in ours:
            files.append(file)
    return files


def pack_paths(loaded: LoadedConfig) -> list[Path]:
    """Pack files that permit0.yaml names.

    Raises:
        BadConfig: One is not there.
    """
    paths: list[Path] = []
    for i, name in enumerate(loaded.config.packs):
        path = loaded.folder / name
        if not path.is_file():
            raise BadConfig(f"{loaded.at('packs', i)}: there is no pack file {name!r}")
        paths.append(path)
    return paths


def compile_catalog(packs: Packs, loaded: LoadedConfig) -> Catalog:
    """The packs and the rules of permit0.yaml, compiled.

    Raises:
        BadPack, BadConfig: A line is not valid.
    """
    rules = _extra_rules(loaded) if loaded.config.rules else {}
    return compile_packs(packs.all, packs.taxonomy, extra_rules=rules, operators=packs.operators)


def _extra_rules(loaded: LoadedConfig) -> ExtraRules:
    from pydantic import ValidationError  # who writes rules has paid for it, for permit0.yaml

    from permit0.normalize.pack_schema import RuleSpec

    extra: dict[str, list[tuple[RuleLine, str]]] = {}
    for action, lines in loaded.config.rules.items():
        for i, line in enumerate(lines):
            where = loaded.at("rules", action, i)
            try:
                spec = RuleSpec.model_validate(line)
            except ValidationError as error:
                detail = error.errors(include_url=False)[0]
                field = ".".join(str(part) for part in detail["loc"])
                hint = nearest(str(detail["loc"][-1]), tuple(RuleSpec.model_fields))
                raise BadConfig(f"{where}: {field}: {detail['msg'].lower()}{hint}") from error
            extra.setdefault(action, []).append((rule_of(spec), where))
    return extra


def session_rules(manager: Plugins, tuning: Tuning) -> tuple[SessionRule, ...]:
    """The session rules of all plugins.

    Raises:
        BadPlugin: One is none, two have one name, or an immutable one is missing.
    """
    rules: list[SessionRule] = []
    for rule in manager.ask("permit0_session_rules", limits=tuning.limits):
        if not isinstance(rule, SessionRule):
            raise BadPlugin(f"{type(rule).__name__!r} is no session rule, see permit0.ports")
        rules.append(rule)
    names = [rule.name for rule in rules]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise BadPlugin(f"two session rules are called {twice!r}, rename the plugin's")
    missing = sorted(set(IMMUTABLE_RULES) - set(names))
    if missing:
        raise BadPlugin(f"the immutable session rules {missing!r} are missing")
    return tuple(rules)


def make_lists(loaded: LoadedConfig, catalog: Catalog, taxonomy: Taxonomy) -> Lists:
    """The deny and the allow list, compiled.

    Raises:
        BadConfig: An entry is not valid.
    """
    lists = loaded.config.lists
    if not lists.deny and not lists.allow:
        return Lists()
    conditions = ConditionCompiler(catalog.facts, catalog.patterns)
    deny = [
        ListEntry(*_list_entry(entry, ("lists", "deny", i), loaded, conditions, taxonomy))
        for i, entry in enumerate(lists.deny)
    ]
    allow = [
        AllowListed(
            *_list_entry(entry, ("lists", "allow", i), loaded, conditions, taxonomy),
            entry.owner,
            entry.expires.timestamp(),
        )
        for i, entry in enumerate(lists.allow)
    ]
    return Lists(tuple(deny), tuple(allow))


def _list_entry(
    entry: DenyEntry,
    place: Place,
    loaded: LoadedConfig,
    conditions: ConditionCompiler,
    taxonomy: Taxonomy,
) -> tuple[str, str, FactPredicate | None, str]:
    where = loaded.at(*place)
    if entry.action is None and entry.tool is None and entry.when is None:
        raise BadConfig(f"{where}: the entry says nothing, give it an action, a tool or 'when'")
    action = entry.action or ""
    domain = action.removesuffix(".*")
    if domain != action:
        if domain not in taxonomy.domains:
            known = tuple(taxonomy.domains)
            raise BadConfig(f"{where}: there is no domain {domain!r}{nearest(domain, known)}")
        action = domain + ".*"
    elif action and action not in taxonomy.actions:
        raise BadConfig(f"{where}: unknown action {action!r}{nearest(action, taxonomy.actions)}")
    from pydantic import ValidationError  # as for rules

    from permit0.normalize.pack_schema import ConditionSpec

    try:
        when = None
        if entry.when is not None:
            condition = condition_of(ConditionSpec.model_validate(entry.when))
            when = conditions.compile(condition)
    except ValidationError as error:
        raise BadConfig(f"{where}: 'when' is no condition, see `permit0 pack schema`") from error
    except InvalidInput as error:
        raise BadConfig(f"{where}: {error}") from error
    return action, fold_name(entry.tool or ""), when, entry.reason
