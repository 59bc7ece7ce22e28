"""Shared random numbers for a whole script, also for what it draws inside compiled functions."""

from __future__ import annotations

import sys
import traceback
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jax
import jax._src.callback
import jax.numpy as jnp
from jax._src.core import trace_state_clean
from jax.experimental import io_callback

from torch2jax.verify.randomness import Draws
from torch2jax.weights.arrays import Array

_CALLBACKS = jax._src.callback.__file__


class ScriptDraws(Draws):
    """Numbers for a script: each constructor of a model has sequences of its own.

    The two sides initialise their layers with different draws, and the weights are carried over anyway; what is drawn
    outside must not depend on them.
    """

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._built: Counter[str] = Counter()

    @contextmanager
    def construction(self, kind: str) -> Iterator[None]:
        """A model of this class is being built."""
        before = self.seed, self.log
        self.seed, self.log = zlib.crc32(f"{kind} {self._built[kind]}".encode()), Counter()
        self._built[kind] += 1
        try:
            yield
        finally:
            self.seed, self.log = before

    @contextmanager
    def initialisation(self) -> Iterator[None]:
        """Weights are being drawn, which are carried over. Symmetric ones make ties and hide transposed kernels."""
        before, self.interchangeable = self.interchangeable, False
        try:
            yield
        finally:
            self.interchangeable = before


def settle() -> None:
    """Wait until the compiled functions that were called have drawn and recorded what they do.

    Not from one of their own callbacks, which would wait for itself.
    """
    if all(frame.f_code.co_filename != _CALLBACKS for frame, _ in traceback.walk_stack(sys._getframe())):
        jax.effects_barrier()  # type: ignore[no-untyped-call]


class TracedDraws(ScriptDraws):
    """Numbers for a script in JAX. A compiled function draws anew whenever it runs, in the order in which it draws.

    compiled: False where nothing is compiled: then what is traced (the body of a loop) holds its numbers as constants.
    """

    def __init__(self, seed: int, *, compiled: bool) -> None:
        super().__init__(seed)
        self._compiled = compiled

    def normal(self, shape: Sequence[int]) -> Array:
        """As `Draws`, like the next ones."""
        return self._when_run(lambda: super(TracedDraws, self).normal(shape), shape, float)

    def uniform(self, shape: Sequence[int]) -> Array:
        """Numbers in [0, 1)."""
        return self._when_run(lambda: super(TracedDraws, self).uniform(shape), shape, float)

    def integer(self, low: int, high: int, shape: Sequence[int]) -> Array:
        """Integers from ``low`` up to, without, ``high``."""
        return self._when_run(lambda: super(TracedDraws, self).integer(low, high, shape), shape, int)

    def exponential(self, shape: Sequence[int]) -> Array:
        """Exponential numbers of rate 1."""
        return self._when_run(lambda: super(TracedDraws, self).exponential(shape), shape, float)

    def gumbel(self, shape: Sequence[int]) -> Array:
        """Standard Gumbel numbers."""
        return self._when_run(lambda: super(TracedDraws, self).gumbel(shape), shape, float)

    def cauchy(self, shape: Sequence[int]) -> Array:
        """Standard Cauchy numbers."""
        return self._when_run(lambda: super(TracedDraws, self).cauchy(shape), shape, float)

    def permutation(self, n: int) -> Array:
        """0, ..., n - 1 in some order."""
        return self._when_run(lambda: super(TracedDraws, self).permutation(n), (n,), int)

    def _when_run(self, draw: Callable[[], Array], shape: Sequence[int], kind: type[float] | type[int]) -> Array:
        if not self._compiled:
            return draw()
        if trace_state_clean():
            settle()  # functions that are still running draw first
            return draw()
        result: Any = jax.eval_shape(lambda: jnp.zeros(tuple(shape), kind))
        array: Array = io_callback(lambda: draw().astype(result.dtype), result, ordered=True)
        return array
