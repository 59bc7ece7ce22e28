"""Statements: comments, marks, lines that become several or none."""

import pytest

from torch2jax.convert import convert

PRELUDE = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"


def function(body: str, params: str = "x: torch.Tensor, y: torch.Tensor, n: int = 1") -> list[str]:
    """The lines of a translated function, without its header."""
    conversion = convert(f"{PRELUDE}\n\ndef f({params}):\n{body.rstrip()}\n")
    lines = conversion.code.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("def f("))
    end = next((i for i in range(start + 1, len(lines)) if lines[i][:1] not in ("", " ")), len(lines))
    return [line.strip() for line in lines[start + 1 : end] if line.strip()]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("z = x.exp()  # why", ["z = jnp.exp(x)  # why"]),
        ("z: torch.Tensor = x.exp()", ["z: jax.Array = jnp.exp(x)"]),
        ("z: 'int'", ["z: 'int'"]),
        ("z = w = x.exp()", ["z = w = jnp.exp(x)"]),
        ("a = x.exp(); b = x.log()", ["a = jnp.exp(x); b = jnp.log(x)"]),
        ("x.add_(1); y = 2", ["x = x + 1", "y = 2"]),
        ("x += y", ["x += y"]),
        ("x[0] = y[0]", ["x = x.at[0].set(y[0])"]),
        ("x[0] += y[0]", ["x = x.at[0].add(y[0])"]),
        ("x[0] -= 1", ["x = x.at[0].subtract(1)"]),
        ("x[0] *= 2", ["x = x.at[0].multiply(2)"]),
        ("x[0] /= 2", ["x = x.at[0].divide(2)"]),
        ("x[..., n:] = 0", ["x = x.at[..., n:].set(0)"]),
        ("x[y > 0] = 0", ["x = masked_set(x, y > 0, 0)"]),
        ("x[x > 0] = 0", ["x = jnp.where(x > 0, jnp.asarray(0, x.dtype), x)"]),
        ("x.zero_()", ["x = jnp.zeros_like(x)"]),
        ("x[0].zero_()", ["x = x.at[0].set(jnp.zeros_like(x[0]))"]),
        ("x.mul_(y).add_(1)", ["x = x * y", "x = x + 1"]),
        ("z = x.add_(1)", ["x = x + 1", "z = x"]),
        ("x.cuda()", []),
        ("assert x.dim() == 2, x.shape", ["assert x.ndim == 2, x.shape"]),
        ("raise ValueError(f'{x.size(0)}')", ["raise ValueError(f'{x.shape[0]}')"]),
        ("del x", ["del x"]),
        ("a, b = x.shape", ["a, b = x.shape"]),
        ("a, *b = x.size()", ["a, *b = x.shape"]),
        ("torch.manual_seed(0)", []),
    ],
)
def test_simple_statements(source: str, expected: list[str]) -> None:
    indented = f"    x, y = x + 0, y + 0\n    {source}\n    return None\n"
    found = [line for line in function(indented) if not line.startswith("# TODO")]
    assert found == ["x, y = x + 0, y + 0", *expected, "return None"]


def test_comments_above_a_statement_that_goes_away_move_on() -> None:
    lines = function("    # about the seed\n    torch.manual_seed(0)\n    # about z\n    z = x.exp()\n    return z\n")
    assert lines == ["# about the seed", "# about z", "z = jnp.exp(x)", "return z"]


def test_comments_above_a_statement_that_becomes_several() -> None:
    lines = function("    x = x + 0\n    # two steps\n    x.mul_(2).add_(1)  # here\n    return x\n")
    assert lines == ["x = x + 0", "# two steps", "x = x * 2", "x = x + 1  # here", "return x"]


def test_errors_are_marked_above_their_statement() -> None:
    lines = function(
        "    # mine\n    z = torch.no_such_thing(x)\n    if torch.no_such_test(x):\n        pass\n    return z\n"
    )
    assert lines[:3] == [
        "# mine",
        "# TODO(torch2jax): T2J101 torch.no_such_thing has no rule",
        "z = torch.no_such_thing(x)",
    ]
    assert lines[3:5] == ["# TODO(torch2jax): T2J101 torch.no_such_test has no rule", "if torch.no_such_test(x):"]


