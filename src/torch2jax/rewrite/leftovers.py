"""The net under the rewriter: names of torch that stand in the output although nothing was said about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import libcst as cst

from torch2jax.infer.facts import Finding
from torch2jax.infer.kinds import Api, Namespace
from torch2jax.infer.program import FileInfo, FunctionInfo
from torch2jax.source.nodes import children, walk

TORCH_FAMILY = frozenset({"torch", "torchvision", "torchaudio", "timm"})
TorchNames = Mapping[cst.CSTNode, str]


def torch_names(file: FileInfo) -> dict[cst.CSTNode, str]:
    """The names in the source that mean something of torch, with what they mean."""
    functions: list[FunctionInfo] = [*file.functions, *([file.main] if file.main is not None else [])]
    return {
        node: kind.name
        for fn in functions
        for node, kind in fn.facts.kinds.items()
        if isinstance(node, cst.Name)
        and node.value in file.import_names
        and isinstance(kind, Namespace | Api)
        and kind.name.partition(".")[0] in TORCH_FAMILY
    }


def leftovers(
    names: TorchNames, source: Iterable[cst.CSTNode], output: Iterable[cst.CSTNode], errors: Iterable[cst.CSTNode]
) -> Iterator[Finding]:
    """An error for each name of torch in ``output``, the translation of ``source``, that none of ``errors`` covers."""
    left = {node for part in output for node in walk(part) if node in names}
    if not left:
        return
    covered = {inner for error in errors for inner in walk(error)}
    for part in source:
        for name, reference, suffix in _references(part, left):
            if name not in covered:
                what = f"{names[name]}{suffix}"
                yield Finding("T2J101", reference, f"{what} has no translation here, and stays in the output")


def _references(node: cst.CSTNode, names: set[cst.CSTNode]) -> Iterator[tuple[cst.CSTNode, cst.CSTNode, str]]:
    """Each name, the longest dotted expression that starts at it, and what follows the name in that."""
    head: cst.CSTNode = node
    suffix = ""
    while isinstance(head, cst.Attribute):
        suffix = f".{head.attr.value}{suffix}"
        head = head.value
    if head in names:
        yield head, node, suffix
        return
    for child in children(node):
        yield from _references(child, names)
