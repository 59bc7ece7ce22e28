"""Patterns of einops, such as ``b c h w -> b (h w) c``, for arrays that lie in another axis order."""

from __future__ import annotations

from collections.abc import Sequence

from torch2jax.infer.layout import Layout


def axes_of(side: str) -> list[str] | None:
    """One side of a pattern, axis by axis: a name, a number, or several names in parentheses. None with an ellipsis."""
    axes: list[str] = []
    depth = 0
    for sign in side.replace("(", " ( ").replace(")", " ) ").split():
        if "..." in sign or "…" in sign:
            return None
        if sign == "(":
            axes.append("(")
        elif sign == ")":
            axes[-1] += ")"
        elif depth:
            axes[-1] += sign if axes[-1] == "(" else f" {sign}"
        else:
            axes.append(sign)
        depth += (sign == "(") - (sign == ")")
    return axes


def result_rank(pattern: str) -> int | None:
    """The number of axes of what a pattern gives."""
    axes = axes_of(pattern.partition("->")[2]) if "->" in pattern else None
    return len(axes) if axes is not None else None


def of_input(pattern: str, layout: Layout) -> str | None:
    """The pattern for an array that lies in ``layout``; None where the pattern does not say each axis."""
    left, arrow, right = pattern.partition("->")
    axes = axes_of(left)
    if not arrow or not layout or axes is None or len(axes) != len(layout):
        return None
    return f"{' '.join(axes[axis] for axis in layout)} ->{right}"


def of_output(pattern: str, axes: Sequence[int]) -> str | None:
    """The pattern whose result has the axes that a transposition by ``axes`` of the given pattern's result has."""
    left, arrow, right = pattern.partition("->")
    found = axes_of(right)
    if not arrow or found is None or len(found) != len(axes):
        return None
    return f"{left}-> {' '.join(found[axis] for axis in axes)}"
