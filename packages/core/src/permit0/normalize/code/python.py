"""Read a Python program: which modules, names and members it uses, and what they can do.

Guarantees:
  * calm only by list: a program has no feature if every module that it imports, every name that it
    loads and every member that it reaches is on a list of pure ones (python_names), or was made by
    the program itself before it is used; anything else is "unknown" at least;
  * what makes names out of text (getattr, eval, __import__, members with two underscores, format
    of texts that are not literal) is "dynamic"; literal code inside is read as well;
  * never raises and runs nothing; at most MAX_CODE_BYTES, one parse and three walks of the tree;
    what Python's own parser gives up on (depth, memory, numbers) is "unreadable".
Does not: follow values through calls; know what earlier calls left in an interpreter that keeps
its state, except that names from there are "unknown".
"""

from __future__ import annotations

import ast

from permit0.normalize.code.features import MAX_CODE_BYTES, MAX_NESTED, Code
from permit0.normalize.code.python_calls import (
    BY_TEXT,
    CODE_CALLS,
    COMMANDS,
    DUNDER,
    EXPORTS,
    FIELD,
    MEMORY,
    SELF,
    WRITES,
    first_words,
    is_listed,
    keyword,
    target_names,
)
from permit0.normalize.code.python_members import (
    is_plain_member,
    path_features,
    unlisted_features,
)
from permit0.normalize.code.python_names import (
    DUNDERS,
    KNOWN_BUILTINS,
    KNOWN_MEMBERS,
    KNOWN_MODULES,
    PURE_BUILTINS,
    PURE_MEMBERS,
    PURE_MODULES,
    THIRD_PARTY,
)
from permit0.normalize.code.python_parse import has_odd_encoding, parse_program
from permit0.normalize.code.python_scopes import unbound_loads
from permit0.normalize.code.words import dangerous_words, is_credential_text

__all__ = ["read_python"]


def read_python(text: str, *, nested: int = 0) -> Code:
    """Read one program, or the cells of a notebook."""
    if len(text) > MAX_CODE_BYTES or len(text.encode("utf-8", "replace")) > MAX_CODE_BYTES:
        return Code(frozenset({"unreadable", *dangerous_words(text[:MAX_CODE_BYTES])}))
    tree = parse_program(text)
    if tree is None:
        words = set(dangerous_words(text))
        if is_credential_text(text):
            words.add("secrets")
        return Code(frozenset({"unreadable", *words}), (text,))
    try:
        reader = _Reader(tree, nested)
        features = reader.read()
    except RecursionError:  # the caller's stack may be deep already
        return Code(frozenset({"unreadable", *dangerous_words(text)}), (text,))
    if has_odd_encoding(text):
        features.add("dynamic")
    return Code(frozenset(features), tuple(reader.texts), tuple(reader.commands))


