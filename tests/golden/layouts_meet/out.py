"""Images become vectors and sequences and come back."""
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax


class Net(nnx.Module):
    def __init__(self, c=2, width=4, h=6, w=5, classes=3, *, rngs: nnx.Rngs):
        self.conv = nnx.Conv(c, width, (3, 3), padding=1, **fan_in_uniform(c, (3, 3)), rngs=rngs)
        self.bn = BatchNorm(width, rngs=rngs)
        self.rnn = LSTM(width * h, 7, batch_first=True, bidirectional=True, rngs=rngs)
        self.fc = nnx.Linear(width * h * w, classes, **fan_in_uniform(width * h * w), rngs=rngs)
        kernel_size = (h, w)
        self.up = ConvTranspose(
            classes, width, kernel_size, **fan_in_uniform(width, kernel_size), rngs=rngs
        )
        self.refine = nnx.Conv(
            2 * width, c, (1, 1), padding="VALID", **fan_in_uniform(2 * width, (1, 1)), rngs=rngs
        )

    def __call__(self, x):
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        f = nnx.relu(self.bn(self.conv(x)))
        b, h, w, c = f.shape
        seq = f.transpose(0, 2, 3, 1).reshape(b, w, c * h)
        seq, _ = self.rnn(seq)
        logits = self.fc(f.transpose(0, 3, 1, 2).reshape(b, -1))
        up = self.up(logits[:, :, None, None].transpose(0, 2, 3, 1))
        image = self.refine(jnp.concatenate([f, up], axis=3)).transpose(0, 3, 1, 2)
        columns = unfold(image, kernel_size=2)
        rows = f[:, 0]
        return seq, logits, image, columns, rows


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


class PackedSequence(NamedTuple):
    """Sequences of different lengths: padded data (time, batch, ...) and lengths (batch,)."""

    data: jax.Array
    lengths: jax.Array


def linear(x: jax.Array, weight: jax.Array, bias: jax.Array | None = None) -> jax.Array:
    """Maps (..., in) to (..., out) by a weight of shape (out, in)."""
    y = x @ weight.T
    return y if bias is None else y + bias


def uniform_within(bound: float) -> Callable[..., jax.Array]:
    """Initializer that draws uniformly from [-bound, bound]."""

    def init(key: jax.Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return init


class Recurrent(nnx.Module):
    """Stacked recurrent layers over sequences; a subclass says what happens at one point of time."""

    gates: ClassVar[int] = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        param_dtype: Any = jnp.float32,
        rngs: nnx.Rngs,
    ) -> None:
        self.hidden_size = hidden_size
        self.output_size = proj_size or hidden_size
        self.num_layers = num_layers
        self.batch_first = batch_first
        self.directions = ("", "_reverse") if bidirectional else ("",)
        self.dropout = nnx.Dropout(dropout, rngs=rngs if dropout else None)
        init = uniform_within(1 / math.sqrt(hidden_size))
        rows = self.gates * hidden_size
        for layer in range(num_layers):
            width = input_size if layer == 0 else self.output_size * len(self.directions)
            shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, width), "weight_hh": (rows, self.output_size)}
            if bias:
                shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
            if proj_size:
                shapes |= {"weight_hr": (proj_size, hidden_size)}
            for direction in self.directions:
                for name, shape in shapes.items():
                    setattr(self, f"{name}_l{layer}{direction}", nnx.Param(init(rngs.params(), shape, param_dtype)))

    def __call__(self, x: Any, state: Any = None) -> tuple[Any, Any]:
        """Runs over x: (time, batch, input_size), batch-first if so built, (time, input_size) or a PackedSequence.

        ``state`` has shape (layers * directions, batch, hidden_size), an LSTM's is a pair of such; zeros by default.
        Returns the outputs of the last layer, shaped as x, and the final state.
        """
        if isinstance(x, PackedSequence):
            y, state = self.run_layers(x.data, state, x.lengths)
            return PackedSequence(y, x.lengths), state
        if x.ndim == 2:
            y, state = self.run_layers(x[:, None], jax.tree.map(lambda s: s[:, None], state))
            return y[:, 0], jax.tree.map(lambda s: s[:, 0], state)
        if self.batch_first:
            y, state = self.run_layers(x.swapaxes(0, 1), state)
            return y.swapaxes(0, 1), state
        return self.run_layers(x, state)

    def run_layers(self, x: jax.Array, state: Any, lengths: jax.Array | None = None) -> tuple[jax.Array, Any]:
        """All layers and directions over x (time, batch, features)."""
        dtype = jnp.result_type(x, self.param("weight_ih_l0"))
        if state is None:
            state = self.zero_state(self.num_layers * len(self.directions), x.shape[1])
        state = jax.tree.map(lambda s: s.astype(dtype), state)
        finals: list[Any] = []
        for layer in range(self.num_layers):
            if layer > 0:
                x = self.dropout(x)
            outputs = []
            for direction in self.directions:
                index = len(finals)
                final, y = self.run_time(x, jax.tree.map(lambda s, i=index: s[i], state), layer, direction, lengths)
                finals.append(final)
                outputs.append(y)
            x = jnp.concatenate(outputs, -1)
        return x, jax.tree.map(lambda *parts: jnp.stack(parts), *finals)

    def run_time(
        self, x: jax.Array, state: Any, layer: int, direction: str, lengths: jax.Array | None
    ) -> tuple[Any, jax.Array]:
        """One layer in one direction; beyond a sequence's length the state stands still and outputs are 0."""
        names = ("weight_ih", "bias_ih", "weight_hh", "bias_hh", "weight_hr")
        weight_ih, bias_ih, *recurrent = (self.param(f"{name}_l{layer}{direction}") for name in names)

        def step(state: Any, inputs: tuple[jax.Array, jax.Array]) -> tuple[Any, jax.Array]:
            time, projected = inputs
            new = self.step(state, projected, *recurrent)
            output = jax.tree.leaves(new)[0]
            if lengths is None:
                return new, output
            running = (time < lengths)[:, None]
            new = jax.tree.map(lambda n, s: jnp.where(running, n, s), new, state)
            return new, jnp.where(running, output, 0)

        steps = (jnp.arange(x.shape[0]), linear(x, weight_ih, bias_ih))
        final, y = lax.scan(step, state, steps, reverse=direction == "_reverse")
        return final, y

    def param(self, name: str) -> Any:
        """A parameter's array, or None where the layer has no such parameter."""
        param = getattr(self, name, None)
        return None if param is None else param[...]

    def zero_state(self, count: int, batch: int) -> Any:
        """The state before the first step, of ``count`` layers and directions."""
        return jnp.zeros((count, batch, self.hidden_size))

    def step(self, state: Any, projected: jax.Array, weight_hh: Any, bias_hh: Any, weight_hr: Any) -> Any:
        """The next state, from this one and the projected input."""
        raise NotImplementedError


