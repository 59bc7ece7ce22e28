"""Values that may be one of several things, of which only some can be what the code does with them."""

import pytest

from torch2jax.convert import convert

PRELUDE = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n\n"


def module(init: str, forward: str) -> tuple[str, set[str]]:
    source = f"""{PRELUDE}class M(nn.Module):
    def __init__(self, pool="mean"):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)
        {init}

    def forward(self, x: torch.Tensor):
        {forward}
"""
    conversion = convert(source)
    return conversion.code, {d.code for d in conversion.diagnostics}


POOL = "self.pool = nn.AdaptiveMaxPool2d((2, 3)) if pool == 'max' else pool"


def test_what_is_called_is_no_string() -> None:
    """The pool takes channel-last arrays, although the attribute may be a string as well."""
    code, codes = module(POOL, "y = self.pool(self.conv(x))\n        return y.flatten(1)")
    assert code.count(".transpose(") == 2
    assert not codes


@pytest.mark.parametrize(
    ("forward", "expected"),
    [
        ("return x if isinstance(self.pool, nn.Module) else x + 1", "return x if callable(self.pool) else x + 1"),
        ("return x if isinstance(self.conv, nn.Module) else x + 1", "return x if isinstance(self.conv, nnx.Module)"),
        ("match self.pool:\n            case nn.Module():\n                x = x + 1\n        return x",
         "case _ if callable(self.pool):"),
        ("match self.conv:\n            case nn.Module():\n                x = x + 1\n        return x",
         "case nnx.Module():"),
    ],
)  # fmt: skip
def test_a_module_that_is_a_function_in_flax_is_callable(forward: str, expected: str) -> None:
    assert expected in module(POOL, forward)[0]


def test_a_method_of_tensors_on_something_unknown_is_one() -> None:
    source = f"""{PRELUDE}def f(act, x: torch.Tensor):
    def branch(y):
        nonlocal total
        total = total + act(y).abs().mean()

    total = torch.zeros(())
    branch(x)
    return total


def g(x):
    return f(torch.tanh, x), f(lambda t: t.exp(), x)
"""
    code = convert(source).code
    assert "absolute(act(y)).mean()" in code


def test_what_a_loop_starts_with_as_none() -> None:
    """In the first turn nothing is known of `top`, and nothing is wrong with it."""
    forward = """top = None
        for _ in range(3):
            y = self.conv(x)
            if top is not None:
                y = y + F.interpolate(top, scale_factor=2)
            top = y
            x = x[:, :, ::2, ::2]
        return top"""
    _, codes = module("pass", forward)
    assert not codes & {"T2J102"}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("if hasattr(nn, 'SiLU'):\n    A = nn.SiLU\nelse:\n    A = nn.ReLU\n", "\nA = nnx.silu\n"),
        ("if hasattr(nn, 'NotThere'):\n    A = 1\nelse:\n    A = 2\n", "    A = 2\n"),
        ("A = hasattr(F, 'silu')\n", "A = True\n"),
    ],
)
def test_what_torch_has_is_decided(source: str, expected: str) -> None:
    assert expected in convert(PRELUDE + source).code


def test_getattr_of_modules_is_the_attribute() -> None:
    code, codes = module("self.a0 = nn.Linear(2, 2)", "return self.__getattr__(f'a{len(x) - len(x)}')(x)")
    assert "getattr(self, f'a{len(x) - len(x)}')(x)" in code
    assert not codes & {"T2J108"}


def test_a_mixin_reads_attributes_of_the_module_it_is_mixed_into() -> None:
    source = f"""{PRELUDE}class Mixin:
    def forward(self, x):
        return torch.cat((self.token, self.body(x)), dim=1)


class Body(nn.Module):
    def __init__(self):
        super().__init__()
        self.token = nn.Parameter(torch.zeros(2, 1, 3))
        self.body = nn.Linear(3, 3)


class M(Mixin, Body):
    pass
"""
    assert "jnp.concatenate((self.token[...], self.body(x)), axis=1)" in convert(source).code


@pytest.mark.parametrize(
    ("other", "expected"),
    [("torch.Tensor", "jnp.zeros((n, 1), dtype=jnp.float32)"), ("torch.cuda.FloatTensor", "jnp.zeros((n, 1)")],
)
def test_classes_of_tensors_that_build_the_same(other: str, expected: str) -> None:
    source = (
        f"import torch\n\n\ndef f(n: int, cuda):\n    T = {other} if cuda else torch.FloatTensor\n    return T(n, 1)\n"
    )
    conversion = convert(source)
    assert expected in conversion.code
    assert conversion.ok


def test_classes_of_tensors_that_build_others_are_flagged() -> None:
    source = "import torch\n\n\ndef f(n: int, c):\n    T = torch.LongTensor if c else {}\n    return T(n, 1)\n"
    found = [
        [d.code for d in convert(source.format(other)).diagnostics] for other in ("torch.FloatTensor", "torch.Tensor")
    ]
    assert found == [["T2J103"], ["T2J107"]]
