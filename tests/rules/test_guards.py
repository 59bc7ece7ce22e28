"""Guards: three-valued truth, the choice of a branch, what is reported as unused or assumed."""

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import libcst as cst
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from torch2jax.rules.bind import Arg, Bound, bind
from torch2jax.rules.grammar import check_source
from torch2jax.rules.guards import Choice, category, choose, decide, evaluate, negation, rank_of
from torch2jax.rules.model import UNKNOWN, Expr, Refusal, Rule
from torch2jax.rules.signatures import Signatures
from torch2jax.rules.templates import Scope, parse

NOTHING = Signatures({"library": {}, "namespaces": {}, "helpers": {}, "static": []})
PARAMS = ("a", "b", "c")


def guard(source: str) -> Expr:
    scope = Scope("test", [source], dict.fromkeys(PARAMS, "pos"), NOTHING, frozenset(), guard=True)
    return parse(ast.parse(source, mode="eval").body, scope)


@dataclass
class Fact:
    value: object = UNKNOWN
    type: str | None = None
    rank: int | None = None
    dtype: str | None = None
    length: int | None = None
    explicit: bool = True


def truth(source: str, **facts: Fact) -> object:
    return decide(guard(source), {**{name: Fact() for name in PARAMS}, **facts}).value


U = UNKNOWN
CASES: list[tuple[str, dict[str, Fact], object]] = [
    ("isinstance(a, Size)", {"a": Fact(type="shape")}, True),
    ("isinstance(a, Size)", {"a": Fact(type="tuple")}, False),
    ("isinstance(a, tuple)", {"a": Fact(type="shape")}, True),
    ("-1 in a", {"a": Fact(type="shape")}, False),
    ("-1 not in a", {"a": Fact(type="shape")}, True),
    ("1 in a", {"a": Fact(type="shape")}, U),
    ("-1 in a", {"a": Fact(type="tuple")}, U),
    ("a is None", {"a": Fact(None)}, True),
    ("a is None", {"a": Fact(3)}, False),
    ("a is None", {"a": Fact(type="int")}, False),
    ("a is None", {"a": Fact(type="none")}, True),
    ("a is None", {}, U),
    ("a is not None", {"a": Fact(type="tensor")}, True),
    ("a == 'x'", {"a": Fact("x")}, True),
    ("a == 'x'", {"a": Fact(type="int")}, False),
    ("a != 'x'", {"a": Fact(type="int")}, True),
    ("a == 'x'", {"a": Fact(type="str")}, U),
    ("a == 1", {"a": Fact(type="float")}, U),
    ("a == 1", {"a": Fact(type="bool")}, U),
    ("a == 1", {"a": Fact(type="tensor")}, U),
    ("a == 'x'", {"a": Fact(type="tensor")}, False),
    ("a == 'x'", {"a": Fact(type="callable")}, False),
    ("a == (1, 2)", {"a": Fact(type="tuple", length=3)}, False),
    ("a == (1, 2)", {"a": Fact(type="tuple", length=2)}, U),
    ("a == (1, 2)", {"a": Fact((1, 2))}, True),
    ("a == b", {"a": Fact(1), "b": Fact(1)}, True),
    ("a == b", {"a": Fact(type="int"), "b": Fact(type="str")}, False),
    ("a == b", {"a": Fact(type="int"), "b": Fact(type="float")}, U),
    ("a in ('x', 'y')", {"a": Fact("y")}, True),
    ("a in ('x', 'y')", {"a": Fact(type="int")}, False),
    ("a not in ('x', 'y')", {"a": Fact(type="none")}, True),
    ("a in ('x', None)", {"a": Fact(type="none")}, True),
    ("a in ('x', 1)", {"a": Fact(type="int")}, U),
    ("a in b", {"a": Fact(1)}, U),
    ("a in 'xyz'", {"a": Fact(type="str")}, U),
    ("a < 3", {"a": Fact(2)}, True),
    ("a < 3", {"a": Fact("x")}, U),
    ("0 < a <= 3", {"a": Fact(4)}, False),
    ("0 < a <= b", {"a": Fact(0)}, False),
    ("a", {"a": Fact(True)}, True),
    ("a", {"a": Fact(type="module")}, True),
    ("a", {"a": Fact(type="none")}, False),
    ("a", {"a": Fact(type="int")}, U),
    ("a", {"a": Fact(type="list", length=0)}, False),
    ("not a", {"a": Fact(0)}, True),
    ("a or b", {"b": Fact(1)}, True),
    ("a and b", {"b": Fact(0)}, False),
    ("a or b", {"b": Fact(0)}, U),
    ("isinstance(a, int)", {"a": Fact(True)}, True),
    ("isinstance(a, int)", {"a": Fact(type="bool")}, True),
    ("isinstance(a, bool)", {"a": Fact(type="int")}, False),
    ("isinstance(a, float)", {"a": Fact(1)}, False),
    ("isinstance(a, (str, list))", {"a": Fact(type="list")}, True),
    ("isinstance(a, tuple)", {"a": Fact(type="shape")}, True),
    ("isinstance(a, int | str)", {"a": Fact(type="tensor")}, False),
    ("isinstance(a, int)", {}, U),
    ("len(a) == 2", {"a": Fact((1, 2))}, True),
    ("len(a) == 2", {"a": Fact(type="tuple", length=3)}, False),
    ("len(a) == 2", {"a": Fact(type="tuple")}, U),
    ("len(a) == 2", {"a": Fact(3)}, U),
    ("rank(a) == 3", {"a": Fact(type="tensor", rank=3)}, True),
    ("rank(a) == 3", {"a": Fact(type="tensor")}, U),
    ("rank(a) == 0", {"a": Fact(2.0)}, True),
    ("dtype(a) == 'float'", {"a": Fact(type="tensor", dtype="float32")}, True),
    ("dtype(a) == 'bool'", {"a": Fact(type="tensor", dtype="torch.int64")}, False),
    ("dtype(a) in ('int', 'bool')", {"a": Fact(True)}, True),
    ("dtype(a) == 'int'", {"a": Fact(type="tensor")}, U),
    ("given(a)", {"a": Fact(explicit=False)}, False),
    ("given(a)", {}, True),
    ("is_tensor(a)", {"a": Fact(type="tensor")}, True),
    ("is_tensor(a)", {"a": Fact(1)}, False),
    ("is_tensor(a)", {}, U),
    ("a[0] == 1", {"a": Fact((1, 2))}, True),
    ("a[0] == 1", {"a": Fact(type="tuple", length=2)}, U),
    ("a[5] == 1", {"a": Fact((1, 2))}, U),
    ("a % b == 0", {"a": Fact(4), "b": Fact(2)}, True),
    ("a % b == 0", {"a": Fact(4), "b": Fact(0)}, U),
    ("a == -1", {"a": Fact(-1)}, True),
    ("(a, b) == (1, 2)", {"a": Fact(1), "b": Fact(2)}, True),
    ("(a, b) == (1, 2)", {"a": Fact(1)}, U),
    ("(1 if a else 2) == 1", {"a": Fact(0)}, False),
    ("(1 if a else 2) == 3", {}, U),
    ("(a is None) == True", {"a": Fact(None)}, True),
    ("(a and b) is None", {"a": Fact(1), "b": Fact(None)}, True),
    ("(a or b) == 3", {"a": Fact(0), "b": Fact(3)}, True),
    ("(a or b) == 3", {"b": Fact(3)}, U),
    ("+a == 3", {"a": Fact(3)}, U),
    ("~a", {"a": Fact(3)}, U),
]  # fmt: skip


