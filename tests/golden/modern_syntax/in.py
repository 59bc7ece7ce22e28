"""f-strings, the walrus, match, positional-only parameters, star expressions, type aliases."""
from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor, nn

Pair: TypeAlias = tuple[int, int]


class Net(nn.Module):
    def __init__(self, d: int = 4, /, *, pool: str | Pair = "mean", **extra: float) -> None:
        super().__init__()
        if (scale := extra.pop("scale", 1.0)) <= 0:
            raise ValueError(f"{scale = :.2f} is not positive, {pool!r:>10}")
        self.scale = scale
        match pool:
            case "mean" | "sum":
                self.pool = pool
            case (int(h), int(w)):
                self.pool = nn.AdaptiveMaxPool2d((h, w))
            case _:
                self.pool = None
        self.proj = nn.Conv2d(d, d, 1)

    def forward(self, x: Tensor) -> Tensor | dict[str, Tensor]:
        y = self.proj(x) * self.scale
        match self.pool:
            case "mean":
                return y.mean((2, 3))
            case "sum":
                return y.sum((2, 3))
            case nn.Module():
                y = self.pool(y)
        if (n := y.flatten(1).shape[1]) > 10:
            y = y / n
        return {f"out_{i}": c for i, c in enumerate([*y.unbind(0)])}
