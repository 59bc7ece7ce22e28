"""Whether both sides start from the same values: certain ones exactly, and those that are drawn by their distribution.

Both objects are built several times with other seeds. What does not change from build to build in torch is certain.
The rest of an array, over all builds, is a sample of the distribution that it is drawn from. Two samples of the same
distribution are told from two of different ones by tests that hold for every distribution:

- the largest distance of the distribution functions, of the numbers and of their magnitudes. In equal samples of n
  numbers it exceeds d with a probability of at most e * exp(-n * d**2) (Kolmogorov and Smirnov; Wei and Dudley 2012);
- how many numbers (or magnitudes) of one sample lie beyond all of the other: r or more with a probability of at most
  2**-r in equal samples. It shows a wrong bound.

Each test of each array has an equal share of `FALSE_ALARMS`. n counts equal numbers once, since an array may hold a
number in many places. The numbers must be independent otherwise: where two of torch's own builds differ (one random
factor in front of a whole array), nothing is said.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from torch2jax.weights.arrays import Array

FALSE_ALARMS = 1e-9
"""The probability that any array of a right translation is said to be drawn from another distribution."""
_TESTS = 8
"""Of an array: two distances; from each side, the two ends and that of the magnitudes."""
_OWN = 1e-3
"""How improbable a distance of torch's own builds may be."""
_MOST_BUILDS = 8
_ENOUGH = 2**18
"""Numbers in all builds of a side together above which two builds must do."""
_LARGEST_SAMPLE = 2**14
_MANY = 16
"""Numbers that stay in their places, when only one in a build is expected to."""
_DIGITS = 6
"""Of the largest magnitude: numbers that differ by less are the same, in float32 and in float64."""


def number_of_builds(state: Mapping[str, Array]) -> int:
    """How often each side is built: often, where that costs little and small arrays give few numbers."""
    total = sum(array.size for array in state.values())
    return max(2, min(_MOST_BUILDS, _ENOUGH // max(total, 1)))


@dataclass(frozen=True, slots=True)
class Starts:
    """What the original's builds start with. certain, drawn: the elements of each array that are of that kind."""

    builds: Sequence[Mapping[str, Array]]
    certain: Mapping[str, Array]
    drawn: Mapping[str, Array]

    @classmethod
    def of(cls, builds: Sequence[Mapping[str, Array]]) -> Starts:
        """Tell the elements apart. Memory that nobody initialises (NaN in later builds) is of neither kind."""
        certain, drawn = {}, {}
        for name in builds[0]:
            values = [build[name] for build in builds]
            finite = np.logical_and.reduce([np.isfinite(value) for value in values])
            same = np.logical_and.reduce([value == values[0] for value in values[1:]])
            chance = finite & ~same
            if chance.any() and same.any():
                same &= np.isin(values[0], _meant(values, same, chance))
            certain[name], drawn[name] = finite & same, chance
        return cls(builds, certain, drawn)

    def certain_values(self, found: Mapping[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
        """Those of both sides, by name."""
        names = [name for name, mask in self.certain.items() if name in found and (mask.any() or not mask.size)]
        first = self.builds[0]
        return (
            {name: _chosen(first[name], self.certain[name]) for name in names},
            {name: _chosen(found[name], self.certain[name]) for name in names},
        )

    def other_distributions(self, builds: Sequence[Mapping[str, Array]]) -> dict[str, str]:
        """A sentence for each array that the translation's builds draw from another distribution."""
        names = [name for name, mask in self.drawn.items() if mask.any() and name in builds[0]]
        level = FALSE_ALARMS / (_TESTS * max(len(names), 1))
        problems = {}
        for name in names:
            places = _thinned(np.flatnonzero(self.drawn[name]), len(self.builds))
            expected = [_numbers(build[name].reshape(-1)[places]) for build in self.builds]
            actual = [_numbers(build[name].reshape(-1)[places]) for build in builds]
            own = _OWN / (_TESTS * (len(expected) - 1))
            if any(differ(one, other, own) for one, other in pairwise(expected)):
                continue
            left, right = np.concatenate(expected), np.concatenate(actual)
            if differ(left, right, level):
                problems[name] = f"{name} is drawn from another distribution: {_described(left, right)}"
        return problems


def _meant(values: Sequence[Array], same: Array, chance: Array) -> Array:
    """The values that are certain in an array of which a part is drawn at random, and that did not fall so by chance.

    A 0 that is also among what was drawn may be drawn itself; a few places of a permutation keep their number.
    """
    found, counts = np.unique(values[0][same], return_counts=True)
    drawn = np.logical_or.reduce([np.isin(found, value[chance]) for value in values])
    kept: Array = found[~drawn & ((counts > 1) | (counts.sum() >= _MANY))]
    return kept


def differ(expected: Array, actual: Array, level: float) -> bool:
    """Whether one of the tests tells two samples apart that would agree in all but a fraction ``level`` of cases."""
    scale = float(np.abs(expected).max()) or 1.0
    left, right = (np.round(sample / scale, _DIGITS) for sample in (expected, actual))
    count = min(len(np.unique(left)), len(np.unique(np.abs(left))), len(right))
    most = math.sqrt(max(1 - math.log(level), 0) / count)
    if not np.isfinite(right).all() or max(_distance(left, right), _distance(np.abs(left), np.abs(right))) > most:
        return True
    pairs = ((left, right), (-left, -right), (np.abs(left), np.abs(right)))
    return any(_is_beyond(one, other, level) or _is_beyond(other, one, level) for one, other in pairs)


def _distance(left: Array, right: Array) -> float:
    """The largest distance of the distribution functions of two samples."""
    left, right = np.sort(left), np.sort(right)
    places = np.concatenate([left, right])
    below = [np.searchsorted(side, places, side="right") / len(side) for side in (left, right)]
    return float(np.abs(below[0] - below[1]).max())


def _is_beyond(left: Array, right: Array, level: float) -> bool:
    """Whether more different numbers of one sample are above all of the other than chance puts there."""
    left, right = np.unique(left), np.unique(right)
    above = int((left > right[-1] + 10.0**-_DIGITS).sum())
    return above * math.log1p(len(right) / len(left)) > -math.log(level)


def _numbers(values: Array) -> Array:
    """Real numbers: those of complex ones are two each."""
    parts = [values.real, values.imag] if np.iscomplexobj(values) else [values]
    return np.concatenate(parts).astype(np.float64)


def _thinned(places: Array, builds: int) -> Array:
    """So many of some places that all builds together give a sample that is large enough."""
    return places[:: -(-len(places) * builds // _LARGEST_SAMPLE)]


def _chosen(values: Array, mask: Array) -> Array:
    return values if mask.all() else values[mask]


def _described(expected: Array, actual: Array) -> str:
    """The numbers that a reader knows distributions by, on both sides."""
    rows = [(side.mean(), side.std(), side.min(), side.max()) for side in (expected, actual)]
    names = ("mean", "standard deviation", "least", "largest")
    shown = (f"{name} {one:.4g} in torch and {other:.4g} in jax" for name, one, other in zip(names, *rows, strict=True))
    return f"{', '.join(shown)}, of {len(expected)} numbers"
