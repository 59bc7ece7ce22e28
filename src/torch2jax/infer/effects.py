"""What a call of a function of the project does to the memory of its arguments, and whose memory it gives back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from torch2jax.infer.aliasing import HINT, is_looked_at, mark_out_of_date, mark_stale, note_put, note_write
from torch2jax.infer.facts import Returned
from torch2jax.infer.kinds import Instance, Tensor, Tuple, is_box, is_module, options, without_none
from torch2jax.infer.storage import order_of_token, passed_attribute, passed_storage, shares, storage_of
from torch2jax.infer.views import attribute_key, root_of
from torch2jax.source.nodes import walk

if TYPE_CHECKING:
    from torch2jax.infer.frame import Frame, Value
    from torch2jax.infer.program import FunctionInfo


def note_call(frame: Frame, node: cst.CSTNode, fn: FunctionInfo, passed: dict[str, cst.CSTNode]) -> None:
    """A call: arguments that the function changes get their new values where it returns them."""
    frame.passed[node, fn] = passed
    frame.facts.returned.pop(node, None)
    for place in sorted(fn.keeps):
        if place in passed:
            frame.escaped |= storage_of(frame, passed[place])
            for token in storage_of(frame, passed[place]):
                frame.note_kept(token)
    for place in sorted(fn.rebinds):
        name = passed_attribute(place, passed)
        if name is not None:
            frame.may_rebind(name, node, variable=_may_be_variable(frame, name))
    for box, item in sorted(fn.links):
        _note_link(frame, box, item, passed)
    changed = [place for place in sorted(fn.mutates) if place.partition(".")[0] in ("", *passed)]
    if not changed:
        return
    returned = [place for place in fn.new_values if place in passed]
    if returned and _takes_back(frame, node, fn, [passed[place] for place in returned]):
        changed = [place for place in changed if place not in returned]
    for place in changed:
        root, _, rest = place.partition(".")
        if root and not rest:
            _note_argument(frame, node, passed[root])
        else:
            _note_held(frame, node, place, passed)


def _may_be_variable(frame: Frame, name: str) -> bool:
    """Whether ``owner.x`` may be a Variable; everything may of whose owner the class is not known."""
    root, _, attr = name.rpartition(".")
    held = frame.env.get(root)
    owners = list(options(without_none(held.kind))) if held is not None else []
    classes = [cls for owner in owners if isinstance(owner, Instance) for cls in owner.cls.mro()]
    kinds = [kind for cls in classes if attr in cls.attrs for kind in options(without_none(cls.attrs[attr].kind))]
    if not kinds or not all(isinstance(owner, Instance) for owner in owners):
        return True
    return any(isinstance(kind, Tensor) and kind.variable for kind in kinds)


def _note_link(frame: Frame, box: str, item: str, passed: dict[str, cst.CSTNode]) -> None:
    name = passed_attribute(box, passed)
    if name is not None:
        frame.put_attribute(name, passed_storage(frame, item, passed))
    elif box in passed and item in passed:
        note_put(frame, passed[box], passed[item])
    else:
        frame.escaped |= passed_storage(frame, item, passed)


def _takes_back(frame: Frame, node: cst.CSTNode, fn: FunctionInfo, places: list[cst.CSTNode]) -> bool:
    """Assign the results of a call to the arguments that it changed, if that is needed and can be done."""
    expressions = tuple(place for place in places if isinstance(place, cst.BaseExpression))
    roots = [root_of(frame, place) for place in expressions]
    kinds = [without_none(frame.facts.kinds.get(place, Tensor())) for place in expressions]
    fits = len(expressions) == len(places) and None not in roots and len(set(roots)) == len(roots)
    fits = fits and all(isinstance(kind, Tensor) and kind.layout is None for kind in kinds)
    alone = isinstance(frame.statement, cst.Expr) and frame.statement.value is node
    if not frame.certain or not fits or (len(places) > 1 and not all(isinstance(place, cst.Name) for place in places)):
        return False
    if fn.appends_result and not alone:
        return False
    if not any(is_looked_at(frame, node, place) for place in expressions):
        return False
    frame.facts.returned[node] = Returned(expressions, fn.appends_result)
    for place in expressions:
        note_write(frame, node, place, kept=True, also=frame.facts.updates.get(node, ()))
    return True


def _note_argument(frame: Frame, node: cst.CSTNode, argument: cst.CSTNode) -> None:
    kind = without_none(frame.facts.kinds.get(argument, Tensor()))
    if is_module(kind):
        return  # its Variables are changed themselves
    if is_box(kind) or isinstance(kind, Instance):
        note_write(frame, node, argument, quiet=True)  # the items are written into the list itself
    else:
        mark_stale(frame, argument, node)


def _note_held(frame: Frame, node: cst.CSTNode, place: str, passed: dict[str, cst.CSTNode]) -> None:
    """The function changes what an attribute of an argument, or a name of a scope around, holds."""
    root, _, rest = place.partition(".")
    storage = passed_storage(frame, place, passed)
    name = passed_attribute(place, passed)
    if name is not None:
        frame.note_effect(("attribute", name))
        own = attribute_key(name)
    elif not root:
        if rest not in frame.env and frame.is_outer(rest):
            declared = rest in frame.facts.outer_writes
            frame.note_effect(("outer", rest))
            if not declared:
                frame.facts.outer_writes.discard(rest)  # the function that is called declares the name
        own = rest
    else:
        return
    held = frame.env.get(own)
    tied = held is not None and held.tied
    for token in sorted((t for t in storage if isinstance(t, tuple)), key=order_of_token):
        if token[0] == "parameter":
            frame.note_effect(token)
        elif token[0] == "attribute" and attribute_key(token[1]) != own and not tied:
            frame.report("T2J105", node, f"`{token[1]}` may change here as well", HINT)
    for name, value in list(frame.env.items()):
        variable = isinstance(without_none(value.kind), Tensor) and without_none(value.kind).variable  # type: ignore[attr-defined]
        if name != own and shares(value.storage, storage) and not variable:
            mark_out_of_date(frame, node, name)


def settle(frame: Frame) -> None:
    """At the end of a function: what it gives back, and whether it can return the new values of what it changes."""
    fn = frame.fn
    gives = {place for token in frame.gives if (place := frame.place_of(token)) is not None}
    values, appends = _new_values(frame)
    if not gives <= fn.gives or values != fn.new_values or appends != fn.appends_result:
        fn.gives |= gives
        fn.new_values, fn.appends_result = values, appends
        frame.program.dirty.update({fn, *fn.callers})


def _new_values(frame: Frame) -> tuple[tuple[str, ...], bool]:
    fn = frame.fn
    changed = [name for name in fn.params if name in fn.mutates and _is_array(frame, name)]
    node = fn.node
    if not changed or not isinstance(node, cst.FunctionDef) or not frame.exits:
        return (), False
    if fn.name.startswith("__") or fn.is_property or fn.is_forward or node.asynchronous is not None:
        return (), False
    if any(isinstance(part, cst.Yield) for part in walk(node.body)):
        return (), False
    nothing = all(value is None or _is_none(value) for value, _ in frame.exits)
    if nothing:
        kept = all(_is_own(env.get(name)) for _, env in frame.exits for name in changed)
        return (tuple(changed), True) if kept else ((), False)
    for name in changed:
        own = all(
            isinstance(value, cst.Name) and value.value == name and _is_own(env.get(name)) for value, env in frame.exits
        )
        if own:
            return (name,), False
    return (), False


def _is_array(frame: Frame, name: str) -> bool:
    kind = without_none(frame.fn.params[name].kind)
    return not is_box(kind) and not isinstance(kind, Instance | Tuple)


def _is_own(value: Value | None) -> bool:
    return value is not None and value.original and not value.stale


def _is_none(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.Name) and node.value == "None"
