"""Parse the expressions of a rule: templates, guards, ranks, defaults. What the closed grammar lacks is an error."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from torch2jax.rules import expr as ex
from torch2jax.rules.model import UNKNOWN, Expr
from torch2jax.rules.signatures import Signatures

ROOTS: Final = frozenset({"jax", "jnp", "lax", "nnx", "optax", "np", "math", "partial", "einops", "operator", "rngs"})
BUILTINS: Final = frozenset(
    {
        "abs", "all", "any", "bool", "complex", "dict", "enumerate", "float", "getattr", "int", "len", "list", "map",
        "max", "min", "object", "range", "reversed", "round", "set", "slice", "sorted", "str", "sum", "tuple", "type",
        "zip",
    }
)  # fmt: skip
EXPANDERS: Final = frozenset({"single", "pair", "triple"})
# Functions of the engine, with their number of arguments.
ENGINE: Final[dict[str, int]] = {
    "rank": 1, "dtype": 1, "given": 1, "is_tensor": 1, "is_function": 1, "len": 1, "isinstance": 2,
    "single": 1, "pair": 1, "triple": 1,
}  # fmt: skip
TYPES: Final = frozenset({"int", "float", "bool", "str", "tuple", "list", "complex", "dict", "Size"})
GUARD_ONLY: Final = frozenset({"dtype", "is_tensor", "is_function"})
DTYPES: Final = frozenset({"bool", "int", "float", "complex"})

_BINARY: Final[dict[type[ast.operator], str]] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.MatMult: "@", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>",
}  # fmt: skip
_UNARY: Final[dict[type[ast.unaryop], str]] = {ast.USub: "-", ast.UAdd: "+", ast.Invert: "~", ast.Not: "not"}
_COMPARE: Final[dict[type[ast.cmpop], str]] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip


class RuleError(Exception):
    """A rule file breaks the grammar of docs/rules.md. `line` and `column` count from 1."""

    def __init__(self, file: Path | str, line: int, column: int, message: str) -> None:
        super().__init__(f"{file}:{line}:{column}: {message}")
        self.file = str(file)
        self.line = line
        self.column = column
        self.message = message

    def __reduce__(self) -> tuple[type[RuleError], tuple[str, int, int, str]]:
        """For worker processes: an exception is otherwise rebuilt from its text alone."""
        return RuleError, (self.file, self.line, self.column, self.message)


def near(name: str, names: Iterable[str]) -> str:
    """`; did you mean "x"?` where a similar name exists, or nothing."""
    matches = difflib.get_close_matches(name, list(names), n=1, cutoff=0.6)
    return f"; did you mean `{matches[0]}`?" if matches else ""


@dataclass(frozen=True, slots=True)
class Scope:
    """What the names in an expression may mean."""

    file: Path | str
    lines: Sequence[str]
    params: Mapping[str, str]
    signatures: Signatures
    roots: Collection[str] = ROOTS
    guard: bool = False
    locals: frozenset[str] = field(default=frozenset())

    def error(self, node: ast.AST, message: str) -> RuleError:
        """The mistake at a node."""
        return RuleError(self.file, getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1, message)

    def nested(self, names: Iterable[str]) -> Scope:
        """The scope of a lambda with these parameters."""
        return Scope(
            self.file, self.lines, self.params, self.signatures, self.roots, self.guard, self.locals | set(names)
        )


def parse_literal(node: ast.expr, scope: Scope) -> Expr:
    """A default: a literal, `math.inf`, or a tuple of such."""
    parsed = parse(node, Scope(scope.file, scope.lines, {}, scope.signatures, frozenset({"math"})))
    if ex.literal(parsed) is UNKNOWN:
        raise scope.error(node, "a default must be a literal (or `math.inf`): the engine compares it with arguments")
    return parsed


def parse(node: ast.expr, scope: Scope) -> Expr:
    """An expression of the closed grammar as nested tuples. Raises RuleError with the place of the first mistake."""
    if isinstance(node, ast.Constant):
        return _constant(node, scope)
    if isinstance(node, ast.Name):
        return _name(node, scope)
    if isinstance(node, ast.Attribute):
        return _attribute(node, scope)
    if isinstance(node, ast.Call):
        return _call(node, scope)
    if isinstance(node, ast.Subscript):
        return ("sub", parse(node.value, scope), _index(node.slice, scope))
    if isinstance(node, ast.Starred):
        return ("star", parse(node.value, scope))
    if isinstance(node, ast.Tuple):
        return ("tuple", tuple(parse(item, scope) for item in node.elts))
    if isinstance(node, ast.List):
        return ("list", tuple(parse(item, scope) for item in node.elts))
    if isinstance(node, ast.Dict):
        keys = (None if key is None else parse(key, scope) for key in node.keys)
        return ("dict", tuple(zip(keys, (parse(value, scope) for value in node.values), strict=True)))
    if isinstance(node, ast.Lambda):
        return _lambda(node, scope)
    return _operation(node, scope)


def _operation(node: ast.expr, scope: Scope) -> Expr:
    if isinstance(node, ast.BinOp):
        return ("bin", _BINARY[type(node.op)], parse(node.left, scope), parse(node.right, scope))
    if isinstance(node, ast.UnaryOp):
        return ("un", _UNARY[type(node.op)], parse(node.operand, scope))
    if isinstance(node, ast.BoolOp):
        word = "and" if isinstance(node.op, ast.And) else "or"
        return ("bool", word, tuple(parse(value, scope) for value in node.values))
    if isinstance(node, ast.Compare):
        return _compare(node, scope)
    if isinstance(node, ast.IfExp):
        test = parse(node.test, scope)
        return ("if", test, parse(node.body, scope), parse(node.orelse, scope))
    if isinstance(node, ast.Set) and scope.guard:
        return ("tuple", tuple(parse(item, scope) for item in node.elts))
    what = {
        ast.JoinedStr: "an f-string",
        ast.NamedExpr: "an assignment expression",
        ast.ListComp: "a list comprehension",
        ast.GeneratorExp: "a generator expression",
        ast.DictComp: "a dict comprehension",
        ast.Set: "a set",
    }.get(type(node), f"`{type(node).__name__}`")
    raise scope.error(
        node, f"{what} is not part of the rule language; write a function in src/torch2jax/helpers/ and call it"
    )


def _constant(node: ast.Constant, scope: Scope) -> Expr:
    value = node.value
    if isinstance(value, (int, float, complex)) and not isinstance(value, bool):
        line = scope.lines[node.lineno - 1].encode()
        text = line[node.col_offset : node.end_col_offset].decode()
        if text != ex.spell(value):
            return ("const", value, text)
    return ("const", value)


def _name(node: ast.Name, scope: Scope) -> Expr:
    name = node.id
    if name in scope.locals:
        return ("local", name)
    if name in scope.params:
        return ("param", name)
    if name in scope.roots or (name in BUILTINS and not scope.guard):
        return ("name", name)
    if name == "helpers":
        raise scope.error(node, "`helpers` must be followed by the name of a helper: `helpers.name(...)`")
    known = {*scope.params, *scope.locals, *scope.roots, "helpers", *ENGINE}
    kind = "guards" if scope.guard else "templates"
    raise scope.error(
        node, f"unknown name `{name}`: {kind} know the rule's parameters and {_listing(scope)}{near(name, known)}"
    )


def _listing(scope: Scope) -> str:
    if scope.guard:
        return "len(), rank(), dtype(), given(), is_tensor(), is_function(), isinstance()"
    return ", ".join([*sorted(scope.roots), "helpers"])


def _attribute(node: ast.Attribute, scope: Scope) -> Expr:
    if isinstance(node.value, ast.Name) and node.value.id == "helpers" and "helpers" not in scope.params:
        name = node.attr
        if name not in scope.signatures.helpers:
            raise scope.error(
                node, f"there is no helper `{name}` in src/torch2jax/helpers/{near(name, scope.signatures.helpers)}"
            )
        return ("helper", name)
    parsed: Expr = ("attr", parse(node.value, scope), node.attr)
    complaint = scope.signatures.missing(ex.dotted(parsed))
    if complaint:
        raise scope.error(node, complaint + near(node.attr, scope.signatures.members(ex.dotted(parsed[1]) or "")))
    return parsed


def _call(node: ast.Call, scope: Scope) -> Expr:
    function = node.func
    if isinstance(function, ast.Name) and function.id in ENGINE and function.id not in scope.locals:
        return _engine_call(function.id, node, scope)
    called = parse(function, scope)
    arguments: list[tuple[str, str | None, Expr]] = []
    for argument in node.args:
        if isinstance(argument, ast.Starred):
            arguments.append(("*", None, parse(argument.value, scope)))
        else:
            arguments.append(("", None, parse(argument, scope)))
    for keyword in node.keywords:
        arguments.append(("" if keyword.arg else "**", keyword.arg, parse(keyword.value, scope)))
    _check_keywords(called, node, scope)
    return ("call", called, tuple(arguments))


def _check_keywords(called: Expr, node: ast.Call, scope: Scope) -> None:
    name = f"helpers.{called[1]}" if called[0] == "helper" else ex.dotted(called)
    skip = 0
    if name == "partial" and node.args:
        called = parse(node.args[0], scope)
        name = f"helpers.{called[1]}" if called[0] == "helper" else ex.dotted(called)
        skip = 1
    signature = scope.signatures.of(name) if name else None
    if signature is None or name is None:
        return
    for keyword in node.keywords:
        if keyword.arg and not signature.accepts(keyword.arg):
            raise scope.error(keyword, f"`{name}` has no parameter `{keyword.arg}`{near(keyword.arg, signature.names)}")
    count = len(node.args) - skip
    starred = any(isinstance(argument, ast.Starred) for argument in node.args)
    if not starred and signature.most is not None and count > signature.most:
        raise scope.error(node, f"`{name}` takes at most {signature.most} positional arguments, not {count}")


def _engine_call(name: str, node: ast.Call, scope: Scope) -> Expr:
    if node.keywords or len(node.args) != ENGINE[name] or any(isinstance(arg, ast.Starred) for arg in node.args):
        raise scope.error(node, f"`{name}` takes exactly {ENGINE[name]} positional argument(s)")
    if name in GUARD_ONLY and not scope.guard:
        raise scope.error(node, f"`{name}(...)` can be asked in a guard only: write `if {name}(...): return ...`")
    if name in EXPANDERS and scope.guard:
        raise scope.error(node, f"`{name}(...)` belongs into a template, not into a guard")
    first = node.args[0]
    if name == "isinstance":
        return ("fn", name, (parse(first, scope), _types(node.args[1], scope)))
    argument = parse(first, scope)
    if name in ("rank", "dtype", "given", "is_tensor", "is_function") and argument[0] != "param":
        raise scope.error(first, f"`{name}(...)` takes a parameter of the rule")
    if name == "len" and not scope.guard and argument[0] != "param":
        return ("call", ("name", "len"), (("", None, argument),))
    return ("fn", name, (argument,))


def _types(node: ast.expr, scope: Scope) -> Expr:
    nodes: list[ast.expr] = [node]
    if isinstance(node, ast.Tuple):
        nodes = node.elts
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        nodes = _union(node)
    names = []
    for item in nodes:
        if not isinstance(item, ast.Name) or item.id not in TYPES:
            raise scope.error(item, f"isinstance() knows the types {', '.join(sorted(TYPES))}")
        names.append(item.id)
    return ("types", tuple(names))


def _union(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return [*_union(node.left), *_union(node.right)]
    return [node]


def _index(node: ast.expr, scope: Scope) -> Expr:
    if isinstance(node, ast.Slice):
        parts = (node.lower, node.upper, node.step)
        return ("slice", *(None if part is None else parse(part, scope) for part in parts))
    if isinstance(node, ast.Tuple):
        return ("tuple", tuple(_index(item, scope) for item in node.elts))
    return parse(node, scope)


def _compare(node: ast.Compare, scope: Scope) -> Expr:
    operands = [parse(operand, scope) for operand in node.comparators]
    for operator, source in zip(node.ops, node.comparators, strict=True):
        if isinstance(operator, (ast.Is, ast.IsNot)) and not (
            isinstance(source, ast.Constant) and source.value is None
        ):
            raise scope.error(source, "`is` compares with None only; use `==`")
    left = parse(node.left, scope)
    if scope.guard and left[0] == "fn" and left[1] == "dtype":
        _check_dtypes(node, scope)
    operators = (_COMPARE[type(operator)] for operator in node.ops)
    return ("cmp", left, tuple(zip(operators, operands, strict=True)))


def _check_dtypes(node: ast.Compare, scope: Scope) -> None:
    for operand in node.comparators:
        for part in ast.walk(operand):
            if isinstance(part, ast.Constant) and part.value not in DTYPES:
                raise scope.error(part, f"dtype() is one of {', '.join(sorted(DTYPES))}")


def _lambda(node: ast.Lambda, scope: Scope) -> Expr:
    arguments = node.args
    if arguments.kwonlyargs or arguments.posonlyargs or arguments.vararg or arguments.kwarg:
        raise scope.error(node, "a lambda in a template has plain parameters only")
    names = [argument.arg for argument in arguments.args]
    defaults: list[Expr | None] = [None] * (len(names) - len(arguments.defaults))
    defaults += [parse(default, scope) for default in arguments.defaults]
    return ("lambda", tuple(zip(names, defaults, strict=True)), parse(node.body, scope.nested(names)))
