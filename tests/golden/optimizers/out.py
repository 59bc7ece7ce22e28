"""Optimizers and schedulers as programs build them, and programs that set rates themselves."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx


class Net(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.backbone = nnx.Sequential(nnx.Linear(4, 8, **fan_in_uniform(4), rngs=rngs), nnx.relu)
        self.head = nnx.Linear(8, 2, **fan_in_uniform(8), rngs=rngs)

    def __call__(self, x):
        return self.head(self.backbone(x))


class Trainer:
    def __init__(self, model: Net, args):
        self.model = model
        self.optimizer = nnx.Optimizer(
            self.model,
            optax.inject_hyperparams(optax.adamw)(learning_rate=float(args.lr), b2=0.95, weight_decay=args.decay),
            wrt=nnx.Param,
        )
        self.scheduler = CosineSchedule(self.optimizer, T_max=args.epochs)

    def end_of_epoch(self, loss):
        self.scheduler.step()
        return self.scheduler.get_last_lr()[0]


def adjust_learning_rate(optimizer, epoch, base):
    """Step decay by hand."""
    lr = base * (0.1 ** (epoch // 30))
    for param_group in hyperparams(optimizer):
        param_group["learning_rate"][...] = lr


def fine_tune(model: Net, args):
    freeze(model.backbone)
    optimizer = nnx.Optimizer(
        model,
        optax.inject_hyperparams(
            lambda learning_rate: optax.chain(
                optax.add_decayed_weights(5e-4), optax.sgd(learning_rate, momentum=0.9, nesterov=True)
            )
        )(learning_rate=0.1),
        wrt=nnx.Param,
    )
    for epoch in range(args.epochs):
        adjust_learning_rate(optimizer, epoch, 0.1)
        print("rate", optimizer.opt_state.hyperparams["learning_rate"][...])
    return optimizer


def in_groups(model: Net):
    optimizer = nnx.Optimizer(
        (model.backbone, model.head),
        optax.partition(
            {
                0: optax.inject_hyperparams(
                    lambda learning_rate: optax.chain(optax.add_decayed_weights(1e-5), optax.adam(learning_rate))
                )(learning_rate=1e-4),
                1: optax.inject_hyperparams(
                    lambda learning_rate: optax.chain(optax.add_decayed_weights(1e-5), optax.adam(learning_rate))
                )(learning_rate=1e-3),
            },
            by_group,
        ),
        wrt=nnx.Param,
    )
    warmup = LambdaSchedule(optimizer, lr_lambda=lambda step: min(1.0, (step + 1) / 100))
    return optimizer, warmup


def gan(args, *, rngs: nnx.Rngs):
    encoder, decoder, critic = Net(rngs=rngs), Net(rngs=rngs), Net(rngs=rngs)
    optimizer_g = nnx.Optimizer((encoder, decoder), optax.adam(2e-4, b1=0.5), wrt=nnx.Param)
    optimizer_d = nnx.Optimizer(
        critic,
        optax.inject_hyperparams(optax.rmsprop)(learning_rate=5e-5, decay=0.99, eps_in_sqrt=False),
        wrt=nnx.Param,
    )
    scheduler = ReduceOnPlateau(optimizer_d, factor=0.5, patience=5)
    scheduler.step(args.loss)
    return optimizer_g, optimizer_d


def stylize(content: jax.Array):
    image = nnx.Param(content)
    return nnx.Optimizer(
        (image,), optax.chain(scale_by_amsgrad(), optax.scale_by_learning_rate(0.02)), wrt=nnx.Param
    )


# Helpers without a Flax equivalent.


def hyperparams(optimizer: Any) -> list[dict[str, nnx.Variable[jax.Array]]]:
    """The hyperparameters that an optimizer holds for each of its groups, by the names that optax has for them."""
    state = optimizer.opt_state
    if not hasattr(state, "inner_states"):
        return [state.hyperparams]
    # the parameters that are in no group have no hyperparameters
    groups = [state.inner_states[key].inner_state for key in sorted(state.inner_states)]
    return [group.hyperparams for group in groups if hasattr(group, "hyperparams")]


def learning_rates(optimizer: Any) -> list[float]:
    """The rates of an optimizer's groups: the shortest numbers that round to the arrays' values."""
    return [float(str(np.asarray(group["learning_rate"][...]))) for group in hyperparams(optimizer)]


def set_hyperparameter(variable: nnx.Variable[jax.Array], number: float) -> None:
    """Gives a Variable another number, in the dtype that it has; cheaper than a write into its array."""
    if not jnp.issubdtype(variable.dtype, jnp.floating):
        raise TypeError(
            f"a hyperparameter of dtype {variable.dtype} can't hold {number}: build the optimizer with floats"
        )
    variable.set_value(jnp.asarray(number, variable.dtype))


def set_learning_rates(optimizer: Any, rates: Iterable[float]) -> None:
    """Gives each group of an optimizer a rate."""
    for group, rate in zip(hyperparams(optimizer), rates, strict=True):
        set_hyperparameter(group["learning_rate"], rate)


class Schedule:
    """Sets the rates of an optimizer at every `step`, starting when it is built.

    `base_lrs` are the rates that the optimizer had before any scheduler came to it.
    """

    def __init__(self, optimizer: Any) -> None:
        if not hasattr(optimizer, "initial_lrs"):
            optimizer.initial_lrs = tuple(learning_rates(optimizer))
        self.optimizer = optimizer
        self.base_lrs: list[float] = list(optimizer.initial_lrs)
        self.last_epoch = -1
        self.last_lrs: list[float] = []
        self.start()

    def start(self) -> None:
        """Set the rates of the first epoch."""
        self.starting = True
        self.step()
        self.starting = False

    def step(self, epoch: int | None = None) -> None:
        """Go to the next epoch, or to the one that is given."""
        self.update(epoch)

    def update(self, epoch: int | None = None) -> None:
        """Set the rates of the next epoch, or of the one that is given."""
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self.set_rates(self._following() if epoch is None else self._at_epoch())

    def _following(self) -> list[float]:
        """The rates of `last_epoch`, from the rates before."""
        raise NotImplementedError

    def _at_epoch(self) -> list[float]:
        """The rates of `last_epoch`, from the first ones."""
        return self._following()

    def rates(self) -> list[float]:
        """The rates of now; those that were set here are exact, not rounded to the precision of arrays."""
        found = learning_rates(self.optimizer)
        dtypes = [group["learning_rate"].dtype for group in hyperparams(self.optimizer)]
        known = zip(found, self.last_lrs or found, dtypes, strict=True)
        return [last if rate == float(str(np.asarray(last, dtype))) else rate for rate, last, dtype in known]

    def scaled(self, factor: float) -> list[float]:
        """The rates of now times a factor."""
        return [rate * factor for rate in self.rates()]

    def set_rates(self, rates: Sequence[float]) -> None:
        """Give each group of the optimizer its rate."""
        set_learning_rates(self.optimizer, rates)
        self.last_lrs = list(rates)

    def get_last_lr(self) -> list[float]:
        """The rates that the last step left."""
        return self.last_lrs

    def state_dict(self) -> dict[str, Any]:
        """All that changes with the steps, and the settings, without functions."""
        return {name: value for name, value in vars(self).items() if name not in ("optimizer", "functions")}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        vars(self).update(state_dict)


class CosineSchedule(Schedule):
    """Takes the rates to `eta_min` along half a wave of a cosine in `T_max` epochs, and up again after that."""

    def __init__(self, optimizer: Any, T_max: int, eta_min: float = 0.0) -> None:
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer)

    def _following(self) -> list[float]:
        if self.starting:
            return self.rates()
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:  # the rate before is eta_min
            rise = (1 - math.cos(math.pi / self.T_max)) / 2
            return [rate + (base - self.eta_min) * rise for rate, base in zip(self.rates(), self.base_lrs, strict=True)]
        height, before = (1 + math.cos(math.pi * n / self.T_max) for n in (self.last_epoch, self.last_epoch - 1))
        return [height / before * (rate - self.eta_min) + self.eta_min for rate in self.rates()]

    def _at_epoch(self) -> list[float]:
        height = (1 + math.cos(math.pi * self.last_epoch / self.T_max)) / 2
        return [self.eta_min + (base - self.eta_min) * height for base in self.base_lrs]


def of_each_group(optimizer: Any, values: Any) -> list[Any]:
    """A value for each group of an optimizer, from one for all or from a list of them."""
    return list(values) if isinstance(values, list | tuple) else [values] * len(hyperparams(optimizer))


class LambdaSchedule(Schedule):
    """Multiplies the first rates by a function of the epoch."""

    def __init__(self, optimizer: Any, lr_lambda: Callable[[int], float] | list[Callable[[int], float]]) -> None:
        self.functions = of_each_group(optimizer, lr_lambda)
        super().__init__(optimizer)

    def _following(self) -> list[float]:
        return [float(base * f(self.last_epoch)) for f, base in zip(self.functions, self.base_lrs, strict=True)]


class ReduceOnPlateau:
    """Multiplies the rates by `factor` where a metric has not become better for more than `patience` epochs."""

    def __init__(
        self,
        optimizer: Any,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | list[float] = 0.0,
        eps: float = 1e-8,
    ) -> None:
        self.optimizer = optimizer
        self.mode, self.factor, self.patience, self.eps = mode, factor, patience, eps
        self.threshold, self.threshold_mode, self.cooldown = threshold, threshold_mode, cooldown
        self.min_lrs = of_each_group(optimizer, min_lr)
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = self.cooldown_counter = self.last_epoch = 0
        self.last_lrs = learning_rates(optimizer)

    def step(self, metrics: Any) -> None:
        """Look at the metric of an epoch."""
        current = float(metrics)
        self.last_epoch += 1
        better = self.is_better(current)
        self.best = current if better else self.best
        self.num_bad_epochs = 0 if better else self.num_bad_epochs + 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self.reduce()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self.last_lrs = learning_rates(self.optimizer)

    def is_better(self, current: float) -> bool:
        """Whether a metric is better than the best so far, by more than the threshold."""
        sign = 1 if self.mode == "max" else -1
        if self.threshold_mode == "rel":
            return sign * current > sign * self.best * (1 + sign * self.threshold)
        return sign * current > sign * self.best + self.threshold

    def reduce(self) -> None:
        """Lower the rates, but for changes below `eps`."""
        rates = learning_rates(self.optimizer)
        lower = [max(rate * self.factor, least) for rate, least in zip(rates, self.min_lrs, strict=True)]
        changes = zip(rates, lower, strict=True)
        set_learning_rates(self.optimizer, [new if old - new > self.eps else old for old, new in changes])

    def get_last_lr(self) -> list[float]:
        """The rates that the last step left."""
        return self.last_lrs

    def state_dict(self) -> dict[str, Any]:
        """All that changes with the steps, and the settings."""
        return {name: value for name, value in vars(self).items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        vars(self).update(state_dict)


def by_group(params: Any) -> Any:
    """Labels for `optax.partition`: where an array stands in the tuple that an optimizer of groups is built for."""
    return jax.tree_util.tree_map_with_path(lambda path, _: path[0].key, params)


def uniform_within(bound: float) -> Callable[..., jax.Array]:
    """Initializer that draws uniformly from [-bound, bound]."""

    def init(key: jax.Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return init


def fan_in_uniform(in_features: int, kernel_size: int | Sequence[int] = (), groups: int = 1) -> dict[str, Any]:
    """Initializers of kernel and bias that draw from [-b, b], b = 1 / sqrt(in_features / groups * prod(kernel_size)).

    This is how PyTorch initializes linear layers and convolutions; flax would draw a normal kernel and a zero bias.
    """
    window = (kernel_size,) if isinstance(kernel_size, int) else kernel_size
    init = uniform_within(1 / math.sqrt(max(1, in_features // groups * math.prod(window))))
    return {"kernel_init": init, "bias_init": init}


class Frozen(nnx.Variable[jax.Array]):
    """A parameter that is not trained: gradients and optimizers of `wrt=nnx.Param` leave it alone."""


def set_trainable(target: Any, trainable: bool) -> Any:
    """Makes a parameter, or every parameter of a module, an `nnx.Param` or `Frozen`, and gives it back.

    The Variables change their class in place, so that a parameter with several owners stays one.
    """
    nodes = [target] if isinstance(target, nnx.Variable) else [node for _, node in nnx.iter_graph(target)]
    for node in nodes:
        if isinstance(node, nnx.Param | Frozen):
            node.__class__ = nnx.Param if trainable else Frozen
    return target


def freeze(target: Any) -> Any:
    """Takes a parameter, or every parameter of a module, out of training."""
    return set_trainable(target, False)


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
