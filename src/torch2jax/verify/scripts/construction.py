"""Constructors that tell when the outermost of them returns: then a model is complete."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest.mock import patch

from flax import nnx
from torch import nn

_AROUND_MODELS = (nn.DataParallel, nn.parallel.DistributedDataParallel)
"""Classes that hold a model, which is complete before; it is the model itself in the translation."""


class Outermost:
    """Knows what is being built now, and tells when it is complete.

    Args:
        around: the context that the outermost constructor runs in, for the name of its class.
        complete: called with what it has built.
    """

    def __init__(
        self, around: Callable[[str], AbstractContextManager[object]], complete: Callable[[Any], object]
    ) -> None:
        self._building: set[int] = set()
        self._around, self._complete = around, complete

    def is_building(self) -> bool:
        """Whether a constructor is running."""
        return bool(self._building)

    @contextmanager
    def torch_constructors(self) -> Iterator[None]:
        """Watch the constructors of all torch modules: those that there are, and those that are defined inside."""
        watched: dict[type[Any], Any] = {}

        def watch(cls: type[Any]) -> None:
            if cls not in watched and "__init__" in vars(cls) and not issubclass(cls, _AROUND_MODELS):
                watched[cls] = vars(cls)["__init__"]
                cls.__init__ = self._torch_constructor(watched[cls])

        def init_subclass(cls: type[Any], /, **kwargs: Any) -> None:
            object.__init_subclass__(**kwargs)
            watch(cls)

        for cls in _descendants(nn.Module):
            watch(cls)
        with patch.object(nn.Module, "__init_subclass__", classmethod(init_subclass)):
            try:
                yield
            finally:
                for cls, constructor in watched.items():
                    cls.__init__ = constructor

    def _torch_constructor(self, constructor: Callable[..., None]) -> Callable[..., None]:
        """Of a class; a derived class calls that of its base for the same object."""

        @functools.wraps(constructor)
        def init(built: Any, *args: Any, **kwargs: Any) -> None:
            if id(built) in self._building:
                constructor(built, *args, **kwargs)
            else:
                with self._one(id(built), type(built).__name__):
                    constructor(built, *args, **kwargs)
                self._end(built)

        return init

    @contextmanager
    def flax_constructors(self) -> Iterator[None]:
        """Watch the constructors of all flax modules."""
        meta: Any = type(nnx.Module)
        call = meta.__call__

        def construct(cls: Any, *args: Any, **kwargs: Any) -> Any:
            with self._one(len(self._building), cls.__name__):
                built = call(cls, *args, **kwargs)
            self._end(built)
            return built

        with patch.object(meta, "__call__", construct):
            yield

    @contextmanager
    def _one(self, key: int, kind: str) -> Iterator[None]:
        around = self._around(kind) if not self._building else None
        self._building.add(key)
        try:
            if around is None:
                yield
            else:
                with around:
                    yield
        finally:
            self._building.remove(key)

    def _end(self, built: Any) -> None:
        if not self._building:
            self._complete(built)


def _descendants(cls: type[Any]) -> Iterator[type[Any]]:
    for child in cls.__subclasses__():
        yield child
        yield from _descendants(child)
