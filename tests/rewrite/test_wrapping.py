"""Long lines of translated statements: where they break, and that nothing else about them changes."""

import ast
import io
import sysconfig
import tokenize
from pathlib import Path
from textwrap import dedent

import libcst as cst
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torch2jax.rewrite.line_layout import lay_out
from torch2jax.rewrite.wrapping import limit_of, wrap

NOTHING = cst.parse_module("")


def wrapped(source, limit=40):
    return wrap(cst.parse_module(source), NOTHING, limit).code


def check(before, after, limit=40):
    """`before` becomes `after`, which means the same and stays."""
    before, after = dedent(before).lstrip("\n"), dedent(after).lstrip("\n")
    assert wrapped(before, limit) == after
    assert wrapped(after, limit) == after
    assert ast.dump(ast.parse(before)) == ast.dump(ast.parse(after))


def words(source):
    """The tokens that a layout may not change."""
    skipped = (tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return [each.string for each in tokens if each.type not in skipped and each.string not in "(),"]


# Brackets


def test_arguments_go_to_one_line_if_they_fit():
    check(
        "self.conv = nnx.Conv(channels, 8, (3, 3), rngs=rngs)\n",
        """
        self.conv = nnx.Conv(
            channels, 8, (3, 3), rngs=rngs
        )
        """,
    )


def test_else_each_argument_has_a_line():
    check(
        "self.conv = nnx.Conv(channels, 8, (3, 3), padding='SAME', rngs=rngs)\n",
        """
        self.conv = nnx.Conv(
            channels,
            8,
            (3, 3),
            padding='SAME',
            rngs=rngs,
        )
        """,
    )


def test_arguments_that_are_too_long_break_in_turn():
    check(
        "net = Sequential(Linear(size, hidden, use_bias=False, rngs=rngs), relu)\n",
        """
        net = Sequential(
            Linear(
                size,
                hidden,
                use_bias=False,
                rngs=rngs,
            ),
            relu,
        )
        """,
    )


def test_of_arguments_with_a_line_each_only_the_long_one_breaks():
    check(
        """
        net = Sequential(
            relu,  # first
            Linear(size, hidden, **init, rngs=rngs),
            # and then
            relu
        )
        """,
        """
        net = Sequential(
            relu,  # first
            Linear(
                size, hidden, **init, rngs=rngs
            ),
            # and then
            relu
        )
        """,
    )


def test_a_hanging_line_of_arguments_becomes_a_line_each():
    check(
        """
        net = Sequential(
            Linear(size, hidden, rngs=rngs), relu, dropout
        )
        """,
        """
        net = Sequential(
            Linear(size, hidden, rngs=rngs),
            relu,
            dropout,
        )
        """,
    )


def test_parameters_that_fill_lines_go_on_filling_them():
    check(
        """
        class A:
            def __init__(self, size, hidden,
                         dropout=0.0, bias=False, *, rngs: Rngs):
                pass
        """,
        """
        class A:
            def __init__(self, size, hidden,
                         dropout=0.0, bias=False,
                         *, rngs: Rngs):
                pass
        """,
        44,
    )


def test_parameters_and_result():
    check(
        """
        @cached(maximal_size=1, other_option=2, third=3)
        async def attend(query, key, value) -> tuple[jax.Array, jax.Array]:
            '''What it does.'''
            return 1
        """,
        """
        @cached(
            maximal_size=1,
            other_option=2,
            third=3,
        )
        async def attend(
            query, key, value
        ) -> tuple[jax.Array, jax.Array]:
            '''What it does.'''
            return 1
        """,
    )


def test_a_list_that_is_the_only_argument_breaks_with_its_call():
    check(
        "blocks = nnx.List([Block(size, rngs=rngs) for _ in range(depth)])\n",
        """
        blocks = nnx.List([
            Block(size, rngs=rngs)
            for _ in range(depth)
        ])
        """,
    )


def test_a_call_that_is_the_only_argument_gets_no_comma():
    check(
        "self.blocks.append(Block(size, heads, dropout=0.1, rngs=rngs))\n",
        """
        self.blocks.append(
            Block(
                size,
                heads,
                dropout=0.1,
                rngs=rngs,
            )
        )
        """,
    )


def test_of_a_chain_the_last_call_breaks_unless_little_is_in_it():
    check(
        "x = normal(0.02)(rngs.params(), x.shape, x.dtype)\n",
        """
        x = normal(0.02)(
            rngs.params(), x.shape, x.dtype
        )
        """,
    )
    check(
        "x = attend(query, key, value, mask).mean(1)\n",
        """
        x = attend(
            query, key, value, mask
        ).mean(1)
        """,
    )


def test_a_tuple_of_values_gets_parentheses():
    check(
        "self.a, self.b = Linear(3, 4, rngs=rngs), Norm(5)\n",
        """
        self.a, self.b = (
            Linear(3, 4, rngs=rngs), Norm(5)
        )
        """,
    )


@pytest.mark.parametrize(
    "line", ["x = table[first_index_of_rows : second_index]\n", "x = (a_long_name_in_parentheses_alone_here)\n"]
)
def test_brackets_whose_commas_matter_get_none(line):
    assert ",\n]" not in wrapped(line, 30)
    assert ",\n)" not in wrapped(line, 30)


# Operators


def test_a_conditional_gets_parentheses_and_a_line_per_part():
    check(
        "self.head = Linear(size, rngs=rngs) if size > 0 else identity\n",
        """
        self.head = (
            Linear(size, rngs=rngs)
            if size > 0
            else identity
        )
        """,
    )


def test_operators_that_bind_least_break():
    check(
        "if first_value * factor + second_value * 2 - third_value > limit:\n    pass\n",
        """
        if (
            first_value * factor + second_value * 2 - third_value
            > limit
        ):
            pass
        """,
        60,
    )


def test_one_operator_stays_beside_a_call_that_takes_up_the_rest():
    check(
        "x = x + self.attend(self.norm(x), mask, bias)\n",
        """
        x = x + self.attend(
            self.norm(x), mask, bias
        )
        """,
    )


def test_an_argument_with_operators():
    check(
        "f(first, key=second_long_value if condition else third_long_value)\n",
        """
        f(
            first,
            key=(
                second_long_value
                if condition
                else third_long_value
            ),
        )
        """,
    )


def test_a_long_name_moves_to_a_line_of_its_own():
    check(
        "self.first_name = module.second.third_name\n",
        """
        self.first_name = (
            module.second.third_name
        )
        """,
    )


# What stays


@pytest.mark.parametrize(
    "line",
    [
        "x = 'a string that is longer than the line may be, whatever we do'\n",
        "'''A docstring that is longer than the line may be.'''\n",
        "x = 1  # a comment that is longer than the line may be, by far\n",
        "# a comment that is longer than the line may be, by far\n",
        "x = f'{value(first, second, third)} and {value(fourth, fifth)}'\n",
        "x = lambda first, second: first_of_these + second_of_these\n",
        "global a_long_name_of_a_variable, another_long_name\n",
        "short(a,\n      b, 'fits')\n",
    ],
)
def test_where_nothing_helps_the_line_stays(line):
    assert wrapped(line) == line


def test_statements_of_the_original_stay():
    source = (
        "x = first(second, third, fourth, fifth, sixth)\nif first(second, third, fourth, fifth, sixth):\n    y = 1\n"
    )
    original = cst.parse_module(source)
    assert wrap(original, original, 40) is original
    branch = original.body[1]
    new = cst.parse_statement("y = first(second, third, fourth, fifth, 6)\n")
    changed = original.with_changes(
        body=[original.body[0], branch.with_changes(body=branch.body.with_changes(body=[new]))]
    )
    after = wrap(changed, original, 40)
    assert after.body[0] is original.body[0]
    assert after.body[1].test is branch.test
    assert after.code == source.replace(
        "    y = 1\n", "    y = first(\n        second, third, fourth, fifth, 6\n    )\n"
    )


def test_without_a_long_line_the_module_is_the_same_object():
    module = cst.parse_module("def f(a, b):\n    return a\n")
    assert wrap(module, NOTHING, 40) is module
    assert wrap(module, NOTHING, 10, code="short\n") is module


def test_comments_between_arguments_stay():
    check(
        """
        x = call(first,  # one
                 # of two
                 second, third, fourth, fifth, s)
        """,
        """
        x = call(first,  # one
                 # of two
                 second, third, fourth, fifth,
                 s)
        """,
    )


def test_elif_else_and_try():
    check(
        """
        if a:
            pass
        elif first(second, third, fourth, fifth):
            pass
        else:
            try:
                x = first(second, third, fourth, f)
            except ValueError:
                x = first(second, third, fourth, f)
            finally:
                pass
        """,
        """
        if a:
            pass
        elif first(
            second, third, fourth, fifth
        ):
            pass
        else:
            try:
                x = first(
                    second, third, fourth, f
                )
            except ValueError:
                x = first(
                    second, third, fourth, f
                )
            finally:
                pass
        """,
    )


def test_strings_over_several_lines_stay():
    source = "def f():\n    x = call('''\n  text''', first, second, third, fourth, 1)\n"
    after = wrapped(source)
    assert "'''\n  text'''" in after
    assert ast.dump(ast.parse(after)) == ast.dump(ast.parse(source))


def test_line_ends_and_tabs_are_the_files_own():
    source = "def f():\r\n\tx = first(second, third, fourth, fifth, 6)\r\n"
    assert wrapped(source) == "def f():\r\n\tx = first(\r\n\t\tsecond, third, fourth, fifth, 6\r\n\t)\r\n"


# The limit


@pytest.mark.parametrize(("longest", "limit"), [(0, 100), (80, 100), (100, 100), (107, 107), (120, 120), (300, 120)])
def test_limit_of(longest, limit):
    assert limit_of(f"a\n{'x' * longest}\nb\n") == limit


def test_limit_of_nothing():
    assert limit_of("") == 100


def test_the_limit_itself_fits():
    line = "x = function(first, second)\n"
    assert wrapped(line, len(line) - 1) == line
    assert wrapped(line, len(line) - 2) == "x = function(\n    first, second\n)\n"


# Properties

STDLIB = ["configparser", "csv", "dataclasses", "statistics"]


@pytest.mark.parametrize("name", STDLIB)
@pytest.mark.parametrize("limit", [24, 50, 72])
def test_sources_keep_their_meaning_and_settle(name, limit):
    source = (Path(sysconfig.get_path("stdlib")) / f"{name}.py").read_text()
    after = lay_out(source, limit)
    assert after != source
    assert ast.dump(ast.parse(after)) == ast.dump(ast.parse(source))
    assert words(after) == words(source)
    assert lay_out(after, limit) == after


def test_lines_that_fit_stay():
    source = (Path(sysconfig.get_path("stdlib")) / "inspect.py").read_text()
    assert lay_out(source, max(map(len, source.splitlines()))) == source


def combined(inner):
    part = st.lists(inner, min_size=1, max_size=4)
    several = st.lists(inner, min_size=2, max_size=4)
    return st.one_of(
        st.tuples(st.sampled_from(["f", "nnx.Linear", "a.b(c)"]), part).map(lambda x: f"{x[0]}({', '.join(x[1])})"),
        st.tuples(inner, inner).map(lambda x: f"g({x[0]}, name={x[1]}, *rest, **{{'k': {x[1]}}})"),
        several.map(lambda x: f"({', '.join(x)})"),
        part.map(lambda x: f"[{', '.join(x)}]"),
        several.map(lambda x: f"table[{', '.join(x)}]"),
        st.tuples(inner, inner).map(lambda x: f"table[{x[0]}:{x[1]}]"),
        st.tuples(inner, inner, inner).map(lambda x: f"({x[0]} if {x[1]} else {x[2]})"),
        st.tuples(inner, inner, inner).map(lambda x: f"[{x[0]} for i, j in {x[1]} if {x[2]}]"),
        st.tuples(inner, st.sampled_from(["+", "-", "*", "@", "**", "and", "not in", "is not", "<"]), inner).map(
            lambda x: f"({x[0]} {x[1]} {x[2]})"
        ),
        inner.map(lambda x: f"f(not {x}, -{x}, lambda a, b=1: {x})"),
        inner.map(lambda x: f"f(i for i in {x})"),
    )


EXPRESSIONS = st.recursive(
    st.sampled_from(["x", "self.hidden_size", "1", "'a, (b'", "...", "None"]), combined, max_leaves=12
)
STATEMENTS = st.one_of(
    EXPRESSIONS.map(lambda e: f"x = {e}\n"),
    EXPRESSIONS.map(lambda e: f"a, self.b[{e}] = {e}, {e}\n"),
    EXPRESSIONS.map(lambda e: f"if {e}:\n    return {e}\n"),
    EXPRESSIONS.map(lambda e: f"def f(a, b={e}, /, *, c: int = 1, **d) -> {e}:\n    return {e} + {e}\n"),
    EXPRESSIONS.map(lambda e: f"for i, j in {e}:\n    assert {e}, {e}\n"),
    EXPRESSIONS.map(lambda e: f"with f({e}) as a, {e} as b:\n    del a\n"),
    EXPRESSIONS.map(lambda e: f"class A(B, m={e}):\n    a: int = {e} if {e} else {e}\n"),
)


@settings(max_examples=150, deadline=None)
@given(STATEMENTS, st.integers(10, 60))
def test_statements_keep_their_meaning_and_settle(source, limit):
    text = lay_out(source, limit)
    assert ast.dump(ast.parse(text)) == ast.dump(ast.parse(source))
    assert lay_out(text, limit) == text
    assert words(text) == words(source)
    after = wrapped(source, limit)
    assert ast.dump(ast.parse(after)) == ast.dump(ast.parse(source))
    assert wrapped(after, limit) == after
