"""A small ResNet with warm-up and a cosine schedule for each step, clipping, and AMP where there is a GPU."""

import copy
import math
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
from flax import nnx
from torch.utils.data import DataLoader, TensorDataset, default_collate

torch.manual_seed(3)
rngs = nnx.Rngs(3)
device = "cuda" if jax.default_backend() == "gpu" else "cpu"
use_amp = device == "cuda"
epochs, warmup_steps, base_lr = 2, 10, 0.1


class BasicBlock(nnx.Module):
    def __init__(self, in_planes, planes, stride=1, *, rngs: nnx.Rngs):
        self.conv1 = nnx.Conv(
            in_planes,
            planes,
            (3, 3),
            strides=stride,
            padding=1,
            use_bias=False,
            **fan_in_uniform(in_planes, (3, 3)),
            rngs=rngs,
        )
        self.bn1 = BatchNorm(planes, rngs=rngs)
        self.conv2 = nnx.Conv(
            planes, planes, (3, 3), padding=1, use_bias=False, **fan_in_uniform(planes, (3, 3)), rngs=rngs
        )
        self.bn2 = BatchNorm(planes, rngs=rngs)
        self.shortcut = nnx.Sequential()
        if stride != 1 or in_planes != planes:
            self.shortcut = nnx.Sequential(
                nnx.Conv(
                    in_planes,
                    planes,
                    (1, 1),
                    strides=stride,
                    padding="VALID",
                    use_bias=False,
                    **fan_in_uniform(in_planes, (1, 1)),
                    rngs=rngs,
                ),
                BatchNorm(planes, rngs=rngs),
            )

    # x: N H W C; result: N H W C
    def __call__(self, x):
        out = nnx.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        return nnx.relu(out)


class ResNet(nnx.Module):
    def __init__(self, num_classes=4, *, rngs: nnx.Rngs):
        self.stem = nnx.Sequential(
            nnx.Conv(3, 6, (3, 3), padding=1, use_bias=False, **fan_in_uniform(3, (3, 3)), rngs=rngs),
            BatchNorm(6, rngs=rngs),
            nnx.relu,
        )
        self.layer1 = BasicBlock(6, 6, rngs=rngs)
        self.layer2 = BasicBlock(6, 10, stride=2, rngs=rngs)
        self.fc = nnx.Linear(10, num_classes, **fan_in_uniform(10), rngs=rngs)

    def __call__(self, x):
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        x = self.layer2(self.layer1(self.stem(x)))
        value = x.mean((1, 2), keepdims=True)
        x = value.reshape(value.shape[0], -1)
        return self.fc(x)


def make_dataset(count):
    labels = torch.randint(0, 4, (count,))
    images = torch.randn(count, 3, 8, 8) + 0.5 * labels.view(-1, 1, 1, 1)
    return TensorDataset(images, labels)


# Helpers without a Flax equivalent.


class BatchNorm(nnx.BatchNorm):
    """Batch normalisation over all axes but the last, with PyTorch's defaults and its unbiased running variance.

    `nnx.BatchNorm` averages the biased variance of the batches; here it is multiplied by n / (n - 1) first, where n is
    the number of values per feature.
    """

    def __init__(
        self, num_features: int, *, momentum: float = 0.9, epsilon: float = 1e-5, rngs: nnx.Rngs, **options: Any
    ) -> None:
        super().__init__(
            num_features, momentum=momentum, epsilon=epsilon, use_fast_variance=False, rngs=rngs, **options
        )

    def __call__(
        self, x: jax.Array, use_running_average: bool | None = None, *, mask: jax.Array | None = None
    ) -> jax.Array:
        """Normalises x of shape (batch, ..., features); in training, updates the running statistics."""
        if x.size == 0:  # nothing to average
            return x
        previous = self.var[...]
        y: jax.Array = super().__call__(x, use_running_average, mask=mask)
        evaluating = self.use_running_average if use_running_average is None else use_running_average
        if not evaluating:
            n = x.size // x.shape[-1]
            self.var[...] += (self.var[...] - self.momentum * previous) / (n - 1)
        return y


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


@jax.jit
def clip_by_norm(grads: Any, max_norm: float) -> Any:
    """Gradients, scaled so that their norm all together is at most ``max_norm`` (up to the 1e-6 of PyTorch).

    `optax.clip_by_global_norm` divides by the norm alone, and leaves gradients below the limit as they are bit by bit.
    """
    scale = jnp.minimum(1.0, max_norm / (optax.tree.norm(grads) + 1e-6))
    return jax.tree.map(lambda grad: grad * scale, grads)


def reduce_loss(loss: jax.Array, reduction: str = "mean") -> jax.Array:
    """Mean or sum of the elementwise losses, or (for "none") the losses themselves."""
    if reduction == "none":
        return loss
    return loss.sum() if reduction == "sum" else loss.mean()


