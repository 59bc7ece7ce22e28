"""Where random streams come from: every builder takes ``rngs``, every draw in a module reads ``self.rngs``."""

from textwrap import dedent

import pytest

from torch2jax.convert import convert

PRELUDE = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"


def lines(source: str) -> list[str]:
    conversion = convert(PRELUDE + dedent(source))
    assert conversion.ok, conversion.diagnostics
    return [line.strip() for line in conversion.code.splitlines()]


def test_functions_that_build_take_and_pass_rngs() -> None:
    out = lines("""
        def make(n):
            return nn.Linear(n, n)

        def twice(n):
            return nn.Sequential(make(n), make(n))
    """)
    assert "def make(n, *, rngs: nnx.Rngs):" in out
    assert "def twice(n, *, rngs: nnx.Rngs):" in out
    assert "return nnx.Sequential(make(n, rngs=rngs), make(n, rngs=rngs))" in out


def test_nested_functions_read_the_outer_rngs() -> None:
    out = lines("""
        def outer(n):
            def inner():
                return nn.Linear(n, n, bias=False)
            return inner()
    """)
    assert "def outer(n, *, rngs: nnx.Rngs):" in out
    assert "def inner():" in out
    assert "return inner()" in out


def test_methods_called_by_the_constructor_take_rngs() -> None:
    out = lines("""
        class M(nn.Module):
            def __init__(self, n):
                super().__init__()
                self.build(n)
                self.more = [self.layer(n) for _ in range(2)]

            def build(self, n):
                self.fc = self.layer(n)

            def layer(self, n):
                return nn.Linear(n, n)

            def forward(self, x):
                return self.fc(x)
    """)
    assert "def __init__(self, n, *, rngs: nnx.Rngs):" in out
    assert "def build(self, n, *, rngs: nnx.Rngs):" in out
    assert "self.build(n, rngs=rngs)" in out
    assert "self.fc = self.layer(n, rngs=rngs)" in out
    assert "self.more = nnx.List([self.layer(n, rngs=rngs) for _ in range(2)])" in out


def test_static_methods_that_build() -> None:
    out = lines("""
        class M(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = self.make(3)

            @staticmethod
            def make(n):
                return nn.Linear(n, n)

            def forward(self, x):
                return self.fc(x)
    """)
    assert "def make(n, *, rngs: nnx.Rngs):" in out
    assert "self.fc = self.make(3, rngs=rngs)" in out


def test_classes_passed_as_arguments_are_built_with_rngs() -> None:
    out = lines("""
        class Block(nn.Module):
            def __init__(self, n):
                super().__init__()
                self.fc = nn.Linear(n, n)

            def forward(self, x):
                return self.fc(x)

        class Other(Block):
            pass

        class Net(nn.Module):
            def __init__(self, block=Block, blocks=(Block, Other)):
                super().__init__()
                self.first = block(3)
                self.rest = nn.ModuleList([b(3) for b in blocks])

            def forward(self, x):
                return self.first(x)

        def build(kind):
            return {"a": Block, "b": Other}[kind](4)
    """)
    assert "self.first = block(3, rngs=rngs)" in out
    assert "self.rest = nnx.List([b(3, rngs=rngs) for b in blocks])" in out
    assert "def build(kind, *, rngs: nnx.Rngs):" in out
    assert 'return {"a": Block, "b": Other}[kind](4, rngs=rngs)' in out


def test_draws_in_methods_read_a_stream_of_the_module() -> None:
    out = lines("""
        class M(nn.Module):
            def __init__(self):
                super().__init__()
                self.n = 3

            def forward(self, x):
                return x + self.noise()

            def noise(self):
                return torch.randn(self.n)
    """)
    assert "self.rngs = rngs.fork()" in out
    assert "return self.rngs.normal((self.n,))" in out
    assert "return x + self.noise()" in out


def test_draws_in_functions_take_the_stream_of_the_caller() -> None:
    out = lines("""
        def noise(x):
            return x + torch.randn_like(x)

        class M(nn.Module):
            def forward(self, x):
                return noise(x)
    """)
    assert "def noise(x, *, rngs: nnx.Rngs):" in out
    assert "return noise(x, rngs=self.rngs)" in out
    assert "def __init__(self, *, rngs: nnx.Rngs):" in out
    assert "self.rngs = rngs.fork()" in out


