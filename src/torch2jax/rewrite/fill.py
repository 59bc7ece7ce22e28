"""Fill a rule's template with the converted arguments of a call.

The result keeps operator precedence, and it keeps evaluation: each argument with an effect is evaluated once, in the
source's order. Where the template alone can't do that, the parameters to bind to names first are reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import libcst as cst

from torch2jax.rewrite.construct import Constructor
from torch2jax.rewrite.precedence import parenthesize, precedence
from torch2jax.rewrite.resolve import FillArg, Resolver
from torch2jax.rules import expr as ex
from torch2jax.rules.bind import Arg, Bound
from torch2jax.rules.model import UNUSED_BY_DESIGN, Expr
from torch2jax.rules.signatures import Signatures, default_signatures
from torch2jax.rules.templates import BUILTINS

__all__ = ["FillArg", "FillContext", "Filled", "fill", "fill_args", "parenthesize", "precedence"]


@dataclass(frozen=True, slots=True)
class FillContext:
    """How the names of templates are spelled at the place that is filled.

    `rngs` is the provider of random numbers there; `names` maps library roots, `helpers` the names of helpers, to what
    the output calls them; what is missing keeps its name.
    """

    rngs: cst.BaseExpression = field(default_factory=lambda: cst.Name("rngs"))
    names: Mapping[str, cst.BaseExpression] = field(default_factory=dict)
    helpers: Mapping[str, cst.BaseExpression] = field(default_factory=dict)
    signatures: Signatures | None = None


@dataclass(frozen=True, slots=True)
class Filled:
    """A filled template.

    `expression` has no parentheses of its own: use `parenthesize` where it becomes an operand. `names` are the library
    roots it needs (jnp, nnx, partial, ...), `builtins` the Python builtins, `helpers` the helpers to copy.
    `needs_binding` lists, in the source's order, parameters whose arguments must first be bound to names.
    """

    expression: cst.BaseExpression
    names: frozenset[str]
    builtins: frozenset[str]
    helpers: frozenset[str]
    uses_rngs: bool
    needs_binding: tuple[str, ...]


def fill_args(bound: Bound, rewrite: Callable[[Arg], cst.BaseExpression]) -> dict[str, FillArg]:
    """The arguments of a bound call for `fill`, in the source's order; `rewrite` gives an argument's converted node."""
    names = [*bound.order, *(name for name in bound.args if name not in bound.order)]
    values: dict[str, FillArg] = {}
    for name in names:
        found = bound.args[name]
        annotation = found.param.annotation
        if found.items is not None:
            items = tuple(_fill_arg(item, rewrite, annotation) for item in found.items)
            values[name] = FillArg(items=items, annotation=annotation, explicit=found.explicit)
        elif found.arg is not None:
            values[name] = _fill_arg(found.arg, rewrite, annotation)
        else:
            default = found.param.default
            values[name] = FillArg(value=found.value, explicit=False, annotation=annotation, default=default)
    return values


def _fill_arg(arg: Arg, rewrite: Callable[[Arg], cst.BaseExpression], annotation: str | None) -> FillArg:
    return FillArg(
        node=rewrite(arg),
        value=arg.value,
        type=arg.type,
        rank=arg.rank,
        dtype=arg.dtype,
        length=arg.length,
        starred=arg.starred,
        keyword=arg.keyword,
        annotation=annotation,
    )


def fill(template: Expr, values: Mapping[str, FillArg], context: FillContext | None = None) -> Filled:
    """Put the arguments into a template. `values` has every parameter, explicit ones in the source's order."""
    context = context or FillContext()
    resolver = Resolver(values, context.signatures or default_signatures())
    resolved = resolver.resolve(template)
    leaves = _Leaves(resolver, values, context)
    expression = Constructor(leaves.node).build(resolved, bracketed=False)
    return Filled(
        expression=expression,
        names=frozenset(leaves.names),
        builtins=frozenset(leaves.builtins),
        helpers=frozenset(leaves.helpers),
        uses_rngs=leaves.uses_rngs,
        needs_binding=_needs_binding(resolved, values),
    )


