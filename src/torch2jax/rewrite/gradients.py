"""``p.grad``: a part of the variable that holds the gradients, in loops over parameters and by itself."""

from __future__ import annotations

from typing import Any

import libcst as cst

from torch2jax.regions.gradients import Part, Target, Walk
from torch2jax.rewrite.rewriter import EXPRESSIONS, Rewriter, call


def gradient(rewriter: Rewriter, node: cst.CSTNode) -> Any:
    """What stands for an expression or target that is about gradients."""
    found = rewriter.program.gradients[node]
    match found:
        case Walk():
            return _walk(rewriter, found)
        case Target(name=name, is_beside=False) if isinstance(found.node, cst.Name):
            return cst.Name(name, lpar=found.node.lpar, rpar=found.node.rpar)
        case Target():
            return _target(found)
        case Part():
            return _part(rewriter, found)
    return cst.Name(found)


def gradients_given(rewriter: Rewriter, value: Part | Walk) -> cst.BaseExpression:
    """The gradients of a model, or of some of its parameters in a list."""
    return _walk(rewriter, value) if isinstance(value, Walk) else _part(rewriter, value)


def list_of_gradients(rewriter: Rewriter, node: cst.BaseExpression, result: Any) -> Any:
    """What ``[grad for grad in ordered_gradients(model, grads)]`` goes over, as that is a list already."""
    match result:
        case cst.ListComp(elt=cst.Name(elt), for_in=cst.CompFor(target=cst.Name(name), ifs=[], inner_for_in=None)):
            walk = rewriter.program.gradients.get(node.for_in.iter) if isinstance(node, cst.ListComp) else None
            if elt == name and isinstance(walk, Walk) and not walk.over.is_given:
                return result.for_in.iter
    return result


def is_gradient(rewriter: Rewriter, node: cst.CSTNode) -> bool:
    """Whether an expression is ``p.grad`` or ``p.grad.data``, through which no gradient flows."""
    while isinstance(node, cst.Attribute) and node.attr.value == "data":
        node = node.value
    return node in rewriter.program.gradients


def _walk(rewriter: Rewriter, walk: Walk) -> cst.BaseExpression:
    """``ordered_gradients(model, grads)``, beside ``ordered_parameters(model)`` where that is looked at."""
    rewriter.tally.translated += 1
    if walk.over.is_given:
        given: Any = cst.Name(walk.gradients.root)
        return call(cst.Name("zip"), [cst.Name(walk.gradients.model), given]) if walk.is_beside else given
    module, part = rewriter.expr(walk.over.holder), _part(rewriter, walk.gradients)
    if walk.over.is_listed:
        parameters = _listed(rewriter, walk.over.iterable)
        gradients = call(rewriter.helper("gradients_of"), [parameters, module, part])
        return call(cst.Name("zip"), [parameters.deep_clone(), gradients]) if walk.is_beside else gradients
    names = "named_" if walk.over.is_named else ""
    order = "torch" if walk.over.iterable in rewriter.facts.in_torch_order else "ordered"
    if not walk.is_beside:
        return call(rewriter.helper(f"{order}_{names}gradients"), [module, part])
    parameters = call(rewriter.helper(f"{order}_{names}parameters"), [module])
    gradients = call(rewriter.helper(f"{order}_gradients"), [module, part])
    return call(cst.Name("zip"), [parameters, gradients])


def _listed(rewriter: Rewriter, node: cst.BaseExpression) -> Any:
    """A list of parameters, as it is."""
    handler = EXPRESSIONS.get(type(node))
    return handler(rewriter, node) if handler is not None else rewriter.generic(node)


def _target(target: Target) -> cst.BaseExpression:
    """``(p, grad)``, ``((name, p), grad)``, ``(name, grad)``."""
    node = target.node
    lpar, rpar = node.lpar, node.rpar
    if not target.is_beside and isinstance(node, cst.Tuple):
        name, param = node.elements
        return node.with_changes(elements=[name, param.with_changes(value=cst.Name(target.name))])
    if isinstance(node, cst.Tuple):
        node = node.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    pair = [
        cst.Element(node.with_changes() if isinstance(node, cst.Tuple) else node),
        cst.Element(cst.Name(target.name)),
    ]
    return cst.Tuple(pair, lpar=lpar, rpar=rpar)


def _part(rewriter: Rewriter, part: Part) -> cst.BaseExpression:
    """``grads["fc"]["kernel"]``, for ``model.fc.kernel``."""
    root = cst.parse_expression(part.root)
    return _within(rewriter.expr(part.node), part.model, root)


def _within(node: cst.BaseExpression, model: str, root: cst.BaseExpression) -> cst.BaseExpression:
    if cst.Module([]).code_for_node(node) == model:
        return root
    if isinstance(node, cst.Attribute):
        index: cst.BaseSlice = cst.Index(cst.SimpleString(f'"{node.attr.value}"'))
        return cst.Subscript(_within(node.value, model, root), [cst.SubscriptElement(index)])
    assert isinstance(node, cst.Subscript)
    return node.with_changes(value=_within(node.value, model, root))
