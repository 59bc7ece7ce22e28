"""Every template of the shipped rules fills to Python, whatever is known of the arguments."""

import ast

import libcst as cst
import pytest

from torch2jax.rewrite.fill import FillArg, FillContext, fill, fill_args
from torch2jax.rules.bind import Arg, Bound, bind
from torch2jax.rules.cache import load_book
from torch2jax.rules.model import Branch, Call, Param, Rule

BOOK = load_book()
ARGUMENTS = {
    "name": lambda param: cst.Name(f"the_{param.name}"),
    "operation": lambda param: cst.parse_expression(f"the_{param.name} + 1 if the_{param.name} else lambda: 0"),
}


def templates() -> list[tuple[Rule | Call, Branch]]:
    found: list[tuple[Rule | Call, Branch]] = []
    for rule in BOOK.rules():
        found += [(rule, branch) for branch in rule.branches if branch.template is not None]
        if rule.call is not None:
            found += [(rule.call, branch) for branch in rule.call.branches if branch.template is not None]
    return found


def value(param: Param, style: str) -> FillArg:
    if param.kind in ("var_pos", "var_kw"):
        items = tuple(FillArg(cst.Name(f"{param.name}_{number}"), annotation=param.annotation) for number in range(2))
        return FillArg(items=items, annotation=param.annotation)
    return FillArg(ARGUMENTS[style](param), annotation=param.annotation)


def check(source: str, allowed: set[str]) -> None:
    """Python, in which nothing is free but the arguments and what the result says it needs."""
    tree = ast.parse(source, mode="eval")
    bound = {arg.arg for node in ast.walk(tree) if isinstance(node, ast.Lambda) for arg in node.args.args}
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not {name for name in used - allowed - bound if not name.startswith("the_")}, source


@pytest.mark.parametrize("style", ARGUMENTS)
def test_every_template_fills(style: str) -> None:
    for rule, branch in templates():
        values = {param.name: value(param, style) for param in rule.params}
        assert branch.template is not None
        filled = fill(branch.template, values, FillContext())
        items = {f"{param.name}_{number}" for param in rule.params for number in range(2)}
        check(
            cst.Module([]).code_for_node(filled.expression),
            {*filled.names, *filled.builtins, *filled.helpers, *items, "rngs"},
        )


def test_every_default_call_fills() -> None:
    for rule in BOOK.rules():
        required = [Arg(cst.Name(f"the_{param.name}")) for param in rule.params if param.required]
        positional = [arg for arg, param in zip(required, rule.params, strict=False) if param.kind != "kw_only"]
        keywords = {param.name: Arg(cst.Name(f"the_{param.name}")) for param in rule.params if param.required}
        keywords = {name: arg for name, arg in keywords.items() if rule.param(name).kind == "kw_only"}
        flags = {"IsTrue": True, "IsFalse": False}  # overloads for one value of a flag
        keywords |= {
            param.name: Arg(cst.Name(str(flags[param.annotation])), flags[param.annotation], "bool")
            for param in rule.params
            if param.annotation in flags
        }
        bound = bind(rule, positional, keywords)
        assert isinstance(bound, Bound), (rule.file, rule.line, bound)
        for branch in rule.branches:
            if branch.template is None:
                continue
            filled = fill(branch.template, fill_args(bound, lambda arg: arg.node), FillContext())
            names = {*filled.names, *filled.builtins, *filled.helpers, "rngs"}
            check(cst.Module([]).code_for_node(filled.expression), names)
