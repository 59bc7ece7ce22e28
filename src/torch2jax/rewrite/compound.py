"""Compound statements: branches, loops, contexts, handlers, and definitions."""

from __future__ import annotations

from typing import Any

import libcst as cst

from torch2jax.infer.narrowing import decided_test
from torch2jax.rewrite.assignments import assigned_place
from torch2jax.rewrite.blocks import body, error_comments, own_parts, suite
from torch2jax.rewrite.comments import with_lost_comments
from torch2jax.rewrite.contexts import NO_GRAD, called_api, dropped_contexts, translated_body
from torch2jax.rewrite.custom_vjp import class_of, functions
from torch2jax.rewrite.definitions import class_definition, function_definition
from torch2jax.rewrite.freezing import frozen_loop
from torch2jax.rewrite.host import received_lines
from torch2jax.rewrite.orders import depends_on_order, put_in_order, walked
from torch2jax.rewrite.references import is_any_module
from torch2jax.rewrite.rewriter import STATEMENTS, Rewriter, attribute, call, expression_line, rewrites
from torch2jax.rewrite.rule_calls import flag
from torch2jax.rewrite.statements import transposition
from torch2jax.source.nodes import walk


@rewrites(STATEMENTS, cst.If)
def if_(rewriter: Rewriter, node: cst.If) -> list[Any]:
    """``if``, ``elif``, ``else``."""
    if rewriter.gradient is not None and rewriter.gradient.always(rewriter, node):
        return body(rewriter, node.body.body)
    decided = decided_test(rewriter.facts.special, node.test)
    if decided is not None:
        return with_lost_comments(node, _taken(rewriter, node, node.body if decided else node.orelse))
    test = rewriter.expr(node.test)
    new_body = suite(rewriter, node.body)
    orelse = node.orelse
    if isinstance(orelse, cst.If):
        held, rewriter.before = rewriter.before, []
        replaced = if_(rewriter, orelse)[0]
        if rewriter.before:
            inner = [*rewriter.before, replaced]
            replaced = cst.Else(cst.IndentedBlock(inner))
        rewriter.before = held
        orelse = replaced
    elif isinstance(orelse, cst.Else):
        orelse = orelse.with_changes(body=suite(rewriter, orelse.body))
    return [node.with_changes(test=test, body=new_body, orelse=orelse)]


def _taken(rewriter: Rewriter, node: cst.If, taken: Any) -> list[Any]:
    """The branch of an ``if`` that is decided, in its place."""
    block = taken.body if isinstance(taken, cst.Else) else taken
    if isinstance(block, cst.If):
        return list(if_(rewriter, block))
    lines = suite(rewriter, block).body if block is not None else []
    lines = [cst.SimpleStatementLine([line]) if isinstance(line, cst.BaseSmallStatement) else line for line in lines]
    if lines:
        lines[0] = lines[0].with_changes(leading_lines=[*node.leading_lines, *lines[0].leading_lines])
    return lines


def _else(rewriter: Rewriter, node: cst.Else | None) -> cst.Else | None:
    return None if node is None else node.with_changes(body=suite(rewriter, node.body))


@rewrites(STATEMENTS, cst.For)
def for_(rewriter: Rewriter, node: cst.For) -> list[Any]:
    """``for``; targets that want another layout are brought into it first."""
    frozen = frozen_loop(rewriter, node)
    if frozen is not None:
        return with_lost_comments(node, [expression_line(frozen).with_changes(leading_lines=node.leading_lines)])
    if not depends_on_order(rewriter, node):
        rewriter.unordered.update(walked(rewriter, node.iter))
    iterable = put_in_order(rewriter, node.iter, rewriter.expr(node.iter))
    prefix = received_lines(rewriter, [node.target])
    prefix += [
        transposition(rewriter, part, rewriter.facts.definitions[part])
        for part in walk(node.target)
        if part in rewriter.facts.definitions
    ]
    target = assigned_place(rewriter, node.target)
    target, iterable = _modules_loop(rewriter, node, target, iterable)
    return [
        node.with_changes(
            iter=iterable, target=target, body=suite(rewriter, node.body, prefix), orelse=_else(rewriter, node.orelse)
        )
    ]


def _modules_loop(rewriter: Rewriter, node: cst.For, target: Any, iterable: Any) -> tuple[Any, Any]:
    """``for m in self.modules()`` is ``for _, m in nnx.iter_modules(self)``, where the order does not matter."""
    note = rewriter.facts.special.get(node.iter)
    is_plain = isinstance(node.iter, cst.Call) and isinstance(node.target, cst.Name)
    if note == ("module_method", "modules") and is_plain and node.iter in rewriter.unordered:
        assert isinstance(node.iter, cst.Call)
        assert isinstance(node.iter.func, cst.Attribute)
        receiver = rewriter.expr(node.iter.func.value)
        rewriter.helpers.discard("modules")
        pair = cst.Tuple([cst.Element(cst.Name("_")), cst.Element(target)], lpar=[], rpar=[])
        return pair, call(attribute(rewriter.root("nnx"), "iter_modules"), [receiver])
    return target, iterable


