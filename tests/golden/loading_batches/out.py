import copy
import math
from collections.abc import Callable, MutableMapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
import torch
from flax import nnx
from torch.utils.data import (
    DataLoader,
    Dataset,
    TensorDataset,
    default_collate,
    random_split,
)


class Squares(Dataset):
    """Points and whether they lie in the unit circle."""

    def __init__(self, count, transform=None):
        generator = torch.Generator().manual_seed(1)
        self.points = torch.rand(count, 2, generator=generator) * 2 - 1
        self.labels = (self.points.norm(dim=1) < 1).long()
        self.transform = transform

    def __len__(self):
        return len(self.points)

    def __getitem__(self, index):
        point = self.points[index]
        if self.transform is not None:
            point = self.transform(point)
        return point, self.labels[index]


def doubled(point):
    return point.mul(2.0)


def collate(samples):
    points, labels = zip(*samples)
    return {"points": torch.stack(points), "labels": torch.stack(labels)}


class Net(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.fc1 = nnx.Linear(2, 8, **fan_in_uniform(2), rngs=rngs)
        self.fc2 = nnx.Linear(8, 2, **fan_in_uniform(8), rngs=rngs)

    def __call__(self, x):
        return self.fc2(jnp.tanh(self.fc1(x)))


def evaluate(model, loader, device):
    model.eval()
    loss = 0.0
    correct = 0
    for data, target in loader:
        data, target = jnp.asarray(data), jnp.asarray(target)
        output = model(data)
        loss += softmax_cross_entropy(output, target, reduction="sum").item()
        correct += (output.argmax(axis=1) == target).sum().item()
    return loss / len(loader.dataset), correct


def evaluate_dictionaries(model, loader):
    losses = []
    for batch in loader:
        output = model(jnp.asarray(batch["points"]))
        losses.append(softmax_cross_entropy(output, jnp.asarray(batch["labels"])).item())
    return losses


def sizes(loader):
    found = []
    for index, (x, y) in enumerate(loader):
        x, y = jnp.asarray(x), jnp.asarray(y)
        x = x.at[:, 0].set(0)
        found.append((index, x.shape[0], x.sum().item(), y.astype(jnp.float32).mean().item()))
    return found


def run(model: Net):
    device = jax.devices()[0]
    loader = DataLoader(Squares(20, transform=doubled), batch_size=8, collate_fn=numpy_collate)
    results = [evaluate(model, loader, device)]

    shuffled = DataLoader(
        Squares(10),
        batch_size=4,
        shuffle=True,
        collate_fn=partial(numpy_collate, collate=collate),
        generator=torch.Generator().manual_seed(0),
    )
    results.append(evaluate_dictionaries(model, shuffled))

    x = torch.linspace(-1, 1, 24).reshape(12, 2)
    y = (x.sum(1) > 0).long()
    first, second = random_split(TensorDataset(x, y), [8, 4], generator=torch.Generator().manual_seed(3))
    results.append(sizes(DataLoader(first, 3, collate_fn=numpy_collate)))
    results.append(
        evaluate(model, DataLoader(second, 2, drop_last=True, collate_fn=numpy_collate), device)
    )

    points, labels = next(iter(loader))
    points, labels = jnp.asarray(points), jnp.asarray(labels)
    results.append((points.mean().item(), labels.sum().item(), len(loader)))
    return results


# Helpers without a Flax equivalent.


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


def reduce_loss(loss: jax.Array, reduction: str = "mean") -> jax.Array:
    """Mean or sum of the elementwise losses, or (for "none") the losses themselves."""
    if reduction == "none":
        return loss
    return loss.sum() if reduction == "sum" else loss.mean()


def softmax_cross_entropy(
    logits: jax.Array, target: jax.Array, ignore_index: int = -100, reduction: str = "mean"
) -> jax.Array:
    """Cross entropy of logits (classes,) or (batch, classes, ...) with integer labels or class probabilities.

    Labels equal to `ignore_index` do not count.
    """
    axis = min(logits.ndim - 1, 1)
    if jnp.issubdtype(target.dtype, jnp.floating):
        return reduce_loss(optax.softmax_cross_entropy(logits, target, axis), reduction)
    kept = target != ignore_index
    loss = optax.softmax_cross_entropy_with_integer_labels(logits, jnp.where(kept, target, 0), axis)
    return loss.mean(where=kept) if reduction == "mean" else reduce_loss(jnp.where(kept, loss, 0), reduction)
