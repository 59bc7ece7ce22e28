"""`jit` that does nothing, and `jit` that can be stopped between two calls."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import jax
from flax import nnx


@contextmanager
def uncompiled() -> Iterator[None]:
    """Inside, a program's own `jit` does nothing."""
    with ExitStack() as stack:
        for owner, name in ((jax, "jit"), (nnx, "jit")):
            stack.enter_context(patch.object(owner, name, _pass_through))
        for name in ("jit_partial", "cached_partial"):
            stack.enter_context(patch.object(nnx, name, _partial))
        yield


def _pass_through(function: Any = None, **_: Any) -> Any:
    return (lambda function: function) if function is None else function


def _partial(function: Callable[..., Any], *arguments: Any, **_: Any) -> Any:
    return functools.partial(function, *arguments)


@contextmanager
def stoppable(begins: Callable[[], object], losses: Callable[[], int]) -> Iterator[None]:
    """Inside, ``begins`` is called before a compiled function that has differentiated a loss before runs again.

    losses: how many there are.
    """

    def watched(transform: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(transform)
        def jit(*args: Any, **kwargs: Any) -> Any:
            made = transform(*args, **kwargs)
            return _Step(made, begins, losses) if args else lambda function: jit(function, **kwargs)

        return jit

    with ExitStack() as stack:
        for owner, name in ((jax, "jit"), (nnx, "jit"), (nnx, "jit_partial")):
            stack.enter_context(patch.object(owner, name, watched(getattr(owner, name))))
        yield


class _Step:
    """A compiled function."""

    def __init__(self, function: Any, begins: Callable[[], object], losses: Callable[[], int]) -> None:
        self._function, self._begins, self._losses = function, begins, losses
        self._differentiates = False
        functools.update_wrapper(self, function, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._differentiates:
            self._begins()
        before = self._losses()
        result = self._function(*args, **kwargs)
        if not self._differentiates:
            self._differentiates = self._losses() > before
        return result

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """As a method."""
        return self if instance is None else functools.partial(self, instance)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._function, name)
