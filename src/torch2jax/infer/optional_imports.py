"""``try: from apex... import FusedLayerNorm`` with something else for where that is not installed."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from torch2jax.infer.definitions import imported
from torch2jax.infer.frame import Frame
from torch2jax.infer.kinds import Api, Kind

_CAUGHT = frozenset(("ImportError", "ModuleNotFoundError", "Exception"))


def taken(frame: Frame, node: cst.Try) -> cst.BaseSuite | None:
    """The part that takes the place of the whole statement, if imports of other packages are all that it tries.

    It is the body where rules translate what is imported: no JAX program needs the package then. It is the handler
    where that binds every name to torch's own: the package works on PyTorch's tensors, and no JAX program can use it.
    """
    if len(node.handlers) != 1 or node.orelse is not None or node.finalbody is not None:
        return None
    (handler,) = node.handlers
    if handler.type is not None and not (isinstance(handler.type, cst.Name) and handler.type.value in _CAUGHT):
        return None
    if _is_translated(frame, node.body):
        return node.body
    foreign = _foreign(frame, node.body)
    return handler.body if foreign and foreign <= set(_stand_ins(frame, handler.body)) else None


def _is_translated(frame: Frame, body: cst.BaseSuite) -> bool:
    """Whether a block imports names of other packages that rules translate, and may keep in mind that it could."""
    imports = False
    for line in body.body:
        for part in line.body if isinstance(line, cst.SimpleStatementLine) else (line,):
            if isinstance(part, cst.ImportFrom) and not isinstance(part.names, cst.ImportStar):
                if not all(_has_rule(frame, kind) for _, kind in imported(frame, part)):
                    return False
                imports = True
            elif not isinstance(part, cst.Assign) or not isinstance(
                part.value, cst.Name | cst.BaseNumber | cst.SimpleString
            ):
                return False
    return imports


def _has_rule(frame: Frame, kind: Kind) -> bool:
    if not isinstance(kind, Api) or kind.name.startswith("torch."):
        return False
    return any(branch.template is not None for rule in frame.program.book.lookup(kind.name) for branch in rule.branches)


def _foreign(frame: Frame, body: cst.BaseSuite) -> set[str]:
    """The names that a block imports from packages that neither the project nor a rule knows; none if it does more."""
    found: set[str] = set()
    for line in body.body:
        for part in line.body if isinstance(line, cst.SimpleStatementLine) else (line,):
            if not isinstance(part, cst.ImportFrom) or isinstance(part.names, cst.ImportStar):
                return set()
            for name, kind in imported(frame, part):
                if not isinstance(kind, Api) or kind.name.startswith("torch.") or frame.program.book.lookup(kind.name):
                    return set()
                found.add(name)
    return found


def _stand_ins(frame: Frame, body: cst.BaseSuite) -> Iterator[str]:
    """The names that a block binds to something of torch."""
    for line in body.body:
        for part in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            if isinstance(part, cst.Assign) and _is_of_torch(frame, part.value):
                yield from (t.target.value for t in part.targets if isinstance(t.target, cst.Name))
            elif isinstance(part, cst.ImportFrom):
                kinds = imported(frame, part)
                yield from (name for name, kind in kinds if isinstance(kind, Api) and kind.name.startswith("torch."))


def _is_of_torch(frame: Frame, node: cst.BaseExpression) -> bool:
    kind = frame.eval(node) if isinstance(node, cst.Name | cst.Attribute) else None
    return isinstance(kind, Api) and kind.name.startswith("torch.")
