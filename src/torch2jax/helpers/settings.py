"""Settings of a program, which are no arrays."""

from collections.abc import Mapping
from types import FunctionType
from typing import Any


class static_settings:  # noqa: N801 - used as a function
    """An object or dict of settings that `jax.jit` takes as a static argument.

    Two are equal where all that they hold is: compiled code is compiled again once a setting has changed.
    """

    def __init__(self, source: Any) -> None:
        self._source = source
        self._values = _hashable(source, ())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def __getitem__(self, key: Any) -> Any:
        return self._source[key]

    def __contains__(self, key: Any) -> bool:
        return key in self._source

    def __iter__(self) -> Any:
        return iter(self._source)

    def __len__(self) -> int:
        return len(self._source)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the object gives when it is called."""
        return self._source(*args, **kwargs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, static_settings) and self._values == other._values

    def __hash__(self) -> int:
        return hash(self._values)


def _hashable(value: Any, around: tuple[int, ...]) -> Any:
    """A value with everything in it as tuples; what holds itself ends where it begins again."""
    if id(value) in around:
        return None
    around = (*around, id(value))
    if isinstance(value, Mapping):
        return type(value), tuple((key, _hashable(held, around)) for key, held in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return type(value), tuple(_hashable(held, around) for held in value)
    is_function = callable(value) and not isinstance(type(value).__call__, FunctionType)
    if hasattr(value, "__dict__") and not is_function and not hasattr(value, "__array__"):
        return type(value), _hashable(vars(value), around)
    # 1, 1.0 and True are equal, and compile to different code
    return type(value), value
