"""Causal convolutions over time: a TCN (Bai et al., 2018) and a WaveNet (van den Oord et al., 2016)."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import nnx


class Chomp(nnx.Module):
    """Remove the last `n` steps: with padding on both sides, they are the ones that would look ahead."""

    def __init__(self, n, *, rngs: nnx.Rngs):
        self.n = n

    # x: N L C; result: N L C
    def __call__(self, x):
        return x[:, :-self.n]


class ResidualBlock(nnx.Module):
    """Two dilated causal convolutions and a shortcut."""

    def __init__(self, c_in, c_out, kernel_size, dilation, dropout=0.2, use_weight_norm=False, *, rngs: nnx.Rngs):
        norm = WeightNorm if use_weight_norm else (lambda conv: conv)
        pad = (kernel_size - 1) * dilation

        layers = []
        for channels in (c_in, c_out):
            conv = nnx.Conv(
                channels,
                c_out,
                kernel_size,
                padding=pad,
                kernel_dilation=dilation,
                **fan_in_uniform(channels, kernel_size),
                rngs=rngs,
            )
            conv.kernel[...] = 0.01 * rngs.normal(conv.kernel.shape, dtype=conv.kernel.dtype)
            layers += [norm(conv), Chomp(pad, rngs=rngs), nnx.relu, nnx.Dropout(dropout, rngs=rngs)]
        self.branch = nnx.Sequential(*layers)
        self.shortcut = (
            nnx.Conv(c_in, c_out, 1, padding="VALID", **fan_in_uniform(c_in, 1), rngs=rngs)
            if c_in != c_out
            else None
        )

    # x: N L C; result: N L C
    def __call__(self, x):
        shortcut = x if self.shortcut is None else self.shortcut(x)
        return nnx.relu(self.branch(x) + shortcut)


class TCN(nnx.Module):
    """Classify a sequence (N, C, T) from the features of its last step; log probabilities come out."""

    def __init__(self, input_size=1, num_classes=10, channels=(25, 25, 25), kernel_size=7, dropout=0.05,
                 use_weight_norm=False, *, rngs: nnx.Rngs):
        blocks = []
        for level, (c_in, c_out) in enumerate(zip((input_size, *channels), channels)):
            blocks.append(ResidualBlock(c_in, c_out, kernel_size, dilation=2 ** level, dropout=dropout,
                                        use_weight_norm=use_weight_norm, rngs=rngs))
        self.network = nnx.Sequential(*blocks)
        self.linear = nnx.Linear(channels[-1], num_classes, **fan_in_uniform(channels[-1]), rngs=rngs)

    def __call__(self, x):
        x = x.transpose(0, 2, 1)  # N C L -> N L C
        y = self.network(x)
        return nnx.log_softmax(self.linear(y[:, -1]), axis=1)


class CausalConv1d(nnx.Conv):
    """Conv1d that pads the left side only."""

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        dilation=1,
        *,
        stride=1,
        padding=0,
        groups=1,
        bias=True,
        rngs: nnx.Rngs,
    ):
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            strides=stride,
            padding=padding,
            kernel_dilation=dilation,
            feature_group_count=groups,
            use_bias=bias,
            **fan_in_uniform(in_channels, kernel_size, groups=groups),
            rngs=rngs,
        )
        self.left_pad = (kernel_size - 1) * dilation

    # result: N L C
    def __call__(self, x):
        return super().__call__(_pad(x, (self.left_pad, 0)).transpose(0, 2, 1))


class WaveNet(nnx.Module):
    """Autoregressive model of quantised audio: codes (N, T) -> logits (N, n_codes, T).

    Args:
        n_codes: number of quantisation levels
        residual_channels, skip_channels: widths of the two streams
        n_layers: layers of a stack, with dilations 1, 2, 4, ...
        n_stacks: how often the dilations start over
        cond_channels: width of a global condition such as a speaker embedding, 0 for none
    """

    def __init__(
        self,
        n_codes=64,
        residual_channels=16,
        skip_channels=24,
        n_layers=4,
        n_stacks=2,
        cond_channels=0,
        *,
        rngs: nnx.Rngs,
    ):
        self.embedding = nnx.Embed(
            n_codes, residual_channels, embedding_init=nnx.initializers.normal(1.0), rngs=rngs
        )
        self.filter_convs = nnx.List([])
        self.gate_convs = nnx.List([])
        self.res_convs = nnx.List([])
        self.skip_convs = nnx.List([])
        self.cond_convs = nnx.List([]) if cond_channels > 0 else None
        self.receptive_field = 1

        dilations = [2**i for _ in range(n_stacks) for i in range(n_layers)]
        for dilation in dilations:
            self.filter_convs.append(CausalConv1d(residual_channels, residual_channels, 2, dilation, rngs=rngs))
            self.gate_convs.append(CausalConv1d(residual_channels, residual_channels, 2, dilation, rngs=rngs))
            self.res_convs.append(
                nnx.Conv(
                    residual_channels,
                    residual_channels,
                    1,
                    padding="VALID",
                    **fan_in_uniform(residual_channels, 1),
                    rngs=rngs,
                )
            )
            self.skip_convs.append(
                nnx.Conv(
                    residual_channels,
                    skip_channels,
                    1,
                    padding="VALID",
                    **fan_in_uniform(residual_channels, 1),
                    rngs=rngs,
                )
            )
            if self.cond_convs is not None:
                self.cond_convs.append(
                    nnx.Conv(
                        cond_channels,
                        2 * residual_channels,
                        1,
                        padding="VALID",
                        use_bias=False,
                        **fan_in_uniform(cond_channels, 1),
                        rngs=rngs,
                    )
                )
            self.receptive_field += dilation

        self.head = nnx.Sequential(
            nnx.relu,
            nnx.Conv(
                skip_channels, skip_channels, 1, padding="VALID", **fan_in_uniform(skip_channels, 1), rngs=rngs
            ),
            nnx.relu,
            nnx.Conv(skip_channels, n_codes, 1, padding="VALID", **fan_in_uniform(skip_channels, 1), rngs=rngs),
        )

    def __call__(self, codes, cond=None):
        x = self.embedding(codes).swapaxes(1, 2)  # (N, T) -> (N, C, T)
        skip = 0
        for i, (f_conv, g_conv) in enumerate(zip(self.filter_convs, self.gate_convs)):
            f, g = f_conv(x), g_conv(x)
            if cond is not None:
                cf, cg = jnp.split(self.cond_convs[i](cond[:, :, None].transpose(0, 2, 1)), 2, axis=2)
                f = f + cf
                g = g + cg
            z = jnp.tanh(f) * nnx.sigmoid(g)
            skip = skip + self.skip_convs[i](z)
            x = x + self.res_convs[i](z).transpose(0, 2, 1)
        return self.head(skip).transpose(0, 2, 1)

    def loss(self, codes):
        """Mean cross entropy of each code given those before it."""
        logits = self(codes[:, :-1])
        return softmax_cross_entropy(logits, codes[:, 1:])


def mu_law(audio, n_codes=64):
    """Audio in [-1, 1] -> integer codes, finer around zero."""
    mu = n_codes - 1
    compressed = jnp.sign(audio) * jnp.log1p(mu * absolute(audio)) / jnp.log1p(jnp.array(float(mu)))
    return ((compressed + 1) / 2 * mu + 0.5).astype(jnp.int32)


# Helpers without a Flax equivalent.


class Reparametrized(nnx.Module):
    """A linear layer or convolution without its kernel, which a subclass computes at each call.

    Weights have PyTorch's axes (outputs, inputs, *window), or (inputs, outputs, *window) for transposed convolutions.
    """

    def __init__(self, layer: nnx.Module) -> None:
        self.graphdef, state = nnx.split(layer)
        self.bias = state.get("bias")

    def apply(self, x: jax.Array, weight: jax.Array) -> jax.Array:
        """Calls the layer with this weight."""
        state: dict[str, Any] = {"kernel": nnx.Param(jnp.moveaxis(weight, (0, 1), (-1, -2)))}
        if self.bias is not None:
            state["bias"] = self.bias
        y: jax.Array = nnx.merge(self.graphdef, nnx.State(state))(x)
        return y


def torch_weight(layer: Any) -> jax.Array:
    """The kernel of a layer with its last two axes, inputs and outputs, in front and exchanged."""
    return jnp.moveaxis(layer.kernel[...], (-1, -2), (0, 1))


class WeightNorm(Reparametrized):
    """Weight normalisation (https://arxiv.org/abs/1602.07868): weight = g * v / |v|, with norms along ``axis``.

    Without an axis there is one norm of the whole weight.
    """

    def __init__(self, layer: nnx.Module, axis: int | None = 0) -> None:
        super().__init__(layer)
        weight = torch_weight(layer)
        self.axis = axis
        self.weight_g = nnx.Param(self.norm(weight))
        self.weight_v = nnx.Param(weight)

    def __call__(self, x: jax.Array) -> jax.Array:
        """The layer's output with the normalised weight."""
        v = self.weight_v[...]
        return self.apply(x, v * (self.weight_g[...] / self.norm(v)))

    def norm(self, weight: jax.Array) -> jax.Array:
        """The norms of the slices of a weight along the axis, or of the whole weight."""
        if self.axis is None:
            return jnp.sqrt(jnp.square(weight).sum())
        others = [i for i in range(weight.ndim) if i != self.axis % weight.ndim]
        return jnp.sqrt(jnp.square(weight).sum(others, keepdims=True))


def absolute(x: jax.Array) -> jax.Array:
    """|x| with the gradient 0 at 0, where that of `jnp.abs` is 1."""
    return jnp.abs(x) if jnp.iscomplexobj(x) else x * jnp.sign(x)


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


def pad_widths(pad: Sequence[int], rank: int, channel_axis: int = 1) -> tuple[tuple[int, int], ...]:
    """(before, after) of every axis for `jnp.pad`; `pad` lists them pairwise from the last axis backwards.

    With `channel_axis` -1 the pairs are for the axes before the last one.
    """
    pairs = [(pad[i], pad[i + 1]) for i in range(0, len(pad), 2)]
    channels = ((0, 0),) if channel_axis == -1 else ()
    return ((0, 0),) * (rank - len(pairs) - len(channels)) + tuple(reversed(pairs)) + channels


def _pad(
    x: jax.Array, widths: Sequence[int], mode: str = "constant", value: float = 0, channel_axis: int = 1
) -> jax.Array:
    """`x` padded by (before, after) of the last axis, of the one before it, and so on; negative widths cut.

    With `channel_axis` -1 the widths are for the axes before the last one.
    """
    pairs = pad_widths(widths, x.ndim, channel_axis)
    grown = [(max(before, 0), max(after, 0)) for before, after in pairs]

    def cut(x: jax.Array) -> jax.Array:
        ends = zip(x.shape, pairs, strict=True)
        return x[tuple(slice(max(-before, 0), size - max(-after, 0)) for size, (before, after) in ends)]

    if mode == "constant":
        return jnp.pad(cut(x), grown, constant_values=value)
    if mode == "edge":  # that of x itself, also where it is cut
        return cut(jnp.pad(x, grown, mode))
    return jnp.pad(cut(x), grown, mode)


def reduce_loss(loss: jax.Array, reduction: str = "mean") -> jax.Array:
    """Mean or sum of the elementwise losses, or (for "none") the losses themselves."""
    if reduction == "none":
        return loss
    return loss.sum() if reduction == "sum" else loss.mean()


def softmax_cross_entropy(
    logits: jax.Array, target: jax.Array, ignore_index: int = -100, reduction: str = "mean"
) -> jax.Array:
    """Cross entropy of logits (classes,) or (batch, classes, ...) with integer labels or class probabilities.

    Labels equal to `ignore_index` do not count.
    """
    axis = min(logits.ndim - 1, 1)
    if jnp.issubdtype(target.dtype, jnp.floating):
        return reduce_loss(optax.softmax_cross_entropy(logits, target, axis), reduction)
    kept = target != ignore_index
    loss = optax.softmax_cross_entropy_with_integer_labels(logits, jnp.where(kept, target, 0), axis)
    return loss.mean(where=kept) if reduction == "mean" else reduce_loss(jnp.where(kept, loss, 0), reduction)
