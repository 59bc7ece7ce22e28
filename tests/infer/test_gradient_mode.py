"""`torch.is_grad_enabled()`: decided where nothing turns gradients off."""

import pytest

from torch2jax import convert

HEAD = "import torch\n\n\ndef f(x: torch.Tensor, n):\n"


def converted(body: str, rest: str = "") -> tuple[str, list[str]]:
    conversion = convert(f"{HEAD}    {body}\n{rest}")
    return conversion.code, [d.code for d in conversion.diagnostics]


@pytest.mark.parametrize(
    ("body", "kept", "dropped"),
    [
        ("if torch.is_grad_enabled():\n        x = x * 2\n    return x", "    x = x * 2\n    return x", "if"),
        ("if not torch.is_grad_enabled():\n        x = x * 2\n    return x", "    return x", "* 2"),
        ("if n > 3 and not torch.is_grad_enabled():\n        x = x * 2\n    return x", "    return x", "* 2"),
        ("if torch.is_grad_enabled() or n():\n        x = x * 2\n    return x", "    x = x * 2\n    return x", "n()"),
        ("return (x + 1 if torch.is_grad_enabled() else n) * 2", "    return (x + 1) * 2", "if"),
    ],
)
def test_gradients_are_on(body: str, kept: str, dropped: str) -> None:
    code, codes = converted(body)
    assert f"{kept}\n" in f"{code}\n"
    assert dropped not in code.partition("def f")[2]
    assert codes == ["T2J205"]


def test_a_call_in_front_is_still_made() -> None:
    code, codes = converted("if n() and not torch.is_grad_enabled():\n        x = x * 2\n    return x")
    assert "if n() and not True:\n" in code
    assert codes == ["T2J205"]


@pytest.mark.parametrize("switch", ["torch.no_grad()", "torch.inference_mode()", "torch.set_grad_enabled(False)"])
def test_in_a_program_that_turns_gradients_off(switch: str) -> None:
    rest = f"\n\ndef g(x):\n    with {switch}:\n        return f(x, 1)\n"
    assert "T2J103" in converted("return x if torch.is_grad_enabled() else x + 1", rest)[1]
