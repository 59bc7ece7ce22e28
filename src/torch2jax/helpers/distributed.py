"""Training on several devices: state on all of them, batches split over them, and processes on several hosts."""

import os
from typing import Any, TypeVar

import jax
import numpy as np
from flax import nnx
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

Module = TypeVar("Module", bound=nnx.Module)


def data_mesh() -> Mesh:
    """All devices in a row, over which batches are split."""
    return Mesh(np.array(jax.devices()), ("data",))


def replicate(module: Module) -> Module:
    """Put the state of a module on every device, in place; gradients of split batches are added up by `jax.jit`."""
    sharding = NamedSharding(data_mesh(), PartitionSpec())  # type: ignore[no-untyped-call]
    nnx.update(module, jax.device_put(nnx.state(module), sharding))
    return module


def shard_batch(batch: Any) -> Any:
    """Arrays of a batch, split along their first axis over the devices; whole on each where that is not possible.

    Raises:
        ValueError: it is not possible, and there are several processes, which may have got different batches.
    """
    return jax.tree.map(_sharded, batch)


def _sharded(array: Any) -> Any:
    value = np.asarray(array)
    value = value.astype(jax.dtypes.canonicalize_dtype(value.dtype))
    count = jax.local_device_count()
    is_even = value.ndim > 0 and value.shape[0] % count == 0
    if not is_even and jax.process_count() > 1:
        raise ValueError(f"A batch of shape {value.shape} can't be split over {count} devices: use drop_last=True.")
    spec: Any = PartitionSpec("data") if is_even else PartitionSpec()  # type: ignore[no-untyped-call]
    make: Any = jax.make_array_from_process_local_data
    return make(NamedSharding(data_mesh(), spec), value)


def join_processes() -> None:
    """Connect the processes of several hosts, if JAX_NUM_PROCESSES says that there are; before anything else in JAX."""
    if int(os.environ.get("JAX_NUM_PROCESSES", "1")) > 1:
        jax.distributed.initialize()


def wait_for_processes() -> None:
    """Go on when every process has come here."""
    multihost_utils.sync_global_devices("barrier")


def expect_one_process() -> None:
    """In the place of an exchange between processes, which has nothing to do where there is one.

    Raises:
        RuntimeError: there are several. What is computed of arrays that lie on all of them is that of all already.
    """
    if jax.process_count() > 1:
        raise RuntimeError("Several processes would exchange arrays here, which has no translation.")


def leave_processes() -> None:
    """Disconnect from the other processes."""
    if jax.process_count() > 1:
        jax.distributed.shutdown()  # type: ignore[no-untyped-call]