class _Reader:
    def __init__(self, tree: ast.Module, nested: int) -> None:
        self._tree = tree
        self._nested = nested
        self._nodes = list(ast.walk(tree))
        self._features: set[str] = set()
        self._origins: dict[str, set[str]] = {}
        self._made: set[str] = set()  # members that the program's own classes have
        self._instances: set[str] = set(SELF)
        self._values: dict[str, list[ast.expr]] = {}
        self._foreign = False
        self._judged: set[int] = set()  # nodes that their call has judged
        self.texts: list[str] = []
        self.commands: list[str] = []

    def read(self) -> set[str]:
        self._collect()
        self._follow_aliases()
        for node in self._nodes:
            match node:
                case ast.Attribute():
                    self._member(node)
                case ast.Name(ctx=ast.Load()):
                    self._name(node)
                case ast.Call():
                    self._call(node)
                case ast.Constant(value=str() | bytes() as value):
                    self._text(value if isinstance(value, str) else value.decode("latin-1"))
                case ast.BinOp(op=ast.Add()) | ast.JoinedStr():
                    joined = self._literal(node)
                    if joined is not None:
                        self._text(joined)
                case _:
                    pass
        known = set(self._origins) | PURE_BUILTINS | KNOWN_BUILTINS.keys()
        if next(unbound_loads(self._tree, known), None) is not None:
            self._features.add("unknown")
        return self._features

    # 1. What the program binds.

    def _collect(self) -> None:
        for node in self._nodes:
            match node:
                case ast.Import(names=names):
                    for alias in names:
                        root = alias.name.partition(".")[0]
                        self._import(alias.name)
                        bound = alias.asname or root
                        self._origins.setdefault(bound, set()).add(
                            (alias.asname and alias.name) or root
                        )
                case ast.ImportFrom(module=module, names=names, level=level):
                    if level or module is None:
                        self._features.add("unknown")
                        continue
                    self._import(module)
                    for alias in names:
                        if alias.name == "*":
                            self._star(module)
                        else:
                            origin = f"{module}.{alias.name}"
                            self._origins.setdefault(alias.asname or alias.name, set()).add(origin)
                            self._dotted(origin)
                case ast.ClassDef(name=name, body=body):
                    for item in body:
                        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
                            self._made.add(item.name)
                        elif isinstance(item, ast.Assign | ast.AnnAssign):
                            self._made.update(target_names(item))
                    self._values.setdefault(name, [])
                case ast.Assign(targets=targets, value=value):
                    for target in targets:
                        self._assigned(target, value)
                case ast.AnnAssign(target=target, value=value) if value is not None:
                    self._assigned(target, value)
                case ast.NamedExpr(target=target, value=value):
                    self._assigned(target, value)
                case ast.Attribute(ctx=ast.Store(), attr=attr, value=ast.Name(id=owner)):
                    if owner in SELF:
                        self._made.add(attr)
                case _:
                    pass

    def _assigned(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self._values.setdefault(target.id, []).append(value)
        elif isinstance(target, ast.Tuple | ast.List):
            values = value.elts if isinstance(value, ast.Tuple | ast.List) else ()
            for item, part in zip(target.elts, values, strict=False):
                self._assigned(item, part)

    def _follow_aliases(self) -> None:
        """`f = os.system` and `g = f`: names of functions and modules under other names."""
        classes = {n.name for n in self._nodes if isinstance(n, ast.ClassDef)}
        for _ in range(4):
            for name, values in self._values.items():
                for value in values:
                    found = self._paths(value)
                    if found:
                        self._origins.setdefault(name, set()).update(found)
        for name, values in self._values.items():
            if values and all(
                isinstance(v, ast.Call) and isinstance(v.func, ast.Name) and v.func.id in classes
                for v in values
            ):
                self._instances.add(name)

    def _paths(self, node: ast.expr) -> set[str]:
        """What a chain of names leads to: {"os.system"}; empty if it starts at a value."""
        attributes: list[str] = []
        while isinstance(node, ast.Attribute):
            attributes.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return set()
        tail = "".join("." + attr for attr in reversed(attributes))
        return {origin + tail for origin in self._origins.get(node.id, ())}

    # 2. What the modules and members that it uses do.

    def _import(self, module: str) -> None:
        root = module.partition(".")[0]
        self._foreign = self._foreign or root in THIRD_PARTY
        if root in PURE_MODULES:
            below = module.partition(".")[2]
            names = PURE_MODULES[root]
            if (
                below
                and "*" not in names
                and not any(name == below or name.startswith(below + ".") for name in names)
            ):
                self._features.update(unlisted_features(module))
        elif root == "os":
            pass  # judged by its members
        else:
            self._features.update(KNOWN_MODULES.get(root, ("unknown",)))

    def _star(self, module: str) -> None:
        names = PURE_MODULES.get(module, frozenset())
        if module == "math":
            import math

            names = frozenset(dir(math))
        elif "*" in names or not names:
            self._features.add("unknown")
        for name in names:
            self._origins.setdefault(name, set()).add(f"{module}.{name}")

    def _dotted(self, path: str) -> None:
        """A member of a module, by its whole name."""
        self._features |= path_features(path)

    def _member(self, node: ast.Attribute) -> None:
        if id(node) in self._judged and node.attr in KNOWN_MEMBERS:
            return
        paths = self._paths(node)
        for path in paths:
            self._dotted(path)
        attr = node.attr
        if isinstance(node.ctx, ast.Store | ast.Del):
            owner = node.value
            if not (isinstance(owner, ast.Name) and owner.id in self._instances):
                self._features.add("unknown")
            return
        if attr in KNOWN_MEMBERS and not (paths and all(map(is_listed, paths))):
            self._features.update(KNOWN_MEMBERS[attr])
            return
        if attr in BY_TEXT or attr in ("format", "format_map"):
            if id(node) not in self._judged:
                self._features.add("dynamic" if attr[:6] == "format" else "unknown")
            return
        if paths or attr in PURE_MEMBERS or attr in DUNDERS:
            return
        if attr == "__class__":
            return  # only its name is of use: whatever follows is looked at by itself
        if attr.startswith("__") or attr.endswith("__"):
            self._features.add("dynamic")
            return
        owner = node.value
        own = isinstance(owner, ast.Name) and owner.id in self._instances
        if not (attr in self._made and (own or not self._foreign)):
            self._features.add("unknown")

    def _name(self, node: ast.Name) -> None:
        name = node.id
        for origin in self._origins.get(name, ()):
            self._dotted(origin)
        features = KNOWN_BUILTINS.get(name)
        if features is not None and id(node) not in self._judged:
            self._features.update(features or ("unknown",))
        elif name.startswith("__") and name not in DUNDERS:
            self._features.add("dynamic")

    # 3. Calls whose arguments say what they do.

    def _call(self, node: ast.Call) -> None:
        func = node.func
        names = self._names(func)
        if isinstance(func, ast.Name):
            self._builtin_call(func.id, node)
        first = self._literal(node.args[0]) if node.args else None
        if names & COMMANDS:
            for value in first_words(node):
                text = self._literal(value)
                if text is not None:
                    self.commands.append(text)
        if names & CODE_CALLS and first is not None and self._nested < MAX_NESTED:
            inner = read_python(first, nested=self._nested + 1)
            self._features |= inner.features - {"unknown"}
            self.texts += inner.texts
            self.commands += inner.commands
        if isinstance(func, ast.Attribute):
            self._member_call(func, node)

    def _builtin_call(self, name: str, node: ast.Call) -> None:
        if name in ("open", "type", "getattr", "hasattr"):
            self._judged.add(id(node.func))
        if name == "open":
            mode = node.args[1] if len(node.args) > 1 else keyword(node, "mode")
            text = "r" if mode is None else self._literal(mode)
            if text is None or not WRITES.isdisjoint(text):
                self._features.add("files_write")
            if text is None or "r" in text or "+" in text:
                self._features.add("files_read")
        elif name in ("getattr", "hasattr"):
            attr = self._literal(node.args[1]) if len(node.args) > 1 else None
            self._features.update(KNOWN_MEMBERS.get(attr or "", ()))
            if attr is None or not is_plain_member(attr):
                self._features.add("dynamic")
        elif name == "type" and (len(node.args) != 1 or node.keywords):
            self._features.add("dynamic")
        elif name == "print" and any(k.arg in ("file", None) for k in node.keywords):
            target = keyword(node, "file")
            if target is None or self._paths(target) - {"sys.stderr", "sys.stdout"}:
                self._features.add("unknown")

    def _member_call(self, func: ast.Attribute, node: ast.Call) -> None:
        attr = func.attr
        if attr in ("format", "format_map", *BY_TEXT):
            self._judged.add(id(func))
        if attr.startswith("read_") or attr in ("loadtxt", "genfromtxt"):
            self._reads(func, node)
        elif (
            attr in EXPORTS
            and not node.args
            and not any(k.arg in ("buf", "path_or_buf", "path", None) for k in node.keywords)
        ):
            self._judged.add(id(func))  # gives a text back
        if attr in ("format", "format_map") and self._literal(func.value) is None:
            self._features.add("dynamic")  # the text may name members: {0.__globals__}
        elif attr in BY_TEXT:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                    self._features.update(KNOWN_MEMBERS.get(inner.value, ()))
            for value in (*node.args, *(k.value for k in node.keywords)):
                if self._foreign and not self._plain_function(value):
                    self._features.add("unknown")

    def _reads(self, func: ast.Attribute, node: ast.Call) -> None:
        """A reader of tables: of a text in memory, a file, or an address."""
        source = node.args[0] if node.args else None
        if isinstance(source, ast.Name) and len(self._values.get(source.id, ())) == 1:
            source = self._values[source.id][0]
        if isinstance(source, ast.Call) and self._names(source.func) & MEMORY:
            if func.attr in ("read_csv", "read_table", "read_fwf", "loadtxt", "genfromtxt"):
                self._judged.add(id(func))
            return
        text = None if source is None else self._literal(source)
        if text is None or "://" in text:
            self._features.add("network")

    def _names(self, func: ast.expr) -> set[str]:
        return self._paths(func) | ({func.id} if isinstance(func, ast.Name) else set())

    def _plain_function(self, value: ast.expr) -> bool:
        if isinstance(value, ast.List | ast.Tuple):
            return all(map(self._plain_function, value.elts))
        if isinstance(value, ast.Dict):
            return all(map(self._plain_function, value.values))
        text = self._literal(value)
        if text is not None:
            return is_plain_member(text)
        return isinstance(
            value, ast.Lambda | ast.Name | ast.Attribute | ast.Constant | ast.Subscript
        )

    # 4. Texts.

    def _literal(self, node: ast.expr, depth: int = 0) -> str | None:
        """The text that an expression surely is: literals, joined or named once."""
        if depth > 50:
            return None
        match node:
            case ast.Constant(value=str() as value):
                return value
            case ast.Constant(value=bytes() as raw):
                return raw.decode("latin-1")
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                one, two = self._literal(left, depth + 1), self._literal(right, depth + 1)
                return None if one is None or two is None else one + two
            case ast.JoinedStr(values=values):
                parts = [self._literal(value, depth + 1) for value in values]
                return None if None in parts else "".join(part or "" for part in parts)
            case ast.FormattedValue(value=value, format_spec=None):
                return self._literal(value, depth + 1)
            case ast.Name(id=name) if len(self._values.get(name, ())) == 1:
                return self._literal(self._values[name][0], depth + 10)
            case _:
                return None

    def _text(self, text: str) -> None:
        if text in self.texts:
            return
        self.texts.append(text)
        if is_credential_text(text) and " " not in text.strip():
            self._features.add("secrets")
        if any(name not in DUNDERS for name in DUNDER.findall(text)):
            self._features.add("dynamic")
        if FIELD.search(text) is not None and "{" in text and "_" in text:
            self._features.add("dynamic")
