"""What autograd does not see: `.data`, and regions without gradients."""

from __future__ import annotations

import pytest

from torch2jax.convert import convert

HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n\n"
MODEL = (
    f"{HEAD}class M(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.w = nn.Parameter(torch.zeros(3))\n        self.fc = nn.Linear(3, 3)\n"
    "        self.register_buffer('b', torch.zeros(3))\n\n"
)


def lines(source: str) -> list[str]:
    conversion = convert(source)
    assert conversion.ok, conversion.diagnostics
    return [line.strip() for line in conversion.code.splitlines()]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("self.w.data = x", "self.w[...] = with_data(self.w[...], x)"),
        ("self.w.data.zero_()", "self.w[...] = with_data(self.w[...], jnp.zeros_like(self.w[...]))"),
        ("self.w.data[0] = 1", "self.w[...] = with_data(self.w[...], self.w[...].at[0].set(1))"),
        ("self.w.data *= 2", "self.w[...] = with_data(self.w[...], self.w[...] * 2)"),
        ("self.w.data += x", "self.w[...] += lax.stop_gradient(x)"),
        ("self.w.data -= 1", "self.w[...] -= 1"),
        ("self.w.data = self.w.data * 2", "self.w[...] = with_data(self.w[...], self.w[...] * 2)"),
        (
            "self.fc.weight.data.mul_(2)",
            "self.fc.kernel[...] = with_data(self.fc.kernel[...], self.fc.kernel[...] * 2)",
        ),
        ("self.b.data = x", "self.b[...] = lax.stop_gradient(x)"),
        ("self.b.data.mul_(2)", "self.b[...] = self.b[...] * 2"),
        ("y = self.w.data * x", "y = lax.stop_gradient(self.w[...]) * x"),
        ("y = F.linear(x, self.fc.weight.data)", "y = x @ lax.stop_gradient(self.fc.kernel[...])"),
    ],
)
def test_data_in_a_forward_pass(statement: str, expected: str) -> None:
    assert expected in lines(f"{MODEL}    def forward(self, x):\n        {statement}\n        return x\n")


def test_a_name_of_data_has_no_gradient() -> None:
    found = lines(f"{MODEL}    def forward(self, x):\n        w = self.w.data\n        return w * x + self.w\n")
    assert "return lax.stop_gradient(w[...]) * x + self.w[...]" in found


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("self.w.mul_(2)", "self.w[...] = with_data(self.w[...], self.w[...] * 2)"),
        ("self.w *= 2", "self.w[...] = with_data(self.w[...], self.w[...] * 2)"),
        ("self.b *= x", "self.b[...] = lax.stop_gradient(self.b[...] * x)"),
        ("self.b = self.b + x", "self.b[...] = lax.stop_gradient(self.b[...] + x)"),
        ("self.b = torch.ones(3)", "self.b[...] = jnp.ones((3,))"),
    ],
)
def test_writes_in_a_region_without_gradients(statement: str, expected: str) -> None:
    source = (
        f"{MODEL}    def forward(self, x):\n        with torch.no_grad():\n            {statement}\n        return x\n"
    )
    assert expected in lines(source)


def test_methods_that_a_forward_pass_calls_belong_to_it() -> None:
    source = (
        f"{MODEL}    def step(self):\n        self.w.data.mul_(2)\n\n"
        "    @torch.no_grad()\n    def anchor(self):\n        return self.w.norm()\n\n"
        "    def forward(self, x):\n        self.step()\n        return x * self.anchor()\n"
    )
    found = lines(source)
    assert "self.w[...] = with_data(self.w[...], self.w[...] * 2)" in found
    assert "return lax.stop_gradient(l2_norm(self.w[...]))" in found


def test_a_public_method_without_gradients_gives_none() -> None:
    found = lines(f"{MODEL}    @torch.no_grad()\n    def anchor(self):\n        return self.w * 2\n")
    assert "return lax.stop_gradient(self.w[...] * 2)" in found


def test_several_results_without_gradients_are_one_argument() -> None:
    method = "    @torch.no_grad()\n    def ends(self, x):\n        return x[0], self.w * 2\n"
    assert "return lax.stop_gradient((x[0], self.w[...] * 2))" in lines(f"{MODEL}{method}")


def test_initialisation_is_written_plainly() -> None:
    source = (
        f"{HEAD}def normal_(t: torch.Tensor):\n    with torch.no_grad():\n        t.normal_()\n\n\n"
        "class M(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.w = nn.Parameter(torch.zeros(3))\n        self.reset()\n        normal_(self.w)\n\n"
        "    def reset(self):\n        self.w.data.fill_(1)\n        self.w.data = self.w.data * 2\n"
    )
    found = lines(source)
    assert not any("stop_gradient" in line or "with_data" in line for line in found)
    assert "self.w[...] = self.w[...] * 2" in found


def test_what_is_written_between_steps_is_written_plainly() -> None:
    source = (
        f"{MODEL}    def update(self, other):\n        for p, q in zip(self.parameters(), other.parameters()):\n"
        "            p.data.mul_(0.9).add_(q.data, alpha=0.1)\n"
    )
    assert "p[...] = p[...] + 0.1 * q[...]" in lines(source)


def test_what_is_written_between_training_steps_is_written_plainly() -> None:
    loop = (
        "def fit(net: nn.Linear, start: torch.Tensor):\n    x = start.clone().requires_grad_()\n"
        "    optimizer = torch.optim.Adam([x])\n    for _ in range(3):\n        optimizer.zero_grad()\n"
        "        {inside}loss = net(x).sum()\n        loss.backward()\n        optimizer.step()\n"
        "        with torch.no_grad():\n            x.clamp_(0, 1)\n    return x\n"
    )
    plain = lines(HEAD + loop.format(inside=""))
    assert "x[...] = clamp(x[...], min=0, max=1)" in plain
    assert not any("with_data" in line for line in plain)
    inside = lines(
        HEAD + loop.format(inside="y = x * 2\n        y.data.clamp_(0, 1)\n        ").replace("net(x)", "net(y)")
    )
    assert "y = with_data(y, clamp(y, min=0, max=1))" in inside


def test_arrays_keep_the_graph_that_they_have() -> None:
    source = f"{HEAD}def f(x: torch.Tensor):\n    y = x * 2\n    y.data.clamp_(0, 1)\n    return y\n"
    assert "y = with_data(y, clamp(y, min=0, max=1))" in lines(source)
    source = f"{HEAD}def f(x: torch.Tensor):\n    y = x * 2\n    d = y.detach()\n    d.mul_(2)\n    return y\n"
    found = lines(source)
    assert found[found.index("d = d * 2") + 1] == "y = with_data(y, d)"


def test_values_of_a_region_are_stopped_where_they_are_read_behind_it() -> None:
    source = (
        f"{HEAD}def loss(x: torch.Tensor, y: torch.Tensor):\n    with torch.no_grad():\n        t = y.exp()\n"
        "        a, b = t * 2, t + 1\n        inner = a * 3\n    return x * a * b * t\n"
    )
    found = lines(source)
    assert "a, b, t = lax.stop_gradient((a, b, t))" in found
