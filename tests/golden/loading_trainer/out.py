"""A class that trains, with its loaders and the model in attributes, and generators around loaders."""

import copy
import math
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
from flax import nnx
from torch.utils.data import DataLoader, Dataset, default_collate

WEIGHT = torch.tensor([1.0, -2.0, 0.5])


def exists(value):
    return value is not None


def cycle(loader):
    while True:
        for data in loader:
            yield data


def endless(loader):
    while True:
        yield from loader


class Line(Dataset):
    """Points on a plane, perhaps with noise."""

    def __init__(self, count, noise=None):
        self.points = torch.linspace(-1, 1, count * 3).reshape(3, count).t()
        self.values = self.points @ WEIGHT
        if exists(noise):
            self.values = self.values + noise * torch.sin(37 * self.values)

    def __len__(self):
        return len(self.points)

    def __getitem__(self, index):
        return self.points[index], self.values[index : index + 1]


class Net(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.body = nnx.Sequential(
            nnx.Linear(3, 8, **fan_in_uniform(3), rngs=rngs),
            nnx.tanh,
            nnx.Linear(8, 1, **fan_in_uniform(8), rngs=rngs),
        )

    def __call__(self, x, scale=None):
        x = self.body(x)
        return x * scale if exists(scale) else x


@nnx.jit(graph=False, static_argnames=("criterion",))
def train_model(model, optimizer, x, y, criterion):
    graphdef, params, rest = nnx.split(model, nnx.Param, ...)

    def loss_fn(params, rest):
        model = nnx.merge(graphdef, params, rest)
        loss = criterion(model(x), y)
        return loss

    loss, grads = nnx.value_and_grad(loss_fn)(params, rest)
    optimizer.update(model, grads)
    return loss


@nnx.jit(graph=False, static_argnames=("criterion",))
def train_model_2(model, optimizer, x, y, criterion):
    graphdef, params, rest = nnx.split(model, nnx.Param, ...)

    def loss_fn(params, rest):
        model = nnx.merge(graphdef, params, rest)
        loss = criterion(model(x, scale=jnp.array(0.5)), y)
        return loss

    loss, grads = nnx.value_and_grad(loss_fn)(params, rest)
    optimizer.update(model, grads)
    return loss


class Trainer:
    def __init__(self, model, loader, validation, lr=0.1, device="cpu"):
        self.model = model
        self.loader = loader
        self.validation = validation
        self.device = device
        self.batches = cycle(loader)
        self.criterion = lambda input, target: optax.squared_error(input, target).mean()
        self.optimizer = nnx.Optimizer(self.model, optax.adam(lr), wrt=nnx.Param)
        self.history = {"train": [], "validation": []}

    def epoch(self):
        self.model.train()
        total = 0.0
        for x, y in self.loader:
            x = jnp.asarray(x)
            y = jnp.asarray(y)
            loss = train_model(self.model, self.optimizer, x, y, self.criterion)
            total += loss.item()
        return total / len(self.loader)

    def steps(self, count):
        for _ in range(count):
            x, y = next(self.batches)
            x, y = jnp.asarray(x), jnp.asarray(y)
            loss = train_model_2(self.model, self.optimizer, x, y, self.criterion)
        return loss.item()

    def validate(self):
        self.model.eval()
        predictions, total = [], 0.0
        for x, y in self.validation:
            x, y = jnp.asarray(x), jnp.asarray(y)
            prediction = self.model(x)
            total += self.criterion(prediction, y).item() * x.shape[0]
            predictions.append(np.asarray(prediction))
        return total / len(self.validation.dataset), np.concatenate(predictions).std(0)

    def fit(self, epochs):
        for _ in range(epochs):
            self.history["train"].append(self.epoch())
            self.history["validation"].append(self.validate())
        return self.history


def run(model: Net):
    generator = torch.Generator().manual_seed(4)
    loader = DataLoader(
        Line(24, noise=0.1), batch_size=8, shuffle=True, generator=generator, collate_fn=numpy_collate
    )
    trainer = Trainer(
        model, loader, DataLoader(Line(10), batch_size=4, collate_fn=numpy_collate), lr=0.01
    )
    results = [trainer.fit(3), trainer.steps(4), trainer.validate()]
    total = 0.0
    for i, (x, y) in enumerate(endless(loader)):
        x, y = jnp.asarray(x), jnp.asarray(y)
        total += absolute(model(x) - y).sum().item()
        if i == 4:
            break
    return [*results, total]


# Helpers without a Flax equivalent.


def absolute(x: jax.Array) -> jax.Array:
    """|x| with the gradient 0 at 0, where that of `jnp.abs` is 1."""
    return jnp.abs(x) if jnp.iscomplexobj(x) else x * jnp.sign(x)


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
