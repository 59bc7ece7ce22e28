"""WGAN-GP on a ring of eight Gaussians in the plane."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jax import lax

DIM = 24  # width of the layers
LAMBDA = 0.1  # weight of the gradient penalty
CRITIC_ITERS = 5  # critic updates per generator update
BATCH_SIZE = 32
ITERS = 30

rngs = nnx.Rngs(1)


class Generator(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.main = nnx.Sequential(
            nnx.Linear(2, DIM, **fan_in_uniform(2), rngs=rngs),
            nnx.relu,
            nnx.Linear(DIM, DIM, **fan_in_uniform(DIM), rngs=rngs),
            nnx.relu,
            nnx.Linear(DIM, 2, **fan_in_uniform(DIM), rngs=rngs),
        )

    def __call__(self, noise):
        return self.main(noise)


class Discriminator(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.main = nnx.Sequential(
            nnx.Linear(2, DIM, **fan_in_uniform(2), rngs=rngs),
            partial(leaky_relu, negative_slope=0.2),
            nnx.Linear(DIM, DIM, **fan_in_uniform(DIM), rngs=rngs),
            partial(leaky_relu, negative_slope=0.2),
            nnx.Linear(DIM, 1, **fan_in_uniform(DIM), rngs=rngs),
        )

    def __call__(self, inputs):
        return self.main(inputs).reshape(-1)


def sample_ring(count, *, rngs: nnx.Rngs):
    angle = rngs.randint((count,), 0, 8).astype(jnp.float32) * (2 * math.pi / 8)
    centers = jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1)
    return 2.0 * centers + 0.05 * rngs.normal((count, 2))


def calc_gradient_penalty(netD, real_data, fake_data, *, rngs: nnx.Rngs):
    alpha = rngs.uniform((BATCH_SIZE, 1))
    alpha = jnp.broadcast_to(alpha, real_data.shape)
    interpolates = alpha * real_data + (1 - alpha) * fake_data

    def disc_interpolates_fn(interpolates, netD):

        disc_interpolates = netD(interpolates)
        return disc_interpolates.sum()

    gradients = nnx.grad(disc_interpolates_fn)(interpolates, netD)
    return ((l2_norm(gradients, axis=1) - 1) ** 2).mean() * LAMBDA


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


class Frozen(nnx.Variable[jax.Array]):
    """A parameter that is not trained: gradients and optimizers of `wrt=nnx.Param` leave it alone."""


def set_trainable(target: Any, trainable: bool) -> Any:
    """Makes a parameter, or every parameter of a module, an `nnx.Param` or `Frozen`, and gives it back.

    The Variables change their class in place, so that a parameter with several owners stays one.
    """
    nodes = [target] if isinstance(target, nnx.Variable) else [node for _, node in nnx.iter_graph(target)]
    for node in nodes:
        if isinstance(node, nnx.Param | Frozen):
            node.__class__ = nnx.Param if trainable else Frozen
    return target


def freeze(target: Any) -> Any:
    """Takes a parameter, or every parameter of a module, out of training."""
    return set_trainable(target, False)


def safe_sqrt(x: jax.Array) -> jax.Array:
    """Square root with the gradient 0 at 0, where that of `jnp.sqrt` is infinite."""
    return jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1)), x)


def l2_norm(x: jax.Array, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> jax.Array:
    """Euclidean norm along `axis` (of all elements for None), with the gradient 0 at the zero vector."""
    return safe_sqrt((x * x.conj()).real.sum(axis=axis, keepdims=keepdims))


def leaky_relu(x: jax.Array, negative_slope: float = 0.01) -> jax.Array:
    """`x` where it is positive, else negative_slope * x, also in the gradient at 0 (`nnx.leaky_relu` has 1 there)."""
    return jnp.where(x > 0, x, negative_slope * x)


def unfreeze(target: Any) -> Any:
    """Takes a parameter, or every parameter of a module, into training again."""
    return set_trainable(target, True)


netG = Generator(rngs=rngs)
netD = Discriminator(rngs=rngs)
optimizerD = nnx.Optimizer(netD, optax.adam(1e-3, b1=0.5, b2=0.9), wrt=nnx.Param)
optimizerG = nnx.Optimizer(netG, optax.adam(1e-3, b1=0.5, b2=0.9), wrt=nnx.Param)


@nnx.jit(graph=False)
def train_net_d(netD, optimizerD, netG, noise, real, rngs):
    fake = lax.stop_gradient(netG(noise))
    graphdef, params, rest = nnx.split(netD, nnx.Param, ...)

    def loss_fn(params, rest, rngs):
        netD = nnx.merge(graphdef, params, rest)
        D_real = netD(real).mean()
        D_fake = netD(fake).mean()
        gradient_penalty = calc_gradient_penalty(netD, real, fake, rngs=rngs)
        D_cost = D_fake - D_real + gradient_penalty
        return D_cost, (D_real, D_fake)

    (D_cost, (D_real, D_fake)), grads = nnx.value_and_grad(loss_fn, has_aux=True)(params, rest, rngs)
    optimizerD.update(netD, grads)
    return D_cost, D_real, D_fake


@nnx.jit(graph=False)
def train_net_g(netG, optimizerG, netD, noise):
    graphdef, params, rest = nnx.split(netG, nnx.Param, ...)

    def loss_fn(params, rest, netD):
        netG = nnx.merge(graphdef, params, rest)
        G_cost = -netD(netG(noise)).mean()
        return G_cost

    G_cost, grads = nnx.value_and_grad(loss_fn)(params, rest, netD)
    optimizerG.update(netG, grads)
    return G_cost


for iteration in range(ITERS):
    # (1) Update the critic
    unfreeze(netD)

    for _ in range(CRITIC_ITERS):
        real = sample_ring(BATCH_SIZE, rngs=rngs)

        noise = rngs.normal((BATCH_SIZE, 2))
        D_cost, D_real, D_fake = train_net_d(netD, optimizerD, netG, noise, real, rngs)
        wasserstein = (D_real - D_fake).item()

    # (2) Update the generator
    freeze(netD)
    noise = rngs.normal((BATCH_SIZE, 2))
    G_cost = train_net_g(netG, optimizerG, netD, noise)

    if iteration % 10 == 9:
        print(
            f"iter {iteration + 1}: critic {D_cost.item():.4f} generator {G_cost.item():.4f} distance {wasserstein:.4f}"
        )
