"""Choose the branch of a rule: three-valued guards over what is known of the arguments.

A guard that the arguments do not decide is passed by: at a `return` the next branch is tried, at a `raise` the negated
guard becomes an assumption that the caller reports (T2J201).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import libcst as cst

from torch2jax.rules import expr as ex
from torch2jax.rules.bind import Bound
from torch2jax.rules.model import UNKNOWN, UNUSED_BY_DESIGN, Branch, Call, Expr, Refusal, Rule, Unknown


class Facts(Protocol):
    """What is known of an argument."""

    @property
    def value(self) -> object:
        """Its Python value, or UNKNOWN."""

    @property
    def type(self) -> str | None:
        """`int`, `str`, `tensor`, `none`, ...; None if unknown."""

    @property
    def rank(self) -> int | None:
        """Number of axes."""

    @property
    def dtype(self) -> str | None:
        """A dtype's name or category."""

    @property
    def length(self) -> int | None:
        """Number of items of a sequence."""

    @property
    def explicit(self) -> bool:
        """Whether the call passes it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Truth of a guard (UNKNOWN if undecided), the parameters that decided it, and what of it is left to decide."""

    value: bool | Unknown
    used: frozenset[str]
    rest: Expr


@dataclass(frozen=True, slots=True)
class Choice:
    """The branch to fill.

    `assumptions` are guards of refusals that had to be taken as false, and readings of `*tensors`, as text; `unused`
    are arguments that have no translation (T2J102); `dropped` are arguments that are left out with a note (T2J301).
    """

    branch: Branch
    assumptions: tuple[str, ...]
    unused: tuple[str, ...]
    dropped: tuple[str, ...]


def choose(rule: Rule | Call, bound: Bound) -> Choice | Refusal:
    """The first branch whose guard holds, or the refusal that applies."""
    tested: set[str] = set()
    assumptions: list[str] = []
    for branch in rule.branches:
        if branch.guard is not None:
            verdict = decide(branch.guard, bound.args)
            tested |= verdict.used
            if verdict.value is UNKNOWN:
                if branch.refusal is not None:
                    assumptions.append(negation(verdict.rest))
                    tested |= ex.params_of(verdict.rest)
                continue
            if verdict.value is False:
                continue
        if branch.refusal is not None:
            return branch.refusal
        assumptions += _readings(bound)
        unused = _unused(branch, bound, tested)
        dropped = tuple(name for name, arg in bound.args.items() if arg.explicit and arg.param.annotation == "Dropped")
        return Choice(branch, tuple(assumptions), unused, dropped)
    raise ValueError("the last branch of a rule has no guard")


def _readings(bound: Bound) -> Iterator[str]:
    """How the only argument of `*tensors` is read where its type is unknown: the template needs one or the other."""
    for arg in bound.args.values():
        if arg.ambiguous and arg.param.annotation in ("Tensor", "Tensors") and arg.items:
            shown = cst.Module([]).code_for_node(arg.items[0].node)
            yield f"`{shown}` is {'a tensor' if arg.param.annotation == 'Tensor' else 'a list or tuple of tensors'}"


def _unused(branch: Branch, bound: Bound, tested: set[str]) -> tuple[str, ...]:
    used = tested | (ex.params_of(branch.template) if branch.template else set())
    return tuple(
        name
        for name, arg in bound.args.items()
        if arg.explicit and name not in used and arg.param.annotation not in UNUSED_BY_DESIGN and not arg.is_default
    )


def rank_of(rule: Rule, bound: Bound) -> int | None:
    """Number of axes of the result by the rule's `rank=`; None where it has none or the arguments do not tell."""
    rank = evaluate(rule.rank, bound.args) if rule.rank is not None else None
    return rank if isinstance(rank, int) else None


# --- three-valued evaluation -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Partial:
    """A value of which at most the type and the length are known."""

    type: str | None = None
    length: int | None = None
    items: tuple[object, ...] | None = None


_ANYTHING: Final = _Partial()
_NUMBERS: Final = frozenset({"int", "float", "bool", "complex"})
_BASIC: Final = _NUMBERS | {"str", "none", "tuple", "list", "dict"}
_TRUE_TYPES: Final = frozenset({"module", "callable", "function", "dtype", "device"})
_COMPARE: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_ARITHMETIC: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv,
    "%": operator.mod, "**": operator.pow,
}  # fmt: skip
_NOTHING: Final[frozenset[str]] = frozenset()


def decide(guard: Expr, facts: Mapping[str, Facts]) -> Verdict:
    """The truth of a guard. A parameter that `facts` lacks is unknown altogether."""
    tag = guard[0]
    if tag == "bool":
        return _junction(guard, facts)
    if tag == "un" and guard[1] == "not":
        inner = decide(guard[2], facts)
        value: bool | Unknown = UNKNOWN if inner.value is UNKNOWN else not inner.value
        return Verdict(value, inner.used, ("un", "not", inner.rest))
    if tag == "cmp":
        if len(guard[2]) > 1:
            return _junction(("bool", "and", tuple(_links(guard))), facts)
        op, right = guard[2][0]
        truth = _compare(op, evaluate(guard[1], facts), evaluate(right, facts))
    else:
        truth = _truth(evaluate(guard, facts))
    used = _NOTHING if truth is UNKNOWN else frozenset(ex.params_of(guard))
    return Verdict(truth, used, guard)


