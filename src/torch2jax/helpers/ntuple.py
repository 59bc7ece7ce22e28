"""One number for every spatial axis, or a tuple with one for each: pure Python, evaluated at conversion on literals."""

from collections.abc import Sequence


def single(value: int | Sequence[int]) -> tuple[int]:
    """The size as a tuple of one."""
    return _repeated(value, 1)  # type: ignore[return-value]


def pair(value: int | Sequence[int]) -> tuple[int, int]:
    """The same size for height and width, or the two that are given."""
    return _repeated(value, 2)  # type: ignore[return-value]


def triple(value: int | Sequence[int]) -> tuple[int, int, int]:
    """The same size for depth, height and width, or the three that are given."""
    return _repeated(value, 3)  # type: ignore[return-value]


def as_shape(size: int | Sequence[int]) -> tuple[int, ...]:
    """A shape from one size or from several."""
    return (size,) if isinstance(size, int) else tuple(size)


def _repeated(value: int | Sequence[int], count: int) -> tuple[int, ...]:
    return (value,) * count if isinstance(value, int) else tuple(value)
