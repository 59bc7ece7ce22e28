"""Modules that are reached by two ways, as in ``self.net = net; self.head = Head(net)``: ``graph=False`` has none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import libcst as cst

from torch2jax.infer.facts import Facts
from torch2jax.infer.kinds import Api, ClassRef, Instance, Layer, NoneKind, Number, is_module, options
from torch2jax.infer.program import FunctionInfo, Program
from torch2jax.regions.callees import receiver_of
from torch2jax.source.nodes import dotted_name, walk

_ADDS = frozenset("append add_module register_module insert".split())


def shares_modules(program: Program) -> bool:
    """Whether some module may be held at two places of what a training step gets."""
    functions = (fn for file in program.files.values() for fn in (*file.functions, file.main) if fn is not None)
    return any(_Holders(fn).has_shared(_statements(fn)) for fn in functions if not isinstance(fn.node, cst.Lambda))


def _statements(fn: FunctionInfo) -> Sequence[Any]:
    return fn.node.body if isinstance(fn.node, cst.Module) else fn.node.body.body  # type: ignore[union-attr]


class _Holders:
    """Counts the places of modules that the statements of a function put a module into, by the module's name."""

    def __init__(self, fn: FunctionInfo) -> None:
        self._facts: Facts = fn.facts
        is_method = fn.owner is not None and fn.owner.is_module and not fn.is_static
        self._receiver = receiver_of(fn) if is_method else ""

    def has_shared(self, statements: Iterable[Any]) -> bool:
        """Whether one is put into two."""
        return self._shared_behind(statements, Counter())

    def _shared_behind(self, statements: Iterable[Any], held: Counter[str]) -> bool:
        """As `has_shared`, behind statements that ``held`` counts, to which these are added."""
        for statement in statements:
            match statement:
                case cst.ClassDef() | cst.FunctionDef():
                    continue
                case cst.If() | cst.Try():
                    if self._shared_in_one(statement, held):
                        return True
                case cst.For() | cst.While() | cst.With():
                    times = 1 if isinstance(statement, cst.With) else 2
                    if any(self._shared_behind(statement.body.body, held) for _ in range(times)):
                        return True
                case _:
                    if any(self._is_second(name, held) for name in self._kept(statement)):
                        return True
                    for name in _assigned(statement):
                        held.pop(name, None)
        return False

    def _shared_in_one(self, statement: cst.If | cst.Try, held: Counter[str]) -> bool:
        """Of several ways one is gone."""
        ways: list[cst.CSTNode] = [statement]
        while isinstance(ways[-1], cst.If) and ways[-1].orelse is not None:
            ways.append(ways[-1].orelse)
        before, most = Counter(held), Counter(held)
        for way in ways:
            each = Counter(before)
            if self._shared_behind(way.body.body, each):  # type: ignore[attr-defined]
                return True
            most |= each
        held.update(most - before)
        return False

    def _is_second(self, name: str, held: Counter[str]) -> bool:
        """Counts a place for a module; whether it has another, or is part of one that has, or holds one that has."""
        own = name.startswith(f"{self._receiver}.") if self._receiver else False
        related = any(_is_part(name, other) or _is_part(other, name) for other in held)
        held[name] += 1
        return own or related

    def _kept(self, statement: cst.CSTNode) -> Iterator[str]:
        """The modules that a statement puts into others, by name; twice those that a comprehension repeats."""
        targets: list[cst.BaseExpression] = []
        if isinstance(statement, cst.SimpleStatementLine):
            for part in statement.body:
                targets += [target.target for target in part.targets] if isinstance(part, cst.Assign) else []
                if isinstance(part, cst.Assign) and any(self._is_place(target) for target in targets):
                    yield from self._names([part.value])
        replaced = {dotted_name(target) for target in targets}
        for node in walk(statement):
            if isinstance(node, cst.Call) and (self._builds_module(node) or self._adds(node)):
                yield from (name for name in self._names(arg.value for arg in node.args) if name not in replaced)

    def _names(self, values: Iterable[cst.BaseExpression]) -> Iterator[str]:
        """The modules among values, by name, also inside lists."""
        for value in values:
            match value:
                case cst.List() | cst.Tuple():
                    yield from self._names(element.value for element in value.elements)
                case cst.ListComp() | cst.GeneratorExp():
                    yield from 2 * [*self._names([value.elt])] if not _is_bound(value) else ()
                case cst.BinaryOperation(left=cst.List() as items, operator=cst.Multiply()):
                    yield from 2 * [*self._names([items])]
                case cst.Name() | cst.Attribute():
                    name = dotted_name(value)
                    if name is not None and self._has_state(value):
                        yield name

    def _is_place(self, target: cst.BaseExpression) -> bool:
        """Whether what is assigned becomes part of a module."""
        kind = self._facts.kinds.get(target.value) if isinstance(target, cst.Attribute) else None
        return kind is not None and any(isinstance(each, Instance) and each.cls.is_module for each in options(kind))

    def _builds_module(self, node: cst.Call) -> bool:
        kind, built = self._facts.kinds.get(node.func), self._facts.kinds.get(node)
        return isinstance(kind, Api | ClassRef) and built is not None and is_module(built)

    def _adds(self, node: cst.Call) -> bool:
        return isinstance(node.func, cst.Attribute) and node.func.attr.value in _ADDS

    def _has_state(self, node: cst.BaseExpression) -> bool:
        kind = self._facts.kinds.get(node)
        if kind is None or isinstance(kind, NoneKind | Number) or not is_module(kind):
            return False
        return any(not isinstance(each, NoneKind) and not _is_function(each) for each in options(kind))


def _is_function(kind: Any) -> bool:
    """Whether Flax has a function for a layer, which may stand anywhere."""
    return isinstance(kind, Layer) and kind.stateless


def _is_part(name: str, whole: str) -> bool:
    return name == whole or name.startswith(f"{whole}.")


def _is_bound(node: cst.ListComp | cst.GeneratorExp) -> bool:
    """Whether each item of a comprehension is another object."""
    names = {part.value for part in walk(node.for_in.target) if isinstance(part, cst.Name)}
    return (dotted_name(node.elt) or "").partition(".")[0] in names


def _assigned(statement: cst.CSTNode) -> Iterator[str]:
    """The names that a statement gives other values."""
    for node in walk(statement):
        if isinstance(node, cst.AssignTarget) and isinstance(node.target, cst.Name):
            yield node.target.value
