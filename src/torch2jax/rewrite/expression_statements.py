"""Expressions that are statements of their own: calls that change, set up or register something."""

from __future__ import annotations

from typing import Any

import libcst as cst

from torch2jax.infer.derived import kept_name
from torch2jax.infer.facts import RuleCall
from torch2jax.infer.kinds import Tensor, constant, options, without_none
from torch2jax.rewrite.blocks import one
from torch2jax.rewrite.derived import after_super_init, stored
from torch2jax.rewrite.grain import reseeded
from torch2jax.rewrite.modes import MODES, WITHOUT_EFFECT, mode_lines
from torch2jax.rewrite.module_calls import is_sequential
from torch2jax.rewrite.mutation import assign_result, can_put, take_back
from torch2jax.rewrite.precedence import parenthesize
from torch2jax.rewrite.rewriter import (
    PRIMARY,
    Rewriter,
    argument,
    assignment,
    attribute,
    call,
    expression_line,
    statement,
)
from torch2jax.rewrite.seeds import seed_statement
from torch2jax.source.nodes import walk


def expression_statement(rewriter: Rewriter, node: cst.Expr) -> Any:
    """An expression for its effect: another one, or a list of lines."""
    value = node.value
    if isinstance(value, cst.IfExp) and _has_effect(rewriter, value):
        return _chosen(rewriter, value)
    if not isinstance(value, cst.Call):
        return rewriter.generic(node)
    if value in rewriter.function.seeds:
        return seed_statement(rewriter, node, value)
    if rewriter.program.uses_grain and (made := reseeded(rewriter, node)) is not None:
        return made
    fact = rewriter.facts.calls.get(value)
    note = rewriter.facts.special.get(value)
    if note is not None and note[0] == "super_init":
        return _super_init(rewriter, node, value, note)
    if note is not None and note[0] == "module_method":
        result = _module_statement(rewriter, value, note[1])
        if result is not None:
            return result
    if note is not None and note[0] == "copy_state":
        return [expression_line(_copied_state(rewriter, value, note[1]))]
    if note is not None and note[0] == "register":
        return _register(rewriter, value, note)
    if note is not None and note[0] == "apply":
        return _apply(rewriter, value, rngs=note[1])
    if isinstance(fact, RuleCall) and fact.target is not None and can_put(rewriter, fact.target):
        return assign_result(rewriter, value, fact)
    if value in rewriter.facts.returned:
        rewriter.taken_back = value
        result = rewriter.expr(value)
        rewriter.taken_back = None
        return take_back(rewriter, value, result)
    new = rewriter.expr(value)
    if isinstance(fact, RuleCall) and isinstance(new, cst.Name | cst.Attribute):
        return []
    return node if new is value else node.with_changes(value=new)


def _super_init(rewriter: Rewriter, node: cst.Expr, value: cst.Call, note: Any) -> Any:
    if note[1] == "drop":
        return []
    if note[1] == "stored":
        return [*stored(rewriter, note[2]), *after_super_init(rewriter, value)]
    line = node.with_changes(value=rewriter.expr(value))
    after = after_super_init(rewriter, value)
    return [statement(line), *after] if after else line


def _has_effect(rewriter: Rewriter, node: cst.CSTNode) -> bool:
    """Whether an expression changes an array in place."""
    for part in walk(node):
        fact = rewriter.facts.calls.get(part)
        if part in rewriter.facts.returned or (isinstance(fact, RuleCall) and fact.target is not None):
            return True
    return False


def _chosen(rewriter: Rewriter, node: cst.IfExp) -> list[Any]:
    """``a() if test else b()`` as a statement."""
    test = rewriter.expr(node.test)
    held, rewriter.before = rewriter.before, []
    blocks = []
    for part in (node.body, node.orelse):
        line = cst.SimpleStatementLine([cst.Expr(part.with_changes(lpar=[], rpar=[]) if part.lpar else part)])
        blocks.append(cst.IndentedBlock(one(rewriter, line) or [statement(cst.Pass())]))
    rewriter.before = held
    quiet = isinstance(node.orelse, cst.Name)
    return [cst.If(test, blocks[0], None if quiet else cst.Else(blocks[1]))]


