"""Expressions: parsing and spelling are inverse, precedence included."""

import ast
import random

import libcst as cst
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torch2jax.rewrite.construct import Constructor
from torch2jax.rules import expr as ex
from torch2jax.rules.model import UNKNOWN, Expr
from torch2jax.rules.signatures import Signatures
from torch2jax.rules.templates import Scope, parse

NOTHING = Signatures({"library": {}, "namespaces": {}, "helpers": {}, "static": []})
PARAMS = ("a", "b", "c")


def parsed(source: str) -> Expr:
    scope = Scope("test", source.split("\n"), dict.fromkeys(PARAMS, "pos"), NOTHING)
    return parse(ast.parse(source, mode="eval").body, scope)


class Grower:
    """Grows random expressions over the parameters a, b, c, of every shape that the grammar has."""

    def __init__(self, source: random.Random) -> None:
        self.pick = source.choice
        self.chance = lambda: source.random() < 0.5

    def grow(self, depth: int, locals_: tuple[str, ...] = ()) -> Expr:
        def inner() -> Expr:
            return self.grow(depth - 1, locals_)

        if depth == 0 or self.pick(range(5)) == 0:
            return self.leaf(locals_)
        kind = self.pick(("bin", "un", "bool", "cmp", "if", "attr", "call", "sub", "items", "dict", "lambda"))
        if kind == "bin":
            return (
                "bin",
                self.pick(("+", "-", "*", "/", "//", "%", "**", "@", "|", "^", "&", "<<", ">>")),
                inner(),
                inner(),
            )
        if kind == "un":
            return ("un", self.pick(("-", "~", "not", "+")), inner())
        if kind == "bool":
            return ("bool", self.pick(("and", "or")), tuple(inner() for _ in range(self.pick((2, 3)))))
        if kind == "cmp":
            signs = ("==", "!=", "<", "<=", ">", ">=", "in", "not in")
            return ("cmp", inner(), tuple((self.pick(signs), inner()) for _ in range(self.pick((1, 2)))))
        if kind == "if":
            return ("if", inner(), inner(), inner())
        if kind == "attr":
            return ("attr", inner(), self.pick(("T", "shape")))
        if kind == "call":
            arguments = [(self.pick(("", "", "*")), None, inner()) for _ in range(self.pick(range(3)))]
            arguments += [("", name, inner()) for name in ("axis", "where") if self.chance()]
            return ("call", inner(), (*arguments, *([("**", None, inner())] if self.chance() else [])))
        if kind == "sub":
            several = ("tuple", tuple(self.index(inner) for _ in range(self.pick((1, 2)))))
            return ("sub", inner(), several if self.chance() else self.index(inner))
        if kind == "items":
            items = tuple(("star", inner()) if self.chance() else inner() for _ in range(self.pick(range(3))))
            return (self.pick(("tuple", "list")), items)
        if kind == "dict":
            return ("dict", tuple((inner() if self.chance() else None, inner()) for _ in range(self.pick(range(3)))))
        default = inner() if self.chance() else None
        return ("lambda", (("t", default),), self.grow(depth - 1, (*locals_, "t")))

    def index(self, inner: st.SearchStrategy[Expr]) -> Expr:
        if self.chance():
            return inner()
        return ("slice", *(inner() if self.chance() else None for _ in range(3)))

    def leaf(self, locals_: tuple[str, ...]) -> Expr:
        if locals_ and self.chance():
            return ("local", self.pick(locals_))
        constants = (0, 1, 17, 0.5, 1e-5, 1e20, True, None, "x", "it's", 'say "x"', "", ...)
        return self.pick([*(("param", name) for name in PARAMS), ("name", "jnp"), *(("const", c) for c in constants)])


def expressions(depth: int = 4) -> st.SearchStrategy[Expr]:
    return st.randoms(use_true_random=False).map(lambda source: Grower(source).grow(depth))


def flat(expression: Expr) -> Expr:
    """`(a or b) or c` is `a or b or c`: the parentheses are left out. `a.T.T` is `a`."""
    parts = tuple(flat_part(part) for part in expression)
    if parts[::2] == ("attr", "T") and parts[1][::2] == ("attr", "T"):
        return parts[1][1]
    if parts[0] == "bool" and parts[2][0][:2] == parts[:2]:
        return ("bool", parts[1], (*parts[2][0][2], *parts[2][1:]))
    return parts


