"""Cases that a file offers by itself: `get_inputs` and `get_init_inputs`, or its classes and their first layers."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

import torch
from torch import nn

from torch2jax.verify.cases import SETTINGS, Case, CaseError
from torch2jax.verify.failures import FAILURES, one_line
from torch2jax.verify.inputs import Inputs, parse_inputs
from torch2jax.verify.precision import float32
from torch2jax.verify.programs import Programs
from torch2jax.verify.spaces import Space
from torch2jax.weights.arrays import as_numpy

_SIDES = ((33, 35, 37), (32, 48, 40), (64, 64, 64), (28, 28, 28), (224, 224, 16), (128, 128, 16), (256, 256, 16))
"""Sizes of the spatial axes to try: all different where the program takes any, then the usual squares."""


def offered_cases(programs: Programs) -> list[Case]:
    """The cases that the original itself suggests. Raises CaseError where there is nothing to go by."""
    if not programs.default_module:
        raise CaseError(f"{programs.original_root}: a folder of files needs a {SETTINGS} that says what to build")
    space, _ = programs.spaces()
    with float32(), space.active(), torch.no_grad():
        module = _imported(space, programs.default_module)
        if callable(getattr(module, "get_inputs", None)):
            try:
                return [_declared_case(module)]
            except FAILURES as error:
                reason = one_line(error, space.root)
                raise CaseError(f"{programs.default_module}: its get_inputs can't be used: {reason}") from None
        found = [case for cls in _public_classes(module) for case in _inferred_case(cls)]
    if not found:
        raise CaseError(
            f"{programs.default_module}: found no module class whose constructor takes no arguments and whose input "
            f"can be guessed; say --entry, --args and --input, or write a {SETTINGS} beside the file"
        )
    return found


def _imported(space: Space, name: str) -> ModuleType:
    """The module of the original. Raises CaseError where it can't be imported."""
    try:
        return space.load(name)
    except FAILURES as error:
        package = error.name if isinstance(error, ModuleNotFoundError) else None
        hint = f"; install {package.partition('.')[0]} beside torch first" if package else ""
        raise CaseError(f"{name}: can't be imported: {one_line(error, space.root)}{hint}") from None


def _declared_case(module: ModuleType) -> Case:
    """`Model(*get_init_inputs())` called with what looks like `get_inputs()`."""
    entry = "Model" if hasattr(module, "Model") else _public_classes(module)[-1].__name__
    init = list(module.get_init_inputs()) if callable(getattr(module, "get_init_inputs", None)) else []
    return Case(entry, ", ".join(repr(value) for value in init), tuple(_spec(value) for value in module.get_inputs()))


def _spec(value: Any) -> str:
    """The specification of arrays like this value."""
    if isinstance(value, list | tuple):
        inner = ", ".join(_spec(item) for item in value)
        return f"[{inner}]" if isinstance(value, list) else f"({inner},)"
    if not isinstance(value, torch.Tensor):
        return f"={value!r}"
    array = as_numpy(value)
    shape = ",".join(map(str, array.shape)) or "()"
    if array.dtype.kind == "b":
        return f"bool[{shape}]"
    if array.dtype.kind in "iu":
        return f"int[{shape}]<{max(int(array.max(initial=0)) + 1, 1)}"
    if array.dtype.kind == "c":
        return f"c64[{shape}]"
    in_unit_interval = array.size > 0 and array.min() >= 0 and array.max() <= 1
    return f"{'unit' if in_unit_interval else 'f32'}[{shape}]"


def _public_classes(module: ModuleType) -> list[type[nn.Module]]:
    """The module's own nn.Module classes that no other of them builds, in order of definition."""
    own = [c for c in vars(module).values() if isinstance(c, type) and issubclass(c, nn.Module)]
    own = [c for c in own if c.__module__ == module.__name__]
    built = {type(part) for cls in own for part in _parts(cls)}
    return [cls for cls in own if cls not in built]


def _parts(cls: type[nn.Module]) -> list[nn.Module]:
    """The submodules of an instance made without arguments, none where that fails."""
    try:
        return list(cls().modules())[1:]
    except FAILURES:
        return []


def _inferred_case(cls: type[nn.Module]) -> Iterator[Case]:
    """A case for a class, if one of the likely inputs goes through it."""
    try:
        model = cls().eval()
    except FAILURES:
        return
    parameters = inspect.signature(model.forward).parameters.values()
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    count = sum(p.default is p.empty and p.kind not in kinds for p in parameters)
    for spec in _likely_specs(model):
        case = Case(cls.__name__, inputs=(spec,) * max(count, 1))
        if _goes_through(model, parse_inputs(case.inputs)):
            yield case
            return


def _goes_through(model: nn.Module, inputs: Inputs) -> bool:
    tensors = inputs.draw().map(torch.as_tensor).args
    try:
        model(*(t.float() if t.is_floating_point() else t for t in tensors))
    except FAILURES:
        return False
    return True


def _likely_specs(model: nn.Module) -> Iterator[str]:
    """Inputs that the first layer with weights would take, then some more."""
    for layer in model.modules():
        if isinstance(layer, nn.Embedding):
            yield f"int[2,7]<{layer.num_embeddings}"
            return
        if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d):
            rank = len(layer.kernel_size)
            yield from (_float_spec((2, layer.in_channels, *sides[:rank])) for sides in _SIDES)
            return
        if isinstance(layer, nn.RNNBase):
            yield _float_spec((3, 5, layer.input_size))
            return
        if isinstance(layer, nn.Linear | nn.LayerNorm):
            features = layer.in_features if isinstance(layer, nn.Linear) else layer.normalized_shape[-1]
            images = [(2, c, *sides[:2]) for sides, c in itertools.product(_SIDES, (3, 1))]
            yield from map(_float_spec, [(3, features), (2, 5, features), *images])
            return
    yield from map(_float_spec, [(3, 5), (2, 3, 5), (2, 3, 33, 35)])


def _float_spec(shape: Sequence[int]) -> str:
    return f"f32[{','.join(map(str, shape))}]"
