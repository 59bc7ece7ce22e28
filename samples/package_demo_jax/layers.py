"""Layers that the blocks are made of."""

from functools import partial

import jax
import jax.numpy as jnp
from flax import nnx

from .torch2jax_helpers import Buffer, clamp, leaky_relu

ACTIVATIONS = {
    "relu": nnx.relu,
    "gelu": partial(nnx.gelu, approximate=False),
    "silu": nnx.silu,
    "leaky": partial(leaky_relu, negative_slope=0.1),
}


class MelScale(nnx.Module):
    """Power spectrum (N, bins, T) -> log energies of triangular bands (N, n_mels, T)."""

    def __init__(self, n_bins: int, n_mels: int, eps: float = 1e-6, *, rngs: nnx.Rngs):
        self.eps = eps
        # derived from the sizes: not worth a place in the checkpoint
        self.bank = Buffer(triangular_bank(n_bins, n_mels), persistent=False)

    def __call__(self, power: jax.Array) -> jax.Array:
        mel = jnp.einsum("mb,nbt->nmt", self.bank[...], power)
        return jnp.log(clamp(mel, min=self.eps))


class ScaledTanh(nnx.Module):
    """a * tanh(b * x) with learned a and b for each channel of axis 1."""

    def __init__(self, channels: int, *, rngs: nnx.Rngs):
        self.a = nnx.Param(jnp.ones((channels,)))
        self.b = nnx.Param(jnp.full((channels,), 0.5))

    def __call__(self, x):
        shape = (1, -1) + (1,) * (x.ndim - 2)
        return self.a[...].reshape(shape) * jnp.tanh(self.b[...].reshape(shape) * x)


def triangular_bank(n_bins: int, n_mels: int) -> jax.Array:
    """Overlapping triangles with their peaks at equal distances, (n_mels, n_bins)."""
    centres = jnp.linspace(0, n_bins - 1, n_mels + 2)
    bins = jnp.arange(n_bins)
    left, peak, right = (c[:, None] for c in (centres[:-2], centres[1:-1], centres[2:]))
    rising = (bins - left) / (peak - left)
    falling = (right - bins) / (right - peak)
    return nnx.relu(jnp.minimum(rising, falling))


def build_activation(name: str) -> nnx.Module:
    if name not in ACTIVATIONS:
        raise KeyError(f"no activation {name!r}, there are {sorted(ACTIVATIONS)}")
    return ACTIVATIONS[name]
