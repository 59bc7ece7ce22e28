"""The dtypes of arrays in code that loads data, as far as the text tells beyond what the interpreter knows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import libcst as cst

from torch2jax.infer.kinds import Number, Numpy, Tensor, without_none
from torch2jax.infer.program import FunctionInfo
from torch2jax.rewrite.rewriter import Rewriter
from torch2jax.source.nodes import dotted_name, walk

_FLOATS = frozenset("float double half mean std var sqrt exp log sin cos tanh log1p rand randn linspace".split()) | {
    "rand_like",
    "randn_like",
    "float16",
    "float32",
    "float64",
    "FloatTensor",
    "DoubleTensor",
}
_INTEGERS = frozenset("long int short byte randint randperm one_hot argmax argmin int8 int16 int32 int64 uint8".split())
_FLOATS_BY_DEFAULT = frozenset("zeros ones empty eye".split())
_FROM_FIRST = frozenset(
    "view reshape permute transpose swapaxes t unsqueeze squeeze flatten ravel repeat clone detach cpu contiguous "
    "numpy abs clamp clip round square max min flip roll sum cumsum item cuda zeros_like ones_like full_like".split()
)
_FROM_LIST = frozenset("stack cat concat concatenate".split())
_DEPTH = 8


def dtype_of(rewriter: Rewriter, node: cst.CSTNode, depth: int = 0) -> str | None:
    """Whether an array or number is of "float", "int" or "bool"; None where that is not known."""
    kind = without_none(rewriter.kind(node) or Numpy())
    if isinstance(kind, Number):
        return kind.type
    if isinstance(kind, Tensor) and kind.dtype is not None:
        return kind.dtype
    if depth > _DEPTH:
        return None
    match node:
        case cst.Call():
            return _of_call(rewriter, node, depth + 1)
        case cst.Subscript(value=value) | cst.UnaryOperation(expression=value) | cst.Attribute(value=value) if (
            not isinstance(node, cst.Attribute) or node.attr.value in ("T", "data")
        ):
            return dtype_of(rewriter, value, depth + 1)
        case cst.BinaryOperation():
            return _of_both(rewriter, node, depth + 1)
        case cst.IfExp():
            return _one(dtype_of(rewriter, part, depth + 1) for part in (node.body, node.orelse))
        case cst.Comparison():
            return "bool"
        case cst.List(elements=elements) | cst.Tuple(elements=elements):
            found = {dtype_of(rewriter, element.value, depth + 1) for element in elements}
            return "float" if "float" in found else _one(found)
        case cst.ListComp(elt=each):
            return dtype_of(rewriter, each, depth + 1)
        case cst.Name(value=name):
            return _of_name(rewriter, name, depth + 1)
        case cst.Attribute(value=cst.Name(value="self"), attr=cst.Name(value=name)):
            return _of_own(rewriter, name, depth + 1)
    return None


def _one(found: Iterable[str | None]) -> str | None:
    """What all are; None where they differ, or there are none."""
    different = set(found)
    return different.pop() if len(different) == 1 else None


def _of_call(rewriter: Rewriter, node: cst.Call, depth: int) -> str | None:
    name = (dotted_name(node.func) or "").rpartition(".")[2]
    if isinstance(node.func, cst.Attribute):
        name = node.func.attr.value
    written = [arg.value for arg in node.args if arg.keyword is not None and arg.keyword.value == "dtype"]
    if written:
        return _named(written[0])
    if name in ("to", "type"):
        named = [found for arg in node.args if (found := _named(arg.value)) is not None]
        return named[0] if named else _of_receiver(rewriter, node, depth)
    if name in _FLOATS or name in _FLOATS_BY_DEFAULT:
        return "float"
    if name in _INTEGERS or name in ("LongTensor", "IntTensor", "ByteTensor"):
        return "int"
    if name in _FROM_FIRST:
        found = _of_receiver(rewriter, node, depth)
        return "int" if name in ("sum", "cumsum") and found == "bool" else found
    if name in _FROM_LIST and node.args and isinstance(node.args[0].value, cst.List | cst.Tuple):
        return _one(dtype_of(rewriter, element.value, depth) for element in node.args[0].value.elements)
    if name == "arange":
        kinds = {dtype_of(rewriter, arg.value, depth) for arg in node.args}
        return "float" if "float" in kinds else "int" if kinds == {"int"} else None
    if name in ("from_numpy", "as_tensor", "tensor") and node.args:
        return dtype_of(rewriter, node.args[0].value, depth)
    return None


def _of_receiver(rewriter: Rewriter, node: cst.Call, depth: int) -> str | None:
    """The dtype of what a method belongs to, or of the first argument of a function of torch."""
    if not isinstance(node.func, cst.Attribute):
        return None
    if isinstance(without_none(rewriter.kind(node.func.value) or Numpy()), Tensor):
        return dtype_of(rewriter, node.func.value, depth)
    return dtype_of(rewriter, node.args[0].value, depth) if node.args else dtype_of(rewriter, node.func.value, depth)


def _named(node: cst.CSTNode) -> str | None:
    """The dtype that an expression such as ``torch.long`` names."""
    name = (dotted_name(node) or "").rpartition(".")[2]
    return "float" if name in _FLOATS else "int" if name in _INTEGERS else "bool" if name == "bool" else None


def _of_both(rewriter: Rewriter, node: cst.BinaryOperation, depth: int) -> str | None:
    found = {dtype_of(rewriter, node.left, depth), dtype_of(rewriter, node.right, depth)}
    if "float" in found or isinstance(node.operator, cst.Divide):
        return "float"  # of whatever the other is, torch makes floats, and so does what is written here
    return "int" if found <= {"int", "bool"} and "int" in found else None


def _of_name(rewriter: Rewriter, name: str, depth: int) -> str | None:
    """The dtype of a name, by what its function assigns to it, or else the file."""
    outer = rewriter.function
    found = _one(dtype_of(rewriter, value, depth) for value in _values_of(outer, name))
    main = rewriter.file.main
    if found is None and main is not None and name not in outer.params and name not in outer.closure:
        rewriter.function = main
        found = _one(dtype_of(rewriter, value, depth) for value in _values_of(main, name))
        rewriter.function = outer
    return found


def _values_of(fn: FunctionInfo, name: str) -> list[Any]:
    """The values that a function assigns to a name, if it does so in plain assignments only."""
    if name in fn.params:
        return []
    found: list[Any] = []
    plain: set[Any] = set()
    lines: list[Any] = [fn.node]
    if isinstance(fn.node, cst.Module):
        lines = [line for line in fn.node.body if isinstance(line, cst.SimpleStatementLine)]
    for part in [part for line in lines for part in walk(line)]:
        match part:
            case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=target)) as single], value=value) if (
                target == name
            ):
                found.append(value)
                plain.add(single)
            case cst.AssignTarget(target=target) | cst.For(target=target) | cst.AugAssign(target=target):
                mentioned = any(isinstance(each, cst.Name) and each.value == name for each in walk(target))
                if mentioned and part not in plain:
                    return []
    return found


def _of_own(rewriter: Rewriter, name: str, depth: int) -> str | None:
    """The dtype of an attribute, by what the methods of the class and of its bases assign to it."""
    owner, place = rewriter.owner, f"self.{name}"
    found: list[str | None] = []
    outer = rewriter.function
    for method in [m for cls in (owner.mro() if owner is not None else ()) for m in cls.methods.values()]:
        rewriter.function = method
        for part in walk(method.node):
            match part:
                case cst.Assign(targets=[cst.AssignTarget(target=target)], value=value) if dotted_name(target) == place:
                    found.append("itself" if _mentions(value, place) else dtype_of(rewriter, value, depth))
    rewriter.function = outer
    known = _one(each for each in found if each != "itself")
    return known if known == "float" or "itself" not in found else None


def _mentions(value: cst.CSTNode, place: str) -> bool:
    """Whether a value is computed from an attribute, in floats if that holds floats."""
    name = (dotted_name(value.func) or "").rpartition(".")[2] if isinstance(value, cst.Call) else ""
    return name not in _INTEGERS and any(dotted_name(part) == place for part in walk(value))
