"""Boolean masks that depend on sizes alone: NumPy computes them while JAX traces, so that picking by them compiles.

``x[~torch.eye(n, dtype=torch.bool)]`` has a size that XLA must know. It does where the mask is a NumPy array.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import libcst as cst

from torch2jax.infer.facts import RuleCall
from torch2jax.infer.kinds import UNKNOWN, Device, Dtype, Kind, Number, Shape, Str, Tensor, options, without_none
from torch2jax.infer.program import FunctionInfo, Program
from torch2jax.source.nodes import walk
from torch2jax.source.scope import Scope

_PLAIN = (Number, Str, Shape, Dtype, Device)
_IN_NUMPY = frozenset(
    "eye arange ones zeros full cat concat concatenate stack unsqueeze view reshape t T repeat tril triu logical_not "
    "logical_and logical_or eq ne lt le gt ge bool long int float to cpu cuda contiguous clone".split()
)
"""Operations of torch whose translation is one of NumPy's as well, or a method that its arrays have too."""


def find_static_masks(program: Program) -> None:
    """Note the masks of every function that depend on sizes alone, and the values that they are made of."""
    for path, file in program.files.items():
        binding = program.bindings.get(path)
        for fn in (*file.functions, file.main):
            scope = binding.scope_of.get(fn.node) if binding is not None and fn is not None else None
            if fn is None or scope is None or isinstance(fn.node, cst.Lambda):
                continue
            masks = list(_masks(fn))
            if masks:
                _Function(program, fn, scope).find(masks)


def _masks(fn: FunctionInfo) -> Iterator[cst.BaseExpression]:
    for node in walk(fn.node) if any(map(is_mask, fn.facts.kinds.values())) else ():
        if isinstance(node, cst.Subscript) and isinstance(
            without_none(fn.facts.kinds.get(node.value, UNKNOWN)), Tensor
        ):
            for element in node.slice:
                if isinstance(element.slice, cst.Index) and is_mask(fn.facts.kinds.get(element.slice.value)):
                    yield element.slice.value


def is_mask(kind: Kind | None) -> bool:
    """Whether a value is a boolean array of at least one axis."""
    plain = without_none(kind or UNKNOWN)
    return isinstance(plain, Tensor) and plain.dtype == "bool" and plain.rank != 0


class _Function:
    """What is static in one function."""

    def __init__(self, program: Program, fn: FunctionInfo, scope: Scope) -> None:
        self.program, self.fn, self.facts, self.scope = program, fn, fn.facts, scope
        body: Any = fn.node.body
        self.body: list[Any] = list(body.body if isinstance(body, cst.IndentedBlock) else body)
        self.places = {part: i for i, statement in enumerate(self.body) for part in walk(statement)}
        self.changed = set(self._changed_in_place())
        self.definitions: dict[str, list[tuple[int, cst.Assign]]] = {}
        for i, statement in enumerate(self.body):
            small = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else None
            if isinstance(small, cst.Assign) and len(statement.body) == 1 and len(small.targets) == 1:
                target = small.targets[0].target
                if isinstance(target, cst.Name):
                    self.definitions.setdefault(target.value, []).append((i, small))

    def find(self, masks: list[cst.BaseExpression]) -> None:
        """Note the masks that are static."""
        for mask in masks:
            used: dict[cst.Assign, None] = {}
            if self._is_static(mask, used):
                made = tuple(used)
                self.program.static_arrays[mask] = made
                self.program.static_arrays.update({definition.value: made for definition in made})

    def _changed_in_place(self) -> Iterator[str]:
        for node in walk(self.fn.node):
            fact = self.facts.calls.get(node)
            target: Any = fact.target if isinstance(fact, RuleCall) else None
            writes_part = isinstance(node, cst.AssignTarget) and isinstance(node.target, cst.Subscript)
            if writes_part or isinstance(node, cst.AugAssign):
                target = node.target  # type: ignore[attr-defined]
            while isinstance(target, cst.Subscript | cst.Attribute):
                target = target.value
            if isinstance(target, cst.Name):
                yield target.value

    def _is_static(self, node: Any, used: dict[cst.Assign, None]) -> bool:
        kind = self.facts.kinds.get(node)
        if kind is not None and all(isinstance(option, _PLAIN) for option in options(without_none(kind))):
            return True
        match node:
            case cst.BaseNumber() | cst.BaseString() | cst.Name(value="True" | "False" | "None"):
                return True
            case cst.Name():
                return self._is_static_name(node, used)
            case cst.UnaryOperation():
                return self._is_static(node.expression, used)
            case cst.BinaryOperation():
                return self._is_static(node.left, used) and self._is_static(node.right, used)
            case cst.Comparison():
                operands = (node.left, *(each.comparator for each in node.comparisons))
                return all(self._is_static(operand, used) for operand in operands)
            case cst.List() | cst.Tuple():
                return all(self._is_static(element.value, used) for element in node.elements)
            case cst.ListComp():
                plain = node.for_in.inner_for_in is None and not node.for_in.ifs
                return plain and self._is_static(node.elt, used) and self._is_range(node.for_in.iter, used)
            case cst.Subscript():
                indices = [
                    part.value for element in node.slice for part in walk(element) if isinstance(part, cst.Index)
                ]
                return all(self._is_static(part, used) for part in (node.value, *indices))
            case cst.Call() | cst.Attribute():
                return self._is_static_call(node, used)
        return False

    def _is_range(self, node: cst.BaseExpression, used: dict[cst.Assign, None]) -> bool:
        is_range = isinstance(node, cst.Call) and isinstance(node.func, cst.Name) and node.func.value == "range"
        return is_range and all(self._is_static(arg.value, used) for arg in node.args)  # type: ignore[attr-defined]

    def _is_static_call(self, node: cst.Call | cst.Attribute, used: dict[cst.Assign, None]) -> bool:
        fact = self.facts.calls.get(node)
        if not isinstance(fact, RuleCall) or fact.target is not None or not fact.in_torch_order:
            return False
        if not all(name.startswith("torch.") and name.rpartition(".")[2] in _IN_NUMPY for name in fact.rule.names):
            return False
        given = [arg.value for arg in node.args] if isinstance(node, cst.Call) else []
        receiver = [fact.receiver] if fact.receiver is not None else []
        return all(self._is_static(part, used) for part in (*receiver, *given))

    def _is_static_name(self, node: cst.Name, used: dict[cst.Assign, None]) -> bool:
        """Whether the last assignment in front of the name is of something static, and nothing else changes it."""
        name = node.value
        found = self.definitions.get(name, [])
        bound = self.scope.names.get(name, ())
        if name in self.changed or name in self.scope.captured or len(bound) != len(found):
            return False
        before = [assign for i, assign in found if i < self.places.get(node, -1)]
        if not before or not self._is_static(before[-1].value, used):
            return False
        used[before[-1]] = None
        return True
