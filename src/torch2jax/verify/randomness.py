"""The same random numbers for both programs.

Two generators never agree, so while a program runs here its draws come from NumPy instead. A number is decided by
five things: the seed, the kind of draw, how many draws of that kind and of those sizes came before, the sizes, and its
place among them. The *order* of the axes is not one of them: a mask over (N, C, H, W) in torch and one over
(N, H, W, C) in JAX hold the same number for the same example, channel, row and column, and axes of size 1 do not count.
So that this is possible without knowing which axis is which, axes of equal size are interchangeable: where two have
size n, the numbers at (i, j) and (j, i) are the same. Draws of different sizes never share numbers.

Uniform numbers are the source of most kinds (Bernoulli masks, exponential and Gumbel noise, categories), so that a
program may write one as another.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby

import numpy as np

from torch2jax.weights.arrays import Array

_KINDS = ("normal", "uniform", "integer", "permutation", "truncated")


class Draws:
    """The numbers that one run of one program draws, and a record of them.

    log: how many draws there were, by kind and sorted sizes. unshared: draws of kinds that are not shared, by name.
    interchangeable: whether axes of equal size are; not so in what the other program is given as it is.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.log: Counter[tuple[str, tuple[int, ...]]] = Counter()
        self.unshared: Counter[str] = Counter()
        self.interchangeable = True

    def normal(self, shape: Sequence[int]) -> Array:
        """Standard normal numbers."""
        return self._draw("normal", shape, lambda rng, sizes: rng.standard_normal(sizes))

    def uniform(self, shape: Sequence[int]) -> Array:
        """Numbers in [0, 1)."""
        return self._draw("uniform", shape, lambda rng, sizes: rng.random(sizes))

    def truncated(self, shape: Sequence[int]) -> Array:
        """Numbers in [0, 1) for truncated distributions, which the frameworks draw in ways of their own."""
        return self._draw("truncated", shape, lambda rng, sizes: rng.random(sizes))

    def integer(self, low: int, high: int, shape: Sequence[int]) -> Array:
        """Integers from ``low`` up to, without, ``high``."""
        return self._draw("integer", shape, lambda rng, sizes: rng.integers(low, high, sizes))

    def exponential(self, shape: Sequence[int]) -> Array:
        """Exponential numbers of rate 1."""
        return np.asarray(-np.log1p(-self.uniform(shape)))

    def gumbel(self, shape: Sequence[int]) -> Array:
        """Standard Gumbel numbers: minus the logarithm of the exponential ones."""
        return np.asarray(-np.log(self.exponential(shape)))

    def cauchy(self, shape: Sequence[int]) -> Array:
        """Standard Cauchy numbers."""
        return np.asarray(np.tan(np.pi * (self.uniform(shape) - 0.5)))

    def permutation(self, n: int) -> Array:
        """0, ..., n - 1 in some order."""
        return self._draw("permutation", (n,), lambda rng, sizes: rng.permutation(n).reshape(sizes))

    def _draw(
        self, kind: str, shape: Sequence[int], make: Callable[[np.random.Generator, tuple[int, ...]], Array]
    ) -> Array:
        shape = tuple(int(size) for size in shape)
        sizes = tuple(sorted(size for size in shape if size != 1))
        before = self.log[kind, sizes]
        self.log[kind, sizes] += 1
        rng = np.random.default_rng([self.seed, _KINDS.index(kind), before, *sizes])
        values = make(rng, sizes)
        return _in_order(_interchangeable(values) if self.interchangeable else values, shape)


def _interchangeable(values: Array) -> Array:
    """Numbers whose axes of equal size (they are neighbours) can be exchanged: those at sorted indices, everywhere."""
    start = 0
    for size, axes in groupby(values.shape):
        count = len(list(axes))
        if count > 1:
            places = np.sort(np.indices((size,) * count), axis=0)
            values = values[(slice(None),) * start + tuple(places)]
        start += count
    return values


def _in_order(values: Array, shape: tuple[int, ...]) -> Array:
    """Numbers over sorted sizes as an array of a shape that has these sizes in any order, and axes of size 1."""
    kept = [axis for axis, size in enumerate(shape) if size != 1]
    by_size = sorted(range(len(kept)), key=lambda place: shape[kept[place]])
    return np.transpose(values, np.argsort(by_size)).reshape(shape)


def unmatched(original: Draws, translation: Draws) -> str:
    """Why the numbers of two runs can't be the same: what one side draws and the other does not. Empty if they are."""
    parts = [_listed("the original draws", original, translation), _listed("the translation", translation, original)]
    names = sorted({*original.unshared, *translation.unshared})
    if names:
        parts.append(f"numbers of these kinds are not shared: {', '.join(names)}")
    return "; ".join(part for part in parts if part)


def _listed(who: str, mine: Draws, other: Draws) -> str:
    more = mine.log - other.log
    if not more:
        return ""
    shown = [f"{count} x {kind} {sizes}" for (kind, sizes), count in sorted(more.items())[:4]]
    return f"{who} {', '.join(shown)}{' and more' if len(more) > len(shown) else ''} that the other does not"


@contextmanager
def seeded_python(seed: int) -> Iterator[None]:
    """Python's and NumPy's global generators start from ``seed`` and are put back afterwards."""
    python_state, numpy_state = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed)
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)
