import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax


def weights_init(m, *, rngs: nnx.Rngs):
    if type(m) == nnx.Linear:
        m.kernel[...] = nnx.initializers.variance_scaling(2.777777777777778, "fan_avg", "normal")(
            rngs.params(), m.kernel.shape, m.kernel.dtype
        )
        if m.bias is not None:
            m.bias[...] = jnp.full_like(m.bias[...], 0.01)
    elif isinstance(m, nnx.Conv):
        fan_out = m.kernel_size[0] * m.kernel_size[1] * m.out_features
        m.kernel[...] = math.sqrt(2.0 / fan_out) * rngs.normal(m.kernel.shape, dtype=m.kernel.dtype)
        if m.bias is not None:
            m.bias[...] = jnp.zeros_like(m.bias[...])


class Net(nnx.Module):
    def __init__(self, d=4, std=0.02, *, rngs: nnx.Rngs):
        self.conv = nnx.Conv(3, d, (3, 3), padding="VALID", **fan_in_uniform(3, (3, 3)), rngs=rngs)
        self.fc = nnx.Linear(d, d, **fan_in_uniform(d), rngs=rngs)
        self.head = nnx.Linear(d, 2, use_bias=False, **fan_in_uniform(d), rngs=rngs)
        self.emb = nnx.Embed(5, d, embedding_init=nnx.initializers.normal(1.0), rngs=rngs)
        self.rnn = GRU(d, d, rngs=rngs)
        self.w = nnx.Param(jnp.zeros((d, d), dtype=jnp.float32))
        for _, module in nnx.iter_modules(self):
            weights_init(module, rngs=rngs)

        self.head.kernel[...] = nnx.initializers.orthogonal(scale=0.01)(
            rngs.params(), self.head.kernel.shape, self.head.kernel.dtype
        )
        self.emb.embedding[...] = nnx.initializers.truncated_normal(
            std, lower=-2.0 / std, upper=2.0 / std
        )(rngs.params(), self.emb.embedding.shape, self.emb.embedding.dtype)
        self.w[...] = jnp.eye(*self.w.shape, dtype=self.w.dtype)
        for name, p in named_parameters(self.rnn):
            if "weight" in name:
                p[...] = nnx.initializers.orthogonal()(rngs.params(), p.shape, p.dtype)
            elif "bias" in name:
                p[...] = jnp.zeros_like(p)
        self.fc.kernel[...] = self.fc.kernel[...] * 0.5
        self.emb.embedding[...] = self.emb.embedding[...].at[0].set(0)

    def __call__(self, x, ids):
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        h = self.fc(self.conv(x).mean(axis=(1, 2))) @ self.w[...]
        h, _ = self.rnn(jnp.stack([h, self.emb(ids)]))
        return self.head(h)


# Helpers without a Flax equivalent.


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


def gru_step(h: jax.Array, projected: jax.Array, weight_hh: jax.Array, bias_hh: jax.Array | None) -> jax.Array:
    """The next hidden state, from this one and x @ weight_ih.T + bias_ih; gates are reset, update, new."""
    x_reset, x_update, x_new = jnp.split(projected, 3, -1)
    h_reset, h_update, h_new = jnp.split(linear(h, weight_hh, bias_hh), 3, -1)
    update = nnx.sigmoid(x_update + h_update)
    new = jnp.tanh(x_new + nnx.sigmoid(x_reset + h_reset) * h_new)
    return (1 - update) * new + update * h


class GRU(Recurrent):
    """Gated recurrent units (https://arxiv.org/abs/1406.1078) with the reset gate after the hidden projection."""

    gates = 3

    def step(self, state: Any, projected: jax.Array, weight_hh: Any, bias_hh: Any, weight_hr: Any) -> Any:
        """The next hidden state."""
        return gru_step(state, projected, weight_hh, bias_hh)


def fan_in_uniform(in_features: int, kernel_size: int | Sequence[int] = (), groups: int = 1) -> dict[str, Any]:
    """Initializers of kernel and bias that draw from [-b, b], b = 1 / sqrt(in_features / groups * prod(kernel_size)).

    This is how PyTorch initializes linear layers and convolutions; flax would draw a normal kernel and a zero bias.
    """
    window = (kernel_size,) if isinstance(kernel_size, int) else kernel_size
    init = uniform_within(1 / math.sqrt(max(1, in_features // groups * math.prod(window))))
    return {"kernel_init": init, "bias_init": init}


class Frozen(nnx.Variable[jax.Array]):
    """A parameter that is not trained: gradients and optimizers of `wrt=nnx.Param` leave it alone."""


def _is_transposition(layer: object) -> bool:
    """Whether a layer changes the order of axes, and PyTorch has none there."""
    return isinstance(layer, partial) and layer.func is jnp.transpose


def torch_name(owner: object, name: object) -> str:
    """What PyTorch calls an attribute; nothing for the list in an `nnx.Sequential`, which may hold transpositions."""
    if isinstance(owner, nnx.List) and str(name).isdecimal():
        return str(int(str(name)) - sum(map(_is_transposition, owner[: int(str(name))])))
    match owner:
        case nnx.Module() if name in ("mean", "var") and isinstance(getattr(owner, str(name)), nnx.BatchStat):
            return f"running_{name}"
        case nnx.Linear() | nnx.LinearGeneral() | nnx.Conv() | nnx.ConvTranspose() | nnx.Embed():
            return "weight" if name in ("kernel", "embedding") else str(name)
        case nnx.BatchNorm() | nnx.LayerNorm() | nnx.GroupNorm() | nnx.RMSNorm() | nnx.InstanceNorm():
            return "weight" if name == "scale" else str(name)
        case nnx.PReLU():
            return "weight" if name == "negative_slope" else str(name)
        case nnx.Sequential():
            return "" if name == "layers" else str(name)
    names: dict[object, str] = getattr(type(owner), "torch_names", {})
    return names.get(name, str(name))


def _named(module: nnx.Module) -> Iterator[tuple[str, Any]]:
    """What is in a module, and the module itself, with dotted names."""
    nodes = dict(nnx.iter_graph(module))
    for path, node in nodes.items():
        names = [torch_name(nodes.get(path[:at]), part) for at, part in enumerate(path)]
        yield ".".join(name for name in names if name), node


def named_parameters(module: nnx.Module) -> list[tuple[str, nnx.Variable[jax.Array]]]:
    """The parameters with dotted names; kernels, scales and embeddings are called `weight`."""
    return [(name, node) for name, node in _named(module) if isinstance(node, nnx.Param | Frozen)]