@pytest.mark.parametrize(("source", "facts", "expected"), CASES, ids=[f"{case[0]} {case[1]}" for case in CASES])
def test_truth(source: str, facts: dict[str, Fact], expected: object) -> None:
    assert truth(source, **facts) is expected


def test_parameters_without_facts_are_unknown() -> None:
    for source in ("given(a)", "rank(a) == 2", "a is None", "isinstance(a, int)", "dtype(a) == 'int'"):
        assert decide(guard(source), {}).value is UNKNOWN


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("float32", "float"), ("torch.float64", "float"), ("half", "float"), ("bfloat16", "float"), ("double", "float"),
        ("int8", "int"), ("uint8", "int"), ("long", "int"), ("bool", "bool"), ("complex64", "complex"), ("int", "int"),
        ("complex", "complex"), ("float", "float"), (None, None), ("quint4x2", None),
    ],
)  # fmt: skip
def test_categories_of_dtypes(name: str | None, found: str | None) -> None:
    assert category(name) == found


# --- choosing --------------------------------------------------------------------------------------------------------


def rule(body: str, header: str = "input: Tensor, mode='a', dim: Axis = 0, device: Device = None") -> Rule:
    source = f'@rule("torch.f", rank=rank(input) + 1)\ndef f({header}):\n' + "".join(
        f"    {line}\n" for line in body.split("\n")
    )
    (found,), errors = check_source(source, Path("a.py"))
    assert not errors, errors
    return found


