"""What training steps do to gradients before they use them, and functions that give both gradients and values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import jax
import jax.numpy as jnp
import optax  # type: ignore[import-untyped]
from flax import nnx


@jax.jit
def clip_by_norm(grads: Any, max_norm: float) -> Any:
    """Gradients, scaled so that their norm all together is at most ``max_norm`` (up to the 1e-6 of PyTorch).

    `optax.clip_by_global_norm` divides by the norm alone, and leaves gradients below the limit as they are bit by bit.
    """
    scale = jnp.minimum(1.0, max_norm / (optax.tree.norm(grads) + 1e-6))
    return jax.tree.map(lambda grad: grad * scale, grads)


@jax.jit
def clip_by_value(grads: Any, limit: float) -> Any:
    """Gradients with every element between ``-limit`` and ``limit``."""
    return jax.tree.map(lambda grad: jnp.clip(grad, -limit, limit), grads)


def add_gradients(grads: Any, new: Any) -> Any:
    """The sum of gradients and new ones; ``grads`` is None where there are none yet."""
    return new if grads is None else jax.tree.map(jnp.add, grads, new)


def grad_and_value(function: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Any:
    """A function that gives the gradient of ``function`` and its value, in this order."""
    value_and_grad = jax.value_and_grad(function, argnums, has_aux)

    def differentiated(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        value, grad = value_and_grad(*args, **kwargs)
        return grad, value

    return differentiated


def vector_jacobian(function: Callable[..., Any], inputs: Any, v: Any = None) -> tuple[Any, Any]:
    """The outputs of ``function``, and ``v`` (shaped like them) times its Jacobian, shaped like the inputs.

    ``inputs`` is an array or a tuple of arguments. Without ``v`` the output is a single number.
    """
    outputs, pull_back = jax.vjp(function, *as_tuple(inputs))
    products = pull_back(jnp.ones_like(outputs) if v is None else v)
    return outputs, products if isinstance(inputs, tuple) else products[0]


def jacobian_vector(function: Callable[..., Any], inputs: Any, v: Any = None) -> tuple[Any, Any]:
    """The outputs of ``function``, and its Jacobian times ``v``, which is shaped like the inputs.

    ``inputs`` is an array or a tuple of arguments. Without ``v`` it is a single number.
    """
    return jax.jvp(function, as_tuple(inputs), as_tuple(jnp.ones_like(inputs) if v is None else v))


def hessian_vector(function: Callable[..., Any], inputs: Any, v: Any = None) -> tuple[Any, Any]:
    """The one number that ``function`` gives, and its Hessian times ``v``, which is shaped like the inputs.

    ``inputs`` is an array or a tuple of arguments. Without ``v`` it is a single number.
    """
    primals = as_tuple(inputs)
    gradient = jax.grad(lambda *args: function(*args).sum(), tuple(range(len(primals))))
    _, products = jax.jvp(gradient, primals, as_tuple(jnp.ones_like(inputs) if v is None else v))
    return function(*primals), products if isinstance(inputs, tuple) else products[0]


def as_tuple(inputs: Any) -> tuple[Any, ...]:
    """The arguments of a function that is given one array, or a tuple of arguments."""
    return inputs if isinstance(inputs, tuple) else (inputs,)


def total_norm(arrays: Iterable[jax.Array], norm_type: float = 2.0) -> jax.Array:
    """The norm of several arrays as if they were one vector; 0 of none."""
    norms = [jnp.linalg.norm(jnp.ravel(array), norm_type) for array in arrays]
    return jnp.linalg.norm(jnp.stack(norms), norm_type) if norms else jnp.array(0.0)


def checkpoint(function: Callable[..., Any], *args: Any) -> Any:
    """What ``function`` or a module gives; what it computes inside is computed again for gradients."""
    if isinstance(function, nnx.Module):
        return nnx.remat(lambda module, *args: module(*args))(function, *args)
    return nnx.remat(function)(*args)


def checkpoint_sequential(layers: Any, segments: int, x: jax.Array) -> jax.Array:
    """Layers one after the other; what the segments but the last compute inside is computed again for gradients."""
    layers = list(layers.layers if isinstance(layers, nnx.Sequential) else layers)
    size = len(layers) // segments
    last = size * (segments - 1)
    for start in range(0, last, size):
        x = nnx.remat(run_layers)(nnx.Sequential(*layers[start : start + size]), x)
    return run_layers(nnx.Sequential(*layers[last:]), x)


def run_layers(layers: nnx.Sequential, x: jax.Array) -> jax.Array:
    """What the last layer gives, each called with the result of the one before (tuples are passed whole)."""
    for layer in layers.layers:
        x = layer(x)
    return x
