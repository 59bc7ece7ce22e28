"""Families of orthogonal polynomials by their recurrences."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax


def recurrence(
    x: jax.Array,
    n: jax.Array | float,
    first: Callable[[jax.Array], jax.Array],
    step: Callable[[jax.Array, jax.Array, jax.Array, jax.Array], jax.Array],
) -> jax.Array:
    """p_n(x) with p_0 = 1, p_1 = `first(x)` and p_k = `step(x, k, p_(k-1), p_(k-2))`; 0 for n < 0. No gradients."""
    x, n = jnp.broadcast_arrays(lax.stop_gradient(jnp.asarray(x)), jnp.trunc(lax.stop_gradient(jnp.asarray(n))))
    x = x.astype(jnp.result_type(x, jnp.zeros(0)))

    def body(k: jax.Array, last: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        new = step(x, k.astype(x.dtype), *last)
        return jnp.where(k <= n, new, last[0]), jnp.where(k <= n, last[0], last[1])

    start = (jnp.where(n > 0, first(x), 1), jnp.ones_like(x))
    highest = n.max(initial=0).astype(int)
    return jnp.where(n < 0, 0, lax.fori_loop(2, highest + 1, body, start)[0])


def chebyshev_t(x: jax.Array, n: jax.Array | float) -> jax.Array:
    """Chebyshev polynomial of the first kind."""
    return recurrence(x, n, lambda x: x, lambda x, k, p, q: 2 * x * p - q)


def chebyshev_u(x: jax.Array, n: jax.Array | float) -> jax.Array:
    """Chebyshev polynomial of the second kind."""
    return recurrence(x, n, lambda x: 2 * x, lambda x, k, p, q: 2 * x * p - q)


def chebyshev_v(x: jax.Array, n: jax.Array | float) -> jax.Array:
    """Chebyshev polynomial of the third kind."""
    return recurrence(x, n, lambda x: 2 * x - 1, lambda x, k, p, q: 2 * x * p - q)


def chebyshev_w(x: jax.Array, n: jax.Array | float) -> jax.Array:
    """Chebyshev polynomial of the fourth kind."""
    return recurrence(x, n, lambda x: 2 * x + 1, lambda x, k, p, q: 2 * x * p - q)


def hermite_h(x: jax.Array, n: jax.Array | float) -> jax.Array:
    """Physicists' Hermite polynomial."""
    return recurrence(x, n, lambda x: 2 * x, lambda x, k, p, q: 2 * (x * p - (k - 1) * q))


def hermite_he(x: jax.Array, n: jax.Array | float) -> jax.Array:
    """Probabilists' Hermite polynomial."""
    return recurrence(x, n, lambda x: x, lambda x, k, p, q: x * p - (k - 1) * q)


def laguerre_l(x: jax.Array, n: jax.Array | float) -> jax.Array:
    """Laguerre polynomial."""
    return recurrence(x, n, lambda x: 1 - x, lambda x, k, p, q: ((2 * k - 1 - x) * p - (k - 1) * q) / k)


def legendre_p(x: jax.Array, n: jax.Array | float) -> jax.Array:
    """Legendre polynomial."""
    return recurrence(x, n, lambda x: x, lambda x, k, p, q: ((2 * k - 1) * x * p - (k - 1) * q) / k)
