"""Examples of rules as programs for the converter."""

import ast
from textwrap import dedent

import pytest

from torch2jax.verify.rendering import ExampleError, render


def _same(source: str, expected: str) -> bool:
    return ast.dump(ast.parse(source)) == ast.dump(ast.parse(dedent(expected)))


def test_a_function_of_its_inputs():
    program = render("torch.cat([f32(2, 3), f32(2, 4)], dim=1)")
    assert program.inputs == ("f32(2, 3)", "f32(2, 4)")
    assert (program.init_inputs, program.call_inputs, program.is_module) == ((), (0, 1), False)
    assert _same(
        program.source,
        """
        import torch


        def example(x0: torch.Tensor, x1: torch.Tensor):
            return torch.cat([x0, x1], dim=1)
        """,
    )


def test_a_module_is_built_in_the_constructor():
    program = render("nn.Sequential(nn.Linear(2, 3), nn.ReLU())(F.relu(f32(4, 2)))")
    assert program.is_module
    assert _same(
        program.source,
        """
        import torch
        import torch.nn.functional as F
        from torch import nn


        class Example(nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = nn.Sequential(nn.Linear(2, 3), nn.ReLU())

            def forward(self, x0: torch.Tensor):
                return self.layer(F.relu(x0))
        """,
    )


def test_tensors_that_the_constructor_takes_are_its_parameters():
    program = render("nn.CrossEntropyLoss(weight=pos(5))(f32(3, 5), i64(3, high=5))")
    assert program.inputs == ("pos(5)", "f32(3, 5)", "i64(3, high=5)")
    assert (program.init_inputs, program.call_inputs) == ((0,), (1, 2))
    assert "def __init__(self, x0: torch.Tensor)" in program.source
    assert "def forward(self, x1: torch.Tensor, x2: torch.Tensor)" in program.source


def test_lines_build_on_each_other():
    program = render("x = f32(3, 4)\nm = nn.LSTM(4, 2)\ny = m(x)[0]\ny.sum()")
    assert _same(
        program.source,
        """
        import torch
        from torch import nn


        class Example(nn.Module):
            def __init__(self):
                super().__init__()
                self.m = nn.LSTM(4, 2)

            def forward(self, x: torch.Tensor):
                y = self.m(x)[0]
                return y.sum()
        """,
    )


def test_several_modules_have_names_of_their_own():
    program = render("nn.ReLU()(nn.Linear(2, 3)(f32(4, 2)))")
    assert "self.layer(self.layer1(x0))" in program.source


def test_a_layer_of_einops_is_built_in_the_constructor_too():
    program = render('einops.layers.torch.Rearrange("a b -> b a")(f32(2, 3))')
    assert "import einops.layers.torch\n" in program.source
    assert "self.layer = einops.layers.torch.Rearrange('a b -> b a')\n" in program.source
    assert "return self.layer(x0)\n" in program.source


@pytest.mark.parametrize("example", ["x = f32(2)", "f32(2).sum()\nx = 3"])
def test_an_example_ends_in_an_expression(example):
    with pytest.raises(ExampleError, match="must be an expression"):
        render(example)
