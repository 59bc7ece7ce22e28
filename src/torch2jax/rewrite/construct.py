"""Build libcst nodes from expressions of the rule language, with parentheses where Python's grammar needs them.

`cst.parse_expression` takes 0.4 ms; a node takes a microsecond.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import libcst as cst

from torch2jax.rewrite.precedence import BINARY, parenthesize
from torch2jax.rules.expr import PRECEDENCE, spell
from torch2jax.rules.model import Expr

_SPACE: Final = cst.SimpleWhitespace(" ")
_EMPTY: Final = cst.SimpleWhitespace("")
_COMMA: Final = cst.Comma(whitespace_after=_SPACE)
_BARE_COMMA: Final = cst.Comma()
_EQUAL: Final = cst.AssignEqual(whitespace_before=_EMPTY, whitespace_after=_EMPTY)
_OPERATORS: Final = {sign: operator for operator, sign in BINARY.items()}
_UNARY: Final[dict[str, type[cst.BaseUnaryOp]]] = {"-": cst.Minus, "+": cst.Plus, "~": cst.BitInvert, "not": cst.Not}
_COMPARE: Final[dict[str, type[cst.BaseCompOp]]] = {
    "==": cst.Equal, "!=": cst.NotEqual, "<": cst.LessThan, "<=": cst.LessThanEqual, ">": cst.GreaterThan,
    ">=": cst.GreaterThanEqual, "is": cst.Is, "is not": cst.IsNot, "in": cst.In, "not in": cst.NotIn,
}  # fmt: skip
_BUILT: Final = frozenset(
    {"const", "attr", "call", "sub", "tuple", "list", "dict", "bin", "un", "bool", "cmp", "if", "lambda"}
)
_ARGUMENT: Final = PRECEDENCE["lambda"]
_PRIMARY: Final = PRECEDENCE["primary"]


class Constructor:
    """Builds nodes. `leaf` gives the node of everything that is not syntax: parameters, library roots, helpers."""

    def __init__(self, leaf: Callable[[Expr], cst.BaseExpression]) -> None:
        self._leaf = leaf

    def build(self, expr: Expr, least: int = 0, *, bracketed: bool = True) -> cst.BaseExpression:
        """The node of an expression, in parentheses if it binds less tightly than `least`.

        `bracketed`: it will stand inside brackets, so that its lines may end anywhere.
        """
        node = self._node(expr, bracketed)
        if least >= _PRIMARY and type(node) is cst.Integer and not node.lpar:
            least = PRECEDENCE["atom"] + 1  # `2.real` is no Python
        return parenthesize(node, least, bracketed=bracketed or expr[0] in _BUILT)  # only leaves bring line ends

    def _node(self, expr: Expr, bracketed: bool) -> cst.BaseExpression:
        tag = expr[0]
        if tag == "const":
            return constant(expr)
        if tag == "attr":
            value = self.build(expr[1], _PRIMARY, bracketed=bracketed)
            turned = expr[2] == "T" and isinstance(value, cst.Attribute) and value.attr.value == "T" and not value.lpar
            return cst.ensure_type(value, cst.Attribute).value if turned else cst.Attribute(value, cst.Name(expr[2]))
        if tag == "call":
            return cst.Call(self.build(expr[1], _PRIMARY, bracketed=bracketed), self._arguments(expr[2]))
        if tag == "sub":
            value = self.build(expr[1], _PRIMARY, bracketed=bracketed)
            return cst.Subscript(value, self._subscript(expr[2]))
        if tag == "tuple" or tag == "list":
            return self._sequence(expr)
        if tag == "dict":
            return self._dict(expr)
        if tag in ("bin", "un", "bool", "cmp", "if", "lambda"):
            return self._operation(expr, bracketed)
        return self._leaf(expr)

    def _operation(self, expr: Expr, bracketed: bool) -> cst.BaseExpression:
        tag = expr[0]

        def part(operand: Expr, least: int) -> cst.BaseExpression:
            return self.build(operand, least, bracketed=bracketed)

        if tag == "bin":
            strength = PRECEDENCE[expr[1]]
            at_left, at_right = (15, 13) if expr[1] == "**" else (strength, strength + 1)
            left, right = part(expr[2], at_left), part(expr[3], at_right)
            return cst.BinaryOperation(left, _operator(expr[1], left, right), right)
        if tag == "un":
            if expr[1] == "not":
                operand = part(expr[2], PRECEDENCE["not"])
                is_argument = expr[2][0] == "param"
                if is_argument and isinstance(operand, cst.UnaryOperation) and isinstance(operand.operator, cst.Not):
                    return operand.expression  # what templates negate of their parameters is flags only
                return cst.UnaryOperation(cst.Not(), operand)
            return cst.UnaryOperation(_UNARY[expr[1]](), part(expr[2], PRECEDENCE["unary"]))
        if tag == "bool":
            strength = PRECEDENCE[expr[1]]
            node = part(expr[2][0], strength)
            for operand in expr[2][1:]:
                word = cst.And() if expr[1] == "and" else cst.Or()
                node = cst.BooleanOperation(node, word, part(operand, strength + 1))
            return node
        if tag == "cmp":
            targets = [cst.ComparisonTarget(_COMPARE[sign](), part(operand, 7)) for sign, operand in expr[2]]
            return cst.Comparison(part(expr[1], 7), targets)
        if tag == "if":
            return cst.IfExp(test=part(expr[1], 3), body=part(expr[2], 3), orelse=part(expr[3], 1))
        return self._lambda(expr, bracketed)

    def _lambda(self, expr: Expr, bracketed: bool) -> cst.Lambda:
        params = []
        for name, default in expr[1]:
            value = None if default is None else self.build(default, _ARGUMENT, bracketed=bracketed)
            params.append(
                cst.Param(cst.Name(name), default=value, equal=_EQUAL if value else cst.MaybeSentinel.DEFAULT)
            )
        return cst.Lambda(cst.Parameters(params), self.build(expr[2], _ARGUMENT, bracketed=bracketed))

    def _arguments(self, arguments: Sequence[tuple[str, str | None, Expr]]) -> list[cst.Arg]:
        built: list[cst.Arg] = []
        last = len(arguments) - 1
        for position, (star, keyword, value) in enumerate(arguments):
            node = bare(self.build(value, _ARGUMENT))
            comma = _COMMA if position < last else cst.MaybeSentinel.DEFAULT
            if keyword is None:
                built.append(cst.Arg(node, comma=comma, star="*" if star == "*" else "**" if star else ""))
            else:
                built.append(cst.Arg(node, keyword=cst.Name(keyword), equal=_EQUAL, comma=comma))
        return built

    def _sequence(self, expr: Expr) -> cst.BaseExpression:
        last = len(expr[1]) - 1
        elements: list[cst.BaseElement] = []
        for position, item in enumerate(expr[1]):
            comma: cst.Comma | cst.MaybeSentinel = _COMMA if position < last else cst.MaybeSentinel.DEFAULT
            if last == 0 and expr[0] == "tuple":
                comma = _BARE_COMMA
            if item[0] == "star":
                elements.append(cst.StarredElement(self.build(item[1], PRECEDENCE["|"]), comma=comma))
            else:
                elements.append(cst.Element(self.build(item, _ARGUMENT), comma=comma))
        return cst.Tuple(elements) if expr[0] == "tuple" else cst.List(elements)

    def _dict(self, expr: Expr) -> cst.Dict:
        elements: list[cst.BaseDictElement] = []
        for position, (key, value) in enumerate(expr[1]):
            comma = _COMMA if position < len(expr[1]) - 1 else cst.MaybeSentinel.DEFAULT
            if key is None:
                elements.append(cst.StarredDictElement(self.build(value, PRECEDENCE["|"]), comma=comma))
            else:
                elements.append(cst.DictElement(self.build(key, _ARGUMENT), self.build(value, _ARGUMENT), comma=comma))
        return cst.Dict(elements)

    def _subscript(self, index: Expr) -> list[cst.SubscriptElement]:
        parts = index[1] if index[0] == "tuple" and index[1] else (index,)
        elements = []
        for position, part in enumerate(parts):
            comma: cst.Comma | cst.MaybeSentinel = _COMMA if position < len(parts) - 1 else cst.MaybeSentinel.DEFAULT
            if index[0] == "tuple" and len(index[1]) == 1:
                comma = _BARE_COMMA
            elements.append(cst.SubscriptElement(self._slice(part), comma=comma))
        return elements

    def _slice(self, part: Expr) -> cst.BaseSlice:
        if part[0] == "star":
            return cst.Index(self.build(part[1], PRECEDENCE["|"]), star="*")
        if part[0] != "slice":
            return cst.Index(self.build(part, _ARGUMENT))
        lower, upper, step = (None if bound is None else self.build(bound, _ARGUMENT) for bound in part[1:])
        if step is None:
            return cst.Slice(lower, upper)
        return cst.Slice(lower, upper, step, second_colon=cst.Colon())


def bare(node: cst.BaseExpression) -> cst.BaseExpression:
    """An operation without the parentheses that it had as a receiver or an operand: it is an argument now."""
    if not isinstance(node, cst.BinaryOperation | cst.BooleanOperation | cst.UnaryOperation | cst.Comparison):
        return node
    sides = [*(paren.whitespace_after for paren in node.lpar), *(paren.whitespace_before for paren in node.rpar)]
    return node.with_changes(lpar=[], rpar=[]) if all(isinstance(s, cst.SimpleWhitespace) for s in sides) else node


def _operator(sign: str, left: cst.BaseExpression, right: cst.BaseExpression) -> cst.BaseBinaryOp:
    if sign == "**" and _hugs(left) and _hugs(right):
        return cst.Power(whitespace_before=_EMPTY, whitespace_after=_EMPTY)
    return _OPERATORS[sign]()


def _hugs(operand: cst.BaseExpression) -> bool:
    """Formatters write `x**2` without spaces where both sides are names, attributes or numbers."""
    if isinstance(operand, cst.UnaryOperation) and not operand.lpar:
        operand = operand.expression
    while isinstance(operand, cst.Attribute):
        operand = operand.value
    return isinstance(operand, (cst.Name, cst.Integer, cst.Float)) and not operand.lpar


def constant(expr: Expr) -> cst.BaseExpression:
    """The node of a literal; a negative number is an operation, as in Python's own grammar."""
    value = expr[1]
    text: str = expr[2] if len(expr) > 2 else spell(value)
    if value is None or isinstance(value, bool):
        return cst.Name(text)
    if isinstance(value, str):
        return cst.SimpleString(text)
    if isinstance(value, bytes):
        return cst.SimpleString(text)
    if value is Ellipsis:
        return cst.Ellipsis()
    if text.startswith("-"):
        return cst.UnaryOperation(cst.Minus(), _number(value, text[1:]))
    return _number(value, text)


def _number(value: object, text: str) -> cst.BaseExpression:
    if isinstance(value, int):
        return cst.Integer(text)
    if isinstance(value, complex):
        return cst.Imaginary(text)
    if text in ("inf", "nan"):
        return cst.Call(cst.Name("float"), [cst.Arg(cst.SimpleString(f'"{text}"'))])
    return cst.Float(text)
