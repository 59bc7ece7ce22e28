"""Several processes and devices: JAX shards arrays over the devices of one program instead."""

from torch2jax.rulebook import *


@rule("torch.distributed.is_available")
def is_available() -> bool:
    """Whether programs of several processes are possible: JAX always has jax.distributed.

    >>> torch.distributed.is_available()
    """
    return True


@rule("torch.distributed.is_initialized")
def is_initialized() -> bool:
    """Whether this process has joined others.

    >>> torch.distributed.is_initialized()
    """
    return jax.distributed.is_initialized()


@rule("torch.distributed.get_rank")
def get_rank(group=None) -> int:
    """The number of this process.

    >>> torch.distributed.get_rank() if torch.distributed.is_initialized() else 0
    """
    caveat("JAX starts one process for each host, PyTorch one for each device; without others the number is 0")
    return jax.process_index()


@rule("torch.distributed.get_world_size")
def get_world_size(group=None) -> int:
    """How many processes there are.

    >>> torch.distributed.get_world_size() if torch.distributed.is_initialized() else 1
    """
    caveat("JAX starts one process for each host, PyTorch one for each device; without others there is 1")
    return jax.process_count()


@rule("torch.distributed.destroy_process_group")
def destroy_process_group(group=None) -> None:
    """Leaves the other processes.

    >>> torch.distributed.destroy_process_group() if torch.distributed.is_initialized() else None
    """
    return jax.distributed.shutdown()


@rule("torch.distributed.init_process_group")
def init_process_group(
    backend=None,
    init_method=None,
    timeout=None,
    world_size=-1,
    rank=-1,
    store=None,
    group_name="",
    pg_options=None,
    device_id=None,
    _ranks=None,
) -> None:
    """Joins other processes.

    >>> torch.distributed.init_process_group("gloo")
    """
    raise Unsupported(
        "JAX starts one process for each host, not for each device",
        "leave it out on one host; else call jax.distributed.initialize() once, before anything else of JAX",
    )


@rule("torch.distributed.*")
def distributed(*args, **kwargs):
    """Messages between processes, and models that are spread over them.

    >>> torch.distributed.all_reduce(f32(2, 3))
    """
    raise Unsupported(
        "messages between processes are not translated",
        "shard the arrays over the devices (jax.sharding.NamedSharding): a compiled step then sums over all of them",
    )


@rule("torch.nn.DataParallel")
def DataParallel(module, device_ids=None, output_device=None, dim=0) -> Module:
    """Copies of a module on several devices.

    >>> nn.DataParallel(nn.Linear(3, 4))(f32(2, 3))
    """
    raise Unsupported(
        "JAX makes no copies of a module for several devices",
        "leave the wrapper and `.module` out, and shard the batch: jax.device_put(batch, jax.NamedSharding(...))",
    )


@rule("torch.nn.parallel.*")
def parallel(*args, **kwargs):
    """Copies of a module on several devices.

    >>> nn.parallel.data_parallel(nn.Linear(3, 4), f32(2, 3))
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