def _links(guard: Expr) -> list[Expr]:
    operands = [guard[1], *(operand for _, operand in guard[2])]
    return [("cmp", operands[i], ((op, operand),)) for i, (op, operand) in enumerate(guard[2])]


def _junction(guard: Expr, facts: Mapping[str, Facts]) -> Verdict:
    """`and` is settled by one False, `or` by one True, whatever the other operands are."""
    settling = guard[1] == "or"
    used: frozenset[str] = _NOTHING
    rest: list[Expr] = []
    for operand in guard[2]:
        verdict = decide(operand, facts)
        if verdict.value is settling:
            return verdict
        used |= verdict.used
        if verdict.value is UNKNOWN:
            rest.append(verdict.rest)
    if not rest:
        return Verdict(not settling, used, guard)
    return Verdict(UNKNOWN, used, rest[0] if len(rest) == 1 else ("bool", guard[1], tuple(rest)))


def evaluate(expr: Expr, facts: Mapping[str, Facts]) -> object:
    """The Python value of an expression, or a `_Partial`."""
    tag = expr[0]
    if tag == "const":
        constant: object = expr[1]
        return constant
    if tag == "param":
        return _of_param(facts.get(expr[1]))
    if tag == "fn":
        return _function(expr, facts)
    if tag == "tuple" or tag == "list":
        return _sequence(expr, facts)
    if tag == "sub":
        return _compute(operator.getitem, evaluate(expr[1], facts), evaluate(expr[2], facts))
    if tag == "bin":
        return _compute(_ARITHMETIC.get(expr[1]), evaluate(expr[2], facts), evaluate(expr[3], facts))
    if tag == "un" and expr[1] == "-":
        return _compute(operator.sub, 0, evaluate(expr[2], facts))
    if tag == "bool":
        return _either(expr, facts)
    if tag == "cmp" or expr[:2] == ("un", "not"):
        truth = decide(expr, facts).value
        return _ANYTHING if truth is UNKNOWN else truth
    if tag == "if":
        test = decide(expr[1], facts).value
        return _ANYTHING if test is UNKNOWN else evaluate(expr[2] if test else expr[3], facts)
    value = ex.literal(expr)
    return _ANYTHING if value is UNKNOWN else value


def _either(expr: Expr, facts: Mapping[str, Facts]) -> object:
    """`a and b`, `a or b` as values: one of the operands."""
    value: object = _ANYTHING
    for number, operand in enumerate(expr[2]):
        value = evaluate(operand, facts)
        truth = _truth(value)
        if number < len(expr[2]) - 1 and truth is UNKNOWN:
            return _ANYTHING
        if truth is (expr[1] == "or"):
            return value
    return value


def _of_param(fact: Facts | None) -> object:
    if fact is None:
        return _ANYTHING
    if fact.value is not UNKNOWN:
        return fact.value
    return None if fact.type == "none" else _Partial(fact.type, fact.length, _items_of(fact))


def _items_of(fact: Facts) -> tuple[object, ...] | None:
    """What is known of each argument of `*size` where they are given one by one."""
    items = getattr(fact, "items", None)
    if items is None or fact.length is None or len(items) != fact.length:
        return None
    return tuple(_of_param(item) for item in items)


def _sequence(expr: Expr, facts: Mapping[str, Facts]) -> object:
    items = [evaluate(item, facts) for item in expr[1]]
    if any(isinstance(item, _Partial) for item in items) or any(item[0] == "star" for item in expr[1]):
        return _Partial(expr[0])
    return tuple(items) if expr[0] == "tuple" else items


def _compute(function: Callable[[Any, Any], Any] | None, left: object, right: object) -> object:
    if function is None or isinstance(left, _Partial) or isinstance(right, _Partial):
        return _ANYTHING
    try:
        result: object = function(left, right)
    except (TypeError, ValueError, ArithmeticError, LookupError):
        return _ANYTHING
    return result


def _function(expr: Expr, facts: Mapping[str, Facts]) -> object:
    name, arguments = expr[1], expr[2]
    if name == "len":
        value = evaluate(arguments[0], facts)
        if isinstance(value, _Partial):
            return _Partial("int") if value.length is None else value.length
        return len(value) if isinstance(value, (str, tuple, list, dict)) else _ANYTHING
    if name == "isinstance":
        truth = _is_instance(evaluate(arguments[0], facts), arguments[1][1])
        return _Partial("bool") if truth is UNKNOWN else truth
    fact = facts.get(arguments[0][1]) if arguments[0][0] == "param" else None
    if fact is None:
        return _ANYTHING
    if name == "given":
        return fact.explicit
    type_name = type_of(fact)
    if name == "is_tensor":
        return _Partial("bool") if type_name is None else type_name == "tensor"
    if name == "is_function":
        return _Partial("bool") if type_name is None else type_name == "function"
    if name == "rank":
        return (0 if type_name in _NUMBERS else _Partial("int")) if fact.rank is None else fact.rank
    if name == "dtype":
        return category(fact.dtype) or (type_name if type_name in _NUMBERS else _Partial("str"))
    return _ANYTHING


