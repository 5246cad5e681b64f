"""Where a rename would make two Python names one: by scope, from the compiler's own symbol tables.

A clash is a scope that knows both names; a scope that reads the old name over a scope that binds the new one, or the
reverse (https://docs.python.org/3/reference/executionmodel.html#resolution-of-names); and a file that reads the
built-in of the old name without binding it.
"""

from __future__ import annotations

import ast
import builtins
import symtable
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tinycode_git.planners.recipes.source import Undecodable


@dataclass(frozen=True, slots=True, order=True)
class Clash:
    """Where, and in words why."""

    path: str
    line: int
    why: str


def symbols(text: str, path: str) -> symtable.SymbolTable:
    """The symbol table of a file that parses. Raises Undecodable where the compiler refuses it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return symtable.symtable(text.removeprefix("\ufeff"), path, "exec")
    except SyntaxError as error:
        raise Undecodable(f"line {error.lineno or 1} does not compile: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise Undecodable(f"Python cannot compile it: {error}") from error


def scope_clashes(path: str, table: symtable.SymbolTable, tree: ast.Module, old: str, new: str) -> list[Clash]:
    """Every scope of the file in which ``old`` and ``new`` would meet."""
    met = [meeting for chain in _chains((table,)) for meeting in _meetings(chain, old, new)]
    lines = _Lines(tree) if met else None
    found: set[Clash] = set()
    for scope, name, why in met:
        at = lines.of(name, scope) if lines else []
        found.update(Clash(path, line, why) for line in at or [scope.get_lineno() or 1])
    return sorted(found)


def _chains(chain: tuple[symtable.SymbolTable, ...]) -> Iterator[tuple[symtable.SymbolTable, ...]]:
    """Every scope with those around it, innermost last."""
    yield chain
    for child in chain[-1].get_children():
        yield from _chains((*chain, child))


def _symbol(chain: Sequence[symtable.SymbolTable], name: str) -> symtable.Symbol | None:
    """``name`` in the innermost scope; within a class ``__name`` is ``_Class__name`` there."""
    table = chain[-1]
    found = _lookup(table, name)
    if found is None and name.startswith("__") and not name.endswith("__"):
        owner = next((t.get_name().lstrip("_") for t in reversed(chain) if t.get_type() == "class"), None)
        found = _lookup(table, f"_{owner}{name}") if owner is not None else None
    return found


def _lookup(table: symtable.SymbolTable, name: str) -> symtable.Symbol | None:
    try:
        return table.lookup(name)
    except KeyError:
        return None


def _binds(chain: Sequence[symtable.SymbolTable], name: str) -> bool:
    symbol = _symbol(chain, name)
    return symbol is not None and (symbol.is_local() or (len(chain) == 1 and _is_bound(symbol)))


def _is_bound(symbol: symtable.Symbol) -> bool:
    return symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace() or symbol.is_parameter()


def _meetings(
    chain: tuple[symtable.SymbolTable, ...], old: str, new: str
) -> Iterator[tuple[symtable.SymbolTable, str, str]]:
    """What meets in the innermost scope: the scope to look in, the name to show, the reason."""
    has_old, has_new = _symbol(chain, old), _symbol(chain, new)
    where = _where(chain[-1])
    if has_old and has_new:
        yield chain[-1], new, f"{new} is used beside {old} in {where}"
    elif has_old and not _binds(chain, old):
        for outer in _lookups(chain, old):
            if _binds(outer, new):
                yield outer[-1], new, f"{new} of {_where(outer[-1])} would hide {old} from {where}"
        if old in vars(builtins) and not _owned(chain, old):
            yield chain[-1], old, f"{old} is Python's built-in in {where}"
    elif has_new and not _binds(chain, new):
        for outer in _lookups(chain, new):
            if _binds(outer, old) and not _binds(outer, new):
                yield chain[-1], new, f"{new} in {where} would find the renamed {old} of {_where(outer[-1])}"


def _lookups(chain: tuple[symtable.SymbolTable, ...], name: str) -> Iterator[tuple[symtable.SymbolTable, ...]]:
    """The scopes outside the innermost where Python looks for ``name``, nearest first, up to the one that binds it."""
    symbol = _symbol(chain, name)
    declared = symbol is not None and symbol.is_declared_global()
    for end in range(len(chain) - 1, 0, -1):
        outer = chain[:end]
        if outer[-1].get_type() == "class" or (declared and end > 1):
            continue
        yield outer
        if _binds(outer, name):
            return


def _owned(chain: tuple[symtable.SymbolTable, ...], name: str) -> bool:
    return any(_binds(outer, name) or _set_globally(outer, name) for outer in _lookups(chain, name)) or (
        len(chain) == 1 and _binds(chain, name)
    )


def _set_globally(outer: tuple[symtable.SymbolTable, ...], name: str) -> bool:
    if len(outer) > 1:
        return False
    return any(
        (symbol := _symbol(chain, name)) is not None and symbol.is_declared_global() and symbol.is_assigned()
        for chain in _chains(outer)
    )


def _where(table: symtable.SymbolTable) -> str:
    kind = str(table.get_type())
    return "the module" if kind == "module" else f"{kind} {table.get_name()}"


class _Lines:
    """On which lines a tree has a name, within the lines of a scope."""

    def __init__(self, tree: ast.Module) -> None:
        self.spans: dict[tuple[int, str], int] = {}
        self.names: dict[str, set[int]] = {}
        for node in ast.walk(tree):
            line = getattr(node, "lineno", 0)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                self.spans[line, node.name] = node.end_lineno or line
            for name in identifiers(node):
                if line and not isinstance(node, ast.Attribute | ast.keyword):
                    self.names.setdefault(name, set()).add(line)

    def of(self, name: str, scope: symtable.SymbolTable) -> list[int]:
        first = scope.get_lineno() or 1
        last = self.spans.get((first, scope.get_name()), first if first > 1 else 1 << 30)
        if scope.get_type() == "module":
            first, last = 1, 1 << 30
        return [line for line in sorted(self.names.get(name, ())) if first <= line <= last]


def identifiers(node: ast.AST) -> Iterator[str]:
    """The identifiers that a node itself holds, the parts of dotted module names one by one."""
    if isinstance(node, ast.Constant):
        return
    for name, value in ast.iter_fields(node):
        if name == "type_comment":
            continue
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str):
                yield from item.split(".")
