"""How names that data loading gives are used, as far as the text tells: as arrays, once, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import libcst as cst

from torch2jax.infer.kinds import Api, BoundApi, Free, Function, HostObject, Namespace, Unknown
from torch2jax.source.nodes import children, walk

if TYPE_CHECKING:
    from torch2jax.infer.frame import Frame

# Methods and attributes of tensors that strings, lists and dictionaries have as well.
_OF_OTHERS = frozenset("index split count replace clear copy insert remove sort reverse pop format data".split())
# What takes anything: an argument of one of these need not be an array.
_TAKES_ANYTHING = frozenset(
    "builtins os json pickle logging logger plt matplotlib PIL Image cv2 wandb random re shutil pathlib Path".split()
)


def is_used_as_array(frame: Frame, node: cst.CSTNode) -> bool:
    """Whether what is done with the value of an expression, which may be anything, fits an array."""
    return _fits_array(frame, node, frame.parents.get(node), 0)


def _fits_array(frame: Frame, node: cst.CSTNode, parent: cst.CSTNode | None, depth: int) -> bool:
    parents = frame.parents
    while isinstance(parent, cst.Arg | cst.Index | cst.SubscriptElement | cst.Element | cst.ComparisonTarget):
        node, parent = parent, parents.get(parent)
    match parent:
        case cst.Attribute():
            attr = parent.attr.value
            return attr not in _OF_OTHERS and bool(frame.program.book.lookup(f"torch.Tensor.{attr}"))
        case cst.Call():
            return node is not parent.func and _takes_arrays(frame, parent)
        case cst.BinaryOperation() | cst.Comparison() | cst.UnaryOperation():
            return not isinstance(getattr(parent, "operator", None), cst.Modulo)
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))]):
            return depth < 4 and name_fits_array(frame, name, depth + 1)
    return False


def _takes_arrays(frame: Frame, call: cst.Call) -> bool:
    """Whether a callee is one that may want an array: not Python's own or that of a package for other things."""
    kind = frame.facts.kinds.get(call.func)
    if isinstance(kind, Api):
        return kind.name.partition(".")[0] not in _TAKES_ANYTHING
    if isinstance(kind, BoundApi):
        return not isinstance(kind.receiver, HostObject | Free | Unknown)
    if kind is not None and not isinstance(kind, Free | Unknown):
        return True
    root: cst.CSTNode = call.func
    while isinstance(root, cst.Attribute):
        root = root.value
    held = frame.lookup(root.value) if isinstance(root, cst.Name) else None
    if held is None:
        return not isinstance(root, cst.Name)
    return not (isinstance(held, Api | Namespace) and held.name.partition(".")[0] in _TAKES_ANYTHING)


def name_fits_array(frame: Frame, name: str, depth: int = 0, target: cst.CSTNode | None = None) -> bool:
    """Whether some use of a name fits an array: in this function, or of the target of a loop in that loop."""
    return any(_fits_array(frame, use, frame.parents.get(use), depth) for use in reads_after(frame, name, target))


def reads_after(frame: Frame, name: str, target: cst.CSTNode | None) -> Iterator[cst.Name]:
    """Where a name is read: in this function, or if a loop binds it there, in that loop."""
    loop = target
    while loop is not None and not isinstance(loop, cst.BaseCompoundStatement | cst.SimpleStatementLine):
        loop = frame.parents.get(loop)
    return reads_of(loop.body if isinstance(loop, cst.For) else frame.fn.node, name)


def reads_of(node: cst.CSTNode, name: str) -> Iterator[cst.Name]:
    """Where a name is read, below ``node``: its mentions but for those that bind it."""
    stack: list[cst.CSTNode] = [node]
    while stack:
        part = stack.pop()
        if isinstance(part, cst.Name) and part.value == name:
            yield part
        bound = part.target if isinstance(part, cst.AssignTarget | cst.For | cst.CompFor) else None
        stack += [inner for inner in children(part) if inner is not bound or isinstance(bound, cst.Subscript)]


def takes_apart(frame: Frame, read: cst.CSTNode, plain: bool) -> bool:
    """Whether a container is indexed by a literal, unpacked, or gone through, where its name is read.

    ``plain``: all in it are arrays, so that it may be gone through by any means.
    """
    parents = frame.parents
    parent = parents.get(read)
    match parent:
        case cst.Subscript(slice=[cst.SubscriptElement(slice=cst.Index(value=index))]):
            return parent.value is read and isinstance(index, cst.Integer | cst.SimpleString | cst.UnaryOperation)
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Tuple() | cst.List())]):
            return True
        case cst.Yield() | cst.Return():
            return True
        case cst.For() | cst.CompFor():
            return plain
        case cst.Arg():
            call = parents.get(parent)
            if not isinstance(call, cst.Call) or parent.star:
                return False
            if isinstance(call.func, cst.Name) and call.func.value in ("len", "print", "type"):
                return True
            return plain and isinstance(frame.facts.kinds.get(call.func, frame.lookup(_spelled(call.func))), Function)
        case cst.Attribute() if isinstance(parents.get(parent), cst.Call):
            return plain and parent.attr.value in ("items", "values", "keys")
        case cst.Attribute():
            return True
    return False


def _spelled(node: cst.CSTNode) -> str:
    return node.value if isinstance(node, cst.Name) else ""


def parents_of(root: cst.CSTNode) -> dict[cst.CSTNode, cst.CSTNode]:
    """The parent of every node below."""
    return {child: node for node in walk(root) for child in children(node)}


def is_converted_next(frame: Frame, target: cst.Name) -> bool:
    """Whether the next statement that mentions a name gives it a new value in which it is read once.

    ``x = x.to(device)``: the array can be made right there.
    """
    for statement in _following(frame, target):
        reads = list(reads_of(statement, target.value))
        if not reads and not _assigns(statement, target.value):
            continue
        return len(reads) == 1 and _assigns(statement, target.value)
    return False


def _assigns(statement: cst.CSTNode, name: str) -> bool:
    """Whether a line is one plain assignment, and to this name."""
    if not isinstance(statement, cst.SimpleStatementLine) or len(statement.body) != 1:
        return False
    assign = statement.body[0]
    if not isinstance(assign, cst.Assign) or len(assign.targets) != 1:
        return False
    whole = assign.targets[0].target
    parts = [element.value for element in whole.elements] if isinstance(whole, cst.Tuple | cst.List) else [whole]
    return any(isinstance(part, cst.Name) and part.value == name for part in parts)


def _following(frame: Frame, target: cst.CSTNode) -> list[cst.CSTNode]:
    """The statements that run right after a target is bound: a loop's body, or what follows in the block."""
    node: cst.CSTNode | None = target
    while node is not None and not isinstance(node, cst.BaseCompoundStatement | cst.SimpleStatementLine):
        node = frame.parents.get(node)
    if isinstance(node, cst.For):
        return list(node.body.body) if isinstance(node.body, cst.IndentedBlock) else []
    block = frame.parents.get(node) if node is not None else None
    if node is None or not isinstance(block, cst.IndentedBlock | cst.Module):
        return []
    statements = list(block.body)
    return list(statements[statements.index(node) + 1 :])
