"""Fit a line through noisy points."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax import lax

rngs = nnx.Rngs(0)

# data: y = 3 x - 2 with noise
x = jnp.linspace(-1, 1, 64)[:, None]


# Helpers without a Flax equivalent.


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


y = 3 * x - 2 + 0.1 * rngs.normal(x.shape)


class LinearRegression(nnx.Module):
    def __init__(self, input_dim, output_dim, *, rngs: nnx.Rngs):
        self.linear = nnx.Linear(input_dim, output_dim, **fan_in_uniform(input_dim), rngs=rngs)

    def __call__(self, x):
        return self.linear(x)


model = LinearRegression(1, 1, rngs=rngs)
criterion = lambda input, target: optax.squared_error(input, target).mean()
optimizer = nnx.Optimizer(model, optax.sgd(0.05), wrt=nnx.Param)

num_epochs = 1000


@nnx.jit(graph=False)
def train_step(model, optimizer, x, y):
    graphdef, params, rest = nnx.split(model, nnx.Param, ...)

    def loss_fn(params, rest):
        model = nnx.merge(graphdef, params, rest)
        # forward pass
        outputs = model(x)
        loss = criterion(outputs, y)
        return loss

    loss, grads = nnx.value_and_grad(loss_fn)(params, rest)
    optimizer.update(model, grads)
    return loss


for epoch in range(num_epochs):
    # backward pass and update
    loss = train_step(model, optimizer, x, y)

    if (epoch + 1) % 100 == 0:
        print("Epoch [{}/{}], Loss: {:.4f}".format(epoch + 1, num_epochs, loss.item()))

weight = model.linear.kernel[...].T.item()
bias = model.linear.bias[...].item()
print(f"y = {weight:.3f} x + {bias:.3f}")
predicted = np.asarray(lax.stop_gradient(model(x)))
