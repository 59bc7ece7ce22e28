"""Loaders of every kind, and the ways to go through them."""

import copy
import itertools
import math
from collections.abc import Callable, MutableMapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
import torch.utils.data as data
from flax import nnx
from jax import lax
from torch.utils.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    IterableDataset,
    Sampler,
    SequentialSampler,
    Subset,
    default_collate,
)

OFFSET = torch.tensor([0.5, -0.5, 0.25])


class Stream(IterableDataset):
    def __init__(self, count):
        super().__init__()
        self.count = count

    def __iter__(self):
        for i in range(self.count):
            yield torch.full((3,), float(i)) + OFFSET, i


class Evens(Sampler):
    def __init__(self, source):
        self.source = source

    def __iter__(self):
        return iter(range(0, len(self.source), 2))

    def __len__(self):
        return (len(self.source) + 1) // 2


class Scale:
    """A transform: any callable object."""

    def __init__(self, factor):
        self.factor = torch.tensor(factor)

    def __call__(self, x):
        return x * self.factor


class Named(data.Dataset):
    """Samples with names and numbers among them."""

    def __init__(self, count, transforms=()):
        self.values = torch.arange(float(count * 3)).reshape(count, 3)
        self.mean = self.values.mean(0)
        self.transforms = transforms

    def __len__(self):
        return len(self.values)

    def __getitem__(self, index):
        value = self.values[index]
        for transform in self.transforms:
            value = transform(value)
        return {"value": value, "name": f"sample {index}", "weight": 0.5 * index}


class Padded:
    def __init__(self, padding):
        self.padding = padding

    def __call__(self, samples):
        longest = max(len(sample["value"]) for sample in samples) + self.padding
        rows = [torch.nn.functional.pad(s["value"], (0, longest - len(s["value"]))) for s in samples]
        return torch.stack(rows), [sample["name"] for sample in samples]


def stacked(samples, key):
    return torch.stack([sample[key] for sample in samples])


class Net(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.fc = nnx.Linear(3, 2, **fan_in_uniform(3), rngs=rngs)

    def __call__(self, value, scale=1.0):
        return jnp.tanh(self.fc(value)) * scale


class Trainer:
    def __init__(self, model: Net, loaders):
        self.model = model
        self.loaders = loaders
        self.validation = loaders["validation"]

    def total(self, phase):
        total = 0.0
        for value, names in self.loaders[phase]:
            value = jnp.asarray(value)[:, :3]
            total += self.model(value).sum().item() * len(names)
        return total

    def first(self):
        value, _ = next(iter(self.validation))
        value = jnp.asarray(value)
        return self.model(value[:, :3])


def whole_dictionaries(model: Net, loader):
    found = []
    for batch in loader:
        batch = to_jax(batch)
        batch = {k: v if isinstance(v, jax.Array) else v for k, v in batch.items()}
        found.append((model(batch["value"]).mean().item(), batch["name"], batch["weight"].sum().item()))
    return found


def single_items(model: Net, loader):
    found = []
    for batch in loader:
        found.append(
            (model(jnp.asarray(batch["value"]), jnp.asarray(batch["weight"])[:, None]).sum().item(), batch["name"][0])
        )
    return found


def several_loaders(model: Net, first, second):
    found = []
    for i, ((x, _), (z, n)) in enumerate(zip(first, itertools.cycle(second))):
        n = jnp.asarray(n)
        x, z = lax.stop_gradient(jnp.asarray(x)), lax.stop_gradient(jnp.asarray(z))
        z += 1
        found.append((i, (model(x) - model(z)).sum().item(), n.astype(jnp.float32).mean().item()))
    return found


def endless(model: Net, loader, steps):
    iterator = iter(loader)
    found = []
    for _ in range(steps):
        try:
            x, n = next(iterator)
            x, n = jnp.asarray(x), jnp.asarray(n)
        except StopIteration:
            iterator = iter(loader)
            x, n = next(iterator)
            x, n = jnp.asarray(x), jnp.asarray(n)
        old = x
        x = x.at[0].set(0)
        found.append((model(x).sum() - model(old).sum()).item() + n.sum().item())
    return found


def in_tuples(model: Net, loader):
    return [
        model(*[jnp.asarray(t) for t in batch[:1]]).sum().item() + jnp.asarray(batch[1]).sum().item()
        for batch in loader
    ]


def run(model: Net):
    dataset = Named(7, transforms=[Scale(2.0), lambda value: value + 1])
    loaders = {
        "train": DataLoader(
            dataset, batch_size=3, collate_fn=partial(numpy_collate, collate=Padded(1)), sampler=Evens(dataset)
        ),
        "validation": DataLoader(
            Subset(dataset, [1, 2, 3]), 2, False, None, None, 0, partial(numpy_collate, collate=Padded(0))
        ),
    }
    trainer = Trainer(model, loaders)
    results = [trainer.total("train"), trainer.total("validation"), trainer.first()]

    both = ConcatDataset([dataset, Named(2)])
    batches = BatchSampler(SequentialSampler(both), 4, drop_last=False)
    plain = data.DataLoader(both, batch_sampler=batches, collate_fn=numpy_collate)
    results += [whole_dictionaries(model, plain), single_items(model, plain), len(plain), len(plain.dataset)]

    stream = DataLoader(Stream(8), batch_size=4, collate_fn=numpy_collate)
    results += [several_loaders(model, stream, stream), endless(model, stream, 3), in_tuples(model, stream)]

    values = DataLoader(dataset, 4, collate_fn=partial(numpy_collate, collate=partial(stacked, key="value")))
    results.append([model(jnp.asarray(value)).sum().item() for value in values])
    results.append([jnp.asarray(value).sum().item() for value in itertools.islice(values, 1)])

    sample = dataset[2]
    results.append((model(jnp.asarray(sample["value"])), sample["name"], jnp.asarray(dataset.mean).sum().item()))
    for item in dataset:
        results.append(model(jnp.asarray(item["value"])[None]).sum().item())
        break
    one_by_one = DataLoader(
        Stream(2), batch_size=None, collate_fn=partial(numpy_collate, collate=torch.utils.data.default_convert)
    )
    for x, n in one_by_one:
        x = jnp.asarray(x)
        results.append((model(x).sum().item(), n))
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


def to_jax(batch: Any) -> Any:
    """The arrays and tensors of a batch as JAX arrays; names, numbers and other things stay."""
    kinds = (np.ndarray, torch.Tensor)
    return map_nested(lambda item: jnp.asarray(item) if isinstance(item, kinds) else item, batch)
