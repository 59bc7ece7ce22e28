"""``isinstance(m, (nn.Linear, nn.Embedding))`` as a branch for each: their weights have different names in Flax.

``type(m) in [...]`` likewise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import libcst as cst

from torch2jax.source.inlining import Inlined, Tracing
from torch2jax.source.nodes import dotted_name, walk

Names = Callable[[str], Mapping[str, str] | None]
"""Flax's names of what a class of torch.nn holds, by torch's, where they differ; None for what is no such class."""


def mentions(source: str) -> bool:
    """Whether a file may have such a branch, by its text."""
    return ("isinstance(" in source or "type(" in source) and ".weight" in source


def told_apart(tree: cst.Module, origins: dict[cst.CSTNode, cst.CSTNode], names: Names) -> Inlined:
    """A file with such branches split; ``origins`` as in `Inlined`."""
    return Inlined(tree.visit(_Splitting(origins, names)), origins)


class _Splitting(Tracing):
    def __init__(self, origins: dict[cst.CSTNode, cst.CSTNode], names: Names) -> None:
        super().__init__(origins)
        self.names = names

    def leave_If(self, original_node: cst.If, updated_node: cst.If) -> Any:
        test = updated_node.test
        match test:
            case cst.Call(
                func=cst.Name("isinstance"),
                args=[cst.Arg(value=cst.Name(value=name), star=""), cst.Arg(value=cst.Tuple() as classes, star="")],
            ):
                pass
            case cst.Comparison(
                left=cst.Call(func=cst.Name("type"), args=[cst.Arg(value=cst.Name(value=name), star="")]),
                comparisons=[
                    cst.ComparisonTarget(
                        operator=cst.In(), comparator=(cst.Tuple() | cst.List() | cst.Set()) as classes
                    )
                ],
            ):
                pass
            case _:
                return updated_node
        used = _used_of(updated_node.body, name)
        groups = self._groups([element.value for element in classes.elements], used)
        if len(groups) < 2:
            return updated_node
        rest: Any = updated_node.orelse
        for number, group in reversed(list(enumerate(groups))):
            narrower = _with_classes(test, group)
            body = self._copied(updated_node.body) if number else updated_node.body
            lines = [] if number else updated_node.leading_lines
            branch = updated_node.with_changes(test=narrower, body=body, orelse=rest, leading_lines=lines)
            self.origins[branch] = self.origins.get(original_node, original_node)
            rest = branch
        return rest

    def _groups(self, classes: Sequence[cst.BaseExpression], used: Iterable[str]) -> list[list[cst.BaseExpression]]:
        """The classes by the names of what is used, in the order in which they stand; none where one is unknown."""
        groups: dict[tuple[str, ...], list[cst.BaseExpression]] = {}
        for each in classes:
            names = self.names((dotted_name(each) or "").rpartition(".")[2])
            if names is None:
                return []
            groups.setdefault(tuple(names.get(name, name) for name in used), []).append(each)
        return list(groups.values())

    def _copied(self, body: cst.BaseSuite) -> cst.BaseSuite:
        copy = body.deep_clone()
        for before, after in zip(walk(body), walk(copy), strict=True):
            self.origins[after] = self.origins.get(before, before)
        return copy


def _used_of(body: cst.CSTNode, name: str) -> list[str]:
    """The attributes of a variable that a block uses."""
    paths = (dotted_name(part) for part in walk(body) if isinstance(part, cst.Attribute))
    return sorted({path.split(".")[1] for path in paths if path is not None and path.startswith(f"{name}.")})


def _with_classes(test: cst.BaseExpression, classes: list[cst.BaseExpression]) -> cst.BaseExpression:
    """The test for some of its classes."""
    if isinstance(test, cst.Call):
        return test.with_changes(args=[test.args[0], cst.Arg(_one_or_tuple(classes))])
    assert isinstance(test, cst.Comparison)
    operator: cst.BaseCompOp = cst.Is() if len(classes) == 1 else cst.In()
    return test.with_changes(comparisons=[cst.ComparisonTarget(operator, _one_or_tuple(classes))])


def _one_or_tuple(classes: list[cst.BaseExpression]) -> cst.BaseExpression:
    return classes[0] if len(classes) == 1 else cst.Tuple([cst.Element(each) for each in classes])
