"""Numbers in printed text, and the text around them."""

from decimal import Decimal

import pytest

from torch2jax.verify.scripts.prints import changes, lines_of, mismatch, same_number
from torch2jax.verify.scripts.recording import Printed


def differs(expected: str, actual: str) -> bool:
    first, second = (lines_of([Printed(text, 0)]) for text in (expected, actual))
    return mismatch(first, second, {}) is not None


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("loss 0.5\n", "loss 0.5\n"),
        ("loss 0.123456789012345\n", "loss 0.123456789012346\n"),
        ("tensor(0.1235, grad_fn=<MeanBackward0>)\n", "0.12346\n"),
        ("tensor(0.1235, dtype=torch.float64)\n", "Array(0.12346, dtype=float64)\n"),
        ("tensor([[1.0132, 2.0305],\n        [3., 4.]], requires_grad=True)\n", "[[1.01320687 2.03046865] [3. 4.]]\n"),
        ("loss nan\n", "loss nan\n"),
        ("torch.Size([48, 8]) torch.Size([3]) torch.Size([])\n", "(48, 8) (3,) ()\n"),
        (" 10%|#   |\r 20%|##  |\rdone\n", "done\n"),
        ("Epoch [1/5], Loss: 1e-05\n", "Epoch [1/5],  Loss: 0.00001\n"),
    ],
)
def test_the_same_is_the_same(expected: str, actual: str) -> None:
    assert not differs(expected, actual)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("loss 0.5\n", "loss 0.51\n"),
        ("loss 0.1234\n", "loss 0.1235\n"),
        ("loss 0.5\n", "Loss 0.5\n"),
        ("accuracy 97\n", "accuracy 98\n"),
        ("accuracy 97\n", "accuracy 97.4\n"),
        ("loss 0.5\n", "loss 0.5\nloss 0.5\n"),
        ("loss 0.5\n", ""),
        ("loss -0.5\n", "loss 0.5\n"),
        ("loss nan\n", "loss 0.5\n"),
        ("10000000001\n", "10000000002\n"),
        ("net1\n", "net2\n"),
        ("torch.Size([48, 8])\n", "(48, 9)\n"),
    ],
)
def test_anything_else_is_not(expected: str, actual: str) -> None:
    assert differs(expected, actual)


def test_a_number_may_be_off_by_what_is_allowed() -> None:
    assert not same_number("0.1234", "0.1235")
    assert same_number("0.1234", "0.1235", Decimal("0.0001"))
    first, second = (lines_of([Printed(text, 0)]) for text in ("a 1.0 b 2.0\n", "a 1.0 b 2.5\n"))
    assert changes(first, second) == {(0, 1): Decimal("0.5")}
    assert mismatch(first, second, {(0, 1): Decimal("0.5")}) is None


def test_the_first_line_that_differs_is_named() -> None:
    first, second = (lines_of([Printed(text, 0)]) for text in ("a 1\nb 2\n", "a 1\nb 3\n"))
    found = mismatch(first, second, {})
    assert str(found) == "line 2 is 'b 2' in torch and 'b 3' in the translation"
    assert str(mismatch(first, second[:1], {})) == "line 2 is 'b 2' in torch, and the translation prints no more"
