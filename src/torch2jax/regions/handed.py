"""Functions that look at gradients which the one that calls them has: they get them as an argument.

``def grad_norm(model)`` with ``p.grad`` of its parameters is ``def grad_norm(model, grads)``, and
``def clip(parameters, limit)``, which looks at nothing but their gradients, ``def clip(gradients, limit)``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import libcst as cst

from torch2jax.infer.facts import UserCall
from torch2jax.infer.program import FunctionInfo, Program
from torch2jax.regions.callees import mentions, receiver_of
from torch2jax.regions.gradients import Gradients, Part, Use, Walk, asks_for_any, keeper_of, renewed_by, uses_of
from torch2jax.regions.paths import path_of
from torch2jax.regions.region import Accumulation, NoRegionError, Trained
from torch2jax.regions.roles import role_of
from torch2jax.regions.walked import Walked, binds, holder_of, loops_of, walked
from torch2jax.source.nodes import children, dotted_name, walk
from torch2jax.source.scope import Binding


@dataclass(frozen=True, slots=True)
class Handed:
    """A function that gets gradients.

    ``root``: the parameter with the model or with the parameters of one, or the place of the model in the object of a
    method. ``name``: of the new parameter, which is ``instead`` of the other where nothing else needs that.
    ``gradients``: what stands for its parts. ``is_items``: it gets the parameters of a model. ``asks``: it looks which
    of them have gradients; ``keeps``: it may keep them; ``renews``: it assigns other ones; ``turns``: how often it goes
    over them.
    """

    fn: FunctionInfo
    root: str
    name: str
    instead: bool
    is_items: bool
    gradients: Mapping[cst.CSTNode, object]
    asks: bool
    keeps: bool
    renews: bool
    turns: int


@dataclass(frozen=True, slots=True)
class Given:
    """The gradients that a call gives: they come behind the argument ``beside``, or ``instead`` of it."""

    handed: Handed
    value: Part | Walk
    beside: cst.Arg | None


def handed_in(program: Program, bindings: Mapping[str, Binding]) -> dict[FunctionInfo, Handed]:
    """The functions of a program that may get gradients as an argument."""
    found: dict[FunctionInfo, Handed] = {}
    for fn in program.functions.values():
        uses = uses_of(fn) if isinstance(fn.node, cst.FunctionDef) and fn.callers else []
        if not uses or any(role_of(part, fn.facts) is not None for part in walk(fn.node)):
            continue
        scope = bindings[fn.file.path].scope_of.get(fn.node)
        try:
            handed = _handed(program, fn, uses, {*scope.names, *scope.reads}) if scope is not None else None
        except NoRegionError:
            continue
        if handed is not None:
            found[fn] = handed
    return found


def _handed(program: Program, fn: FunctionInfo, uses: Sequence[Use], taken: set[str]) -> Handed | None:
    over = [_over(fn, use) for use in uses]
    roots = {_root(fn, use, each) for use, each in zip(uses, over, strict=True)}
    if len(roots) != 1 or None in roots:
        return None
    root = str(roots.pop())
    is_items = any(each is not None and each.is_given for each in over)
    names = ("gradients", "grads") if is_items else ("grads", "gradients")
    name = next(name for name in (*names, "grads_") if name not in taken)
    added = Accumulation(Trained("", root, (root,)), name, None, (), {}, {}, (), is_new=True)
    gradients = Gradients(program, fn, added, (), taken | {name}).stand_ins(uses)
    loops = {each.iterable for each in over if each is not None}
    beside = any(isinstance(value, Walk) and value.is_beside for value in gradients.values())
    others = [n for n in walk(fn.node) if isinstance(n, cst.Name) and n.value == root and n not in loops]
    if is_items and _is_bound(fn, root):
        return None
    keeps = any(keeper_of(use.node, use.around) is not None for use in uses)
    instead = is_items and not beside and not others
    renews, turns = bool(renewed_by(uses)), len(loops) + len(others)
    if keeps and renews:
        return None
    return Handed(fn, root, name, instead, is_items, gradients, asks_for_any(uses), keeps, renews, turns)


def _over(fn: FunctionInfo, use: Use) -> Walked | None:
    """The loop over parameters that a use is in."""
    name = use.node.value
    if not isinstance(name, cst.Name):
        return None
    for node in reversed(use.around):
        for target, iterable in loops_of(node):
            if binds(target, name.value):
                return walked(fn, target, iterable, name.value)
    return None


def _root(fn: FunctionInfo, use: Use, over: Walked | None) -> str | None:
    """The parameter, or the place in the object, from which a function has the model of a gradient."""
    if over is not None and over.is_given:
        return dotted_name(over.iterable)
    place = path_of(over.holder if over is not None else use.node.value, fn.facts.kinds.get)
    if place is None:
        return None
    parts = place[0].split(".")
    if receiver_of(fn) and parts[0] == receiver_of(fn):
        return ".".join(parts[:2]) if len(parts) > 1 and fn.owner is not None and not fn.owner.is_module else None
    return parts[0] if parts[0] in fn.params and not _is_bound(fn, parts[0]) else None


def _is_bound(fn: FunctionInfo, name: str) -> bool:
    """Whether a function gives its parameter another value."""
    return any(
        isinstance(part, cst.AssignTarget | cst.AnnAssign | cst.AugAssign | cst.For | cst.NamedExpr)
        and binds(part.target, name)
        for part in walk(fn.node)
    )


# --- calls ---------------------------------------------------------------------------------------------------------


def calls_in(fn: FunctionInfo, handed: Mapping[FunctionInfo, Handed]) -> list[tuple[Use, Handed]]:
    """The calls of such functions in another, each with what it stands in."""
    if not handed:
        return []
    return [
        (Use(node, around), handed[targets[0]])
        for node, around, targets in _calls(fn, fn.node, ())
        if targets[0] in handed
    ]


def _calls(
    fn: FunctionInfo, node: cst.CSTNode, around: tuple[cst.CSTNode, ...]
) -> Iterator[tuple[cst.Call, tuple[cst.CSTNode, ...], tuple[FunctionInfo, ...]]]:
    fact = fn.facts.calls.get(node) if isinstance(node, cst.Call) else None
    if isinstance(fact, UserCall) and len(fact.targets) == 1 and isinstance(node, cst.Call):
        yield node, around, fact.targets
    for child in children(node):
        yield from _calls(fn, child, (*around, node))


def model_of_call(fn: FunctionInfo, use: Use, handed: Handed) -> str | None:
    """The model whose gradients a call gives, as the caller spells it."""
    value = _model(fn, use.node, handed)
    place = path_of(value, fn.facts.kinds.get) if value is not None else None
    return place[0] if place is not None else dotted_name(value)


def given(fn: FunctionInfo, gradients: Gradients, use: Use, handed: Handed) -> Given:
    """What a call gives.

    Raises:
        NoRegionError: it is not known what, or what the variable with the gradients holds there.
    """
    gradients.check_at(use, handed.keeps)
    assert isinstance(use.node, cst.Call)
    arg = _argument(handed, use.node)
    model = _model(fn, use.node, handed)
    if model is None:
        raise NoRegionError("it is not known whose gradients this function looks at", use.node)
    part = gradients.part_of(model, use.node)
    if not handed.is_items:
        return Given(handed, part, arg)
    assert arg is not None
    over = walked(fn, cst.Name("p"), arg.value, "p")
    assert over is not None
    if handed.turns > 1 and _is_iterator(arg.value):
        message = "this function goes over an iterator that is used up after the first time"
        raise NoRegionError(message, use.node, "give it a list")
    return Given(handed, Walk(over, part, False), arg)


def _is_iterator(node: cst.BaseExpression) -> bool:
    """Whether it is ``model.parameters()`` itself, or a filter of that."""
    name = dotted_name(node.func) if isinstance(node, cst.Call) else None
    return name is not None and name not in ("list", "tuple")


def _model(fn: FunctionInfo, node: cst.CSTNode, handed: Handed) -> cst.BaseExpression | None:
    assert isinstance(node, cst.Call)
    arg = _argument(handed, node)
    if handed.is_items:
        return holder_of(fn, arg.value) if arg is not None else None
    if "." not in handed.root:
        return arg.value if arg is not None else None
    func = node.func
    own = receiver_of(fn)
    is_own = isinstance(func, cst.Attribute) and own and dotted_name(func.value) == own
    rest = handed.root.partition(".")[2]
    return cst.parse_expression(f"{own}.{rest}") if is_own else None


def _argument(handed: Handed, node: cst.Call) -> cst.Arg | None:
    """What a call gives to the parameter with the model."""
    params = handed.fn.parameters()
    assert params is not None
    names = [p.name.value for p in (*params.posonly_params, *params.params)][1 if handed.fn.is_method else 0 :]
    if any(arg.star for arg in node.args):
        return None
    named = [arg for arg in node.args if arg.keyword is not None and arg.keyword.value == handed.root]
    plain = [arg for arg in node.args if arg.keyword is None]
    at = names.index(handed.root) if handed.root in names else len(plain)
    return named[0] if named else plain[at] if at < len(plain) else None


# --- what comes of it ------------------------------------------------------------------------------------------------


def settle(program: Program, handed: Mapping[FunctionInfo, Handed]) -> None:
    """Functions get gradients where every call gives them; the others look at what is not there, as they did."""
    for fn, each in handed.items():
        calls = [node for node, given in program.handed_calls.items() if given.handed is each]
        if not calls or mentions(program, fn) != len(calls):
            for node in calls:
                del program.handed_calls[node]
            continue
        program.gradients |= each.gradients
        program.handed[fn] = each
        nodes = {part for part in walk(fn.node) if isinstance(part, cst.Attribute) and part.attr.value == "grad"}
        for key in [key for key in fn.facts.findings if key[1] in nodes and key[0] in ("T2J103", "T2J108")]:
            del fn.facts.findings[key]
