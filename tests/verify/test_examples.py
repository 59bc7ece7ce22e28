"""Examples of rules, run on translations written by hand: what agrees, and that every kind of mistake is seen."""

from textwrap import dedent

import pytest

from torch2jax.conversion import Conversion
from torch2jax.report import Diagnostic
from torch2jax.rules.model import Example
from torch2jax.verify.examples import Status, run_example

HEADER = "import jax\nimport jax.numpy as jnp\nfrom flax import nnx\n"
LINEAR = """
class Example(nnx.Module):
    def __init__(self, *, rngs):
        init = lambda key, shape, dtype: jax.random.uniform(key, shape, dtype, -(3**-0.5), 3**-0.5)
        self.layer = nnx.Linear(3, 4, kernel_init=init, bias_init=init, rngs=rngs)

    def __call__(self, x0):
        return self.layer(x0)
"""
BATCH_NORM = """
class Example(nnx.Module):
    def __init__(self, *, rngs):
        self.layer = nnx.BatchNorm(3, momentum=0.9, epsilon=1e-5, rngs=rngs)

    def __call__(self, x0):
        return self.layer(x0)
"""


@pytest.fixture
def run():
    """Run an example as if the converter had given this translation."""

    def run(example, translation, comment=""):
        conversion = Conversion(HEADER + dedent(translation))
        return run_example(
            Example(example, comment, 1), "rules.py:1", translate=lambda source, filename, options: conversion
        )

    return run


@pytest.mark.parametrize(
    ("example", "translation"),
    [
        ("nn.Linear(3, 4)(f32(2, 3))", LINEAR),
        ("torch.cat([f32(2, 3), f32(2, 4)], 1)", "def example(a, b):\n    return jnp.concatenate([a, b], axis=1)"),
        ("c64(2, 3) ** 2", "def example(x):\n    return x**2"),
        ("torch.abs(c64(2, 3))", "def example(x):\n    return jnp.abs(x)"),
        ("f32(2, 3).shape", "def example(x):\n    return x.shape"),
        ("f32(2, 3).dtype", "def example(x):\n    return x.dtype"),
        ("torch.floor_divide(f32(2, 3), 2)", "def example(x):\n    return jnp.floor_divide(x, 2)"),
        ("f32(3).detach()", "def example(x):\n    return jax.lax.stop_gradient(x)"),
        ("x = f32(3)\nx[0] = 1.0\nx", "def example(x):\n    x = x.at[0].set(1.0)\n    return x"),
        ("probs(2, 3).sum(-1)", "def example(x):\n    return x.sum(-1)"),
    ],
)
def test_right_translations_agree(run, example, translation):
    result = run(example, translation)
    assert (result.status, result.detail) == (Status.AGREES, "")
    assert result.jitted


@pytest.mark.parametrize(
    ("example", "translation", "detail"),
    [
        ("f32(2, 3).sum(0)", "def example(x):\n    return x.sum(1)", "value: [''] has shape (3,) in torch"),
        ("f32(2, 3).exp()", "def example(x):\n    return jnp.exp(x) * (1 + 1e-8)", "value: relative error 1.0e-08"),
        ("f32(2, 3).exp()", "def example(x):\n    return jnp.exp(x.astype('float32'))", "value: relative error"),
        ("f32(3).detach()", "def example(x):\n    return x", "gradient: relative error"),
        ("f32(3) * 1", "def example(x):\n    return jax.lax.stop_gradient(x)", "gradient: relative error"),
        ("i64(3) > 2", "def example(x):\n    return (x > 2) * 1", "has dtype bool in torch"),
        ("(f32(3), f32(4))", "def example(x, y):\n    return (y, x)", "has shape (3,) in torch"),
        (
            "nn.Linear(3, 4)(f32(2, 3))",
            LINEAR.replace(
                "self.layer(x0)", "x0 @ jax.lax.stop_gradient(self.layer.kernel[...]) + self.layer.bias[...]"
            ),
            "gradient: relative error 1.0e+00 at ['layer.weight']",
        ),
        (
            "nn.BatchNorm1d(3)(f32(5, 3))",
            BATCH_NORM,
            "state after the call: relative error",
        ),
        (
            "nn.Linear(3, 4)(f32(2, 3))",
            LINEAR.replace("kernel_init=init", "kernel_init=nnx.initializers.lecun_normal()"),
            "initial state: the translation draws truncated (3, 4)",
        ),
        (
            "f32(3) + 1",
            "def example(x):\n    return x + (1 if isinstance(x, jax.core.Tracer) else 2)",
            "value outside of jit",
        ),
    ],
)
def test_mistakes_of_every_kind_differ(run, example, translation, detail):
    result = run(example, translation)
    assert result.status is Status.DIFFERS
    assert detail in result.detail


def test_results_that_depend_on_values_run_without_jit(run):
    result = run("torch.nonzero(b8(2, 3))", "def example(x):\n    return jnp.argwhere(x)")
    assert (result.status, result.jitted) == (Status.AGREES, False)
    leaving = run("f32(2, 3).tolist()", "def example(x):\n    return x.tolist()")
    assert (leaving.status, leaving.detail, leaving.jitted) == (Status.AGREES, "", False)


def test_random_examples_compare_shape_and_kind(run):
    good = "def example(*, rngs):\n    return rngs.uniform((2, 3))"
    assert run("torch.rand(2, 3)", good, "random").status is Status.AGREES
    assert run("torch.rand(2, 3)", good.replace("(2, 3)", "(3, 2)"), "random").status is Status.DIFFERS
    assert run("torch.randint(5, (2, 3))", good, "random").status is Status.DIFFERS


def test_a_translation_that_raises_fails(run):
    result = run("f32(3) + 1", "def example(x):\n    raise ValueError('no')")
    assert (result.status, result.detail) == (Status.FAILS, "ValueError: no")


def test_an_example_that_torch_refuses_is_broken(run):
    assert run("f32(3) + f32(4)", "def example(x, y):\n    return x").status is Status.BROKEN
    assert run("x = f32(3)", "").status is Status.BROKEN


def test_what_the_converter_reports_is_a_refusal():
    error = Diagnostic.of("T2J101", "torch.foo has no rule")
    translate = lambda source, filename, options: Conversion(source, (error,))  # noqa: E731
    result = run_example(Example("f32(3) + 1", "", 1), "rules.py:1", translate=translate)
    assert (result.status, result.detail, result.errors) == (Status.REFUSED, "torch.foo has no rule", (error,))


def test_the_real_converter_is_used():
    result = run_example(Example("torch.cat([f32(2, 3), f32(2, 4)], dim=1)", "", 1), "rules.py:1")
    assert result.status is Status.AGREES
    ((file, _, _),) = result.branches
    assert file.endswith("join.py")
