"""Which mistakes could show at all: what a program evaluates while its cases are run.

Every expression that a mistake would replace is wrapped in a call that notes it, and every statement that would go
gets one in front of it. A default value of a parameter counts where a call takes it.
"""

import ast
import builtins
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from mutations import Mutation

_NOTE, _DEFAULT, _TAKEN = "__noted__", "__default__", "__taken__"

Span = tuple[int, int]
"""Where a text is in a file, in UTF-8."""


class Reached:
    """What was evaluated, by where it is; ``phase`` says when."""

    def __init__(self) -> None:
        self.phase = ""
        self.places: dict[tuple[str, Span], set[str]] = {}

    def note(self, file: str, start: int, end: int, value: Any = None) -> Any:
        """An expression was evaluated."""
        self.places.setdefault((file, (start, end)), set()).add(self.phase)
        return value

    @contextmanager
    def listening(self) -> Any:
        """Programs that were `instrumented` tell this object."""
        names = {_NOTE: self.note, _DEFAULT: lambda *place: _Default(*place), _TAKEN: self._taken}
        vars(builtins).update(names)
        try:
            yield
        finally:
            for name in names:
                vars(builtins).pop(name)

    def _taken(self, value: Any) -> Any:
        if not isinstance(value, _Default):
            return value
        for start, end in value.spans:
            self.note(value.file, start, end)
        return value.value


class _Default:
    def __init__(self, file: str, spans: list[Span], value: Any) -> None:
        self.file, self.spans, self.value = file, spans, value


def instrumented(source: str, file: str, mistakes: Iterable[Mutation]) -> tuple[str, set[Span]]:
    """The program that notes what it evaluates at the places of the mistakes, and which of them can be wrapped.

    The others, such as the targets of an assignment, are evaluated where their statement is.
    """
    tree = ast.parse(source)
    wrapped = _Wrapped(source, file, {(m.start, m.end) for m in mistakes if not m.drops})
    return ast.unparse(ast.fix_missing_locations(wrapped.visit(tree))), wrapped.done


class _Wrapped(ast.NodeTransformer):
    def __init__(self, source: str, file: str, spans: set[Span]) -> None:
        self.file, self.spans = file, spans
        self.done: set[Span] = set()
        self.starts = [0]
        for line in source.encode().splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def span(self, node: ast.AST) -> Span:
        start = self.starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]
        return start, self.starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]

    def call(self, name: str, node: ast.AST, *more: ast.expr) -> ast.Call:
        place = [ast.Constant(self.file), *map(ast.Constant, self.span(node))]
        return ast.Call(ast.Name(name, ast.Load()), [*place, *more], [])

    def visit(self, node: ast.AST) -> Any:
        """Inner nodes first."""
        is_load = isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
        wanted = isinstance(node, ast.expr) and is_load and self.span(node) in self.spans
        whole = isinstance(node, ast.Tuple) and any(isinstance(part, ast.Slice) for part in node.elts)
        place = self.call(_NOTE, node) if wanted and not whole else None
        result = super().visit(node)
        if place is not None and isinstance(result, ast.expr):
            place.args.append(result)
            self.done.add(self.span(node))
            return place
        for name in ("body", "orelse", "finalbody"):
            statements = getattr(node, name, None)
            if isinstance(statements, list):
                setattr(node, name, [part for statement in statements for part in self._noted(statement)])
        return result

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        """Default values tell when they are taken."""
        arguments = node.args
        defaults, named = arguments.defaults, arguments.kw_defaults
        arguments.defaults, arguments.kw_defaults = [], []
        self.generic_visit(node)
        positional = [*arguments.posonlyargs, *arguments.args]
        pairs = [*zip(positional[len(positional) - len(defaults) :], defaults, strict=True)]
        pairs += [(a, d) for a, d in zip(arguments.kwonlyargs, named, strict=True) if d is not None]
        inside = {d: a.arg for a, d in pairs if self._wanted_in(d)}
        arguments.defaults = [self._default(d) if d in inside else d for d in defaults]
        arguments.kw_defaults = [self._default(d) if d in inside and d is not None else d for d in named]
        node.body = [*ast.parse("\n".join(f"{name} = {_TAKEN}({name})" for name in inside.values())).body, *node.body]
        return node

    def _wanted_in(self, node: ast.expr) -> set[Span]:
        return {self.span(part) for part in ast.walk(node) if isinstance(part, ast.expr)} & self.spans

    def _default(self, node: ast.expr) -> ast.Call:
        spans = self._wanted_in(node)
        self.done |= spans
        listed = ast.parse(repr(sorted(spans)), mode="eval").body
        return ast.Call(ast.Name(_DEFAULT, ast.Load()), [ast.Constant(self.file), listed, node], [])

    def _noted(self, statement: ast.stmt) -> Iterator[ast.stmt]:
        is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        is_text |= isinstance(statement, ast.ImportFrom)  # from __future__ comes first
        if not is_text and hasattr(statement, "lineno"):
            yield ast.Expr(self.call(_NOTE, statement))
        yield statement
