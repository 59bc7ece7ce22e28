"""The laws of joining abstract values, and the questions asked of them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torch2jax.infer.kinds import (
    BOOL,
    FLOAT,
    FREE,
    INT,
    MISSING,
    NONE,
    STR,
    TENSOR,
    UNKNOWN,
    AnyModule,
    Api,
    BoundApi,
    Container,
    Dtype,
    Iterator_,
    Kind,
    Layer,
    Mapping,
    Number,
    Partial,
    Sequence,
    Shape,
    Str,
    Tensor,
    Tuple,
    Union,
    constant,
    is_module,
    is_tensor,
    join,
    limited,
    may_be_tensor,
    options,
    union,
    widened,
    without_none,
)

LAYOUTS = st.sampled_from([None, (0, 2, 3, 1), (0, 2, 1)])
TENSORS = st.builds(
    Tensor,
    st.sampled_from([None, 2, 4]),
    st.sampled_from([None, "int", "float"]),
    LAYOUTS,
    st.booleans(),
    st.booleans(),
)
NUMBERS = st.one_of(
    st.builds(Number, st.sampled_from(["int", "float", "bool"])),
    st.builds(Number, st.just("int"), st.integers(0, 2)),
)
PLAIN = st.one_of(
    st.just(NONE),
    TENSORS,
    NUMBERS,
    st.builds(Str, st.sampled_from([MISSING, "a", "b"])),
    st.builds(Shape, st.sampled_from([None, 4]), LAYOUTS),
    st.builds(Dtype, st.sampled_from([None, "float32"])),
    st.builds(Api, st.sampled_from(["torch.a", "torch.b"])),
    st.builds(Mapping, st.sampled_from(["s", "t"]), st.sampled_from([None, ("a",)])),
    st.builds(Sequence, st.just("list"), st.sampled_from(["s", "t"])),
    st.just(AnyModule()),
)
NESTED = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.builds(lambda items: Tuple(tuple(items)), st.lists(inner, max_size=2)),
        st.builds(Iterator_, inner),
        st.builds(union, st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=4,
)


@given(NESTED)
def test_join_is_idempotent(a: Kind) -> None:
    assert join(a, a) == a


@given(NESTED, NESTED)
def test_join_is_commutative(a: Kind, b: Kind) -> None:
    assert join(a, b) == join(b, a)


@given(NESTED, NESTED, NESTED)
@settings(max_examples=200)
def test_join_is_associative(a: Kind, b: Kind, c: Kind) -> None:
    assert join(join(a, b), c) == join(a, join(b, c))


@given(NESTED, NESTED)
def test_a_join_covers_both(a: Kind, b: Kind) -> None:
    """What covers both does not change when one of them comes again: fixpoints end."""
    both = join(a, b)
    assert join(both, a) == both
    assert join(b, both) == both


@given(NESTED)
def test_free_is_neutral_and_unknown_absorbs(a: Kind) -> None:
    assert join(FREE, a) == a == join(a, FREE)
    assert join(UNKNOWN, a) == UNKNOWN == join(a, UNKNOWN)


def test_nothing_joins_to_free() -> None:
    assert union([]) == FREE


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (Tensor(4, "float", (0, 2, 3, 1)), Tensor(4, "int", (0, 2, 3, 1)), Tensor(4, None, (0, 2, 3, 1))),
        (Tensor(4, layout=(0, 2, 3, 1)), Tensor(4), Tensor(4)),
        (Tensor(2, variable=True), Tensor(2), Tensor(2)),
        (Number("int", 1), Number("int", 2), INT),
        (INT, FLOAT, FLOAT),
        (BOOL, INT, INT),
        (Str("a"), Str("b"), STR),
        (Dtype("float32"), Dtype("float64"), Dtype()),
        (Tuple((INT, STR)), Tuple((FLOAT, STR)), Tuple((FLOAT, STR))),
        (Tuple((INT,), ("a",)), Tuple((INT,), ("b",)), Tuple((INT,))),
        (Tuple((INT,)), Tuple((INT, INT)), Union((Tuple((INT,)), Tuple((INT, INT))))),
        (Shape(4, (0, 2, 3, 1)), Shape(4), Shape(4)),
        (TENSOR, NONE, Union((TENSOR, NONE))),
        (Mapping("s", ("a",)), Mapping("s", ("b",)), Mapping("s")),
        (Iterator_(INT), Iterator_(FLOAT), Iterator_(FLOAT)),
    ],
    ids=str,
)
def test_joins_of_the_same_class(a: Kind, b: Kind, expected: Kind) -> None:
    assert join(a, b) == expected


def test_containers_of_one_site_keep_their_items_while_the_lengths_agree() -> None:
    short, long = Container("ModuleList", "s", (INT,)), Container("ModuleList", "s", (INT, INT))
    assert join(Container("ModuleList", "s", (FLOAT,)), short) == Container("ModuleList", "s", (FLOAT,))
    assert join(short, long) == Container("ModuleList", "s")
    assert isinstance(join(short, Container("Sequential", "s", (INT,))), Union)


def test_layers_of_one_class_forget_where_they_were_made() -> None:
    a, b = Layer("torch.nn.Linear", "nnx.Linear", site=1), Layer("torch.nn.Linear", "nnx.Linear", site=2)
    assert join(a, b) == Layer("torch.nn.Linear", "nnx.Linear")


def test_too_many_alternatives_become_unknown() -> None:
    assert len(list(options(union(Api(f"torch.a{i}") for i in range(12))))) == 12
    assert union(Api(f"torch.a{i}") for i in range(13)) == UNKNOWN


def _depth(kind: Kind) -> int:
    if isinstance(kind, Tuple):
        return 1 + max((_depth(item) for item in kind.items), default=0)
    if isinstance(kind, Iterator_):
        return 1 + _depth(kind.item)
    if isinstance(kind, BoundApi):
        return 1 + _depth(kind.receiver)
    if isinstance(kind, Partial):
        return 1 + _depth(kind.func)
    if isinstance(kind, Container):
        return 1 + max((_depth(item) for item in kind.items or ()), default=0)
    return 0


@pytest.mark.parametrize(
    "wrap",
    [
        lambda kind: Tuple((kind, kind)),
        Iterator_,
        lambda kind: BoundApi(kind, "view"),
        Partial,
        lambda kind: Container("Sequential", "s", (kind,)),
    ],
)
def test_limited_ends_every_nesting(wrap) -> None:  # type: ignore[no-untyped-def]
    kind: Kind = TENSOR
    for _ in range(12):
        kind = wrap(kind)
    assert _depth(limited(kind)) == 7
    assert limited(limited(kind)) == limited(kind)


def test_limited_keeps_what_is_shallow() -> None:
    kind = Tuple((union([TENSOR, NONE]), Iterator_(INT)))
    assert limited(kind) == kind


def test_without_none() -> None:
    assert without_none(union([TENSOR, NONE])) == TENSOR
    assert without_none(NONE) == NONE
    assert without_none(union([STR, INT])) == union([STR, INT])


def test_widened_forgets_constants_at_any_depth() -> None:
    kind = Tuple((Number("int", 3), union([Str("a"), NONE]), TENSOR))
    assert widened(kind) == Tuple((INT, union([STR, NONE]), TENSOR))


def test_what_is_a_tensor() -> None:
    assert is_tensor(union([TENSOR, NONE]))
    assert not is_tensor(NONE)
    assert not is_tensor(union([TENSOR, INT]))
    assert may_be_tensor(union([TENSOR, INT]))
    assert not may_be_tensor(INT)


def test_what_is_a_module() -> None:
    layer = Layer("torch.nn.Linear", "nnx.Linear")
    assert is_module(union([layer, NONE]))
    assert is_module(union([AnyModule(), Container("ModuleList", "s")]))
    assert not is_module(NONE)
    assert not is_module(union([layer, TENSOR]))


def test_constants() -> None:
    assert constant(Number("int", 3)) == 3
    assert constant(Str("a")) == "a"
    assert constant(NONE) is None
    assert constant(Tuple((Number("int", 1), Tuple((Str("b"),))))) == (1, ("b",))
    assert constant(Tuple((INT,))) is MISSING
    assert constant(TENSOR) is MISSING
    assert repr(MISSING) == "MISSING"
