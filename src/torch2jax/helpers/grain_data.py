"""Data sets, samplers and epochs for grain, in NumPy: what torch.utils.data offers, under the same names."""

import itertools
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import grain
import jax
import jax.numpy as jnp
import numpy as np


class TensorDataset:
    """Arrays that share their first axis: sample i holds the i-th row of each."""

    def __init__(self, *tensors: Any) -> None:
        self.tensors = tuple(np.asarray(tensor) for tensor in tensors)
        if len({len(tensor) for tensor in self.tensors}) != 1:
            raise ValueError("the arrays of a TensorDataset must have the same number of rows")

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        return tuple(tensor[index] for tensor in self.tensors)


class Subset:
    """Some samples of a data set, by their indices."""

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset, self.indices = dataset, indices

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Any) -> Any:
        return self.dataset[self.indices[index]]


class ConcatDataset:
    """The samples of several data sets, one after the other."""

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        self.cumulative_sizes = list(itertools.accumulate(len(dataset) for dataset in self.datasets))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> Any:
        if not -len(self) <= index < len(self):
            raise IndexError(f"there are {len(self)} samples, and none with the index {index}")
        index %= len(self)
        part = int(np.searchsorted(self.cumulative_sizes, index, side="right"))
        return self.datasets[part][index - (self.cumulative_sizes[part - 1] if part else 0)]


def random_split(dataset: Any, lengths: Sequence[float], generator: np.random.Generator) -> list[Subset]:
    """Parts of a data set without an overlap, of these lengths; or of these shares, if they add up to 1."""
    counts = [int(length) for length in lengths]
    if sum(lengths) <= 1 and np.isclose(sum(lengths), 1):
        counts = [int(len(dataset) * share) for share in lengths]
        for part in range(len(dataset) - sum(counts)):
            counts[part % len(counts)] += 1
    if sum(counts) != len(dataset):
        raise ValueError(f"the lengths add up to {sum(counts)}, and the data set has {len(dataset)} samples")
    order = generator.permutation(len(dataset)).tolist()
    ends = itertools.accumulate(counts)
    return [Subset(dataset, order[end - count : end]) for end, count in zip(ends, counts, strict=True)]


class SequentialSampler:
    """All indices in their order."""

    def __init__(self, data_source: Any) -> None:
        self.data_source = data_source

    def __len__(self) -> int:
        return len(self.data_source)

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))


