"""What the interpreter knows of a value shows in what a method call on it becomes."""

from textwrap import dedent

import pytest

from torch2jax.convert import convert, convert_files

PRELUDE = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\nfrom typing import *\n"


def last_line(source: str) -> str:
    conversion = convert(PRELUDE + source)
    helpers = conversion.code.find("# Helpers without")
    code = conversion.code if helpers < conversion.code.find("def f") else conversion.code[:helpers]
    return code.rstrip().splitlines()[-1].strip()


@pytest.mark.parametrize(
    "annotation",
    [
        "torch.Tensor",
        "'torch.Tensor'",
        "Optional[torch.Tensor]",
        "torch.Tensor | None",
        "torch.LongTensor",
        "torch.FloatTensor",
        "nn.Parameter",
    ],
)
def test_annotations_say_what_a_parameter_is(annotation: str) -> None:
    assert last_line(f"def f(x: {annotation}):\n    return x.view(-1)\n").startswith("return x.reshape(-1)")


@pytest.mark.parametrize(
    ("annotation", "expression", "expected"),
    [
        ("List[torch.Tensor]", "x[0].view(-1)", "x[0].reshape(-1)"),
        ("list[torch.Tensor]", "[t.view(-1) for t in x]", "[t.reshape(-1) for t in x]"),
        ("Tuple[torch.Tensor, int]", "x[0].view(x[1])", "x[0].reshape(x[1])"),
        ("tuple[int, torch.Tensor]", "x[1].unsqueeze(0)", "x[1][None]"),
        ("int", "torch.zeros(x, 2)", "jnp.zeros((x, 2))"),
        ("str", "x.split(',')", "x.split(',')"),
        ("dict", "x.values()", "x.values()"),
        ("'not an annotation ['", "x.foo()", "x.foo()"),
    ],
)
def test_annotations_of_other_kinds(annotation: str, expression: str, expected: str) -> None:
    assert last_line(f"def f(x: {annotation}):\n    return {expression}\n") == f"return {expected}"


NARROWING = [
    "if isinstance(x, torch.Tensor):\n        return x.view(-1)",
    "if x is None:\n        x = torch.zeros(3)\n    return x.view(-1)",
    "if not isinstance(x, torch.Tensor):\n        x = torch.tensor(x)\n    return x.view(-1)",
    "x = torch.zeros(3) if x is None else torch.ones(3)\n    return x.view(-1)",
    "x = x.exp() if isinstance(x, torch.Tensor) else torch.zeros(2)\n    return x.view(-1)",
    "try:\n        x = torch.zeros(2)\n    except ValueError:\n        x = torch.ones(2)\n    return x.view(-1)",
    "while True:\n        x = torch.zeros(3)\n        break\n    else:\n        x = torch.ones(2)\n"
    "    return x.view(-1)",
    "for x in (torch.zeros(2), torch.ones(2)):\n        pass\n    return x.view(-1)",
    "with open('f') as g:\n        x = torch.zeros(3)\n    return x.view(-1)",
    "x, *rest = torch.zeros(2), 1, 2\n    return x.view(-1)",
    "(x, y), z = (torch.zeros(2), 1), 2\n    return x.view(-1)",
    "x: torch.Tensor = g()\n    return x.view(-1)",
    "x = [torch.zeros(2)]\n    x.append(torch.ones(2))\n    return x[-1].view(-1)",
    "x = {'a': torch.zeros(2)}\n    return x['a'].view(-1)",
    "for k, v in {'a': torch.zeros(2)}.items():\n        return v.view(-1)",
    "for a, b in zip([torch.zeros(2)], [1]):\n        return a.view(-1)",
    "for i, a in enumerate([torch.zeros(2)]):\n        return a.view(-1)",
    "for a in reversed([torch.zeros(2)]):\n        return a.view(-1)",
    "x = sum([torch.zeros(2), torch.ones(2)])\n    return x.view(-1)",
    "x = [torch.zeros(2)] + [torch.ones(2)]\n    return x[1].view(-1)",
    "x = [torch.zeros(2)] * 3\n    return x[1].view(-1)",
    "a, b = torch.zeros(4).chunk(2)\n    return b.view(-1)",
    "a, b = torch.zeros(4, 2).max(dim=1)\n    return a.view(-1)",
    "x = torch.zeros(4, 2).max(dim=1).values\n    return x.view(-1)",
    "x = torch.zeros(4)[0]\n    return x.view(-1)",
    "x = (lambda t: t)(torch.zeros(4))\n    return x.view(-1)",
    "x = -torch.zeros(4) ** 2 @ torch.zeros(4)\n    return x.view(-1)",
    "x = torch.zeros(4) < 2\n    return x.view(-1)",
    "def inner():\n        return torch.zeros(2)\n    return inner().view(-1)",
    "if (y := torch.zeros(2)) is not None:\n        return y.view(-1)",
    "match x:\n        case 1:\n            y = torch.zeros(2)\n        case _:\n            y = torch.ones(2)\n"
    "    return y.view(-1)",
]


@pytest.mark.parametrize("body", NARROWING)
def test_the_value_is_known_to_be_a_tensor(body: str) -> None:
    """``view`` is translated on tensors alone, without an assumption."""
    conversion = convert(f"{PRELUDE}def f(x=None):\n    {body}\n")
    assert ".view(" not in conversion.code
    assert ".reshape(-1)" in conversion.code
    assert not [d for d in conversion.diagnostics if d.code in ("T2J104", "T2J202")]