class _Leaves:
    """Nodes of what is not syntax; remembers which names and helpers the result needs."""

    def __init__(self, resolver: Resolver, values: Mapping[str, FillArg], context: FillContext) -> None:
        self._resolver = resolver
        self._values = values
        self._context = context
        self._placed: set[int] = set()
        self.names: set[str] = set()
        self.builtins: set[str] = set()
        self.helpers: set[str] = set()
        self.uses_rngs = False

    def node(self, leaf: Expr) -> cst.BaseExpression:
        tag = leaf[0]
        if tag in ("param", "item", "element"):
            found = self._resolver.node(leaf)
            if found is None:
                raise TypeError(f"nothing stands for {leaf}")
            return self._once(found)
        if tag == "astuple":
            return _as_tuple(self.node(leaf[1]))
        if tag == "local":
            return cst.Name(leaf[1])
        if tag == "helper":
            self.helpers.add(leaf[1])
            spelled = self._context.helpers.get(leaf[1])
            return cst.Name(leaf[1]) if spelled is None else self._once(spelled)
        return self._root(leaf[1])

    def _root(self, name: str) -> cst.BaseExpression:
        if name == "rngs":
            self.uses_rngs = True
            return self._once(self._context.rngs)
        (self.builtins if name in BUILTINS or name in ("len", "isinstance") else self.names).add(name)
        spelled = self._context.names.get(name)
        return cst.Name(name) if spelled is None else self._once(spelled)

    def _once(self, node: cst.BaseExpression) -> cst.BaseExpression:
        """The node itself the first time, then copies: a tree must not hold a node twice."""
        if id(node) in self._placed:
            return cst.Name(node.value) if type(node) is cst.Name and not node.lpar else node.deep_clone()
        self._placed.add(id(node))
        return node


def _as_tuple(node: cst.BaseExpression) -> cst.BaseExpression:
    """`[2, 3]` as `(2, 3)`, with the user's line breaks."""
    if not isinstance(node, cst.List):
        return node
    elements = list(node.elements)
    if len(elements) == 1 and not isinstance(elements[0].comma, cst.Comma):
        elements[0] = elements[0].with_changes(comma=cst.Comma())
    left = cst.LeftParen(whitespace_after=node.lbracket.whitespace_after)
    right = cst.RightParen(whitespace_before=node.rbracket.whitespace_before)
    return cst.Tuple(elements, lpar=[left], rpar=[right])


# --- evaluation ----------------------------------------------------------------------------------------------------


def _needs_binding(resolved: Expr, values: Mapping[str, FillArg]) -> tuple[str, ...]:
    """Parameters that the filled template would evaluate twice, never, perhaps, or out of order.

    Binding an argument to a name evaluates it before the rest of the expression: so all arguments with an effect that
    come before it in the source are bound as well.
    """
    uses = list(_uses(resolved, certain=True))
    counts: dict[str, int] = {}
    for name, _ in uses:
        counts[name] = counts.get(name, 0) + 1
    effects = [name for name, value in values.items() if value.has_effect and value.annotation not in UNUSED_BY_DESIGN]
    first = _first_in_order(effects, uses, counts)
    bound = set(effects[:first])
    bound |= {name for name, count in counts.items() if count > 1 and not values[name].repeatable}
    return tuple(name for name in values if name in bound)


def _first_in_order(effects: Sequence[str], uses: Sequence[tuple[str, bool]], counts: Mapping[str, int]) -> int:
    """How many of the arguments with effects to bind, so that the others are evaluated once, surely and in order."""
    sequence = [name for name, certain in uses if certain and counts[name] == 1]
    for first in range(len(effects) + 1):
        rest = effects[first:]
        if [name for name in sequence if name in rest] == rest:
            return first
    return len(effects)


def _uses(expr: Expr, *, certain: bool) -> Iterator[tuple[str, bool]]:
    """The parameters in the order of evaluation, each with whether it is surely evaluated."""
    tag = expr[0]
    if tag == "param":
        yield expr[1], certain
    elif tag in ("item", "element"):
        # Parts of one argument count once, at the first of them: they stay together and in order.
        if expr[2] == 0:
            yield from [(expr[1], certain)] if tag == "item" else _uses(expr[1], certain=certain)
    elif tag == "astuple":
        yield from _uses(expr[1], certain=certain)
    elif tag == "if":
        yield from _uses(expr[1], certain=certain)
        yield from _uses(expr[2], certain=False)
        yield from _uses(expr[3], certain=False)
    elif tag == "bool":
        for number, operand in enumerate(expr[2]):
            yield from _uses(operand, certain=certain and number == 0)
    elif tag == "cmp":  # a chain stops at the first link that is false
        yield from _uses(expr[1], certain=certain)
        for number, (_, operand) in enumerate(expr[2]):
            yield from _uses(operand, certain=certain and number == 0)
    elif tag == "lambda":
        for _, default in expr[1]:
            if default is not None:
                yield from _uses(default, certain=certain)
        yield from _uses(expr[2], certain=False)
    else:
        for child in ex.children(expr):
            yield from _uses(child, certain=certain)
