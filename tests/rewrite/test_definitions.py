"""Classes and functions: names, bases, constructors, decorators."""

import pytest

from torch2jax.convert import convert

PRELUDE = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\nfrom torch.nn import Module\n"


def lines(source: str) -> list[str]:
    conversion = convert(PRELUDE + source)
    return [line for line in conversion.code.splitlines() if line.strip()]


FORWARD = "\n    def forward(self, x):\n        return x\n"


@pytest.mark.parametrize(
    "call", ["super().__init__()", "super(M, self).__init__()", "super(self.__class__, self).__init__()"]
)
def test_the_call_of_the_base_constructor_goes(call: str) -> None:
    out = lines(f"class M(nn.Module):\n    def __init__(self):\n        {call}\n        self.n = 1\n{FORWARD}")
    assert out[out.index("    def __init__(self, *, rngs: nnx.Rngs):") + 1] == "        self.n = 1"


def test_a_constructor_with_nothing_left_passes() -> None:
    out = lines(f"class M(nn.Module):\n    def __init__(self):\n        super().__init__()\n{FORWARD}")
    assert out[out.index("    def __init__(self, *, rngs: nnx.Rngs):") + 1] == "        pass"


def test_docstrings_stay_first() -> None:
    out = lines(
        "class M(nn.Module):\n    '''Doc of M.'''\n\n    def __init__(self):\n        '''Doc.'''\n"
        "        super().__init__()\n"
        "        self.n = 1\n\n    def forward(self, x):\n        '''Doc of forward.'''\n"
        "        return x if self.training else -x\n"
    )
    start = out.index("class M(nnx.Module):")
    assert out[start : start + 8] == [
        "class M(nnx.Module):",
        "    '''Doc of M.'''",
        "    def __init__(self, *, rngs: nnx.Rngs):",
        "        '''Doc.'''",
        "        self.deterministic = False",
        "        self.n = 1",
        "    def __call__(self, x):",
        "        '''Doc of forward.'''",
    ]


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("nn.Module", "nnx.Module"),
        ("torch.nn.Module", "nnx.Module"),
        ("Module", "nnx.Module"),
        ("nn.Linear", "nnx.Linear"),
        ("nn.Conv2d", "nnx.Conv"),
        ("nn.Sequential", "nnx.Sequential"),
        ("object", "object"),
        ("dict", "dict"),
    ],
)
def test_bases(base: str, expected: str) -> None:
    assert f"class M({expected}):" in lines(
        f"class M({base}):\n    def other(self, x):\n        return x\n\n\ny = torch.zeros(2)\n"
    )


def test_calls_up_the_hierarchy() -> None:
    out = lines(
        f"class A(nn.Module):\n    def __init__(self, n):\n        super().__init__()\n"
        f"        self.l = nn.Linear(n, n)\n{FORWARD}\n"
        "class B(A):\n    def __init__(self, n):\n        super(B, self).__init__(n)\n\n"
        "    def forward(self, x):\n        return super().forward(x) + super(B, "
        "self).forward(x) + A.forward(self, x)\n\n"
        "class C(A):\n    def __init__(self, *args, **kwargs):\n        super().__init__(*args, **kwargs)\n"
    )
    assert "        super(B, self).__init__(n, rngs=rngs)" in out
    assert "        super().__init__(*args, rngs=rngs, **kwargs)" in out
    assert "        return super().__call__(x) + super(B, self).__call__(x) + A.__call__(self, x)" in out


def test_subclasses_of_layers_and_of_sequential() -> None:
    out = lines(
        "class Lin(nn.Linear):\n    def __init__(self, a, b):\n        super().__init__(a, b, bias=False)\n\n"
        "class Seq(nn.Sequential):\n    def __init__(self, n):\n        super().__init__(Lin(n, n), nn.ReLU())\n"
    )
    assert "        super().__init__(a, b, use_bias=False, **fan_in_uniform(a), rngs=rngs)" in out
    assert "        super().__init__(Lin(n, n, rngs=rngs), nnx.relu)" in out


def test_a_module_without_a_constructor_gets_what_it_needs() -> None:
    out = lines(
        "class M(nn.Module):\n    def forward(self, x):\n        return x + torch.rand(2) if self.training else x\n"
    )
    start = out.index("class M(nnx.Module):")
    assert out[start + 1 : start + 4] == [
        "    deterministic = False",
        "    def __init__(self, *, rngs: nnx.Rngs):",
        "        self.rngs = rngs.fork()",
    ]


def test_forward_and_call_at_once_are_reported() -> None:
    source = f"class M(nn.Module):\n    def __call__(self, x):\n        return self.forward(x)\n{FORWARD}"
    assert "T2J107" in [d.code for d in convert(PRELUDE + source).diagnostics]


@pytest.mark.parametrize(
    "decorator", ["torch.no_grad()", "torch.jit.export", "torch.jit.ignore", "torch.inference_mode()"]
)
def test_decorators_of_methods_are_dropped(decorator: str) -> None:
    out = lines(f"class M(nn.Module):\n    @{decorator}\n    def forward(self, x):\n        return x\n")
    assert not any("@" in line for line in out)


@pytest.mark.parametrize("decorator", ["property", "staticmethod", "other", "other(1)"])
def test_other_decorators_stay(decorator: str) -> None:
    out = lines(f"class M(nn.Module):\n    @{decorator}\n    def g(self):\n        return torch.zeros(2)\n")
    assert f"    @{decorator}" in out


def test_decorators_of_mixed_precision_are_reported() -> None:
    source = "class M(nn.Module):\n    @torch.cuda.amp.autocast()\n    def forward(self, x):\n        return x\n"
    conversion = convert(PRELUDE + source)
    assert [d.code for d in conversion.diagnostics] == ["T2J205"]
    assert "@torch" not in conversion.code


def test_a_class_inside_a_function_and_one_inside_a_class() -> None:
    out = lines(
        f"def make(n):\n    class M(nn.Module):\n        def forward(self, x):\n"
        f"            return x * n\n    return M()\n\n\n"
        f"class Outer(nn.Module):\n    class Inner(nn.Module):\n        def forward(self, x):\n"
        f"            return x.exp()\n{FORWARD}"
    )
    assert "    class M(nnx.Module):" in out
    assert "        def __call__(self, x):" in out
    assert "            return jnp.exp(x)" in out


def test_comments_of_parameters_stay_with_them() -> None:
    source = """from torch import nn


class Net(nn.Module):
    def __init__(
        self,  # the object
        # how wide
        width=3,  # in channels
        *,
        depth=1  # in blocks
    ):
        super().__init__()
        self.fc = nn.Linear(width, depth)


def build(
    width,  # in channels
    # how deep
    depth,  # in blocks
):
    return nn.Linear(width, depth)
"""
    code = convert(source).code
    assert (
        "        self,  # the object\n        # how wide\n        width=3,  # in channels\n        *,\n"
        "        depth=1,  # in blocks\n        rngs: nnx.Rngs\n    ):\n"
    ) in code
    assert (
        "    width,  # in channels\n    # how deep\n    depth,  # in blocks\n    *,\n    rngs: nnx.Rngs,\n):\n"
    ) in code
