"""Simplify a template for given arguments: decide its conditions, fold its literals, leave out what is default anyway.

The result is again an expression of the rule language. Its leaves besides those of `rules.model`: `("item", param, n)`,
the nth argument of `*param`; `("element", leaf, n)`, the nth element of a tuple or list that the user wrote out; and
`("astuple", leaf)`, a list that must become a tuple.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import libcst as cst

from torch2jax.rewrite import folding
from torch2jax.rewrite.precedence import is_pure, is_simple, literal
from torch2jax.rules import expr as ex
from torch2jax.rules.guards import decide
from torch2jax.rules.model import UNKNOWN, Expr
from torch2jax.rules.signatures import Signatures
from torch2jax.source.nodes import walk

Argument = tuple[str, str | None, Expr]

EXPANDERS: Final = {"single": 1, "pair": 2, "triple": 3}
# The names of `mode="init"` templates where the caller says nothing: those of a new tensor, which has torch's axes.
INIT_AXES: Final = {"in_axis": 1, "out_axis": 0, "channel_axis": 1}
_NEVER_SPELLED: Final = frozenset({"dtype", "param_dtype"})  # None means the default, whatever is called
_BOTH_SPELLINGS: Final = frozenset({"Shape", "Axis", "Tensor", "Tensors"})
_SEQUENCES: Final = frozenset({"tuple", "list", "shape"})
_CASES: Final = frozenset({"upper", "lower"})
_TAKE_BOTH: Final = frozenset({"reshape", "transpose"})  # methods of arrays that take sizes one by one or as a tuple


@dataclass(slots=True)
class FillArg:
    """What is put in for a parameter: the node, already converted, and what is known of it (see `rules.bind.Arg`).

    `pure`: evaluating it has no effect (None: judged by its syntax). `items`: the arguments of `*param`, of which some
    may be `starred`, or of `**param`, with their `keyword`. `default`: the rule's own expression where the call gives
    nothing. `annotation`: the parameter's.
    """

    node: cst.BaseExpression | None = None
    value: object = UNKNOWN
    type: str | None = None
    rank: int | None = None
    dtype: str | None = None
    length: int | None = None
    explicit: bool = True
    pure: bool | None = None
    items: tuple[FillArg, ...] | None = None
    starred: bool = False
    keyword: str | None = None
    annotation: str | None = None
    default: Expr | None = None

    def __post_init__(self) -> None:
        if self.value is UNKNOWN and self.node is not None:
            self.value = literal(self.node)
        if self.items is not None:
            self._summarize(self.items)
        if self.type is None and self.value is not UNKNOWN:
            self.type = "none" if self.value is None else type(self.value).__name__

    def _summarize(self, items: tuple[FillArg, ...]) -> None:
        """What is known of `*param` as a whole, for conditions in the template."""
        sole = items[0] if len(items) == 1 else None
        spread = self.annotation in _BOTH_SPELLINGS
        if any(item.keyword for item in items):
            self.type = "dict"
        elif sole is not None and (sole.starred or (spread and (sole.type is None or sole.type in _SEQUENCES))):
            self.value, self.type, self.length = sole.value, sole.type, sole.length
        elif not any(item.starred for item in items):
            self.type, self.length = "tuple", len(items)
            if all(item.value is not UNKNOWN for item in items):
                self.value = tuple(item.value for item in items)

    @property
    def has_effect(self) -> bool:
        """Whether evaluating it may have an effect."""
        if self.items is not None:
            return any(item.has_effect for item in self.items)
        if self.pure is None:
            return self.node is not None and not is_pure(self.node)
        return not self.pure

    @property
    def repeatable(self) -> bool:
        """Whether it may be written twice: a name, a literal, or arithmetic on known numbers."""
        if self.items is not None:
            return all(item.repeatable for item in self.items)
        if self.node is None or is_simple(self.node):
            return True
        return not self.has_effect and self.type in ("int", "float", "bool") and is_pure(self.node)


class Resolver:
    """Simplifies templates for one set of arguments."""

    def __init__(self, values: Mapping[str, FillArg], signatures: Signatures) -> None:
        self._values = values
        self._signatures = signatures

    def resolve(self, expr: Expr) -> Expr:
        """The simplified expression."""
        tag = expr[0]
        if tag == "param":
            return self._param(expr)
        if tag == "call":
            return self._call(expr)
        if tag == "fn":
            return self._function(expr)
        if tag == "attr":
            return ("attr", self.resolve(expr[1]), expr[2])
        if tag == "if":
            verdict = decide(expr[1], self._values).value
            if verdict is UNKNOWN:
                return ("if", self.resolve(expr[1]), self.resolve(expr[2]), self.resolve(expr[3]))
            return self.resolve(expr[2] if verdict else expr[3])
        if tag in ("bin", "un", "bool", "cmp"):
            return self._operation(expr)
        if tag == "sub":
            return self._subscript(expr)
        if tag == "slice":
            return ("slice", *(None if part is None else self.resolve(part) for part in expr[1:]))
        if tag == "tuple" or tag == "list":
            return (tag, tuple(self._items(expr[1])))
        if tag == "dict":
            return ("dict", tuple((key and self.resolve(key), self.resolve(value)) for key, value in expr[1]))
        if tag == "lambda":
            return self._lambda(expr)
        if tag == "star":
            return ("star", self.resolve(expr[1]))
        if tag == "name" and expr[1] in INIT_AXES:
            return self._param(("param", expr[1])) if expr[1] in self._values else ("const", INIT_AXES[expr[1]])
        return expr

    def literal(self, expr: Expr) -> object:
        """The value of a resolved expression that is spelled out, UNKNOWN for any other."""
        tag = expr[0]
        if tag in ("param", "item", "element"):
            node = self.node(expr)
            return UNKNOWN if node is None else literal(node)
        if tag == "astuple":
            value = self.literal(expr[1])
            return tuple(value) if isinstance(value, (list, tuple)) else UNKNOWN
        if tag == "tuple" or tag == "list":
            items = [self.literal(item) for item in expr[1]]
            if any(item is UNKNOWN for item in items):
                return UNKNOWN
            return tuple(items) if tag == "tuple" else items
        if tag == "un" and expr[1] == "-":
            value = self.literal(expr[2])
            return -value if isinstance(value, (int, float)) and not isinstance(value, bool) else UNKNOWN
        return ex.literal(expr)

    def argument(self, leaf: Expr) -> FillArg:
        """What stands for a `param` or `item` leaf."""
        found = self._values[leaf[1]]
        return found.items[leaf[2]] if leaf[0] == "item" and found.items is not None else found

    def node(self, leaf: Expr) -> cst.BaseExpression | None:
        """The user's node of a leaf; None for `*param` as a whole."""
        if leaf[0] == "element":
            whole = self.node(leaf[1])
            return whole.elements[leaf[2]].value if isinstance(whole, (cst.Tuple, cst.List)) else None
        return self.argument(leaf).node

    # --- parameters ------------------------------------------------------------------------------------------------

    def _param(self, expr: Expr) -> Expr:
        found = self._values[expr[1]]
        if found.items is not None:
            return self._whole(expr[1], found, found.items)
        if found.node is None:
            return found.default or ex.NONE
        return self._tuple_of(expr, found, found.annotation)

    def _whole(self, name: str, found: FillArg, items: Sequence[FillArg]) -> Expr:
        """`*param` as one tuple, whichever way the call spells it."""
        if any(item.keyword for item in items):
            return ("dict", self._pairs(name, items))
        if len(items) == 1 and (items[0].starred or self._is_sequence(items[0], found.annotation)):
            return self._tuple_of(("item", name, 0), items[0], found.annotation)
        leaves = (("item", name, number) for number in range(len(items)))
        return (
            "tuple",
            tuple(("star", leaf) if item.starred else leaf for leaf, item in zip(leaves, items, strict=True)),
        )

    @staticmethod
    def _pairs(name: str, items: Sequence[FillArg]) -> tuple[tuple[Expr | None, Expr], ...]:
        """`**param` as the pairs of a dict."""
        leaves: list[Expr] = [("item", name, number) for number in range(len(items))]
        keys = [None if item.keyword is None else ("const", item.keyword) for item in items]
        return tuple(zip(keys, leaves, strict=True))

    @staticmethod
    def _is_sequence(item: FillArg, annotation: str | None) -> bool:
        """Whether the only argument of `*param` is the whole; where its type is unknown torch's habits decide."""
        if annotation not in _BOTH_SPELLINGS:
            return False
        return annotation != "Tensor" if item.type is None else item.type in _SEQUENCES

    def _tuple_of(self, leaf: Expr, found: FillArg, annotation: str | None) -> Expr:
        """Lists are no axes and no shapes in JAX: a list literal becomes a tuple, a list variable is converted."""
        if annotation not in ("Axis", "Shape"):
            return leaf
        if isinstance(found.node, cst.List):
            return ("astuple", leaf)
        if annotation == "Axis" and found.type == "list":
            return ("call", ("name", "tuple"), (("", None, leaf),))
        return leaf

    def _items(self, items: Sequence[Expr]) -> Iterator[Expr]:
        for item in items:
            if item[0] != "star":
                yield self.resolve(item)
                continue
            for star, _, value in self._spread(item[1], None):
                yield ("star", value) if star else value

    def _spread(self, value: Expr, called: Expr | None) -> list[Argument]:
        """`*value` in a call or a display: one by one where the items are known."""
        if value[0] != "param":
            resolved = self.resolve(value)
            if resolved[0] in ("tuple", "list"):
                return [("*", None, item[1]) if item[0] == "star" else ("", None, item) for item in resolved[1]]
            return [("*", None, resolved)]
        found = self._values[value[1]]
        items = (found,) if found.items is None else found.items
        leaves: list[Expr] = [value] if found.items is None else [("item", value[1], n) for n in range(len(items))]
        if len(items) != 1:
            return [("*" if item.starred else "", None, leaf) for item, leaf in zip(items, leaves, strict=True)]
        if items[0].node is None:
            default = self.resolve(found.default or ex.NONE)
            return (
                [("", None, item) for item in default[1]] if default[0] in ("tuple", "list") else [("*", None, default)]
            )
        return self._spread_one(leaves[0], items[0], found.annotation, called)

    def _spread_one(self, leaf: Expr, item: FillArg, annotation: str | None, called: Expr | None) -> list[Argument]:
        spread = leaf[0] == "param" or item.starred or annotation in _BOTH_SPELLINGS
        if spread and isinstance(item.node, (cst.Tuple, cst.List)) and not _several_lines(item.node):
            return [
                ("*" if isinstance(element, cst.StarredElement) else "", None, ("element", leaf, number))
                for number, element in enumerate(item.node.elements)
            ]
        if item.starred:
            return [("*", None, leaf)]
        either = called is not None and called[0] == "attr" and called[2] in _TAKE_BOTH
        if leaf[0] == "param":  # a parameter of its own that the template spreads
            single = item.type in ("int", "float", "bool")
        else:
            single = not self._is_sequence(item, annotation)
        if either or single:
            return [("", None, self._tuple_of(leaf, item, annotation))]
        return [("*", None, leaf)]

    # --- calls -----------------------------------------------------------------------------------------------------

    def _call(self, expr: Expr) -> Expr:
        called = self.resolve(expr[1])
        arguments: list[Argument] = []
        one_by_one = called[0] == "attr" and called[2] in _TAKE_BOTH and len(expr[2]) == 1
        for star, keyword, value in expr[2]:
            if star == "*" or (one_by_one and value[0] == "param" and self._values[value[1]].items is not None):
                arguments += self._spread(value, called)
                continue
            resolved = self.resolve(value)
            if star == "**" and resolved[0] in ("tuple", "dict") and not resolved[1]:
                continue  # no keywords were given
            if star == "**" and resolved[0] == "dict" and all(self._is_keyword(key) for key, _ in resolved[1]):
                added: list[Argument] = [
                    ("**", None, item) if key is None else ("", str(self.literal(key)), item)
                    for key, item in resolved[1]
                ]
            else:
                added = [(star, keyword, resolved)]
            expanded = value[0] == "fn" and value[1] in EXPANDERS
            arguments += [one for one in added if not self._is_default(called, arguments, one, expanded=expanded)]
        if not arguments and called[0] == "attr" and isinstance(self.literal(called[1]), str) and called[2] in _CASES:
            return ("const", getattr(self.literal(called[1]), called[2])())
        if called == ("name", "partial") and len(arguments) == 1 and arguments[0][:2] == ("", None):
            return arguments[0][2]
        return self._static(called, arguments) or ("call", called, tuple(arguments))

    def _is_keyword(self, key: Expr | None) -> bool:
        return key is None or str(self.literal(key)).isidentifier()

    def _is_default(self, called: Expr, before: Sequence[Argument], argument: Argument, *, expanded: bool) -> bool:
        """Whether a keyword may be left out, because its value is the default of what is called."""
        _, keyword, value = argument
        if keyword is None:
            return False
        known = self.literal(value)
        if known is UNKNOWN:
            return False
        if known is None and keyword in _NEVER_SPELLED:
            return True
        if called == ("name", "partial") and before:
            called = before[0][2]
        signature = self._signatures.of(_signature_name(called))
        if signature is None:
            return False
        if expanded and isinstance(known, tuple) and len(set(known)) == 1 and signature.is_default(keyword, known[0]):
            return True
        return signature.is_default(keyword, known)

    def _static(self, called: Expr, arguments: Sequence[Argument]) -> Expr | None:
        """The result of a helper of `helpers/static.py` whose arguments are all literals."""
        if called[0] != "helper" or called[1] not in self._signatures.static_helpers:
            return None
        values = [(star, keyword, self.literal(value)) for star, keyword, value in arguments]
        if any(star or value is UNKNOWN for star, _, value in values):
            return None
        positional = [value for _, keyword, value in values if keyword is None]
        return folding.static_helper(
            called[1], positional, {keyword: value for _, keyword, value in values if keyword is not None}
        )

    def _function(self, expr: Expr) -> Expr:
        name, arguments = expr[1], expr[2]
        if name in EXPANDERS:
            return self._expand(name, arguments[0])
        if name in ("given", "isinstance", "is_tensor"):
            verdict = decide(expr, self._values).value
            if verdict is not UNKNOWN:
                return ("const", verdict)
            types = tuple(("name", word) for word in arguments[1][1])
            kinds: Expr = types[0] if len(types) == 1 else ("tuple", types)
            return ("call", ("name", "isinstance"), (("", None, self.resolve(arguments[0])), ("", None, kinds)))
        if name == "rank":
            found = self._values[arguments[0][1]]
            return ("attr", self.resolve(arguments[0]), "ndim") if found.rank is None else ("const", found.rank)
        return self._length(arguments[0])

    def _length(self, value: Expr) -> Expr:
        resolved = self.resolve(value)
        known = self.literal(resolved)
        if isinstance(known, (tuple, list, str)):
            return ("const", len(known))
        if resolved[0] in ("tuple", "list") and not any(item[0] == "star" for item in resolved[1]):
            return ("const", len(resolved[1]))
        return ("call", ("name", "len"), (("", None, resolved),))

    def _expand(self, name: str, value: Expr) -> Expr:
        """`pair(3)` is `(3, 3)`; a helper decides where the argument's type is unknown."""
        resolved = self.resolve(value)
        known = self.literal(resolved)
        if isinstance(known, (tuple, list)):
            return ("astuple", resolved) if resolved[0] in ("param", "item", "element") else resolved
        found = self.argument(resolved) if resolved[0] in ("param", "item") else None
        kind = found.type if found is not None else None
        if isinstance(known, (int, float)) or (kind in ("int", "float") and found is not None and found.repeatable):
            return ("tuple", (resolved,) * EXPANDERS[name])
        if resolved[0] in ("tuple", "astuple") or kind in ("tuple", "shape"):
            return ("astuple", resolved) if isinstance(found and found.node, cst.List) else resolved
        if kind == "list":
            is_display = isinstance(found and found.node, cst.List)
            return ("astuple", resolved) if is_display else ("call", ("name", "tuple"), (("", None, resolved),))
        return ("call", ("helper", name), (("", None, resolved),))

    # --- operators -------------------------------------------------------------------------------------------------

    def _operation(self, expr: Expr) -> Expr:
        tag = expr[0]
        if tag == "bin":
            left, right = self.resolve(expr[2]), self.resolve(expr[3])
            return self._folded(folding.arithmetic(expr[1], self.literal(left), self.literal(right))) or (
                "bin", expr[1], left, right,
            )  # fmt: skip
        if tag == "un":
            return self._unary(expr[1], self.resolve(expr[2]))
        if tag == "bool":
            return self._junction(expr)
        verdict = decide(expr, self._values).value if any(sign in ("is", "is not") for sign, _ in expr[2]) else UNKNOWN
        left = self.resolve(expr[1])
        targets = tuple((sign, self.resolve(operand)) for sign, operand in expr[2])
        if verdict is UNKNOWN and len(targets) == 1 and targets[0][0] not in ("is", "is not"):
            known, other = self.literal(left), self.literal(targets[0][1])
            if known is not UNKNOWN and other is not UNKNOWN:
                return self._folded(folding.comparison(targets[0][0], known, other)) or ("cmp", left, targets)
        return self._folded(verdict) or ("cmp", left, targets)

    @staticmethod
    def _folded(value: object) -> Expr | None:
        return None if value is UNKNOWN else ("const", value)

    def _unary(self, sign: str, operand: Expr) -> Expr:
        known = self.literal(operand)
        if sign == "not" and known is not UNKNOWN:
            return ("const", not known)
        is_number = isinstance(known, (int, float)) and not isinstance(known, bool)
        if sign == "-" and is_number and (operand[0] != "const" or str(operand[1]).startswith("-")):
            return ("const", -known)  # type: ignore[operator]
        return ("un", sign, operand)

    def _junction(self, expr: Expr) -> Expr:
        """`and` and `or` without the operands that are known to let the next one decide."""
        settling = expr[1] == "or"
        left: list[Expr] = []
        for number, operand in enumerate(expr[2]):
            resolved = self.resolve(operand)
            known = self.literal(resolved)
            if known is UNKNOWN or number == len(expr[2]) - 1:
                left.append(resolved)
            elif bool(known) is settling:
                left.append(resolved)
                break
        return left[0] if len(left) == 1 else ("bool", expr[1], tuple(left))

    def _subscript(self, expr: Expr) -> Expr:
        value, index = self.resolve(expr[1]), self.resolve(expr[2])
        position = self.literal(index)
        if not isinstance(position, int):
            return ("sub", value, index)
        if value[0] in ("tuple", "list") and not any(item[0] == "star" for item in value[1]):
            items = value[1]
            return items[position] if -len(items) <= position < len(items) else ("sub", value, index)
        leaf = value[1] if value[0] == "astuple" else value
        node = self.node(leaf) if leaf[0] in ("param", "item", "element") else None
        elements = node.elements if isinstance(node, (cst.Tuple, cst.List)) else ()
        plain = all(isinstance(element, cst.Element) and is_simple(element.value) for element in elements)
        if plain and -len(elements) <= position < len(elements):
            return ("element", leaf, position % len(elements))
        return ("sub", value, index)

    def _lambda(self, expr: Expr) -> Expr:
        """The parameters must not capture names of the user's nodes in the body."""
        params = tuple((name, default and self.resolve(default)) for name, default in expr[1])
        body = self.resolve(expr[2])
        taken: set[str] = set()
        for part in leaves(body):
            node = self.node(part) if part[0] in ("param", "item", "element") else None
            if node is not None:
                taken |= {name.value for name in walk(node) if isinstance(name, cst.Name)}
        renamed = {name: _free(name, taken) for name, _ in params if name in taken}
        if renamed:
            body = _rename(body, renamed)
            params = tuple((renamed.get(name, name), default) for name, default in params)
        return ("lambda", params, body)


