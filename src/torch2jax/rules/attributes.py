"""The `.attributes` functions of rules: what a torch layer's attributes are on the flax object."""

from __future__ import annotations

import ast
from typing import Final

from torch2jax.rules import expr as ex
from torch2jax.rules.model import Branch, Expr, Param, Result, Rule
from torch2jax.rules.templates import ROOTS, Scope, parse

_FORM: Final = "an `.attributes` statement is `torch.<name>: <kind> = <template over flax>`; the kind may be left out"
_KINDS: Final = ("int", "float", "bool", "str")
_FLAX: Final = Param("flax", "pos", None, True, None)


def parse_attributes(node: ast.FunctionDef, rule: Rule, scope: Scope) -> tuple[Rule, ...]:
    """A rule for each attribute that a function `def _(torch, flax)` gives. Raises RuleError."""
    names = [argument.arg for argument in node.args.args]
    if names not in (["torch", "flax"], ["torch"]):
        raise scope.error(node, "an `.attributes` function is `def _(torch, flax):`, or `def _(torch):` for a function")
    params = (_FLAX,) if len(names) == 2 else rule.params
    known = {param.name: param.kind for param in params}
    inner = Scope(scope.file, scope.lines, known, scope.signatures, ROOTS - {"rngs"})
    found: dict[str, Rule] = {}
    for position, statement in enumerate(node.body):
        if position == 0 and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue
        name, kind, value = _parts(statement, scope)
        if name in found:
            raise scope.error(statement, f"`torch.{name}` is given twice")
        if rule.state is not None and any(entry.torch == name for entry in rule.state.entries):
            raise scope.error(statement, f"`torch.{name}` is in the state of `{rule.function}` already")
        template = parse(value, inner)
        if not ex.params_of(template):
            source = "`flax`" if len(names) == 2 else "the parameters of the rule"
            raise scope.error(value, f"`torch.{name}` must be read from {source}")
        found[name] = _attribute(rule, name, params, _kind(kind, scope), template, statement.lineno)
    if not found:
        raise scope.error(node, f"an empty `.attributes` function: leave it out; {_FORM}")
    return tuple(found.values())


def _parts(statement: ast.stmt, scope: Scope) -> tuple[str, ast.expr | None, ast.expr]:
    """Name, annotation and value of a statement."""
    target: ast.expr | None = None
    kind: ast.expr | None = None
    if isinstance(statement, ast.AnnAssign):
        target, kind = statement.target, statement.annotation
    elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
    value = getattr(statement, "value", None)
    if (
        not isinstance(target, ast.Attribute)
        or not isinstance(target.value, ast.Name)
        or target.value.id != "torch"
        or not isinstance(value, ast.expr)
    ):
        raise scope.error(statement, _FORM)
    return target.attr, kind, value


def _kind(node: ast.expr | None, scope: Scope) -> Result:
    if node is None:
        return None
    if isinstance(node, ast.Name) and node.id in _KINDS:
        return node.id
    if isinstance(node, ast.Tuple):
        return tuple(_kind(item, scope) for item in node.elts)
    raise scope.error(node, f"unknown kind `{ast.unparse(node)}`: int, float, bool, str, and tuples of them")


def _attribute(rule: Rule, name: str, params: tuple[Param, ...], kind: Result, template: Expr, line: int) -> Rule:
    return Rule(
        names=tuple(f"{owner}.{name}" for owner in rule.names),
        kind="attribute",
        params=params,
        result=kind,
        branches=(Branch(None, template, None, line),),
        caveats=(),
        doc="",
        examples=(),
        layout=None,
        mode="opaque",
        rank=None,
        dtype=None,
        fresh=True,
        view=False,
        fields=(),
        pooled=None,
        state=None,
        call=None,
        function=name,
        file=rule.file,
        line=line,
    )


def assignable(template: Expr) -> str | None:
    """The flax attribute that an assignment to torch's goes to: the one that the template reads, if it reads but one.

    The template must be that attribute, a function of it alone that leaves a value in torch's form as it is, or its
    difference from a number, which is its own inverse.
    """
    match template:
        case ("attr", ("param", "flax"), name):
            return str(name)
        case ("fn", _, (("attr", ("param", "flax"), name),)):
            return str(name)
        case ("call", ("helper", _), (("", None, ("attr", ("param", "flax"), name)), *rest)):
            return str(name) if not any(ex.params_of(value) for _, _, value in rest) else None
        case ("bin", "-", ("const", *_), ("attr", ("param", "flax"), name)):
            return str(name)
        case ("if", _, ("const", None), inner):
            return assignable(inner)
    return None


def is_plain(template: Expr) -> bool:
    """Whether an attribute is the flax attribute itself, whatever its form."""
    return template[:2] == ("attr", ("param", "flax"))


def is_difference(template: Expr) -> bool:
    """Whether an attribute is the difference of a number and the flax attribute."""
    return bool(template[0] == "if" and is_difference(template[3])) or template[:2] == ("bin", "-")


def is_read(rule: Rule) -> bool:
    """Whether an attribute is read from a flax object, rather than kept by a class that derives from a function."""
    return rule.params == (_FLAX,)
