"""Values that a translation needs twice get a name, also where no statement may stand."""

import pytest

from torch2jax import convert

HEAD = "import torch\nimport torch.nn.functional as F\n\n\n"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("y = F.relu(x).expand(3, -1) if n else x", "(value := nnx.relu(x)), (3, value.shape[-1])"),
        ("y = n and F.relu(x).expand(3, -1)", "(value := nnx.relu(x)), (3, value.shape[-1])"),
        ("y = (lambda t: F.relu(t).expand(3, -1))(x)", "(value := nnx.relu(t)), (3, value.shape[-1])"),
    ],
)
def test_a_value_is_named_inside_an_expression(source: str, expected: str) -> None:
    code = convert(f"{HEAD}def f(x, n):\n    {source}\n    return y\n").code
    assert f"jnp.broadcast_to({expected})" in " ".join(code.split())


def test_in_a_comprehension_the_call_is_flagged() -> None:
    found = convert(f"{HEAD}def f(xs):\n    return [F.relu(x).expand(3, -1) for x in xs]\n").diagnostics
    assert [(d.code, d.line) for d in found] == [("T2J105", 6)]