def lstm_step(
    state: tuple[jax.Array, jax.Array], projected: jax.Array, weight_hh: jax.Array, bias_hh: jax.Array | None
) -> tuple[jax.Array, jax.Array]:
    """The next (h, c), from this one and x @ weight_ih.T + bias_ih; gates are input, forget, cell, output."""
    h, c = state
    i, f, g, o = jnp.split(projected + linear(h, weight_hh, bias_hh), 4, -1)
    c = nnx.sigmoid(f) * c + nnx.sigmoid(i) * jnp.tanh(g)
    return nnx.sigmoid(o) * jnp.tanh(c), c


class LSTM(Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber 1997), with projected hidden states if ``proj_size`` is given.

    The state is the pair (h, c).
    """

    gates = 4

    def zero_state(self, count: int, batch: int) -> Any:
        """The pair (h, c) before the first step."""
        return jnp.zeros((count, batch, self.output_size)), jnp.zeros((count, batch, self.hidden_size))

    def step(self, state: Any, projected: jax.Array, weight_hh: Any, bias_hh: Any, weight_hr: Any) -> Any:
        """The next pair (h, c)."""
        h, c = lstm_step(state, projected, weight_hh, bias_hh)
        return (h if weight_hr is None else h @ weight_hr.T), c


def fan_in_uniform(in_features: int, kernel_size: int | Sequence[int] = (), groups: int = 1) -> dict[str, Any]:
    """Initializers of kernel and bias that draw from [-b, b], b = 1 / sqrt(in_features / groups * prod(kernel_size)).

    This is how PyTorch initializes linear layers and convolutions; flax would draw a normal kernel and a zero bias.
    """
    window = (kernel_size,) if isinstance(kernel_size, int) else kernel_size
    init = uniform_within(1 / math.sqrt(max(1, in_features // groups * math.prod(window))))
    return {"kernel_init": init, "bias_init": init}


def geometry(
    n: int,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Window, strides (the window's sizes by default), padding and dilation of each of n spatial axes."""
    window = spread(kernel_size, n)
    return window, spread(stride or window, n), spread(padding, n), spread(dilation, n)


def pool_windows(
    x: jax.Array,
    window: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int],
    counts: Sequence[int],
    fill: float = 0,
) -> jax.Array:
    """The elements of every window: (prod(window), batch, *counts, features), padded by ``fill``."""
    widths = [(0, 0)]
    for size, k, s, p, d, count in zip(x.shape[1:-1], window, strides, pads, dilations, counts, strict=True):
        widths.append((p, max(0, (count - 1) * s + d * (k - 1) + 1 - size - p)))
    padded = jnp.pad(x, [*widths, (0, 0)], constant_values=fill)
    elements = []
    for offset in itertools.product(*(range(k) for k in window)):
        starts = [i * d for i, d in zip(offset, dilations, strict=True)]
        region = [slice(a, a + (n - 1) * s + 1, s) for a, n, s in zip(starts, counts, strides, strict=True)]
        elements.append(padded[(slice(None), *region)])
    return jnp.stack(elements)


def window_counts(
    spatial: Sequence[int],
    window: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int],
    ceil_mode: bool = False,
) -> list[int]:
    """How many windows fit along each axis; in ceil mode one may overhang the end, but not start behind the input."""
    counts = []
    for size, k, s, p, d in zip(spatial, window, strides, pads, dilations, strict=True):
        room = size + 2 * p - d * (k - 1) - 1
        count = (-(-room // s) if ceil_mode else room // s) + 1
        counts.append(count - 1 if ceil_mode and (count - 1) * s >= size + p else count)
    return counts


def unfold(
    x: jax.Array,
    kernel_size: int | Sequence[int],
    dilation: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    stride: int | Sequence[int] = 1,
) -> jax.Array:
    """The windows of x (batch, C, H, W) as columns: (batch, C * prod(window), number of windows)."""
    shape = geometry(2, kernel_size, stride, padding, dilation)
    counts = window_counts(x.shape[2:], *shape)
    patches = pool_windows(jnp.moveaxis(x, 1, -1), *shape, counts)
    columns = (x.shape[0], x.shape[1] * len(patches), math.prod(counts))
    return jnp.moveaxis(patches, (1, -1), (0, 1)).reshape(columns)
