"""`x.data` and `x.train(flag)` of values that nothing is known of."""

import pytest

from torch2jax import convert


def messages(body: str, head: str = "def f(x, y, flag):") -> tuple[str, list[str]]:
    """The lines of the translated function, and what is reported."""
    conversion = convert(f"import torch\nimport torch.nn.functional as F\n\n{head}\n    {body}\n")
    code = conversion.code.partition(":\n")[2].partition("\n\n")[0]
    return code, [f"{d.code} {d.message}" for d in conversion.diagnostics]


@pytest.mark.parametrize(
    "body",
    [
        "return torch.relu(x.data)",
        "return F.relu(y) + x.data",
        "return F.relu(y) == x.data",
        "return x.data.cpu().numpy()",
        "return x.data.max(1)",
        "return x.data.item(), x.size(0)",
    ],
)
def test_beside_tensors_it_is_a_tensors(body: str) -> None:
    code, reported = messages(body)
    assert "x.data" not in code
    assert any("T2J202 assumed that what has `.data` here is a tensor" in message for message in reported)


def test_alone_it_stays_and_that_is_said() -> None:
    code, [message] = messages("return x.data")
    assert "return x.data" in code
    assert "here is no tensor: JAX arrays have no such attribute" in message


@pytest.mark.parametrize("body", ["return x.data, x.learning_rate", "return torch.relu(x.data), x.edge_index"])
def test_what_has_attributes_that_no_tensor_has_is_none(body: str) -> None:
    code, reported = messages(body)
    assert "x.data" in code
    assert reported == []


@pytest.mark.parametrize("call", ["x.train(not flag)", "x.train(mode=flag)", "x.train(*[True])"])
def test_a_flag_shows_the_method_to_be_a_modules(call: str) -> None:
    code, reported = messages(call)
    assert ("x.eval()" in code) == ("*" not in call)
    assert reported == [] or "*" in call


def test_a_flag_by_its_annotation() -> None:
    code, reported = messages("x.train(flag)", "def f(x, flag: bool):")
    assert "if flag:\n        x.train()\n    else:\n        x.eval()" in code
    assert reported == []


def test_an_unknown_argument_of_train_stays_and_that_is_said() -> None:
    code, [message] = messages("x.train(y)")
    assert "x.train(y)" in code
    assert "assumed that what has `.train()` here is no module" in message


@pytest.mark.parametrize("call", ["x.train()", "x.train(y, 3)", "x.train('words')", "x.train(data=y)"])
def test_other_calls_stay(call: str) -> None:
    code, reported = messages(call)
    assert call.replace("'", '"') in code.replace("'", '"')
    assert reported == []
