"""A text of SQL as actions: what each statement does, and what it reaches outside the database.

`SELECT 1; DROP TABLE x; COPY t TO PROGRAM 'curl ...'` is db.select, db.drop, db.export, process.shell and,
for what is more than its verb, db.execute; the most restrictive of them decides.
Guarantees: every statement gives at least one action; a text with any mark, or with a statement that
has no action of its own, gives db.execute as well, which carries all marks of the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b

from permit0.errors import InvalidInput
from permit0.model.action import Fact, NormAction
from permit0.normalize.assemble import norm_action
from permit0.normalize.catalog import ActionEntry, Catalog
from permit0.normalize.organisation import Organisation
from permit0.normalize.parameters import Bound, Reading, leaves, read_parameters
from permit0.normalize.sensitive import find_personal, find_secrets
from permit0.normalize.shell import parse_shell
from permit0.normalize.shell_actions import shell_actions
from permit0.normalize.sql import SqlStatement, SqlText, parse_sql
from permit0.normalize.sql.dangers import folded_words, word_marks
from permit0.remembered import Remembered

__all__ = ["SqlMemory", "sql_actions"]

MAX_REMEMBERED = 512
"""Texts whose reading is kept: agents repeat themselves. By digest, since a text may be long and secret."""
MAX_TEXTS = 64  # in one argument; run_sql_transaction takes a list

EXECUTE = "db.execute"
_ACTION = {
    "select": "db.select",
    "insert": "db.insert",
    "update": "db.update",
    "delete": "db.delete",
    "merge": "db.update",
    "create": "db.create",
    "alter": "db.alter",
    "drop": "db.drop",
    "truncate": "db.truncate",
    "grant": "db.grant_access",
    "revoke": "db.revoke_access",
    "copy_out": "db.export",
    "copy_in": "db.insert",
    "show": "db.list",
    "use": "db.list",
}
_MILD = frozenset({"nested_write", "destruction", "power", "replaces"})
"""Marks that the action of the statement itself answers for, if it is one that was read."""
_ANSWERED = frozenset(
    {"update", "delete", "insert", "drop", "truncate", "alter", "grant", "revoke"}
)
_COPIED = frozenset({"file", "network", "destruction", "power"})
_PASSED = ("environment", "extra.unread", "extra.external", "database")
_WHERE = frozenset({"where"})
_WRITES_VALUES = frozenset({"insert", "update", "merge"})


class SqlMemory:
    """Readings of texts that were read before. Bounded, safe for threads."""

    def __init__(self) -> None:
        self._kept: Remembered[SqlText] = Remembered(MAX_REMEMBERED)

    def __len__(self) -> int:
        return len(self._kept)

    def read(self, text: str, dialect: str | None) -> SqlText:
        """What `parse_sql` gives."""
        written = f"{dialect}\0{text}".encode("utf-8", "surrogatepass")
        key = blake2b(written, digest_size=16).digest()
        return self._kept.answer(key, lambda: parse_sql(text, dialect=dialect))


def sql_actions(
    reading: Reading,
    entry: ActionEntry,
    catalog: Catalog,
    org: Organisation,
    origin: str,
    *,
    memory: SqlMemory,
    dialect: str | None = None,
) -> list[NormAction]:
    """All actions of the texts of one call, without duplicates.

    Args:
        reading: What was read of the call; `sql` holds the arguments with statements.
        entry: db.execute, or the action that the tool is mapped to; the latter is judged as well.
        dialect: Of the server, if the mapping knows it. What the call says of it is not believed.
    """
    texts: list[tuple[str, SqlText]] = []
    for item in reading.sql:
        for text in _texts(item):
            if text is None or len(texts) >= MAX_TEXTS:
                texts.append(("", _unread(item)))
                break
            texts.append((text, memory.read(text, dialect)))
    if len(texts) > 1:  # a list may be run as one text: what starts in one may end in the next
        joined = ";\n".join(text for text, _ in texts)
        texts.append((joined, memory.read(joined, dialect)))
    statements = list(dict.fromkeys(s for _, read in texts for s in read.statements))
    marks = frozenset[str]().union(*[read.marks for _, read in texts])
    facts = reading.facts
    name = reading.sql[0].name
    _describe(facts, name, texts, statements, marks)
    if any(statement.verb in _WRITES_VALUES for statement in statements):
        _look_for_secrets(facts, texts)
    base = {key: facts[key] for key in facts if key in _PASSED or key.startswith("content.")}
    actions: dict[tuple[str, str], NormAction] = {}
    missing = False
    for statement in statements:
        for action, extra in _of(statement):
            target = catalog.actions.get(action)
            if target is None:  # no pack has it: what is left is the text as a whole
                missing = True
                continue
            own = Reading(org)
            own.facts = {**base, **extra}
            if statement.verb == "copy_out":
                own.facts.update(_destination(statement, target, org))
            actions.setdefault(
                (action, repr(sorted(extra.items(), key=_first))), norm_action(target, own, "sql")
            )
    own_action = entry.template.action
    result = list(actions.values())
    more = missing or not _is_plain(statements, marks) or facts.get("extra.external") is True
    if own_action != EXECUTE or more:
        result.append(norm_action(entry, reading, origin))
    if more and own_action != EXECUTE:
        result.extend(_execute(catalog, facts, name, base, org))
    result.extend(_reached(statements, reading, catalog, org, origin))
    return result


def _first(item: tuple[str, Fact]) -> str:
    return item[0]


def _texts(item: Bound) -> Iterator[str | None]:
    """The texts of an argument; None for one that is something else."""
    value = item.value
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        yield from leaves(value)
    else:
        yield None


def _unread(item: Bound) -> SqlText:
    """Statements in some other form than text, such as a pipeline of documents, or too many."""
    words = folded_words(" ".join(leaves(item.value)))
    return SqlText((), frozenset({"unreadable"}) | word_marks(words, ()), words)


def _describe(
    facts: dict[str, Fact],
    name: str,
    texts: Sequence[tuple[str, SqlText]],
    statements: Sequence[SqlStatement],
    marks: frozenset[str],
) -> None:
    facts[f"{name}.statements"] = len(statements)
    facts[f"{name}.verbs"] = frozenset([statement.verb for statement in statements])
    facts[f"{name}.tables"] = frozenset[str]().union(*[item.tables for item in statements])
    facts[f"{name}.columns"] = frozenset[str]().union(*[item.columns for item in statements])
    facts[f"{name}.functions"] = frozenset[str]().union(*[item.functions for item in statements])
    facts[f"{name}.words"] = frozenset[str]().union(*[read.words for _, read in texts])
    if marks:
        facts[f"{name}.marks"] = marks


def _look_for_secrets(facts: dict[str, Fact], texts: Sequence[tuple[str, SqlText]]) -> None:
    for text, _ in texts:
        if find_secrets(text):
            facts["content.secrets"] = True
        if find_personal(text):
            facts["content.personal"] = True


def _is_plain(statements: Sequence[SqlStatement], marks: frozenset[str]) -> bool:
    """Whether the actions of the statements say all there is to say."""
    verbs = {statement.verb for statement in statements}
    if not statements or verbs == {"transaction"}:
        return False
    left = marks
    if not verbs.isdisjoint(_ANSWERED):
        left = marks - _MILD
    if verbs == {"copy_out"} and _is_copied_plainly(statements):
        left = left - _COPIED
    return not left and verbs <= _ACTION.keys() | {"transaction"}


def _is_copied_plainly(statements: Sequence[SqlStatement]) -> bool:
    return all(len(item.paths) + len(item.urls) == 1 and not item.programs for item in statements)


def _of(statement: SqlStatement) -> Iterator[tuple[str, dict[str, Fact]]]:
    """The actions of one statement with their facts."""
    action = _ACTION.get(statement.verb)
    if action is None:
        return
    facts: dict[str, Fact] = {}
    match statement.verb:
        case "select":
            _names(facts, "table", statement.tables)
            _names(facts, "columns", statement.columns)
            facts["statement.statements"] = 1
            _filter(facts, statement)
            if statement.limit is not None:
                facts["limit"] = statement.limit
        case "insert" | "update" | "delete" | "merge" | "copy_in":
            _names(facts, "table", statement.objects or statement.tables)
            facts["statement.statements"] = 1
            _filter(facts, statement)
        case "create" | "alter" | "drop" | "truncate":
            _names(facts, "name", statement.objects or statement.tables)
            if statement.kind:
                facts["kind"] = statement.kind
            facts["cascade"] = statement.cascade
            _names(facts, "change", statement.changes)
        case "grant" | "revoke":
            facts["right"] = statement.right
            if statement.grantee:
                facts["grantee"] = statement.grantee
            facts["object"] = " ".join(sorted(statement.objects))
            facts["option"] = statement.cascade
        case "copy_out":
            _names(facts, "table", statement.tables | statement.columns)
        case _:
            _names(facts, "table", statement.tables)
    if statement.marks:
        facts["statement.marks"] = statement.marks
    yield action, facts
    if statement.verb == "merge" and "delete" in statement.changes:
        yield "db.delete", facts


def _destination(statement: SqlStatement, entry: ActionEntry, org: Organisation) -> dict[str, Fact]:
    """Where a copy goes, as far as it can be read."""
    facts: dict[str, Fact] = {}
    for name, words in (("path", statement.paths), ("url", statement.urls)):
        spec = entry.parameters.get(name)
        if spec is not None and words:
            try:
                bound = Bound(name, spec.kind, "statement", words[0], spec.patterns)
                found = read_parameters([bound], org).facts
            except InvalidInput:
                continue  # db.execute carries the mark of what it reaches
            facts.update((key, found[key]) for key in found if key.startswith(name))
    return facts


def _names(facts: dict[str, Fact], name: str, names: frozenset[str]) -> None:
    if names:
        facts[f"{name}.names"] = frozenset([each.replace("/", ".") for each in names])
        facts[f"{name}.length"] = sum(map(len, names))


def _filter(facts: dict[str, Fact], statement: SqlStatement) -> None:
    """A condition that limits nothing counts as none."""
    if statement.filtered:
        facts["filter.length"] = 1
        facts["filter.names"] = _WHERE


def _execute(
    catalog: Catalog, facts: dict[str, Fact], name: str, base: dict[str, Fact], org: Organisation
) -> Iterator[NormAction]:
    entry = catalog.actions.get(EXECUTE)
    if entry is not None:
        own = Reading(org)
        own.facts = dict(base)
        for key, value in facts.items():
            if key.startswith(f"{name}."):
                own.facts[f"query.{key[len(name) + 1 :]}"] = value
        yield norm_action(entry, own, "sql")


def _reached(
    statements: Sequence[SqlStatement],
    reading: Reading,
    catalog: Catalog,
    org: Organisation,
    origin: str,
) -> Iterator[NormAction]:
    """What statements do outside the database: commands, files, addresses."""
    shell = catalog.actions.get("process.shell")
    seen: set[str] = set()
    for statement in statements:
        for program in statement.programs:
            if shell is not None and program not in seen:
                seen.add(program)
                own = Reading(org)
                own.facts = {k: v for k, v in reading.facts.items() if k == "environment"}
                yield from shell_actions(parse_shell(program), own, shell, catalog, org, origin)
        writes = statement.verb == "copy_out"
        for action, parameter, words in (
            ("files.write" if writes else "files.read", "path", statement.paths),
            ("network.http_get", "url", () if writes else statement.urls),
        ):
            entry = catalog.actions.get(action)
            spec = None if entry is None else entry.parameters.get(parameter)
            if entry is None or spec is None:
                continue
            for word in words:
                if word not in seen:
                    seen.add(word)
                    try:
                        bound = Bound(parameter, spec.kind, "statement", word, spec.patterns)
                        yield norm_action(entry, read_parameters([bound], org), "sql")
                    except InvalidInput:
                        continue  # db.execute carries the mark of what it reaches