def test_a_subclass_does_not_fork_twice() -> None:
    out = lines("""
        class Base(nn.Module):
            def __init__(self):
                super().__init__()

            def forward(self, x):
                return x + torch.rand(3)

        class Child(Base):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(3, 3)

            def forward(self, x):
                return super().forward(x) + torch.rand(3)
    """)
    assert out.count("self.rngs = rngs.fork()") == 1
    assert "super().__init__(rngs=rngs)" in out


def test_modules_take_rngs_even_when_they_need_none() -> None:
    out = lines("""
        class M(nn.Module):
            def __init__(self, n=2):
                super().__init__()
                self.n = n

            def forward(self, x):
                return x * self.n

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.m = M(3)

            def forward(self, x):
                return self.m(x)
    """)
    assert "def __init__(self, n=2, *, rngs: nnx.Rngs):" in out
    assert "self.m = M(3, rngs=rngs)" in out


def test_a_script_makes_one_stream() -> None:
    out = lines("""
        net = nn.Linear(2, 3)
        other = nn.Linear(2, 3)
    """)
    assert out.count("rngs = nnx.Rngs(0)") == 1
    assert out.index("rngs = nnx.Rngs(0)") < next(i for i, line in enumerate(out) if line.startswith("net = "))


def test_a_script_under_main_makes_its_stream_there() -> None:
    conversion = convert(PRELUDE + 'if __name__ == "__main__":\n    net = nn.Linear(2, 3, bias=False)\n')
    assert "    rngs = nnx.Rngs(0)\n    net = nnx.Linear(" in conversion.code


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        ("a", "a, *, rngs: nnx.Rngs"),
        ("a, *, b=1", "a, *, b=1, rngs: nnx.Rngs"),
        ("a, *args, b, **kw", "a, *args, b, rngs: nnx.Rngs, **kw"),
        ("a, **kw", "a, *, rngs: nnx.Rngs, **kw"),
        ("a, /, b=1", "a, /, b=1, *, rngs: nnx.Rngs"),
        ("", "*, rngs: nnx.Rngs"),
    ],
)
def test_rngs_joins_every_form_of_parameters(signature: str, expected: str) -> None:
    assert f"def f({expected}):" in lines(f"def f({signature}):\n    return nn.Linear(2, 3)\n")


@pytest.mark.parametrize("comma", ["", ","])
def test_rngs_joins_parameters_that_stand_a_line_each(comma: str) -> None:
    conversion = convert(f"{PRELUDE}def f(\n    a,\n    b=1{comma}\n):\n    return nn.Linear(2, 3)\n")
    assert f"def f(\n    a,\n    b=1,\n    *,\n    rngs: nnx.Rngs{comma}\n):" in conversion.code


def test_the_mode_of_a_module() -> None:
    out = lines("""
        class M(nn.Module):
            def __init__(self):
                super().__init__()
                self.drop = nn.Dropout(0.1)

            def forward(self, x):
                if self.training:
                    x = self.drop(x)
                if not self.training:
                    x = x * 2
                return x if self.training and x is not None else -x

        def use(m: M):
            m.eval()
            m.train()
    """)
    assert "self.deterministic = False" in out
    assert "if not self.deterministic:" in out
    assert "m.eval()" in out
    assert "m.train()" in out


def test_a_lambda_takes_no_rngs_but_those_around_it() -> None:
    source = (
        "import torch\n\nf = lambda s: torch.rand(s, 3)\nx = (lambda: torch.rand(2))()\n\n\n"
        "def g():\n    return f(2), (lambda: torch.rand(4))()\n"
    )
    code = convert(source).code
    assert "rngs = nnx.Rngs(0)\nf = lambda s: rngs.uniform((s, 3))\nx = (lambda: rngs.uniform((2,)))()\n" in code
    assert "def g(*, rngs: nnx.Rngs):\n    return f(2), (lambda: rngs.uniform((4,)))()\n" in code


def test_a_special_method_makes_no_tensor() -> None:
    assert "n = x.__len__()\n" in convert("import torch\n\nn = x.__len__()\ny = torch.ones(2)\n").code
