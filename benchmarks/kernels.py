"""How fast single operations are in torch and in XLA, on one thread of the processor: why some samples are slower.

    python benchmarks/kernels.py

Each operation is called in turns by both frameworks, forward and with the gradients of all its inputs; the table of the
medians goes to `kernels.md`.
"""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

import jax
import jax.numpy as jnp
import numpy as np
import torch
from jax import lax
from torch.nn import functional as F

PAGE = Path(__file__).with_suffix(".md")
ROUNDS = 15
Array = np.ndarray
IMAGES = ("NHWC", "HWIO", "NHWC")


def conv_cases() -> dict[str, tuple[Callable[..., torch.Tensor], Callable[..., jax.Array], list[Array], list[Array]]]:
    """Name: (torch's operation, JAX's, the arrays for torch, those for JAX)."""
    numbers = np.random.default_rng(0)

    def images(channels: int, size: int) -> Array:
        return numbers.normal(size=(4, channels, size, size)).astype(np.float32)

    def case(name: str, x: Array, w: Array, groups: int, padding: int) -> None:
        found[name] = (
            lambda x, w: F.conv2d(x, w, padding=padding, groups=groups),
            lambda x, w: lax.conv_general_dilated(
                x, w, (1, 1), [(padding, padding)] * 2, dimension_numbers=IMAGES, feature_group_count=groups
            ),
            [x, w],
            [x.transpose(0, 2, 3, 1), w.transpose(2, 3, 1, 0)],
        )

    found: dict[str, tuple[Callable[..., torch.Tensor], Callable[..., jax.Array], list[Array], list[Array]]] = {}
    case(
        "convolution 3x3, 64 channels, 32x32",
        images(64, 32),
        numbers.normal(size=(64, 64, 3, 3)).astype(np.float32),
        1,
        1,
    )
    case(
        "convolution 5x5, 3 channels, 32x32", images(3, 32), numbers.normal(size=(6, 3, 5, 5)).astype(np.float32), 1, 0
    )
    case(
        "depthwise 3x3, 96 channels, 28x28",
        images(96, 28),
        numbers.normal(size=(96, 1, 3, 3)).astype(np.float32),
        96,
        1,
    )
    case(
        "depthwise 7x7, 96 channels, 28x28",
        images(96, 28),
        numbers.normal(size=(96, 1, 7, 7)).astype(np.float32),
        96,
        3,
    )
    x, w = images(64, 16), numbers.normal(size=(64, 32, 4, 4)).astype(np.float32)
    found["transposed 4x4, stride 2, 64 channels, 16x16"] = (
        lambda x, w: F.conv_transpose2d(x, w, stride=2, padding=1),
        lambda x, w: lax.conv_transpose(
            x, w, (2, 2), [(2, 2), (2, 2)], dimension_numbers=IMAGES, transpose_kernel=True
        ),
        [x, w],
        [x.transpose(0, 2, 3, 1), w.transpose(2, 3, 1, 0)],
    )
    x, w = images(64, 32), numbers.normal(size=(64, 64, 3, 3)).astype(np.float32)
    found["convolution 3x3, stride 2, 64 channels, 32x32"] = (
        lambda x, w: F.conv2d(x, w, stride=2, padding=1),
        lambda x, w: lax.conv_general_dilated(x, w, (2, 2), [(1, 1)] * 2, dimension_numbers=IMAGES),
        [x, w],
        [x.transpose(0, 2, 3, 1), w.transpose(2, 3, 1, 0)],
    )
    found["maximum 2x2, 64 channels, 32x32"] = (
        lambda x: F.max_pool2d(x, 2),
        lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID"),
        [x],
        [x.transpose(0, 2, 3, 1)],
    )
    cell = [
        numbers.normal(size=size).astype(np.float32) / 12 for size in ((35, 8, 128), (512, 128), (512, 128), (512,))
    ]
    found["LSTM, 128 units, 35 steps, batch of 8"] = (lstm_of_torch, lstm_of_jax, cell, cell)
    a, b = (numbers.normal(size=(256, 256)).astype(np.float32) for _ in range(2))
    found["matrix product 256"] = (torch.matmul, jnp.matmul, [a, b], [a, b])
    return found


def lstm_of_torch(x: torch.Tensor, w: torch.Tensor, u: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """All hidden states of torch's own LSTM."""
    zeros = torch.zeros(1, x.shape[1], u.shape[1])
    return torch.lstm(x, (zeros, zeros), [w, u, b, torch.zeros_like(b)], True, 1, 0.0, False, False, False)[0]


def lstm_of_jax(x: jax.Array, w: jax.Array, u: jax.Array, b: jax.Array) -> jax.Array:
    """All hidden states of an LSTM as a scan."""

    def step(carry: tuple[jax.Array, jax.Array], gates: jax.Array) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
        h, c = carry
        i, f, g, o = jnp.split(gates + h @ u.T, 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    zeros = jnp.zeros((x.shape[1], u.shape[1]))
    return lax.scan(step, (zeros, zeros), x @ w.T + b)[1]


def main() -> None:
    """Measure, print, and write the page."""
    torch.set_num_threads(1)
    rows = []
    for name, (in_torch, in_jax, given_torch, given_jax) in conv_cases().items():
        for work in ("forward", "gradients"):
            of_torch, of_jax = torch_call(in_torch, given_torch, work), jax_call(in_jax, given_jax, work)
            times = [(timed(of_torch), timed(of_jax)) for _ in range(ROUNDS)][3:]
            first, second = (statistics.median(column) * 1e3 for column in zip(*times, strict=True))
            ratio = statistics.median(a / b for a, b in times)
            rows.append(f"| {name} | {work} | {first:.2f} | {second:.2f} | {ratio:.2f} |")
            print(rows[-1], flush=True)
    date = datetime.now(UTC).date()
    facts = f"torch {torch.__version__}, jax {jax.__version__}, python {platform.python_version()}, one thread, {date}"
    head = "| operation | work | torch ms | XLA ms | XLA : torch |\n|---|---|---:|---:|---:|\n"
    note = "Milliseconds of processor time, medians over turns; above 1, XLA is faster.\n"
    PAGE.write_text(
        f"# Speed of single operations\n\nBy `benchmarks/kernels.py`: {facts}.\n{note}\n{head}" + "\n".join(rows) + "\n"
    )


def torch_call(function: Callable[..., torch.Tensor], given: list[Array], work: str) -> Callable[[], object]:
    """One call in torch."""
    tensors = [torch.tensor(np.ascontiguousarray(array), requires_grad=work == "gradients") for array in given]
    if work == "forward":
        return lambda: function(*tensors)
    return lambda: torch.autograd.grad(function(*tensors).sum(), tensors)


def jax_call(function: Callable[..., jax.Array], given: list[Array], work: str) -> Callable[[], object]:
    """One compiled call in JAX."""
    arrays = [jnp.asarray(array) for array in given]
    if work == "gradients":
        compiled = jax.jit(jax.grad(lambda *args: function(*args).sum(), argnums=tuple(range(len(arrays)))))
    else:
        compiled = jax.jit(function)
    return lambda: jax.block_until_ready(compiled(*arrays))


def timed(call: Callable[[], object]) -> float:
    """Seconds of processor time of one call."""
    start = time.process_time()
    call()
    return time.process_time() - start


if __name__ == "__main__":
    main()
