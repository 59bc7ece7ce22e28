"""Functions of einops: they work on arrays of JAX, and their patterns can be written for other axis orders."""

from __future__ import annotations

from dataclasses import replace

import libcst as cst

from torch2jax.infer.apis import TORCH, special
from torch2jax.infer.arguments import Arguments, use_all
from torch2jax.infer.frame import Frame
from torch2jax.infer.kinds import (
    FREE,
    MISSING,
    UNKNOWN,
    AnyModule,
    Free,
    Kind,
    Sequence,
    Str,
    Tensor,
    Tuple,
    Unknown,
    without_none,
)
from torch2jax.infer.patterns import of_input, result_rank


@special(TORCH, "einops.rearrange", "einops.repeat", "einops.reduce")
def patterned(frame: Frame, node: cst.Call, arguments: Arguments) -> Kind:
    """A function of one array: a pattern that names each axis is written for the order that the array has."""
    given = arguments.keywords | dict(zip(("tensor", "pattern"), arguments.positional, strict=False))
    array = given.get("tensor")
    place, pattern = given.get("pattern", (None, UNKNOWN))
    text = pattern.value if isinstance(pattern, Str) and pattern.value is not MISSING else None
    literal = place if isinstance(place, cst.SimpleString) and text is not None else None
    kind = without_none(array[1]) if array is not None else UNKNOWN
    other = None
    if array is not None and array[1] is kind and isinstance(kind, Tensor) and literal is not None:
        other = of_input(str(text), kind.layout)
    if array is not None and other is not None and isinstance(kind, Tensor):
        frame.use(array[0], kind, kind.layout, votes=False)
        arguments = _others(arguments, array[0])
    frame.facts.special[node] = ("pattern", literal, other)
    _use(frame, arguments)
    dtype = kind.dtype if isinstance(kind, Tensor) else None
    return Tensor(result_rank(str(text)) if text is not None else None, dtype)


@special(TORCH, "einops.einsum", "einops.pack", "einops.unpack")
def of_several(frame: Frame, node: cst.Call, arguments: Arguments) -> Kind:
    """Functions of several arrays: in torch's order, the rank of the result read from the pattern."""
    _use(frame, arguments)
    name = node.func.attr.value if isinstance(node.func, cst.Attribute) else getattr(node.func, "value", "")
    first = without_none(arguments.positional[0][1]) if arguments.positional else UNKNOWN
    if name == "pack":
        return Tuple((Tensor(), FREE))
    if name == "unpack":
        frame.program.heap[node].write(Tensor(), frame.program)
        return Sequence("list", node)
    pattern = next((k.value for _, k in arguments.positional if isinstance(k, Str) and k.value is not MISSING), None)
    dtype = first.dtype if isinstance(first, Tensor) else None
    return Tensor(result_rank(str(pattern)) if pattern is not None else None, dtype)


def _others(arguments: Arguments, node: cst.BaseExpression) -> Arguments:
    return replace(
        arguments,
        positional=[pair for pair in arguments.positional if pair[0] is not node],
        keywords={name: pair for name, pair in arguments.keywords.items() if pair[0] is not node},
        ordered=[item for item in arguments.ordered if item[0] is not node],
    )


def _use(frame: Frame, arguments: Arguments) -> None:
    use_all(frame, arguments)
    for holder, kind in arguments.positional:
        if isinstance(kind, Free | Unknown) and _is_of_unknown_object(frame, holder):
            frame.facts.reads.add(holder)  # a parameter, it may be: einops does not take Variables


def _is_of_unknown_object(frame: Frame, node: cst.CSTNode) -> bool:
    if not isinstance(node, cst.Attribute):
        return False
    owner = without_none(frame.facts.kinds.get(node.value, UNKNOWN))
    return isinstance(owner, Free | Unknown | AnyModule)