@rewrites(STATEMENTS, cst.While)
def while_(rewriter: Rewriter, node: cst.While) -> list[Any]:
    """``while``; its test cannot be preceded by assignments."""
    held, rewriter.before = rewriter.before, []
    test = rewriter.expr(node.test)
    if rewriter.before:
        flag(rewriter, node.test, "T2J105", "the test of this while assigns to an array", "assign before the test")
    rewriter.before = held
    return [node.with_changes(test=test, body=suite(rewriter, node.body), orelse=_else(rewriter, node.orelse))]


@rewrites(STATEMENTS, cst.With)
def with_(rewriter: Rewriter, node: cst.With) -> list[Any]:
    """``with``: contexts without a meaning in JAX fall away."""
    kept, after = dropped_contexts(rewriter, node)
    stopped = any(called_api(rewriter, item.item) in NO_GRAD for item in node.items)

    def block() -> Any:
        indented = isinstance(node.body, cst.IndentedBlock)
        return suite(rewriter, node.body) if kept or not indented else cst.IndentedBlock(body(rewriter, node.body.body))

    inner = translated_body(rewriter, node, block) if stopped else block()
    if not kept:
        lines: list[Any] = list(inner.body)
        if lines and hasattr(lines[0], "leading_lines"):
            lines[0] = lines[0].with_changes(leading_lines=[*node.leading_lines, *lines[0].leading_lines])
        return [*lines, *after]
    items = [rewriter.generic(item) for item in kept]
    if kept[-1] is not node.items[-1]:
        items[-1] = items[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
    return [node.with_changes(items=items, body=inner), *after]


@rewrites(STATEMENTS, cst.Try, cst.TryStar)
def try_(rewriter: Rewriter, node: Any) -> list[Any]:
    """``try``, its handlers and its ends."""
    match rewriter.facts.special.get(node):
        case ("tried", which):
            lines = list(suite(rewriter, node.body if which == "body" else node.handlers[0].body).body)
            return with_lost_comments(node, [lines[0].with_changes(leading_lines=node.leading_lines), *lines[1:]])
    handlers = []
    for handler in node.handlers:
        caught = rewriter.expr(handler.type) if handler.type is not None else None
        lines = [*handler.leading_lines, *error_comments(rewriter, own_parts(handler))]
        handlers.append(handler.with_changes(leading_lines=lines, type=caught, body=suite(rewriter, handler.body)))
    final = node.finalbody
    if final is not None:
        final = final.with_changes(body=suite(rewriter, final.body))
    return [
        node.with_changes(
            body=suite(rewriter, node.body), handlers=handlers, orelse=_else(rewriter, node.orelse), finalbody=final
        )
    ]


@rewrites(STATEMENTS, cst.Match)
def match_(rewriter: Rewriter, node: cst.Match) -> list[Any]:
    """``match``: subject, patterns, guards and bodies."""
    cases = []
    for case in node.cases:
        guard = rewriter.expr(case.guard) if case.guard is not None else None
        pattern = case.pattern
        if guard is None and isinstance(pattern, cst.MatchClass) and not (pattern.patterns or pattern.kwds):
            pattern, guard = _module_pattern(rewriter, node.subject, pattern)
        spaced = {} if guard is case.guard else _GUARD
        pattern = rewriter.expr(pattern)
        lines = [*case.leading_lines, *error_comments(rewriter, own_parts(case))]
        inner = suite(rewriter, case.body)
        cases.append(case.with_changes(leading_lines=lines, pattern=pattern, guard=guard, body=inner, **spaced))
    return [node.with_changes(subject=rewriter.expr(node.subject), cases=cases)]


_GUARD = {"whitespace_before_if": cst.SimpleWhitespace(" "), "whitespace_after_if": cst.SimpleWhitespace(" ")}


def _module_pattern(rewriter: Rewriter, subject: cst.BaseExpression, pattern: cst.MatchClass) -> tuple[Any, Any]:
    """``case nn.Module():`` where the module may be a plain function in Flax: any callable."""
    if not is_any_module(rewriter, pattern.cls, rewriter.kind(subject)):
        return pattern, None
    return cst.MatchAs(), call(cst.Name("callable"), [rewriter.expr(subject)])


@rewrites(STATEMENTS, cst.FunctionDef)
def function_(rewriter: Rewriter, node: cst.FunctionDef) -> list[Any]:
    """``def``."""
    return [function_definition(rewriter, node)]


@rewrites(STATEMENTS, cst.ClassDef)
def class_(rewriter: Rewriter, node: cst.ClassDef) -> list[Any]:
    """``class``."""
    cls = class_of(rewriter, node)
    if cls is not None:
        return with_lost_comments(node, functions(rewriter, node, cls))
    return [class_definition(rewriter, node)]
