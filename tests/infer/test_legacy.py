"""Types of tensors from the days before torch.tensor, held in variables."""

import pytest

from torch2jax.convert import convert

HEAD = (
    "import numpy as np\nimport torch\nfrom torch.autograd import Variable\n\n"
    "cuda = torch.cuda.is_available()\nTensor = torch.cuda.FloatTensor if cuda else torch.FloatTensor\n\n\n"
)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("Tensor(3, 1)", "jnp.zeros((3, 1), dtype=jnp.float32)"),
        ("Tensor(3)", "jnp.zeros(3, dtype=jnp.float32)"),
        ("Tensor([1, 2])", "jnp.array([1, 2], dtype=jnp.float32)"),
        ("Tensor(3, 1).fill_(1.0)", "jnp.full_like(jnp.zeros((3, 1), dtype=jnp.float32), 1.0)"),
        ("Tensor(np.zeros(3))", "legacy_tensor(np.zeros(3), jnp.float32)"),
        ("x.type(Tensor)", "x.astype(Tensor)"),
        ("Variable(torch.zeros(3))", "jnp.zeros((3,))"),
        ("Variable(x)", "lax.stop_gradient(x)"),
    ],
)
def test_a_type_in_a_variable(expression: str, expected: str) -> None:
    conversion = convert(f"{HEAD}def f(x):\n    return {expression}\n")
    assert conversion.ok
    assert f"    return {expected}\n" in conversion.code


def test_a_type_that_is_not_known_is_flagged() -> None:
    source = "def f(wide):\n    t = torch.DoubleTensor if wide else torch.FloatTensor\n    return t(3)\n"
    assert [d.message for d in convert(HEAD + source).diagnostics] == ["which type of tensors this makes is not known"]