def arg(source: str, **known: Any) -> Arg:
    return Arg(cst.parse_expression(source), **known)


X = arg("x", type="tensor")


def chosen(found: Rule, **keywords: Arg) -> Choice | Refusal:
    bound = bind(found, [X], keywords)
    assert isinstance(bound, Bound)
    return choose(found, bound)


def outcome(found: Rule, **keywords: Arg) -> Choice:
    choice = chosen(found, **keywords)
    assert isinstance(choice, Choice)
    return choice


BRANCHES = """if mode == "a":
    return input
if mode == "b":
    return -input
return input + 1"""


def test_the_first_branch_that_holds() -> None:
    found = rule(BRANCHES)
    assert outcome(found).branch is found.branches[0]
    assert outcome(found, mode=arg("'b'", value="b")).branch is found.branches[1]
    assert outcome(found, mode=arg("'c'", value="c")).branch is found.branches[2]
    assert outcome(found, mode=arg("'c'", value="c")).unused == ()


def test_what_no_guard_decides_and_the_template_does_not_use_is_reported() -> None:
    found = rule(BRANCHES)
    choice = outcome(found, mode=arg("m"))
    assert choice.branch is found.branches[2]
    assert choice.unused == ("mode",)
    used = rule(BRANCHES.replace("input + 1", "input + mode"))
    assert outcome(used, mode=arg("m")).unused == ()


def test_unused_arguments() -> None:
    found = rule("return input")
    assert outcome(found, dim=arg("1", value=1)).unused == ("dim",)
    assert outcome(found, dim=arg("0", value=0)).unused == ()
    assert outcome(found, dim=arg("d")).unused == ("dim",)
    assert outcome(found, device=arg("d")).unused == ()


def test_an_argument_that_did_not_decide_is_not_tested() -> None:
    found = rule('if mode == "a" and dim == 0:\n    return input\nreturn -input')
    assert outcome(found, mode=arg("'b'", value="b"), dim=arg("d")).unused == ("dim",)
    assert outcome(found, mode=arg("m"), dim=arg("1", value=1)).unused == ("mode",)


def test_dropped_arguments() -> None:
    found = rule("return input", "input, fast: Dropped = False, other: Ignored = 1")
    assert outcome(found, fast=arg("True", value=True), other=arg("y")).dropped == ("fast",)
    assert outcome(found).dropped == ()
    assert outcome(found, fast=arg("True", value=True)).unused == ()


def test_refusals() -> None:
    found = rule('if mode == "c":\n    raise Unsupported("no c", "take a")\nreturn input')
    assert chosen(found, mode=arg("'c'", value="c")) == Refusal("no c", "take a")
    assert outcome(found).assumptions == ()
    unknown = outcome(found, mode=arg("m"))
    assert unknown.assumptions == ('mode != "c"',)
    assert unknown.unused == ()
    assert chosen(rule('raise Unsupported("never")')) == Refusal("never", "")


def test_an_assumption_names_only_what_is_open() -> None:
    found = rule('if dim == 1 and (mode == "c" or mode is None):\n    raise Unsupported("no")\nreturn input')
    choice = outcome(found, mode=arg("m"), dim=arg("1", value=1))
    assert choice.assumptions == ('mode != "c" and mode is not None',)


