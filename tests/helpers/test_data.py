"""What crosses between a DataLoader and JAX: NumPy batches, and tensors of arrays."""

from __future__ import annotations

import collections
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from torch2jax.helpers.data import numpy_collate, to_jax, to_torch

Pair = collections.namedtuple("Pair", ["x", "y"])


def test_batches_are_numpy_arrays_in_torch_form() -> None:
    samples = [{"x": torch.tensor([i, 2.0 * i], dtype=torch.float64), "n": i, "name": str(i)} for i in range(3)]
    (batch,) = DataLoader(samples, batch_size=3, collate_fn=numpy_collate)  # type: ignore[arg-type]
    assert list(batch) == ["x", "n", "name"]
    assert type(batch["x"]) is np.ndarray
    assert batch["x"].dtype == np.float64
    assert batch["x"].shape == (3, 2)
    assert batch["n"].dtype == np.int64
    assert batch["name"] == ["0", "1", "2"]


@pytest.mark.parametrize(
    "kind", [list, tuple, lambda items: Pair(*items), lambda items: collections.OrderedDict(b=items[0], a=items[1])]
)
def test_containers_stay_what_they_are(kind: Any) -> None:
    given = kind([torch.ones(2), [torch.zeros(3), None, "text"]])
    found = numpy_collate([], collate=lambda samples: given)
    assert type(found) is type(given)
    values = list(found.values()) if isinstance(found, dict) else list(found)
    assert type(values[0]) is np.ndarray
    assert [type(item) for item in values[1]] == [np.ndarray, type(None), str]
    if isinstance(found, dict):
        assert list(found) == ["b", "a"]


def test_a_function_of_the_user_collates() -> None:
    samples = [torch.ones(2), torch.zeros(3)]
    batch = numpy_collate(samples, collate=lambda items: torch.nn.utils.rnn.pad_sequence(items, batch_first=True))
    np.testing.assert_array_equal(batch, [[1, 1, 0], [0, 0, 0]])


def test_arrays_of_a_batch_become_jax_arrays_and_the_rest_stays() -> None:
    found = to_jax({"x": np.ones(2), "t": torch.zeros(3), "names": ["a"], "n": 4, "nested": (np.arange(2), None)})
    assert isinstance(found["x"], jax.Array)
    assert isinstance(found["t"], jax.Array)
    assert isinstance(found["nested"][0], jax.Array)
    assert (found["names"], found["n"], found["nested"][1]) == (["a"], 4, None)


def test_tensors_have_the_values_of_an_array_and_memory_of_their_own() -> None:
    array = jnp.arange(3.0)
    tensor = to_torch(array)
    assert tensor.dtype == torch.float64
    tensor += 1
    np.testing.assert_array_equal(array, [0, 1, 2])


@pytest.mark.parametrize("dtype", [jnp.int32, jnp.int64])
def test_integers_have_64_bits(dtype: Any) -> None:
    assert to_torch(jnp.arange(3, dtype=dtype)).dtype == torch.int64


def test_other_dtypes_and_other_things_stay() -> None:
    assert to_torch(jnp.ones(2, bool)).dtype == torch.bool
    assert to_torch(jnp.ones(2, jnp.float32)).dtype == torch.float32
    given = torch.ones(2), "text", None
    assert all(to_torch(item) is item for item in given)
