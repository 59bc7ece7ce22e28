"""PyTorch's own list of modules and their inputs, `module_db`, as programs: classes that build a layer and call it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch
import torch.nn.functional as F
from torch import nn
from torch.testing._internal.common_modules import ModuleInfo, ModuleInput, module_db

from conformance.op_db_sources import unpacked_sizes

IMPORTS = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n"


@dataclasses.dataclass(frozen=True)
class ModuleCase:
    """One input of one module: the source of a class, and what its constructor and its call are given.

    number: place in `module_db`'s list for this mode. init, call: the tensors that the constructor and `forward` take.
    """

    module: str
    number: int
    train: bool
    source: str
    init: tuple[torch.Tensor, ...]
    call: tuple[torch.Tensor, ...]

    def with_axes(self) -> ModuleCase:
        """The same where the source shows how many axes the inputs have, as it does in most models."""
        shown = [f"        {unpacked_sizes(index, x.dim())} = x{index}.shape\n" for index, x in enumerate(self.call)]
        head, body = self.source.rsplit("        return ", 1)
        return dataclasses.replace(self, source=f"{head}{''.join(shown)}        return {body}")

    @property
    def name(self) -> str:
        """Such as `Dropout-3-eval`: the module, the place in the list, and the mode where modes differ."""
        return f"{self.module.removeprefix('nn.')}-{self.number}{'' if self.train else '-eval'}"

    @property
    def class_name(self) -> str:
        """What the class is called in the source."""
        return f"Case{self.number}{'' if self.train else 'Eval'}"


def modules() -> list[str]:
    """The names in `module_db`, such as `nn.Conv2d`."""
    return [info.name for info in module_db]


def cases(module: str) -> list[ModuleCase]:
    """All inputs of a module, in train mode, and in eval mode where that makes a difference."""
    info = next(info for info in module_db if info.name == module)
    modes = (True, False) if info.train_and_eval_differ else (True,)
    return [
        rendered(module, number, train, given) for train in modes for number, given in enumerate(inputs(info, train))
    ]


def spread_over(every: Sequence[ModuleCase], most: int | None) -> list[ModuleCase]:
    """At most so many cases, from all over the list."""
    if most is None or len(every) <= most:
        return list(every)
    return [every[index * len(every) // most] for index in range(most)]


def inputs(info: ModuleInfo, train: bool) -> Sequence[ModuleInput]:
    """The inputs of a module in float64, the same ones in every run."""
    torch.manual_seed(0)
    with remembered_arguments():
        return list(
            info.module_inputs_func(info, device="cpu", dtype=torch.float64, requires_grad=True, training=train)
        )


@contextmanager
def remembered_arguments() -> Iterator[None]:
    """Modules that are built meanwhile know what they were built with, to be written as source."""

    def remembering(cls: type[nn.Module]) -> Callable[..., None]:
        construct = cls.__init__

        def init(self: nn.Module, *args: Any, **kwargs: Any) -> None:
            construct(self, *args, **kwargs)
            self._built_with = (args, dict(kwargs))

        return init

    layer = nn.TransformerEncoderLayer  # the one module that others are given
    with patch.object(layer, "__init__", remembering(layer)):
        yield


def rendered(module: str, number: int, train: bool, given: ModuleInput) -> ModuleCase:
    """The program of an input."""
    init, call = _Spelling("w"), _Spelling("x")
    construction = f"{module}({init.arguments(given.constructor_input.args, given.constructor_input.kwargs)})"
    arguments = call.arguments(given.forward_input.args, given.forward_input.kwargs)
    case = ModuleCase(module, number, train, "", tuple(init.tensors), tuple(call.tensors))
    source = f"""
class {case.class_name}(nn.Module):
    def __init__(self{init.parameters()}):
        super().__init__()
        self.layer = {construction}

    def forward(self{call.parameters()}):
        return self.layer({arguments})
"""
    return dataclasses.replace(case, source=source)


class _Spelling:
    """Values as source. Tensors become parameters, whose values are kept."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.tensors: list[torch.Tensor] = []

    def parameters(self) -> str:
        return "".join(f", {self.prefix}{index}: torch.Tensor" for index in range(len(self.tensors)))

    def arguments(self, args: Sequence[Any], kwargs: dict[str, Any]) -> str:
        parts = [self.spelled(value) for value in args]
        return ", ".join(parts + [f"{key}={self.spelled(value)}" for key, value in kwargs.items()])

    def spelled(self, value: Any) -> str:
        if isinstance(value, torch.Tensor):
            self.tensors.append(value.detach().clone().requires_grad_(value.requires_grad))
            return f"{self.prefix}{len(self.tensors) - 1}"
        if isinstance(value, tuple):
            return f"({''.join(f'{self.spelled(item)}, ' for item in value)})"
        if isinstance(value, list):
            return f"[{', '.join(map(self.spelled, value))}]"
        if isinstance(value, nn.Module):
            return f"nn.{type(value).__name__}({self.arguments(*value._built_with)})"
        if dataclasses.is_dataclass(value):
            fields = dataclasses.fields(value)
            given = {f.name: getattr(value, f.name) for f in fields if f.init and getattr(value, f.name) != f.default}
            return f"nn.{type(value).__name__}({self.arguments((), given)})"
        if isinstance(value, torch.dtype):
            return str(value)
        if callable(value):
            return next(
                f"{prefix}.{value.__name__}"
                for prefix, owner in (("F", F), ("torch", torch))
                if getattr(owner, value.__name__, None) is value
            )
        assert isinstance(value, bool | int | float | str | None), value
        return repr(value)