@pytest.mark.parametrize(
    ("annotation", "reading"),
    [("Tensors", "`xs` is a list or tuple of tensors"), ("Tensor", "`xs` is a tensor"), ("Shape", None), ("int", None)],
)
def test_the_reading_of_a_single_star_argument_is_an_assumption(annotation: str, reading: str | None) -> None:
    found = rule("return input + tensors", f"input, *tensors: {annotation}")
    for known, expected in [({}, reading), ({"type": "tensor"}, None), ({"type": "list"}, None)]:
        bound = bind(found, [X, arg("xs", **known)], {})
        if isinstance(bound, Bound):
            choice = choose(found, bound)
            assert isinstance(choice, Choice)
            assert choice.assumptions == (() if expected is None else (expected,))


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("a == 1", "a != 1"), ("a is None", "a is not None"), ("a is not None", "a is None"), ("not a", "a"),
        ("a", "not a"), ("a in (1, 2)", "a not in (1, 2)"), ("a < 1", "a >= 1"), ("a >= 1", "a < 1"), ("a or not b",
        "not a and b"),
        ("a and (b or c)", "not a or not b and not c"), ("isinstance(a, str)", "not isinstance(a, str)"),
        ("0 < a < 2", "not 0 < a < 2"),
    ],
)  # fmt: skip
def test_negation(source: str, text: str) -> None:
    assert negation(guard(source)) == text


def test_rank_of_the_result() -> None:
    found = rule("return input")
    for rank, expected in [(2, 3), (None, None)]:
        bound = bind(found, [arg("x", type="tensor", rank=rank)], {})
        assert isinstance(bound, Bound)
        assert rank_of(found, bound) == expected


def test_a_rule_without_a_last_branch_is_an_error_of_the_engine() -> None:
    found = rule(BRANCHES)
    broken = Rule(**{name: getattr(found, name) for name in Rule.__slots__} | {"branches": ()})
    with pytest.raises(ValueError, match="no guard"):
        chosen(broken)


# --- consistency -----------------------------------------------------------------------------------------------------

VALUES: list[object] = [None, True, False, 0, 1, 2, -1, 0.5, 1.0, "x", "y", "", (1, 2), (), [1], (1, 2, 3)]
ATOMS = [
    "a", "b", "a is None", "b is not None", "a == 1", "b == 'x'", "a != (1, 2)", "c in (1, 'x', None)",
    "a not in ('x', 'y')", "isinstance(a, int)", "isinstance(b, (tuple, list))", "isinstance(c, str | float)",
    "a < 2", "c >= b",
    "len(a) == 2", "a == b", "a == c", "a[0] == 1", "a + b == 2", "-a == 1", "given(a)", "(a, b) == (1, 'x')",
    "a % 2 == 0",
    "0 <= a < 2",
]  # fmt: skip
guards = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda parts: f"({' '.join(parts)})"),
        inner.map(lambda source: f"not ({source})"),
    ),
    max_leaves=4,
)


def hide(value: object, how: int) -> Fact:
    """A fact that is true of the value and tells everything, the type and length, the type, or nothing."""
    kind = "none" if value is None else type(value).__name__
    length = len(value) if isinstance(value, (str, tuple, list)) else None
    return [Fact(value), Fact(type=kind, length=length), Fact(type=kind), Fact()][how]


@settings(deadline=None, max_examples=500)
@given(guards, st.tuples(*[st.sampled_from(VALUES)] * 3), st.tuples(*[st.integers(0, 3)] * 3))
def test_a_decided_guard_holds_for_every_completion(
    source: str, values: tuple[object, ...], how: tuple[int, ...]
) -> None:
    parsed = guard(source)
    facts = {name: hide(value, level) for name, value, level in zip(PARAMS, values, how, strict=True)}
    environment = {**dict(zip(PARAMS, values, strict=True)), "given": lambda value: True}
    try:
        expected = bool(eval(source, environment))
    except (TypeError, IndexError, ValueError):
        assume(False)
    verdict = decide(parsed, facts)
    assert verdict.value is UNKNOWN or verdict.value is expected
    if not any(how):
        assert verdict.value is not UNKNOWN
    if verdict.value is not UNKNOWN:
        enough = {name: fact if name in verdict.used else Fact() for name, fact in facts.items()}
        assert decide(parsed, enough).value is expected
    else:
        assert bool(eval_rest(verdict.rest, environment)) is expected


def eval_rest(rest: Expr, environment: dict[str, object]) -> object:
    """What is left to decide is worth the whole guard."""
    from torch2jax.rules.expr import unparse

    return eval(unparse(rest), environment)


def test_evaluate_gives_values() -> None:
    assert evaluate(guard("a + 1"), {"a": Fact(2)}) == 3
    assert evaluate(guard("[a, 1]"), {"a": Fact(2)}) == [2, 1]
