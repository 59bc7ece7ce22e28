"""Data sets of arrays: of what only they need, of what the model gives, and of NumPy's."""

import copy
import math
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from flax import nnx
from torch.utils.data import (
    DataLoader,
    Dataset,
    TensorDataset,
    default_collate,
    random_split,
)


class Net(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.fc = nnx.Linear(3, 2, **fan_in_uniform(3), rngs=rngs)

    def __call__(self, x):
        return nnx.relu(self.fc(x))


class Pairs(Dataset):
    def __init__(self, inputs, labels, extra=None):
        self.inputs = inputs
        self.labels = labels
        self.extra = extra

    def __len__(self):
        return self.inputs.size(0)

    def __getitem__(self, index):
        return self.inputs[index].double(), self.labels[index]


class Rows(Dataset):
    """Rows of NumPy arrays."""

    def __init__(self, rows):
        self.rows = rows.astype(np.float64)

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        return self.rows[index], float(self.rows[index].sum())


def regression(count):
    x = torch.linspace(-1, 1, count * 3).reshape(count, 3)
    w = torch.tensor([1.0, 2.0, 3.0])
    noise = torch.randn(count, generator=torch.Generator().manual_seed(5))
    y = x @ w + 0.1 * noise
    return TensorDataset(x, y)


def features(model: Net, loader):
    outputs, labels = [], []
    for x, y in loader:
        x, y = jnp.asarray(x), jnp.asarray(y)
        outputs.append(model(x))
        labels.append(y)
    return TensorDataset(to_torch(jnp.concatenate(outputs)), to_torch(jnp.concatenate(labels)))


def summary(loader):
    return [(jnp.asarray(x).mean(axis=0), jnp.asarray(y).sum().item()) for x, y in loader]


def run(model: Net):
    train, test = random_split(regression(10), [7, 3], torch.Generator().manual_seed(1))
    train_loader = DataLoader(
        train, 4, shuffle=True, generator=torch.Generator().manual_seed(2), collate_fn=numpy_collate
    )
    results = [summary(train_loader), summary(DataLoader(test, 2, collate_fn=numpy_collate))]
    extracted = features(model, DataLoader(train, 3, collate_fn=numpy_collate))
    results.append(summary(DataLoader(extracted, 5, collate_fn=numpy_collate)))

    inputs = jnp.ones((6, 3))
    inputs = inputs.at[2:].set(3.0)
    labels = model(inputs).argmax(axis=1)
    pairs = Pairs(to_torch(inputs), to_torch(labels), extra=[to_torch(labels), None])
    results.append([
        (model(jnp.asarray(x)).sum().item(), jnp.asarray(y).astype(jnp.float32).mean().item())
        for x, y in DataLoader(pairs, 4, collate_fn=numpy_collate)
    ])

    array = np.arange(12.0).reshape(4, 3)
    from_numpy = TensorDataset(torch.from_numpy(array), torch.tensor([0, 1, 0, 1]), torch.Tensor(array[:, :1]))
    for x, y, z in DataLoader(from_numpy, batch_size=2, collate_fn=numpy_collate):
        x, y, z = jnp.asarray(x).astype(jnp.float32), jnp.asarray(y).astype(jnp.int32), jnp.asarray(z)
        results.append(
            ((model(x.astype(jnp.float64)) * y[:, None] / 2 + z).sum().item(), (y / 2).sum().item())
        )
    for x, total in DataLoader(Rows(array), batch_size=3, collate_fn=numpy_collate):
        x, total = jnp.asarray(x), jnp.asarray(total)
        results.append((model(x).sum().item(), total.mean().item()))
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


def to_torch(array: Any) -> Any:
    """A PyTorch tensor with a copy of an array, integers as int64; what is no array of JAX comes back."""
    if not isinstance(array, jax.Array):
        return array
    tensor = torch.from_numpy(np.array(array))
    return tensor.long() if tensor.dtype == torch.int32 else tensor
