"""What modules do besides in a step, where functions have been registered that they call.

Such functions keep arrays that differentiation follows; a step that is compiled has none to give them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import libcst as cst

from torch2jax.infer.facts import RuleCall
from torch2jax.infer.kinds import Function, Instance, Mapping, Sequence, is_module, options
from torch2jax.infer.program import FunctionInfo, Program
from torch2jax.regions.callees import reached, receiver_of
from torch2jax.regions.paths import MUTATORS
from torch2jax.regions.region import NoRegionError
from torch2jax.source.nodes import children, walk

_DETACHED = frozenset("detach item tolist data shape dtype device ndim size dim numel element_size".split())
_HINT = "give the value back from the forward pass"


def hooked(program: Program, fn: FunctionInfo, code: Iterable[cst.CSTNode], places: Iterable[str]) -> str:
    """Why code that is differentiated can't be compiled, where modules call hooks; empty if they do not.

    ``places``: what the code reads.

    Raises:
        NoRegionError: the hooks would keep something else than in PyTorch.
    """
    if not program.hooks:
        return ""
    code = list(code)
    for node, callee in reached(fn, code):
        if any(hook.fn is callee for hook in program.hooks.values()):
            raise NoRegionError(f"`{callee.name}` registers a hook", node, "register it before the training")
    read = {part.strip('[]"') for path in places for part in path.split(".")}
    boxes = {box for root in code for part in walk(root) for box in _boxes(fn, part)}
    for node, hook in program.hooks.items():
        if not all(isinstance(option, Function) for option in options(hook.function)):
            raise NoRegionError("what a hook does is not known", node, "register a function of this project")
        for option in options(hook.function):
            if isinstance(option, Function):
                _check_owner(option, node)
                _check_places(option.info, node, read, boxes)
                _check_kept(option.info, node)
    return "a hook looks at what a layer is given, or gives"


def _check_owner(hook: Function, node: cst.Call) -> None:
    owner = hook.bound if isinstance(hook.bound, Instance) else None
    around = hook.info.parent.owner if hook.info.parent is not None else None
    if (owner is not None and is_module(owner)) or (around is not None and around.is_module):
        message = "a hook that belongs to a module keeps what it is given in that module, and the step trains a copy"
        raise NoRegionError(message, node, "keep it in an object that is no module")


def _check_places(hook: FunctionInfo, node: cst.Call, read: set[str], boxes: set[object]) -> None:
    """``read``, ``boxes``: the names, and the lists and dictionaries, that what is differentiated looks at."""
    for fn in (hook, *(callee for _, callee in reached(hook, children(hook.node)))):
        for target in _targets(fn):
            found = sorted(_names(fn, target) & read)
            if found or any(box in boxes for part in walk(target) for box in _boxes(fn, part)):
                name = found[0] if found else cst.Module([]).code_for_node(target)
                raise NoRegionError(f"the loss may depend on `{name}`, which a hook sets", node, _HINT)


def _boxes(fn: FunctionInfo, node: cst.CSTNode) -> Iterator[object]:
    """Where a list or dictionary has been made, if an expression gives one."""
    kind = fn.facts.kinds.get(node)
    for option in options(kind) if kind is not None else ():
        if isinstance(option, Sequence | Mapping) and option.site is not None:
            yield option.site


def _check_kept(hook: FunctionInfo, node: cst.Call) -> None:
    tainted = _tainted(hook)
    if any(_leaks(value, tainted) for value in _kept(hook)):
        message = f"`{hook.name}` keeps or passes on an array that is not detached, while the loss is differentiated"
        raise NoRegionError(message, node, "keep `output.detach()`")


def _targets(fn: FunctionInfo) -> Iterator[cst.BaseExpression]:
    """What a function assigns to or changes in place, besides its own names."""
    for node in walk(fn.node):
        match node:
            case cst.AssignTarget(target=target) | cst.AugAssign(target=target):
                yield target
            case cst.Call(func=cst.Attribute(value=value, attr=cst.Name(name))) if name in MUTATORS:
                yield value
            case cst.Call(func=cst.Attribute(value=value, attr=cst.Name(name))) if name.endswith("_"):
                yield value


def _names(fn: FunctionInfo, target: cst.BaseExpression) -> set[str]:
    """The names in a target that are not the function's own; for these, those in what they are made of."""
    while isinstance(target, cst.Subscript):
        target = target.value
    outer = {
        item.name.value for node in walk(fn.node) if isinstance(node, cst.Global | cst.Nonlocal) for item in node.names
    }
    inner = {name: value for name, value in _assigned(fn) if name not in outer}
    found = {part.value for part in walk(target) if isinstance(part, cst.Name)}
    for name in found & inner.keys() if not isinstance(target, cst.Name) or _is_changed(fn, target) else ():
        found |= {part.value for part in walk(inner[name]) if isinstance(part, cst.Name)}
    return found - inner.keys() - {receiver_of(fn)}


def _is_changed(fn: FunctionInfo, target: cst.Name) -> bool:
    """Whether a name is not assigned here, but what it holds is changed."""
    return not any(isinstance(node, cst.AssignTarget) and node.target is target for node in walk(fn.node))


def _assigned(fn: FunctionInfo) -> Iterator[tuple[str, cst.BaseExpression]]:
    """The names that a function gives values, with these."""
    for node in walk(fn.node):
        if isinstance(node, cst.Assign):
            for target in node.targets:
                for part in walk(target.target):
                    if isinstance(part, cst.Name):
                        yield part.value, node.value


def _tainted(fn: FunctionInfo) -> set[str]:
    """The names in a hook that hold arrays of the module, or what is computed with them."""
    params = fn.parameters()
    names = [param.name.value for param in params.params] if params is not None else []
    found = set(names[(1 if fn.is_method else 0) + 1 :])
    while True:
        new = {name for name, value in _assigned(fn) if _leaks(value, found)} - found
        if not new:
            return found
        found |= new


def _kept(fn: FunctionInfo) -> Iterator[cst.BaseExpression]:
    """Values that a function puts somewhere else, or gives to functions that may do anything."""
    nodes = list(walk(fn.node))
    sets_outer = any(isinstance(node, cst.Global | cst.Nonlocal) for node in nodes)
    for node in nodes:
        match node:
            case cst.Assign(targets=targets, value=value):
                if sets_outer or not all(isinstance(each.target, cst.Name) for each in targets):
                    yield value
            case cst.AugAssign(value=value):
                yield value
            case cst.Call() if not _asks(node) and not isinstance(
                fn.facts.calls.get(node), RuleCall
            ):  # no function of PyTorch
                yield from (arg.value for arg in node.args)


def _leaks(node: cst.CSTNode, tainted: set[str]) -> bool:
    """Whether an expression may hold an array that is followed."""
    if isinstance(node, cst.Attribute):
        return node.attr.value not in _DETACHED and _leaks(node.value, tainted)
    if isinstance(node, cst.Call) and (_asks(node) or _names_detached(node.func)):
        return False
    if isinstance(node, cst.Name):
        return node.value in tainted
    return any(_leaks(child, tainted) for child in children(node))


def _asks(node: cst.Call) -> bool:
    return isinstance(node.func, cst.Name) and node.func.value in ("len", "isinstance", "type")


def _names_detached(func: cst.BaseExpression) -> bool:
    return isinstance(func, cst.Attribute) and func.attr.value in _DETACHED
