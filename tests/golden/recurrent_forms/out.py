import math
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax


class Recurrent(nnx.Module):
    """Recurrent layers and cells, their states, orders of axes and directions."""

    def __init__(self, d=4, h=5, layers=2, bidirectional=True, *, rngs: nnx.Rngs):
        self.lstm = LSTM(
            d, h, num_layers=layers, batch_first=True, bidirectional=bidirectional, rngs=rngs
        )
        self.gru = GRU(d, h, rngs=rngs)
        self.rnn = RNN(d, h, nonlinearity="relu", bias=False, rngs=rngs)
        self.cell = GRUCell(d, h, rngs=rngs)
        self.h0 = nnx.Param(jnp.zeros((layers * (2 if bidirectional else 1), 1, h)))

    def __call__(self, x, lengths):
        b, t, _ = x.shape
        h0 = jnp.tile(self.h0[...], (1, b, 1))
        out, (h_n, c_n) = self.lstm(x, (h0, jnp.zeros_like(h0)))
        last = out[jnp.arange(b), lengths - 1]
        g, state = self.gru(x.swapaxes(0, 1))
        r = self.rnn(x.swapaxes(0, 1), state)[0]
        hx = jnp.zeros((b, self.cell.hidden_size), dtype=x.dtype)
        for step in jnp.unstack(x, axis=1):
            hx = self.cell(step, hx)
        return last, jnp.concatenate([h_n[0], h_n[-1]], axis=-1), c_n, g.swapaxes(0, 1), r, hx


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


class _Recurrent(nnx.Module):
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


class GRU(_Recurrent):
    """Gated recurrent units (https://arxiv.org/abs/1406.1078) with the reset gate after the hidden projection."""

    gates = 3

    def step(self, state: Any, projected: jax.Array, weight_hh: Any, bias_hh: Any, weight_hr: Any) -> Any:
        """The next hidden state."""
        return gru_step(state, projected, weight_hh, bias_hh)


class RecurrentCell(nnx.Module):
    """Parameters of one step of a recurrent network."""

    gates: ClassVar[int] = 1

    def __init__(
        self, input_size: int, hidden_size: int, *, bias: bool = True, param_dtype: Any = jnp.float32, rngs: nnx.Rngs
    ) -> None:
        self.hidden_size = hidden_size
        init = uniform_within(1 / math.sqrt(hidden_size))
        rows = self.gates * hidden_size
        self.weight_ih = nnx.Param(init(rngs.params(), (rows, input_size), param_dtype))
        self.weight_hh = nnx.Param(init(rngs.params(), (rows, hidden_size), param_dtype))
        self.bias_ih = nnx.Param(init(rngs.params(), (rows,), param_dtype)) if bias else None
        self.bias_hh = nnx.Param(init(rngs.params(), (rows,), param_dtype)) if bias else None

    def project(self, x: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array | None]:
        """The projected input, and the parameters of the recurrence."""
        bias_ih, bias_hh = (None if bias is None else bias[...] for bias in (self.bias_ih, self.bias_hh))
        return linear(x, self.weight_ih[...], bias_ih), self.weight_hh[...], bias_hh

    def zeros(self, x: jax.Array) -> jax.Array:
        """The state before the first step."""
        return jnp.zeros((*x.shape[:-1], self.hidden_size), x.dtype)


class GRUCell(RecurrentCell):
    """One step of gated recurrent units: (batch, input_size), (batch, hidden_size) -> (batch, hidden_size)."""

    gates = 3

    def __call__(self, x: jax.Array, h: jax.Array | None = None) -> jax.Array:
        """The next hidden state; zeros come before the first."""
        return gru_step(self.zeros(x) if h is None else h, *self.project(x))


def lstm_step(
    state: tuple[jax.Array, jax.Array], projected: jax.Array, weight_hh: jax.Array, bias_hh: jax.Array | None
) -> tuple[jax.Array, jax.Array]:
    """The next (h, c), from this one and x @ weight_ih.T + bias_ih; gates are input, forget, cell, output."""
    h, c = state
    i, f, g, o = jnp.split(projected + linear(h, weight_hh, bias_hh), 4, -1)
    c = nnx.sigmoid(f) * c + nnx.sigmoid(i) * jnp.tanh(g)
    return nnx.sigmoid(o) * jnp.tanh(c), c


class LSTM(_Recurrent):
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


def rnn_step(
    h: jax.Array, projected: jax.Array, weight_hh: jax.Array, bias_hh: jax.Array | None, nonlinearity: str = "tanh"
) -> jax.Array:
    """The next hidden state, from this one and x @ weight_ih.T + bias_ih."""
    total = projected + linear(h, weight_hh, bias_hh)
    return nnx.relu(total) if nonlinearity == "relu" else jnp.tanh(total)


class RNN(_Recurrent):
    """Elman network: h' = nonlinearity(x @ weight_ih.T + bias_ih + h @ weight_hh.T + bias_hh)."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        *,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        param_dtype: Any = jnp.float32,
        rngs: nnx.Rngs,
    ) -> None:
        super().__init__(
            *(input_size, hidden_size, num_layers),
            bias=bias,
            batch_first=batch_first,
            dropout=dropout,
            bidirectional=bidirectional,
            param_dtype=param_dtype,
            rngs=rngs,
        )
        self.nonlinearity = nonlinearity

    def step(self, state: Any, projected: jax.Array, weight_hh: Any, bias_hh: Any, weight_hr: Any) -> Any:
        """The next hidden state."""
        return rnn_step(state, projected, weight_hh, bias_hh, self.nonlinearity)
