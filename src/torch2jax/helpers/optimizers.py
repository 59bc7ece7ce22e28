"""Gradient transformations with PyTorch's update rules, where optax has none that takes the same steps.

Each is an `optax.GradientTransformation` whose updates are added to the parameters. Hyperparameters may be arrays, so
that `optax.inject_hyperparams` can change them between steps.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax  # type: ignore[import-untyped]


def by_group(params: Any) -> Any:
    """Labels for `optax.partition`: where an array stands in the tuple that an optimizer of groups is built for."""
    return jax.tree_util.tree_map_with_path(lambda path, _: path[0].key, params)


class SgdState(NamedTuple):
    """Number of steps, and the momentum buffers."""

    steps: jax.Array
    momentum: optax.Updates


def sgd(
    learning_rate: float,
    momentum: float = 0.0,
    dampening: float = 0.0,
    weight_decay: float = 0.0,
    nesterov: bool = False,
    maximize: bool = False,
) -> optax.GradientTransformation:
    """Gradient descent whose momentum takes in `1 - dampening` of each gradient but the first, which counts whole."""

    def init(params: optax.Params) -> SgdState:
        return SgdState(jnp.zeros([], jnp.int32), jax.tree.map(jnp.zeros_like, params))

    def update(
        grads: optax.Updates, state: SgdState, params: optax.Params | None = None
    ) -> tuple[optax.Updates, SgdState]:
        grads = minimized(grads, params, weight_decay, maximize)
        share = jnp.where((state.steps == 0) | (momentum == 0), 1.0, 1.0 - dampening)
        buffers = jax.tree.map(lambda m, g: momentum * m + share.astype(g.dtype) * g, state.momentum, grads)
        steps = jax.tree.map(lambda g, m: g + momentum * m, grads, buffers) if nesterov else buffers
        return jax.tree.map(lambda d: -learning_rate * d, steps), SgdState(state.steps + 1, buffers)

    return optax.GradientTransformation(init, update)


def minimized(grads: optax.Updates, params: optax.Params | None, weight_decay: float, maximize: bool) -> optax.Updates:
    """The gradients of what is minimized: of the objective turned round if it is to be maximized, plus the decay."""
    sign = -1.0 if maximize else 1.0
    return jax.tree.map(lambda g, p: sign * g + weight_decay * p, grads, params)


class AdamState(NamedTuple):
    """Number of steps, the means of gradients and of their squares, and the largest of the latter so far."""

    steps: jax.Array
    mu: optax.Updates
    nu: optax.Updates
    nu_max: optax.Updates


def adam(
    learning_rate: float,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    decoupled: bool = False,
    amsgrad: bool = False,
    maximize: bool = False,
) -> optax.GradientTransformation:
    """Adam; `amsgrad` divides by the largest mean of squares so far, which is corrected for bias only afterwards.

    `decoupled` weight decay shrinks the parameters, as in AdamW, where the other kind adds to the gradients.
    """

    def init(params: optax.Params) -> AdamState:
        zeros = jax.tree.map(jnp.zeros_like, params)
        return AdamState(jnp.zeros([], jnp.int32), zeros, zeros, zeros)

    def update(
        grads: optax.Updates, state: AdamState, params: optax.Params | None = None
    ) -> tuple[optax.Updates, AdamState]:
        count = state.steps + 1
        grads = minimized(grads, params, 0.0 if decoupled else weight_decay, maximize)
        mu = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, state.mu, grads)
        nu = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, state.nu, grads)
        nu_max = jax.tree.map(jnp.maximum, state.nu_max, nu) if amsgrad else state.nu_max

        def step(p: jax.Array, m: jax.Array, v: jax.Array) -> jax.Array:
            size = m / (1 - b1**count) / (jnp.sqrt(v / (1 - b2**count)) + eps)
            return (-learning_rate * (size + (weight_decay * p if decoupled else 0.0))).astype(p.dtype)

        steps = jax.tree.map(step, params, mu, nu_max if amsgrad else nu)
        return steps, AdamState(count, mu, nu, nu_max)

    return optax.GradientTransformation(init, update)
