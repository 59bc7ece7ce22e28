"""``requires_grad`` of parameters."""

import pytest

from torch2jax.convert import convert

PRELUDE = "import copy\nimport torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"


def script(body: str) -> tuple[list[str], set[str]]:
    source = f"""{PRELUDE}

class M(nn.Module):
    def __init__(self, learn=True):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
        self.fc = nn.Linear(2, 2)
        self.pos = nn.Parameter(torch.zeros(2), requires_grad=False)
        self.scale = nn.Parameter(torch.ones(2), requires_grad=learn)
        self.shift = nn.Parameter(torch.ones(2), learn)

    def forward(self, x):
        return self.fc(self.encoder(x)) * self.scale + self.pos


def f(m: M, x: torch.Tensor, flag: bool, some):
    {body}
    return m
"""
    conversion = convert(source)
    return [line.strip() for line in conversion.code.splitlines()], {d.code for d in conversion.diagnostics}


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("pass", "self.pos = Frozen(jnp.zeros((2,)))"),
        ("pass", "self.scale = (nnx.Param if learn else Frozen)(jnp.ones((2,)))"),
        ("pass", "self.shift = (nnx.Param if learn else Frozen)(jnp.ones((2,)))"),
        ("m.fc.weight.requires_grad = False", "freeze(m.fc.kernel)"),
        ("m.scale.requires_grad = True", "unfreeze(m.scale)"),
        ("m.scale.requires_grad = flag", "set_trainable(m.scale, flag)"),
        ("m.fc.bias.requires_grad_(False)", "freeze(m.fc.bias)"),
        ("m.encoder.requires_grad_(False)", "freeze(m.encoder)"),
        ("m.requires_grad_()", "unfreeze(m)"),
        ("t = copy.deepcopy(m).requires_grad_(False)", "t = freeze(nnx.clone(m))"),
        ("for p in m.encoder.parameters():\n        p.requires_grad = False", "freeze(m.encoder)"),
        ("for p in m.parameters():\n        p.requires_grad_(flag)", "set_trainable(m, flag)"),
        ("for p in m.parameters(): p.requires_grad = False", "freeze(m)"),
        (
            "for p in m.parameters():\n        print(p.ndim)\n        p.requires_grad = False",
            "for p in parameters(m):",
        ),
        ("for k, p in m.named_parameters():\n        p.requires_grad = 'fc' in k", "set_trainable(p, 'fc' in k)"),
        ("for p in some:\n        p.requires_grad = False", "freeze(p)"),
        (
            "print(sum(p.numel() for p in m.parameters() if p.requires_grad))",
            "print(sum(p.size for p in parameters(m) if isinstance(p, nnx.Param)))",
        ),
        (
            "print(filter(lambda p: p.requires_grad, m.parameters()))",
            "print(filter(lambda p: isinstance(p, nnx.Param), ordered_parameters(m)))",
        ),
        ("print(m.scale.requires_grad)", "print(isinstance(m.scale, nnx.Param))"),
    ],
)
def test_parameters_change_their_class(body: str, line: str) -> None:
    lines, codes = script(body)
    assert line in lines, lines
    assert not codes


def test_a_loop_that_does_one_thing_needs_no_loop() -> None:
    lines, _ = script("for p in m.parameters():\n        p.requires_grad = False")
    assert not any("parameters" in line for line in lines if not line.startswith("nodes"))


def test_arrays_do_not_record_what_is_done_with_them() -> None:
    assert script("print(x.requires_grad)")[1] == {"T2J103"}
    assert script("x.requires_grad = True")[1] == {"T2J301"}


def test_a_replaced_layer_of_a_sequential() -> None:
    lines, codes = script("m.encoder[1] = nn.GELU()\n    m.encoder[0] = nn.Linear(2, 2, bias=False)")
    assert "m.encoder.layers[1] = partial(nnx.gelu, approximate=False)" in lines
    assert not codes


def test_a_replaced_layer_may_want_another_axis_order() -> None:
    """The Sequential is called with what may be a convolution and what may be a linear layer."""
    source = f"""{PRELUDE}

class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.s = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU())

    def forward(self, x):
        return self.s(x)


def f():
    m = M()
    m.s[0] = nn.Linear(7, 7)
    return m
"""
    assert {d.code for d in convert(source).diagnostics} & {"T2J106"}
