"""Set Transformer (Lee et al., 2019): attention between the elements of a set, in any order."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class MAB(nnx.Module):
    """Multihead attention block: the elements of one set read those of another.

    Args:
        dim_query, dim_key: width of the two sets
        dim: width of the result
        num_heads: number of heads
        ln: normalise after attention and after the linear layer
    """

    def __init__(self, dim_query, dim_key, dim, num_heads, ln=False, *, rngs: nnx.Rngs):
        self.num_heads = num_heads
        self.scale = math.sqrt(dim)
        self.query = nnx.Linear(dim_query, dim, **fan_in_uniform(dim_query), rngs=rngs)
        self.key = nnx.Linear(dim_key, dim, **fan_in_uniform(dim_key), rngs=rngs)
        self.value = nnx.Linear(dim_key, dim, **fan_in_uniform(dim_key), rngs=rngs)
        self.out = nnx.Linear(dim, dim, **fan_in_uniform(dim), rngs=rngs)
        if ln:
            self.ln0 = nnx.LayerNorm(dim, epsilon=1e-5, use_fast_variance=False, rngs=rngs)
            self.ln1 = nnx.LayerNorm(dim, epsilon=1e-5, use_fast_variance=False, rngs=rngs)

    def split_heads(self, x):
        # (B, N, D) -> (heads * B, N, D / heads): bmm wants three axes
        return jnp.concatenate(chunk(x, self.num_heads, axis=2))

    def merge_heads(self, x):
        return jnp.concatenate(chunk(x, self.num_heads), axis=-1)

    def __call__(self, x, y):
        q = self.split_heads(self.query(x))
        k, v = self.split_heads(self.key(y)), self.split_heads(self.value(y))

        weights = nnx.softmax(q @ k.swapaxes(1, 2) / self.scale, axis=2)
        h = self.merge_heads(q + weights @ v)
        if hasattr(self, 'ln0'):
            h = self.ln0(h)
        h = h + nnx.relu(self.out(h))
        return self.ln1(h) if hasattr(self, 'ln1') else h


class SAB(nnx.Module):
    """A set reads itself."""

    def __init__(self, dim_in, dim_out, num_heads, *, rngs: nnx.Rngs, **kwargs):
        self.mab = MAB(dim_in, dim_in, dim_out, num_heads, rngs=rngs, **kwargs)

    def __call__(self, x):
        return self.mab(x, x)


class ISAB(nnx.Module):
    """The same by way of a few learned points, at a cost linear in the size of the set."""

    def __init__(self, dim_in, dim_out, num_heads, num_points, *, rngs: nnx.Rngs, **kwargs):
        self.inducing = nnx.Param(jnp.zeros((1, num_points, dim_out), dtype=jnp.float32))
        self.inducing[...] = nnx.initializers.xavier_uniform(in_axis=1, out_axis=0)(
            rngs.params(), self.inducing.shape, self.inducing.dtype
        )
        self.read = MAB(dim_out, dim_in, dim_out, num_heads, rngs=rngs, **kwargs)
        self.write = MAB(dim_in, dim_out, dim_out, num_heads, rngs=rngs, **kwargs)

    def __call__(self, x):
        summary = self.read(jnp.tile(self.inducing[...], (x.shape[0], 1, 1)), x)
        return self.write(x, summary)


class PMA(nnx.Module):
    """Pooling: learned seeds read the set, one element for each comes out."""

    def __init__(self, dim, num_heads, num_seeds, *, rngs: nnx.Rngs, **kwargs):
        self.seeds = nnx.Param(jnp.zeros((1, num_seeds, dim), dtype=jnp.float32))
        self.seeds[...] = nnx.initializers.xavier_uniform(in_axis=1, out_axis=0)(
            rngs.params(), self.seeds.shape, self.seeds.dtype
        )
        self.mab = MAB(dim, dim, dim, num_heads, rngs=rngs, **kwargs)

    def __call__(self, x):
        value = self.seeds[...]
        return self.mab(jnp.broadcast_to(value, expand_shape(value.shape, (x.shape[0], -1, -1))), x)


class SetTransformer(nnx.Module):
    """Sets (B, N, dim_input) -> (B, num_outputs, dim_output), whatever the order of the N elements."""

    def __init__(self, dim_input=3, num_outputs=2, dim_output=4, num_points=5, dim_hidden=16, num_heads=4, ln=True,
                 dropout=0.1, *, rngs: nnx.Rngs):
        self.encoder = nnx.Sequential(
            ISAB(dim_input, dim_hidden, num_heads, num_points, ln=ln, rngs=rngs),
            ISAB(dim_hidden, dim_hidden, num_heads, num_points, ln=ln, rngs=rngs))
        self.decoder = nnx.Sequential(
            nnx.Dropout(dropout, rngs=rngs),
            PMA(dim_hidden, num_heads, num_outputs, ln=ln, rngs=rngs),
            SAB(dim_hidden, dim_hidden, num_heads, ln=ln, rngs=rngs),
            nnx.Dropout(dropout, rngs=rngs),
            nnx.Linear(dim_hidden, dim_output, **fan_in_uniform(dim_hidden), rngs=rngs))

    def __call__(self, x):
        return self.decoder(self.encoder(x))


class DeepSet(nnx.Module):
    """The simpler model to compare with: a network on each element, a pooling, another network."""

    def __init__(self, dim_input=3, num_outputs=2, dim_output=4, dim_hidden=16, pool='mean', *, rngs: nnx.Rngs):
        self.num_outputs = num_outputs
        self.dim_output = dim_output
        self.pool = pool
        self.enc = nnx.Sequential(
            nnx.Linear(dim_input, dim_hidden, **fan_in_uniform(dim_input), rngs=rngs), nnx.relu,
            nnx.Linear(dim_hidden, dim_hidden, **fan_in_uniform(dim_hidden), rngs=rngs))
        self.dec = nnx.Sequential(
            nnx.Linear(dim_hidden, dim_hidden, **fan_in_uniform(dim_hidden), rngs=rngs), nnx.relu,
            nnx.Linear(dim_hidden, num_outputs * dim_output, **fan_in_uniform(dim_hidden), rngs=rngs))

    def __call__(self, x):
        x = self.enc(x)
        if self.pool == 'mean':
            x = x.mean(axis=-2)
        elif self.pool == 'max':
            x, _ = max_with_indices(x, axis=-2)
        else:
            x = x.sum(axis=-2)
        return self.dec(x).reshape(-1, self.num_outputs, self.dim_output)


# Helpers without a Flax equivalent.


def chunk(x: jax.Array, chunks: int, axis: int = 0) -> list[jax.Array]:
    """At most `chunks` parts along `axis`: all of the size that is rounded up, the last one of what is left."""
    size = max(-(-x.shape[axis] // chunks), 1)
    return jnp.split(x, list(range(size, x.shape[axis], size)), axis)


def expand_shape(shape: Sequence[int], sizes: Sequence[int]) -> tuple[int, ...]:
    """`sizes` in which every -1 is replaced by the size that `shape` has there, counted from the last axis."""
    missing = len(sizes) - len(shape)
    return tuple(shape[i - missing] if size == -1 else size for i, size in enumerate(sizes))


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


def max_with_indices(x: jax.Array, axis: int, keepdims: bool = False) -> tuple[jax.Array, jax.Array]:
    """Maximum along `axis` and where it is; of equal values the first one gets the whole gradient."""
    indices = jnp.argmax(x, axis, keepdims=True)
    values = jnp.take_along_axis(x, indices, axis)
    return (values, indices) if keepdims else (values.squeeze(axis), indices.squeeze(axis))
