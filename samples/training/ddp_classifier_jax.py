"""An image classifier trained with DistributedDataParallel, as torchrun starts it: a process for each device."""

import copy
import math
import os
from collections.abc import Callable, MutableMapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint as ocp
import torch
from flax import nnx
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from torch.utils.data import DataLoader, Dataset, default_collate
from torch.utils.data.distributed import DistributedSampler


class Classifier(nnx.Module):
    def __init__(self, num_classes=4, *, rngs: nnx.Rngs):
        self.conv1 = nnx.Conv(1, 4, (3, 3), padding=1, **fan_in_uniform(1, (3, 3)), rngs=rngs)
        self.conv2 = nnx.Conv(4, 8, (3, 3), strides=2, padding=1, **fan_in_uniform(4, (3, 3)), rngs=rngs)
        self.fc = nnx.Linear(8 * 4 * 4, num_classes, **fan_in_uniform(8 * 4 * 4), rngs=rngs)

    def __call__(self, x):
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        x = nnx.relu(self.conv1(x))
        x = nnx.relu(self.conv2(x))
        value = x.transpose(0, 3, 1, 2)
        return self.fc(value.reshape(value.shape[0], -1))


class Quarters(Dataset):
    """Images with a bright quarter, and which one it is."""

    def __init__(self, size):
        self.size = size

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        label = index % 4
        row, column = divmod(label, 2)
        image = 2.0 * torch.randn(1, 8, 8, generator=torch.Generator().manual_seed(index))
        image[0, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4] += 0.5
        return image, label


def setup():
    os.environ.setdefault("MASTER_ADDR", "localhost")
    os.environ.setdefault("MASTER_PORT", "29531")
    os.environ.setdefault("RANK", "0")
    os.environ.setdefault("WORLD_SIZE", "1")
    join_processes()


@nnx.jit(graph=False)
def train_step(model, optimizer, images, labels):
    graphdef, params, rest = nnx.split(model, nnx.Param, ...)

    def loss_fn(params, rest):
        model = nnx.merge(graphdef, params, rest)
        logits = model(images)
        loss = optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean(where=labels != -100)
        return loss, logits

    (loss, logits), grads = nnx.value_and_grad(loss_fn, has_aux=True)(params, rest)
    optimizer.update(model, grads)
    return loss, logits


def main():
    setup()
    rank, world_size = jax.process_index(), jax.process_count()
    local_rank = int(os.environ.get("LOCAL_RANK", 0))
    device = jax.devices()[0]
    torch.manual_seed(0)
    rngs = nnx.Rngs(0)

    dataset = Quarters(96)
    sampler = DistributedSampler(dataset, num_replicas=world_size, rank=rank, shuffle=True)
    loader = DataLoader(dataset, batch_size=16, sampler=sampler, collate_fn=numpy_collate)

    model = Classifier(rngs=rngs)
    model = replicate(model)
    optimizer = nnx.Optimizer(model, optax.sgd(0.01, momentum=0.9), wrt=nnx.Param)

    for epoch in range(9):
        sampler.set_epoch(epoch)
        model.train()
        total_loss, correct = 0.0, 0
        for images, labels in loader:
            images, labels = shard_batch(images), shard_batch(labels)
            loss, logits = train_step(model, optimizer, images, labels)
            total_loss += loss.item()
            correct += (logits.argmax(axis=1) == labels).sum().item()
        if rank == 0:
            print(f"epoch {epoch}: loss {total_loss / len(loader):.4f}, {correct} right")

    if rank == 0:
        save_checkpoint(nnx.state(model, nnx.Not(nnx.RngState)), "classifier.pt")
    wait_for_processes()
    leave_processes()


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


def join_processes() -> None:
    """Connect the processes of several hosts, if JAX_NUM_PROCESSES says that there are; before anything else in JAX."""
    if int(os.environ.get("JAX_NUM_PROCESSES", "1")) > 1:
        jax.distributed.initialize()


def leave_processes() -> None:
    """Disconnect from the other processes."""
    if jax.process_count() > 1:
        jax.distributed.shutdown()  # type: ignore[no-untyped-call]


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


Module = TypeVar("Module", bound=nnx.Module)


def data_mesh() -> Mesh:
    """All devices in a row, over which batches are split."""
    return Mesh(np.array(jax.devices()), ("data",))


def replicate(module: Module) -> Module:
    """Put the state of a module on every device, in place; gradients of split batches are added up by `jax.jit`."""
    sharding = NamedSharding(data_mesh(), PartitionSpec())  # type: ignore[no-untyped-call]
    nnx.update(module, jax.device_put(nnx.state(module), sharding))
    return module


def save_checkpoint(tree: Any, path: str | Path) -> None:
    """Writes states, arrays, numbers and strings in dictionaries and lists to a folder, in place of one there."""
    pure = jax.tree.map(
        lambda leaf: nnx.to_pure_dict(leaf) if isinstance(leaf, nnx.State) else leaf,
        tree,
        is_leaf=lambda leaf: isinstance(leaf, nnx.State),
    )
    arrays = jax.tree.map(lambda leaf: np.asarray(leaf) if isinstance(leaf, jax.Array) else leaf, pure)
    with ocp.PyTreeCheckpointer() as checkpointer:
        checkpointer.save(Path(path).absolute(), arrays, force=True)


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


def shard_batch(batch: Any) -> Any:
    """Arrays of a batch, split along their first axis over the devices; whole on each where that is not possible.

    Raises:
        ValueError: it is not possible, and there are several processes, which may have got different batches.
    """
    return jax.tree.map(_sharded, batch)


def wait_for_processes() -> None:
    """Go on when every process has come here."""
    multihost_utils.sync_global_devices("barrier")


if __name__ == "__main__":
    main()
