"""Where writes go: names, Variables, layers' weights in torch's axis order, items of items."""

import pytest

from torch2jax.convert import convert

PRELUDE = "import torch\nimport torch.nn as nn\n\n\n"


def written(statement: str) -> list[str]:
    source = f"""{PRELUDE}class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.l = nn.Linear(2, 3)
        self.c = nn.Conv2d(2, 3, 5)
        self.n = nn.BatchNorm2d(3)
        self.e = nn.Embedding(5, 4)
        self.p = nn.Parameter(torch.zeros(2, 3))
        self.register_buffer("b", torch.zeros(2))
        start = 0
        {statement}
        end = 0
"""
    conversion = convert(source)
    assert conversion.ok, conversion.diagnostics
    lines = [line.strip() for line in conversion.code.splitlines()]
    first, last = lines.index("start = 0"), lines.index("end = 0")
    return [" ".join(lines[first + 1 : last])] if lines[last - 1] == ")" else lines[first + 1 : last]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("self.p.data.fill_(1)", "self.p[...] = jnp.full_like(self.p[...], 1)"),
        ("self.p.data = torch.ones(2, 3)", "self.p[...] = jnp.ones((2, 3))"),
        ("self.p.data[0] = 1", "self.p[...] = self.p[...].at[0].set(1)"),
        ("self.p.data.mul_(2)", "self.p[...] = self.p[...] * 2"),
        ("self.b.add_(1)", "self.b[...] = self.b[...] + 1"),
        ("self.b.copy_(0.9 * self.b + 1)", "self.b[...] = 0.9 * self.b[...] + 1"),
        ("self.b.copy_(self.b + torch.ones(2))", "self.b[...] = self.b[...].at[...].set(self.b[...] + jnp.ones((2,)))"),
        ("self.b.copy_(self.p[0, 0])", "self.b[...] = self.b[...].at[...].set(self.p[...][0, 0])"),
        ("self.b[0][1] = 2", "self.b[...] = self.b[...].at[0].set(self.b[...][0].at[1].set(2))"),
        ("self.b += 1", "self.b[...] += 1"),
        ("self.b = torch.ones(2)", "self.b[...] = jnp.ones((2,))"),
        ("self.l.weight.data.mul_(2)", "self.l.kernel[...] = self.l.kernel[...] * 2"),
        ("self.l.weight.data[0] = 1", "self.l.kernel[...] = self.l.kernel[...].T.at[0].set(1).T"),
        ("self.l.weight.data.zero_()", "self.l.kernel[...] = jnp.zeros_like(self.l.kernel[...])"),
        ("self.l.bias.data.fill_(3)", "self.l.bias[...] = jnp.full_like(self.l.bias[...], 3)"),
        ("self.n.weight.data.fill_(1)", "self.n.scale[...] = jnp.full_like(self.n.scale[...], 1)"),
        ("self.e.weight.data[0] = 0", "self.e.embedding[...] = self.e.embedding[...].at[0].set(0)"),
        (
            "self.e.weight.data[0].zero_()",
            "self.e.embedding[...] = self.e.embedding[...].at[0].set(jnp.zeros_like(self.e.embedding[...][0]))",
        ),
        ("nn.init.zeros_(self.l.bias)", "self.l.bias[...] = jnp.zeros_like(self.l.bias)"),
        (
            "nn.init.xavier_uniform_(self.l.weight)",
            "self.l.kernel[...] = nnx.initializers.xavier_uniform()(rngs.params(), self.l.kernel.shape, "
            "self.l.kernel.dtype)",
        ),
        (
            "nn.init.xavier_uniform_(self.p)",
            "self.p[...] = nnx.initializers.xavier_uniform(in_axis=1, out_axis=0)(rngs.params(), "
            "self.p.shape, self.p.dtype)",
        ),
        (
            "nn.init.constant_(self.n.bias, 0.5)",
            "self.n.bias[...] = jnp.full_like(self.n.bias, 0.5)",
        ),
    ],
)
def test_writes_to_state(statement: str, expected: str) -> None:
    found = "".join(written(statement)).replace("( rngs", "(rngs").replace("dtype )", "dtype)")
    assert found.replace(" ", "") == expected.replace(" ", "")


def test_writes_to_a_convolution_go_through_torch_axes() -> None:
    (found,) = written("self.c.weight.data[0] = 1")
    assert found.replace(" ", "") == (
        "self.c.kernel[...]=self.c.kernel[...].transpose(3,2,0,1).at[0].set(1).transpose(2,3,1,0)"
    )


def test_an_initialiser_of_a_new_tensor_counts_in_torch_s_axes() -> None:
    source = """import torch
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(nn.init.kaiming_uniform_(torch.empty(90, 3)))
        self.fc = nn.Linear(3, 90)
        nn.init.kaiming_uniform_(self.fc.weight)
"""
    code = convert(source).code
    assert "self.weight = nnx.Param(\n            nnx.initializers.he_uniform(in_axis=1, out_axis=0)(" in code
    assert "self.fc.kernel[...] = nnx.initializers.he_uniform()(" in code


def test_a_starred_tensor_that_is_changed_is_flagged() -> None:
    source = (
        "import torch\n\n\ndef f(x: torch.Tensor):\n    args = (x,)\n    return torch.nn.init.trunc_normal_(*args)\n"
    )
    conversion = convert(source)
    assert [d.code for d in conversion.diagnostics] == ["T2J105"]
    assert "args = nnx" not in conversion.code