def _module_statement(rewriter: Rewriter, node: cst.Call, name: str) -> Any:
    func = node.func
    if not isinstance(func, cst.Attribute):
        return None
    if name in (*WITHOUT_EFFECT, "zero_grad"):
        rewriter.tally.dropped += 1
        return []
    if name in MODES:
        return mode_lines(rewriter, node, rewriter.expr(func.value))
    if name in ("add_module", "register_module") and len(node.args) == 2:
        key, value = node.args[0].value, node.args[1].value
        holder = rewriter.kind(func.value)
        receiver = rewriter.expr(func.value)
        translated = rewriter.expr(value)
        rewriter.tally.translated += 1
        if holder is not None and any(is_sequential(option) for option in options(holder)):
            return [expression_line(call(attribute(attribute(receiver, "layers"), "append"), [translated]))]
        literal = constant(rewriter.kind(key)) if rewriter.kind(key) is not None else None  # type: ignore[arg-type]
        if isinstance(literal, str) and literal.isidentifier():
            return [statement(assignment(attribute(receiver, literal), translated))]
        return [expression_line(call(cst.Name("setattr"), [receiver, rewriter.expr(key), translated]))]
    return None


def _copied_state(rewriter: Rewriter, node: cst.Call, source: cst.BaseExpression) -> cst.Call:
    """``a.load_state_dict(b.state_dict())``."""
    assert isinstance(node.func, cst.Attribute)
    rewriter.tally.translated += 1
    args = [argument(rewriter.expr(source)), argument(rewriter.expr(node.func.value))]
    for arg in node.args[1:]:
        if not (isinstance(arg.value, cst.Name) and arg.value.value == "True"):
            args.append(argument(rewriter.expr(arg.value), "strict"))
    return call(rewriter.helper("copy_state"), args)


def _register(rewriter: Rewriter, node: cst.Call, note: Any) -> list[Any]:
    """``self.register_buffer("mask", value)`` as ``self.mask = Buffer(value)``."""
    _, kind, key = note
    assert isinstance(node.func, cst.Attribute)
    given = {arg.keyword.value: arg.value for arg in node.args if arg.keyword is not None}
    positional = [arg.value for arg in node.args if arg.keyword is None]
    value = positional[1] if len(positional) > 1 else given.get("tensor", given.get("param"))
    assert value is not None
    rewriter.tally.translated += 1
    receiver = rewriter.expr(node.func.value)
    new = rewriter.expr(value)
    is_none = isinstance(new, cst.Name) and new.value == "None"
    persistent = given.get("persistent") or (positional[2] if len(positional) > 2 else None)
    if not is_none and kind == "register_buffer":
        args = [argument(new)]
        if persistent is not None and not (isinstance(persistent, cst.Name) and persistent.value == "True"):
            args.append(argument(rewriter.expr(persistent), "persistent"))
        new = _unless_none(rewriter, value, call(rewriter.helper("Buffer"), args))
    elif not is_none and not _holds_variable(rewriter, value):
        new = call(attribute(rewriter.root("nnx"), "Param"), [new])
    if key is not None:
        name = kept_name(rewriter.program, rewriter.kind(node.func.value), key)
        return [statement(assignment(attribute(receiver, name), new))]
    named = positional[0] if positional else given["name"]
    return [expression_line(call(cst.Name("setattr"), [receiver, rewriter.expr(named), new]))]


def _unless_none(rewriter: Rewriter, value: cst.BaseExpression, built: cst.Call) -> cst.BaseExpression:
    """``Buffer(x) if test else None`` where the value may be None."""
    kind = rewriter.kind(value)
    if kind is None or without_none(kind) is kind:
        return built
    given = built.args[0].value
    if isinstance(given, cst.IfExp) and isinstance(given.orelse, cst.Name) and given.orelse.value == "None":
        inner = built.with_changes(args=[built.args[0].with_changes(value=given.body), *built.args[1:]])
        return given.with_changes(body=inner, lpar=[], rpar=[])
    test = cst.Comparison(given, [cst.ComparisonTarget(cst.Is(), cst.Name("None"))])
    return cst.IfExp(test, cst.Name("None"), built)


def _holds_variable(rewriter: Rewriter, node: cst.CSTNode) -> bool:
    kind = without_none(rewriter.kind(node) or Tensor())
    return isinstance(kind, Tensor) and kind.variable


def _apply(rewriter: Rewriter, node: cst.Call, *, rngs: bool) -> list[Any]:
    """``self.apply(fn)`` as a loop over the modules."""
    assert isinstance(node.func, cst.Attribute)
    rewriter.tally.translated += 1
    function = rewriter.expr(node.args[0].value)
    receiver = rewriter.expr(node.func.value)
    args = [argument(cst.Name("module"))]
    if rngs:
        args.append(argument(rewriter.rngs(), "rngs"))
    target = cst.Tuple([cst.Element(cst.Name("_")), cst.Element(cst.Name("module"))], lpar=[], rpar=[])
    modules = call(attribute(rewriter.root("nnx"), "iter_modules"), [receiver])
    inner = expression_line(call(parenthesize(function, PRIMARY), args))
    return [cst.For(target, modules, cst.IndentedBlock([inner]))]
