"""``try: from apex... import FusedLayerNorm`` with torch's own layer for where that is not installed."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from torch2jax.infer.definitions import imported
from torch2jax.infer.frame import Frame
from torch2jax.infer.kinds import Api

_CAUGHT = frozenset(("ImportError", "ModuleNotFoundError", "Exception"))


def stand_in(frame: Frame, node: cst.Try) -> cst.ExceptHandler | None:
    """The handler that takes the place of the whole statement: it binds every name of the imports to torch's own.

    The package of the imports works on PyTorch's tensors, as its stand-in shows; no JAX program can use it.
    """
    if len(node.handlers) != 1 or node.orelse is not None or node.finalbody is not None:
        return None
    (handler,) = node.handlers
    if handler.type is not None and not (isinstance(handler.type, cst.Name) and handler.type.value in _CAUGHT):
        return None
    foreign = _foreign(frame, node.body)
    return handler if foreign and foreign <= set(_stand_ins(frame, handler.body)) else None


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
