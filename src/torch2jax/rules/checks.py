"""What must hold of a rule beyond its grammar: names that fit, branches that can be reached."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from torch2jax.rules import expr as ex
from torch2jax.rules.guards import decide
from torch2jax.rules.model import UNKNOWN, Branch, Expr, Param, Rule
from torch2jax.rules.templates import Scope


def check_rule(rule: Rule, node: ast.FunctionDef, scope: Scope) -> None:
    """Checks of the whole rule. Raises RuleError."""
    if rule.kind == "constant" and rule.params:
        raise scope.error(node, "a constant has no parameters")
    families = [name for name in rule.names if name.endswith(".*")]
    if families and any(branch.refusal is None for branch in rule.branches):
        raise scope.error(node, f'a rule for a whole namespace, "{families[0]}", can only `raise Unsupported(...)`')
    if rule.kind == "attribute" and [param.name for param in rule.params] != ["self"]:
        raise scope.error(node, "an attribute has one parameter, `self`")
    if any(name.startswith("torch.Tensor.") for name in rule.names) and rule.kind == "rule":
        _check_receiver(rule, node, scope)
    if rule.mode == "reduce":
        _check_names(rule, node, scope, "dim")
    if rule.fields and not (isinstance(rule.result, tuple) and len(rule.result) == len(rule.fields)):
        raise scope.error(node, f"`fields=` names {len(rule.fields)} results, the annotation `->` says something else")
    if rule.view and rule.fresh:
        raise scope.error(node, "a rule is a view or fresh, not both")
    images = [param.name for param in rule.params if param.annotation == "Image"]
    if images and rule.layout is None:
        raise scope.error(node, f"`{images[0]}: Image` needs a `layout=` in the decorator")
    if rule.result == "Module":
        _check_late_parameters(rule, node, scope)


def _check_receiver(rule: Rule, node: ast.FunctionDef, scope: Scope) -> None:
    first = rule.params[0] if rule.params else None
    if first is None or first.kind not in ("pos", "pos_only") or first.annotation not in ("Tensor", "Image"):
        raise scope.error(node, "the first parameter of a method is `self: Tensor`")


def _check_names(rule: Rule, node: ast.FunctionDef, scope: Scope, name: str) -> None:
    if not any(param.name == name for param in rule.params):
        raise scope.error(node, f'`mode="{rule.mode}"` needs a parameter called `{name}`')


def _check_late_parameters(rule: Rule, node: ast.FunctionDef, scope: Scope) -> None:
    """A lambda that is the module reads its names when it is called, long after a loop has changed them."""
    for branch in rule.branches:
        for part in ex.walk(branch.template) if branch.template else ():
            if part[0] == "lambda" and ex.params_of(part[2]):
                name = sorted(ex.params_of(part[2]))[0]
                raise scope.error(
                    ast.Pass(lineno=branch.line, col_offset=node.col_offset + 4),
                    f"`{name}` inside a lambda is read when the module is called, not when it is built; "
                    f"use `partial(helper, {name}={name})`",
                )


def check_branches(branches: Sequence[Branch], params: Sequence[Param], scope: Scope) -> None:
    """Every guard must be able to be true and to be false, and differ from those before it. Raises RuleError."""
    required = {param.name for param in params if param.required}
    seen: list[Expr] = []
    for branch in branches:
        guard = branch.guard
        if guard is None:
            continue
        place = ast.Pass(lineno=branch.line, col_offset=4)
        if not ex.params_of(guard):
            raise scope.error(place, "a guard must ask about a parameter")
        for conjunct in guard[2] if guard[:2] == ("bool", "and") else (guard,):
            if conjunct in seen:
                raise scope.error(place, f"this branch is never reached: `{ex.unparse(conjunct)}` is asked above")
        seen.append(guard)
        for part in ex.walk(guard):
            if part[0] == "fn" and part[1] == "given" and part[2][0][1] in required:
                raise scope.error(place, f"`given({part[2][0][1]})` is always true: the parameter has no default")
        verdict = decide(guard, {}).value
        if verdict is not UNKNOWN:
            raise scope.error(place, f"the guard `{ex.unparse(guard)}` is always {verdict}")


def flax_classes(rule: Rule) -> tuple[str, ...]:
    """What a Module rule builds: `nnx.Linear` or `helpers.BatchNorm`, each once; empty for stateless callables."""
    found: list[str] = []
    for branch in rule.branches:
        for result in _results(branch.template) if branch.template else ():
            if result[0] != "call":
                continue
            callee = f"helpers.{result[1][1]}" if result[1][0] == "helper" else ex.dotted(result[1])
            if callee and callee != "partial" and callee not in found:
                found.append(callee)
    return tuple(found)


def _results(template: Expr) -> Iterator[Expr]:
    if template[0] == "if":
        yield from _results(template[2])
        yield from _results(template[3])
    else:
        yield template