def cross_entropy(
    logits: jax.Array,
    target: jax.Array,
    weight: jax.Array | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> jax.Array:
    """Cross entropy of logits (classes,) or (batch, classes, ...) with integer labels or class probabilities.

    Labels equal to `ignore_index` do not count. With labels the mean is weighted by the class weights, with
    probabilities it divides by the number of predictions.
    """
    axis = min(logits.ndim - 1, 1)
    classes = logits.shape[axis]
    log_probs = jax.nn.log_softmax(logits, axis)
    weighted = log_probs
    if weight is not None:
        weighted = log_probs * weight.reshape((-1,) + (1,) * (logits.ndim - 1 - axis))
    if jnp.issubdtype(target.dtype, jnp.floating):
        smoothed = target * (1 - label_smoothing) + label_smoothing / classes
        return reduce_loss(-(weighted * smoothed).sum(axis), reduction)
    kept = target != ignore_index
    labels = jnp.where(kept, target, 0)
    of_label = jnp.take_along_axis(weighted, jnp.expand_dims(labels, axis), axis).squeeze(axis)
    loss = -(1 - label_smoothing) * of_label - label_smoothing / classes * weighted.sum(axis)
    loss = jnp.where(kept, loss, 0)
    if reduction != "mean":
        return reduce_loss(loss, reduction)
    return loss.sum() / (kept if weight is None else jnp.where(kept, weight[labels], 0)).sum()


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


def map_nested(function: Callable[[Any], Any], value: Any) -> Any:
    """Apply a function to what is inside nested lists, tuples and dictionaries, which stay what they are."""
    if isinstance(value, MutableMapping):
        result = copy.copy(value)
        result.update({key: map_nested(function, item) for key, item in value.items()})
        return result
    if isinstance(value, list | tuple):
        items = [map_nested(function, item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return function(value)


def numpy_collate(samples: Sequence[Any], collate: Callable[[Any], Any] = default_collate) -> Any:
    """Collate samples as a DataLoader does, or by a function of one's own, into NumPy arrays."""
    return map_nested(lambda item: item.numpy() if isinstance(item, torch.Tensor) else item, collate(samples))


train_loader = DataLoader(make_dataset(208), batch_size=8, shuffle=True, drop_last=True, collate_fn=numpy_collate)
test_loader = DataLoader(make_dataset(40), batch_size=20, collate_fn=numpy_collate)

model = ResNet(rngs=rngs)
criterion = partial(cross_entropy, label_smoothing=0.1)
optimizer = nnx.Optimizer(
    model,
    optax.inject_hyperparams(
        lambda learning_rate: optax.chain(
            optax.add_decayed_weights(5e-4), optax.sgd(learning_rate, momentum=0.9, nesterov=True)
        )
    )(learning_rate=base_lr),
    wrt=nnx.Param,
)
total_steps = epochs * len(train_loader)


def lr_lambda(step):
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    progress = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    return 0.5 * (1.0 + math.cos(math.pi * progress))


scheduler = LambdaSchedule(optimizer, lr_lambda=lr_lambda)
scaler = None


@nnx.jit(graph=False)
def train_step(model, optimizer, images, labels):
    graphdef, params, rest = nnx.split(model, nnx.Param, ...)

    def loss_fn(params, rest):
        model = nnx.merge(graphdef, params, rest)
        logits = model(images)
        loss = criterion(logits, labels)
        return loss, logits

    (loss, logits), grads = nnx.value_and_grad(loss_fn, has_aux=True)(params, rest)
    grads = clip_by_norm(grads, 1.0)
    optimizer.update(model, grads)
    return loss, logits


def train_one_epoch(epoch):
    model.train()
    total, correct, running = 0, 0, 0.0
    for images, labels in train_loader:
        images, labels = jnp.asarray(images), jnp.asarray(labels)
        loss, logits = train_step(model, optimizer, images, labels)
        scheduler.step()
        running += loss.item() * labels.shape[0]
        correct += (logits.argmax(axis=1) == labels).sum().item()
        total += labels.shape[0]
    print(f"epoch {epoch}: loss {running / total:.4f} acc {correct / total:.3f} lr {scheduler.get_last_lr()[0]:.4f}")


def evaluate():
    model.eval()
    correct, total = 0, 0
    for images, labels in test_loader:
        images, labels = jnp.asarray(images), jnp.asarray(labels)
        logits = model(images)
        correct += (logits.argmax(axis=1) == labels).sum().item()
        total += labels.shape[0]
    return correct / total


for epoch in range(epochs):
    train_one_epoch(epoch)
    print(f"test accuracy {evaluate():.3f}")
