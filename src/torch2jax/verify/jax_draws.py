"""`jax.random` and `nnx.Rngs` with the shared numbers of `torch2jax.verify.randomness`.

The functions are replaced by name. Under `jax.jit` they run while a function is traced: the numbers become constants
of the compiled function, and every call of it sees the same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jax
import jax._src.random as jax_random  # what the initialisers of jax.nn call
import jax.numpy as jnp
import numpy as np
import torch
from flax import nnx

from torch2jax.verify.randomness import Draws, seeded_python

Function = Callable[..., jax.Array]

_UNSHARED = (
    *("ball", "beta", "binomial", "chisquare", "choice", "dirichlet", "double_sided_maxwell", "f", "gamma"),
    *("generalized_normal", "laplace", "loggamma", "logistic", "maxwell", "multinomial", "multivariate_normal"),
    *("pareto", "poisson", "rademacher", "rayleigh", "t", "triangular", "wald", "weibull_min"),
)


@contextmanager
def jax_draws(seed: int, draws: Draws | None = None) -> Iterator[Draws]:
    """Inside, `jax.random` and the methods of `nnx.Rngs` take their numbers from the shared ones.

    draws: those to take; new ones if None.
    """
    draws = draws or Draws(seed)
    replacements: list[tuple[Any, str, Function]] = []
    for name, function in (_functions(draws) | _noted(draws)).items():
        replacements += [(module, name, function) for module in (jax.random, jax_random)]
        owners = (owner for owner in (nnx.Rngs, nnx.RngStream) if hasattr(owner, name))
        replacements += [(owner, name, _as_method(function)) for owner in owners]
    with seeded_python(seed), _replaced(replacements):
        yield draws


@contextmanager
def _replaced(replacements: Sequence[tuple[Any, str, Function]]) -> Iterator[None]:
    """Inside, attributes of modules and classes are others: `unittest.mock.patch` takes long for so many."""
    before = [(owner, name, vars(owner).get(name)) for owner, name, _ in replacements]
    try:
        for owner, name, function in replacements:
            setattr(owner, name, function)
        yield
    finally:
        for owner, name, own in before:
            if own is None:  # it was inherited
                delattr(owner, name)
            else:
                setattr(owner, name, own)


def _functions(draws: Draws) -> dict[str, Function]:
    """Computed in NumPy as far as possible: to compile a draw for each shape takes most of a verification's time."""

    def normal(key: Any, shape: Sequence[int] = (), dtype: Any = None, **_: Any) -> jax.Array:
        return jnp.asarray(draws.normal(shape), dtype or jnp.result_type(float))

    def uniform(
        key: Any, shape: Sequence[int] = (), dtype: Any = None, minval: Any = 0.0, maxval: Any = 1.0, **_: Any
    ) -> jax.Array:
        return jnp.asarray(draws.uniform(shape) * (maxval - minval) + minval, dtype or jnp.result_type(float))

    def truncated_normal(
        key: Any, lower: Any, upper: Any, shape: Sequence[int] | None = None, dtype: Any = None, **_: Any
    ) -> jax.Array:
        shape = np.broadcast_shapes(np.shape(lower), np.shape(upper)) if shape is None else shape
        low, high = (torch.special.ndtr(torch.as_tensor(np.asarray(bound, np.float64))) for bound in (lower, upper))
        below = low + torch.from_numpy(draws.truncated(shape)) * (high - low)
        return jnp.asarray(torch.special.ndtri(below).numpy().clip(lower, upper), dtype or jnp.result_type(float))

    def bernoulli(key: Any, p: Any = 0.5, shape: Sequence[int] | None = None, **_: Any) -> jax.Array:
        return jnp.asarray(draws.uniform(jnp.shape(p) if shape is None else shape) < p)

    def exponential(key: Any, shape: Sequence[int] = (), dtype: Any = None, **_: Any) -> jax.Array:
        return jnp.asarray(draws.exponential(shape), dtype or jnp.result_type(float))

    def gumbel(key: Any, shape: Sequence[int] = (), dtype: Any = None, **_: Any) -> jax.Array:
        return jnp.asarray(draws.gumbel(shape), dtype or jnp.result_type(float))

    def cauchy(key: Any, shape: Sequence[int] = (), dtype: Any = None, **_: Any) -> jax.Array:
        return jnp.asarray(draws.cauchy(shape), dtype or jnp.result_type(float))

    def geometric(key: Any, p: Any, shape: Sequence[int] | None = None, dtype: Any = None, **_: Any) -> jax.Array:
        uniform = draws.uniform(jnp.shape(p) if shape is None else shape)
        return jnp.ceil(jnp.log1p(-uniform) / jnp.log1p(-p)).astype(dtype or jnp.result_type(int))

    def categorical(key: Any, logits: Any, axis: int = -1, shape: Sequence[int] | None = None, **_: Any) -> jax.Array:
        below = jnp.cumsum(jnp.moveaxis(jax.nn.softmax(logits, axis), axis, -1), -1)
        uniform = draws.uniform(below.shape[:-1] if shape is None else shape)
        return jnp.minimum((uniform[..., None] >= below).sum(-1), below.shape[-1] - 1)

    def randint(key: Any, shape: Sequence[int], minval: int, maxval: int, dtype: Any = None, **_: Any) -> jax.Array:
        if dtype is not None and not jnp.issubdtype(dtype, jnp.integer):
            raise TypeError(f"randint only accepts integer dtypes, got {dtype}")  # as the one of jax.random
        return jnp.asarray(draws.integer(int(minval), int(maxval), shape), dtype or jnp.result_type(int))

    def permutation(key: Any, x: Any, axis: int = 0, **_: Any) -> jax.Array:
        if jnp.ndim(x) == 0:
            return jnp.asarray(draws.permutation(int(x)))
        return jnp.take(x, jnp.asarray(draws.permutation(x.shape[axis])), axis=axis)

    return {function.__name__: function for function in (
        normal, uniform, truncated_normal, bernoulli, exponential, gumbel, cauchy, geometric, categorical, randint,
        permutation,
    )}  # fmt: skip


def _noted(draws: Draws) -> dict[str, Function]:
    """The remaining samplers: they draw as always, and that is noted."""

    def noted(name: str, function: Function) -> Function:
        def sampler(*args: Any, **kwargs: Any) -> jax.Array:
            draws.unshared[name] += 1
            return function(*args, **kwargs)

        return sampler

    return {name: noted(name, getattr(jax.random, name)) for name in _UNSHARED}


def _as_method(function: Function) -> Function:
    """The method of a stream that draws with the stream's next key (the shared kinds need none)."""
    needs_key = function.__name__ == "sampler"

    def method(self: Any, *args: Any, **kwargs: Any) -> jax.Array:
        return function(self() if needs_key else None, *args, **kwargs)

    return method
