"""Binding: parameters of every kind, aliases, overloads by type, star arguments; checked against Python."""

from pathlib import Path
from typing import Any

import libcst as cst
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torch2jax.rules.bind import UNKNOWN, Arg, Bound, Mismatch, bind
from torch2jax.rules.grammar import check_source
from torch2jax.rules.model import Rule


def rule(header: str, name: str = "torch.f") -> Rule:
    (found,), errors = check_source(f'@rule("{name}")\ndef f({header}):\n    return 1\n', Path("a.py"))
    assert not errors
    return found


def arg(source: str, **known: Any) -> Arg:
    return Arg(cst.parse_expression(source), **known)


def bound(header: str, *positional: Arg, **keywords: Arg) -> Bound:
    found = bind(rule(header), positional, keywords)
    assert isinstance(found, Bound), found
    return found


def mismatch(header: str, *positional: Arg, **keywords: Arg) -> str:
    found = bind(rule(header), positional, keywords)
    assert isinstance(found, Mismatch), found
    return found.reason


X = arg("x", type="tensor", rank=3, dtype="float32")
N = arg("n")
ONE = arg("1", value=1)


def test_positional_keyword_and_default() -> None:
    found = bound("input, dim=0, *, keepdim=False", X, keepdim=arg("True", value=True))
    assert list(found.args) == ["input", "dim", "keepdim"]
    assert found.order == ("input", "keepdim")
    assert found.args["input"].arg is X
    assert (found.args["input"].rank, found.args["input"].dtype) == (3, "float32")
    assert found.args["dim"].arg is None
    assert not found.args["dim"].explicit
    assert (found.args["dim"].value, found.args["dim"].type) == (0, "int")
    assert found.args["keepdim"].value is True


def test_source_order_is_kept() -> None:
    assert bound("a, b, c=1", c=N, b=N, a=N).order == ("c", "b", "a")


@pytest.mark.parametrize(
    ("keyword", "param"),
    [("axis", "dim"), ("keepdims", "keepdim"), ("x", "input"), ("a", "input"), ("x1", "input"), ("x2", "other")],
)
def test_numpy_aliases(keyword: str, param: str) -> None:
    header = "input=1, dim=None, keepdim=False, other=2"
    assert bound(header, **{keyword: N}).args[param].explicit


def test_an_alias_does_not_hide_a_parameter_of_that_name() -> None:
    assert bound("input, x=1", X, x=N).args["x"].arg is N
    assert "no parameter `axis`" in mismatch("input", X, axis=N)


def test_functions_and_methods_share_their_first_parameter() -> None:
    assert bound("self: Tensor, dim=0", input=X).args["self"].arg is X
    assert bound("input: Tensor, dim=0", self=X).args["input"].arg is X
    assert bound("self: Tensor, dim=0", x=X).args["self"].arg is X


@pytest.mark.parametrize(
    ("header", "positional", "keywords", "reason"),
    [
        ("a, b", [N], {}, "argument `b` is missing"),
        ("a", [N, N], {}, "at most 1 positional arguments, 2 are given"),
        ("a", [N], {"b": N}, "has no parameter `b`"),
        ("a, b=1", [N], {"a": N}, "`a` is given twice"),
        ("a, dim=1", [N], {"axis": N, "dim": N}, "`dim` is given twice"),
        ("a, /", [], {"a": N}, "has no parameter `a`"),
        ("a, *, b", [N, N], {}, "at most 1 positional"),
        ("a, b=1", [Arg(cst.Name("s"), starred=True)], {}, "`*s` may hold any number of arguments: the one for `a`"),
        ("a", [N, Arg(cst.Name("s"), starred=True)], {}, "`*s` has no parameter to go to"),
    ],
)
def test_mismatches(header: str, positional: list[Arg], keywords: dict[str, Arg], reason: str) -> None:
    assert reason in mismatch(header, *positional, **keywords)


TYPES = [
    "int", "float", "bool", "complex", "str", "none", "tuple", "list", "dict", "shape", "tensor", "dtype", "device",
    "module", "callable",
]  # fmt: skip
ACCEPTED = {
    "Tensor": "tensor",
    "Image": "tensor",
    "Tensors": "tuple list",
    "Scalar": "int float bool complex tensor",
    "Axis": "int tuple list shape",
    "Shape": "int tuple list shape tensor",
    "Dtype": "dtype callable",
    "Device": "device str int none",
    "Inplace": "bool int",
    "Out": "tensor tuple list none",
    "int": "int bool",
    "float": "float int bool",
    "bool": "bool",
    "str": "str",
    "Callable": "callable module",
    "Module": "module callable",
    "Ignored": " ".join(TYPES),
    "Dropped": " ".join(TYPES),
}


