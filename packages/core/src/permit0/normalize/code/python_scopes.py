"""Names that a Python program loads without having surely bound them before.

An interpreter that keeps its state, and one that hands tools to the code as functions, has names of its
own. A name counts as the program's only where a statement that has run by then has bound it: a name
bound in a branch, or later, may still be the interpreter's.

Guarantees: at module level a name is bound in the order of statements; a function's body counts from
the first statement that is no definition; names that are local to a function are its own, since
Python itself takes them for unbound rather than for global.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

__all__ = ["unbound_loads"]

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_ENDING = (ast.Return, ast.Raise, ast.Continue, ast.Break)


def unbound_loads(tree: ast.Module, known: Iterable[str]) -> Iterator[str]:
    """The names, in no particular order."""
    walk = _Walk()
    walk.block(tree.body, set(known), frozenset(), top=True)
    walk.flush(walk.last)
    yield from walk.found


class _Walk:
    def __init__(self) -> None:
        self.found: list[str] = []
        self.last: set[str] = set()
        self._later: list[tuple[_Function | ast.Lambda, frozenset[str]]] = []

    def flush(self, known: set[str]) -> None:
        """Read the bodies of the functions that could run from now on."""
        while self._later:
            waiting, self._later = self._later, []
            for function, outer in waiting:
                local = outer | _local_names(function)
                if isinstance(function, ast.Lambda):
                    self.expression(function.body, known, local)
                else:
                    self.block(function.body, set(known), local, top=False)

    def block(
        self, body: list[ast.stmt], known: set[str], local: frozenset[str], *, top: bool
    ) -> set[str]:
        for statement in body:
            if top and not isinstance(
                statement, _Function | ast.ClassDef | ast.Import | ast.ImportFrom | ast.Pass
            ):
                self.flush(known)
            known = self._statement(statement, known, local, top=top)
            if top:
                self.last = known
        return known

    def _statement(
        self, node: ast.stmt, known: set[str], local: frozenset[str], *, top: bool
    ) -> set[str]:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._all([*node.decorator_list, *_defaults(node.args)], known, local)
                if node.returns is not None:
                    self.expression(node.returns, known, local)
                known = known | {node.name}
                self._later.append((node, local))
                if node.decorator_list and top:
                    self.flush(known)  # a decorator may call it at once
                return known
            case ast.ClassDef():
                self._all([*node.decorator_list, *node.bases], known, local)
                self._all([k.value for k in node.keywords], known, local)
                self.block(node.body, set(known), local, top=False)
                return known | {node.name}
            case ast.If():
                self.expression(node.test, known, local)
                return _both(
                    (
                        node.body,
                        self.block(node.body, known | _walrus(node.test), local, top=False),
                    ),
                    (node.orelse, self.block(node.orelse, set(known), local, top=False)),
                )
            case ast.For() | ast.AsyncFor():
                self.expression(node.iter, known, local)
                after = self.block(node.body, known | _targets(node.target), local, top=False)
                self.block(node.orelse, set(known), local, top=False)
                return after if _runs(node.iter) else known
            case ast.While():
                self.expression(node.test, known, local)
                after = self.block(node.body, known | _walrus(node.test), local, top=False)
                self.block(node.orelse, set(known), local, top=False)
                return after if isinstance(node.test, ast.Constant) and node.test.value else known
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    self.expression(item.context_expr, known, local)
                    if item.optional_vars is not None:
                        known = known | _targets(item.optional_vars)
                return self.block(node.body, known, local, top=False)
            case ast.Try() | ast.TryStar():
                ways = [(node.body, self.block(node.body, set(known), local, top=False))]
                for handler in node.handlers:
                    names = {handler.name} if handler.name else set()
                    if handler.type is not None:
                        self.expression(handler.type, known, local)
                    done = self.block(handler.body, known | names, local, top=False)
                    ways.append((handler.body, done - names))
                tried = _both(*ways)
                self.block(node.orelse, ways[0][1], local, top=False)
                return (
                    self.block(node.finalbody, tried, local, top=False) if node.finalbody else tried
                )
            case ast.Match():
                self.expression(node.subject, known, local)
                for case in node.cases:
                    names = {
                        n.name or ""
                        for n in ast.walk(case.pattern)
                        if isinstance(n, ast.MatchAs | ast.MatchStar)
                    } | {
                        n.rest or ""
                        for n in ast.walk(case.pattern)
                        if isinstance(n, ast.MatchMapping)
                    }
                    if case.guard is not None:
                        self.expression(case.guard, known | names, local)
                    self._all(
                        [n for n in ast.walk(case.pattern) if isinstance(n, ast.expr)], known, local
                    )
                    self.block(case.body, known | names, local, top=False)
                return known
            case ast.Delete():
                return known - {t.id for t in node.targets if isinstance(t, ast.Name)}
            case ast.Import() | ast.ImportFrom():
                return known | {(a.asname or a.name).partition(".")[0] for a in node.names}
            case _:
                self._all(
                    [n for n in ast.iter_child_nodes(node) if isinstance(n, ast.expr)], known, local
                )
                if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
                    self._load(node.target.id, known, local)
                if isinstance(node, ast.Assign):
                    for target in node.targets:
                        known = known | _targets(target)
                elif isinstance(node, ast.AnnAssign) and node.value is not None:
                    known = known | _targets(node.target)
                elif isinstance(node, ast.Expr):
                    known = known | _walrus(node.value)
                return known

    def _all(self, nodes: Iterable[ast.expr], known: set[str], local: frozenset[str]) -> None:
        for node in nodes:
            self.expression(node, known, local)

    def _load(self, name: str, known: set[str], local: frozenset[str]) -> None:
        if name not in known and name not in local:
            self.found.append(name)

    def expression(self, node: ast.expr, known: set[str], local: frozenset[str]) -> None:
        match node:
            case ast.Name(ctx=ast.Load(), id=name):
                self._load(name, known, local)
            case ast.Lambda():
                self._all(_defaults(node.args), known, local)
                # May be called where it stands: with what is bound by now.
                self.expression(node.body, known, local | _local_names(node))
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                inner = local
                for part in node.generators:
                    self.expression(part.iter, known, inner)
                    inner = inner | _targets(part.target)
                    self._all(part.ifs, known, inner)
                if isinstance(node, ast.DictComp):
                    self._all([node.key, node.value], known, inner)
                else:
                    self.expression(node.elt, known, inner)
            case _:
                for child in ast.iter_child_nodes(node):
                    if isinstance(child, ast.expr):
                        self.expression(child, known, local)
                    elif isinstance(child, ast.keyword):
                        self.expression(child.value, known, local)


def _defaults(args: ast.arguments) -> list[ast.expr]:
    every = [*args.posonlyargs, *args.args, *args.kwonlyargs]
    extra = [arg for arg in (args.vararg, args.kwarg) if arg is not None]
    found = [*args.defaults, *(d for d in args.kw_defaults if d is not None)]
    return found + [arg.annotation for arg in (*every, *extra) if arg.annotation is not None]


def _local_names(function: _Function | ast.Lambda) -> frozenset[str]:
    args = function.args
    every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
    names = {arg.arg for arg in every if arg is not None}
    if isinstance(function, ast.Lambda):
        return frozenset(names)
    outside: set[str] = set()
    stack: list[ast.AST] = list(function.body)
    while stack:
        node = stack.pop()
        match node:
            case ast.Global(names=declared) | ast.Nonlocal(names=declared):
                outside.update(declared)
            case (
                ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
                | ast.ClassDef(name=name)
            ):
                names.add(name)
                continue
            case (
                ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp()
            ):
                names |= _walrus(node)
                continue
            case ast.Name(ctx=ast.Store(), id=name):
                names.add(name)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                names.update((a.asname or a.name).partition(".")[0] for a in aliases)
            case ast.ExceptHandler(name=str() as name):
                names.add(name)
            case ast.MatchAs(name=str() as name) | ast.MatchStar(name=str() as name):
                names.add(name)
            case _:
                pass
        stack.extend(ast.iter_child_nodes(node))
    return frozenset(names - outside)


def _targets(target: ast.expr) -> set[str]:
    return {
        n.id for n in ast.walk(target) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }


def _walrus(node: ast.expr) -> set[str]:
    """Names that an expression binds, wherever it stands: only Python's own branches skip one."""
    if not isinstance(node, ast.NamedExpr | ast.Compare | ast.Call):
        return set()
    return {n.target.id for n in ast.walk(node) if isinstance(n, ast.NamedExpr)}


def _both(*ways: tuple[list[ast.stmt], set[str]]) -> set[str]:
    """What is bound whichever way is taken; a way that leaves does not count."""
    staying = [known for body, known in ways if not (body and isinstance(body[-1], _ENDING))]
    return set.intersection(*staying) if staying else set.intersection(*(k for _, k in ways))


def _runs(iterated: ast.expr) -> bool:
    """Whether a loop surely runs at least once."""
    match iterated:
        case ast.List(elts=elts) | ast.Tuple(elts=elts) | ast.Set(elts=elts):
            return bool(elts) and not any(isinstance(e, ast.Starred) for e in elts)
        case ast.Constant(value=str() as text):
            return bool(text)
        case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int() as stop)]):
            return stop > 0
        case ast.Call(
            func=ast.Name(id="range"),
            args=[ast.Constant(value=int() as start), ast.Constant(value=int() as stop), *rest],
        ):
            return not rest and start < stop
        case _:
            return False
