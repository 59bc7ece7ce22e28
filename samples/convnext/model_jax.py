"""ConvNeXt, a convolutional network in the clothes of a transformer (Liu et al., 2022)."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Optional, Sequence

import jax
import jax.numpy as jnp
from flax import nnx


class StochasticDepth(nnx.Module):
    """While training, drop the branch of a whole sample with probability `p` and scale the others up."""

    def __init__(self, p: float = 0.0, *, rngs: nnx.Rngs):
        self.rngs = rngs.fork()
        self.deterministic = False
        self.p = p

    def __call__(self, x: jax.Array) -> jax.Array:
        if self.deterministic or self.p == 0.0:
            return x
        keep = 1.0 - self.p
        shape = (x.shape[0],) + (1,) * (x.ndim - 1)
        value = jnp.empty(shape, dtype=x.dtype)
        mask = self.rngs.bernoulli(keep, value.shape).astype(value.dtype)
        return x * mask / keep

    def extra_repr(self) -> str:
        return f"p={self.p:.3f}"


class LayerNorm2d(nnx.Module):
    """Layer norm over the channels of (N, C, H, W), at each pixel."""

    def __init__(self, channels: int, eps: float = 1e-6, *, rngs: nnx.Rngs):
        self.eps = eps
        self.weight = nnx.Param(jnp.ones((channels,)))
        self.bias = nnx.Param(jnp.zeros((channels,)))

    def __call__(self, x: jax.Array) -> jax.Array:
        mean = x.mean(axis=1, keepdims=True)
        centred = x - mean
        var = (centred**2).mean(axis=1, keepdims=True)
        x = centred / jnp.sqrt(var + self.eps)
        return self.weight[...][:, None, None] * x + self.bias[...][:, None, None]


class Block(nnx.Module):
    """7x7 depthwise convolution, then an MLP on each pixel.

    The MLP uses Linear layers, so the data is channel-last in the middle. `layer_scale`, the initial
    scale of the branch, may be None for no scale at all.
    """

    def __init__(
        self,
        dim: int,
        drop_path: float = 0.0,
        layer_scale: Optional[float] = 1e-6,
        expansion: int = 4,
        *,
        rngs: nnx.Rngs,
    ):
        self.dwconv = nnx.Conv(
            dim,
            dim,
            (7, 7),
            padding=3,
            feature_group_count=dim,
            **fan_in_uniform(dim, (7, 7), groups=dim),
            rngs=rngs,
        )
        self.norm = nnx.LayerNorm(dim, use_fast_variance=False, rngs=rngs)
        self.mlp = nnx.Sequential(
            nnx.Linear(dim, expansion * dim, **fan_in_uniform(dim), rngs=rngs),
            partial(nnx.gelu, approximate=False),
            nnx.Linear(expansion * dim, dim, **fan_in_uniform(expansion * dim), rngs=rngs),
        )
        if layer_scale is not None:
            self.gamma = nnx.Param(layer_scale * jnp.ones((dim,)))
        else:
            self.gamma = None
        self.drop_path = StochasticDepth(drop_path, rngs=rngs) if drop_path > 0 else nnx.identity

    def __call__(self, x: jax.Array) -> jax.Array:
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        branch = self.dwconv(x)  # NCHW -> NHWC
        branch = self.mlp(self.norm(branch))
        if self.gamma is not None:
            branch = self.gamma[...] * branch
        branch = branch.transpose(0, 3, 1, 2)  # back to NCHW
        return x.transpose(0, 3, 1, 2) + self.drop_path(branch)


class ConvNeXt(nnx.Module):
    """
    Args:
        in_chans: channels of the images
        num_classes: number of scores
        depths, dims: blocks and channels of each stage
        drop_path_rate: stochastic depth of the last block; it grows linearly from 0
        layer_scale: see `Block`
        head_scale: factor on the initial weights of the classifier
    """

    def __init__(
        self,
        in_chans: int = 3,
        num_classes: int = 1000,
        depths: Sequence[int] = (3, 3, 9, 3),
        dims: Sequence[int] = (96, 192, 384, 768),
        drop_path_rate: float = 0.0,
        layer_scale: Optional[float] = 1e-6,
        head_scale: float = 1.0,
        *,
        rngs: nnx.Rngs,
    ):
        rates = [r.item() for r in jnp.linspace(0, drop_path_rate, sum(depths))]

        self.downsamplers = nnx.List([])
        self.stages = nnx.List([])
        first = 0
        for i, (depth, dim) in enumerate(zip(depths, dims)):
            if i == 0:
                down = nnx.Sequential(
                    partial(jnp.transpose, axes=(0, 2, 3, 1)),
                    nnx.Conv(
                        in_chans,
                        dim,
                        (4, 4),
                        strides=4,
                        padding="VALID",
                        **fan_in_uniform(in_chans, (4, 4)),
                        rngs=rngs,
                    ),
                    partial(jnp.transpose, axes=(0, 3, 1, 2)),
                    LayerNorm2d(dim, rngs=rngs),
                )
            else:
                down = nnx.Sequential(
                    LayerNorm2d(dims[i - 1], rngs=rngs),
                    partial(jnp.transpose, axes=(0, 2, 3, 1)),
                    nnx.Conv(
                        dims[i - 1],
                        dim,
                        (2, 2),
                        strides=2,
                        padding="VALID",
                        **fan_in_uniform(dims[i - 1], (2, 2)),
                        rngs=rngs,
                    ),
                    partial(jnp.transpose, axes=(0, 3, 1, 2)),
                )
            self.downsamplers.append(down)
            self.stages.append(
                nnx.Sequential(*[Block(dim, rates[first + j], layer_scale, rngs=rngs) for j in range(depth)])
            )
            first += depth

        self.norm = nnx.LayerNorm(dims[-1], use_fast_variance=False, rngs=rngs)
        self.head = nnx.Linear(dims[-1], num_classes, **fan_in_uniform(dims[-1]), rngs=rngs)

        for _, module in nnx.iter_modules(self):
            self._init_weights(module, rngs=rngs)
        self.head.kernel[...] = self.head.kernel[...] * head_scale
        self.head.bias[...] = self.head.bias[...] * head_scale

    def _init_weights(self, m: nnx.Module, *, rngs: nnx.Rngs) -> None:
        if isinstance(m, (nnx.Conv, nnx.Linear)):
            m.kernel[...] = nnx.initializers.normal(0.02)(rngs.params(), m.kernel.shape, m.kernel.dtype)
            m.bias[...] = jnp.zeros_like(m.bias)

    def forward_features(self, x: jax.Array) -> jax.Array:
        for i in range(len(self.stages)):
            x = self.downsamplers[i](x)
            x = self.stages[i](x)
        return self.norm(x.mean(axis=(-2, -1)))

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.head(self.forward_features(x))


def convnext_tiny(*, rngs: nnx.Rngs, **kwargs) -> ConvNeXt:
    return ConvNeXt(depths=[3, 3, 9, 3], dims=[96, 192, 384, 768], rngs=rngs, **kwargs)


def convnext_micro(*, rngs: nnx.Rngs, **kwargs) -> ConvNeXt:
    """Small enough for tests, with stochastic depth."""
    kwargs.setdefault("drop_path_rate", 0.2)
    return ConvNeXt(depths=[1, 2, 3, 1], dims=[16, 24, 32, 40], rngs=rngs, **kwargs)


# Helpers without a Flax equivalent.


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