def flat_part(part: object) -> object:
    if not isinstance(part, tuple) or not part:
        return part
    return flat(part) if isinstance(part[0], str) else tuple(flat_part(item) for item in part)


def constructed(expression: Expr) -> str:
    return cst.Module([]).code_for_node(Constructor(lambda leaf: cst.Name(leaf[1])).build(expression))


@settings(deadline=None, max_examples=300)
@given(expressions())
def test_unparse_and_parse_are_inverse(expression: Expr) -> None:
    source = ex.unparse(expression)
    assert parsed(source) == expression, source


@settings(deadline=None, max_examples=300)
@given(expressions())
def test_the_nodes_of_an_expression_parse_to_it(expression: Expr) -> None:
    source = constructed(expression)
    assert parsed(source) == flat(expression), source


@pytest.mark.parametrize(
    "source",
    [
        "(a + b) * c", "a + b * c", "a - (b - c)", "a - b - c", "(-a) ** b", "-a ** b", "a ** -b", "(a ** b) ** c",
        "not a == b", "(not a) == b", "a or b and c", "(a or b) and c", "a if b else c if a else b",
        "(a if b else c) if a else b", "(lambda t: t)(a)", "lambda t, u=a: t + u", "a[b:c, ::2, ..., None]", "a[b,]",
        "(a,)", "()", "[a, *b]", "{a: b, **c}", "jnp.sum(a, *b, axis=c, **a)", "jnp.linalg.norm(a)[0].T", "a.b.c",
        "a < b <= c", "a is not None", "a not in (1, 2)", "1e-05", "-1", "~a", "+a", "a @ b", "a << b | c & a ^ b",
        "(1).real", "a[(b, c)[0]]", "jnp.where(a > 0, a, -1e9)", 'a == "x"', "pair(a)", "len(a)", "rank(a)", "given(a)",
        "isinstance(a, (int, str))", "isinstance(a, int)", "a[*b]",
    ],
)  # fmt: skip
def test_precedence_examples(source: str) -> None:
    expression = parsed(source)
    shown = ex.unparse(expression)
    assert ast.dump(ast.parse(shown, mode="eval")) == ast.dump(ast.parse(source, mode="eval")), shown
    assert ast.unparse(ast.parse(shown, mode="eval")) == ast.unparse(ast.parse(source, mode="eval"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-5, "1e-5"), (1e20, "1e20"), (0.5, "0.5"), (1.0, "1.0"), ("a", '"a"'), ('"', "'\"'"), ("it's", '"it\'s"'),
        (None, "None"), (True, "True"), (..., "..."), (b"x", "b'x'"), (3, "3"), (1.5e-07, "1.5e-7"),
    ],
)  # fmt: skip
def test_literals_are_spelled_as_people_do(value: object, text: str) -> None:
    assert ex.spell(value) == text
    assert ast.literal_eval(text) == value


def test_literal_values() -> None:
    for source, value in [
        ("1", 1), ("-1.5", -1.5), ("(1, 'a')", (1, "a")), ("[1, None]", [1, None]), ("math.inf", float("inf")),
        ("{'a': 1}", {"a": 1}), ("math.pi", 3.141592653589793),
    ]:  # fmt: skip
        assert ex.literal(parsed(source)) == value
    for source in ["a", "(1, a)", "-a", "{'a': a}", "jnp.pi", "1 + 1", "{**a}"]:
        assert ex.literal(parsed(source)) is UNKNOWN


def test_walk_and_params() -> None:
    expression = parsed("a if b else jnp.sum(c, axis=lambda t, u=a: t[b:])")
    assert ex.params_of(expression) == {"a", "b", "c"}
    assert ex.dotted(parsed("jnp.linalg.norm")) == "jnp.linalg.norm"
    assert ex.dotted(parsed("a.b")) is None


def test_an_unknown_tag_is_refused() -> None:
    with pytest.raises(ValueError, match="not an expression"):
        ex.unparse(("nonsense",))


def test_the_strategy_reaches_every_kind_of_expression() -> None:
    seen = {part[0] for seed in range(300) for part in ex.walk(Grower(random.Random(seed)).grow(4))}
    assert seen >= {
        "const", "param", "name", "attr", "call", "sub", "bin", "un", "bool", "cmp", "tuple", "list", "dict", "lambda",
        "if", "local", "slice", "star",
    }  # fmt: skip
