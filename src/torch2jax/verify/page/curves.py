"""Two curves of losses as points of a drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 560, 180
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 12, 12, 26


@dataclass(frozen=True, slots=True)
class Curves:
    """The losses, and where they are in a drawing of ``WIDTH`` by ``HEIGHT``.

    torch, jax: a list of lines for each side, as SVG points; more than one where a loss is not finite. ticks: (y, text)
    of losses, steps: (x, text) of steps. rows: (step, torch's loss, the translation's).
    """

    torch: list[str]
    jax: list[str]
    dots: list[tuple[float, float]]
    ticks: list[tuple[float, str]]
    steps: list[tuple[float, str]]
    rows: list[tuple[int, float | None, float | None]]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT


def curves(torch: Sequence[float | None], jax: Sequence[float | None]) -> Curves | None:
    """The drawing; None where there is nothing to draw."""
    finite = [loss for loss in (*torch, *jax) if loss is not None]
    if not finite:
        return None
    low, high = min(finite), max(finite)
    count = max(len(torch), len(jax))

    def x(step: int) -> float:
        return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * (step / (count - 1) if count > 1 else 0.5), 1)

    def y(loss: float) -> float:
        share = (loss - low) / (high - low) if high > low else 0.5
        return round(_TOP + (HEIGHT - _TOP - _BOTTOM) * (1 - share), 1)

    def lines(losses: Sequence[float | None]) -> list[str]:
        parts: list[list[str]] = [[]]
        for step, loss in enumerate(losses):
            if loss is None:
                parts.append([])
            else:
                parts[-1].append(f"{x(step)},{y(loss)}")
        return [" ".join(part) for part in parts if part]

    every = max(1, -(-count // 10))
    values = dict.fromkeys((low, (low + high) / 2, high)) if high > low else [low]
    padded = ([*side, *[None] * (count - len(side))] for side in (torch, jax))
    return Curves(
        lines(torch),
        lines(jax),
        [(x(step), y(loss)) for step, loss in enumerate(jax) if loss is not None],
        [(y(value), f"{value:.4g}") for value in values],
        [(x(step), str(step + 1)) for step in range(0, count, every)],
        [(step, *pair) for step, pair in enumerate(zip(*padded, strict=True), 1)],
    )
