"""Functions that update arrays by their gradients, at the places where they are called."""

from textwrap import dedent

import libcst as cst
import pytest

from torch2jax.source.updating import updates_written_out

SGD = """\
def sgd(params, lr):
    \"\"\"Goes down.\"\"\"
    rate = lr / 2
    for p in params:
        p.data -= rate * p.grad
        p.grad.zero_()


"""


def written(body: str, used: str = "") -> str:
    tree = cst.parse_module(SGD + dedent(body))
    return updates_written_out(tree, {}, lambda name: name == used).tree.code


def test_the_statements_stand_where_the_function_is_called() -> None:
    code = written("""\
        rate = 3
        for x in xs:
            f(w, b, x).backward()
            sgd([w, b], lr=0.1)
    """)
    assert "def sgd" not in code
    assert code.strip() == dedent("""\
        rate = 3
        for x in xs:
            f(w, b, x).backward()
            lr = 0.1
            rate_2 = lr / 2
            for p in [w, b]:
                p.data -= rate_2 * p.grad
                p.grad.zero_()
    """).strip().replace("lr = 0.1\n    ", "").replace("rate_2 = lr", "rate_2 = 0.1")


def test_a_list_for_nothing_else_goes() -> None:
    body = """\
    def train(w):
        b = g()
        arrays = (w, b)
        f(w, b).backward()
        sgd(arrays, 0.1)
    """
    assert "arrays" not in written(body)
    assert "arrays = (w, b)" in written(body + "    print(arrays)\n")


def test_the_function_stays_where_something_else_uses_it() -> None:
    body = "f(w).backward()\nsgd([w], 0.1)\n"
    assert "def sgd" in written(body, used="sgd")
    assert "def sgd" in written(body + "print(sgd)")


@pytest.mark.parametrize(
    "body",
    [
        "sgd([w, b], 0.1)",
        "f(w).backward()\nsgd([w, g()], 0.1)",
        "f(w).backward()\nsgd(*args)",
        "f(w).backward()\nx = sgd([w], 0.1)",
        "def train():\n    f(w).backward()\n    sgd([w], 0.1)",
        "w = g()\narrays = [w]\nf(w).backward()\nw = g()\nsgd(arrays, 0.1)",
        "w = g()\narrays = [w]\narrays.append(b)\nf(w).backward()\nsgd(arrays, 0.1)",
    ],
)
def test_other_calls_stay(body: str) -> None:
    assert body.splitlines()[-1] in written(body)
