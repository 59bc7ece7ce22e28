"""Variational autoencoders: fully connected, and convolutional."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax


class VAE(nnx.Module):
    """One hidden layer on each side of a Gaussian code, Bernoulli pixels."""

    def __init__(self, image_size=784, h_dim=256, z_dim=20, *, rngs: nnx.Rngs):
        self.rngs = rngs.fork()
        self.image_size = image_size
        self.enc = nnx.Linear(image_size, h_dim, **fan_in_uniform(image_size), rngs=rngs)
        self.to_mean = nnx.Linear(h_dim, z_dim, **fan_in_uniform(h_dim), rngs=rngs)
        self.to_logvar = nnx.Linear(h_dim, z_dim, **fan_in_uniform(h_dim), rngs=rngs)
        self.dec = nnx.Linear(z_dim, h_dim, **fan_in_uniform(z_dim), rngs=rngs)
        self.to_pixels = nnx.Linear(h_dim, image_size, **fan_in_uniform(h_dim), rngs=rngs)

    def encode(self, x):
        h = nnx.relu(self.enc(x))
        return self.to_mean(h), self.to_logvar(h)

    def reparameterize(self, mu, logvar):
        std = jnp.exp(0.5 * logvar)
        eps = self.rngs.normal(std.shape, dtype=std.dtype)
        return mu + eps * std

    def decode(self, z):
        h = nnx.relu(self.dec(z))
        return nnx.sigmoid(self.to_pixels(h))

    def __call__(self, x):
        mu, logvar = self.encode(x.reshape(-1, self.image_size))
        z = self.reparameterize(mu, logvar)
        return self.decode(z), mu, logvar

    def validation_loss(self, x):
        """Loss per image with the mean of the code: no noise, so that epochs can be compared."""
        x = clamp(x.reshape(-1, self.image_size), min=0, max=1)  # interpolation may leave [0, 1]
        mu, logvar = self.encode(x)
        return elbo_loss(self.decode(mu), x, mu, logvar) / x.shape[0]


class ConvVAE(nnx.Module):
    """Convolutional VAE; in eval mode the mean of the code is decoded, nothing is drawn."""

    def __init__(self, in_channels=3, latent_dim=16, channels=None, image_size=32, *, rngs: nnx.Rngs):
        self.rngs = rngs.fork()
        self.deterministic = False
        if channels is None:
            channels = [16, 32, 64]
        self.latent_dim = latent_dim
        self.feature_shape = (channels[-1], image_size // 2 ** len(channels), image_size // 2 ** len(channels))
        n_features = self.feature_shape[0] * self.feature_shape[1] * self.feature_shape[2]

        down = []
        for c_in, c_out in zip([in_channels] + channels, channels):
            down += self.down_block(c_in, c_out, rngs=rngs)
        self.encoder = nnx.Sequential(
            *down, partial(jnp.transpose, axes=(0, 3, 1, 2)), lambda x: x.reshape(x.shape[0], -1)
        )
        self.head = nnx.Linear(n_features, 2 * latent_dim, **fan_in_uniform(n_features), rngs=rngs)

        self.expand = nnx.Linear(latent_dim, n_features, **fan_in_uniform(latent_dim), rngs=rngs)
        widths = channels[::-1] + [channels[0]]
        up = []
        for c_in, c_out in zip(widths, widths[1:]):
            up.append(
                nnx.Sequential(
                    ConvTranspose(
                        c_in,
                        c_out,
                        (3, 3),
                        strides=2,
                        padding=1,
                        output_padding=1,
                        **fan_in_uniform(c_out, (3, 3)),
                        rngs=rngs,
                    ),
                    BatchNorm(c_out, rngs=rngs),
                    partial(leaky_relu, negative_slope=0.1),
                )
            )
        self.decoder = nnx.Sequential(*up)
        self.to_image = nnx.Conv(
            channels[0], in_channels, (3, 3), **fan_in_uniform(channels[0], (3, 3)), rngs=rngs
        )

    @staticmethod
    def down_block(c_in, c_out, *, rngs: nnx.Rngs):
        return [
            nnx.Conv(c_in, c_out, (3, 3), strides=2, padding=1, **fan_in_uniform(c_in, (3, 3)), rngs=rngs),
            BatchNorm(c_out, rngs=rngs),
            partial(leaky_relu, negative_slope=0.1),
        ]

    def encode(self, x):
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        mu, logvar = jnp.split(self.head(self.encoder(x)), 2, axis=-1)
        return mu, clamp(logvar, min=-10.0, max=10.0)

    def decode(self, z):
        h = self.expand(z).reshape(z.shape[0], *self.feature_shape).transpose(0, 2, 3, 1)
        return jnp.tanh(self.to_image(self.decoder(h))).transpose(0, 3, 1, 2)

    def reparameterize(self, mu, logvar):
        if self.deterministic:
            return mu
        std = jnp.exp(logvar * 0.5)
        eps = self.rngs.normal(std.shape)
        return eps * std + mu

    def __call__(self, x):
        mu, logvar = self.encode(x)
        z = self.reparameterize(mu, logvar)
        return {"recon": self.decode(z), "mu": mu, "logvar": logvar, "z": z}

    def sample(self, n, device="cpu"):
        """Draw n images from the prior."""
        return self.decode(self.rngs.normal((n, self.latent_dim)))


def elbo_loss(recon, x, mu, logvar, beta=1.0):
    """Negative evidence lower bound, summed over pixels, codes and the batch."""
    reconstruction = binary_cross_entropy(recon, x, reduction="sum")
    # KL(N(mu, sigma) || N(0, 1)) in closed form
    kl = 0.5 * (mu**2 + jnp.exp(logvar) - logvar - 1).sum()
    return reconstruction + beta * kl


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


def channel_last(n: int) -> tuple[str, str, str]:
    """Axis names of input, kernel (out, in, *window) and output of a convolution over n spatial axes."""
    spatial = "DHW"[3 - n :]
    return f"N{spatial}C", f"OI{spatial}", f"N{spatial}C"


def spread(size: int | Sequence[int], n: int) -> tuple[int, ...]:
    """One size for each of n axes, from one for all or from n of them."""
    if isinstance(size, int):
        return (size,) * n
    return tuple(size) * n if len(size) == 1 else tuple(size)


def convolve_transpose(
    x: jax.Array,
    weight: jax.Array,
    bias: jax.Array | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    output_padding: int | Sequence[int] = 0,
    groups: int = 1,
    dilation: int | Sequence[int] = 1,
) -> jax.Array:
    """Transposed convolution of x (batch, *spatial, in) with a weight of shape (in, out // groups, *window).

    It is a convolution with the flipped window over x dilated by the stride (https://arxiv.org/abs/1603.07285, 4).
    """
    n = weight.ndim - 2
    inputs, outputs, *window = weight.shape
    grouped = weight.reshape(groups, inputs // groups, outputs, *window)
    kernel = jnp.flip(grouped, range(3, 3 + n)).swapaxes(1, 2).reshape(groups * outputs, inputs // groups, *window)
    dilations = spread(dilation, n)
    pads = []
    for k, d, p, extra in zip(window, dilations, spread(padding, n), spread(output_padding, n), strict=True):
        pads.append((d * (k - 1) - p, d * (k - 1) - p + extra))
    dtype = jnp.result_type(x, weight)
    y = lax.conv_general_dilated(
        x.astype(dtype),
        kernel.astype(dtype),
        (1,) * n,
        pads,
        lhs_dilation=spread(stride, n),
        rhs_dilation=dilations,
        dimension_numbers=channel_last(n),
        feature_group_count=groups,
    )
    return y if bias is None else y + bias


class ConvTranspose(nnx.Module):
    """Transposed convolution as PyTorch defines it: the gradient of a convolution with these arguments.

    `nnx.ConvTranspose` has no groups and no output padding, and pads the dilated input, not the output. The kernel has
    shape (*window, out_features // groups, in_features).
    """

    torch_names: ClassVar = {"kernel": "weight"}

    def __init__(
        self,
        in_features: int,
        out_features: int,
        kernel_size: Sequence[int],
        strides: int | Sequence[int] = 1,
        *,
        padding: int | Sequence[int] = 0,
        output_padding: int | Sequence[int] = 0,
        kernel_dilation: int | Sequence[int] = 1,
        feature_group_count: int = 1,
        use_bias: bool = True,
        param_dtype: Any = jnp.float32,
        kernel_init: Callable[..., jax.Array],
        bias_init: Callable[..., jax.Array],
        rngs: nnx.Rngs,
    ) -> None:
        self.in_features = in_features
        self.out_features = out_features
        self.kernel_size = tuple(kernel_size)
        shape = (*kernel_size, out_features // feature_group_count, in_features)
        self.kernel = nnx.Param(kernel_init(rngs.params(), shape, param_dtype))
        self.bias = nnx.Param(bias_init(rngs.params(), (out_features,), param_dtype)) if use_bias else None
        self.strides = strides
        self.padding = padding
        self.output_padding = output_padding
        self.feature_group_count = feature_group_count
        self.kernel_dilation = kernel_dilation

    def __call__(self, inputs: jax.Array) -> jax.Array:
        """Maps (batch, *spatial, in_features) to (batch, *larger, out_features)."""
        return convolve_transpose(
            inputs,
            jnp.moveaxis(self.kernel[...], (-1, -2), (0, 1)),
            None if self.bias is None else self.bias[...],
            self.strides,
            self.padding,
            self.output_padding,
            self.feature_group_count,
            self.kernel_dilation,
        )


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


def leaky_relu(x: jax.Array, negative_slope: float = 0.01) -> jax.Array:
    """`x` where it is positive, else negative_slope * x, also in the gradient at 0 (`nnx.leaky_relu` has 1 there)."""
    return jnp.where(x > 0, x, negative_slope * x)
