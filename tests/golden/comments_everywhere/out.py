#!/usr/bin/env python
# -*- coding: utf-8 -*-
"""Comments, blank lines and odd layouts, all of which stay: see torch.nn.Linear.

Usage: nn.Conv2d(1, 2, 3) in this text is not code.
"""

# imports
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class Net(nnx.Module):  # a net
    '''Single quotes, with "double" ones inside.'''

    # configuration
    hidden = 6 ; depth = 1

    def __init__(
        self,
        d=4,  # input width
        k = 3,
        *,
        rngs: nnx.Rngs,
    ):
        # --- layers -------------------------------------------------
        # in
        # out
        # keep the length
        # a norm follows
        self.conv = nnx.Conv(
            d, self.hidden, 3, padding=1, use_bias=False, **fan_in_uniform(d, 3), rngs=rngs
        )  # (N, hidden, L)

        self.out = nnx.Sequential(
            # first
            BatchNorm(self.hidden, rngs=rngs), nnx.relu,
        
            # second
            nnx.Conv(
                self.hidden, k, 1, padding="VALID", **fan_in_uniform(self.hidden, 1), rngs=rngs
            )
        )

    def __call__(self, x):
        """Nothing to see."""
        x = x.transpose(0, 2, 1)  # N C L -> N L C

        # x: (N, d, L)
        x = self.conv(x) ; y = self.out(
            x)  # (N, k, L)
        # x = torch.relu(x)
        mix = jnp.concatenate([
                y,  # new
                # the old one follows
                x.mean(axis=2, keepdims=True),
            ], axis=2).sum(axis=1)
        return mix   # done


# end of file


# Helpers without a Flax equivalent.


class BatchNorm(nnx.BatchNorm):
    """Batch normalisation over all axes but the last, with PyTorch's defaults and its unbiased running variance.

    `nnx.BatchNorm` averages the biased variance of the batches; here it is multiplied by n / (n - 1) first, where n is
    the number of values per feature.
    """

    def __init__(
        self, num_features: int, *, momentum: float = 0.9, epsilon: float = 1e-5, rngs: nnx.Rngs, **options: Any
    ) -> None:
        super().__init__(
            num_features, momentum=momentum, epsilon=epsilon, use_fast_variance=False, rngs=rngs, **options
        )

    def __call__(
        self, x: jax.Array, use_running_average: bool | None = None, *, mask: jax.Array | None = None
    ) -> jax.Array:
        """Normalises x of shape (batch, ..., features); in training, updates the running statistics."""
        if x.size == 0:  # nothing to average
            return x
        previous = self.var[...]
        y: jax.Array = super().__call__(x, use_running_average, mask=mask)
        evaluating = self.use_running_average if use_running_average is None else use_running_average
        if not evaluating:
            n = x.size // x.shape[-1]
            self.var[...] += (self.var[...] - self.momentum * previous) / (n - 1)
        return y


def uniform_within(bound: float) -> Callable[..., jax.Array]:
    """Initializer that draws uniformly from [-bound, bound]."""

    def init(key: jax.Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return init


def fan_in_uniform(in_features: int, kernel_size: int | Sequence[int] = (), groups: int = 1) -> dict[str, Any]:
    """Initializers of kernel and bias that draw from [-b, b], b = 1 / sqrt(in_features / groups * prod(kernel_size)).

    This is how PyTorch initializes linear layers and convolutions; flax would draw a normal kernel and a zero bias.
    """
    window = (kernel_size,) if isinstance(kernel_size, int) else kernel_size
    init = uniform_within(1 / math.sqrt(max(1, in_features // groups * math.prod(window))))
    return {"kernel_init": init, "bias_init": init}
