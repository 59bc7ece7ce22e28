"""The vocabulary of rule files, typed so that editors complete it.

Rule files are parsed and never imported (docs/rules.md), so nothing here does anything: `torch2jax.rules` gives the
words their meaning.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable as _Function
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:  # converting needs none of these
    import einops
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax  # type: ignore[import-untyped]
    from flax import nnx
    from jax import lax
else:
    einops = jax = jnp = lax = nnx = np = optax = None

__all__ = [
    "Axis", "Callable", "Device", "Dropped", "Dtype", "Ignored", "Image", "Inplace", "IsFalse", "IsTrue", "Module",
    "NDArray", "Object", "Optimizer", "Out", "Parameters", "Pattern", "Scalar", "Scheduler", "Shape", "Size", "Tensor",
    "Tensors", "Unsupported", "attribute", "caveat", "constant", "dtype", "einops", "given", "helpers", "in_axis",
    "is_function", "is_tensor", "jax", "jnp", "lax", "math", "nnx", "np", "operator", "optax", "out_axis", "pair",
    "partial", "rank", "rngs", "rule", "single", "triple",
]  # fmt: skip

Mode: TypeAlias = Literal["opaque", "pointwise", "along", "reduce", "permute", "init"]

# --- annotations ---------------------------------------------------------------------------------------------------

Tensor: TypeAlias = Any
"""A tensor, in torch's axis order unless `layout` or `mode` say else."""
Image: TypeAlias = Any
"""A tensor that follows the rule's `layout` too."""
Tensors: TypeAlias = Any
"""A list or tuple of tensors."""
Scalar: TypeAlias = Any
"""A number or 0-d tensor."""
Axis: TypeAlias = Any
"""An axis or several, remapped under a layout; a list literal becomes a tuple."""
Pattern: TypeAlias = Any
"""A pattern of einops: in a Sequential it is written for the axis order that its neighbours work in."""
Object: TypeAlias = Any
"""As a result: an object of the class that the rule is named for, whose methods and attributes have rules too."""
NDArray: TypeAlias = Any
"""As a result: an array of NumPy, whose methods are NumPy's own."""
Shape: TypeAlias = Any
"""Sizes: an int, a tuple or list, a `torch.Size`."""
Size: TypeAlias = Any
"""In guards: `isinstance(p, Size)` holds for a torch.Size, which is a tuple as well."""
Dtype: TypeAlias = Any
"""A dtype."""
Device: TypeAlias = Any
"""A device: accepted and left out without a word."""
Ignored: TypeAlias = Any
"""Accepted and left out without a word."""
Dropped: TypeAlias = Any
"""Accepted and left out with a note (T2J301)."""
IsTrue: TypeAlias = Any
"""A flag that must be the literal True: tells an overload apart that returns something else then."""
IsFalse: TypeAlias = Any
"""The same for the literal False."""
Inplace: TypeAlias = Any
"""The flag `inplace=` of a function: where it is true the first tensor is rebound."""
Out: TypeAlias = Any
"""`out=`: the result is assigned to it."""
Callable: TypeAlias = Any
"""A function or module."""
Module: TypeAlias = Any
"""As a result: the rule builds a module. As a parameter: a module."""
Parameters: TypeAlias = Any
"""What an optimizer is given: parameters of modules, single ones, or groups of them."""
Optimizer: TypeAlias = Any
"""As a result: the template is the optax transformation of an optimizer. As a parameter: an optimizer."""
Scheduler: TypeAlias = Any
"""A scheduler of learning rates."""


# --- decorators and statements -------------------------------------------------------------------------------------


class _Rule:
    """What `@rule` leaves behind: the handle for `@X.state`, `@X.attributes` and `@X.call`."""

    def state(self, function: _Function[..., Any]) -> None:
        """`flax.<path> = torch.<path>`: how torch's state dict maps to the flax object."""

    def attributes(self, function: _Function[..., Any]) -> None:
        """`torch.<name>: <kind> = <template over flax>`: what the torch layer's attributes are on the flax object."""

    def call(self, function: _Function[..., Any]) -> None:
        """Signature and template of calling the built object, `self` first."""


def rule(
    *names: str,
    layout: str = "",
    mode: Mode = "opaque",
    rank: object = None,
    dtype: Literal["bool", "int", "float", "complex"] | None = None,
    fresh: bool = True,
    view: bool = False,
    fields: tuple[str, ...] = (),
    pooled: str | None = None,
) -> _Function[[_Function[..., Any]], _Rule]:
    """A torch callable: functions, methods (`torch.Tensor.x`) and classes (`-> Module`), by qualified names."""
    return lambda function: _Rule()


def attribute(
    *names: str,
    layout: str = "",
    mode: Mode = "opaque",
    rank: object = None,
    dtype: Literal["bool", "int", "float", "complex"] | None = None,
    fresh: bool = True,
    view: bool = False,
) -> _Function[[_Function[..., Any]], None]:
    """A read of an attribute; one parameter `self`."""
    return lambda function: None


def constant(*names: str) -> _Function[[_Function[..., Any]], None]:
    """A plain name; no parameters."""
    return lambda function: None


def caveat(text: str) -> None:
    """Say something to the user whenever the rule is applied."""


class Unsupported(Exception):  # noqa: N818 - it reads as a statement in rule files
    """`raise Unsupported("reason", "what to do instead")`: this branch has no translation."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason, hint)


# --- in templates and guards -----------------------------------------------------------------------------------------

helpers: Any = None
"""`helpers.f(...)` copies `f` from src/torch2jax/helpers/ into the output."""
rngs: Any = None
"""The innermost provider of random numbers."""
in_axis: int = -2
"""Input axis of the array that a rule with `mode="init"` fills."""
out_axis: int = -1
"""Output axis of the array that a rule with `mode="init"` fills."""


def single(x: Any) -> Any:
    """An int becomes a tuple of one; tuples stay."""


def pair(x: Any) -> Any:
    """An int becomes a tuple of two; tuples stay."""


def triple(x: Any) -> Any:
    """An int becomes a tuple of three; tuples stay."""


def rank(x: Any) -> Any:
    """Number of axes."""


def dtype(x: Any) -> Any:
    """ "bool", "int", "float" or "complex"; in guards only."""  # noqa: D210 - it starts with a quote


def given(x: Any) -> Any:
    """Whether the call passes the argument."""


def is_tensor(x: Any) -> Any:
    """Whether the argument is a tensor; in guards only."""


def is_function(x: Any) -> Any:
    """Whether the argument is a function or a class that the program defines; in guards only."""