def type_of(fact: Facts) -> str | None:
    """The type's name, from the value where there is one."""
    return fact.type if fact.value is UNKNOWN else type_name(fact.value)


def type_name(value: object) -> str:
    """The name of the value's Python type; `none` for None."""
    return "none" if value is None else type(value).__name__


def category(dtype: str | None) -> str | None:
    """The category (bool, int, float, complex) of a dtype by its name; None if it is unknown."""
    if dtype is None:
        return None
    name = dtype.rpartition(".")[2]
    if name in ("half", "double"):
        return "float"
    if name in ("long", "short") or name.startswith("uint"):
        return "int"
    stem = name.rstrip("0123456789").removeprefix("b")
    return {"ool": "bool", "int": "int", "float": "float", "complex": "complex"}.get(stem)


def _is_instance(value: object, names: tuple[str, ...]) -> bool | Unknown:
    if not isinstance(value, _Partial):
        found = type_name(value)
    elif value.type is None:
        return UNKNOWN
    else:
        found = value.type
    if found == "shape" and "Size" in names:
        return True
    if found == "shape":  # a torch.Size is a tuple
        found = "tuple"
    return found in names or (found == "bool" and "int" in names)


def _truth(value: object) -> bool | Unknown:
    if not isinstance(value, _Partial):
        return bool(value)
    if value.length is not None:
        return value.length > 0
    return True if value.type in _TRUE_TYPES else UNKNOWN


def _compare(op: str, left: object, right: object) -> bool | Unknown:
    if op in ("is", "is not"):
        same = _is_none(left)
        return same if same is UNKNOWN or op == "is" else not same
    if op in ("in", "not in"):
        member = _member(left, right)
        return member if member is UNKNOWN or op == "in" else not member
    if not isinstance(left, _Partial) and not isinstance(right, _Partial):
        try:
            return bool(_COMPARE[op](left, right))
        except TypeError:
            return UNKNOWN
    if op in ("==", "!=") and _never_equal(left, right):
        return op == "!="
    return UNKNOWN


def _is_none(value: object) -> bool | Unknown:
    if isinstance(value, _Partial):
        return UNKNOWN if value.type is None else False
    return value is None


def _member(left: object, right: object) -> bool | Unknown:
    if isinstance(right, _Partial) and right.type == "shape" and isinstance(left, int) and left < 0:
        return False  # an array's own sizes
    if isinstance(right, _Partial) and right.items is not None and not isinstance(left, _Partial):
        known = [item for item in right.items if not isinstance(item, _Partial)]
        if left in known:
            return True
        return False if len(known) == len(right.items) else UNKNOWN
    if isinstance(right, _Partial) or not isinstance(right, (tuple, list, str, dict)):
        return UNKNOWN
    if not isinstance(left, _Partial):
        try:
            return left in right
        except TypeError:
            return UNKNOWN
    if isinstance(right, str):
        return UNKNOWN
    return False if all(_never_equal(left, item) for item in right) else UNKNOWN


def _never_equal(left: object, right: object) -> bool:
    """Whether types or lengths alone tell two values apart, one of which is not known."""
    kinds = [value.type if isinstance(value, _Partial) else type_name(value) for value in (left, right)]
    kinds = ["tuple" if kind == "shape" else kind for kind in kinds]
    if None in kinds:
        return False
    if kinds[0] != kinds[1] and not set(kinds) <= _NUMBERS:
        known = [kind in _BASIC for kind in kinds]
        if all(known):
            return True
        other = kinds[known.index(False)]
        basic = kinds[known.index(True)] if any(known) else None
        if other == "tensor":
            return basic in ("str", "none", "dict")
        return other in ("module", "callable", "function", "dtype") and basic is not None
    lengths = [value.length if isinstance(value, _Partial) else _length(value) for value in (left, right)]
    return None not in lengths and lengths[0] != lengths[1]


def _length(value: object) -> int | None:
    return len(value) if isinstance(value, (str, tuple, list, dict)) else None


_NEGATED: Final = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">", "in": "not in", "not in": "in"}


def negation(guard: Expr) -> str:
    """The opposite of a guard as text, such as ``ceil_mode is False`` or ``padding_mode != "circular"``."""
    return ex.unparse(negate(guard))


def negate(guard: Expr) -> Expr:
    """The opposite of a guard, with `not` moved inwards."""
    tag = guard[0]
    if tag == "un" and guard[1] == "not":
        inner: Expr = guard[2]
        return inner
    if tag == "bool":
        return ("bool", "or" if guard[1] == "and" else "and", tuple(negate(operand) for operand in guard[2]))
    if tag == "cmp" and len(guard[2]) == 1:
        op, right = guard[2][0]
        op = {"is": "is not", "is not": "is"}.get(op) or _NEGATED[op]
        return ("cmp", guard[1], ((op, right),))
    return ("un", "not", guard)
