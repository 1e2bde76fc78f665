"""From a tree to statements: what is read, changed, created and called.

Guarantees:
  * every table, column and function in the tree is named, however deep it stands and whatever it is
    called in the query;
  * a change inside another statement is a statement of its own, marked "nested_write";
  * a read is free of marks only if every node of its tree is one that is known to compute only, and
    every function is in words.PURE.
Imported when the first statement comes, since it needs the parser's classes.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from permit0.normalize.sql.filters import limits
from permit0.normalize.sql.nodes import CALM_NODES, WRITE_NODES
from permit0.normalize.sql.readings import BACKSLASH
from permit0.normalize.sql.values import SqlStatement
from permit0.normalize.sql.words import EFFECTS, GATHERING, PSEUDO_COLUMNS, PURE

__all__ = ["read_tree"]

_CHANGES = (
    exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Drop, exp.Alter,
    exp.TruncateTable,
)  # fmt: skip
_VERB: dict[type[exp.Expr], str] = {
    exp.Insert: "insert", exp.Update: "update", exp.Delete: "delete", exp.Merge: "merge",
    exp.Create: "create", exp.Drop: "drop", exp.Alter: "alter", exp.TruncateTable: "truncate",
}  # fmt: skip
_CATALOGS = frozenset({"pg_catalog", "sys", "information_schema"})
_BY_NAME = (exp.Anonymous, exp.AnonymousAggFunc, exp.CombinedAggFunc, exp.ParameterizedAgg)
_PLAIN_HINTS = frozenset({"nolock", "readuncommitted", "readpast", "noexpand", "forceseek"})
_AGGREGATES = (exp.Count, exp.Sum, exp.Avg, exp.Min, exp.Max)
_SHELLS = (exp.Alias, exp.Round, exp.Coalesce, exp.Cast, exp.Paren)
# What may be inside a name that is no address or file to any server.
_FILE_SIGNS = frozenset("/\\:*?" + BACKSLASH)
_FILE_ENDINGS = (
    ".csv", ".tsv", ".parquet", ".json", ".jsonl", ".ndjson", ".gz", ".zst", ".xlsx", ".txt", ".db",
    ".sqlite", ".orc", ".avro", ".arrow",
)  # fmt: skip
REMOTE_PARTS = 4  # server.database.schema.table
_SELF_READING = frozenset(
    {"csv", "parquet", "json", "text", "delta", "orc", "avro", "iceberg", "binaryfile", "jdbc"}
)
"""Schemas of Spark under which a name is a file."""


def read_tree(tree: exp.Expr) -> list[SqlStatement]:
    """The statement of a tree and the changes inside it."""
    nodes = list(tree.walk())
    found = [_statement(tree, nodes, nested=False)]
    for node in nodes:
        if isinstance(node, _CHANGES):
            part = isinstance(tree, exp.Alter) or isinstance(node.parent, exp.Merge | exp.When)
            if node is not tree and not part:
                found.append(_statement(node, list(node.walk()), nested=True))
    if not isinstance(tree, exp.Query | exp.Values):
        found += [
            _statement(node, list(node.walk()), nested=False)
            for node in nodes
            if isinstance(node, exp.Query) and _reads(node, tree)
        ]
    return found


def _reads(query: exp.Expr, tree: exp.Expr) -> bool:
    """Whether a query inside a change reads tables and is not part of a larger one."""
    above = query.parent
    while above is not None and above is not tree:
        if isinstance(above, exp.Query):
            return False
        above = above.parent
    return query.find(exp.Table) is not None


def _statement(node: exp.Expr, nodes: Sequence[exp.Expr], *, nested: bool) -> SqlStatement:
    marks: set[str] = set()
    tables: set[str] = set()
    columns: set[str] = set()
    functions: set[str] = set()
    own = {part.alias.casefold() for part in nodes if isinstance(part, exp.CTE)}
    dual = False
    verb = _VERB.get(type(node), "select")
    for part in nodes:
        kind = type(part).__name__
        if isinstance(part, exp.Table):
            name = _table_name(part)
            if name and name not in own:
                tables.add(name)
                dual = dual or name == "dual"
            _check_table(part, marks)
        elif isinstance(part, exp.Column):
            columns.add(_text(part.name) or "*")
        elif isinstance(part, exp.Star) and not isinstance(part.parent, exp.Count):
            columns.add("*")
        elif isinstance(part, exp.Func) and kind not in CALM_NODES:
            functions.add(_function(part, marks))
        if kind in CALM_NODES or isinstance(part, exp.Func):
            continue
        if isinstance(part, exp.WithTableHint):
            hints = {_text(hint.name) for hint in part.expressions}
            if hints <= _PLAIN_HINTS:
                continue
        if verb == "select" and kind not in _NAMED_APART:
            marks.add("nested_write" if isinstance(part, _CHANGES) else "construct")
        elif verb != "select" and kind not in WRITE_NODES and verb not in ("alter", "drop"):
            marks.add("construct")
    if dual and columns - PSEUDO_COLUMNS - {"*"}:
        marks.add("function")  # Oracle calls functions without brackets
    if nested:
        marks.add("nested_write")
    base = SqlStatement(
        verb=verb,
        tables=frozenset(tables),
        columns=frozenset(columns),
        functions=frozenset(functions),
        marks=frozenset(marks),
    )
    return _completed(base, node, nodes, gathers=not GATHERING.isdisjoint(functions))


_NAMED_APART = frozenset({"Table", "Column", "Star"})


def _completed(
    base: SqlStatement, node: exp.Expr, nodes: Sequence[exp.Expr], *, gathers: bool
) -> SqlStatement:
    from msgspec.structs import replace  # keeps the names of this module short

    where = node.args.get("where")
    match base.verb:
        case "select":
            return replace(
                base, filtered=_all_filtered(nodes), limit=None if gathers else _limit(node)
            )
        case "update" | "delete":
            return replace(base, filtered=limits(where), objects=_joined(node, nodes))
        case "insert" | "merge":
            marks = base.marks
            if (
                node.args.get("conflict")
                or node.args.get("overwrite")
                or node.args.get("alternative")
            ):
                marks |= {"replaces"}
            deletes = any(isinstance(p, exp.Var) and p.name.casefold() == "delete" for p in nodes)
            if base.verb == "merge" and deletes:
                base = replace(base, changes=frozenset({"delete"}))
            if base.verb == "insert" and isinstance(node.this, exp.Func):
                marks |= {"construct"}
            return replace(base, objects=_targets(node), marks=marks)
        case "alter":
            words = {type(action).__name__.casefold() for action in node.args.get("actions") or ()}
            return replace(base, objects=_targets(node), changes=frozenset(words))
        case _:
            marks = base.marks | {"replaces"} if node.args.get("replace") else base.marks
            return replace(base, objects=_targets(node), marks=marks)


def _targets(node: exp.Expr) -> frozenset[str]:
    found: set[str] = set()
    for part in (node.this, *(node.args.get("tables") or ()), *(node.expressions or ())):
        table = part.find(exp.Table) if isinstance(part, exp.Expr) else None
        if table is not None:
            found.add(_table_name(table))
    return frozenset(found - {""})


def _joined(node: exp.Expr, nodes: Sequence[exp.Expr]) -> frozenset[str]:
    """All tables that a change joins: MySQL lets it change any of them."""
    found: set[str] = set()
    for table in nodes:
        if isinstance(table, exp.Table):
            above = table.parent
            while above is not None and above is not node and not isinstance(above, exp.Query):
                above = above.parent
            if above is node:
                found.add(_table_name(table))
    return frozenset(found - {""})


def _text(name: str) -> str:
    return name.replace(BACKSLASH, "\\").casefold()


def _table_name(table: exp.Table) -> str:
    parts = [_text(part.name) for part in table.parts if isinstance(part, exp.Identifier)]
    return ".".join(parts).replace("/", ".") if parts else ""


def _check_table(table: exp.Table, marks: set[str]) -> None:
    """Names that some servers open as files or addresses, and sources that are no tables."""
    name = _text(table.name)
    if not _FILE_SIGNS.isdisjoint(name) or name.endswith(_FILE_ENDINGS):
        marks.add("network" if "://" in name else "file")
    if table.db.casefold() in _SELF_READING and not name.isidentifier():
        marks.add("file")
    if isinstance(table.this, exp.Literal | exp.Parameter | exp.Placeholder) or "@" in name:
        marks.add("file")
    if len(table.parts) >= REMOTE_PARTS:
        marks.add("network")
    if table.args.get("changes") or table.args.get("format") or table.args.get("pattern"):
        marks.add("file")


def _function(node: exp.Func, marks: set[str]) -> str:
    """The name of a function; a mark unless it is known to compute only."""
    anonymous = isinstance(node, _BY_NAME)
    names = [_text(node.name)] if anonymous else [name.casefold() for name in node.sql_names()]
    name = names[0]
    parent = node.parent
    owner = ""
    if isinstance(parent, exp.Dot) and parent.expression is node:
        owner = _text(parent.this.sql()).strip('"')
        if owner not in _CATALOGS:
            marks.add(EFFECTS.get(f"{owner}.{name}") or EFFECTS.get(owner) or "function")
    effect = next((EFFECTS[each] for each in names if each in EFFECTS), None)
    if effect is not None:
        marks.add(effect)
    elif PURE.isdisjoint(names):
        marks.add("function")
    return f"{owner}.{name}" if owner else name


def _all_filtered(nodes: Sequence[exp.Expr]) -> bool:
    """Whether every read of a table inside is limited by a condition."""
    found = False
    for select in nodes:
        if not isinstance(select, exp.Select):
            continue
        source = select.args.get("from_") or select.args.get("from")
        if source is None or not isinstance(source.this, exp.Table):
            continue
        found = True
        if not limits(select.args.get("where")):
            return False
    return found


def _limit(node: exp.Expr) -> int | None:
    """Rows that come back at most."""
    while isinstance(node, exp.Subquery | exp.Paren) and not node.args.get("limit"):
        node = node.this
    clause = node.args.get("limit")
    if isinstance(clause, exp.Limit | exp.Fetch):
        value = clause.expression if isinstance(clause, exp.Limit) else clause.args.get("count")
        while isinstance(value, exp.Paren):
            value = value.this
        limit_options = clause.args.get("limit_options")
        if limit_options is not None and limit_options.args.get("percent"):
            return None
        if isinstance(value, exp.Literal) and str(value.this).isdigit():
            return int(value.this)
        return None
    if isinstance(node, exp.Select) and not node.args.get("group") and node.expressions:
        return 1 if all(map(_is_aggregate, node.expressions)) else None
    return None


def _is_aggregate(node: exp.Expr) -> bool:
    while isinstance(node, _SHELLS):
        node = node.this
    return isinstance(node, _AGGREGATES)
