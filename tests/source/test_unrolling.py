"""Loops over named arrays that use the gradient of each."""

from textwrap import dedent

import libcst as cst
import pytest

from torch2jax.source.unrolling import unrolled


def result(source: str) -> str:
    return unrolled(cst.parse_module(dedent(source)), {}).tree.code


def test_each_array_gets_its_lines() -> None:
    source = """\
    with torch.no_grad():
        # down the slope
        for p in (w, b):
            p -= lr * p.grad
            p.grad.zero_()
    """
    expected = """\
    with torch.no_grad():
        # down the slope
        w -= lr * w.grad
        w.grad.zero_()
        b -= lr * b.grad
        b.grad.zero_()
    """
    assert result(source) == dedent(expected)


@pytest.mark.parametrize(
    "source",
    [
        "for p in (w, b):\n    p -= lr\n",
        "for p in params:\n    p -= p.grad\n",
        "for p in (w, model.b):\n    p -= p.grad\n",
        "for p in (w, b):\n    if p.grad is None:\n        continue\n    p -= p.grad\n",
        "for p in (w, b):\n    p = p - p.grad\n",
        "for p in (w, b):\n    w = p.grad\n",
    ],
)
def test_others_stay(source: str) -> None:
    assert result(source) == source


def test_comments_stand_in_the_first_copy() -> None:
    source = "for p in (w, b):\n    # down\n    p.data -= lr * p.grad  # by hand\n"
    code = unrolled(cst.parse_module(source), {}).tree.code
    assert code == "# down\nw.data -= lr * w.grad  # by hand\nb.data -= lr * b.grad\n"
