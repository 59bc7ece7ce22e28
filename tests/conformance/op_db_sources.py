"""Samples of PyTorch's database of operators, `op_db`, as source: a function for each way to call an operator.

A sample of `torch.add` becomes `def call_0(x0: torch.Tensor, x1: torch.Tensor): return torch.add(x0, x1, alpha=2)`.
Tensors are parameters; everything else is a literal. Samples that read the same share a function.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.masked
from torch.testing._internal.common_methods_invocations import op_db

_LEFT_OUT = {
    "jiterator_": "compiles CUDA source",
    "torch._": "has no public name",
    "torch.ops.": "has no public name",
    "_segment_reduce": "has no public name",
    "_softmax_backward_data": "has no public name",
    "_native_batch_norm_legit": "has no public name",
    "_batch_norm_with_update": "has no public name",
    "_upsample_bilinear2d_aa": "has no public name",
    "_unsafe_masked_index": "has no public name",
    "_chunk_cat": "has no public name",
    "native_dropout_backward": "has no public name",
    "max_pool2d_with_indices_backward": "has no public name",
}
# Singular vectors are a pair up to a phase, and those beyond the singular values are any: S, u u^H, v v^H and U S V^H.
_SINGULAR = (
    "(e := {0})[1], torch.einsum('...ik,...jk->...ijk', (u := e[0][..., : e[1].shape[-1]]), u.conj()), "
    "torch.einsum('...ik,...jk->...ijk', (v := {1}[..., : e[1].shape[-1]]), v.conj()), (u * e[1][..., None, :]) @ v.mH"
)
# How an operator is called that the database wraps in a function of its own.
_SPELLINGS = {
    "T": "{0}.T",
    "H": "{0}.H",
    "mT": "{0}.mT",
    "mH": "{0}.mH",
    "__getitem__": "{0}[{index}]",
    "__radd__": "{1} + {0}",
    "__rdiv__": "{1} / {0}",
    "__rmul__": "{1} * {0}",
    "__rsub__": "{1} - {0}",
    "__rmod__": "{1} % {0}",
    "__rpow__": "{1} ** {0}",
    "__rmatmul__": "{1} @ {0}",
    "__rand__": "{1} & {0}",
    "__ror__": "{1} | {0}",
    "__rxor__": "{1} ^ {0}",
    "cauchy": "{0}.clone().cauchy_({rest})",
    "exponential": "{0}.clone().exponential_({rest})",
    "geometric": "{0}.clone().geometric_({rest})",
    "log_normal": "{0}.clone().log_normal_({rest})",
    "normal.in_place": "{0}.clone().normal_({rest})",
    "uniform": "{0}.clone().uniform_({rest})",
    "resize_": "{0}.clone().resize_({rest})",
    "resize_as_": "torch.resize_as_({0}.clone(), {1})",
    "zero_": "{0}.clone().zero_()",
    "einsum": "torch.einsum({1}, {0})",
    "svd_lowrank": "torch.svd_lowrank({0} @ {1}.mT, {rest2})",
    "pca_lowrank": "torch.pca_lowrank({0} @ {1}.mT, {rest2})",
    "polygamma": "torch.polygamma({1}, {0})",
    "special.polygamma": "torch.special.polygamma({1}, {0})",
    "where": "torch.where({1}, {0}, {2})",
    "nn.functional.embedding": "F.embedding({1}, {0}, {rest2})",
    "nn.functional.embedding_bag": "F.embedding_bag({1}, {0}, {rest2})",
    "normal.number_mean": "torch.normal({1}, {0}, {rest2})",
    "linalg.lstsq.grad_oriented": "torch.linalg.lstsq({0}, {rest})[:2]",
    "linalg.pinv.singular": "torch.linalg.pinv({0} @ {1}.mT)",
    "nn.functional.silu.complex": "F.silu({0})",
    "sparse.mm.reduce": "torch.sparse.mm({all})",
    # An eigenvector is one up to a phase: v v^H of each vector is compared, which has all of it but the phase.
    "linalg.eig": "(e := torch.linalg.eig({all}))[0], torch.einsum('...ik,...jk->...ijk', e[1], e[1].conj())",
    "svd": _SINGULAR.format("torch.svd({all})", "e[2]"),
    "linalg.svd": _SINGULAR.format("torch.linalg.svd({all})", "e[2].mH"),
    "linalg.eigh": "(e := torch.linalg.eigh({all}))[0], torch.einsum('...ik,...jk->...ijk', e[1], e[1].conj())",
}
_IMPORTS = "import torch\nimport torch.nn.functional as F\n"
_NAMED = {
    dtype: f"torch.{name}" for name, dtype in vars(torch).items() if isinstance(dtype, torch.dtype) and len(name) > 4
} | {torch.bool: "torch.bool", torch.int8: "torch.int8"}


class UnspelledError(ValueError):
    """Something that a literal can't say, with what it is."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One call: the name of its function, the tensors that it gets, and what the function returns, as source."""

    function: str
    tensors: tuple[torch.Tensor, ...]
    call: str = ""