class RandomSampler:
    """Indices at random, as many as there are samples or ``num_samples``; each once unless with ``replacement``."""

    def __init__(
        self,
        data_source: Any,
        replacement: bool = False,
        num_samples: int | None = None,
        *,
        generator: np.random.Generator,
    ) -> None:
        self.data_source, self.replacement, self.generator = data_source, replacement, generator
        self.num_samples = len(data_source) if num_samples is None else num_samples

    def __len__(self) -> int:
        return self.num_samples

    def __iter__(self) -> Iterator[int]:
        count = len(self.data_source)
        if self.replacement:
            return iter(self.generator.integers(count, size=self.num_samples).tolist())
        rounds = range(-(-self.num_samples // count))
        order = [index for _ in rounds for index in self.generator.permutation(count).tolist()]
        return iter(order[: self.num_samples])


class SubsetRandomSampler:
    """Some indices, in a new order each time."""

    def __init__(self, indices: Sequence[int], *, generator: np.random.Generator) -> None:
        self.indices, self.generator = indices, generator

    def __len__(self) -> int:
        return len(self.indices)

    def __iter__(self) -> Iterator[int]:
        return (self.indices[place] for place in self.generator.permutation(len(self.indices)).tolist())


class WeightedRandomSampler:
    """Indices that are drawn with probabilities in proportion to ``weights``."""

    def __init__(
        self, weights: Any, num_samples: int, replacement: bool = True, *, generator: np.random.Generator
    ) -> None:
        self.weights = np.asarray(weights, dtype=np.float64)
        self.num_samples, self.replacement, self.generator = num_samples, replacement, generator

    def __len__(self) -> int:
        return self.num_samples

    def __iter__(self) -> Iterator[int]:
        shares = self.weights / self.weights.sum()
        return iter(self.generator.choice(len(shares), self.num_samples, self.replacement, shares).tolist())


class DistributedSampler:
    """The share of one process in all indices, in an order that `set_epoch` changes."""

    def __init__(
        self,
        dataset: Any,
        num_replicas: int,
        rank: int,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        self.dataset, self.num_replicas, self.rank, self.epoch = dataset, num_replicas, rank, 0
        self.shuffle, self.seed, self.drop_last = shuffle, seed, drop_last
        self.num_samples = len(dataset) // num_replicas if drop_last else -(-len(dataset) // num_replicas)

    def __len__(self) -> int:
        return self.num_samples

    def __iter__(self) -> Iterator[int]:
        order = range(len(self.dataset))
        if self.shuffle:
            order = np.random.default_rng(self.seed + self.epoch).permutation(len(self.dataset)).tolist()
        whole = itertools.islice(itertools.cycle(order), self.num_samples * self.num_replicas)
        return itertools.islice(whole, self.rank, None, self.num_replicas)

    def set_epoch(self, epoch: int) -> None:
        """Choose another order."""
        self.epoch = epoch


class Sampled(grain.MapDataset):  # type: ignore[misc]
    """The samples that a sampler names; it is asked once for every epoch."""

    def __init__(self, parent: grain.MapDataset, sampler: Any) -> None:
        super().__init__(parent)
        self.sampler, self.epoch, self.lock = sampler, -1, threading.Lock()
        self.indices: list[int] = []

    def __len__(self) -> int:
        return len(self.sampler)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self.slice(index)
        epoch, place = divmod(index, len(self))
        with self.lock:
            if epoch != self.epoch:
                self.epoch, self.indices = epoch, [int(chosen) for chosen in self.sampler]
                if len(self.indices) != len(self):
                    raise ValueError(f"the sampler gave {len(self.indices)} indices, and its length is {len(self)}")
            chosen = self.indices[place]
        return self._parent[chosen]


class Epochs:
    """Batches to go through once for every epoch. What shuffles them does it anew each time.

    batches: a pipeline that ends in batches. dataset: what they are taken from. batch_size: the samples in one.
    num_threads: how many threads read ahead; with 0 each batch is made when it is asked for.
    """

    def __init__(
        self, batches: grain.MapDataset, *, dataset: Any = None, batch_size: int | None = None, num_threads: int = 0
    ) -> None:
        self.batches, self.dataset, self.batch_size, self.epoch = batches, dataset, batch_size, 0
        self.read_options = grain.ReadOptions(num_threads=num_threads, prefetch_buffer_size=2 * num_threads)

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Any]:
        if not len(self):
            return iter(())
        start = self.epoch * len(self)
        self.epoch += 1
        epoch = self.batches.repeat(self.epoch).slice(slice(start, None))
        return iter(epoch.to_iter_dataset(self.read_options, allow_nones=True))


def stack_samples(samples: Sequence[Any]) -> Any:
    """Batch samples as a DataLoader does: arrays and numbers are stacked, strings are listed, containers are kept."""
    first = samples[0]
    if isinstance(first, np.ndarray | np.generic | bool | int | float):
        return np.stack(samples)
    if isinstance(first, str | bytes):
        return list(samples)
    if isinstance(first, Mapping):
        return {key: stack_samples([sample[key] for sample in samples]) for key in first}
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in samples):
            raise ValueError("the samples of a batch must have the same number of parts")
        parts = [stack_samples(part) for part in zip(*samples, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else parts
    raise TypeError(f"samples of type {type(first).__name__} can't be stacked to a batch")


def to_numpy(value: Any) -> Any:
    """JAX arrays in nested containers as NumPy arrays, which may be written to; other things stay."""
    return jax.tree.map(lambda leaf: np.array(leaf) if isinstance(leaf, jax.Array) else leaf, value)


def batch_to_jax(batch: Any) -> Any:
    """The arrays of a batch as JAX arrays; names, numbers and other things stay."""
    if isinstance(batch, Mapping):
        return {key: batch_to_jax(value) for key, value in batch.items()}
    if isinstance(batch, list | tuple):
        parts = [batch_to_jax(part) for part in batch]
        return type(batch)(*parts) if hasattr(batch, "_fields") else type(batch)(parts)
    return jnp.asarray(batch) if isinstance(batch, np.ndarray | np.generic) else batch


def single_precision(data: Any) -> np.ndarray:
    """An array of numbers, lists or arrays in which Python's floats are float32, as long as nothing is float64."""
    array = np.array(data)
    double = any(getattr(leaf, "dtype", None) == np.float64 for leaf in jax.tree.leaves(data))
    return array.astype(np.float32) if array.dtype == np.float64 and not double else array


def pad_samples(sequences: Sequence[np.ndarray], batch_first: bool = False, padding_value: float = 0.0) -> np.ndarray:
    """Arrays of several lengths in one, filled up at their ends: (length, batch, ...), or (batch, length, ...)."""
    longest = max(len(sequence) for sequence in sequences)
    shape = (len(sequences), longest, *sequences[0].shape[1:])
    padded = np.full(shape, padding_value, dtype=sequences[0].dtype)
    for row, sequence in zip(padded, sequences, strict=True):
        row[: len(sequence)] = sequence
    return padded if batch_first else padded.swapaxes(0, 1)