def leaves(expr: Expr) -> Iterator[Expr]:
    """The expression and all its parts, through `element` and `astuple`."""
    yield expr
    if expr[0] in ("element", "astuple"):
        if expr[0] == "astuple":
            yield from leaves(expr[1])
        return
    for child in ex.children(expr):
        yield from leaves(child)


def _several_lines(node: cst.Tuple | cst.List) -> bool:
    """Whether the user laid the elements out on lines of their own, perhaps with comments."""
    trivia = [element.comma.whitespace_after for element in node.elements if isinstance(element.comma, cst.Comma)]
    trivia += [bracket.whitespace_after for bracket in node.lpar]
    if isinstance(node, cst.List):
        trivia.append(node.lbracket.whitespace_after)
    return any(isinstance(space, cst.ParenthesizedWhitespace) for space in trivia)


def _signature_name(called: Expr) -> str:
    if called[0] == "helper":
        return f"helpers.{called[1]}"
    name = ex.dotted(called)
    if name is not None:
        return name
    return f"Array.{called[2]}" if called[0] == "attr" else ""


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _rename(expr: Expr, names: Mapping[str, str]) -> Expr:
    if expr[0] == "local":
        return ("local", names.get(expr[1], expr[1]))
    if expr[0] == "lambda":
        own = {name for name, _ in expr[1]}
        names = {old: new for old, new in names.items() if old not in own}
    return tuple(_renamed_part(part, names) for part in expr)


def _renamed_part(part: object, names: Mapping[str, str]) -> object:
    if not isinstance(part, tuple) or not part:
        return part
    return _rename(part, names) if isinstance(part[0], str) else tuple(_renamed_part(item, names) for item in part)
