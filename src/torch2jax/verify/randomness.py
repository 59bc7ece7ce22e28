"""The same random numbers for both programs.

Two generators never agree, so while a program runs here its draws come from NumPy instead: one sequence per
distribution, advanced in program order. Two programs that draw the same things in the same order then see the same
numbers, and what they compute from them can be compared. Draws of other shapes, or in another order, show up as a
difference.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import jax
import jax._src.random as jax_random  # what the initialisers of jax.nn call
import jax.numpy as jnp
import numpy as np
import torch
from flax import nnx

from torch2jax.weights.arrays import Array

_STREAMS = ("normal", "uniform", "integer", "permutation")


class _Draws:
    """One NumPy generator per distribution, all from one seed."""

    def __init__(self, seed: int) -> None:
        self._streams = {name: np.random.default_rng([seed, index]) for index, name in enumerate(_STREAMS)}

    def normal(self, shape: Sequence[int]) -> Array:
        return self._streams["normal"].standard_normal(tuple(shape))

    def uniform(self, shape: Sequence[int]) -> Array:
        return self._streams["uniform"].random(tuple(shape))

    def integer(self, low: int, high: int, shape: Sequence[int]) -> Array:
        return self._streams["integer"].integers(low, high, tuple(shape))

    def permutation(self, n: int) -> Array:
        return self._streams["permutation"].permutation(n)


@contextmanager
def torch_draws(seed: int) -> Iterator[None]:
    """Torch's random functions take their numbers from the shared sequences."""
    torch.manual_seed(seed)
    with _seeded_python(seed), ExitStack() as stack:
        for owner, name, function in _torch_functions(_Draws(seed)):
            stack.enter_context(patch.object(owner, name, function))
        yield


@contextmanager
def jax_draws(seed: int) -> Iterator[None]:
    """`jax.random` and the methods of `nnx.Rngs` take their numbers from the shared sequences."""
    with _seeded_python(seed), ExitStack() as stack:
        for name, function in _jax_functions(_Draws(seed)).items():
            for module in (jax.random, jax_random):
                stack.enter_context(patch.object(module, name, function))
            for owner in (nnx.Rngs, nnx.RngStream):
                stack.enter_context(patch.object(owner, name, _as_method(function)))
        yield


@contextmanager
def _seeded_python(seed: int) -> Iterator[None]:
    """Python's and NumPy's global generators start from ``seed`` and are put back afterwards."""
    python_state, numpy_state = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed)
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)


def _torch_functions(draws: _Draws) -> list[tuple[Any, str, Callable[..., torch.Tensor]]]:
    def sized(draw: Callable[[Sequence[int]], Array]) -> Callable[..., torch.Tensor]:
        def function(*size: Any, **options: Any) -> torch.Tensor:
            shape = options.pop("size", size[0] if len(size) == 1 and not isinstance(size[0], int) else size)
            return _tensor(draw(shape), options)

        return function

    def like(draw: Callable[[Sequence[int]], Array]) -> Callable[..., torch.Tensor]:
        def function(tensor: torch.Tensor, **options: Any) -> torch.Tensor:
            return _tensor(draw(tensor.shape), {"dtype": tensor.dtype, **options})

        return function

    def normal(mean: Any, std: Any = 1.0, size: Any = None, **options: Any) -> torch.Tensor:
        shape = np.broadcast_shapes(*(getattr(x, "shape", ()) for x in (mean, std))) if size is None else size
        return _tensor(draws.normal(shape), options).mul(std).add(mean)

    def bernoulli(tensor: torch.Tensor, p: float | None = None, **_: Any) -> torch.Tensor:
        uniform = torch.as_tensor(draws.uniform(tensor.shape))
        return (uniform < (tensor if p is None else p)).to(tensor.dtype)

    def randint(low: int, high: Any = None, size: Any = None, **options: Any) -> torch.Tensor:
        if size is None:
            low, high, size = 0, low, high
        return _tensor(draws.integer(low, high, size), {"dtype": torch.int64, **options})

    def randperm(n: int, **options: Any) -> torch.Tensor:
        return _tensor(draws.permutation(n), {"dtype": torch.int64, **options})

    def normal_(tensor: torch.Tensor, mean: float = 0.0, std: float = 1.0, **_: Any) -> torch.Tensor:
        return tensor.copy_(torch.as_tensor(draws.normal(tensor.shape)) * std + mean)

    def uniform_(tensor: torch.Tensor, from_: float = 0.0, to: float = 1.0, **_: Any) -> torch.Tensor:
        return tensor.copy_(torch.as_tensor(draws.uniform(tensor.shape)) * (to - from_) + from_)

    def bernoulli_(tensor: torch.Tensor, p: Any = 0.5, **_: Any) -> torch.Tensor:
        return tensor.copy_(torch.as_tensor(draws.uniform(tensor.shape)) < p)

    functions: dict[str, Callable[..., torch.Tensor]] = {
        "randn": sized(draws.normal),
        "rand": sized(draws.uniform),
        "randn_like": like(draws.normal),
        "rand_like": like(draws.uniform),
        "normal": normal,
        "bernoulli": bernoulli,
        "randint": randint,
        "randperm": randperm,
    }
    methods: dict[str, Callable[..., torch.Tensor]] = {
        "normal_": normal_,
        "uniform_": uniform_,
        "bernoulli_": bernoulli_,
        "bernoulli": bernoulli,
    }
    owners: list[tuple[Any, dict[str, Callable[..., torch.Tensor]]]] = [(torch, functions), (torch.Tensor, methods)]
    return [(owner, name, function) for owner, table in owners for name, function in table.items()]


def _tensor(array: Array, options: dict[str, Any]) -> torch.Tensor:
    dtype = options.get("dtype") or torch.get_default_dtype()
    return torch.as_tensor(np.asarray(array)).to(dtype).requires_grad_(bool(options.get("requires_grad", False)))


def _jax_functions(draws: _Draws) -> dict[str, Callable[..., jax.Array]]:
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
        return jnp.asarray(np.clip(draws.normal(shape), lower, upper), dtype or jnp.result_type(float))

    def bernoulli(key: Any, p: Any = 0.5, shape: Sequence[int] | None = None, **_: Any) -> jax.Array:
        return jnp.asarray(draws.uniform(jnp.shape(p) if shape is None else shape) < p)

    def randint(key: Any, shape: Sequence[int], minval: int, maxval: int, dtype: Any = int, **_: Any) -> jax.Array:
        return jnp.asarray(draws.integer(int(minval), int(maxval), shape), dtype)

    def permutation(key: Any, x: Any, axis: int = 0, **_: Any) -> jax.Array:
        if jnp.ndim(x) == 0:
            return jnp.asarray(draws.permutation(int(x)))
        return jnp.take(x, jnp.asarray(draws.permutation(x.shape[axis])), axis=axis)

    return {
        "normal": normal,
        "uniform": uniform,
        "truncated_normal": truncated_normal,
        "bernoulli": bernoulli,
        "randint": randint,
        "permutation": permutation,
    }


def _as_method(function: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
    def method(self: Any, *args: Any, **kwargs: Any) -> jax.Array:
        return function(None, *args, **kwargs)

    return method
