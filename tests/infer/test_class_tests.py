"""Tests of an object's class: what several layers of torch become one class for, or a function."""

import pytest

from torch2jax import convert

NET = """from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)
        self.line = nn.Conv1d(3, 4, 1)
        self.norm = nn.BatchNorm2d(4)
        self.other = nn.BatchNorm1d(4)
        self.head = nn.Linear(4, 2)

    def count(self, m: nn.Module):
        return {test}
"""


def findings(test: str) -> list[str]:
    return [f"{d.code} {d.message}" for d in convert(NET.format(test=test)).diagnostics]


@pytest.mark.parametrize(
    "test",
    [
        "isinstance(m, (nn.Linear, nn.Conv1d))",
        "type(m) == nn.Conv1d",
        "type(m) in (nn.Linear, nn.Conv1d)",
        "type(m) is nn.Conv1d",
        "issubclass(type(m), nn.Conv1d)",
    ],
)
def test_classes_that_become_one_are_reported(test: str) -> None:
    if test.startswith("type"):
        test = f"1 if {test} else 0"
    assert findings(test) == ["T2J204 nn.Conv1d and nn.Conv2d are one class in Flax: the test is true for each of them"]


def test_classes_that_share_a_rule_are_told_apart() -> None:
    (found,) = findings("isinstance(m, nn.BatchNorm1d)")
    assert found.startswith("T2J204 nn.BatchNorm1d and nn.BatchNorm2d are one class")


@pytest.mark.parametrize(
    "classes",
    [
        "nn.Linear",
        "(nn.Conv1d, nn.Conv2d)",
        "(nn.BatchNorm1d, nn.BatchNorm2d)",
        "nn.modules.batchnorm._BatchNorm",
    ],
)
def test_a_test_that_still_tells_apart_is_not_reported(classes: str) -> None:
    assert findings(f"isinstance(m, {classes})") == []


@pytest.mark.parametrize("classes", ["nn.ReLU", "(nn.Linear, nn.GELU)", "nn.MaxPool2d", "nn.Identity"])
def test_a_layer_that_becomes_a_function_is_no_class(classes: str) -> None:
    (found,) = findings(f"isinstance(m, {classes})")
    assert found.startswith("T2J103 ")
    assert "is a function in Flax" in found


def test_patterns_are_tests_too() -> None:
    source = NET.format(test="0") + (
        "    def which(self, m):\n        match m:\n            case nn.Conv1d():\n                return 1\n"
        "            case nn.Module():\n                return 2\n"
    )
    conversion = convert(source)
    assert "            case nnx.Conv():\n" in conversion.code
    assert "            case nnx.Module():\n" in conversion.code
    assert [d.code for d in conversion.diagnostics] == ["T2J204"]


def test_convolutions_are_told_apart_by_their_rank() -> None:
    assert findings("isinstance(m, nn.Conv1d)") == []
    code = convert(NET.format(test="not isinstance(m, nn.Conv2d)")).code
    assert "return not (isinstance(m, nnx.Conv) and len(m.kernel_size) == 2)\n" in code
    only = NET.replace("        self.line = nn.Conv1d(3, 4, 1)\n", "").format(test="isinstance(m, nn.Conv2d)")
    assert "return isinstance(m, nnx.Conv)\n" in convert(only).code
