"""Several processes and devices: JAX shards arrays over the devices of one program instead."""

from torch2jax.rulebook import *


@rule("torch.distributed.is_available")
def is_available() -> bool:
    """Whether programs of several processes are possible: JAX always has jax.distributed.

    >>> torch.distributed.is_available()
    """
    return True


@rule("torch.distributed.get_rank")
def get_rank(group=None) -> int:
    """The number of this process; JAX starts one for each host, PyTorch one for each device.

    >>> torch.distributed.get_rank() if torch.distributed.is_initialized() else 0
    >>> torch.distributed.get_rank("workers")
    """
    if given(group):
        raise Unsupported("groups of processes have no translation", "use the axes of a jax.sharding.Mesh")
    return jax.process_index()


@rule("torch.distributed.get_world_size")
def get_world_size(group=None) -> int:
    """How many processes there are; JAX starts one for each host, PyTorch one for each device.

    >>> torch.distributed.get_world_size() if torch.distributed.is_initialized() else 1
    >>> torch.distributed.get_world_size("workers")
    """
    if given(group):
        raise Unsupported("groups of processes have no translation", "use the axes of a jax.sharding.Mesh")
    return jax.process_count()


@rule("torch.distributed.*")
def distributed(*args, **kwargs):
    """Messages between processes, and models that are spread over them.

    >>> torch.distributed.monitored_barrier(f32(2, 3))
    """
    raise Unsupported(
        "messages between processes are not translated",
        "shard the arrays over the devices (jax.sharding.NamedSharding): a compiled step then sums over all of them",
    )


@rule("torch.nn.parallel.*")
def parallel(*args, **kwargs):
    """Copies of a module on several devices.

    >>> nn.parallel.replicate(nn.Linear(3, 4), [0, 1])
    """
    raise Unsupported(
        "JAX makes no copies of a module for several devices",
        "leave the wrapper and `.module` out, and shard the batch: jax.device_put(batch, jax.NamedSharding(...))",
    )


@rule("torch.multiprocessing.*")
def multiprocessing(*args, **kwargs):
    """Processes that share tensors.

    >>> torch.multiprocessing.get_context("spawn")
    """
    raise Unsupported(
        "JAX shares no arrays between processes, and one process drives all devices of a host",
        "call the function itself; Python's multiprocessing does for work without arrays of JAX",
    )
