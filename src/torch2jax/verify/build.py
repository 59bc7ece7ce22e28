"""Build the object of a case in one program, from the same Python expression on both sides."""

from __future__ import annotations

import ast
import functools
import inspect
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from flax import nnx
from torch import nn

from torch2jax.verify.cases import Case, CaseError
from torch2jax.weights import load_state_dict
from torch2jax.weights.walk import slots

_CALL = "_torch2jax_call"


def build_torch(case: Case, name: str, namespace: Mapping[str, Any], *, train: bool, seed: int = 0) -> Any:
    """The torch module of a case, or the function itself where the entry is not a constructor. Seeded."""
    torch.manual_seed(seed)
    return _build(case, name, dict(namespace), train=train)


def build_flax(case: Case, name: str, namespace: Mapping[str, Any], *, train: bool, seed: int = 0) -> Any:
    """The translated object of a case: every call that accepts `rngs` receives them."""
    rngs = nnx.Rngs(seed)

    def call(function: Any, /, *args: Any, **kwargs: Any) -> Any:
        if "rngs" not in kwargs and accepts_rngs(function):
            kwargs["rngs"] = rngs
        return function(*args, **kwargs)

    return _build(case, name, {**namespace, _CALL: call}, train=train, through=_CALL)


def accepts_rngs(function: Any) -> bool:
    """Whether a callable has a parameter `rngs`."""
    if isinstance(function, functools.partial):
        return accepts_rngs(function.func)
    if isinstance(function, type):  # the metaclass of nnx.Module hides the constructor's signature
        function = function.__init__  # type: ignore[misc]
    try:
        return "rngs" in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


def _build(case: Case, name: str, namespace: dict[str, Any], *, train: bool, through: str = "") -> Any:
    head, *rest = name.split(".")
    target: Any = namespace.get(head)
    for part in rest:
        target = getattr(target, part, None)
    if target is None:
        raise CaseError(f"entry {case.entry!r}: there is no {name!r} in the module")
    if not case.args and not isinstance(target, type) and _needs_arguments(target):
        return target
    call = _constructor_call(case, name, train=train)
    if through:
        call = ast.fix_missing_locations(_CallsThrough(through).visit(call))
    return eval(compile(ast.Expression(call), f"<{case.entry}>", "eval"), namespace)  # noqa: S307 - the user's own


def _needs_arguments(function: Any) -> bool:
    """Whether a function can't be called without arguments, `rngs` aside."""
    parameters = inspect.signature(function).parameters.values()
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return any(p.default is p.empty and p.kind not in kinds and p.name != "rngs" for p in parameters)


def _constructor_call(case: Case, name: str, *, train: bool) -> ast.expr:
    """`name(args)`, in train mode with the dropout arguments over the ordinary ones."""
    call = _parse_call(name, case.args, case)
    if train and case.dropout_args:
        extra = _parse_call(name, case.dropout_args, case)
        replaced = {keyword.arg for keyword in extra.keywords}
        call.keywords = [k for k in call.keywords if k.arg not in replaced] + extra.keywords
    return call


def _parse_call(name: str, args: str, case: Case) -> ast.Call:
    try:
        call = ast.parse(f"{name}({args}\n)", mode="eval").body
    except SyntaxError:
        raise CaseError(f"entry {case.entry!r}: args are not valid Python: {args}") from None
    if not isinstance(call, ast.Call):
        raise CaseError(f"entry {case.entry!r}: args are not the arguments of one call: {args}")
    return call


class _CallsThrough(ast.NodeTransformer):
    """`f(x)` becomes `through(f, x)`."""

    def __init__(self, through: str) -> None:
        self.through = through

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Wrap one call and those inside it."""
        self.generic_visit(node)
        return ast.Call(ast.Name(self.through, ast.Load()), [node.func, *node.args], node.keywords)


def randomise_constants(model: nn.Module, seed: int = 0) -> None:
    """Give arrays that start constant random values, in place: what is multiplied by zero or one can't show a mistake.

    Constant parameters move by up to +-0.2, and other buffers of more than one number by up to 0.2; running statistics
    become a mean in +-0.2 and a variance in [0.5, 1.5).
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.is_floating_point() and parameter.numel() and _is_constant(parameter):
                parameter.add_(_uniform(parameter, generator) * 0.4 - 0.2)
        for name, buffer in model.named_buffers():
            if name.endswith("running_mean"):
                buffer.copy_(_uniform(buffer, generator) * 0.4 - 0.2)
            elif name.endswith("running_var"):
                buffer.copy_(_uniform(buffer, generator) + 0.5)
            elif buffer.is_floating_point() and buffer.numel() > 1 and _is_constant(buffer):
                buffer.add_(_uniform(buffer, generator) * 0.2)


def load_comparable(twin: nnx.Module, state: Mapping[str, torch.Tensor], buffers: Iterable[str]) -> None:
    """Carry a torch module's state over, leaving out buffers that the twin holds as plain constants.

    `nn.CrossEntropyLoss(weight=w)` keeps ``w`` as a buffer; its translation may bind it as an argument. What it
    computes with it is compared anyway. Raises StateDictError for anything else that does not fit.
    """
    constants = set(buffers) - {slot.name for slot in slots(twin, list(state))}
    load_state_dict(twin, {name: tensor for name, tensor in state.items() if name not in constants})


def _is_constant(tensor: torch.Tensor) -> bool:
    """Whether all numbers are the same one."""
    return bool(tensor.isfinite().all()) and bool((tensor == tensor.flatten()[0]).all())


def _uniform(like: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    return torch.rand(like.shape, generator=generator, dtype=torch.float64).to(like.dtype)
