"""Whole files: what is not of torch stays byte for byte; imports of every kind; projects of several files."""

import ast
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torch2jax.convert import convert, convert_files

HEAD = "import torch\n\n\ndef exponential(x: torch.Tensor):\n    return torch.exp(x)\n\n\n"
CONVERTED = "import jax\nimport jax.numpy as jnp\n\n\ndef exponential(x: jax.Array):\n    return jnp.exp(x)\n\n\n"

STATEMENTS = [
    "x = 1",
    "x: int = 1",
    "x: int",
    "x = y = z = 2  # a comment",
    "a, (b, *c) = 1, (2, 3)",
    "x += 1; x -= 1; x *= 2; x /= 2; x //= 2; x %= 2; x **= 2; x @= m; x &= 1; x |= 1; x ^= 1; x <<= 1; x >>= 1",
    "del x, y[0], (z.a, w)",
    "assert x, 'message'",
    "global_name = lambda a, /, b=1, *c, d, e=2, **f: (a, b, c, d, e, f)",
    "print(f'{x!r:>{width}} {y=} {z:%Y-%m-%d}' rf'\\n{x}' if x else 'b' \"c\", b'')",
    "numbers = 0x_ff, 1_000, 1e-3, 1j, .5, 0b1, 0o7, ..., True, None",
    "x = not a, -a, +a, ~a, a or b and not c, a if b else c",
    "x = a < b <= c != d is not e not in f in g is h",
    "x = a + b - c * d / e // f % g ** h @ i << 1 >> 2 & j | k ^ l",
    "x = [*a, 1], (*a,), {*a, 1}, {**a, 'b': 1}, [], (), {}",
    "x = [i for i in a if i for j in i], {i for i in a}, {i: j for i, j in a}, (i for i in a)",
    "x = a[1], a[1:2], a[::3], a[...,  None], a[1:2, ::3], a[b][c].d(e)(f)",
    "x = f(a, *b, c=1, **d)",
    "(y := 3)",
    "from os import path as p, sep",
    "import os.path as q, sys",
    "raise ValueError('x') from None",
    "type_ = match = case = soft = 1",
    "pass",
    "if x: pass\nelif y:\n    pass\nelse:\n    pass",
    "for i, (j, k) in enumerate(x):\n    continue\nelse:\n    pass",
    "while x:\n    break\nelse:\n    pass",
    "try:\n    pass\nexcept (A, B) as e:\n    raise\nexcept C:\n    pass\nelse:\n    pass\nfinally:\n    pass",
    "try:\n    pass\nexcept* A as e:\n    pass",
    "with a as b, c(d) as (e, f), g:\n    pass",
    "with (\n    a as b,\n    c\n):\n    pass",
    "def f(a, /, b: 'int' = 1, *c: int, d, e=2, **g) -> None:\n    global G\n    G = 1\n    return",
    "def f():\n    x = 1\n    def g():\n        nonlocal x\n        x = 2\n        return x\n"
    "    yield g\n    y = yield 1\n    yield from y",
    "async def f():\n    async with a as b:\n        async for c in b:\n            await c\n"
    "    return [d async for d in e if await d]",
    "@decorator\n@other(1)\nclass A(B, metaclass=C):\n    '''Doc.'''\n    __slots__ = ('x',)\n\n"
    "    @property\n    def x(self): return 1",
    "match x:\n    case 1 | 'a' | None | -1.5 | 1 + 2j:\n        pass\n    case [a, _, *rest] if rest:\n        pass\n"
    "    case {'k': v, **kw}:\n        pass\n    case A(b, c=d) as e:\n        pass\n    case (f, g):\n"
    "        pass\n    case m.N:\n        pass",
    "x = (\n    1,   # one\n    2,\n)\n\n\n\n# three blank lines above",
    "x = {\n  'odd' : 'style',\n    'kept':[1,2 ,3]}",
    "if x:\n\ty = 1  # a tab",
    "x = 1 + \\\n    2",
    "'''a string alone'''",
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_what_is_not_of_torch_stays_as_it_is(statement: str) -> None:
    conversion = convert(f"{HEAD}{statement}\n")
    assert conversion.code == f"{CONVERTED}{statement}\n"
    assert conversion.diagnostics == ()


@given(st.lists(st.sampled_from([s for s in STATEMENTS if not s.startswith("raise")]), min_size=1, max_size=4))
@settings(max_examples=30, deadline=None)
def test_any_of_them_together(statements: list[str]) -> None:
    block = "\n".join(statements)
    inner = "".join(f"    {line}\n" if line else "\n" for line in block.splitlines())
    code = convert(f"{HEAD}{block}\nif x:\n{inner}").code
    assert code == f"{CONVERTED}{block}\nif x:\n{inner}"
    ast.parse(code)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("end", ["", "\n", "\n\n\n"])
@pytest.mark.parametrize("statement", STATEMENTS[:3] + STATEMENTS[-4:])
def test_a_file_without_torch_comes_out_byte_for_byte(statement: str, end: str, newline: str) -> None:
    source = (statement + end).replace("\n", newline)
    assert convert(source).code == source
    mentioned = f"# torch is only named here{newline}{source}"
    assert convert(mentioned).code == mentioned


def test_newlines_of_the_source_are_kept() -> None:
    code = convert(HEAD.replace("\n", "\r\n")).code
    assert code.count("\n") == code.count("\r\n") > 3


@pytest.mark.parametrize("source", ["", "\n", "# only a comment, of torch", "'''torch'''"])
def test_files_with_nothing_in_them(source: str) -> None:
    conversion = convert(source)
    assert (conversion.code, conversion.diagnostics) == (source, ())


def test_a_syntax_error_is_a_diagnostic_with_its_place() -> None:
    conversion = convert("import torch\nx = (\n", filename="/a/model.py")
    (found,) = conversion.diagnostics
    assert (found.code, found.path) == ("T2J109", "model.py")
    assert conversion.code == "import torch\nx = (\n"
    assert not conversion.ok


IMPORTS = [
    ("import torch", "torch.exp(x)"),
    ("import torch as t", "t.exp(x)"),
    ("import torch, os", "torch.exp(x)"),
    ("from torch import exp", "exp(x)"),
    ("from torch import exp as e, log", "e(x)"),
    ("from torch import *", "exp(x)"),
    ("import torch.nn\nimport torch.nn.functional", "torch.exp(x)"),
    ("import torch.special as s, torch", "torch.exp(x)"),
]


@pytest.mark.parametrize(("statement", "call"), IMPORTS)
def test_functions_by_every_name(statement: str, call: str) -> None:
    code = convert(f"{statement}\n\n\ndef f(x):\n    return {call}\n").code
    assert "    return jnp.exp(x)\n" in code
    assert "torch" not in code
    ast.parse(code)


FUNCTIONAL = [
    ("import torch.nn.functional as F", "F.relu(x)"),
    ("import torch.nn.functional", "torch.nn.functional.relu(x)"),
    ("from torch.nn import functional", "functional.relu(x)"),
    ("from torch.nn import functional as G", "G.relu(x)"),
    ("from torch.nn.functional import relu", "relu(x)"),
    ("from torch.nn.functional import *", "relu(x)"),
    ("from torch import nn", "nn.functional.relu(x)"),
    ("import torch.nn as nn", "nn.functional.relu(x)"),
]


@pytest.mark.parametrize(("statement", "call"), FUNCTIONAL)
def test_functional_by_every_name(statement: str, call: str) -> None:
    code = convert(f"{statement}\n\n\ndef f(x):\n    return {call}\n").code
    assert "    return nnx.relu(x)\n" in code
    assert "torch" not in code


LAYERS = [
    ("import torch", "torch.nn.Module", "torch.nn.Linear"),
    ("from torch import nn", "nn.Module", "nn.Linear"),
    ("import torch.nn as N", "N.Module", "N.Linear"),
    ("from torch.nn import Module, Linear as L", "Module", "L"),
    ("from torch.nn import *", "Module", "Linear"),
    ("import torch.nn.modules as mods", "mods.Module", "mods.Linear"),
]


@pytest.mark.parametrize(("statement", "module", "linear"), LAYERS)
def test_layers_by_every_name(statement: str, module: str, linear: str) -> None:
    source = f"""{statement}


class M({module}):
    def __init__(self):
        super().__init__()
        self.fc = {linear}(2, 3)

    def forward(self, x):
        return self.fc(x)
"""
    conversion = convert(source)
    assert conversion.ok
    assert "class M(nnx.Module):" in conversion.code
    assert "self.fc = nnx.Linear(2, 3, **fan_in_uniform(2), rngs=rngs)" in conversion.code
    assert "torch" not in conversion.code.lower().replace("pytorch", "")


def test_imports_inside_functions() -> None:
    code = convert(
        "def f(x):\n    import torch\n    from torch.nn.functional import relu\n\n    return relu(torch.exp(x))\n"
    ).code
    assert "    return nnx.relu(jnp.exp(x))\n" in code
    assert "torch" not in code


def test_shadowed_names_are_not_of_torch() -> None:
    source = "import torch\n\n\ndef f(torch):\n    return torch.exp(1)\n\n\ndef g(x):\n    return torch.exp(x)\n"
    code = convert(source).code
    assert "    return torch.exp(1)\n" in code
    assert "    return jnp.exp(x)\n" in code


PROJECT = {
    "pkg/__init__.py": "from .model import Net\nfrom . import layers\n",
    "pkg/layers.py": dedent("""\
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, c):
                super().__init__()
                self.c = nn.Conv2d(c, c, 3, padding=1)

            def forward(self, x):
                return torch.relu(self.c(x))


        def noise(n):
            return torch.randn(n)
    """),
    "pkg/model.py": dedent("""\
        from torch import nn
        from .layers import Block as B, noise
        from . import layers
        from .sub import head


        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.a = B(3)
                self.b = layers.Block(3)
                self.head = head.Head()
                self.n = noise(3)

            def forward(self, x):
                return self.head(self.b(self.a(x)))
    """),
    "pkg/sub/__init__.py": "",
    "pkg/sub/head.py": dedent("""\
        import torch.nn as nn
        from ..layers import *


        class Head(Block):
            def __init__(self):
                super().__init__(3)
    """),
    "pkg/plain.py": "VALUE = 1\n",
    "script.py": "from pkg import Net\nimport pkg.model as m\n\nnet = Net()\nother = m.Net()\n",
}


def test_a_project_is_seen_as_a_whole() -> None:
    out = convert_files(PROJECT)
    assert all(conversion.ok for conversion in out.values())
    model = out["pkg/model.py"].code
    assert "self.a = B(3, rngs=rngs)" in model
    assert "self.b = layers.Block(3, rngs=rngs)" in model
    assert "self.head = head.Head(rngs=rngs)" in model
    assert "self.n = noise(3, rngs=rngs)" in model
    assert "def noise(n, *, rngs: nnx.Rngs):" in out["pkg/layers.py"].code
    assert "super().__init__(3, rngs=rngs)" in out["pkg/sub/head.py"].code
    assert "net = Net(rngs=rngs)" in out["script.py"].code
    assert "other = m.Net(rngs=rngs)" in out["script.py"].code


def test_files_without_torch_come_out_of_a_project_as_they_are() -> None:
    out = convert_files(PROJECT)
    for path in ("pkg/__init__.py", "pkg/plain.py", "pkg/sub/__init__.py"):
        assert out[path].code == PROJECT[path]


def test_a_package_shares_one_module_of_helpers() -> None:
    out = convert_files(PROJECT)
    added = set(out) - set(PROJECT)
    assert len(added) == 1
    (path,) = added
    assert "def fan_in_uniform(" in out[path].code
    assert "def fan_in_uniform(" not in out["pkg/layers.py"].code
    for conversion in out.values():
        ast.parse(conversion.code)


def test_layouts_reach_over_files() -> None:
    out = convert_files(PROJECT)
    assert sum(conversion.transposes for conversion in out.values()) == 2
    assert out["pkg/layers.py"].interfaces["Block"].params == {"x": "N H W C"}


def test_a_broken_file_leaves_the_others() -> None:
    done: list[str] = []
    out = convert_files({"a.py": HEAD, "b.py": "import torch\ndef (:\n"}, progress=done.append)
    assert out["a.py"].code == CONVERTED.rstrip("\n") + "\n\n\n"
    assert [d.code for d in out["b.py"].diagnostics] == ["T2J109"]
    assert done == ["a.py"]


def test_files_may_import_each_other_in_a_circle() -> None:
    out = convert_files(
        {
            "a.py": "import torch\nimport b\n\n\ndef f(x: torch.Tensor):\n    return b.g(x)\n",
            "b.py": "import torch\nimport a\n\n\ndef g(x):\n    return a.f(x.view(-1))\n",
        }
    )
    assert "return a.f(x.reshape(-1))" in out["b.py"].code


def test_coverage_counts_uses() -> None:
    source = "import torch\n\n\ndef f(x: torch.Tensor):\n    return torch.exp(x), torch.no_such_function(x)\n"
    coverage = convert(source).coverage
    assert (coverage.translated, coverage.flagged, coverage.dropped) == (1, 1, 0)
    assert coverage.percent == 50.0
