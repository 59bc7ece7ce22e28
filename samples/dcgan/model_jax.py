from __future__ import print_function

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax


def weights_init(m, *, rngs: nnx.Rngs):
    """Small normal weights for convolutions, scales around one for batch norm. Used with `net.apply`."""
    classname = m.__class__.__name__
    if classname.find('Conv') != -1:
        m.kernel[...] = 0.02 * rngs.normal(m.kernel.shape, dtype=m.kernel.dtype)
    elif classname.find('BatchNorm') != -1:
        m.scale[...] = 1.0 + 0.02 * rngs.normal(m.scale.shape, dtype=m.scale.dtype)
        m.bias[...] = jnp.full_like(m.bias[...], 0)


class Generator(nnx.Module):
    """Noise (N, nz, 1, 1) -> images (N, nc, 64, 64) with values in [-1, 1]."""

    def __init__(self, nz=100, ngf=16, nc=3, *, rngs: nnx.Rngs):
        def up(c_in, c_out, stride=2, padding=1):
            return [
                nnx.ConvTranspose(
                    c_in,
                    c_out,
                    (4, 4),
                    strides=stride,
                    padding=3 - padding,
                    transpose_kernel=True,
                    use_bias=False,
                    **fan_in_uniform(c_out, (4, 4)),
                    rngs=rngs,
                ),
                BatchNorm(c_out, rngs=rngs),
                nnx.relu,
            ]

        self.main = nnx.Sequential(
            *up(nz, ngf * 8, stride=1, padding=0),  # 1 -> 4
            *up(ngf * 8, ngf * 4),                  # 4 -> 8
            *up(ngf * 4, ngf * 2),                  # 8 -> 16
            *up(ngf * 2, ngf),                      # 16 -> 32
            nnx.ConvTranspose(
                ngf,
                nc,
                (4, 4),
                strides=2,
                padding=2,
                transpose_kernel=True,
                use_bias=False,
                **fan_in_uniform(nc, (4, 4)),
                rngs=rngs,
            ),
            nnx.tanh
            # now 64 x 64
        )
        for _, module in nnx.iter_modules(self):
            weights_init(module, rngs=rngs)

    # input: N H W C; result: N H W C
    def __call__(self, input):
        return self.main(input)


class Discriminator(nnx.Module):
    """Images (N, nc, 64, 64) -> probability that each is real, (N,)."""

    def __init__(self, nc=3, ndf=16, slope=0.2, *, rngs: nnx.Rngs):
        self.main = nnx.Sequential(
            nnx.Conv(
                nc,
                ndf,
                (4, 4),
                strides=2,
                padding=1,
                use_bias=False,
                **fan_in_uniform(nc, (4, 4)),
                rngs=rngs,
            ),
            partial(leaky_relu, negative_slope=slope),
        )
        # three more halvings, the channels double each time
        for i in range(3):
            n = ndf * 2 ** i
            self.main.layers.append(
                nnx.Conv(
                    n,
                    n * 2,
                    (4, 4),
                    strides=2,
                    padding=1,
                    use_bias=False,
                    **fan_in_uniform(n, (4, 4)),
                    rngs=rngs,
                )
            )
            self.main.layers.append(BatchNorm(n * 2, rngs=rngs))
            self.main.layers.append(partial(leaky_relu, negative_slope=slope))
        self.main.layers.append(
            nnx.Conv(
                ndf * 8,
                1,
                (4, 4),
                padding="VALID",
                use_bias=False,
                **fan_in_uniform(ndf * 8, (4, 4)),
                rngs=rngs,
            )
        )
        self.main.layers.append(nnx.sigmoid)
        for _, module in nnx.iter_modules(self):
            weights_init(module, rngs=rngs)

    # input: N H W C
    def __call__(self, input):
        output = self.main(input)
        return squeeze(output.transpose(0, 3, 1, 2).reshape(-1, 1), 1)


class GANLoss(nnx.Module):
    """Binary cross entropy against one label for the whole batch."""

    def __init__(self, real_label=1., fake_label=0., *, rngs: nnx.Rngs):
        self.real_label = Buffer(jnp.array(real_label))
        self.fake_label = Buffer(jnp.array(fake_label))
        self.loss = binary_cross_entropy

    def target(self, prediction, is_real):
        label = self.real_label if is_real else self.fake_label
        return jnp.broadcast_to(label[...], prediction.shape)

    def __call__(self, prediction, is_real):
        return self.loss(prediction, self.target(prediction, is_real))


