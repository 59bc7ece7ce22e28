"""Helpers for several devices, on the one that there is; `tests/samples/test_devices.py` has four."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from torch2jax.helpers import distributed
from torch2jax.helpers.distributed import join_processes, leave_processes, replicate, shard_batch, wait_for_processes


def test_a_replicated_module_is_the_module_with_its_values() -> None:
    model = nnx.Linear(3, 2, rngs=nnx.Rngs(0))
    before = model.kernel[...]
    assert replicate(model) is model
    assert model.kernel[...].sharding.is_fully_replicated
    np.testing.assert_array_equal(model.kernel[...], before)


def test_batches_are_arrays_of_jax_with_the_dtypes_that_it_has() -> None:
    batch = {"x": np.ones((4, 3)), "y": np.arange(4), "weight": np.float32(2)}
    found = shard_batch(batch)
    assert all(isinstance(array, jax.Array) for array in found.values())
    assert {name: array.dtype for name, array in found.items()} == {
        name: jnp.asarray(array).dtype for name, array in batch.items()
    }


def test_uneven_batches_of_several_processes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed.jax, "process_count", lambda: 2)
    monkeypatch.setattr(distributed.jax, "local_device_count", lambda: 4)
    with pytest.raises(ValueError, match="use drop_last=True"):
        shard_batch(np.ones((6, 2)))


def test_one_process_needs_no_others() -> None:
    join_processes()
    wait_for_processes()
    leave_processes()


def test_several_processes_may_not_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    distributed.expect_one_process()
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    with pytest.raises(RuntimeError, match="exchange"):
        distributed.expect_one_process()
