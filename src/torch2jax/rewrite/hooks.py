"""Functions that modules are made to call, which see arrays in PyTorch's axis order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import libcst as cst

from torch2jax.infer.facts import RuleCall
from torch2jax.infer.kinds import (
    UNKNOWN,
    Container,
    Function,
    Instance,
    Kind,
    Layer,
    Partial,
    Tensor,
    options,
    without_none,
)
from torch2jax.infer.layout import MIXED, Layout, conversion
from torch2jax.infer.program import FunctionInfo, Program
from torch2jax.rewrite.rewriter import Rewriter, argument, call, number
from torch2jax.rewrite.rule_calls import flag
from torch2jax.source.nodes import walk

Orders = tuple[tuple[Layout, ...], Layout]
_HINT = "return the value from the method of the module"


def registered(rewriter: Rewriter, node: cst.Call, name: str) -> cst.BaseExpression | None:
    """``register_forward_hook(layer, hook)``, with the axes that bring arrays into the order that the hook knows."""
    assert isinstance(node.func, cst.Attribute)
    program = rewriter.program
    receiver = without_none(rewriter.kind(node.func.value) or UNKNOWN)
    _check(rewriter, node, receiver)
    found = {_orders(program, option) for option in options(receiver)}
    orders = found.pop() if len(found) == 1 else None
    if orders is None:
        if not _is_in_torch_order(program):
            message = "the axis order of what this hook gets is not known"
            flag(rewriter, node, "T2J106", message, _HINT)
        elif not all(_is_known(option) for option in options(receiver)):
            message = f"assumed that `{_code(node.func.value)}` takes and gives arrays in PyTorch's axis order"
            flag(rewriter, node, "T2J201", message)
        orders = ((), None)
    taken, result = orders
    args = [rewriter.expr(node.func.value), rewriter.expr(node.args[0].value)]
    if any(taken):
        args.append(argument(_tuple([_axes(layout) for layout in taken]), "argument_axes"))
    if result and name == "register_forward_hook":
        args.append(argument(_axes(result), "result_axes"))
    rewriter.tally.translated += 1
    rewriter.tally.transposes += any(taken) + bool(result)
    return call(rewriter.helper(name), args)


def _axes(layout: Layout) -> cst.BaseExpression:
    if not layout:
        return cst.Name("None")
    return _tuple([number(axis) for axis in conversion(layout, None, len(layout))])


def _tuple(items: Sequence[cst.BaseExpression]) -> cst.Tuple:
    elements = [cst.Element(item) for item in items]
    if len(items) == 1:
        elements = [cst.Element(items[0], cst.Comma())]
    return cst.Tuple(elements, lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


def _code(node: cst.BaseExpression) -> str:
    return cst.Module([]).code_for_node(node)


# In which order.


def _orders(program: Program, module: Kind) -> Orders | None:
    """The layouts of the arguments and the result of a module; None where they are not known or differ."""
    if isinstance(module, Instance):
        method = module.cls.find("forward")
        if method is not None:
            return _orders_of_method(method)
        site = next((cls.site for cls in module.cls.mro() if cls.site is not None), None)
        return _orders_at(program, getattr(site, "site", site))
    return _orders_at(program, module.site) if isinstance(module, Layer | Container) else None


def _orders_of_method(method: FunctionInfo) -> Orders | None:
    params = method.parameters()
    names = [param.name.value for param in params.params][1:] if params is not None else []
    result = method.result_layout
    if result is not None and (not result or result[0] == "tuple"):
        return None
    layouts = tuple(method.param_layouts.get(name) for name in names)
    return None if MIXED in layouts else (layouts, result)


def _orders_at(program: Program, site: Any) -> Orders | None:
    passed = [each for fn in program.functions.values() for each in fn.facts.passed if each.site == site]
    found = {((each.entry,), each.result) for each in passed if each.is_plain and site is not None}
    if len(found) != 1 or not all(each.is_plain for each in passed):
        return None
    (taken,), result = found.pop()
    return None if MIXED in (taken, result) else ((taken,), result)


def _is_in_torch_order(program: Program) -> bool:
    """Whether no module of the project works in another axis order."""
    functions = program.functions.values()
    layouts = [layout for fn in functions for layout in (*fn.param_layouts.values(), fn.result_layout)]
    passed = [each for fn in functions for each in fn.facts.passed]
    return not any(layouts) and not any(each.entry or each.result or not each.is_plain for each in passed)


def _is_known(kind: Kind) -> bool:
    return isinstance(kind, Instance | Layer | Container)


# What can't be.


def _check(rewriter: Rewriter, node: cst.Call, receiver: Kind) -> None:
    """Flag hooks that would see something else, or whose changes would be lost."""
    program = rewriter.program
    for option in options(receiver):
        if isinstance(option, Layer) and option.stateless and not _becomes_object(program, option):
            message = f"{option.name} is a function in Flax, which can't have hooks"
            flag(rewriter, node, "T2J108", message, "call a module of your own there")
    for fn in _functions(program.hooks[node].function if node in program.hooks else UNKNOWN):
        params = fn.parameters()
        names = [param.name.value for param in params.params] if params is not None else []
        if fn.needs_rngs and not fn.draws_from_self:
            flag(rewriter, node, "T2J108", f"`{fn.name}` draws random numbers, which a hook gets none for", _HINT)
        changed = sorted(place for place in fn.mutates if place.partition(".")[0] in names[bool(fn.is_method) :][1:])
        if changed:
            message = f"`{fn.name}` changes `{changed[0]}` in place, which the module does not see"
            flag(rewriter, node, "T2J105", message, "return the new value")
        kept = [place for place in (*fn.keeps, *(item for _, item in fn.links)) if place in names]
        if kept and _changes_in_place(program, receiver):
            message = f"assumed that nothing changes in place what `{fn.name}` keeps, once the module has given it"
            flag(rewriter, node, "T2J201", message, "keep a copy: `output.detach().clone()`")


def _functions(kind: Kind) -> Iterator[FunctionInfo]:
    for option in options(kind):
        if isinstance(option, Function):
            yield option.info
        elif isinstance(option, Partial):
            yield from _functions(option.func)


def _becomes_object(program: Program, layer: Layer) -> bool:
    """Whether a layer that is a function is built by one call of its rule, which wraps it."""
    facts = (fn.facts.calls.get(layer.site) for fn in program.functions.values())
    return layer.site is not None and layer.pattern is None and any(isinstance(fact, RuleCall) for fact in facts)


def _changes_in_place(program: Program, receiver: Kind) -> bool:
    """Whether a function that calls the module changes arrays in place, or some layer of the project does."""
    sites = {option.site for option in options(receiver) if isinstance(option, Layer | Container)}
    methods = [option.cls.find("forward") for option in options(receiver) if isinstance(option, Instance)]
    callers = {caller for method in methods if method is not None for caller in method.callers}
    is_known = all(_is_known(option) for option in options(receiver))
    for fn in program.functions.values():
        kinds = fn.facts.kinds
        if any(isinstance(kind, Layer) and kind.inplace for kind in kinds.values()):
            return True
        calls_it = fn in callers or any(each.site in sites for each in fn.facts.passed)
        if (calls_it or not is_known) and any(_is_change(fn, part) for part in walk(fn.node)):
            return True
    return False


def _is_change(fn: FunctionInfo, node: cst.CSTNode) -> bool:
    if isinstance(node, cst.AugAssign):
        return any(isinstance(option, Tensor) for option in options(fn.facts.kinds.get(node.target) or UNKNOWN))
    fact = fn.facts.calls.get(node)
    return isinstance(fact, RuleCall) and fact.target is not None
