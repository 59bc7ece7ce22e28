"""What training steps do to gradients before they use them, and functions that give both gradients and values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax  # type: ignore[import-untyped]


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
