"""Functions of einops whose arrays lie in another axis order: their patterns say so, and nothing is transposed."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from torch2jax.infer.kinds import Kind, Layer
from torch2jax.infer.patterns import of_input, of_output
from torch2jax.rewrite.rewriter import Rewriter


def patterned(rewriter: Rewriter, node: cst.Call, place: cst.SimpleString | None, pattern: str | None) -> cst.Call:
    """The call, with another pattern where the array does not lie in torch's order; ``place`` is the literal."""
    result = rewriter.generic(node)
    if place is None:
        return result
    index = next(index for index, arg in enumerate(node.args) if arg.value is place)
    if pattern is not None:
        result = _with_pattern(result, index, pattern)
    rewriter.patterned[result] = index
    return result


def transposed(rewriter: Rewriter, node: cst.BaseExpression, axes: Sequence[int]) -> cst.Call | None:
    """A call of einops that gives what a transposition of its result would give; None for all other expressions."""
    index = rewriter.patterned.get(node)
    if index is None or not isinstance(node, cst.Call):
        return None
    pattern = of_output(_text(node, index), axes)
    if pattern is None:
        return None
    result = _with_pattern(node, index, pattern)
    rewriter.patterned[result] = index
    return result


def note_pattern(rewriter: Rewriter, kind: Kind | None, made: cst.BaseExpression) -> None:
    """What a layer that works by a pattern became: the pattern can be written for another order."""
    if not isinstance(kind, Layer) or kind.pattern is None or not isinstance(made, cst.Call):
        return
    for index, arg in enumerate(made.args):
        if isinstance(arg.value, cst.SimpleString) and arg.value.evaluated_value == kind.pattern:
            rewriter.patterned[made] = index


def folded(rewriter: Rewriter, args: Sequence[cst.Arg]) -> list[cst.Arg]:
    """The layers of a Sequential, with the transposes beside those that work by a pattern in the pattern."""
    left: list[cst.Arg] = []
    for arg in args:
        axes = rewriter.steps.get(arg.value)
        before = transposed(rewriter, left[-1].value, axes) if axes is not None and left else None
        if before is not None:  # what came last gives the other order, and ends as the step did
            left[-1] = arg.with_changes(value=before)
            rewriter.tally.transposes -= 1
            continue
        axes = rewriter.steps.get(left[-1].value) if left else None
        after = _of_other_order(rewriter, arg.value, axes) if axes is not None else None
        if after is not None:
            left[-1] = arg.with_changes(value=after)
            rewriter.tally.transposes -= 1
            continue
        left.append(arg)
    return left


def _of_other_order(rewriter: Rewriter, node: cst.BaseExpression, axes: Sequence[int]) -> cst.Call | None:
    """A layer that takes what ``axes`` would transpose for the given one."""
    index = rewriter.patterned.get(node)
    if index is None or not isinstance(node, cst.Call):
        return None
    pattern = of_input(_text(node, index), tuple(axes.index(axis) for axis in range(len(axes))))
    if pattern is None:
        return None
    result = _with_pattern(node, index, pattern)
    rewriter.patterned[result] = index
    return result


def _text(node: cst.Call, index: int) -> str:
    literal = node.args[index].value
    assert isinstance(literal, cst.SimpleString)
    return str(literal.evaluated_value)


def _with_pattern(node: cst.Call, index: int, pattern: str) -> cst.Call:
    args = list(node.args)
    text = args[index].value
    assert isinstance(text, cst.SimpleString)
    written = text.with_changes(value=f"{text.prefix}{text.quote}{pattern}{text.quote}")
    args[index] = args[index].with_changes(value=written)
    return node.with_changes(args=args)
