"""One clear sentence about a file that is not Python."""

import pytest

from torch2jax.report import Diagnostic
from torch2jax.source.parse import parse
from torch2jax.source.text import SourceError


def problem(text: str) -> Diagnostic:
    with pytest.raises(SourceError) as caught:
        parse(text, "a.py")
    found = caught.value.diagnostic
    assert found.code == "T2J109"
    assert found.path == "a.py"
    return found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment",
        "x = 1",
        "\f\nx = 1\n",
        "if x:\n\ty\n",
        "match x:\n    case [a, *_] if a: pass\n",
        "try:\n    pass\nexcept* E as e:\n    pass\n",
        "x = '\\d'\n",
        "x = f'{a!r:>{w}}'\n",
        "(" * 150 + "1" + ")" * 150 + "\n",
    ],
)
def test_what_is_python_comes_back_unchanged(text: str) -> None:
    assert parse(text, "a.py").code == text


def test_syntax_newer_than_the_interpreter_is_left_to_libcst() -> None:
    text = "type Pair[T] = tuple[T, T]\ndef first[T](pair: Pair[T]) -> T:\n    return pair[0]\n"
    assert parse(text, "a.py").code == text


@pytest.mark.parametrize(
    ("text", "words", "line", "column"),
    [
        ("def f(:\n", "syntax error: invalid syntax", 1, 6),
        ("x = (1,\n\n", "'(' was never closed", 1, 4),
        ("x = 'abc\n", "unterminated string literal", 1, 4),
        ("if x:\ny\n", "expected an indented block", 2, 0),
        ("if x:\n\ty\n        z\n", "inconsistent use of tabs", 3, 0),
        ("é = 1 +\n", "invalid syntax", 1, 7),
        ("class A:\n  def f(self):\n    return 1 1\n", "invalid syntax", 3, 13),
    ],
)
def test_a_syntax_error_is_reported_where_it_is(text: str, words: str, line: int, column: int) -> None:
    found = problem(text)
    assert words in found.message
    assert found.line == line
    if "tabs" not in words:  # the column of this one differs between versions of CPython
        assert found.column == column


@pytest.mark.parametrize(
    "text",
    [
        "print 'hello'\n",
        "print x\n",
        "exec 'x = 1'\n",
        "try:\n    f()\nexcept ValueError, e:\n    pass\n",
        "raise ValueError, 'no'\n",
        "x = 0777\n",
        "if a <> b:\n    pass\n",
        "x = `y`\n",
        "x = 10L\n",
    ],
)
def test_python_2_is_named(text: str) -> None:
    found = problem(text)
    assert found.message.startswith("this is Python 2")
    assert "2to3" in found.hint


@pytest.mark.parametrize("text", ["print('a' 'b'\n", "x = '<>' 1\n", "print (a b)\n"])
def test_other_mistakes_are_not_called_python_2(text: str) -> None:
    assert problem(text).message.startswith("syntax error")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1\0\n", "null bytes"),
        ("x = '\ud800'\n", "lone surrogate"),
        ("(" * 300 + ")" * 300, "too many nested parentheses"),
        ("(" * 30000 + ")" * 30000, "too many nested parentheses"),
        ("[" * 30000, "too many nested parentheses"),
        ("+".join("a" * 20000), "nested too deeply"),
        ("-" * 20000 + "1", "nested too deeply"),
        ("x" + ".a()" * 20000, "nested too deeply"),
        ("lambda: " * 20000 + "1", "nested too deeply"),
    ],
)
def test_what_would_break_the_parsers_is_refused(text: str, words: str) -> None:
    assert words in problem(text).message
