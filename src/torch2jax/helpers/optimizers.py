"""Gradient transformations with PyTorch's update rules, where optax has none that takes the same steps.

Each is a part of an `optax.chain`, or an optimizer, as those of optax. Hyperparameters may be arrays, so that
`optax.inject_hyperparams` can change them between steps.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax  # type: ignore[import-untyped]
from flax import nnx


def by_group(params: Any) -> Any:
    """Labels for `optax.partition`: where an array stands in the tuple that an optimizer of groups is built for."""
    return jax.tree_util.tree_map_with_path(lambda path, _: path[0].key, params)


def group_labels(module: nnx.Module, groups: Sequence[Iterable[nnx.Variable[Any]]]) -> Callable[[Any], Any]:
    """Labels for `optax.partition`: the number of the group that a parameter of the module is in, -1 if it is in none.

    Raises ValueError for a parameter of another module.
    """
    paths = {id(node): path for path, node in nnx.iter_graph(module) if isinstance(node, nnx.Variable)}
    numbers: dict[tuple[Any, ...], int] = {}
    for number, group in enumerate(groups):
        for parameter in group:
            if id(parameter) not in paths:
                raise ValueError(f"group {number} of the optimizer has a parameter that its module lacks")
            numbers[paths[id(parameter)]] = number

    def labels(params: Any) -> Any:
        return jax.tree_util.tree_map_with_path(lambda path, _: numbers.get(_keys(path), -1), params)

    return labels


def _keys(path: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(part.key for part in path if isinstance(part, jax.tree_util.DictKey))


class TraceState(NamedTuple):
    """Number of steps taken, and the momentum."""

    steps: jax.Array
    trace: optax.Updates


def trace(decay: float, dampening: float, nesterov: bool = False) -> optax.GradientTransformation:
    """Momentum that takes in `1 - dampening` of every gradient but the first, which counts whole."""

    def init(params: optax.Params) -> TraceState:
        return TraceState(jnp.zeros([], jnp.int32), optax.tree.zeros_like(params))

    def update(grads: optax.Updates, state: TraceState, params: Any = None) -> tuple[optax.Updates, TraceState]:
        share = jnp.where((state.steps == 0) | (decay == 0), 1.0, 1.0 - dampening)
        held = jax.tree.map(lambda m, g: decay * m + share * g, state.trace, grads)
        updates = jax.tree.map(lambda m, g: g + decay * m, held, grads) if nesterov else held
        return updates, TraceState(state.steps + 1, held)

    return optax.GradientTransformation(init, update)


class MomentsState(NamedTuple):
    """Number of steps taken, the running means of gradients and of their squares, and what else is kept."""

    steps: jax.Array
    mu: optax.Updates
    nu: optax.Updates
    kept: Any = None


def _moments(state: MomentsState, grads: optax.Updates, b1: float, b2: float) -> tuple[jax.Array, Any, Any]:
    """The number of this step and the running means with its gradients."""
    mu = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, state.mu, grads)
    nu = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, state.nu, grads)
    return state.steps + 1, mu, nu


def scale_by_amsgrad(b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> optax.GradientTransformation:
    """AMSGrad: Adam that divides by the largest mean of squares so far, which is corrected for bias afterwards."""

    def init(params: optax.Params) -> MomentsState:
        zeros = optax.tree.zeros_like(params)
        return MomentsState(jnp.zeros([], jnp.int32), zeros, zeros, zeros)

    def update(grads: optax.Updates, state: MomentsState, params: Any = None) -> tuple[optax.Updates, MomentsState]:
        step, mu, nu = _moments(state, grads, b1, b2)
        largest = jax.tree.map(jnp.maximum, state.kept, nu)
        updates = jax.tree.map(lambda m, v: m / (1 - b1**step) / (jnp.sqrt(v / (1 - b2**step)) + eps), mu, largest)
        return updates, MomentsState(step, mu, nu, largest)

    return optax.GradientTransformation(init, update)


def scale_by_nadam(
    b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8, momentum_decay: float = 4e-3
) -> optax.GradientTransformation:
    """NAdam as Dozat describes it: the weight of the momentum grows with the steps, at a rate of `momentum_decay`."""

    def init(params: optax.Params) -> MomentsState:
        zeros = optax.tree.zeros_like(params)
        return MomentsState(jnp.zeros([], jnp.int32), zeros, zeros, jnp.ones([]))

    def update(grads: optax.Updates, state: MomentsState, params: Any = None) -> tuple[optax.Updates, MomentsState]:
        step, mu, nu = _moments(state, grads, b1, b2)
        weight = b1 * (1 - 0.5 * 0.96 ** (step * momentum_decay))
        following = b1 * (1 - 0.5 * 0.96 ** ((step + 1) * momentum_decay))
        product = state.kept * weight
        of_gradient = (1 - weight) / (1 - product)
        of_momentum = following / (1 - product * following)
        updates = jax.tree.map(
            lambda g, m, v: (of_gradient * g + of_momentum * m) / (jnp.sqrt(v / (1 - b2**step)) + eps), grads, mu, nu
        )
        return updates, MomentsState(step, mu, nu, product)

    return optax.GradientTransformation(init, update)


def scale_by_radam(b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> optax.GradientTransformation:
    """Rectified Adam: plain momentum until there are enough squares to tell their mean."""

    def init(params: optax.Params) -> MomentsState:
        zeros = optax.tree.zeros_like(params)
        return MomentsState(jnp.zeros([], jnp.int32), zeros, zeros)

    def update(grads: optax.Updates, state: MomentsState, params: Any = None) -> tuple[optax.Updates, MomentsState]:
        step, mu, nu = _moments(state, grads, b1, b2)
        longest = 2 / (1 - b2) - 1
        length = longest - 2 * step * b2**step / (1 - b2**step)
        enough = length > 5
        known = jnp.where(enough, length, longest)
        shrink = jnp.sqrt((known - 4) * (known - 2) * longest / ((longest - 4) * (longest - 2) * known))

        def direction(m: jax.Array, v: jax.Array) -> jax.Array:
            adapted = shrink * jnp.sqrt(1 - b2**step) / (jnp.sqrt(v) + eps)
            return m / (1 - b1**step) * jnp.where(enough, adapted, 1.0)

        return jax.tree.map(direction, mu, nu), MomentsState(step, mu, nu)

    return optax.GradientTransformation(init, update)


class AdagradState(NamedTuple):
    """Number of steps taken, and the sums of squared gradients."""

    steps: jax.Array
    sums: optax.Updates


def adagrad(
    learning_rate: float, lr_decay: float = 0.0, initial_accumulator_value: float = 0.0, eps: float = 1e-10
) -> optax.GradientTransformation:
    """Adagrad whose `eps` is added to the root; the rate of step n, from 0, is `learning_rate / (1 + n * lr_decay)`."""

    def init(params: optax.Params) -> AdagradState:
        sums = jax.tree.map(lambda p: jnp.full_like(p, initial_accumulator_value), params)
        return AdagradState(jnp.zeros([], jnp.int32), sums)

    def update(grads: optax.Updates, state: AdagradState, params: Any = None) -> tuple[optax.Updates, AdagradState]:
        rate = learning_rate / (1 + state.steps * lr_decay)
        sums = jax.tree.map(lambda s, g: s + g * g, state.sums, grads)
        updates = jax.tree.map(lambda g, s: -rate * g / (jnp.sqrt(s) + eps), grads, sums)
        return updates, AdagradState(state.steps + 1, sums)

    return optax.GradientTransformation(init, update)


class AsgdState(NamedTuple):
    """Number of steps taken, and the rate of the next one."""

    steps: jax.Array
    rate: jax.Array


def asgd(learning_rate: float, lambd: float = 1e-4, alpha: float = 0.75) -> optax.GradientTransformation:
    """Gradient descent with decay `lambd` at a rate that falls as the power `alpha` of the steps.

    This is PyTorch's averaged gradient descent without the averages, which never enter the parameters.
    """

    def init(params: optax.Params) -> AsgdState:
        return AsgdState(jnp.zeros([], jnp.int32), jnp.zeros([]))

    def update(grads: optax.Updates, state: AsgdState, params: optax.Params) -> tuple[optax.Updates, AsgdState]:
        step = state.steps + 1
        rate = jnp.where(state.steps == 0, learning_rate, state.rate)
        updates = jax.tree.map(lambda g, p: -rate * (g + lambd * p), grads, params)
        return updates, AsgdState(step, learning_rate / (1 + lambd * learning_rate * step) ** alpha)

    return optax.GradientTransformation(init, update)


class RpropState(NamedTuple):
    """Number of steps taken, the gradients before, and the sizes of the steps."""

    steps: jax.Array
    grads: optax.Updates
    sizes: optax.Updates


def rprop(
    learning_rate: float,
    eta_minus: float = 0.5,
    eta_plus: float = 1.2,
    min_step_size: float = 1e-6,
    max_step_size: float = 50.0,
) -> optax.GradientTransformation:
    """Resilient backpropagation: the first step has the size `learning_rate` and does not change it."""

    def init(params: optax.Params) -> RpropState:
        zeros = optax.tree.zeros_like(params)
        return RpropState(jnp.zeros([], jnp.int32), zeros, zeros)

    def update(grads: optax.Updates, state: RpropState, params: Any = None) -> tuple[optax.Updates, RpropState]:
        def resize(agreement: jax.Array, size: jax.Array) -> jax.Array:
            factor = jnp.where(agreement > 0, eta_plus, jnp.where(agreement < 0, eta_minus, 1.0))
            size = jnp.where(state.steps == 0, learning_rate, size)
            return jnp.clip(size * factor, min_step_size, max_step_size)

        agreements = jax.tree.map(lambda g, before: g * before, grads, state.grads)
        sizes = jax.tree.map(resize, agreements, state.sizes)
        followed = jax.tree.map(lambda g, agreement: jnp.where(agreement < 0, 0.0, g), grads, agreements)
        updates = jax.tree.map(lambda g, size: -jnp.sign(g) * size, followed, sizes)
        return updates, RpropState(state.steps + 1, followed, sizes)

    return optax.GradientTransformation(init, update)
