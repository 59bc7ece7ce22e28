"""What is measured, on what, and how often."""

from __future__ import annotations

import enum
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

NO_DEVICE = "finds no CUDA device"
"""What a framework lacks where `--device gpu` can't be."""


class BenchError(ValueError):
    """What can't be measured as asked: one sentence that says what is missing and what to do."""


class Contender(enum.StrEnum):
    """Who is measured. The first that ran is what the ratios of the others refer to."""

    TORCH = "torch"
    COMPILED = "torch.compile"
    JAX = "jax"


class Work(enum.StrEnum):
    """What is measured: the call in eval mode, and a training step (forward, backward, update)."""

    FORWARD = "forward"
    STEP = "training step"


def all_cores() -> int:
    """How many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class BenchSettings:
    """How to measure.

    device: "cpu" or "gpu", for all contenders.
    threads: of each contender on the CPU.
    matmul: "highest" (float32 throughout) or "tf32", for products of float32 matrices in all contenders.
    dtype: "float32" or "bfloat16", of parameters, buffers and inputs.
    batches: sizes of the batch; empty for the inputs as they are.
    rounds: how often each contender has its turn, at most; fewer, but not under 5, where that takes over `budget`
        seconds.
    turn: seconds that one contender runs before it is the next one's turn.
    """

    device: str = "cpu"
    threads: int = field(default_factory=all_cores)
    matmul: str = "highest"
    dtype: str = "float32"
    batches: tuple[int, ...] = ()
    rounds: int = 20
    turn: float = 0.1
    budget: float = 30.0
    contenders: tuple[Contender, ...] = tuple(Contender)
    works: tuple[Work, ...] = tuple(Work)

    def environment(self, folder: str) -> Mapping[str, str]:
        """Environment variables of a contender's process, which must be set before torch and jax are imported.

        folder: where torch.compile keeps what it compiled, unless the user has set a place for that; a new one, so
            that nothing comes from an earlier run.
        """
        threads = str(self.threads)
        pools = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
        return {
            **dict.fromkeys(pools, threads),
            "NPROC": threads,  # the size of XLA's thread pools on the CPU
            "JAX_PLATFORMS": "cpu" if self.device == "cpu" else "cuda",
            "JAX_ENABLE_X64": "0",
            "JAX_ENABLE_COMPILATION_CACHE": "false",
            "XLA_PYTHON_CLIENT_PREALLOCATE": "false",  # the contenders share the device's memory
            "TORCHINDUCTOR_CACHE_DIR": os.environ.get("TORCHINDUCTOR_CACHE_DIR", folder),
            "TORCHINDUCTOR_FX_GRAPH_CACHE": "0",
            "TORCHINDUCTOR_AUTOGRAD_CACHE": "0",
        }
