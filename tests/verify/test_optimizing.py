"""Examples of optimizers: the parameters' paths in both frameworks, and that a wrong step is seen."""

import ast

import pytest

from torch2jax.conversion import Conversion
from torch2jax.rules.model import Example
from torch2jax.verify.examples import ExampleResult, Status, run_example
from torch2jax.verify.rendering import ExampleError, render

MODEL = """
import optax
from flax import nnx


class Model(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.first = nnx.Linear(3, 4, rngs=rngs)
        self.second = nnx.Linear(4, 2, rngs=rngs)


def example(model):
    return nnx.Optimizer(model, {}, wrt=nnx.Param)
"""


def run(example: str, transform: str) -> ExampleResult:
    """Run an example as if the converter had built the optimizer with this transform."""
    conversion = Conversion(MODEL.format(transform))
    return run_example(Example(example, "", 1), "rules.py:1", translate=lambda source, filename, options: conversion)


@pytest.mark.parametrize(
    ("example", "transform"),
    [
        ("torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)", "optax.sgd(0.1, momentum=0.9)"),
        ("o = torch.optim.Adam(model.parameters())\no", "optax.adam(1e-3)"),
    ],
)
def test_the_same_steps_agree(example: str, transform: str) -> None:
    assert run(example, transform).status is Status.AGREES


@pytest.mark.parametrize(
    ("example", "transform"),
    [
        ("torch.optim.SGD(model.parameters(), lr=0.1)", "optax.sgd(0.1001)"),
        ("torch.optim.AdamW(model.parameters())", "optax.adamw(1e-3)"),
        ("torch.optim.RMSprop(model.parameters())", "optax.rmsprop(1e-2, decay=0.99)"),
        ("torch.optim.Adam(model.parameters(), amsgrad=True)", "optax.amsgrad(1e-3)"),
    ],
)
def test_other_steps_are_seen(example: str, transform: str) -> None:
    result = run(example, transform)
    assert result.status is Status.DIFFERS
    assert "relative error" in result.detail
    assert "after step" in result.detail


def test_an_example_that_torch_refuses_is_broken() -> None:
    assert run("torch.optim.SGD(model.parameters(), lr=-1)", "optax.sgd(0.1)").status is Status.BROKEN


def test_a_translation_that_fails() -> None:
    result = run("torch.optim.SGD(model.parameters(), lr=0.1)", "optax.no_such_transform()")
    assert result.status is Status.FAILS
    assert "no_such_transform" in result.detail


def test_the_program_trains_the_model_that_it_is_given() -> None:
    program = render("optimizer = torch.optim.SGD(model.parameters())\noptimizer")
    assert program.trains
    names = [getattr(node, "name", "") for node in ast.parse(program.source).body]
    assert names[-2:] == ["Model", "example"]


def test_a_model_of_the_example_itself_is_no_training() -> None:
    assert not render("model = nn.Linear(3, 4)\nmodel(f32(2, 3))").trains


def test_an_example_ends_in_an_expression() -> None:
    with pytest.raises(ExampleError, match="last line"):
        render("optimizer = torch.optim.SGD(model.parameters())")
