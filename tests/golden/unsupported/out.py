"""What can't be translated: each of these must be reported, none may pass in silence."""
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import torch
from flax import nnx
from jax import lax


class Hooked(nnx.Module):
    def __init__(self, d=4, *, rngs: nnx.Rngs):
        self.fc = nnx.Linear(d, d, **fan_in_uniform(d), rngs=rngs)
        self.features = nnx.Dict({})
        # TODO(torch2jax): T2J108 Module.register_full_backward_hook has no translation yet
        self.fc.register_full_backward_hook(self.save)

    def save(self, module, inputs, output):
        self.features["fc"] = lax.stop_gradient(output)

    def __call__(self, x):
        y = _checkpoint(self.fc, x)
        # TODO(torch2jax): T2J103 torch.Tensor.data_ptr: JAX does not show where arrays lie in memory
        pointer = y.data_ptr()
        # TODO(torch2jax): T2J103 torch.Tensor.untyped_storage: JAX does not show where arrays lie in memory
        storage = y.untyped_storage()
        # TODO(torch2jax): T2J103 torch.as_strided: JAX arrays have no strides
        strided = torch.as_strided(y, (2, 2), (1, 2))
        # TODO(torch2jax): T2J101 torch.some_function_of_the_future has no rule
        y = torch.some_function_of_the_future(y, pointer)
        # TODO(torch2jax): T2J103 torch.Tensor.retain_grad: there is no backward pass that a hook could watch
        y.retain_grad()
        return y + strided.sum() + len(storage)


@jax.custom_vjp
def function(x):
    return function_fwd(x)[0]


def function_fwd(x):
    return clamp(x, min=0), (x,)


def function_bwd(saved, grad_output):
    (x,) = saved
    return (grad_output * (x > 0),)


function.defvjp(function_fwd, function_bwd)


def fast(model, x):
    # TODO(torch2jax): T2J103 torch.jit.trace: jax.jit traces functions when they are called
    traced = torch.jit.trace(model, x)
    return traced(x), function(x)


# Helpers without a Flax equivalent.


def _checkpoint(function: Callable[..., Any], *args: Any) -> Any:
    """What ``function`` or a module gives; what it computes inside is computed again for gradients."""
    if isinstance(function, nnx.Module):
        return nnx.remat(lambda module, *args: module(*args))(function, *args)
    return nnx.remat(function)(*args)


def clamp(x: jax.Array, min: jax.Array | float | None = None, max: jax.Array | float | None = None) -> jax.Array:
    """`x` cut to [min, max]; at the bounds the whole gradient goes to x (`jnp.clip` halves it there)."""
    if min is not None:
        x = jnp.where(x < min, min, x)
    return x if max is None else jnp.where(x > max, max, x)


def uniform_within(bound: float) -> Callable[..., jax.Array]:
    """Initializer that draws uniformly from [-bound, bound]."""

    def init(key: jax.Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return init


def fan_in_uniform(in_features: int, kernel_size: int | Sequence[int] = (), groups: int = 1) -> dict[str, Any]:
    """Initializers of kernel and bias that draw from [-b, b], b = 1 / sqrt(in_features / groups * prod(kernel_size)).

    This is how PyTorch initializes linear layers and convolutions; flax would draw a normal kernel and a zero bias.
    """
    window = (kernel_size,) if isinstance(kernel_size, int) else kernel_size
    init = uniform_within(1 / math.sqrt(max(1, in_features // groups * math.prod(window))))
    return {"kernel_init": init, "bias_init": init}
