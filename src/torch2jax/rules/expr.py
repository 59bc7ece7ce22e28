"""Expressions of the rule language as nested tuples (see model.py): walking, spelling, literal values."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from torch2jax.rules.model import UNKNOWN, Expr

NONE: Final[Expr] = ("const", None)

# Binding strength in Python's grammar: a higher number binds tighter.
PRECEDENCE: Final[dict[str, int]] = {
    "lambda": 1,
    "if": 2,
    "or": 3,
    "and": 4,
    "not": 5,
    "cmp": 6,
    "|": 7,
    "^": 8,
    "&": 9,
    "<<": 10,
    ">>": 10,
    "+": 11,
    "-": 11,
    "*": 12,
    "/": 12,
    "//": 12,
    "%": 12,
    "@": 12,
    "unary": 13,
    "**": 14,
    "await": 15,
    "primary": 16,
    "atom": 17,
}


def children(expr: Expr) -> Iterator[Expr]:
    """The direct operands of an expression, in evaluation order."""
    tag = expr[0]
    if tag == "attr" or tag == "star":
        yield expr[1]
    elif tag == "call":
        yield expr[1]
        for _, _, value in expr[2]:
            yield value
    elif tag == "sub":
        yield expr[1]
        yield expr[2]
    elif tag == "slice":
        for part in expr[1:]:
            if part is not None:
                yield part
    elif tag == "bin":
        yield expr[2]
        yield expr[3]
    elif tag == "un":
        yield expr[2]
    elif tag == "bool" or tag == "fn":
        yield from expr[2]
    elif tag == "cmp":
        yield expr[1]
        for _, operand in expr[2]:
            yield operand
    elif tag == "tuple" or tag == "list":
        yield from expr[1]
    elif tag == "dict":
        for key, value in expr[1]:
            if key is not None:
                yield key
            yield value
    elif tag == "lambda":
        for _, default in expr[1]:
            if default is not None:
                yield default
        yield expr[2]
    elif tag == "if":
        yield expr[2]
        yield expr[1]
        yield expr[3]


def walk(expr: Expr) -> Iterator[Expr]:
    """The expression and all its parts, outermost first."""
    yield expr
    for child in children(expr):
        yield from walk(child)


def params_of(expr: Expr) -> set[str]:
    """Names of the parameters that occur in the expression."""
    found: set[str] = set()
    stack = [expr]
    while stack:
        part = stack.pop()
        if part[0] == "param":
            found.add(part[1])
        else:
            stack.extend(children(part))
    return found


def reads_value(expr: object, param: str, measures: Collection[str]) -> bool:
    """Whether an expression needs more of a parameter than these attributes."""
    if not isinstance(expr, tuple) or not expr:
        return False
    if expr[0] == "attr" and expr[1] == ("param", param) and expr[2] in measures:
        return False
    return expr == ("param", param) or any(reads_value(part, param, measures) for part in expr)


def dotted(expr: Expr) -> str | None:
    """`jnp.linalg.norm` for a chain of attributes on a library root; None for anything else."""
    names: list[str] = []
    while expr[0] == "attr":
        names.append(expr[2])
        expr = expr[1]
    if expr[0] == "name":
        names.append(expr[1])
        return ".".join(reversed(names))
    return None


def literal(expr: Expr) -> object:
    """The Python value of a literal (numbers, strings, tuples, `math.inf`, ...); UNKNOWN for anything else."""
    tag = expr[0]
    if tag == "const":
        value: object = expr[1]
        return value
    if tag == "tuple" or tag == "list":
        items = [literal(item) for item in expr[1]]
        if any(item is UNKNOWN for item in items):
            return UNKNOWN
        return tuple(items) if tag == "tuple" else items
    if tag == "un" and expr[1] == "-":
        value = literal(expr[2])
        return -value if isinstance(value, (int, float, complex)) else UNKNOWN
    if tag == "dict":
        pairs = [(literal(key) if key else UNKNOWN, literal(value)) for key, value in expr[1]]
        if any(key is UNKNOWN or value is UNKNOWN for key, value in pairs):
            return UNKNOWN
        return dict(pairs)
    if dotted(expr) in ("math.inf", "math.nan", "math.pi"):
        return {"inf": float("inf"), "nan": float("nan"), "pi": 3.141592653589793}[expr[2]]
    return UNKNOWN


def spell(value: object) -> str:
    """A literal as a programmer would write it: double quotes, `1e-5` and not `1e-05`."""
    if isinstance(value, float):
        text = repr(value)
        mantissa, mark, exponent = text.partition("e")
        return f"{mantissa}e{int(exponent)}" if mark else text
    if isinstance(value, str):
        text = repr(value)
        body = text[1:-1]
        if text[0] == "'" and '"' not in body:
            return f'"{body}"'
        return text
    return "..." if value is Ellipsis else repr(value)


def unparse(expr: Expr) -> str:
    """The expression as Python source, for messages and documentation."""
    return _unparse(expr)[0]


def _wrap(expr: Expr, least: int) -> str:
    text, strength = _unparse(expr)
    return text if strength >= least else f"({text})"


def _unparse(expr: Expr) -> tuple[str, int]:
    tag = expr[0]
    if tag == "const":
        text = expr[2] if len(expr) > 2 else spell(expr[1])
        return text, PRECEDENCE["unary" if text.startswith("-") else "atom"]
    if tag in ("param", "name", "local"):
        return expr[1], PRECEDENCE["atom"]
    if tag == "helper":
        return f"helpers.{expr[1]}", PRECEDENCE["primary"]
    if tag == "attr":
        value = _wrap(expr[1], 16)
        return f"({value}).{expr[2]}" if value.isdigit() else f"{value}.{expr[2]}", 16
    if tag == "call":
        arguments = (f"{star}{keyword + '=' if keyword else ''}{_wrap(value, 1)}" for star, keyword, value in expr[2])
        return f"{_wrap(expr[1], 16)}({', '.join(arguments)})", 16
    if tag == "fn":
        return f"{expr[1]}({', '.join(_wrap(argument, 1) for argument in expr[2])})", 16
    if tag == "types":
        return (expr[1][0] if len(expr[1]) == 1 else f"({', '.join(expr[1])})"), 17
    if tag == "sub":
        return f"{_wrap(expr[1], 16)}[{_index(expr[2])}]", 16
    if tag in ("tuple", "list", "dict", "star", "slice"):
        return _display(expr), 17
    return _operation(expr)


def _operation(expr: Expr) -> tuple[str, int]:
    tag = expr[0]
    if tag == "bin":
        strength = PRECEDENCE[expr[1]]
        left, right = (15, 13) if expr[1] == "**" else (strength, strength + 1)
        return f"{_wrap(expr[2], left)} {expr[1]} {_wrap(expr[3], right)}", strength
    if tag == "un":
        if expr[1] == "not":
            return f"not {_wrap(expr[2], 5)}", 5
        return f"{expr[1]}{_wrap(expr[2], 13)}", 13
    if tag == "bool":
        strength = PRECEDENCE[expr[1]]
        return f" {expr[1]} ".join(_wrap(operand, strength + 1) for operand in expr[2]), strength
    if tag == "cmp":
        rest = " ".join(f"{operator} {_wrap(operand, 7)}" for operator, operand in expr[2])
        return f"{_wrap(expr[1], 7)} {rest}", 6
    if tag == "if":
        return f"{_wrap(expr[2], 3)} if {_wrap(expr[1], 3)} else {_wrap(expr[3], 1)}", 2
    if tag == "lambda":
        names = ", ".join(name if default is None else f"{name}={_wrap(default, 1)}" for name, default in expr[1])
        return f"lambda{' ' if names else ''}{names}: {_wrap(expr[2], 1)}", 1
    raise ValueError(f"not an expression: {expr!r}")


def _display(expr: Expr) -> str:
    tag = expr[0]
    if tag == "star":
        return f"*{_wrap(expr[1], 7)}"
    if tag == "slice":
        return _index(expr)
    if tag == "dict":
        pairs = (
            f"**{_wrap(value, 7)}" if key is None else f"{_wrap(key, 1)}: {_wrap(value, 1)}" for key, value in expr[1]
        )
        return f"{{{', '.join(pairs)}}}"
    items = ", ".join(_wrap(item, 1) for item in expr[1])
    if tag == "list":
        return f"[{items}]"
    return f"({items},)" if len(expr[1]) == 1 else f"({items})"


def _index(index: Expr) -> str:
    if index[0] == "slice":
        lower, upper, step = ("" if part is None else _wrap(part, 1) for part in index[1:])
        return f"{lower}:{upper}" + (f":{step}" if step else "")
    if index[0] == "tuple" and index[1]:
        parts = [_index(item) if item[0] == "slice" else _wrap(item, 1) for item in index[1]]
        return ", ".join(parts) + ("," if len(parts) == 1 else "")
    return _wrap(index, 1)
