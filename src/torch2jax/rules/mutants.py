"""Rules broken on purpose, one small change at a time: an example of the rule should notice each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from torch2jax.rules import expr as ex
from torch2jax.rules.model import UNUSED_BY_DESIGN, Branch, Call, Expr, Layout, Param, Rule, StateEntry, StateMap

_NEAR: Final = """
    max min; maximum minimum; argmax argmin; nanmax nanmin; sum mean; nansum nanmean; all any; sin cos; sinh cosh;
    arcsin arccos; floor ceil; round trunc; exp expm1; log log1p; log2 log10; zeros ones; zeros_like ones_like;
    cumsum cumprod; tril triu; logical_and logical_or; greater greater_equal; less less_equal; bitwise_and bitwise_or;
    left_shift right_shift; hsplit vsplit; hstack vstack; add subtract; multiply divide; fft ifft; relu relu6;
    sigmoid log_sigmoid; softmax log_softmax; max_pool avg_pool; real imag; isposinf isneginf; nanargmax nanargmin;
    var std; cummax cummin; fmax fmin; eq ne; lt le; gt ge
"""
NEAR_NAMES: Final = {one: other for pair in _NEAR.split(";") for one, other in (pair.split(), pair.split()[::-1])}
"""Functions that are easily taken for one another."""

_COMMUTATIVE: Final = frozenset(
    "maximum minimum add multiply logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor fmax fmin gcd "
    "lcm logaddexp logaddexp2 hypot equal not_equal array_equal max min swapaxes result_type promote_types "
    "cosine_similarity".split()
)
"""Functions of two arguments whose order does not matter."""
_OPERATORS: Final = {
    "+": "-", "-": "+", "*": "/", "/": "*", "//": "*", "%": "//", "**": "*", "&": "|", "|": "&", "^": "|",
    "<<": ">>", ">>": "<<",
}  # fmt: skip
_ONES: Final = ("1.0", "-1.0")
"""To multiply by these is to divide by them."""
_COMPARISONS: Final = {
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "is": "is not", "is not": "is", "in": "not in",
    "not in": "in",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mutant:
    """A broken rule.

    change: what was changed, for people. line: where. branch: the line of the branch whose template was changed, so
    that only examples that take it can notice; None where any example can.
    """

    rule: Rule
    line: int
    change: str
    branch: int | None = None


def mutants(rule: Rule) -> list[Mutant]:
    """All mutants of a rule, each once."""
    found: dict[Rule, Mutant] = {}
    texts: Counter[str] = Counter()
    for mutant in _all_mutants(rule):
        if mutant.rule != rule and mutant.rule not in found:
            texts[mutant.change] += 1
            count = texts[mutant.change]
            found[mutant.rule] = replace(mutant, change=f"{mutant.change} ({count})") if count > 1 else mutant
    return list(found.values())


def _all_mutants(rule: Rule) -> Iterator[Mutant]:
    for branches, line, change, reached in _branch_mutants(rule.branches):
        yield Mutant(replace(rule, branches=branches), line, change, reached)
    if rule.call is not None and rule.call.line:
        for call, line, change in _call_mutants(rule.call):
            yield Mutant(replace(rule, call=call), line, change)
    for index, attribute in enumerate(rule.attributes):
        for branches, _, change, _ in _branch_mutants(attribute.branches):
            broken = replace(attribute, branches=branches)
            attributes = (*rule.attributes[:index], broken, *rule.attributes[index + 1 :])
            where = f"attribute {attribute.function}: {change}"
            yield Mutant(replace(rule, attributes=attributes), attribute.line, where)
    for params, change in _default_mutants(rule.params):
        yield Mutant(replace(rule, params=params), rule.line, change)
    if rule.layout is not None:
        for layout, change in _layout_mutants(rule.layout):
            yield Mutant(replace(rule, layout=layout), rule.line, change)
    if rule.state is not None:
        for state, change in _state_mutants(rule.state):
            yield Mutant(replace(rule, state=state), rule.line, change)


def _branch_mutants(
    branches: tuple[Branch, ...],
) -> Iterator[tuple[tuple[Branch, ...], int, str, int | None]]:
    """Branches with one of them changed: them, the line, the change, and the branch's line if its guard stays."""
    for index, branch in enumerate(branches):
        before, after = branches[:index], branches[index + 1 :]
        if branch.template is not None:
            for change, template in _variants(branch.template):
                yield (*before, replace(branch, template=template), *after), branch.line, change, branch.line
        if branch.guard is not None:
            always = f"if {_short(branch.guard)}: is always taken"
            yield (*before, replace(branch, guard=None)), branch.line, always, None
            for change, guard in _guard_variants(branch.guard):
                yield (*before, replace(branch, guard=guard), *after), branch.line, f"in the guard, {change}", None