@pytest.mark.parametrize("annotation", ACCEPTED)
def test_types_that_contradict_an_annotation(annotation: str) -> None:
    layout = ', layout="N C -> C N"' if annotation == "Image" else ""
    (found,), errors = check_source(f'@rule("torch.f"{layout})\ndef f(p: {annotation}):\n    return p\n', Path("a.py"))
    assert not errors
    accepted = {name for name in TYPES if isinstance(bind(found, [arg("x", type=name)], {}), Bound)}
    assert accepted == set(ACCEPTED[annotation].split())
    assert isinstance(bind(found, [arg("x")], {}), Bound)
    assert isinstance(bind(found, [arg("x", type="something else")], {}), Bound)


@pytest.mark.parametrize(("annotation", "value"), [("IsTrue", True), ("IsFalse", False)])
def test_a_flag_that_tells_overloads_apart_must_be_written_so(annotation: str, value: bool) -> None:
    assert bound(f"input, flag: {annotation} = None", X, flag=arg(str(value), value=value))
    for other in (
        arg("flag", type="bool"),
        arg(str(not value), value=not value),
        arg(str(int(value)), value=int(value)),
    ):
        assert f"`flag` is not {value}" in mismatch(f"input, flag: {annotation} = None", X, flag=other)
    assert f"`flag` is not {value}" in mismatch(f"input, flag: {annotation} = None", X)


def test_none_is_taken_where_it_is_the_default() -> None:
    none = arg("None", value=None)
    assert bound("input, dim: Axis = None", X, none).args["dim"].is_default
    assert "`dim` is Axis, the argument is none" in mismatch("input, dim: Axis = 0", X, none)


def test_values_tell_their_type() -> None:
    assert "`p` is str, the argument is int" in mismatch("p: str", ONE)


# --- star parameters -------------------------------------------------------------------------------------------------


def test_both_spellings_of_a_shape() -> None:
    many = bound("self: Tensor, *shape: Shape", X, ONE, N).args["shape"]
    assert many.items == (ONE, N)
    assert (many.length, many.type, many.value) == (2, "tuple", UNKNOWN)
    known = bound("self: Tensor, *shape: Shape", X, ONE, arg("-1", value=-1)).args["shape"]
    assert (known.value, known.length) == ((1, -1), 2)
    one = bound("self: Tensor, *shape: Shape", X, arg("(1, 2)", value=(1, 2), type="tuple")).args["shape"]
    assert (one.value, one.length, one.type) == ((1, 2), 2, "tuple")
    keyword = bound("*size: Shape", size=arg("[1]", value=[1])).args["size"]
    assert (keyword.value, keyword.length, keyword.type) == ([1], 1, "list")
    none = bound("self: Tensor, *shape: Shape", X).args["shape"]
    assert (none.items, none.explicit, none.length, none.value) == ((), False, 0, ())


def test_a_single_size_of_unknown_type_may_be_the_whole_shape() -> None:
    found = bound("self: Tensor, *shape: Shape", X, N).args["shape"]
    assert (found.value, found.type, found.length) == (UNKNOWN, None, None)
    number = bound("self: Tensor, *shape: Shape", X, arg("n", type="int")).args["shape"]
    assert (number.type, number.length) == ("tuple", 1)


def test_several_sizes_are_no_tuples() -> None:
    pair = arg("p", type="tuple")
    assert "`shape` is Shape, the argument is tuple" in mismatch("self: Tensor, *shape: Shape", X, ONE, pair)
    assert "`shape` is Shape, the argument is dtype" in mismatch(
        "self: Tensor, *shape: Shape", X, arg("d", type="dtype")
    )


def test_tensors_one_by_one_or_as_a_list() -> None:
    assert bound("*tensors: Tensors", X, X).args["tensors"].items == (X, X)
    assert bound("*tensors: Tensors", arg("xs", type="list")).args["tensors"].type == "list"
    assert bound("*tensors: Tensors", X).args["tensors"].length == 1
    assert "the argument is int" in mismatch("*tensors: Tensors", X, ONE)
    assert bound("equation, *operands: Tensor", N, arg("xs", type="list")).args["operands"].type == "list"


def test_starred_arguments_go_to_a_star_parameter() -> None:
    star = Arg(cst.Name("s"), starred=True)
    for positional in ([X, star], [X, star, N], [X, N, star]):
        found = bound("self: Tensor, *shape: Shape", *positional).args["shape"]
        assert found.items == tuple(positional[1:])
        assert found.value is UNKNOWN
    alone = bound("self: Tensor, *shape: Shape", X, Arg(cst.Name("s"), type="tuple", length=2, starred=True))
    assert alone.args["shape"].length == 2


