"""`nn.parallel.data_parallel(net, x, devices)` as `net(x)`: one process drives all devices, without copies of a net."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import libcst as cst

from torch2jax.source.inlining import Inlined, Tracing
from torch2jax.source.nodes import dotted_name, walk

_NAMES = frozenset(
    {"torch.nn.parallel.data_parallel", "torch.nn.parallel.data_parallel.data_parallel", "torch.nn.data_parallel"}
)
_PARAMETERS = ("module", "inputs", "device_ids", "output_device", "dim", "module_kwargs")


def mentions(source: str) -> bool:
    """Whether a file may have such a call, by its text."""
    return "data_parallel(" in source


def called_once(tree: cst.Module, origins: dict[cst.CSTNode, cst.CSTNode]) -> Inlined:
    """A file with such calls as those of the module; ``origins`` as in `Inlined`."""
    return Inlined(tree.visit(_Calling(origins, dict(_imported(tree)))), origins)


class _Calling(Tracing):
    def __init__(self, origins: dict[cst.CSTNode, cst.CSTNode], imported: Mapping[str, str]) -> None:
        super().__init__(origins)
        self.imported = imported

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> Any:
        first, dot, rest = (dotted_name(original_node.func) or "").partition(".")
        if f"{self.imported.get(first, '')}{dot}{rest}" not in _NAMES:
            return updated_node
        given = _given(updated_node)
        if given is None or not {"module", "inputs"} <= given.keys():
            return updated_node
        arguments = _arguments(given["inputs"], given.get("module_kwargs"))
        return updated_node if arguments is None else updated_node.with_changes(func=given["module"], args=arguments)


def _imported(tree: cst.Module) -> Iterator[tuple[str, str]]:
    """The names that a file imports from torch, with what they name."""
    for node in walk(tree):
        if isinstance(node, cst.Import):
            for alias in node.names:
                name = dotted_name(alias.name) or ""
                yield (alias.evaluated_alias, name) if alias.evaluated_alias else (name.partition(".")[0],) * 2
        elif isinstance(node, cst.ImportFrom) and not node.relative and not isinstance(node.names, cst.ImportStar):
            for alias in node.names:
                yield (
                    alias.evaluated_alias or alias.evaluated_name,
                    f"{dotted_name(node.module)}.{alias.evaluated_name}",
                )


def _given(call: cst.Call) -> dict[str, cst.BaseExpression] | None:
    """The arguments by the names of the parameters; None where stars hide them."""
    if any(arg.star for arg in call.args) or len(call.args) > len(_PARAMETERS):
        return None
    return {
        arg.keyword.value if arg.keyword is not None else name: arg.value
        for name, arg in zip(_PARAMETERS, call.args, strict=False)
    }


def _arguments(inputs: cst.BaseExpression, keywords: cst.BaseExpression | None) -> list[cst.Arg] | None:
    """What the module is called with: a tuple of several inputs, or one; and keywords in a dictionary."""
    if isinstance(inputs, cst.Tuple):
        if any(isinstance(element, cst.StarredElement) for element in inputs.elements):
            return None
        arguments = [cst.Arg(element.value) for element in inputs.elements]
    else:
        arguments = [cst.Arg(inputs)]
    match keywords:
        case None | cst.Name(value="None"):
            return arguments
        case cst.Dict(elements=elements):
            named = [_keyword(element) for element in elements]
            return [*arguments, *(arg for arg in named if arg is not None)] if None not in named else None
    return None


def _keyword(element: cst.BaseDictElement) -> cst.Arg | None:
    match element:
        case cst.DictElement(key=cst.SimpleString(evaluated_value=str() as name), value=value) if name.isidentifier():
            return cst.Arg(
                value, cst.Name(name), equal=cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
            )
    return None
