"""What a program asks of its devices: to have finished, and how much memory they use."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp


def synchronize() -> None:
    """Waits until the devices have done all that they were given, also what nobody holds the results of any more."""
    last = [jnp.zeros((), device=device) + 1 for device in jax.local_devices()]  # each works in order
    jax.block_until_ready((last, jax.live_arrays()))  # type: ignore[no-untyped-call]


def memory_statistic(name: str) -> int:
    """A number of bytes, such as `bytes_in_use`, that the default device reports; 0 where it reports none, as a CPU."""
    return int((jax.local_devices()[0].memory_stats() or {}).get(name, 0))


@dataclass(frozen=True)
class GpuProperties:
    """What the first GPU is: its name, compute capability, multiprocessors, and the bytes that JAX may use of it."""

    name: str
    major: int
    minor: int
    multi_processor_count: int
    total_memory: int


def gpu_properties() -> GpuProperties:
    """What the first GPU is. Raises RuntimeError if there is none."""
    gpu = jax.devices("gpu")[0]
    major, minor = (int(part) for part in gpu.compute_capability.split("."))
    limit = (gpu.memory_stats() or {}).get("bytes_limit", 0)
    return GpuProperties(gpu.device_kind, major, minor, gpu.core_count, limit)


def device_type(device: jax.Device) -> str:
    """PyTorch's name for the sort of a device: `cuda` for a GPU."""
    return "cuda" if device.platform == "gpu" else device.platform
