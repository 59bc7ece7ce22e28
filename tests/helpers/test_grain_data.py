"""Data sets, samplers and epochs for grain: they give what those of torch.utils.data give."""

from __future__ import annotations

import collections
from itertools import chain
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.utils.data as in_torch

grain = pytest.importorskip("grain")

from torch2jax.helpers.grain_data import (  # noqa: E402
    ConcatDataset,
    DistributedSampler,
    Epochs,
    RandomSampler,
    Sampled,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    batch_to_jax,
    pad_samples,
    random_split,
    single_precision,
    stack_samples,
    to_numpy,
)

Pair = collections.namedtuple("Pair", ["x", "y"])


def generator() -> np.random.Generator:
    return np.random.default_rng(0)


def test_data_sets_have_the_samples_of_torch() -> None:
    arrays = np.arange(12.0).reshape(6, 2), np.arange(6)
    points, expected = TensorDataset(*arrays), in_torch.TensorDataset(*map(torch.tensor, arrays))
    assert len(points) == 6
    assert [int(label) for _, label in map(points.__getitem__, range(6))] == list(range(6))
    both = ConcatDataset([points, Subset(points, [4, 1])])
    in_both = in_torch.ConcatDataset([expected, in_torch.Subset(expected, [4, 1])])
    assert len(both) == len(in_both) == 8
    assert both.cumulative_sizes == in_both.cumulative_sizes
    for index in [*range(8), -1, -8]:
        assert both[index][1] == in_both[index][1].item()
        np.testing.assert_array_equal(both[index][0], in_both[index][0].numpy())
    for index in (8, -9):
        with pytest.raises(IndexError):
            both[index]
    with pytest.raises(ValueError, match="same number of rows"):
        TensorDataset(np.zeros(3), np.zeros(4))


@pytest.mark.parametrize("lengths", [[7, 4], [0.5, 0.5], [0.3, 0.3, 0.4], [11], [1.0]])
def test_a_split_has_the_lengths_of_torch(lengths: list[float]) -> None:
    parts = random_split(range(11), lengths, generator())
    assert [len(part) for part in parts] == [len(part) for part in in_torch.random_split(range(11), lengths)]
    assert sorted(index for part in parts for index in part.indices) == list(range(11))


def test_a_split_of_other_lengths_is_an_error() -> None:
    with pytest.raises(ValueError, match="the lengths add up to 5, and the data set has 4 samples"):
        random_split(range(4), [3, 2], generator())


def test_samplers() -> None:
    data = list("abcdef")
    assert list(SequentialSampler(data)) == list(in_torch.SequentialSampler(data))
    sampler = RandomSampler(data, generator=generator())
    assert sorted(sampler) == list(range(6))
    assert list(sampler) != list(sampler)
    assert list(RandomSampler(data, generator=generator())) == list(RandomSampler(data, generator=generator()))
    longer = list(RandomSampler(data, num_samples=15, generator=generator()))
    assert [sorted(longer[:6]), sorted(longer[6:12]), len(longer)] == [list(range(6)), list(range(6)), 15]
    replaced = list(RandomSampler(data, replacement=True, num_samples=600, generator=generator()))
    assert min(np.bincount(replaced)) > 60
    chosen = SubsetRandomSampler([5, 2, 9], generator=generator())
    assert (sorted(chosen), len(chosen)) == ([2, 5, 9], 3)
    weighted = WeightedRandomSampler([1, 0, 3], 4000, generator=generator())
    counts = np.bincount(list(weighted), minlength=3)
    assert counts[1] == 0
    assert counts[2] / counts[0] == pytest.approx(3, abs=0.4)
    assert sorted(WeightedRandomSampler([1, 2, 3], 3, replacement=False, generator=generator())) == [0, 1, 2]


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize(("count", "replicas"), [(10, 4), (8, 4), (2, 3)])
def test_shares_of_processes(count: int, replicas: int, drop_last: bool) -> None:
    data = range(count)
    for rank in range(replicas):
        expected = in_torch.DistributedSampler(data, replicas, rank, shuffle=False, drop_last=drop_last)  # type: ignore[arg-type]
        found = DistributedSampler(data, replicas, rank, shuffle=False, drop_last=drop_last)
        assert (list(found), len(found)) == (list(expected), len(expected))
    shares = [DistributedSampler(data, replicas, rank) for rank in range(replicas)]
    first = [list(share) for share in shares]
    assert set(chain(*first)) == set(data)
    for share in shares:
        share.set_epoch(1)
    assert count == 2 or [list(share) for share in shares] != first


def epochs(loader: Epochs, count: int = 3) -> list[list[list[int]]]:
    return [[batch.tolist() for batch in loader] for _ in range(count)]


