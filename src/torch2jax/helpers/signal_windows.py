"""Windows of signals: the functions of `torch.signal.windows`."""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike


def window_places(count: int, sym: bool, dtype: DTypeLike | None = None) -> jax.Array:
    """0 to 1 over a symmetric window, or over the first `count` of `count + 1` places of a periodic one."""
    intervals = max(count - 1 if sym else count, 1)
    return jnp.arange(count, dtype=jnp.zeros(0, dtype).dtype) / intervals


def general_cosine_window(
    count: int, a: Sequence[float], sym: bool = True, dtype: DTypeLike | None = None
) -> jax.Array:
    """Sum of cosines with the weights `a` and alternating signs."""
    angles = 2 * math.pi * window_places(count, sym, dtype)
    if count == 1:
        return jnp.ones(1, angles.dtype)
    return sum((weight * (-1) ** k * jnp.cos(k * angles) for k, weight in enumerate(a)), jnp.zeros_like(angles))


def bartlett_window(count: int, sym: bool = True, dtype: DTypeLike | None = None) -> jax.Array:
    """A triangle from 0 to 1 and back."""
    places = window_places(count, sym, dtype)
    return jnp.ones_like(places) if count == 1 else 1 - jnp.abs(2 * places - 1)


def cosine_window(count: int, sym: bool = True, dtype: DTypeLike | None = None) -> jax.Array:
    """Half a wave of a sine, between the places."""
    total = max(1, count if sym or count == 1 else count + 1)
    return jnp.sin(math.pi / total * (jnp.arange(count, dtype=jnp.zeros(0, dtype).dtype) + 0.5))


def exponential_window(
    count: int, center: float | None = None, tau: float = 1.0, sym: bool = True, dtype: DTypeLike | None = None
) -> jax.Array:
    """exp(-|n - center| / tau)."""
    middle = (count if not sym and count > 1 else count - 1) / 2 if center is None else center
    return jnp.exp(-jnp.abs(jnp.arange(count, dtype=jnp.zeros(0, dtype).dtype) - middle) / tau)


def gaussian_window(count: int, std: float = 1.0, sym: bool = True, dtype: DTypeLike | None = None) -> jax.Array:
    """exp(-(n - middle)² / (2 std²))."""
    middle = (count if not sym and count > 1 else count - 1) / 2
    return jnp.exp(-((jnp.arange(count, dtype=jnp.zeros(0, dtype).dtype) - middle) ** 2) / (2 * std**2))


def kaiser_window(count: int, beta: float = 12.0, sym: bool = True, dtype: DTypeLike | None = None) -> jax.Array:
    """I0(beta sqrt(1 - x²)) / I0(beta) for x from -1 to 1."""
    x = 2 * window_places(count, sym, dtype) - 1 if count > 1 else jnp.zeros(count, dtype)
    bessel = jax.scipy.special.i0(beta * jnp.sqrt(jnp.maximum(1 - x**2, 0)))
    return bessel / jax.scipy.special.i0(jnp.asarray(beta, x.dtype))
