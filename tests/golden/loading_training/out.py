"""Training on batches of loaders, with what training scripts do around it."""

import copy
import math
from collections.abc import Callable, MutableMapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
from flax import nnx
from jax import lax
from torch.utils.data import (
    DataLoader,
    Dataset,
    TensorDataset,
    default_collate,
    random_split,
)


class Blobs(Dataset):
    """Images of one channel with a bright quarter, which is the label."""

    def __init__(self, count, named=False):
        generator = torch.Generator().manual_seed(11)
        self.images = torch.rand(count, 1, 8, 8, generator=generator)
        self.labels = torch.arange(count) % 4
        for image, label in zip(self.images, self.labels):
            row, column = divmod(label.item(), 2)
            image[:, row * 4 : row * 4 + 4, column * 4 : column * 4 + 4] += 1.0
        self.named = named

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = (self.images[index] - 0.5) / 0.5
        if self.named:
            return {"image": image, "label": self.labels[index], "name": f"{index}.png"}
        return image, self.labels[index]


class Net(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.conv = nnx.Conv(1, 4, (3, 3), padding="VALID", **fan_in_uniform(1, (3, 3)), rngs=rngs)
        self.pool = partial(nnx.max_pool, window_shape=(2, 2), strides=(2, 2))
        self.fc = nnx.Linear(36, 4, **fan_in_uniform(36), rngs=rngs)

    def __call__(self, x):
        x = self.pool(nnx.relu(self.conv(x.transpose(0, 2, 3, 1))))
        value = x.transpose(0, 3, 1, 2)
        return self.fc(value.reshape(value.shape[0], -1))


@nnx.jit(graph=False, static_argnames=("criterion",))
def train_model(model, optimizer, inputs, labels, criterion):
    graphdef, params, rest = nnx.split(model, nnx.Param, ...)

    def loss_fn(params, rest):
        model = nnx.merge(graphdef, params, rest)
        outputs = model(inputs)
        loss = criterion(outputs, labels)
        return loss, outputs

    (loss, outputs), grads = nnx.value_and_grad(loss_fn, has_aux=True)(params, rest)
    optimizer.update(model, grads)
    return loss, outputs


def train(model, device, loader, criterion, optimizer):
    model.train()
    running, seen, correct = 0.0, 0, 0
    for i, data in enumerate(loader, 0):
        inputs, labels = data
        inputs, labels = jnp.asarray(inputs), jnp.asarray(labels)
        loss, outputs = train_model(model, optimizer, inputs, labels, criterion)
        running += loss.item() * inputs.shape[0]
        _, predicted = max_with_indices(outputs, axis=1)
        seen += labels.shape[0]
        correct += (predicted == labels).sum().item()
    return running / seen, correct / seen


def evaluate(model, loader, criterion):
    model.eval()
    losses = []
    for images, labels in loader:
        losses.append(criterion(model(jnp.asarray(images)), jnp.asarray(labels)).item())
    return sum(losses) / len(losses)


@nnx.jit(graph=False, static_argnames=("criterion",))
def train_model_2(model, optimizer, image, label, criterion):
    graphdef, params, rest = nnx.split(model, nnx.Param, ...)

    def loss_fn(params, rest):
        model = nnx.merge(graphdef, params, rest)
        loss = criterion(model(image), label)
        return loss

    loss, grads = nnx.value_and_grad(loss_fn)(params, rest)
    optimizer.update(model, grads)
    return loss


def train_by_name(model: Net, loader, steps):
    optimizer = nnx.Optimizer(model, optax.adam(1e-2), wrt=nnx.Param)
    criterion = cross_entropy
    iterator = iter(loader)
    history = []
    for step in range(steps):
        try:
            batch = next(iterator)
        except StopIteration:
            iterator = iter(loader)
            batch = next(iterator)
        image, label = jnp.asarray(batch["image"]), jnp.asarray(batch["label"])
        loss = train_model_2(model, optimizer, image, label, criterion)
        history.append((loss.item(), batch["name"][0]))
    return history


def run(model: Net):
    device = jax.devices()[0]
    criterion = cross_entropy
    optimizer = nnx.Optimizer(model, optax.sgd(0.05, momentum=0.9), wrt=nnx.Param)
    train_set, test_set = random_split(Blobs(40), [32, 8], generator=torch.Generator().manual_seed(0))
    generator = torch.Generator()
    generator.manual_seed(3)
    train_loader = DataLoader(
        train_set, batch_size=10, shuffle=True, generator=generator, collate_fn=numpy_collate
    )
    test_loader = DataLoader(test_set, batch_size=4, collate_fn=numpy_collate)
    results = []
    for epoch in range(3):
        results.append(train(model, device, train_loader, criterion, optimizer))
        results.append(evaluate(model, test_loader, criterion))
    results.append(
        train_by_name(model, DataLoader(Blobs(6, named=True), 4, collate_fn=numpy_collate), 4)
    )

    features = jnp.concatenate([
        lax.stop_gradient(model(jnp.asarray(images))) for images, _ in test_loader
    ])
    for (part,) in DataLoader(
        TensorDataset(to_torch(features)), batch_size=3, collate_fn=numpy_collate
    ):
        part = jnp.asarray(part)
        results.append(part.mean().item())
    return results


# Helpers without a Flax equivalent.


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


def max_with_indices(x: jax.Array, axis: int, keepdims: bool = False) -> tuple[jax.Array, jax.Array]:
    """Maximum along `axis` and where it is; of equal values the first one gets the whole gradient."""
    indices = jnp.argmax(x, axis, keepdims=True)
    values = jnp.take_along_axis(x, indices, axis)
    return (values, indices) if keepdims else (values.squeeze(axis), indices.squeeze(axis))


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


def to_torch(array: Any) -> Any:
    """A PyTorch tensor with a copy of an array, integers as int64; what is no array of JAX comes back."""
    if not isinstance(array, jax.Array):
        return array
    tensor = torch.from_numpy(np.array(array))
    return tensor.long() if tensor.dtype == torch.int32 else tensor
