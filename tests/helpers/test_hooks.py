"""Hooks see and change what modules take and give, as in PyTorch."""

import copy
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from torch2jax.helpers.hooks import FunctionLayer, register_forward_hook, register_forward_pre_hook


class Twice(nnx.Module):
    def __call__(self, x: Any, y: Any = 0) -> Any:
        return 2 * x + y


def test_hooks_run_around_each_call_in_order_until_they_are_removed() -> None:
    module, seen = Twice(), []
    handles = [
        register_forward_hook(module, lambda module, args, result: seen.append(("after", args, result))),
        register_forward_pre_hook(module, lambda module, args: seen.append(("before", args))),
        register_forward_hook(module, lambda *_: seen.append(("last",))),
    ]
    assert module(3, 1) == 7
    assert seen == [("before", (3, 1)), ("after", (3, 1), 7), ("last",)]
    handles[0].remove()
    handles[0].remove()
    seen.clear()
    module(3)
    assert seen == [("before", (3,)), ("last",)]


def test_what_hooks_give_takes_the_place_of_arguments_and_results() -> None:
    module = Twice()
    register_forward_pre_hook(module, lambda module, args: args[0] + 1)
    register_forward_pre_hook(module, lambda module, args: (args[0], 100))
    register_forward_hook(module, lambda module, args, result: result + args[1])
    register_forward_hook(module, lambda module, args, result: -result)
    assert module(3) == -208


def test_arrays_are_brought_into_the_order_of_the_hook_and_back() -> None:
    module, seen = nnx.Conv(3, 4, (2, 2), rngs=nnx.Rngs(0)), []
    x = jax.random.normal(jax.random.key(0), (2, 5, 6, 3))
    before = module(x)
    axes = (0, 3, 1, 2)
    register_forward_pre_hook(module, lambda module, args: args[0][:, ::-1], argument_axes=(axes,))
    handle = register_forward_hook(
        module, lambda module, args, y: seen.append((args[0].shape, y.shape)), argument_axes=(axes,), result_axes=axes
    )
    np.testing.assert_array_equal(module(x[..., ::-1]), before)
    assert seen == [((2, 3, 5, 6), (2, 4, 5, 6))]
    handle.remove()
    register_forward_hook(module, lambda module, args, y: y[:, :2], result_axes=axes)
    np.testing.assert_array_equal(module(x[..., ::-1]), before[..., :2])


def test_other_objects_of_the_class_and_copies_have_hooks_of_their_own() -> None:
    module, other, seen = Twice(), Twice(), []
    handle = register_forward_hook(module, lambda module, args, result: seen.append(result))
    copied, cloned = copy.deepcopy(module), nnx.clone(module)
    handle.remove()
    for each in (module, other, copied, cloned):
        each(5)
    assert seen == [10, 10]
    assert isinstance(module, Twice)
    assert type(module).__name__ == "Twice"


def test_hooks_take_part_in_derivatives_and_keep_what_is_detached() -> None:
    model, seen = nnx.Linear(3, 2, rngs=nnx.Rngs(0)), []
    x = jnp.ones((4, 3))
    register_forward_hook(model, lambda module, args, y: seen.append(jax.lax.stop_gradient(y)))
    register_forward_hook(model, lambda module, args, y: 3 * y)
    gradients = nnx.grad(lambda model: model(x).sum())(model)
    np.testing.assert_allclose(gradients["kernel"][...], np.full((3, 2), 12.0))
    np.testing.assert_allclose(seen[0], x @ model.kernel[...] + model.bias[...], rtol=1e-6)


def test_functions_have_hooks_as_objects_only() -> None:
    with pytest.raises(TypeError, match=r"no nnx\.Module"):
        register_forward_hook(nnx.relu, print)  # type: ignore[arg-type]
    layer, seen = FunctionLayer(nnx.relu), []
    register_forward_hook(layer, lambda module, args, result: seen.append(float(result)))
    assert float(layer(jnp.asarray(-2.0))) == 0
    assert seen == [0.0]