def test_a_body_on_the_line_of_its_header() -> None:
    code = convert(f"{PRELUDE}\n\ndef f(x: torch.Tensor): return x.exp()\n").code
    assert "def f(x: jax.Array): return jnp.exp(x)\n" in code


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("if n: x = x.exp()\n    else: x = x.log()", ["if n: x = jnp.exp(x)", "else: x = jnp.log(x)"]),
        ("for r in [x, y]:\n        r = r.exp()", ["for r in [x, y]:", "r = jnp.exp(r)"]),
        ("while n:\n        n = x.size(0)", ["while n:", "n = x.shape[0]"]),
        (
            "try:\n        x = x.exp()\n    finally:\n        x = x.log()",
            ["try:", "x = jnp.exp(x)", "finally:", "x = jnp.log(x)"],
        ),
        ("with a(x.exp()) as b:\n        x = x.log()", ["with a(jnp.exp(x)) as b:", "x = jnp.log(x)"]),
        ("match n:\n        case 1:\n            x = x.exp()", ["match n:", "case 1:", "x = jnp.exp(x)"]),
        ("def g(t=x.exp()):\n        return t.log()", ["def g(t=jnp.exp(x)):", "return jnp.log(t)"]),
        ("async def g():\n        return x.log()", ["async def g():", "return jnp.log(x)"]),
        ("class A:\n        y = x.exp()", ["class A:", "y = jnp.exp(x)"]),
    ],
)
def test_compound_statements(source: str, expected: list[str]) -> None:
    assert function(f"    {source}\n") == expected


def module(init: str) -> list[str]:
    """The lines of a translated constructor."""
    source = (
        f"{PRELUDE}\n\nclass M(nn.Module):\n    def __init__(self, n=2):\n        super().__init__()\n        {init}\n"
    )
    lines = [line.strip() for line in convert(source).code.splitlines()]
    start = lines.index("def __init__(self, n=2, *, rngs: nnx.Rngs):")
    end = next((i for i in range(start, len(lines)) if lines[i].startswith("# Helpers")), len(lines))
    return [line for line in lines[start + 1 : end] if line]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("self.register_buffer('a', torch.zeros(n))", ["self.a = Buffer(jnp.zeros((n,)))"]),
        ("self.register_buffer('a', None)", ["self.a = None"]),
        ("self.register_buffer('a', torch.zeros(2), False)", ["self.a = Buffer(jnp.zeros((2,)), persistent=False)"]),
        ("self.register_buffer('a', torch.zeros(2), persistent=True)", ["self.a = Buffer(jnp.zeros((2,)))"]),
        (
            "self.register_buffer('a', torch.zeros(2) if n else None)",
            ["self.a = Buffer(jnp.zeros((2,))) if n else None"],
        ),
        (
            "for i in range(n):\n            self.register_buffer(f'a{i}', torch.zeros(2))",
            ["for i in range(n):", "setattr(self, f'a{i}', Buffer(jnp.zeros((2,))))"],
        ),
        ("self.a = nn.Buffer(torch.zeros(2))", ["self.a = Buffer(jnp.zeros((2,)))"]),
        (
            "self.a = nn.Buffer(data=torch.zeros(2), persistent=False)",
            ["self.a = Buffer(jnp.zeros((2,)), persistent=False)"],
        ),
        ("self.a = nn.Buffer(torch.zeros(2), persistent=True)", ["self.a = Buffer(jnp.zeros((2,)))"]),
        ("self.register_parameter('a', None)", ["self.a = None"]),
        ("self.register_parameter('a', nn.Parameter(torch.zeros(2)))", ["self.a = nnx.Param(jnp.zeros((2,)))"]),
        ("self.a = nn.Parameter(torch.zeros(2))", ["self.a = nnx.Param(jnp.zeros((2,)))"]),
        ("self.a = nn.Parameter(data=torch.zeros(2))", ["self.a = nnx.Param(jnp.zeros((2,)))"]),
        ("self.a = nn.Parameter(torch.zeros(2), requires_grad=False)", ["self.a = Frozen(jnp.zeros((2,)))"]),
        ("self.add_module('a', nn.ReLU())", ["self.a = nnx.relu"]),
        (
            "for i in range(n):\n            self.add_module('a%d' % i, nn.ReLU())",
            ["for i in range(n):", "setattr(self, 'a%d' % i, nnx.relu)"],
        ),
        ("self.a = nn.ReLU()\n        self.to('cpu')", ["self.a = nnx.relu"]),
    ],
)
def test_state_of_modules(source: str, expected: list[str]) -> None:
    assert module(source) == expected


