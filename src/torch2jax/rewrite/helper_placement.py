"""Where helpers stand in a single output file: as far down as Python lets them, so that the user's code comes first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import libcst as cst

from torch2jax.rewrite.import_insertion import contains_import, end_of_imports
from torch2jax.rewrite.requirements import Requirement, dotted
from torch2jax.source.scope import assigned_names, children

HEADING: Final = "# Helpers without a Flax equivalent."
_Statement: TypeAlias = cst.SimpleStatementLine | cst.BaseCompoundStatement


@dataclass(frozen=True, slots=True)
class Section:
    """Helpers as statements, by their name in the output and each after those that it needs.

    `uses` gives the helpers that each helper mentions; `requirements` the imports that all of them need.
    """

    requirements: frozenset[Requirement]
    statements: Mapping[str, _Statement]
    uses: Mapping[str, frozenset[str]]


def place(module: cst.Module, section: Section, used_at_import_time: Collection[str] | None = None) -> cst.Module:
    """`module` with the helpers of `section` in it.

    Helpers that run while the file is loaded (bases, decorators, defaults, class bodies), and all that they use, stand
    behind the imports. The others stand at the end, before the first statement that may call the file's own code, such
    as `if __name__ == "__main__":`.

    Args:
        module: the file, rewritten.
        section: from `render_section`.
        used_at_import_time: local names of helpers that must stand behind the imports; found from the file by default.
    """
    if not section.statements:
        return module
    body = list(module.body)
    early_at = end_of_imports(body)
    late_at = max(early_at, _first_run(body, section.statements))
    if used_at_import_time is None:
        lazy = _postpones_annotations(body)
        used_at_import_time = {n for s in body[:late_at] for n in import_time_reads(s, annotations=not lazy)}
    early = _reachable(section.uses, used_at_import_time) if late_at > early_at else set(section.statements)
    footer = list(module.footer)
    for at, names in ((late_at, section.statements.keys() - early), (early_at, early)):
        chosen = [statement for name, statement in section.statements.items() if name in names]
        if not chosen:
            continue
        above: list[cst.EmptyLine] = []
        if at == len(body):  # comments that end the file stay with the code above them
            above, footer = footer, above
        else:
            body[at] = _set_apart(body[at])
        body[at:at] = _headed(chosen, above, first=at == 0 and not module.header)
    return module.with_changes(body=body, footer=footer)


def import_time_reads(node: cst.CSTNode, *, annotations: bool = True) -> Iterator[str]:
    """Names that a statement looks up when it is executed, so not those in the bodies of functions."""
    return (found.value for found in _import_time_nodes(node, annotations=annotations) if isinstance(found, cst.Name))


def _import_time_nodes(node: cst.CSTNode, *, annotations: bool) -> Iterator[cst.CSTNode]:
    stack = [node]
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, cst.FunctionDef):
            stack += [*node.decorators, node.params, *([node.returns] if node.returns else [])]
        elif isinstance(node, cst.Lambda):
            stack.append(node.params)
        elif annotations or not isinstance(node, cst.Annotation):
            stack += children(node)


def _first_run(body: Sequence[_Statement], helpers: Iterable[str]) -> int:
    """The index of the first statement that may call a function of this file; the end where none does."""
    simple = [statement for statement in body if not contains_import(statement)]
    local = {*assigned_names(simple), *helpers}
    found = next((i for i, statement in enumerate(body) if _may_run(statement, local)), len(body))
    return found - 1 if 0 < found < len(body) and _makes_stream(body[found - 1]) else found


def _makes_stream(statement: _Statement) -> bool:
    """Whether a statement is ``rngs = ...``, which stays with the one that needs it."""
    match statement:
        case cst.SimpleStatementLine(
            body=[cst.Assign(targets=[cst.AssignTarget(target=cst.Name("rngs"))], value=cst.Call())]
        ):
            return True
    return False


def _may_run(statement: _Statement, local: Collection[str]) -> bool:
    if _binds_gradient(statement):
        return False
    calls = reads = False
    bound: set[cst.CSTNode] = set()  # `x = f()` does not read `x`
    for node in _import_time_nodes(statement, annotations=False):
        if isinstance(node, cst.AssignTarget):
            bound.add(node.target)
        calls = calls or isinstance(node, (cst.Call, cst.Decorator))
        reads = reads or (isinstance(node, cst.Name) and node.value in local and node not in bound)
    return calls and reads


def _binds_gradient(statement: _Statement) -> bool:
    """Whether a statement is ``f.defvjp(f_fwd, f_bwd)``, which calls none of its arguments."""
    match statement:
        case cst.SimpleStatementLine(
            body=[cst.Expr(value=cst.Call(func=cst.Attribute(value=cst.Name(), attr=cst.Name("defvjp"))))]
        ):
            return True
    return False


def _reachable(uses: Mapping[str, frozenset[str]], names: Iterable[str]) -> set[str]:
    found: set[str] = set()
    stack = [name for name in names if name in uses]
    while stack:
        name = stack.pop()
        if name not in found:
            found.add(name)
            stack.extend(uses[name])
    return found


def _headed(statements: Sequence[_Statement], above: Sequence[cst.EmptyLine], *, first: bool) -> list[_Statement]:
    """The statements under the heading; `first` in a file, no blank lines stand above it."""
    blank = cst.EmptyLine(indent=False)
    heading = cst.EmptyLine(indent=False, comment=cst.Comment(HEADING))
    comments = [line for line in statements[0].leading_lines if line.comment is not None]
    apart = [] if first else [blank, blank]
    lines = [*above, *apart, heading, blank, blank, *comments]
    return [statements[0].with_changes(leading_lines=lines), *statements[1:]]


def _set_apart(statement: _Statement) -> _Statement:
    """The statement with at least two blank lines above it and its comments."""
    lines = list(statement.leading_lines)
    blanks = next((i for i, line in enumerate(lines) if line.comment is not None), len(lines))
    missing = max(0, 2 - blanks)
    return statement.with_changes(leading_lines=[cst.EmptyLine(indent=False)] * missing + lines)


def _postpones_annotations(body: Sequence[_Statement]) -> bool:
    """Whether the file says `from __future__ import annotations`."""
    return any(
        isinstance(small, cst.ImportFrom)
        and dotted(small.module) == "__future__"
        and not isinstance(small.names, cst.ImportStar)
        and any(dotted(alias.name) == "annotations" for alias in small.names)
        for statement in body
        if isinstance(statement, cst.SimpleStatementLine)
        for small in statement.body
    )
