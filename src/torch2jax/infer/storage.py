"""Where the memory of values may lie: the storages that expressions, names and calls hand on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import libcst as cst

from torch2jax.infer.facts import ModuleCall, RuleCall, UserCall
from torch2jax.infer.kinds import (
    AnyModule,
    Api,
    ClassRef,
    Container,
    Device,
    Dtype,
    Free,
    Iterator_,
    Kind,
    Layer,
    Mapping,
    Namespace,
    NoneKind,
    Number,
    Numpy,
    Sequence,
    Shape,
    Str,
    Tensor,
    Tuple,
    Union,
    Unknown,
    options,
    without_none,
)
from torch2jax.infer.views import attribute_key
from torch2jax.source.nodes import dotted_name

if TYPE_CHECKING:
    from torch2jax.infer.frame import Frame

Storage = frozenset[Any]
NOWHERE: Storage = frozenset()
# Operations that return their argument itself where there is nothing to do.
MAY_BE_THE_SAME = frozenset(
    "contiguous to type type_as float double half bfloat16 int long bool cpu cuda as_tensor asarray from_numpy numpy "
    "reshape flatten ravel requires_grad_ detach".split()
)
# What has no memory that could change in place.
_VALUES = (Number, Str, Shape, Dtype, Device, NoneKind, Namespace, Api, ClassRef, Layer, AnyModule)
_WRAPPERS = frozenset("enumerate zip reversed list tuple iter next sorted filter map set dict min max".split())


# Functions without a rule that give memory of their own.
_GIVES_NEW = frozenset(("einops.pack", "einops.reduce", "einops.einsum", "copy.deepcopy"))


def shares(one: Storage, other: Storage) -> bool:
    """Whether two values may have memory in common: parts of a whole share it with the whole, not with each other."""
    if not one or not other:
        return False
    return not one.isdisjoint(other) or _is_part(one, other) or _is_part(other, one)


def _is_part(parts: Storage, wholes: Storage) -> bool:
    """Whether something is a part of what another storage holds whole."""
    for token in parts:
        while token.__class__ is tuple and token[:1] == ("part",):
            token = token[1]
            if token in wholes:
                return True
    return False


def order_of_token(token: Any) -> tuple[int, str, str]:
    """A sort key for what storages hold: places with a name first; what is said of the others does not name them."""
    if not isinstance(token, tuple) or not isinstance(token[0], str):
        return 1, "", ""
    return 0, token[0], token[1] if isinstance(token[1], str) else ""


def part_of(storage: Storage, node: Any, index: int) -> Storage:
    """Where one of several pieces lies that have no memory in common."""
    return frozenset(("part", token, node, index) for token in storage)


def storage_of(frame: Frame, node: cst.CSTNode | None) -> Storage:
    """Where what an expression gives may lie; empty for something fresh."""
    if node is None or is_value(frame.facts.kinds.get(node)):
        return NOWHERE
    found = _STORAGE.get(type(node))
    return found(frame, node) if found is not None else frame.comprehended.get(node, NOWHERE)


def is_value(kind: Kind | None) -> bool:
    """Whether a kind has no memory that could change in place."""
    return kind is not None and all(isinstance(option, _VALUES) for option in options(kind))


def _of_elements(frame: Frame, node: Any) -> Storage:
    return NOWHERE.union(*(storage_of(frame, element.value) for element in node.elements))


def _of_name(frame: Frame, name: str) -> Storage:
    """Where lies what a name holds."""
    value = frame.env.get(name)
    if value is not None:
        return value.storage
    return frozenset((("outer", name),)) if frame.is_outer(name) else NOWHERE


def _of_attribute(frame: Frame, node: cst.Attribute) -> Storage:
    fact = frame.facts.calls.get(node)
    if isinstance(fact, RuleCall):
        return storage_of(frame, node.value) if fact.rule.result == "Tensor" else NOWHERE
    if isinstance(fact, UserCall):
        return _of_project_call(frame, node, fact)
    note = frame.facts.special.get(node)
    if note is not None and note[0] in ("data", "write_data", "field"):
        return storage_of(frame, node.value)
    if note is not None and note[0] in ("gradient", "write_gradient"):
        return frozenset(("gradient", token, "") for token in storage_of(frame, node.value))
    name = dotted_name(node)
    if name is None:
        return storage_of(frame, node.value)
    held = frame.env.get(attribute_key(name))
    token = ("attribute", name)
    return frozenset((token,)) | (held.storage if held is not None else NOWHERE)


def _of_subscript(frame: Frame, node: cst.Subscript) -> Storage:
    base = without_none(frame.facts.kinds.get(node.value, Tensor()))
    if isinstance(base, Tensor) and any(_copies(frame, element.slice) for element in node.slice):
        return NOWHERE
    if isinstance(base, Container):
        return NOWHERE
    if isinstance(base, Tuple) and isinstance(node.value, cst.Tuple | cst.List):
        return storage_of(frame, node.value)
    return storage_of(frame, node.value)


def _copies(frame: Frame, index: cst.BaseSlice) -> bool:
    """Whether an index is an array or a list, by which torch copies what it picks."""
    if not isinstance(index, cst.Index):
        return False
    if isinstance(index.value, cst.Tuple):
        return any(_copies(frame, cst.Index(element.value)) for element in index.value.elements)
    kind = without_none(frame.facts.kinds.get(index.value, Number("int")))
    if isinstance(kind, Tensor):
        return kind.rank != 0 or kind.dtype == "bool"
    return isinstance(index.value, cst.List) or isinstance(kind, Sequence)


def _of_operation(frame: Frame, node: cst.BinaryOperation) -> Storage:
    """``[x] + items`` and ``items * 2`` hold what their operands hold."""
    kind = without_none(frame.facts.kinds.get(node, Tensor()))
    if isinstance(kind, Sequence | Tuple):
        return storage_of(frame, node.left) | storage_of(frame, node.right)
    return NOWHERE


def _of_call(frame: Frame, node: cst.Call) -> Storage:
    fact = frame.facts.calls.get(node)
    if isinstance(fact, UserCall):
        if isinstance(frame.facts.kinds.get(node), Numpy) and not all(
            _is_of_known_memory(frame, argument.value) for argument in node.args
        ):
            return NOWHERE
        return _of_project_call(frame, node, fact)
    if isinstance(fact, ModuleCall):
        return _of_module_call(frame, node, fact)
    if not isinstance(fact, RuleCall):
        return _of_other_call(frame, node)
    if fact.target is not None:
        return storage_of(frame, fact.target)
    names = {name.rpartition(".")[2] for name in fact.rule.names}
    if fact.rule.fresh and not names & MAY_BE_THE_SAME:
        return NOWHERE
    if fact.rule.result == "NDArray" and not _is_of_known_memory(frame, fact.receiver):
        return NOWHERE
    if fact.rule.result == "Module":
        return NOWHERE.union(*(storage_of(frame, arg.value) for arg in node.args))
    if fact.receiver is not None:
        return storage_of(frame, fact.receiver)
    first = next((bound.arg for bound in fact.bound.args.values() if bound.arg is not None), None)
    return storage_of(frame, first.node) if first is not None else NOWHERE


def _is_of_known_memory(frame: Frame, node: cst.CSTNode | None) -> bool:
    """Whether an array comes from a place or an operation, and not from a function that may have made it."""
    while isinstance(node, cst.Call | cst.Attribute | cst.Subscript):
        if isinstance(node, cst.Call) and not isinstance(frame.facts.calls.get(node), RuleCall):
            return False
        node = node.func if isinstance(node, cst.Call) else node.value
    return True


def _of_module_call(frame: Frame, node: cst.Call, fact: ModuleCall) -> Storage:
    """Layers that may give their argument itself: Identity, Dropout in evaluation."""
    found = _of_project_call(frame, node, fact)
    if any(_gives_argument(option) for option in options(frame.facts.kinds.get(node.func, Unknown()))):
        found = found.union(*(storage_of(frame, arg.value) for arg in node.args))
    return found


def _gives_argument(kind: Kind) -> bool:
    if isinstance(kind, Layer):
        return not kind.rule.fresh
    if isinstance(kind, Container) and kind.type == "Sequential" and kind.items is not None:
        return all(any(_gives_argument(option) for option in options(item)) for item in kind.items)
    return False


def _of_project_call(frame: Frame, node: cst.CSTNode, fact: UserCall | ModuleCall) -> Storage:
    """What a function of the project gives may be what it was given."""
    found = NOWHERE
    for fn in fact.targets:
        passed = frame.passed.get((node, fn), {})
        for place in fn.gives:
            found |= passed_storage(frame, place, passed)
    return found


def passed_storage(frame: Frame, place: str, passed: dict[str, cst.CSTNode]) -> Storage:
    """Where the argument of a parameter lies, or ``self.x`` of the object a method was called on."""
    root, _, rest = place.partition(".")
    if root == "" and "." not in rest:
        return frozenset((("outer", rest),)) | _of_name(frame, rest)
    if root and not rest:
        return storage_of(frame, passed[root]) if root in passed else NOWHERE
    name = passed_attribute(place, passed)
    if name is None:
        return NOWHERE
    held = frame.env.get(attribute_key(name))
    return frozenset((("attribute", name),)) | (held.storage if held is not None else NOWHERE)


def passed_attribute(place: str, passed: dict[str, cst.CSTNode]) -> str | None:
    """``self.x`` of a function that is called, as its caller spells it."""
    root, _, rest = place.partition(".")
    if root == "":
        return rest if "." in rest else None
    holder = dotted_name(passed.get(root))
    return f"{holder}.{rest}" if holder is not None and rest else None


_VARIABLES_OF = (("module_method", "parameters"), ("module_method", "named_parameters"))
"""What gives the Variables of a module themselves: a write to one reaches all that hold it."""


def _of_other_call(frame: Frame, node: cst.Call) -> Storage:
    """Python's functions and methods of containers hand on what is in them; so may functions nobody knows."""
    callee = frame.facts.kinds.get(node.func)
    if frame.facts.special.get(node) in _VARIABLES_OF:
        return NOWHERE
    inner = NOWHERE.union(*(storage_of(frame, arg.value) for arg in node.args))
    if isinstance(node.func, cst.Attribute):
        base = without_none(frame.facts.kinds.get(node.func.value, Unknown()))
        if isinstance(base, Mapping | Sequence | Iterator_ | Tuple | Free | Union):
            return inner | storage_of(frame, node.func.value)
    if isinstance(callee, Api) and callee.name.startswith("builtins."):
        return inner if callee.name[9:] in _WRAPPERS else NOWHERE
    if isinstance(callee, Api) and callee.name in _GIVES_NEW:
        return NOWHERE
    if callee is not None and all(isinstance(o, ClassRef) for o in options(callee)):
        return inner
    kind = frame.facts.kinds.get(node)
    holds = kind is None or any(
        isinstance(o, Tensor | Sequence | Mapping | Tuple | Free | Unknown) for o in options(kind)
    )
    return inner if holds else NOWHERE


# What an expression hands on, by its type; a table, since tests for types of libcst are slow and this one runs often.
_STORAGE: dict[type, Callable[[Frame, Any], Storage]] = {
    cst.Name: lambda frame, node: _of_name(frame, node.value),
    cst.Attribute: _of_attribute,
    cst.Subscript: _of_subscript,
    cst.IfExp: lambda frame, node: storage_of(frame, node.body) | storage_of(frame, node.orelse),
    cst.BooleanOperation: lambda frame, node: storage_of(frame, node.left) | storage_of(frame, node.right),
    cst.BinaryOperation: _of_operation,
    cst.NamedExpr: lambda frame, node: storage_of(frame, node.value),
    cst.StarredElement: lambda frame, node: storage_of(frame, node.value),
    cst.Call: _of_call,
    cst.List: _of_elements,
    cst.Tuple: _of_elements,
    cst.Set: _of_elements,
    cst.Dict: _of_elements,
}
