"""Parse one rule file with `ast` into rules. The grammar is that of docs/rules.md; what breaks it is a RuleError."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from torch2jax.rules import checks
from torch2jax.rules import expr as ex
from torch2jax.rules.attributes import parse_attributes
from torch2jax.rules.docstring import parse_docstring
from torch2jax.rules.model import (
    Branch,
    Call,
    Expr,
    Layout,
    Param,
    ParamKind,
    Refusal,
    Result,
    Rule,
    RuleKind,
    StateMap,
)
from torch2jax.rules.signatures import Signatures, default_signatures
from torch2jax.rules.state import parse_state
from torch2jax.rules.templates import DTYPES, ROOTS, RuleError, Scope, near, parse, parse_literal

ANNOTATIONS: Final = frozenset(
    {
        "Tensor", "Image", "Tensors", "Scalar", "Axis", "Shape", "Dtype", "Device", "Ignored", "Dropped", "Inplace",
        "IsFalse", "IsTrue", "Out", "int", "float", "bool", "str", "Pattern", "Callable", "Module", "Parameters",
        "Optimizer", "Scheduler",
    }
)  # fmt: skip
RESULTS: Final = frozenset(
    {
        "Tensor", "Tensors", "Scalar", "Module", "Shape", "int", "float", "bool", "str", "Dtype", "Device",
        "Callable", "None", "Optimizer", "Scheduler", "Object", "NDArray",
    }
)  # fmt: skip
MODES: Final = frozenset({"opaque", "pointwise", "along", "reduce", "permute", "init", "spatial"})
# Names that templates of a mode know besides the roots.
_MODE_NAMES: Final = {"init": frozenset({"in_axis", "out_axis"}), "spatial": frozenset({"channel_axis"})}
OPTIONS: Final = ("layout", "mode", "rank", "dtype", "fresh", "view", "fields", "pooled")
IMPORT: Final = "from torch2jax.rulebook import *"


@dataclass(slots=True)
class _File:
    """One rule file while it is parsed: the rules so far, by function name."""

    path: Path
    shown: str
    lines: Sequence[str]
    signatures: Signatures
    rules: list[Rule]
    errors: list[RuleError]

    def scope(self, params: Sequence[Param] = (), roots: Collection[str] = ROOTS, *, guard: bool = False) -> Scope:
        names = {param.name: param.kind for param in params}
        return Scope(self.shown, self.lines, names, self.signatures, frozenset() if guard else roots, guard)


def parse_file(path: Path, *, shown: str | None = None, signatures: Signatures | None = None) -> list[Rule]:
    """The rules of a file. Raises RuleError for the first mistake; `shown` is the path for messages and rules."""
    rules, errors = check_source(path.read_text(encoding="utf-8"), path, shown=shown, signatures=signatures)
    if errors:
        raise errors[0]
    return rules


def check_source(
    source: str, path: Path, *, shown: str | None = None, signatures: Signatures | None = None
) -> tuple[list[Rule], list[RuleError]]:
    """The rules that parse and the first mistake of each definition that does not."""
    file = _File(path, shown or str(path), source.split("\n"), signatures or default_signatures(), [], [])
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        return [], [RuleError(file.shown, error.lineno or 1, error.offset or 1, f"not Python: {error.msg}")]
    for position, node in enumerate(tree.body):
        try:
            _statement(node, position, file)
        except RuleError as error:
            file.errors.append(error)
    return file.rules, file.errors


def _statement(node: ast.stmt, position: int, file: _File) -> None:
    scope = file.scope()
    if position == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        if ast.unparse(node) != IMPORT:
            raise scope.error(node, f"a rule file has one import, `{IMPORT}`; it is parsed and never run")
        return
    if not isinstance(node, ast.FunctionDef):
        raise scope.error(
            node, "a rule file holds a docstring, the import of the vocabulary and decorated functions only"
        )
    if len(node.decorator_list) != 1:
        raise scope.error(
            node,
            f"`{node.name}` needs exactly one decorator: @rule, @attribute, @constant, @X.state, @X.attributes or "
            "@X.call",
        )
    decorator = node.decorator_list[0]
    if isinstance(decorator, ast.Attribute) and isinstance(decorator.value, ast.Name):
        _attached(node, decorator, decorator.value.id, file)
    elif isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name):
        before = next((rule.line for rule in file.rules if rule.function == node.name != "_"), None)
        if before is not None:
            raise scope.error(node, f"`{node.name}` is the name of the function in line {before} already")
        file.rules.append(_rule(node, decorator, decorator.func.id, file))
    else:
        raise scope.error(
            decorator, "a decorator is @rule(...), @attribute(...), @constant(...), @X.state, @X.attributes or @X.call"
        )


def _attached(node: ast.FunctionDef, decorator: ast.Attribute, owner: str, file: _File) -> None:
    """A `@X.state`, `@X.attributes` or `@X.call` function: it completes the last rule whose function is called X."""
    scope = file.scope()
    found = [index for index, rule in enumerate(file.rules) if rule.function == owner]
    if not found:
        raise scope.error(
            decorator, f"there is no rule function `{owner}` above{near(owner, [r.function for r in file.rules])}"
        )
    rule = file.rules[found[-1]]
    if rule.result != "Module":
        raise scope.error(decorator, f"`.{decorator.attr}` belongs to rules with `-> Module`; `{owner}` is none")
    if decorator.attr == "state":
        if rule.state is not None:
            raise scope.error(decorator, f"`{owner}` has a `.state` function already")
        state: StateMap = parse_state(node, scope)
        if not checks.flax_classes(rule):
            raise scope.error(decorator, f"`.state` of `{owner}`: no branch of the rule builds a flax object by a call")
        rule = replace(rule, state=state)
    elif decorator.attr == "attributes":
        if rule.attributes:
            raise scope.error(decorator, f"`{owner}` has an `.attributes` function already")
        rule = replace(rule, attributes=parse_attributes(node, rule, scope))
    elif decorator.attr == "call":
        if rule.call is not None:
            raise scope.error(decorator, f"`{owner}` has a `.call` function already")
        params = _params(node, file)
        if not params or params[0].name != "self":
            raise scope.error(node, "the first parameter of a `.call` function is `self`, the flax object")
        if rule.layout is None and any(param.annotation == "Image" for param in params):
            raise scope.error(node, "`Image` in a `.call` needs a `layout=` in the decorator of the rule")
        branches, _ = _branches(node, params, file, ROOTS)
        rule = replace(rule, call=Call(params, _result(node.returns, file), branches, node.lineno))
    else:
        raise scope.error(
            decorator, f"unknown decorator `@{owner}.{decorator.attr}`: there are `.state`, `.attributes` and `.call`"
        )
    file.rules[found[-1]] = rule


def _rule(node: ast.FunctionDef, decorator: ast.Call, word: str, file: _File) -> Rule:
    scope = file.scope()
    if word not in ("rule", "attribute", "constant"):
        raise scope.error(decorator, f"unknown decorator `@{word}`{near(word, ['rule', 'attribute', 'constant'])}")
    kind: RuleKind = word  # type: ignore[assignment]
    names = _names(decorator, scope)
    params = _params(node, file)
    result = _result(node.returns, file)
    options = _options(decorator, params, result, file)
    mode = options.get("mode", "opaque")
    roots = ROOTS | _MODE_NAMES.get(mode, frozenset())
    doc, examples, body = parse_docstring(node, scope)
    branches, caveats = _branches(node, params, file, roots, body)
    view = options.get("view", False)
    rule = Rule(
        names=names,
        kind=kind,
        params=params,
        result=result,
        branches=branches,
        caveats=caveats,
        doc=doc,
        examples=examples,
        layout=options.get("layout"),
        mode=mode,
        rank=options.get("rank"),
        dtype=options.get("dtype"),
        fresh=options.get("fresh", not view and mode != "permute"),
        view=view,
        fields=options.get("fields", ()),
        pooled=options.get("pooled"),
        state=None,
        call=None,
        function=node.name,
        file=file.shown,
        line=node.lineno,
    )
    checks.check_rule(rule, node, scope)
    return rule


def _names(decorator: ast.Call, scope: Scope) -> tuple[str, ...]:
    names = []
    for argument in decorator.args:
        if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
            raise scope.error(argument, 'a rule\'s names are string literals such as "torch.nn.Linear"')
        parts = argument.value.removesuffix(".*").split(".")
        if not all(part.isidentifier() for part in parts) or "." not in argument.value:
            raise scope.error(argument, f'"{argument.value}" is not a qualified name such as "torch.nn.Linear"')
        if argument.value in names:
            raise scope.error(argument, f'the name "{argument.value}" is given twice')
        names.append(argument.value)
    if not names:
        raise scope.error(decorator, "the decorator needs at least one qualified name")
    return tuple(names)


# --- options -----------------------------------------------------------------------------------------------------


def _options(decorator: ast.Call, params: Sequence[Param], result: Result, file: _File) -> dict[str, Any]:
    scope = file.scope()
    options: dict[str, Any] = {}
    for keyword in decorator.keywords:
        name = keyword.arg
        if name not in OPTIONS:
            raise scope.error(keyword, f"unknown option `{name}`{near(name or '', OPTIONS)}")
        if name == "rank":
            options[name] = _rank(keyword.value, params, result, file)
            continue
        if not isinstance(keyword.value, (ast.Constant, ast.Tuple)):
            raise scope.error(keyword.value, f"`{name}=` takes a literal")
        value: object = ast.literal_eval(keyword.value)
        if name == "pooled":
            options[name] = _pooled(value, keyword.value, params, scope)
            continue
        options[name] = _OPTION_CHECKS[name](value, keyword.value, scope)
    return options


def _pooled(value: object, node: ast.expr, params: Sequence[Param], scope: Scope) -> str:
    if not isinstance(value, str) or value not in {param.name for param in params}:
        raise scope.error(node, '`pooled=` names the parameter that gives the sizes of the result, as in "output_size"')
    return value


def _rank(node: ast.expr, params: Sequence[Param], result: Result, file: _File) -> Expr:
    called_with = [Param("input", "pos", None, True, "Tensor")] if result == "Module" else []
    rank = parse(node, file.scope([*params, *called_with], frozenset()))
    for part in ex.walk(rank):
        if part[0] not in ("const", "fn", "bin", "param", "un"):
            raise file.scope().error(node, "`rank=` is an int, or arithmetic over `rank(x)` and `len(shape)`")
    return rank


def _layout(value: object, node: ast.expr, scope: Scope) -> Layout:
    source, arrow, target = value.partition("->") if isinstance(value, str) else ("", "", "")
    names, order = tuple(source.split()), tuple(target.split())
    if not arrow or not names or sorted(names) != sorted(order) or len(set(names)) != len(names):
        raise scope.error(
            node, '`layout=` names the same axes on both sides, as in "N C H W -> N H W C" or "N C ... -> N ... C"'
        )
    return Layout(None if "..." in names else len(names), names, order)


def _mode(value: object, node: ast.expr, scope: Scope) -> str:
    if value not in MODES:
        raise scope.error(node, f"`mode=` is one of {', '.join(sorted(MODES))}{near(str(value), MODES)}")
    return str(value)


def _dtype(value: object, node: ast.expr, scope: Scope) -> str:
    if value not in DTYPES:
        raise scope.error(node, f"`dtype=` is one of {', '.join(sorted(DTYPES))}")
    return str(value)


def _flag(value: object, node: ast.expr, scope: Scope) -> bool:
    if not isinstance(value, bool):
        raise scope.error(node, "`fresh=` and `view=` are True or False")
    return value


def _fields(value: object, node: ast.expr, scope: Scope) -> tuple[str, ...]:
    if not isinstance(value, tuple) or not all(isinstance(name, str) for name in value):
        raise scope.error(node, '`fields=` is a tuple of names, as in ("values", "indices")')
    return value


_OPTION_CHECKS: Final[dict[str, Callable[[object, ast.expr, Scope], object]]] = {
    "layout": _layout, "mode": _mode, "dtype": _dtype, "fresh": _flag, "view": _flag, "fields": _fields,
}  # fmt: skip


# --- signature ---------------------------------------------------------------------------------------------------


def _params(node: ast.FunctionDef, file: _File) -> tuple[Param, ...]:
    arguments = node.args
    params: list[Param] = []
    positional = [(argument, "pos_only") for argument in arguments.posonlyargs]
    positional += [(argument, "pos") for argument in arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    defaults += arguments.defaults
    for (argument, kind), default in zip(positional, defaults, strict=True):
        params.append(_param(argument, kind, default, file))  # type: ignore[arg-type]
    if arguments.vararg:
        params.append(_param(arguments.vararg, "var_pos", None, file))
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        params.append(_param(argument, "kw_only", default, file))
    if arguments.kwarg:
        params.append(_param(arguments.kwarg, "var_kw", None, file))
    return tuple(params)


def _param(argument: ast.arg, kind: ParamKind, default: ast.expr | None, file: _File) -> Param:
    scope = file.scope()
    annotation = None
    if argument.annotation is not None:
        if not isinstance(argument.annotation, ast.Name) or argument.annotation.id not in ANNOTATIONS:
            shown = ast.unparse(argument.annotation)
            raise scope.error(
                argument.annotation,
                f"unknown annotation `{shown}` of `{argument.arg}`: there are {', '.join(sorted(ANNOTATIONS))}",
            )
        annotation = argument.annotation.id
    value = None if default is None else parse_literal(default, scope)
    required = default is None and kind not in ("var_pos", "var_kw")
    return Param(argument.arg, kind, value, required, annotation)


def _result(node: ast.expr | None, file: _File) -> Result:
    if node is None:
        return None
    if isinstance(node, ast.Constant) and node.value is None:
        return "None"
    if isinstance(node, ast.Name) and node.id in RESULTS:
        return node.id
    if isinstance(node, ast.Tuple):
        return tuple(_result(item, file) for item in node.elts)
    raise file.scope().error(
        node, f"unknown result `{ast.unparse(node)}`: there are {', '.join(sorted(RESULTS))} and tuples of them"
    )


# --- body --------------------------------------------------------------------------------------------------------


def _branches(
    node: ast.FunctionDef,
    params: Sequence[Param],
    file: _File,
    roots: Collection[str],
    body: Sequence[ast.stmt] | None = None,
) -> tuple[tuple[Branch, ...], tuple[str, ...]]:
    """The branches and the caveats of a function body."""
    scope = file.scope(params, roots)
    branches: list[Branch] = []
    caveats: list[str] = []
    statements = list(parse_docstring(node, scope)[2] if body is None else body)
    for statement in statements:
        if branches and branches[-1].guard is None:
            raise scope.error(statement, "this is never reached: an unguarded `return` or `raise` stands before it")
        caveat = _caveat(statement, scope)
        if caveat is not None:
            if branches:
                raise scope.error(statement, "`caveat(...)` comes before the branches")
            caveats.append(caveat)
        elif isinstance(statement, ast.If):
            guard = _guard(statement, params, file)
            template, refusal = _outcome(statement.body[0], scope)
            branches.append(Branch(guard, template, refusal, statement.lineno))
        else:
            template, refusal = _outcome(statement, scope)
            branches.append(Branch(None, template, refusal, statement.lineno))
    if not branches or branches[-1].guard is not None:
        raise scope.error(node, f"`{node.name}` must end with an unguarded `return` (or `raise Unsupported(...)`)")
    checks.check_branches(branches, params, scope)
    return tuple(branches), tuple(caveats)


def _caveat(statement: ast.stmt, scope: Scope) -> str | None:
    if not isinstance(statement, ast.Expr):
        return None
    call = statement.value
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "caveat":
        return _texts(call, 1, 1, scope)[0]
    raise scope.error(statement, 'only `caveat("...")`, `if`, `return` and `raise Unsupported(...)` stand in a rule')


def _guard(statement: ast.If, params: Sequence[Param], file: _File) -> Expr:
    scope = file.scope(params, guard=True)
    if statement.orelse:
        raise scope.error(
            statement.orelse[0], "no `else` or `elif`: the branches are tried in order, write another `if`"
        )
    if len(statement.body) != 1:
        raise scope.error(statement.body[1], "a branch is one `return` or one `raise Unsupported(...)`")
    return parse(statement.test, scope)


def _outcome(statement: ast.stmt, scope: Scope) -> tuple[Expr | None, Refusal | None]:
    if isinstance(statement, ast.Return):
        if statement.value is None:
            return ex.NONE, None
        return parse(statement.value, scope), None
    if isinstance(statement, ast.Raise):
        call = statement.exc
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Unsupported":
            return None, Refusal(*_texts(call, 1, 2, scope))
        raise scope.error(statement, 'a rule raises `Unsupported("reason", "what to do instead")` only')
    raise scope.error(
        statement,
        f"`{type(statement).__name__.lower()}` is not part of the rule language: a branch is `return <template>` or "
        '`raise Unsupported("reason", "what to do instead")`',
    )


def _texts(call: ast.Call, least: int, most: int, scope: Scope) -> list[str]:
    texts = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
    strings = [text for text in texts if isinstance(text, str) and text.strip()]
    if call.keywords or len(strings) != len(call.args) or not least <= len(strings) <= most:
        raise scope.error(call, f"`{ast.unparse(call.func)}` takes {'one text' if most == 1 else 'one or two texts'}")
    return strings
