"""Which names a piece of code binds in its own scope, without building scopes: for joins at branches and loop heads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import libcst as cst

from torch2jax.source.nodes import children, dotted_name


def assigned_names(body: cst.CSTNode | Iterable[cst.CSTNode]) -> set[str]:
    """Names that running `body` may bind or delete in its own scope, so not inside nested functions and classes."""
    names: set[str] = set()
    stack = [body] if isinstance(body, cst.CSTNode) else list(body)
    while stack:
        node = stack.pop()
        collect = _ASSIGNED_BY.get(type(node))
        if collect is not None:
            names.update(collect(node))
        if isinstance(node, cst.FunctionDef):  # decorators, defaults and annotations run here, the body does not
            stack += [*node.decorators, node.params]
        elif isinstance(node, cst.ClassDef):
            stack += [*node.decorators, *node.bases, *node.keywords]
        elif isinstance(node, cst.Lambda):
            stack.append(node.params)
        else:
            stack += children(node)
    return names


def local_name(alias: cst.ImportAlias) -> str | None:
    """The `b` of `import a as b`, or None."""
    return alias.asname.name.value if alias.asname and isinstance(alias.asname.name, cst.Name) else None


def _targets(target: cst.CSTNode | None) -> Iterator[str]:
    if isinstance(target, cst.Name):
        yield target.value
    elif isinstance(target, (cst.Tuple, cst.List)):
        for element in target.elements:
            yield from _targets(element.value)


def _imported_names(node: cst.Import | cst.ImportFrom) -> Iterator[str]:
    if not isinstance(node.names, cst.ImportStar):
        for alias in node.names:
            yield local_name(alias) or (dotted_name(alias.name) or "").partition(".")[0]


def _optional(*names: cst.CSTNode | None) -> Iterator[str]:
    return (name.value for name in names if isinstance(name, cst.Name))


_ASSIGNED_BY: Final[dict[type[cst.CSTNode], Callable[[Any], Iterable[str]]]] = {
    cst.AnnAssign: lambda node: _targets(node.target),
    cst.AssignTarget: lambda node: _targets(node.target),
    cst.AugAssign: lambda node: _targets(node.target),
    cst.ClassDef: lambda node: _optional(node.name),
    cst.Del: lambda node: _targets(node.target),
    cst.ExceptHandler: lambda node: _optional(node.name and node.name.name),
    cst.ExceptStarHandler: lambda node: _optional(node.name and node.name.name),
    cst.For: lambda node: _targets(node.target),
    cst.FunctionDef: lambda node: _optional(node.name),
    cst.Import: _imported_names,
    cst.ImportFrom: _imported_names,
    cst.MatchAs: lambda node: _optional(node.name),
    cst.MatchMapping: lambda node: _optional(node.rest),
    cst.MatchStar: lambda node: _optional(node.name),
    cst.NamedExpr: lambda node: _targets(node.target),
    cst.TypeAlias: lambda node: _optional(node.name),
    cst.WithItem: lambda node: _targets(node.asname and node.asname.name),
}
for _new, _known in (("LazyImport", cst.Import), ("LazyImportFrom", cst.ImportFrom)):  # newer releases of libcst
    if hasattr(cst, _new):
        _ASSIGNED_BY[getattr(cst, _new)] = _ASSIGNED_BY[_known]