@dataclass(frozen=True, slots=True)
class Program:
    """An operator's calls as one module, the samples, why others are left out, and how many the database has."""

    source: str
    samples: tuple[Sample, ...]
    left_out: tuple[str, ...]
    total: int = 0


def operators() -> dict[str, Any]:
    """The entries of the database by their full names, such as `nn.functional.pad.circular`."""
    return {info.full_name: info for info in op_db}


def reason_to_leave_out(name: str) -> str:
    """Why an operator can't be called from source that people write; empty if it can."""
    return next((reason for prefix, reason in _LEFT_OUT.items() if name.startswith(prefix)), "")


def program(info: Any, most: int | None = None) -> Program:
    """The samples of an operator as source: its float samples, or of the first other dtype that it takes.

    most: how many samples at most, evenly spread over all.
    """
    if not info.dtypes:
        return Program("", (), ("not on a CPU",))
    samples = list(_samples(info))
    total = len(samples)
    if most is not None and len(samples) > most:
        samples = [samples[index * len(samples) // most] for index in range(most)]
    bodies: dict[tuple[str, int], str] = {}
    found: list[Sample] = []
    left_out: list[str] = []
    for sample in samples:
        speller = _Speller()
        try:
            call = speller.call(info, sample)
        except UnspelledError as problem:
            left_out.append(str(problem))
            continue
        function = bodies.setdefault((call, len(speller.tensors)), f"call_{len(bodies)}")
        found.append(Sample(function, tuple(speller.tensors), call))
    functions = [_function(name, call, count) for (call, count), name in bodies.items()]
    return Program("\n\n".join([_IMPORTS, *functions]), tuple(found), tuple(left_out), total)


def with_axes(samples: Sequence[Sample]) -> Program:
    """The same calls where the source shows how many axes the tensors have, as it does in most models."""
    names: dict[tuple[str, tuple[int, ...]], str] = {}
    found = []
    for sample in samples:
        ranks = tuple(tensor.dim() for tensor in sample.tensors)
        name = names.setdefault((sample.call, ranks), f"call_{len(names)}")
        found.append(replace(sample, function=name))
    functions = [_function(name, call, len(ranks), ranks) for (call, ranks), name in names.items()]
    return Program("\n\n".join([_IMPORTS, *functions]), tuple(found), (), len(found))


def _samples(info: Any) -> Iterator[Any]:
    order = (torch.float64, torch.int64, torch.bool, torch.complex128)
    dtype = next((dtype for dtype in order if dtype in info.dtypes), torch.float32)
    differentiable = info.supports_autograd and dtype.is_floating_point
    torch.manual_seed(0)
    return iter(info.sample_inputs("cpu", dtype, requires_grad=differentiable))


def _function(name: str, call: str, count: int, ranks: Sequence[int] = ()) -> str:
    parameters = ", ".join(f"x{index}: torch.Tensor" for index in range(count))
    shown = [f"    {unpacked_sizes(index, rank)} = x{index}.shape\n" for index, rank in enumerate(ranks)]
    return f"def {name}({parameters}):\n{''.join(shown)}    return {call}\n"


def unpacked_sizes(index: int, rank: int) -> str:
    """What the shape of an array is unpacked to, which shows how many axes it has: `s0_0, s0_1,`, or `()`."""
    return "".join(f"s{index}_{axis}, " for axis in range(rank)).rstrip() or "()"


class _Speller:
    """Spells the arguments of one call; tensors become parameters."""

    def __init__(self) -> None:
        self.tensors: list[torch.Tensor] = []

    def call(self, info: Any, sample: Any) -> str:
        """The call as an expression."""
        values = (sample.input, *sample.args)
        spelling = _SPELLINGS.get(info.full_name) or _SPELLINGS.get(info.name)
        if spelling is not None and "{index}" in spelling:
            return spelling.format(self.value(values[0]), index=self.index(values[1]))
        positional = [self.value(value) for value in values]
        named = [f"{key}={self.value(value)}" for key, value in sample.kwargs.items()]
        if spelling is not None:
            rests = {
                "rest": [*positional[1:], *named],
                "rest2": [*positional[2:], *named],
                "all": [*positional, *named],
            }
            return spelling.format(*positional, **{key: ", ".join(rest) for key, rest in rests.items()})
        name = info.name.removeprefix("torch.")
        if function := _public_function(name):
            return f"{function}({', '.join([*positional, *named])})"
        if hasattr(torch.Tensor, name):
            return f"{positional[0]}.{name}({', '.join([*positional[1:], *named])})"
        raise UnspelledError(f"{name} has no public name")

    def value(self, value: Any) -> str:
        """An argument as source."""
        if isinstance(value, torch.Tensor):
            return self._tensor(value)
        if isinstance(value, list):
            return f"[{', '.join(self.value(item) for item in value)}]"
        if isinstance(value, tuple):
            items = [self.value(item) for item in value]
            return f"({', '.join(items)}{',' if len(items) == 1 else ''})"
        if isinstance(value, float) and not abs(value) < float("inf"):
            return f'float("{value}")'
        if value is None or isinstance(value, bool | int | float | complex | str):
            return repr(value)
        if isinstance(value, torch.dtype):
            return _NAMED[value]
        if isinstance(value, torch.device):
            return repr(str(value))
        if isinstance(value, torch.layout | torch.memory_format):
            return str(value)
        raise UnspelledError(f"an argument is a {type(value).__name__}")

    def index(self, value: Any) -> str:
        """What stands between square brackets."""
        if isinstance(value, tuple) and value:
            return ", ".join(self.index(item) for item in value) + ("," if len(value) == 1 else "")
        if isinstance(value, slice):
            first, last, step = (
                "" if end is None else self.value(end) for end in (value.start, value.stop, value.step)
            )
            return f"{first}:{last}" + (f":{step}" if step else "")
        return "..." if value is Ellipsis else self.value(value)

    def _tensor(self, tensor: torch.Tensor) -> str:
        if tensor.layout is not torch.strided:
            raise UnspelledError("sparse tensors")
        if tensor.is_nested:
            raise UnspelledError("nested tensors")
        if tensor.is_floating_point() and tensor.dtype is not torch.float64:  # all is decided in double precision
            tensor = tensor.detach().double().requires_grad_(tensor.requires_grad)
        elif not tensor.requires_grad:  # samples may share statistics, which one of them changes
            tensor = tensor.clone()
        self.tensors.append(tensor)
        return f"x{len(self.tensors) - 1}"


@functools.cache
def _public_function(name: str) -> str:
    """An operator's name in source, empty where `torch` has none."""
    owner: Any = torch
    for part in name.split("."):
        owner = getattr(owner, part, None)
    if not callable(owner):
        return ""
    return f"F.{name.removeprefix('nn.functional.')}" if name.startswith("nn.functional.") else f"torch.{name}"


def spread(names: Sequence[str], every: int) -> list[str]:
    """One in ``every`` of the names, evenly."""
    return list(names)[::every]
