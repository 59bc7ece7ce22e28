"""Where an expression needs parentheses, and what can be said of it from its syntax alone."""

from __future__ import annotations

from typing import Final, TypeVar

import libcst as cst

from torch2jax.rules.expr import PRECEDENCE
from torch2jax.rules.model import UNKNOWN
from torch2jax.source.nodes import children

Expression = TypeVar("Expression", bound=cst.BaseExpression)

# Precedences for callers: the least that a position takes without parentheses.
ARGUMENT: Final = PRECEDENCE["lambda"]
OPERAND_OF_NOT: Final = PRECEDENCE["not"]
STARRED: Final = PRECEDENCE["|"]
PRIMARY: Final = PRECEDENCE["primary"]

BINARY: Final[dict[type[cst.BaseBinaryOp], str]] = {
    cst.Add: "+", cst.Subtract: "-", cst.Multiply: "*", cst.Divide: "/", cst.FloorDivide: "//", cst.Modulo: "%",
    cst.MatrixMultiply: "@", cst.Power: "**", cst.BitAnd: "&", cst.BitOr: "|", cst.BitXor: "^", cst.LeftShift: "<<",
    cst.RightShift: ">>",
}  # fmt: skip
_LOWEST: Final = 0
_FIXED: Final[dict[type[cst.CSTNode], int]] = {
    cst.NamedExpr: _LOWEST,
    cst.Yield: _LOWEST,
    cst.GeneratorExp: _LOWEST,
    cst.Tuple: _LOWEST,
    cst.Lambda: PRECEDENCE["lambda"],
    cst.IfExp: PRECEDENCE["if"],
    cst.Comparison: PRECEDENCE["cmp"],
    cst.Await: PRECEDENCE["await"],
    cst.Attribute: PRECEDENCE["primary"],
    cst.Call: PRECEDENCE["primary"],
    cst.Subscript: PRECEDENCE["primary"],
}
_ATOM: Final = PRECEDENCE["atom"]
_NUMBERS: Final = (cst.Integer, cst.Float, cst.Imaginary)
# Where no line ends but in brackets, in quotes, or behind a backslash, which goes on inside brackets just as well.
_UNBROKEN: Final = frozenset(
    {
        *_NUMBERS, cst.Name, cst.SimpleString, cst.SimpleWhitespace,
        cst.List, cst.Dict, cst.Set, cst.ListComp, cst.DictComp, cst.SetComp,
    }
)  # fmt: skip
_IMPURE: Final = frozenset({cst.Call, cst.NamedExpr, cst.Await, cst.Yield, cst.GeneratorExp})
_CONSTANT_NAMES: Final[dict[str, bool | None]] = {"True": True, "False": False, "None": None}


def precedence(node: cst.BaseExpression) -> int:
    """How tightly the outermost operator binds: `rules.expr.PRECEDENCE`, an atom for anything in brackets."""
    if node.lpar:
        return _ATOM
    if type(node) is cst.BinaryOperation:
        return PRECEDENCE[BINARY[type(node.operator)]]
    if type(node) is cst.BooleanOperation:
        return PRECEDENCE["and" if type(node.operator) is cst.And else "or"]
    if type(node) is cst.UnaryOperation:
        return PRECEDENCE["not" if type(node.operator) is cst.Not else "unary"]
    return _FIXED.get(type(node), _ATOM)


def parenthesize(node: Expression, least: int, *, bracketed: bool = True) -> Expression:
    """The node, in parentheses if it binds less tightly than `least`.

    `bracketed`: it will stand inside brackets, where lines may end anywhere; if not, an expression over several lines
    gets parentheses too.
    """
    if precedence(node) >= least and (bracketed or not breaks_line(node)):
        return node
    return node.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


def breaks_line(node: cst.CSTNode) -> bool:
    """Whether a line ends inside the expression, outside of brackets and triple quotes."""
    while True:  # down the chain of calls and attributes, which may be long
        kind = type(node)
        if kind in _UNBROKEN or getattr(node, "lpar", None):
            return False
        if kind is cst.Call:
            gaps: tuple[object, ...] = (node.whitespace_after_func,)  # type: ignore[attr-defined]
            node = node.func  # type: ignore[attr-defined]
        elif kind is cst.Subscript:
            gaps = (node.whitespace_after_value,)  # type: ignore[attr-defined]
            node = node.value  # type: ignore[attr-defined]
        elif kind is cst.Attribute:
            gaps = (node.dot.whitespace_before, node.dot.whitespace_after)  # type: ignore[attr-defined]
            node = node.value  # type: ignore[attr-defined]
        else:
            return kind is cst.ParenthesizedWhitespace or any(breaks_line(part) for part in node.children)
        if cst.ParenthesizedWhitespace in map(type, gaps):
            return True


def is_simple(node: cst.BaseExpression) -> bool:
    """A name, a literal or a chain of attributes and constant subscripts on a name: reading it twice costs nothing."""
    while type(node) is cst.Attribute or type(node) is cst.Subscript:
        if type(node) is cst.Subscript and not all(
            isinstance(part.slice, cst.Index) and literal(part.slice.value) is not UNKNOWN for part in node.slice
        ):
            return False
        node = node.value
    return type(node) is cst.Name or literal(node) is not UNKNOWN


def is_pure(node: cst.CSTNode) -> bool:
    """Whether evaluating it surely has no effect: no call, assignment, await, yield or generator in it."""
    cls = type(node)
    if cls in _IMPURE:
        return False
    return cls is cst.Name or cls is cst.Lambda or all(is_pure(child) for child in children(node))


def literal(node: cst.BaseExpression) -> object:
    """The Python value of a literal: a number, string, True, False, None, or a tuple or list of such; else UNKNOWN."""
    if type(node) is cst.Name:
        return _CONSTANT_NAMES.get(node.value, UNKNOWN) if node.value in _CONSTANT_NAMES else UNKNOWN
    if type(node) is cst.Integer and node.value.isdecimal():
        return int(node.value)
    if isinstance(node, (*_NUMBERS, cst.SimpleString)):
        value: object = node.evaluated_value
        return value
    if type(node) is cst.UnaryOperation and type(node.operator) is cst.Minus:
        value = literal(node.expression)
        return -value if isinstance(value, (int, float, complex)) and not isinstance(value, bool) else UNKNOWN
    if type(node) is cst.Tuple or type(node) is cst.List:
        items: list[object] = []
        for element in node.elements:
            item = literal(element.value) if isinstance(element, cst.Element) else UNKNOWN
            if item is UNKNOWN:
                return UNKNOWN
            items.append(item)
        return tuple(items) if type(node) is cst.Tuple else items
    return UNKNOWN