@pytest.mark.parametrize(
    "body",
    [
        "x = Other()\n    return x.view(-1)",
        "x = 'a'\n    return x.view(-1)",
        "x = {}\n    return x.view(-1)",
        "return other.view(-1)",
        "class x:\n        pass\n    return x.view(-1)",
    ],
)
def test_what_is_no_tensor_stays(body: str) -> None:
    conversion = convert(f"{PRELUDE}class Other:\n    def view(self, n):\n        return n\n\n\ndef f():\n    {body}\n")
    assert ".view(-1)" in conversion.code


def test_kinds_flow_through_calls() -> None:
    source = """
        def f(x):
            return g(x)

        def g(x, y=None):
            return x.view(-1)

        f(torch.zeros(3))
    """
    assert "    return x.reshape(-1)" in convert(PRELUDE + dedent(source)).code.splitlines()


def test_kinds_flow_through_attributes_and_classes() -> None:
    source = """
        class State:
            def __init__(self, x):
                self.x = x

            def flat(self):
                return self.x.view(-1)

            @property
            def double(self):
                return self.x * 2

        def f():
            state = State(torch.zeros(3))
            return state.double.view(-1), state.x.view(-1), state.flat().view(-1)
    """
    code = convert(PRELUDE + dedent(source)).code
    assert ".view(" not in code
    assert "return state.double.reshape(-1), state.x.reshape(-1), state.flat().reshape(-1)" in code


def test_kinds_flow_between_files() -> None:
    out = convert_files(
        {
            "p/__init__.py": "",
            "p/a.py": "import torch\n\nSIZE = 3\n\n\ndef make():\n    return torch.zeros(SIZE)\n",
            "p/b.py": "from . import a\nfrom .a import make\n\n\n"
            "def f():\n    return make().view(-1), a.make().view(-1)\n",
        }
    )
    assert "return make().reshape(-1), a.make().reshape(-1)" in out["p/b.py"].code


@pytest.mark.parametrize(
    "source",
    [
        "def f(x):\n    return f((x, x))\n\n\nf(torch.zeros(1))\n",
        "def f(x):\n    return [f([x])]\n\n\nf(torch.zeros(1))\n",
        "def f(x):\n    return {'a': f({'b': x})}\n\n\nf(torch.zeros(1))\n",
        "def f(x):\n    return lambda: f(lambda: x)\n\n\nf(torch.zeros(1))\n",
        "def f(x, n):\n    return f(x + 1, n - 1) if n else x\n\n\nf(torch.zeros(1), 3)\n",
        "def f(x):\n    return g((x,))\n\n\ndef g(x):\n    return f(x + (1,))\n\n\nf(torch.zeros(1))\n",
        "def f(x):\n    while True:\n        x = (x, x)\n    return x\n\n\nf(torch.zeros(1))\n",
        "from functools import partial\n\n\ndef f(x):\n    return f(partial(x, 1))\n\n\nf(torch.zeros(1))\n",
        "class N(nn.Module):\n"
        "    def __init__(self, n):\n        super().__init__()\n        self.c = N(n - 1) if n else None\n\n"
        "    def forward(self, x):\n        return self.c(x) if self.c is not None else x\n",
        "def f(x: torch.Tensor):\n    f.cache = x\n    return f.cache\n",
        "x = torch.zeros(1)\nfor _ in range(9):\n    x = [x]\n",
    ],
)
def test_recursion_ends(source: str) -> None:
    conversion = convert(PRELUDE + source)
    compile(conversion.code, "<code>", "exec")
    assert "T2J110" not in {d.code for d in conversion.diagnostics}


def test_a_chain_of_calls_of_growing_tuples_ends() -> None:
    functions = "\n\n".join(f"def f{i}(x):\n    return f{(i + 1) % 9}((x, {i}))" for i in range(9))
    conversion = convert(f"{PRELUDE}\n{functions}\n\nf0(torch.zeros(1))\n")
    assert "f0(jnp.zeros((1,)))" in conversion.code


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("if x.sum() > 0:\n        return x", "if"),
        ("while x.sum() > 0:\n        x = x - 1", "while"),
        ("assert x.sum() > 0", "assert"),
        ("return 1 if x.sum() > 0 else 2", ""),
    ],
)
def test_control_flow_on_data_is_reported(body: str, what: str) -> None:
    conversion = convert(f"{PRELUDE}def f(x: torch.Tensor):\n    {body}\n")
    (found,) = [d for d in conversion.diagnostics if d.code == "T2J203"]
    assert (found.line, what in found.message) == (6, True)
    assert conversion.ok


@pytest.mark.parametrize(
    ("imported", "number"),
    [("import math", "math.inf"), ("import numpy as np", "np.pi"), ("from math import nan", "nan")],
)
def test_constants_of_python_and_numpy_are_numbers(imported: str, number: str) -> None:
    source = f"{imported}\ndef f():\n    return torch.full((2,), {number})\n"
    assert last_line(source) == f"return jnp.full((2,), {number})"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("(x.numpy() == 2).nonzero()", "(np.asarray(x) == 2).nonzero()"),
        ("(x.detach().cpu().numpy() > y).nonzero()[0]", ".nonzero()[0]"),
        ("x.numpy().transpose(1, 0)", "np.asarray(x).transpose(1, 0)"),
        ("x.numpy().max(axis=1)", "np.asarray(x).max(axis=1)"),
    ],
)
def test_arrays_of_numpy_keep_their_methods(expression: str, expected: str) -> None:
    conversion = convert(f"{PRELUDE}def f(x: torch.Tensor, y=None):\n    return {expression}\n")
    assert expected in conversion.code
    assert not conversion.diagnostics


def test_a_device_has_a_type() -> None:
    conversion = convert(f"{PRELUDE}def f(device: torch.device):\n    return device.type == 'cuda'\n")
    assert "return device_type(device) == 'cuda'" in conversion.code
    assert conversion.ok