def _call_mutants(call: Call) -> Iterator[tuple[Call, int, str]]:
    for branches, line, change, _ in _branch_mutants(call.branches):
        yield replace(call, branches=branches), line, f"in the call, {change}"
    for params, change in _default_mutants(call.params):
        yield replace(call, params=params), call.line, f"in the call, {change}"


def _default_mutants(params: tuple[Param, ...]) -> Iterator[tuple[tuple[Param, ...], str]]:
    for index, param in enumerate(params):
        if param.default is None or param.annotation in UNUSED_BY_DESIGN or param.default[0] != "const":
            continue
        value = param.default[1]
        changed = ("const", f"{value}_") if isinstance(value, str) else _other_constant(value)
        if changed is not None:
            new = replace(param, default=changed)
            change = f"default of {param.name} {ex.unparse(param.default)} -> {ex.unparse(changed)}"
            yield (*params[:index], new, *params[index + 1 :]), change


def _layout_mutants(layout: Layout) -> Iterator[tuple[Layout | None, str]]:
    """Two spatial axes exchanged, and the channels left where torch has them."""
    *first, one, other = layout.target
    if len(first) >= 2 and "..." not in (one, other):
        spatial = [name for name in layout.target[1:] if name != "C"]
        if len(spatial) >= 2:
            swapped = {spatial[0]: spatial[1], spatial[1]: spatial[0]}
            target = tuple(swapped.get(name, name) for name in layout.target)
            yield replace(layout, target=target), f"layout {' '.join(layout.target)} -> {' '.join(target)}"
    if layout.source != layout.target:
        # The engine reads a layout for any number of axes as channels last, whatever the order it names.
        dropped = None if "..." in layout.target else replace(layout, target=layout.source)
        yield dropped, f"layout {' '.join(layout.target)} -> {' '.join(layout.source)}"


def _state_mutants(state: StateMap) -> Iterator[tuple[StateMap, str]]:
    """Permutations of weights dropped or changed, and two weights exchanged."""
    entries = state.entries
    for index, entry in enumerate(entries):
        before, after = entries[:index], entries[index + 1 :]
        if entry.ops:
            yield StateMap((*before, replace(entry, ops=entry.ops[:-1]), *after)), f"flax.{entry.flax} not transposed"
        last = entry.ops[-1] if entry.ops else None
        if last is not None and last != "T" and len(last[1]) > 1:
            axes = (last[1][1], last[1][0], *last[1][2:])
            new = replace(entry, ops=(*entry.ops[:-1], ("transpose", axes)))
            yield StateMap((*before, new, *after)), f"flax.{entry.flax} transposed by {axes}"
        if after:
            exchanged = _exchanged(entry, after[0])
            change = f"flax.{entry.flax} and flax.{after[0].flax} exchanged"
            yield StateMap((*before, *exchanged, *after[1:])), change


def _exchanged(one: StateEntry, other: StateEntry) -> tuple[StateEntry, StateEntry]:
    return replace(one, torch=other.torch), replace(other, torch=one.torch)


# ---- expressions ----


def _guard_variants(guard: Expr) -> Iterator[tuple[str, Expr]]:
    """The guard with a part left out, or turned around.

    A part of a conjunction is left out only: turned around it would mostly send calls to a more general branch, which
    computes the same.
    """
    if guard[0] == "bool":
        for index, operand in enumerate(guard[2]):
            rest = (*guard[2][:index], *guard[2][index + 1 :])
            yield f"{_short(operand)} left out", rest[0] if len(rest) == 1 else ("bool", guard[1], rest)
            if operand[0] == "bool" or (operand[0] == "cmp" and operand[2][0][0] in _BOUNDS):
                for change, new in _guard_variants(operand):
                    yield change, ("bool", guard[1], (*guard[2][:index], new, *guard[2][index + 1 :]))
    elif guard[0] in ("cmp", "un"):
        yield from ((f"{_short(guard)} -> {_short(new)}", new) for new in _plain_changes(guard))
    else:
        yield f"{_short(guard)} -> not {_short(guard)}", ("un", "not", guard)


