"""Helpers of training steps against what PyTorch does to `.grad`."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from torch2jax.helpers.gradients import (
    add_gradients,
    checkpoint,
    checkpoint_sequential,
    clip_by_norm,
    clip_by_value,
    grad_and_value,
    hessian_vector,
    jacobian_vector,
    total_norm,
    vector_jacobian,
)

torch = pytest.importorskip("torch")
GRADS = {"a": np.array([[3.0, -4.0]], np.float32), "b": np.array([0.5, 12.0], np.float32)}


def parameters() -> dict[str, "torch.nn.Parameter"]:
    found = {}
    for name, grad in GRADS.items():
        found[name] = torch.nn.Parameter(torch.zeros(grad.shape))
        found[name].grad = torch.tensor(grad)
    return found


@pytest.mark.parametrize("limit", [0.5, 13.0, 100.0])
def test_norms(limit: float) -> None:
    expected = parameters()
    torch.nn.utils.clip_grad_norm_(expected.values(), limit)
    found = clip_by_norm({name: jnp.asarray(grad) for name, grad in GRADS.items()}, limit)
    for name, parameter in expected.items():
        np.testing.assert_allclose(found[name], parameter.grad.numpy(), rtol=1e-6)


def test_values() -> None:
    expected = parameters()
    torch.nn.utils.clip_grad_value_(expected.values(), 2.0)
    found = clip_by_value({name: jnp.asarray(grad) for name, grad in GRADS.items()}, 2.0)
    for name, parameter in expected.items():
        np.testing.assert_array_equal(found[name], parameter.grad.numpy())


def test_sums_start_from_nothing() -> None:
    one = {"a": jnp.ones(2)}
    assert add_gradients(None, one) is one
    np.testing.assert_array_equal(add_gradients(one, one)["a"], [2, 2])


def test_gradient_and_value() -> None:
    grad, (value, aux) = grad_and_value(lambda x, y: ((x * y).sum(), y), argnums=1, has_aux=True)(3.0, jnp.ones(2))
    np.testing.assert_array_equal(grad, [3, 3])
    assert value == 6
    assert aux.shape == (2,)


@pytest.mark.parametrize("norm_type", [1.0, 2.0, 3.0, float("inf")])
def test_total_norm(norm_type: float) -> None:
    expected = torch.nn.utils.get_total_norm([torch.tensor(grad) for grad in GRADS.values()], norm_type)
    np.testing.assert_allclose(total_norm(map(jnp.asarray, GRADS.values()), norm_type), expected, rtol=1e-6)


def test_norm_of_nothing_is_zero() -> None:
    assert total_norm([]) == 0


def test_products_with_derivatives() -> None:
    x, y = jnp.array([1.0, 2.0, 3.0]), jnp.array([4.0, 5.0])
    value, products = vector_jacobian(lambda x, y: x * y.sum(), (x, y), jnp.ones(3))
    np.testing.assert_array_equal(value, 9 * x)
    np.testing.assert_array_equal(products[0], [9, 9, 9])
    np.testing.assert_array_equal(products[1], [6, 6])
    assert jacobian_vector(lambda x: x**3, jnp.array(2.0)) == (8, 12)
    assert hessian_vector(lambda x: x**3, jnp.array(2.0)) == (8, 12)
    np.testing.assert_array_equal(hessian_vector(lambda x: (x**3).sum(), x, x)[1], 6 * x**2)


def test_checkpoints_of_modules_and_functions() -> None:
    layers = nnx.Sequential(nnx.Linear(3, 3, rngs=nnx.Rngs(0)), nnx.tanh, nnx.Linear(3, 2, rngs=nnx.Rngs(1)), nnx.tanh)
    x = jnp.array([[0.5, -1.0, 2.0]])

    def gradient(run: Callable[[nnx.Sequential], jax.Array]) -> nnx.State:
        return nnx.grad(lambda model: run(model).sum())(layers)

    expected = jax.tree.leaves(gradient(lambda model: model(x)))
    for run in (
        lambda model: checkpoint(model, x),
        lambda model: checkpoint(model.layers[3], model.layers[2](model.layers[1](model.layers[0](x)))),
        lambda model: checkpoint_sequential(model, 2, x),
        lambda model: checkpoint_sequential(list(model.layers), 3, x),
    ):
        np.testing.assert_allclose(run(layers), layers(x), rtol=1e-6)
        for found, wanted in zip(jax.tree.leaves(gradient(run)), expected, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-5)
