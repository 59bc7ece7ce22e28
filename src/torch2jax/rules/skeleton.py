"""The beginning of a rule: its header from the signature that the installed package has, to be completed by hand."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterable
from typing import Any, Final

from torch2jax.rules.model import Rule

UNWRITTEN: Final = "this rule is not written yet"
_ANNOTATIONS: Final = {
    "input": "Tensor", "self": "Tensor", "other": "Tensor", "tensor": "Tensor", "target": "Tensor", "weight": "Tensor",
    "tensors": "Tensors", "dim": "Axis", "dims": "Axis", "size": "Shape", "shape": "Shape", "dtype": "Dtype",
    "device": "Device", "out": "Out", "layout": "Ignored", "pin_memory": "Ignored", "requires_grad": "Ignored",
    "memory_format": "Ignored", "non_blocking": "Ignored", "params": "Parameters",
}  # fmt: skip
_FUNCTION: Final = '''"""{name}."""

from torch2jax.rulebook import *


@rule("{name}")
def {function}({parameters}){result}:
    """What it computes, in a line.

    Examples are lines with >>> (docs/rules.md): each branch needs one, and their sizes are all different, as in
    {example}
    """
    raise Unsupported("{unwritten}", "return its translation here")
'''


class SignatureError(ValueError):
    """There is no such name, or nothing to read its parameters from; the message says which."""


def is_skeleton(rule: Rule) -> bool:
    """Whether a rule is one that `skeleton` wrote and nobody completed."""
    return any(branch.refusal is not None and branch.refusal.reason == UNWRITTEN for branch in rule.branches)


def skeleton(name: str) -> str:
    """A rule file for a torch name. Imports its package. Raises SignatureError."""
    target = _find(name)
    is_method = name.startswith("torch.Tensor.")
    is_layer = isinstance(target, type) and _is_module(target)
    parameters = _parameters(target, name)
    if is_method:
        parameters = ["self: Tensor", *parameters]
    function = name.rpartition(".")[2]
    call = name.replace("torch.nn.functional.", "F.").replace("torch.nn.", "nn.")
    example = f"{call}(3)(f32(2, 3))" if is_layer else f"f32(2, 3).{function}()" if is_method else f"{call}(f32(2, 3))"
    return _FUNCTION.format(
        name=name,
        function=function if function.isidentifier() else "rule_of_it",
        parameters=", ".join(parameters),
        result=" -> Module" if is_layer else " -> Tensor",
        example=example,
        unwritten=UNWRITTEN,
    )


def _find(name: str) -> Any:
    package, *rest = name.split(".")
    try:
        target: Any = importlib.import_module(package)
    except ImportError:
        raise SignatureError(f"{name}: {package} is not installed.") from None
    path = package
    for part in rest:
        path = f"{path}.{part}"
        try:
            target = getattr(target, part) if hasattr(target, part) else importlib.import_module(path)
        except (ImportError, AttributeError):
            raise SignatureError(f"there is no {name}: {path.rpartition('.')[0]} has no {part}.") from None
    return target


def _is_module(target: type) -> bool:
    return any(base.__module__ == "torch.nn.modules.module" and base.__name__ == "Module" for base in target.__mro__)


def _parameters(target: Any, name: str) -> list[str]:
    """The parameters as a rule writes them."""
    try:
        signature = inspect.signature(target)
    except (TypeError, ValueError):
        return _parameters_of_text(target, name)
    written: list[str] = []
    starred = False
    for param in signature.parameters.values():
        if param.name == "self":
            continue
        if param.kind is param.KEYWORD_ONLY and not starred:
            written.append("*")
        starred = starred or param.kind in (param.KEYWORD_ONLY, param.VAR_POSITIONAL)
        star = "*" if param.kind is param.VAR_POSITIONAL else "**" if param.kind is param.VAR_KEYWORD else ""
        default = None if param.default is param.empty else _literal(param.default)
        written.append(_parameter(star + param.name, default))
    return written


def _parameters_of_text(target: Any, name: str) -> list[str]:
    """The parameters of a function in C++, from the first line of its documentation."""
    line = next((line.strip() for line in (inspect.getdoc(target) or "").splitlines() if line.strip()), "")
    found = re.match(r"(?:\w+\.)*\w+\((.*)\)\s*(->.*)?$", line)
    if found is None:
        raise SignatureError(f"{name} says nothing of its parameters; write the rule by hand (docs/rules.md).")
    text = re.sub(r"=\s*torch\.\w+", "=None", found[1])
    try:
        arguments = ast.parse(f"def f({text}): pass").body[0]
    except SyntaxError:
        raise SignatureError(f"{name} says of its parameters only: {line}; write the rule by hand.") from None
    assert isinstance(arguments, ast.FunctionDef)
    return list(_of_arguments(arguments.args))


def _of_arguments(arguments: ast.arguments) -> Iterable[str]:
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + [ast.unparse(d) for d in arguments.defaults]
    for argument, default in zip(positional, defaults, strict=True):
        yield _parameter(argument.arg, default)
    if arguments.vararg:
        yield _parameter(f"*{arguments.vararg.arg}", None)
    elif arguments.kwonlyargs:
        yield "*"
    for argument, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield _parameter(argument.arg, None if value is None else ast.unparse(value))
    if arguments.kwarg:
        yield _parameter(f"**{arguments.kwarg.arg}", None)


def _parameter(name: str, default: str | None) -> str:
    annotation = _ANNOTATIONS.get(name.lstrip("*"), "")
    typed = f"{name}: {annotation}" if annotation else name
    return typed if default is None else f"{typed} = {default}" if annotation else f"{typed}={default}"


def _literal(value: object) -> str:
    """A default as a literal; None where it is none, which `check` then reports."""
    return repr(value) if isinstance(value, bool | int | float | str | tuple | None) else "None"
