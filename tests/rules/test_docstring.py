"""Which `>>>` lines make one example."""

from pathlib import Path

import pytest

from torch2jax.rules.grammar import check_source
from torch2jax.rules.model import Example


def examples(doc: str) -> list[tuple[str, str]]:
    source = f'@rule("torch.f")\ndef f(input):\n    """{doc}"""\n    return input\n'
    (rule,), errors = check_source(source, Path("a.py"))
    assert not errors
    return [(example.source, example.comment) for example in rule.examples]


def test_expressions_stand_alone() -> None:
    assert examples("Doc.\n\n    >>> f(1)\n    >>> f(2)\n    ") == [("f(1)", ""), ("f(2)", "")]


def test_an_assignment_opens_a_group_that_lasts_while_its_names_are_used() -> None:
    found = examples(
        "Doc.\n\n    >>> f(0)\n    >>> x = f32(2)\n    >>> x.add_(1)\n    >>> x\n    >>> f(3)\n    >>> y = 1\n"
        "    >>> f(y)"
    )
    assert [source for source, _ in found] == ["f(0)", "x = f32(2)\nx.add_(1)\nx", "f(3)", "y = 1\nf(y)"]


def test_a_new_assignment_opens_a_group_of_its_own() -> None:
    found = examples("Doc.\n\n    >>> x = 1\n    >>> f(x)\n    >>> x = 2\n    >>> f(x)")
    assert [source for source, _ in found] == ["x = 1\nf(x)", "x = 2\nf(x)"]


@pytest.mark.parametrize("line", ["f(x)", "x.sin()", "x", "x.sum()[0]"])
def test_a_value_that_is_never_compared_is_a_mistake(line: str) -> None:
    source = f'@rule("torch.f")\ndef f(input):\n    """Doc.\n\n    >>> x = 1\n    >>> {line}\n    >>> g(x)\n    """\n'
    _, [error] = check_source(f"{source}    return input\n", Path("a.py"))
    assert error.line == 6
    assert "only the last expression of an example is compared" in error.message


@pytest.mark.parametrize("line", ["x.add_(1)", "nn.init.zeros_(x)", "x.eval()"])
def test_lines_that_change_something_may_stand_before_the_last(line: str) -> None:
    assert len(examples(f"Doc.\n\n    >>> x = f(1)\n    >>> {line}\n    >>> x")) == 1


def test_no_function_of_a_file_hides_another() -> None:
    head = '@rule("torch.f")\ndef f(input):\n    return input\n'
    rules, [error] = check_source(head + head.replace("torch.f", "torch.g"), Path("a.py"))
    assert len(rules) == 1
    assert (error.line, error.message) == (5, "`f` is the name of the function in line 2 already")


def test_a_blank_line_or_text_ends_a_group() -> None:
    found = examples("Doc.\n\n    >>> x = 1\n    >>> f(x)\n\n    >>> x = 2\n    >>> f(x)\n    Text.\n    >>> f(5)")
    assert [source for source, _ in found] == ["x = 1\nf(x)", "x = 2\nf(x)", "f(5)"]


def test_two_assignments_before_the_expression() -> None:
    assert examples(">>> x = 1\n    >>> y = 2\n    >>> f(x, y)") == [("x = 1\ny = 2\nf(x, y)", "")]


def test_continued_lines_and_comments() -> None:
    found = examples("Doc.\n\n    >>> f(\n    ...     1,\n    ... )  # random\n    >>> f('# no comment')")
    assert found == [("f(\n    1,\n)  # random", "random"), ("f('# no comment')", "")]
    assert Example(*found[0], 1).random
    assert not Example(*found[1], 1).random


def test_the_text_has_no_examples() -> None:
    doc = '"""First.\n\n    >>> f(1)\n    >>> g(\n    ...   2)\n    """'
    source = f'@rule("torch.f")\ndef f(input):\n    {doc}\n    return input\n'
    (rule,), _ = check_source(source, Path("a.py"))
    assert rule.doc == "First."
    assert [example.line for example in rule.examples] == [5, 6]


def test_a_rule_without_docstring() -> None:
    (rule,), errors = check_source('@rule("torch.f")\ndef f(input):\n    return input\n', Path("a.py"))
    assert not errors
    assert (rule.doc, rule.examples) == ("", ())