def test_a_buffer_of_no_tensor_is_flagged() -> None:
    source = f"{PRELUDE}\n\nclass M(nn.Module):\n    def __init__(self):\n        self.a = nn.Buffer(*x)\n"
    assert "T2J107" in {diagnostic.code for diagnostic in convert(source).diagnostics}


def test_buffers_read_as_arrays() -> None:
    source = f"""{PRELUDE}

class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("a", torch.zeros(2))
        self.w = nn.Parameter(torch.ones(2))

    def forward(self, x):
        if self.w is not None:
            x = x * self.w
        self.a = self.a * 0.5
        return (x + self.a).sum(), self.w.shape, self.a[0], -self.w
"""
    code = convert(source).code
    assert "        x = x * self.w[...]\n" in code.replace("            x", "        x")
    assert "        self.a[...] = self.a[...] * 0.5\n" in code
    assert "        return (x + self.a[...]).sum(), self.w.shape, self.a[0], -self.w[...]\n" in code.replace(
        "self.w[...].shape", "self.w.shape"
    ).replace("self.a[...][0]", "self.a[0]")


def test_apply_becomes_a_loop() -> None:
    source = f"""{PRELUDE}

def init(m):
    if isinstance(m, nn.Linear):
        nn.init.normal_(m.weight, 0.0, 0.02)
        if m.bias is not None:
            nn.init.zeros_(m.bias)


def show(m):
    print(m)


class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.l = nn.Linear(2, 2)
        self.apply(init)
        self.apply(show)
"""
    lines = [line.strip() for line in convert(source).code.splitlines()]
    assert "def init(m, *, rngs: nnx.Rngs):" in lines
    assert "if isinstance(m, nnx.Linear):" in lines
    assert "m.kernel[...] = nnx.initializers.normal(0.02)(rngs.params(), m.kernel.shape, m.kernel.dtype)" in lines
    assert lines.count("for _, module in nnx.iter_modules(self):") == 2
    assert "init(module, rngs=rngs)" in lines
    assert "show(module)" in lines


@pytest.mark.parametrize(
    ("tie", "expected"),
    [
        ("self.out.weight = self.emb.weight", ["return self.emb.attend(self.emb(x))"]),
        ("self.emb.weight = self.out.weight", ["return self.emb.attend(self.emb(x))"]),
    ],
)
def test_an_output_layer_tied_to_an_embedding(tie: str, expected: list[str]) -> None:
    source = f"""{PRELUDE}

class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(9, 4)
        self.out = nn.Linear(4, 9, bias=False)
        {tie}

    def forward(self, x):
        return self.out(self.emb(x))
"""
    code = convert(source).code
    for line in expected:
        assert f"        {line}\n" in code
    assert "nnx.Linear" not in code


def test_an_output_layer_tied_under_a_condition() -> None:
    source = f"""{PRELUDE}

class M(nn.Module):
    def __init__(self, tie=True):
        super().__init__()
        self.emb = nn.Embedding(9, 4)
        self.out = nn.Linear(4, 9)
        if tie:
            self.out.weight = self.emb.weight

    def forward(self, x):
        return self.out(self.emb(x))
"""
    code = convert(source).code
    assert "        if tie:\n            self.out = TiedLinear(self.emb, rngs=rngs)\n" in code
    assert "        return self.out(self.emb(x))\n" in code
