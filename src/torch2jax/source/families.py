"""``if isinstance(m, (nn.Linear, nn.Embedding))`` as a branch for each: their weights have different names in Flax."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import libcst as cst

from torch2jax.source.inlining import Inlined, Tracing
from torch2jax.source.nodes import dotted_name, walk

_FAMILIES = (
    frozenset(
        "Linear LazyLinear Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d".split(),
    ),
    frozenset(("Embedding", "EmbeddingBag")),
    frozenset(
        "BatchNorm1d BatchNorm2d BatchNorm3d SyncBatchNorm LayerNorm GroupNorm RMSNorm InstanceNorm1d InstanceNorm2d "
        "InstanceNorm3d".split()
    ),
)
"""Classes of torch.nn whose weights have one name in Flax: kernel, embedding, scale."""


def mentions(source: str) -> bool:
    """Whether a file may have such a branch, by its text."""
    return "isinstance(" in source and ".weight" in source


def told_apart(tree: cst.Module, origins: dict[cst.CSTNode, cst.CSTNode]) -> Inlined:
    """A file with such branches split; ``origins`` as in `Inlined`."""
    return Inlined(tree.visit(_Splitting(origins)), origins)


class _Splitting(Tracing):
    def leave_If(self, original_node: cst.If, updated_node: cst.If) -> Any:
        match updated_node.test:
            case cst.Call(
                func=cst.Name("isinstance"),
                args=[cst.Arg(value=cst.Name(value=name), star=""), cst.Arg(value=cst.Tuple() as classes, star="")],
            ) if _uses_weight(updated_node.body, name):
                groups = _groups(element.value for element in classes.elements)
            case _:
                return updated_node
        if len(groups) < 2:
            return updated_node
        rest: Any = updated_node.orelse
        for number, group in reversed(list(enumerate(groups))):
            test = updated_node.test.with_changes(args=[updated_node.test.args[0], cst.Arg(_one_or_tuple(group))])
            body = self._copied(updated_node.body) if number else updated_node.body
            lines = [] if number else updated_node.leading_lines
            branch = updated_node.with_changes(test=test, body=body, orelse=rest, leading_lines=lines)
            self.origins[branch] = self.origins.get(original_node, original_node)
            rest = branch
        return rest

    def _copied(self, body: cst.BaseSuite) -> cst.BaseSuite:
        copy = body.deep_clone()
        for before, after in zip(walk(body), walk(copy), strict=True):
            self.origins[after] = self.origins.get(before, before)
        return copy


def _uses_weight(body: cst.CSTNode, name: str) -> bool:
    return any(isinstance(part, cst.Attribute) and dotted_name(part) == f"{name}.weight" for part in walk(body))


def _groups(classes: Iterable[cst.BaseExpression]) -> list[list[cst.BaseExpression]]:
    """The classes by family, in the order in which they stand; one group where one of them is of none."""
    groups: dict[int, list[cst.BaseExpression]] = {}
    for each in classes:
        name = (dotted_name(each) or "").rpartition(".")[2]
        family = next((number for number, names in enumerate(_FAMILIES) if name in names), None)
        if family is None:
            return []
        groups.setdefault(family, []).append(each)
    return list(groups.values())


def _one_or_tuple(classes: list[cst.BaseExpression]) -> cst.BaseExpression:
    return classes[0] if len(classes) == 1 else cst.Tuple([cst.Element(each) for each in classes])
