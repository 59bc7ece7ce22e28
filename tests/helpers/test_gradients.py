"""Helpers of training steps against what PyTorch does to `.grad`."""

import jax.numpy as jnp
import numpy as np
import pytest

from torch2jax.helpers.gradients import add_gradients, clip_by_norm, clip_by_value, grad_and_value

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