class GAN(nnx.Module):
    """Both nets with their losses, as one training step sees them."""

    def __init__(self, nz=100, ngf=16, ndf=16, nc=3, *, rngs: nnx.Rngs):
        self.netG = Generator(nz, ngf, nc, rngs=rngs)
        self.netD = Discriminator(nc, ndf, rngs=rngs)
        self.criterion = GANLoss(rngs=rngs)

    def __call__(self, real, noise):
        real = real.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        noise = noise.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        fake = self.netG(noise)
        errD_real = self.criterion(self.netD(real), True)
        # the generator gets no gradient from the discriminator's step
        errD_fake = self.criterion(self.netD(lax.stop_gradient(fake)), False)
        errG = self.criterion(self.netD(fake), True)
        return errD_real + errD_fake, errG


# Helpers without a Flax equivalent.


class BatchNorm(nnx.BatchNorm):
    """Batch normalisation over all axes but the last, with PyTorch's defaults and its unbiased running variance.

    `nnx.BatchNorm` averages the biased variance of the batches; here it is multiplied by n / (n - 1) first, where n is
    the number of values per feature.
    """

    def __init__(
        self, num_features: int, *, momentum: float = 0.9, epsilon: float = 1e-5, rngs: nnx.Rngs, **options: Any
    ) -> None:
        super().__init__(
            num_features, momentum=momentum, epsilon=epsilon, use_fast_variance=False, rngs=rngs, **options
        )

    def __call__(
        self, x: jax.Array, use_running_average: bool | None = None, *, mask: jax.Array | None = None
    ) -> jax.Array:
        """Normalises x of shape (batch, ..., features); in training, updates the running statistics."""
        if x.size == 0:  # nothing to average
            return x
        previous = self.var[...]
        y: jax.Array = super().__call__(x, use_running_average, mask=mask)
        evaluating = self.use_running_average if use_running_average is None else use_running_average
        if not evaluating:
            n = x.size // x.shape[-1]
            self.var[...] += (self.var[...] - self.momentum * previous) / (n - 1)
        return y


class Buffer(nnx.Variable[jax.Array]):
    """State that is saved with a model and not trained."""


def reduce_loss(loss: jax.Array, reduction: str = "mean") -> jax.Array:
    """Mean or sum of the elementwise losses, or (for "none") the losses themselves."""
    if reduction == "none":
        return loss
    return loss.sum() if reduction == "sum" else loss.mean()


def binary_cross_entropy(
    probs: jax.Array, target: jax.Array, weight: jax.Array | None = None, reduction: str = "mean"
) -> jax.Array:
    """Cross entropy of probabilities; logarithms are cut at -100, so that 0 and 1 have finite losses and gradients."""

    @jax.custom_jvp
    def cross_entropy(p: jax.Array, t: jax.Array) -> jax.Array:
        return -(t * jnp.maximum(jnp.log(p), -100) + (1 - t) * jnp.maximum(jnp.log1p(-p), -100))

    @cross_entropy.defjvp
    def _(primals: tuple[jax.Array, jax.Array], tangents: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        (p, t), (dp, dt) = primals, tangents
        # PyTorch keeps the denominator above 1e-12, rounded to float32.
        slope = (p - t) / jnp.maximum(p * (1 - p), 9.999999960041972e-13)
        log_odds = jnp.maximum(jnp.log(p), -100) - jnp.maximum(jnp.log1p(-p), -100)
        return cross_entropy(p, t), slope * dp - log_odds * dt

    loss = cross_entropy(probs, target.astype(probs.dtype))
    return reduce_loss(loss if weight is None else loss * weight, reduction)


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


def leaky_relu(x: jax.Array, negative_slope: float = 0.01) -> jax.Array:
    """`x` where it is positive, else negative_slope * x, also in the gradient at 0 (`nnx.leaky_relu` has 1 there)."""
    return jnp.where(x > 0, x, negative_slope * x)


def squeeze(x: jax.Array, axis: int | Sequence[int]) -> jax.Array:
    """`x` without the given axes, where their size is 1; axes of another size stay."""
    axes = (axis,) if isinstance(axis, int) else axis
    return x.squeeze(tuple(axis for axis in axes if x.ndim and x.shape[axis] == 1))
