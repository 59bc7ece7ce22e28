"""Speed and memory of a program and of its translation, measured in turns."""

from torch2jax.verify.bench.cases import worth_measuring
from torch2jax.verify.bench.measure import bench, require_device
from torch2jax.verify.bench.report import BenchReport, Measurement
from torch2jax.verify.bench.settings import BenchError, BenchSettings, Contender, Work, all_cores

__all__ = [
    "BenchError",
    "BenchReport",
    "BenchSettings",
    "Contender",
    "Measurement",
    "Work",
    "all_cores",
    "bench",
    "require_device",
    "worth_measuring",
]
