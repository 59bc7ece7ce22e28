"""States of modules and optimizers, and the files that they are saved in."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import libcst as cst

from torch2jax.infer.apis import TORCH, special, use_everything
from torch2jax.infer.arguments import Arguments
from torch2jax.infer.contents import heap_read
from torch2jax.infer.frame import Frame
from torch2jax.infer.kinds import (
    BOOL,
    FREE,
    NONE,
    UNKNOWN,
    Api,
    Free,
    Kind,
    Mapping,
    Optimizer,
    State,
    Tensor,
    is_module,
    options,
    without_none,
)
from torch2jax.infer.layout import MIXED
from torch2jax.source.nodes import walk

_NAMES = "Flax has other names and axis orders: `torch2jax.to_state_dict(module)` gives PyTorch's"


@special(TORCH, "torch.save")
def save(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """``torch.save(state, path)``: a checkpoint. Objects themselves are no states."""
    use_everything(frame, arguments)
    if len(node.args) != 2 or any(arg.keyword is not None or arg.star for arg in node.args):
        frame.report("T2J108", node, "torch.save with these arguments has no translation yet")
        return NONE
    kind = frame.facts.kinds.get(node.args[0].value, UNKNOWN)
    if any(is_module(option) or isinstance(option, Optimizer) for option in options(without_none(kind))):
        frame.report("T2J108", node, "torch.save of a whole object has no translation", "save its `state_dict()`")
        return NONE
    frame.facts.special[node] = ("save_checkpoint",)
    return NONE


_OF_FILES = {
    "os.path.isfile": "is_checkpoint",
    "os.remove": "remove_checkpoint",
    "os.unlink": "remove_checkpoint",
    "os.rename": "move_checkpoint",
    "os.replace": "move_checkpoint",
    "shutil.move": "move_checkpoint",
    "shutil.copy": "copy_checkpoint",
    "shutil.copy2": "copy_checkpoint",
    "shutil.copyfile": "copy_checkpoint",
}


@special(TORCH, *_OF_FILES)
def file_call(frame: Frame, node: cst.Call, arguments: Any) -> Kind | None:
    """``shutil.copyfile(path, best)`` in a program with checkpoints: these are folders in the translation."""
    if not any("torch.save(" in file.source or "torch.load(" in file.source for file in frame.program.files.values()):
        return None
    kind = frame.facts.kinds.get(node.func)
    if not isinstance(kind, Api) or any(arg.keyword is not None or arg.star for arg in node.args):
        return None
    use_everything(frame, arguments)
    frame.facts.special[node] = ("checkpoint_file", _OF_FILES[kind.name])
    return BOOL if kind.name == "os.path.isfile" else FREE


@special(TORCH, "torch.load")
def load(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """``torch.load(path)``: what `torch.save` of the translation has written."""
    use_everything(frame, arguments)
    if not node.args or node.args[0].keyword is not None or node.args[0].star:
        frame.report("T2J108", node, "torch.load with these arguments has no translation yet")
        return UNKNOWN
    frame.facts.special[node] = ("load_checkpoint",)
    message = "torch.load reads checkpoints that the translation has written; files of PyTorch have to be converted"
    frame.report("T2J205", node, message, "`torch2jax weights` converts them")
    return State(loaded=True)


def state_attribute(frame: Frame, node: cst.Attribute, kind: State, name: str) -> Kind:
    """What is inside a state has other names than in PyTorch."""
    if not kind.loaded:
        frame.report("T2J108", node, f"`.{name}` of a state dict has no translation", _NAMES)
    return UNKNOWN


def _are_entries(kind: Kind) -> bool:
    """Whether arrays were entries of a state, in the axis order of the layer that each comes from."""
    return all(isinstance(option, Tensor) and option.layout == MIXED for option in options(without_none(kind)))


def entries_of(frame: Frame, node: cst.Call, entry: Kind) -> Kind | None:
    """A dictionary of Variables, where the program looks at nothing but the entries of ``model.state_dict()``."""
    tied = any(cls.tied for cls in frame.program.classes.values())
    if tied or not _looks_at_entries(frame.fn.node, node):
        return None
    if any(_counts(part) for part in walk(frame.fn.node)):
        without_counters(frame, node)
    frame.facts.special[node] = ("state_entries",)
    frame.program.heap[node].write(entry, frame.program)
    return Mapping(node)


_VIEWS = ("items", "keys", "values")


def _looks_at_entries(code: cst.CSTNode, call: cst.Call) -> bool:
    """Whether a state is read by name or gone through, where it is taken or through one name that it gets."""
    names = [
        target.target.value
        for part in walk(code)
        if isinstance(part, cst.Assign) and part.value is call
        for target in part.targets
        if isinstance(target.target, cst.Name)
    ]
    names += [name for part in walk(code) if isinstance(part, cst.Assign) for name in _unpacked(part, call)]
    if not names:
        is_call = _is_it(call)
        return not _is_handed_on(code, is_call) and any(_is_look(part, is_call) for part in walk(code))
    name = names[0]
    is_named = partial(_is_name, name=name)
    if _is_handed_on(code, is_named):
        return False
    uses = [part for part in walk(code) if isinstance(part, cst.Name) and part.value == name]
    seen = sum(_is_look(part, is_named) for part in walk(code))
    targets = sum(_is_name(part.target, name) for part in walk(code) if isinstance(part, cst.AssignTarget))
    targets += sum(name in _unpacked(part, call) for part in walk(code) if isinstance(part, cst.Assign))
    stores = [part.target for part in walk(code) if isinstance(part, cst.AssignTarget)]
    written = any(isinstance(store, cst.Subscript) and _is_name(store.value, name) for store in stores)
    return len(names) == 1 and targets == 1 and seen > 0 and seen + targets == len(uses) and not written


def _is_it(node: cst.CSTNode) -> Callable[[cst.CSTNode], bool]:
    return lambda other: other is node


def _is_handed_on(code: cst.CSTNode, is_state: Callable[[cst.CSTNode], bool]) -> bool:
    """Whether one entry is given back, or gets a name."""
    values: list[cst.CSTNode | None] = [p.value for p in walk(code) if isinstance(p, cst.Return | cst.Assign)]
    return any(isinstance(value, cst.Subscript) and is_state(value.value) for value in values)


def _unpacked(node: cst.Assign, call: cst.Call) -> list[str]:
    """The name that a value gets in ``a, b = x.state_dict(), y.state_dict()``."""
    match node:
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Tuple() as target)], value=cst.Tuple() as value):
            pairs = zip(target.elements, value.elements, strict=False)
            return [t.value.value for t, v in pairs if v.value is call and isinstance(t.value, cst.Name)]
    return []


def _is_name(node: cst.CSTNode, name: str) -> bool:
    return isinstance(node, cst.Name) and node.value == name


def _is_look(node: cst.CSTNode, is_state: Callable[[cst.CSTNode], bool]) -> bool:
    match node:
        case cst.Subscript(value=held, slice=[cst.SubscriptElement(slice=cst.Index(value=key))]):
            return is_state(held) and not isinstance(key, cst.SimpleString)  # that is one layer's, in a known order
        case cst.Call(func=cst.Attribute(value=held, attr=cst.Name(name)), args=[]) if name in _VIEWS:
            return is_state(held)
        case cst.For(iter=held) | cst.CompFor(iter=held):
            return is_state(held)
        case cst.ComparisonTarget(operator=cst.In() | cst.NotIn(), comparator=held):
            return is_state(held)
    return False


def _counts(node: cst.CSTNode) -> bool:
    """Whether something adds up, lists or shows what it goes through."""
    match node:
        case cst.Call(func=cst.Name("len" | "sum" | "list" | "sorted" | "print" | "max" | "min")):
            return True
        case cst.Call(func=cst.Attribute(attr=cst.Name("append" | "numel" | "add" | "join" | "cat" | "stack"))):
            return True
    return False


def without_counters(frame: Frame, node: cst.CSTNode) -> None:
    """Say that a walk over buffers misses one that Flax has no use for, where there may be such."""
    if any(name in file.source for file in frame.program.files.values() for name in ("BatchNorm", "InstanceNorm")):
        message = (
            "assumed that `num_batches_tracked` of normalisations does not matter here: Flax does not count batches"
        )
        frame.report("T2J201", node, message, "what is summed, counted or listed lacks these buffers")


def puts_back(frame: Frame, node: cst.Call, arguments: Arguments) -> bool:
    """Whether a call of ``load_state_dict`` is given a state, all of which is to fit."""
    if len(arguments.positional) != 1 or arguments.keywords or arguments.star is not None or arguments.double_star:
        return False
    found = list(options(without_none(arguments.positional[0][1])))
    boxes = [heap_read(frame, option.site) for option in found if isinstance(option, Mapping)]
    held = [kind for kind in boxes if not isinstance(kind, Free)]  # one that is empty fits no module
    if held and len(boxes) == len(found) and all(_are_entries(kind) for kind in held):
        frame.facts.special[node] = ("set_state",)
        return True
    if not found or not all(isinstance(option, State) for option in found):
        return False
    frame.facts.special[node] = ("load_state",)
    return True