def test_the_star_argument_of_the_call() -> None:
    found = bind(rule("self, *shape"), [X], {}, star=arg("s", type="tuple", length=3))
    assert isinstance(found, Bound)
    (item,) = found.args["shape"].items or ()
    assert (item.starred, item.length) == (True, 3)


def test_a_literal_behind_a_star_is_spread() -> None:
    star = arg("(2, n)", value=(2, UNKNOWN), starred=True)
    found = bound("a, b", star)
    assert isinstance(found.args["b"].arg, Arg)
    literal = arg("[2, 3]", value=[2, 3], starred=True)
    assert bound("a, b", literal).args["b"].value == 3


def test_keyword_rests() -> None:
    found = bound("a, **rest", N, b=ONE, c=X)
    assert [(item.keyword, item.node) for item in found.args["rest"].items or ()] == [("b", ONE.node), ("c", X.node)]
    assert (found.args["rest"].type, found.args["rest"].value) == ("dict", UNKNOWN)
    assert "write them out" in str(bind(rule("a"), [N], {}, double_star=arg("kw")))
    caught = bind(rule("a, **rest: Ignored"), [N], {}, double_star=arg("kw"))
    assert isinstance(caught, Bound)
    assert caught.args["rest"].explicit


def test_defaults() -> None:
    found = bound("a=1, b=None, *c", arg("1", value=1), arg("None", type="none"))
    assert found.args["a"].is_default
    assert found.args["b"].is_default
    assert found.args["c"].is_default
    assert not bound("a=1", N).args["a"].is_default
    assert not bound("a", ONE).args["a"].is_default


# --- against Python --------------------------------------------------------------------------------------------------

NAMES = ["p", "q", "r", "s", "t"]


@st.composite
def headers(draw: st.DrawFn) -> str:
    positional = draw(st.integers(0, 3))
    with_default = draw(st.integers(0, positional))
    slash = draw(st.integers(0, positional))
    parts = []
    for number in range(positional):
        parts.append(NAMES[number] + ("=0" if number >= positional - with_default else ""))
        if number + 1 == slash:
            parts.append("/")
    keyword_only = draw(st.integers(0, 5 - positional))
    if draw(st.booleans()):
        parts.append("*args")
    elif keyword_only:
        parts.append("*")
    parts += [name + draw(st.sampled_from(["", "=0"])) for name in NAMES[positional : positional + keyword_only]]
    if draw(st.booleans()):
        parts.append("**kwargs")
    return ", ".join(parts)


@settings(deadline=None, max_examples=300)
@given(headers(), st.integers(0, 4), st.lists(st.sampled_from([*NAMES, "other"]), unique=True, max_size=4))
def test_binding_agrees_with_python(header: str, count: int, keywords: list[str]) -> None:
    namespace: dict[str, Any] = {}
    exec(
        f"def f({header}): return locals()", namespace
    )  # inspect.signature of Python 3.11 refuses `f(p=1)` for `p=0, /, **k`
    positional = [arg(f"a{number}") for number in range(count)]
    named = {name: arg(f"k_{name}") for name in keywords}
    found = bind(rule(header), positional, named)
    try:
        expected = namespace["f"](*positional, **named)
    except TypeError:
        assert isinstance(found, Mismatch)
        return
    assert isinstance(found, Bound), found
    for name, value in expected.items():
        item = found.args[name]
        if name == "kwargs":
            assert {found.keyword: found.node for found in item.items or ()} == {k: v.node for k, v in value.items()}
        elif name == "args":
            assert item.items == value
        else:
            assert (item.arg if item.explicit else 0) == value
        assert item.explicit == (value not in (0, (), {}))


# --- doubts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("annotation", "kind", "words"),
    [("int", "module", "int"), ("Tensors", "tensor", "a list or tuple of tensors"), ("Device", "callable", "a device")],
)
def test_what_pytorch_would_refuse_may_be_assumed_to_be_something_else(annotation: str, kind: str, words: str) -> None:
    found = bind(rule(f"p: {annotation}"), [arg("x", type=kind)], {}, doubting=True)
    assert isinstance(found, Bound)
    assert (found.assumed, found.args["p"].type) == ((f"`p` is {words}",), None)
    assert isinstance(bind(rule(f"p: {annotation}"), [arg("x", type=kind)], {}), Mismatch)


@pytest.mark.parametrize("given", [arg("None", value=None), arg("x", type="str")])
def test_what_may_well_be_given_is_not_doubted(given: Arg) -> None:
    assert isinstance(bind(rule("p: int"), [given], {}, doubting=True), Mismatch)
