"""Arrays that an optimizer is given by themselves: ``x = torch.zeros(3, requires_grad=True)``, then ``Adam([x])``.

They are Variables in the translation, as a parameter is: the optimizer changes them where they are.
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from torch2jax.infer.frame import Frame
from torch2jax.infer.kinds import Kind, Tensor, without_none
from torch2jax.infer.storage import storage_of
from torch2jax.source.nodes import dotted_name, walk


def made_parameter(frame: Frame, node: cst.Assign, kind: Kind) -> Tensor | None:
    """The Variable that an assignment makes, where its value is a new array that an optimizer is given later."""
    plain = without_none(kind)
    frame.facts.special.pop(node.targets[0], None)
    if "optim" not in frame.fn.file.source or not isinstance(plain, Tensor) or plain.variable:
        return None
    if node not in given_later(frame) or storage_of(frame, node.value):
        return None
    frame.use(node.value, plain, None)
    frame.facts.special[node.targets[0]] = ("made_parameter",)
    return Tensor(plain.rank, plain.dtype, None, variable=True)


def given_later(frame: Frame) -> set[cst.CSTNode]:
    """The assignments of names and attributes that an optimizer is handed as they are: the last of each in front of it.

    With the lists in which they are, where nothing else looks into those.
    """
    cache = frame.program.leaves
    if frame.fn not in cache:
        cache[frame.fn] = set(_found(frame))
    return cache[frame.fn]


def _found(frame: Frame) -> Iterator[cst.CSTNode]:
    parts = list(walk(frame.fn.node))
    assigned: dict[str, cst.Assign] = {}
    lists: dict[str, cst.BaseExpression] = {}
    for part in parts:
        if isinstance(part, cst.Assign) and len(part.targets) == 1:
            name = dotted_name(part.targets[0].target)
            if name is not None and (name.count(".") == 0 or _is_of_plain_object(frame, name)):
                assigned[name] = part
                lists[name] = part.value
        if isinstance(part, cst.Call) and part.args and _is_optimizer(frame, part):
            given = part.args[0].value
            uses = [other for other in parts if isinstance(given, cst.Name) and isinstance(other, cst.Name)]
            if len([other for other in uses if isinstance(given, cst.Name) and other.value == given.value]) <= 2:
                yield from walk(lists.get(given.value, given) if isinstance(given, cst.Name) else given)
            for name in _names(given, lists):
                if name in assigned:
                    yield assigned[name]


def _is_of_plain_object(frame: Frame, name: str) -> bool:
    """Whether it is ``self.x`` of a class that is no module."""
    params = frame.fn.parameters()
    receiver = params.params[0].name.value if frame.fn.is_method and params is not None and params.params else ""
    is_plain = frame.cls is not None and not frame.cls.is_part_of_modules
    return is_plain and name.count(".") == 1 and name.partition(".")[0] == receiver


def _is_optimizer(frame: Frame, node: cst.Call) -> bool:
    binding = frame.program.bindings.get(frame.fn.file.path)
    scope = binding.scope_of.get(frame.fn.node) if binding is not None else None
    name = binding.qualify(scope, node.func) if binding is not None and scope is not None else None
    return name is not None and name.startswith("torch.optim.") and ".lr_scheduler" not in name


def _names(node: cst.BaseExpression, lists: dict[str, cst.BaseExpression]) -> Iterator[str]:
    """The names in ``[x, y]``, in a variable with such a list, and in groups of them."""
    if isinstance(node, cst.Name):
        node = lists.get(node.value, node)
    if not isinstance(node, cst.List | cst.Tuple):
        return
    for element in node.elements:
        value = element.value
        name = dotted_name(value)
        if name is not None:
            yield name
        elif isinstance(value, cst.Dict):
            for item in value.elements:
                key = item.key if isinstance(item, cst.DictElement) else None
                if isinstance(key, cst.SimpleString) and key.evaluated_value == "params":
                    yield from _names(item.value, lists)
