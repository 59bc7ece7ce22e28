"""Statements that the translation made longer than a line, laid out over several; all others stay as they are."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import libcst as cst

from torch2jax.rewrite.line_layout import lay_out
from torch2jax.source.printing import code_of

_LEAST: Final = 100
_MOST: Final = 120

# What a header is made of: all that stands between the decorators and the body.
_HEADERS: Final[dict[type[cst.CSTNode], tuple[str, ...]]] = {
    cst.FunctionDef: ("decorators", "name", "type_parameters", "params", "returns"),
    cst.ClassDef: ("decorators", "name", "type_parameters", "bases", "keywords"),
    cst.If: ("test",),
    cst.While: ("test",),
    cst.For: ("target", "iter"),
    cst.With: ("items",),
}
# What a header takes over from before; the body comes first, since it may share the line of the header.
_KEPT: Final = ("body", "orelse", "leading_lines")
_BLOCKS: Final = ("body", "handlers", "orelse", "finalbody", "cases")
_PASS: Final = cst.IndentedBlock([cst.SimpleStatementLine([cst.Pass()])])


def limit_of(source: str) -> int:
    """The columns a line may have: as many as the author's longest line, but at least 100 and at most 120."""
    return min(max(_LEAST, *map(len, source.splitlines()), 0), _MOST)


def wrap(
    module: cst.Module,
    original: cst.Module,
    limit: int,
    code: str | None = None,
    *,
    same: Iterable[cst.CSTNode] = (),
) -> cst.Module:
    """The module with lines over `limit` columns broken, in statements and headers that are not the original's.

    Args:
        module: the tree after all changes.
        original: the tree before them; nodes of it that are in `module` too stay byte for byte.
        limit: the most columns a line may have (see `limit_of`).
        same: nodes of `module` that say what the original says, and stay too.
        code: `module.code` if the caller has it; without a long line in it there is nothing to do.
    """
    if code is not None and all(len(line) <= limit for line in code.splitlines()):
        return module
    wrapper = _Wrapper(module, original, limit, same)
    body = wrapper.statements(module.body, "")
    return module if body is module.body else module.with_changes(body=body)


def _kept_nodes(body: Sequence[cst.CSTNode]) -> Iterator[int]:
    """The identities of statements and of the parts of their headers."""
    for node in body:
        yield id(node)
        for name in _HEADERS.get(type(node), ()):
            yield from map(id, _listed(getattr(node, name)))
        for name in _BLOCKS:
            yield from _kept_nodes(_listed(getattr(node, name, None)))


def _listed(value: Any) -> Sequence[cst.CSTNode]:
    if value is None or isinstance(value, cst.MaybeSentinel):
        return ()
    return value if isinstance(value, (list, tuple)) else (value,)


class _Wrapper:
    """Walks over the statements that are not the original's."""

    def __init__(self, module: cst.Module, original: cst.Module, limit: int, same: Iterable[cst.CSTNode]) -> None:
        self.module, self.limit = module, limit
        self.config = module.config_for_parsing
        self.kept = frozenset((*_kept_nodes(original.body), *map(id, same)))
        self.unit = module.default_indent if module.default_indent.isspace() else "    "

    def statements(self, nodes: Sequence[Any], indentation: str) -> Sequence[Any]:
        """The statements laid out; the same object if all of them stay."""
        laid_out = [self.statement(node, indentation) for node in nodes]
        return nodes if all(a is b for a, b in zip(laid_out, nodes, strict=True)) else laid_out

    def statement(self, node: Any, indentation: str, lead: int = 0) -> Any:
        """One statement with all below it; `lead` columns stand before it, as `el` before an `if`."""
        if id(node) in self.kept:
            return node
        if isinstance(node, cst.SimpleStatementLine | cst.SimpleStatementSuite):
            return self.simple(node, len(indentation)) if isinstance(node, cst.SimpleStatementLine) else node
        if isinstance(node, cst.IndentedBlock):
            deeper = indentation + (self.module.default_indent if node.indent is None else node.indent)
            body = self.statements(node.body, deeper)
            return node if body is node.body else node.with_changes(body=body)
        node = self.header(node, len(indentation) + lead)
        changes: dict[str, Any] = {}
        for name in _BLOCKS:
            part = getattr(node, name, None)
            if part is None:
                continue
            many = isinstance(part, (list, tuple))
            inner_lead = len("el") if isinstance(part, cst.If) else 0
            new = self.statements(part, indentation) if many else self.statement(part, indentation, inner_lead)
            if new is not part:
                changes[name] = new
        return node.with_changes(**changes) if changes else node

    def simple(self, node: cst.SimpleStatementLine, margin: int) -> cst.SimpleStatementLine:
        if not self.is_long(node, margin):
            return node
        parsed = self.laid_out(node.with_changes(leading_lines=()), margin)
        if not isinstance(parsed, cst.SimpleStatementLine):
            return node
        return parsed.with_changes(leading_lines=node.leading_lines)

    def header(self, node: Any, margin: int) -> Any:
        """A compound statement whose first lines fit, if they are not the original's."""
        names = _HEADERS.get(type(node))
        if names is None or all(id(part) in self.kept for name in names for part in _listed(getattr(node, name))):
            return node
        kept = _KEPT if isinstance(node.body, cst.IndentedBlock) else _KEPT[1:]  # a body may share the line
        alone = node.with_changes(leading_lines=(), body=_PASS if "body" in kept else node.body)
        if hasattr(alone, "orelse"):
            alone = alone.with_changes(orelse=None)
        if not self.is_long(alone, margin):
            return node
        parsed = self.laid_out(alone, margin)
        if parsed is None:
            return node
        return parsed.with_changes(**{name: getattr(node, name) for name in kept if hasattr(node, name)})

    def is_long(self, node: cst.CSTNode, margin: int) -> bool:
        return any(margin + len(line) > self.limit for line in code_of(node, self.module).splitlines())

    def laid_out(self, node: cst.CSTNode, margin: int) -> Any:
        """The statement parsed from its new text; None if nothing helps."""
        before = code_of(node, self.module)
        meaning = _meaning(before)
        after = lay_out(before, self.limit, margin=margin, unit=self.unit) if meaning is not None else before
        if after == before or _meaning(after) != meaning:
            return None  # a statement for which a mistake of the layout would change what it means stays
        return cst.parse_statement(after, self.config)


def _meaning(text: str) -> str | None:
    """What tells whether two texts mean the same; None for what CPython does not parse."""
    try:
        return ast.dump(ast.parse(text))
    except SyntaxError:
        return None
