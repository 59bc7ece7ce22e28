"""Functions that run whenever a module is called, before or after it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

Order = Sequence[int] | None


@dataclass(frozen=True, eq=False)
class Hook:
    """A function that a module calls before or after each of its calls.

    ``argument_axes`` and ``result_axes`` are the axes by which the module's arrays come into the order that it expects.
    """

    function: Callable[..., Any]
    is_before: bool
    argument_axes: Sequence[Order]
    result_axes: Order

    def given(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments of the module as the function takes them."""
        return tuple(_transposed(arg, axes) for arg, axes in zip_longest(args, self.argument_axes[: len(args)]))

    def taken(self, changed: Any) -> tuple[Any, ...]:
        """New arguments of the module, out of those that the function gives."""
        args = changed if isinstance(changed, tuple) else (changed,)
        return tuple(
            _transposed(arg, _inverse(axes)) for arg, axes in zip_longest(args, self.argument_axes[: len(args)])
        )


@dataclass(frozen=True, eq=False)
class HookHandle:
    """A hook, and the module that calls it."""

    module: Any
    hook: Hook

    def remove(self) -> None:
        """Have the module not call the function any more."""
        self.module.hooks = tuple(hook for hook in self.module.hooks if hook is not self.hook)


def register_forward_hook(
    module: nnx.Module, hook: Callable[..., Any], argument_axes: Sequence[Order] = (), result_axes: Order = None
) -> HookHandle:
    """Has the module call ``hook(module, args, result)`` after each of its calls; what that gives is the new result.

    Outside of `jax.jit` and its like, whose arrays have no values, a hook may keep what it gets; inside of `jax.grad`
    it must keep `jax.lax.stop_gradient` of it.

    Raises:
        TypeError: it is no module, but a plain function.
    """
    return _registered(module, Hook(hook, False, argument_axes, result_axes))


def register_forward_pre_hook(
    module: nnx.Module, hook: Callable[..., Any], argument_axes: Sequence[Order] = ()
) -> HookHandle:
    """Has the module call ``hook(module, args)`` before each of its calls; what that gives are the new arguments."""
    return _registered(module, Hook(hook, True, argument_axes, None))


def _registered(module: Any, hook: Hook) -> HookHandle:
    if not isinstance(module, nnx.Module):
        raise TypeError(f"{module} is no nnx.Module, and can't call a hook: wrap it in one.")
    target: Any = module
    if not hasattr(module, "hooks"):
        target.hooks = ()
        object.__setattr__(module, "__class__", _hooked(type(module)))
    target.hooks = (*target.hooks, hook)
    return HookHandle(module, hook)


@cache
def _hooked(cls: Any) -> Any:
    """The class of the same name whose objects call their hooks."""

    class Hooked(cls):  # type: ignore[misc]
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            for hook in [hook for hook in self.hooks if hook.is_before]:
                changed = hook.function(self, hook.given(args))
                args = args if changed is None else hook.taken(changed)
            result = super().__call__(*args, **kwargs)
            for hook in [hook for hook in self.hooks if not hook.is_before]:
                changed = hook.function(self, hook.given(args), _transposed(result, hook.result_axes))
                result = result if changed is None else _transposed(changed, _inverse(hook.result_axes))
            return result

    Hooked.__name__, Hooked.__qualname__, Hooked.__module__ = cls.__name__, cls.__qualname__, cls.__module__
    return Hooked


def _transposed(value: Any, axes: Order) -> Any:
    return value if axes is None or not isinstance(value, jax.Array | np.ndarray) else jnp.transpose(value, axes)


def _inverse(axes: Order) -> Order:
    return None if axes is None else tuple(int(axis) for axis in np.argsort(axes))


class FunctionLayer(nnx.Module):
    """A layer without state that is a function otherwise, as an object, which can have hooks."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the function gives."""
        return self.function(*args, **kwargs)
