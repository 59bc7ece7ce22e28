"""Random draws that jax.random has no function for."""

import jax
import jax.numpy as jnp
from flax import nnx


def multinomial(key: jax.Array, weights: jax.Array, num_samples: int, replacement: bool = False) -> jax.Array:
    """Indices of the last axis drawn with probabilities proportional to `weights`: (..., num_samples)."""
    log_weights = jnp.log(weights)
    if replacement:
        shape = (*weights.shape[:-1], num_samples)
        return jax.random.categorical(key, log_weights[..., None, :], shape=shape)
    # The order of Gumbel-perturbed logits is a draw without replacement.
    return jax.lax.top_k(log_weights + jax.random.gumbel(key, weights.shape, weights.dtype), num_samples)[1]


def gumbel_softmax(
    key: jax.Array, logits: jax.Array, tau: float = 1.0, hard: bool = False, axis: int = -1
) -> jax.Array:
    """Softmax of logits with Gumbel noise; `hard` gives one-hot vectors with the gradient of the soft ones."""
    soft = jax.nn.softmax((logits + jax.random.gumbel(key, logits.shape, logits.dtype)) / tau, axis=axis)
    if not hard:
        return soft
    one_hot = jax.nn.one_hot(soft.argmax(axis), logits.shape[axis], axis=axis, dtype=logits.dtype)
    return jax.lax.stop_gradient(one_hot - soft) + soft


def rrelu(key: jax.Array, x: jax.Array, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = True) -> jax.Array:
    """`x` where it is not negative, else times a slope drawn from [lower, upper], or their middle when not training."""
    slope = jax.random.uniform(key, x.shape, x.dtype, lower, upper) if training else (lower + upper) / 2
    return jnp.where(x >= 0, x, slope * x)


def reseed(rngs: nnx.Rngs, seed: int) -> nnx.Rngs:
    """Start the streams of `rngs` anew, as `nnx.Rngs(seed)` starts; gives `rngs`."""
    nnx.reseed(rngs, default=seed)
    for stream in vars(rngs).values():
        if isinstance(stream, nnx.RngStream):
            stream.count[...] = 0
    return rngs