@pytest.mark.parametrize("threads", [0, 2])
def test_every_epoch_is_shuffled_anew(threads: int) -> None:
    def loader() -> Epochs:
        pipeline = grain.MapDataset.source(np.arange(10)).shuffle(seed=4).batch(4)
        return Epochs(pipeline, num_threads=threads)

    found = epochs(loader())
    assert len(loader()) == 3
    assert [[len(batch) for batch in epoch] for epoch in found] == [[4, 4, 2]] * 3
    assert [sorted(chain(*epoch)) for epoch in found] == [list(range(10))] * 3
    assert len({str(epoch) for epoch in found}) == 3
    assert epochs(loader()) == found


def test_an_epoch_that_is_left_early_ends_there() -> None:
    loader = Epochs(grain.MapDataset.source(np.arange(6)).batch(2))
    assert next(iter(loader)).tolist() == [0, 1]
    assert epochs(loader, 2) == [[[0, 1], [2, 3], [4, 5]]] * 2
    assert list(Epochs(grain.MapDataset.source([]).batch(2))) == []


def test_batches_are_made_when_they_are_asked_for() -> None:
    class Seen:
        def __init__(self) -> None:
            self.asked: list[int] = []

        def __len__(self) -> int:
            return 6

        def __getitem__(self, index: int) -> int:
            self.asked.append(index)
            return index

    seen = Seen()
    next(iter(Epochs(grain.MapDataset.source(seen).batch(2))))
    assert seen.asked == [0, 1]


@pytest.mark.parametrize("threads", [0, 3])
def test_a_sampler_is_asked_once_for_every_epoch(threads: int) -> None:
    sampler = RandomSampler(range(9), num_samples=7, generator=generator())
    expected = RandomSampler(range(9), num_samples=7, generator=generator())
    loader = Epochs(Sampled(grain.MapDataset.source(np.arange(9)), sampler).batch(3), num_threads=threads)
    assert [list(chain(*epoch)) for epoch in epochs(loader)] == [list(expected) for _ in range(3)]


def test_a_sampler_of_another_length_is_an_error() -> None:
    class Short(SequentialSampler):
        def __iter__(self) -> Any:
            return iter([0])

    with pytest.raises(ValueError, match="gave 1 indices, and its length is 3"):
        list(Epochs(Sampled(grain.MapDataset.source([1, 2, 3]), Short(range(3)))))


def test_samples_are_stacked_as_torch_collates_them() -> None:
    samples = [
        {"z": torch.tensor([i, 2.0 * i]), "n": i, "f": i / 2, "b": i == 1, "name": str(i), "pair": (i, [i + 0.5])}
        for i in range(3)
    ]
    expected = in_torch.default_collate(samples)
    found = stack_samples([{**sample, "z": sample["z"].numpy()} for sample in samples])
    assert list(found) == list(expected)
    assert found["name"] == expected["name"]
    for one, other in [(found[key], expected[key]) for key in ("z", "n", "f", "b")] + [
        (found["pair"][0], expected["pair"][0]),
        (found["pair"][1][0], expected["pair"][1][0]),
    ]:
        assert (one.dtype, one.shape) == (other.numpy().dtype, tuple(other.shape))
        np.testing.assert_array_equal(one, other.numpy())
    assert type(stack_samples([Pair(1, 2), Pair(3, 4)])) is Pair
    with pytest.raises(ValueError, match="the same number of parts"):
        stack_samples([[1], [1, 2]])
    with pytest.raises(TypeError, match="of type NoneType"):
        stack_samples([None, None])


def test_batches_of_jax_and_back() -> None:
    batch = {"x": np.ones(2, dtype=np.float32), "name": ["a"], "pair": Pair(np.float32(1), None)}
    found = batch_to_jax(batch)
    assert list(found) == list(batch)
    assert isinstance(found["x"], jax.Array)
    assert isinstance(found["pair"].x, jax.Array)
    assert (found["name"], found["pair"].y, type(found["pair"])) == (["a"], None, Pair)
    back = to_numpy([jnp.zeros(3), "text"])
    back[0][0] = 1
    assert back[0].tolist() == [1, 0, 0]


@pytest.mark.parametrize(
    "data",
    [1.5, 2, True, [1, 2.5], [[1], [2]], [np.float64(1)], [np.float32(1)], (np.arange(2.0),), [1, np.float64(2)]],
)
def test_dtypes_of_written_data(data: Any) -> None:
    given = np.array(data) if isinstance(data, tuple) else data
    assert single_precision(data).dtype == torch.tensor(given).numpy().dtype


@pytest.mark.parametrize("batch_first", [True, False])
def test_padding(batch_first: bool) -> None:
    sequences = [np.arange(6.0).reshape(3, 2), np.ones((1, 2))]
    expected = torch.nn.utils.rnn.pad_sequence([torch.tensor(s) for s in sequences], batch_first, -1)
    np.testing.assert_array_equal(pad_samples(sequences, batch_first, -1), expected.numpy())
