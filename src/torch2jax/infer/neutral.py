"""Functions that are the same for PyTorch and for JAX: `exists(x)`, `default(x, d)`, `cycle(loader)`.

Data loading and translated code may both call these, each with what it has.
"""

from __future__ import annotations

import libcst as cst

from torch2jax.infer.kinds import Api, ClassRef, Function, Kind, Namespace
from torch2jax.infer.program import ClassInfo, FunctionInfo, Program
from torch2jax.source.nodes import walk

_OF_TORCH = frozenset(("torch", "torchvision", "torchaudio", "timm", "einops"))


def is_neutral(program: Program, info: FunctionInfo) -> bool:
    """Whether nothing in a function is torch's, or a method that tensors have: its translation is its source."""
    known = program.neutral.get(info.node)
    if known is None:
        program.neutral[info.node] = True  # a call of itself says nothing
        known = program.neutral[info.node] = _is_neutral(program, info)
    return known


def is_neutral_class(program: Program, cls: ClassInfo) -> bool:
    """Whether all methods of a class are."""
    return not cls.is_module and all(is_neutral(program, method) for method in cls.methods.values())


def _is_neutral(program: Program, info: FunctionInfo) -> bool:
    book = program.book
    for node in walk(info.node.body if isinstance(info.node, cst.FunctionDef) else info.node):
        match node:
            case cst.Name(value=name):
                if not _is_neutral_name(program, _known(info, name)):
                    return False
            case cst.Attribute(value=value, attr=attr):
                space = _known(info, value.value) if isinstance(value, cst.Name) else None
                if not isinstance(space, Namespace) and book.lookup(f"torch.Tensor.{attr.value}"):
                    return False
            case cst.AssignTarget(target=cst.Subscript()) | cst.AugAssign(target=cst.Subscript()):
                return False
            case cst.Import() | cst.ImportFrom():
                return False
    return True


def _known(info: FunctionInfo, name: str) -> Kind | None:
    for file in (info.file, *info.file.star_files):
        if name in file.names:
            return file.names[name].kind
    return None


def _is_neutral_name(program: Program, kind: Kind | None) -> bool:
    match kind:
        case Namespace(name=name) | Api(name=name):
            return name.partition(".")[0] not in _OF_TORCH
        case Function(info=info):
            return is_neutral(program, info)
        case ClassRef(cls=cls):
            return not cls.is_module
    return True
