"""One try of a call: whether it goes through, how far it came, and what stopped it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from torch2jax.verify.compare import leaves
from torch2jax.verify.discovery.limits import TooLongError, deadline, without_traces
from torch2jax.verify.failures import FAILURES, one_line
from torch2jax.verify.inputs import ArraySpec, Inputs, leaves_of

TOO_LONG = "took too long"
_ELEMENTS = 30_000_000
_SECONDS = 10.0
"""How long one try may take."""


@dataclass(frozen=True)
class Operation:
    """A torch function that raised, and the shapes of the tensors that it was given."""

    name: str
    shapes: tuple[tuple[int, ...], ...]
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Trial:
    """What came of a call.

    progress: the number of torch functions that came through. layer: the innermost layer of torch that raised.
    finite: whether the result, where there is one, has no NaN or infinity.
    """

    inputs: Inputs
    progress: int
    error: str = ""
    message: str = ""
    operation: Operation | None = None
    layer: nn.Module | None = None
    finite: bool = True

    @property
    def ok(self) -> bool:
        """Whether the call came through."""
        return not self.error


class _Watch(TorchFunctionMode):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.failed: Operation | None = None

    def __torch_function__(self, func: Any, _: Any, args: Sequence[Any] = (), kwargs: Any = None) -> Any:
        try:
            result = func(*args, **(kwargs or {}))
        except Exception:
            if self.failed is None:
                given = [*args, *(kwargs or {}).values()]
                shapes = tuple(tuple(value.shape) for value in _tensors(given))
                self.failed = Operation(getattr(func, "__name__", ""), shapes, tuple(given))
            raise
        self.count += 1
        return result


def _tensors(values: Sequence[Any]) -> Iterator[torch.Tensor]:
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)


@contextmanager
def _layer_watch(model: nn.Module, stack: list[nn.Module]) -> Iterator[None]:
    """Keep the layers of torch that are being called on a stack; one that raises stays there."""
    handles = []
    for layer in model.modules():
        if type(layer).__module__.startswith("torch.nn"):
            handles.append(layer.register_forward_pre_hook(lambda layer, _: stack.append(layer)))
            handles.append(layer.register_forward_hook(lambda *_: _drop(stack)))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _size(leaf: Any) -> int:
    return math.prod(leaf.shape) if isinstance(leaf, ArraySpec) else 0


def _drop(stack: list[nn.Module]) -> None:
    stack.pop()


def try_call(model: nn.Module, inputs: Inputs, method: str = "forward") -> Trial:
    """Call a model with inputs drawn as specified, as the verifier will: without a graph unless it makes its own.

    A model on the device "meta" computes shapes only, and its results count as finite.
    """
    if sum(_size(leaf) for leaf in leaves_of(inputs)) > _ELEMENTS:
        return Trial(inputs, -1, "too large to try")
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    watch, stack = _Watch(), list[nn.Module]()
    drawn = inputs.draw().map(lambda leaf: _tensor(leaf).to(device) if hasattr(leaf, "dtype") else leaf)
    error: BaseException
    try:
        with without_traces(""), deadline(_SECONDS), torch.no_grad(), _layer_watch(model, stack), device, watch:
            warnings.simplefilter("ignore")
            result = (model if method == "forward" else getattr(model, method))(*drawn.args, **(drawn.kwargs or {}))
        return Trial(inputs, watch.count, finite=_is_finite(result))
    except (*FAILURES, AssertionError) as raised:
        error = raised
    except TooLongError as raised:
        error = raised
    message = str(error)
    if "grad" in message and "require" in message:
        return _with_graph(model, drawn, inputs, watch.count, method)
    text = TOO_LONG if isinstance(error, TooLongError) else one_line(error)
    return Trial(inputs, watch.count, text, message, watch.failed, stack[-1] if stack else None)


def _with_graph(model: nn.Module, drawn: Inputs, inputs: Inputs, count: int, method: str) -> Trial:
    """A model that differentiates inside of its forward."""
    try:
        with without_traces(""), deadline(_SECONDS):
            result = (model if method == "forward" else getattr(model, method))(*drawn.args, **(drawn.kwargs or {}))
    except (*FAILURES, TooLongError) as error:
        return Trial(inputs, count, one_line(error), str(error))
    return Trial(inputs, count, finite=_is_finite(result))


def _tensor(leaf: Any) -> Any:
    if not hasattr(leaf, "dtype"):
        return leaf
    tensor = torch.as_tensor(leaf)
    if tensor.is_complex():
        return tensor.to(torch.complex64)
    return tensor.float() if tensor.is_floating_point() else tensor


def _is_finite(result: Any) -> bool:
    tensors = [value for _, value in leaves(result) if isinstance(value, torch.Tensor)]
    numbers = [t.detach() for t in tensors if not t.is_meta and (t.is_floating_point() or t.is_complex())]
    return all(bool(torch.isfinite(t).all()) for t in numbers)
