"""What apex has: layers of PyTorch in kernels of their own."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn


class FusedLayerNorm(nn.LayerNorm):
    """`nn.LayerNorm` in one kernel; ``memory_efficient`` computes the input of the backward pass again."""

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        memory_efficient: bool = False,
    ) -> None:
        super().__init__(list(_sizes(normalized_shape)), eps, elementwise_affine)


class FusedRMSNorm(nn.RMSNorm):
    """`nn.RMSNorm` in one kernel, with an epsilon of its own."""

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        memory_efficient: bool = False,
    ) -> None:
        super().__init__(list(_sizes(normalized_shape)), eps, elementwise_affine)


def _sizes(shape: int | Sequence[int]) -> Sequence[int]:
    return (shape,) if isinstance(shape, int) else shape