_BOUNDS: Final = frozenset({"<", "<=", ">", ">="})


def _variants(expr: Any, parent: Expr | None = None) -> Iterator[tuple[str, Expr]]:
    """The expression with one of its parts changed, and what was changed."""
    for change, new in _changes(expr):
        where = f" in {_short(parent)}" if parent is not None and expr[0] in ("const", "attr") else ""
        yield change or f"{_short(expr)} -> {_short(new)}{where}", new
    if not isinstance(expr, tuple) or expr[:1] in (("const",), ("types",), ("param",), ("name",), ("local",)):
        return
    around = expr if isinstance(expr[0], str) and expr[0] in _SHOWN else parent
    for index, part in enumerate(expr):
        if isinstance(part, tuple) and part and not (expr[0] == "lambda" and index == 1):
            for change, new in _variants(part, around):
                yield change, (*expr[:index], new, *expr[index + 1 :])


# Parts of expressions whose spelling tells where a change is.
_SHOWN: Final = frozenset({"call", "bin", "cmp", "bool", "if", "sub", "fn"})


def _short(expr: Expr) -> str:
    text = ex.unparse(expr)
    return text if len(text) <= 70 else f"{text[:67]}..."


def _changes(expr: Any) -> Iterator[tuple[str, Expr]]:
    """What can be changed at the root of an expression; with a text where "before -> after" is not what one wants."""
    if isinstance(expr, tuple) and expr[:1] == ("call",) and len(expr) == 3:
        yield from _call_changes(expr)
    else:
        yield from (("", new) for new in _plain_changes(expr))


def _plain_changes(expr: Any) -> Iterator[Expr]:
    tag = expr[0] if isinstance(expr, tuple) and expr else None
    if tag == "const":
        other = _other_constant(expr[1])
        if other is not None:
            yield other
    elif tag == "attr" and len(expr) == 3 and expr[2] in NEAR_NAMES:
        yield ("attr", expr[1], NEAR_NAMES[expr[2]])
    elif tag == "bin":
        _, operator, left, right = expr
        if operator == "@":
            yield ("bin", operator, right, left)
        elif not (operator in "*/" and ex.unparse(right) in _ONES):
            yield ("bin", _OPERATORS[operator], left, right)
    elif tag == "un" and expr[1] != "+":
        yield expr[2]
    elif tag == "cmp":
        _, left, ((operator, right), *more) = expr
        yield ("cmp", left, ((_COMPARISONS[operator], right), *more))
    elif tag == "bool":
        for index in range(len(expr[2])):
            rest = (*expr[2][:index], *expr[2][index + 1 :])
            yield rest[0] if len(rest) == 1 else ("bool", expr[1], rest)
    elif tag == "if":
        yield ("if", expr[1], expr[3], expr[2])


def _other_constant(value: object) -> Expr | None:
    if isinstance(value, bool):
        return ("const", not value)
    if isinstance(value, int):
        return ("const", value + 1)
    if isinstance(value, float):
        return ("const", value * 2 or 1.0)
    return None


def _call_changes(expr: Expr) -> Iterator[tuple[str, Expr]]:
    """Two arguments exchanged, a keyword dropped, a cast dropped."""
    _, function, arguments = expr
    name = _short(function)
    if function[0] == "attr" and function[2] == "astype":
        yield f"the cast {_short(expr)} dropped", function[1]
    for index, (star, keyword, value) in enumerate(arguments):
        before, after = arguments[:index], arguments[index + 1 :]
        if keyword or star == "**":
            shown = f"{keyword}={_short(value)}" if keyword else f"**{_short(value)}"
            yield f"{shown} of {name} dropped", ("call", function, (*before, *after))
        elif (
            function[-1] not in _COMMUTATIVE
            and not star
            and after
            and after[0][:2] == ("", None)
            and after[0][2] != value
        ):
            exchanged = (*before, after[0], arguments[index], *after[1:])
            yield f"{_short(value)} and {_short(after[0][2])} of {name} exchanged", ("call", function, exchanged)
