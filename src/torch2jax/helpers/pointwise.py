"""Elementwise functions whose values or gradients differ from the jax.numpy function of that name."""

import jax
import jax.numpy as jnp
from jax import lax


def absolute(x: jax.Array) -> jax.Array:
    """|x| with the gradient 0 at 0, where that of `jnp.abs` is 1."""
    return jnp.abs(x) if jnp.iscomplexobj(x) else x * jnp.sign(x)


def clamp(x: jax.Array, min: jax.Array | float | None = None, max: jax.Array | float | None = None) -> jax.Array:
    """`x` cut to [min, max]; at the bounds the whole gradient goes to x (`jnp.clip` halves it there)."""
    if min is not None:
        x = jnp.where(x < min, min, x)
    return x if max is None else jnp.where(x > max, max, x)


def hardtanh(x: jax.Array, min_val: float = -1.0, max_val: float = 1.0) -> jax.Array:
    """`x` cut to [min_val, max_val], with the gradient 0 at the bounds."""
    return jnp.where(x <= min_val, min_val, jnp.where(x >= max_val, max_val, x))


def leaky_relu(x: jax.Array, negative_slope: float = 0.01) -> jax.Array:
    """`x` where it is positive, else negative_slope * x, also in the gradient at 0 (`nnx.leaky_relu` has 1 there)."""
    return jnp.where(x > 0, x, negative_slope * x)


def prelu(x: jax.Array, weight: jax.Array) -> jax.Array:
    """`x` where it is positive, else weight * x; several weights belong to the channels, axis 1."""
    if weight.size == 1:
        weight = weight.reshape(())
    elif x.ndim > 1:
        weight = weight.reshape((-1,) + (1,) * (x.ndim - 2))
    return jnp.where(x > 0, x, weight * x)


def truncated_divide(x: jax.Array, y: jax.Array | float) -> jax.Array:
    """`x / y` rounded towards zero; integers stay integers."""
    if jnp.issubdtype(jnp.result_type(x, y), jnp.integer):
        return (x - jnp.fmod(x, y)) // y
    return jnp.trunc(x / y)


def power(base: jax.Array, exponent: jax.Array) -> jax.Array:
    """`base ** exponent` with the gradient 0, not NaN, where 0 is raised to the power 0."""
    return jnp.where((base == 0) & (exponent == 0), 1, base) ** exponent


def xlogy(x: jax.Array, y: jax.Array | float) -> jax.Array:
    """`x log(y)`, 0 with the gradient 0 where x is 0 and y is not positive."""
    empty = (x == 0) & (jnp.asarray(y) <= 0)
    return jnp.where(empty, 0, jax.scipy.special.xlogy(x, jnp.where(empty, 1, y)))


def arctan2(y: jax.Array, x: jax.Array) -> jax.Array:
    """Angle of the point (x, y) with the gradient 0, not NaN, at the origin."""
    origin = (x == 0) & (y == 0)
    angle = jnp.arctan2(y, jnp.where(origin, 1, x))
    return jnp.where(origin, jax.lax.stop_gradient(jnp.arctan2(y, x)), angle)


def angle(z: jax.Array) -> jax.Array:
    """Argument of complex numbers with the gradient 0 at 0; of real numbers 0 or pi."""
    return arctan2(z.imag, z.real)


def logit(x: jax.Array, eps: float | None = None) -> jax.Array:
    """log(x / (1 - x)), with x first cut to [eps, 1 - eps]."""
    if eps is not None:
        x = clamp(x, eps, 1 - eps)
    return jnp.log(x / (1 - x))


def with_data(old: jax.Array, new: jax.Array) -> jax.Array:
    """`new` in the place of `old`, as with PyTorch's `.data`: gradients go to `old`, and none into `new`."""
    new = jax.lax.stop_gradient(jnp.asarray(new))
    if jnp.shape(old) != new.shape:
        return new
    finite = jnp.where(jnp.isfinite(old), old, 0)
    return new + (finite - jax.lax.stop_gradient(finite)).astype(new.dtype)


def frexp(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Mantissa and exponent, differentiable in the mantissa."""
    exponent = jnp.frexp(lax.stop_gradient(x))[1]
    return x * jnp.exp2(-exponent.astype(x.dtype)), exponent


def float_power(base: jax.Array | float, exponent: jax.Array | float) -> jax.Array:
    """Power in the widest float there is."""
    wide = jnp.result_type(float, base, exponent)
    return power(jnp.asarray(base, wide), jnp.asarray(exponent, wide))


def bessel_i0(x: jax.Array) -> jax.Array:
    """Modified Bessel function of order 0 with the gradient 0 at 0, where that of `jax.scipy.special.i0` is 1."""
    return jnp.exp(absolute(x)) * jax.scipy.special.i0e(x)


def digamma(x: jax.Array) -> jax.Array:
    """Derivative of the logarithm of gamma; below 0 by reflection, where JAX's derivatives of it lose digits."""
    below = x < 0
    angle = jnp.pi * jnp.where(below, x, 0.5)
    reflected = jax.scipy.special.digamma(jnp.where(below, 1 - x, x))
    return jnp.where(
        below & (x == jnp.floor(x)), jnp.nan, jnp.where(below, reflected - jnp.pi / jnp.tan(angle), reflected)
    )


def polygamma(n: int, x: jax.Array) -> jax.Array:
    """The n-th derivative of digamma."""
    if n == 0:
        return digamma(x)
    derivative: jax.Array = jax.jvp(lambda x: polygamma(n - 1, x), (x,), (jnp.ones_like(x),))[1]
    return derivative


def nextafter(x: jax.Array, other: jax.Array | float) -> jax.Array:
    """The next number in the direction of `other`, with the gradient of `x` where the two differ."""
    fixed = lax.stop_gradient(x)
    own = jnp.where(jnp.isfinite(x) & (x != other), x - fixed, 0)
    neighbour: jax.Array = jnp.nextafter(fixed, lax.stop_gradient(other)) + own
    return neighbour
