"""What a repository's Python files define: members, parameters, modules; and who imports from where.

Everything here answers by name, for the two names of a rename, from syntax trees; nothing is imported or run.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field

from tinycode_git.planners.recipes.source import Undecodable

_CLASS = re.compile(rb"^[ \t]*class[ \t]+(\w+)[ \t]*\(([^()]*(?:\([^()]*\)[^()]*)*)\)", re.MULTILINE)
_DOTTED = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*\Z")


def parse_python(content: bytes, path: str) -> ast.Module:
    """The syntax tree by the rules of the Python that runs this. Raises Undecodable, saying which line is wrong."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(content, path)
    except SyntaxError as error:
        import sys

        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise Undecodable(f"line {error.lineno or 1} is no Python {version}: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise Undecodable(f"Python cannot parse it: {error}") from error


@dataclass(frozen=True, slots=True)
class Defined:
    """What a file defines for each of the names asked about.

    ``members`` are the classes that have it as a member (``""`` for an attribute set on anything else); ``touched``
    those that read or set it on ``self`` or ``cls``; ``keywords`` those that a call can name: parameters of
    functions, and values that a class body sets (fields of a dataclass); ``imports`` maps local names to where they
    are from (``.`` before what is relative).
    """

    members: Mapping[str, frozenset[str]]
    touched: Mapping[str, frozenset[str]]
    keywords: frozenset[str]
    imports: Mapping[str, str]


@dataclass(slots=True)
class _Definitions(ast.NodeVisitor):
    names: Set[str]
    members: dict[str, set[str]] = field(default_factory=dict)
    touched: dict[str, set[str]] = field(default_factory=dict)
    keywords: set[str] = field(default_factory=set)
    imports: dict[str, str] = field(default_factory=dict)
    classes: list[str] = field(default_factory=list)
    in_body: bool = False

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._member(node.name)
        outer = self.in_body
        for part in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(part)
        self.classes.append(node.name)
        self.in_body = True
        for statement in node.body:
            self.visit(statement)
        self.classes.pop()
        self.in_body = outer

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        if not isinstance(node, ast.Lambda):
            self._member(node.name)
        outer, self.in_body = self.in_body, False
        self.generic_visit(node)
        self.in_body = outer

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = _function

    def visit_arg(self, node: ast.arg) -> None:
        if node.arg in self.names:
            self.keywords.add(node.arg)
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):
            self._member(node.id)
            if self.in_body and node.id in self.names:
                self.keywords.add(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if node.attr in self.names:
            own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls") and bool(self.classes)
            if own:
                self.touched.setdefault(node.attr, set()).add(self.classes[-1])
            if not isinstance(node.ctx, ast.Load):
                self.members.setdefault(node.attr, set()).add(self.classes[-1] if own else "")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if self.in_body and self.classes and isinstance(node.value, str):
            self._slot(node.value)

    def _slot(self, value: str) -> None:
        if value in self.names and self._in_slots:
            self._member(value)

    _in_slots: bool = False

    def visit_Assign(self, node: ast.Assign) -> None:
        outer = self._in_slots
        self._in_slots = any(isinstance(t, ast.Name) and t.id == "__slots__" for t in node.targets)
        self.generic_visit(node)
        self._in_slots = outer

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            bound = alias.asname or alias.name.split(".")[0]
            self._member(bound)
            self.imports[bound] = alias.name if alias.asname else bound

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            self._member(alias.asname or alias.name)
            joined = module if module.endswith(".") else module + "."
            self.imports[alias.asname or alias.name] = joined + alias.name

    def _member(self, name: str) -> None:
        if self.in_body and name in self.names:
            self.members.setdefault(name, set()).add(self.classes[-1])


def definitions(tree: ast.Module, names: Set[str]) -> Defined:
    """What ``tree`` defines of ``names``. Raises Undecodable where it is nested too deeply for Python to visit."""
    visitor = _Definitions(names)
    try:
        visitor.visit(tree)
    except RecursionError as error:
        raise Undecodable("it is nested too deeply") from error
    members = {name: frozenset(classes) for name, classes in visitor.members.items()}
    touched = {name: frozenset(classes) for name, classes in visitor.touched.items()}
    return Defined(members, touched, frozenset(visitor.keywords), visitor.imports)


@dataclass(frozen=True, slots=True)
class Modules:
    """The modules of a tree: the names that an absolute import may begin with, and every module by its last two
    names.
    """

    tops: frozenset[str]
    pairs: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, paths: Iterable[str]) -> Modules:
        """From the paths of all Python files."""
        files = [tuple(path.split("/")) for path in paths]
        packages = {parts[:-1] for parts in files if parts[-1].startswith("__init__.py")}
        tops: set[str] = set()
        pairs: set[tuple[str, str]] = set()
        for parts in files:
            stem = parts[-1].split(".")[0]
            module = parts[:-1] if stem == "__init__" else (*parts[:-1], stem)
            for end in range(1, len(module) + 1):
                if module[: end - 1] not in packages:
                    tops.add(module[end - 1])
                pairs.add((module[end - 2] if end > 1 else "", module[end - 1]))
        return cls(frozenset(tops), frozenset(pairs))

    def foreign(self, module: str) -> bool:
        """Whether an imported module belongs to another project or the standard library."""
        return not module.startswith(".") and module.split(".")[0] not in self.tops

    def is_module(self, dotted: str, path: str) -> bool:
        """Whether ``dotted`` (as imported by the file at ``path``) names a module of the tree."""
        parts = dotted.lstrip(".").split(".")
        if len(parts) > 1:
            return (parts[-2], parts[-1]) in self.pairs
        up = len(dotted) - len(dotted.lstrip("."))
        folders = path.split("/")[:-1]
        folder = folders[len(folders) - up] if 0 < up <= len(folders) else ""
        return (folder, parts[0]) in self.pairs if up else parts[0] in self.tops


def root_of(receiver: str) -> str:
    """The first name of ``a.b.c``; empty where the expression is no chain of names."""
    return receiver.split(".")[0] if _DOTTED.match(receiver) else ""


def related(classes: Set[str], others: Set[str], contents: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    """Pairs (of ``classes``, of ``others``) that are the same class or share one by inheritance, by name.

    A class is found by its ``class X(Y):`` line anywhere; two that share only a base which neither side defines in
    ``classes`` or ``others`` are not related.
    """
    bases: dict[str, set[str]] = {}
    for content in contents:
        for match in _CLASS.finditer(content):
            names = re.findall(rb"(\w+)[ \t\r\n]*(?:\[[^\]]*\][ \t\r\n]*)?(?:,|\Z)", match[2])
            bases.setdefault(match[1].decode("utf-8", "replace"), set()).update(
                n.decode("utf-8", "replace") for n in names
            )
    below_others = {other: _ancestors(other, bases) for other in others}
    for one in sorted(classes):
        above = _ancestors(one, bases)
        for other in sorted(others):
            if one == other or other in above or one in below_others[other]:
                yield one, other


def _ancestors(name: str, bases: Mapping[str, Set[str]]) -> set[str]:
    found: set[str] = set()
    todo = [name]
    while todo:
        new = bases.get(todo.pop(), set()) - found
        found |= new
        todo += new
    return found
