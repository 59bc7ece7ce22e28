"""Recurrent layers with PyTorch's parameters: two biases, and the gates stacked on the first axis of each weight.

flax's cells have one bias, which trains differently, and no GRU whose reset gate multiplies the hidden bias.
"""

import math
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax

from torch2jax.helpers.init import uniform_within
from torch2jax.helpers.linear import linear


class PackedSequence(NamedTuple):
    """Sequences of different lengths: padded data (time, batch, ...) and lengths (batch,)."""

    data: jax.Array
    lengths: jax.Array


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


class RNN(Recurrent):
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


class GRU(Recurrent):
    """Gated recurrent units (https://arxiv.org/abs/1406.1078) with the reset gate after the hidden projection."""

    gates = 3

    def step(self, state: Any, projected: jax.Array, weight_hh: Any, bias_hh: Any, weight_hr: Any) -> Any:
        """The next hidden state."""
        return gru_step(state, projected, weight_hh, bias_hh)


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


class RNNCell(RecurrentCell):
    """One step of an Elman network: (batch, input_size), (batch, hidden_size) -> (batch, hidden_size)."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        nonlinearity: str = "tanh",
        bias: bool = True,
        param_dtype: Any = jnp.float32,
        rngs: nnx.Rngs,
    ) -> None:
        super().__init__(input_size, hidden_size, bias=bias, param_dtype=param_dtype, rngs=rngs)
        self.nonlinearity = nonlinearity

    def __call__(self, x: jax.Array, h: jax.Array | None = None) -> jax.Array:
        """The next hidden state; zeros come before the first."""
        return rnn_step(self.zeros(x) if h is None else h, *self.project(x), self.nonlinearity)


class GRUCell(RecurrentCell):
    """One step of gated recurrent units: (batch, input_size), (batch, hidden_size) -> (batch, hidden_size)."""

    gates = 3

    def __call__(self, x: jax.Array, h: jax.Array | None = None) -> jax.Array:
        """The next hidden state; zeros come before the first."""
        return gru_step(self.zeros(x) if h is None else h, *self.project(x))


class LSTMCell(RecurrentCell):
    """One step of long short-term memory; the state is a pair (h, c) of shape (batch, hidden_size) each."""

    gates = 4

    def __call__(self, x: jax.Array, state: tuple[jax.Array, jax.Array] | None = None) -> tuple[jax.Array, jax.Array]:
        """The next pair (h, c); zeros come before the first."""
        return lstm_step(state or (self.zeros(x), self.zeros(x)), *self.project(x))


def rnn_step(
    h: jax.Array, projected: jax.Array, weight_hh: jax.Array, bias_hh: jax.Array | None, nonlinearity: str = "tanh"
) -> jax.Array:
    """The next hidden state, from this one and x @ weight_ih.T + bias_ih."""
    total = projected + linear(h, weight_hh, bias_hh)
    return nnx.relu(total) if nonlinearity == "relu" else jnp.tanh(total)


def gru_step(h: jax.Array, projected: jax.Array, weight_hh: jax.Array, bias_hh: jax.Array | None) -> jax.Array:
    """The next hidden state, from this one and x @ weight_ih.T + bias_ih; gates are reset, update, new."""
    x_reset, x_update, x_new = jnp.split(projected, 3, -1)
    h_reset, h_update, h_new = jnp.split(linear(h, weight_hh, bias_hh), 3, -1)
    update = nnx.sigmoid(x_update + h_update)
    new = jnp.tanh(x_new + nnx.sigmoid(x_reset + h_reset) * h_new)
    return (1 - update) * new + update * h


def lstm_step(
    state: tuple[jax.Array, jax.Array], projected: jax.Array, weight_hh: jax.Array, bias_hh: jax.Array | None
) -> tuple[jax.Array, jax.Array]:
    """The next (h, c), from this one and x @ weight_ih.T + bias_ih; gates are input, forget, cell, output."""
    h, c = state
    i, f, g, o = jnp.split(projected + linear(h, weight_hh, bias_hh), 4, -1)
    c = nnx.sigmoid(f) * c + nnx.sigmoid(i) * jnp.tanh(g)
    return nnx.sigmoid(o) * jnp.tanh(c), c


def pack_padded_sequence(x: jax.Array, lengths: jax.Array | Sequence[int], batch_first: bool = False) -> PackedSequence:
    """Marks padded sequences (time, batch, ...), or batch-first ones, with their lengths."""
    return PackedSequence(x.swapaxes(0, 1) if batch_first else x, jnp.asarray(lengths))


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[jax.Array, jax.Array]:
    """Padded data and lengths. Without ``total_length`` the time axis is as long as it was before packing."""
    x, lengths = sequence
    steps = x.shape[0] if total_length is None else total_length
    x = jnp.pad(x[:steps], [(0, max(0, steps - x.shape[0])), *[(0, 0)] * (x.ndim - 1)])
    running = jnp.arange(steps)[:, None] < lengths
    x = jnp.where(running.reshape(*running.shape, *(1,) * (x.ndim - 2)), x, padding_value)
    return (x.swapaxes(0, 1) if batch_first else x), lengths


def pad_sequence(sequences: Sequence[jax.Array], batch_first: bool = False, padding_value: float = 0.0) -> jax.Array:
    """Stacks sequences (length, ...) of different lengths into (longest, batch, ...), or batch-first."""
    longest = max(len(sequence) for sequence in sequences)
    padded = []
    for sequence in sequences:
        widths = [(0, longest - len(sequence)), *[(0, 0)] * (sequence.ndim - 1)]
        padded.append(jnp.pad(sequence, widths, constant_values=padding_value))
    return jnp.stack(padded, 0 if batch_first else 1)


def pack_sequence(sequences: Sequence[jax.Array]) -> PackedSequence:
    """Marks sequences (length, ...), which are padded to the longest, with their lengths."""
    return PackedSequence(pad_sequence(sequences), jnp.array([len(sequence) for sequence in sequences]))


def unpad_sequence(padded: jax.Array, lengths: jax.Array | Sequence[int], batch_first: bool = False) -> list[jax.Array]:
    """The sequences (length, ...) in a padded array (time, batch, ...), or in a batch-first one; not under jit."""
    sequences = padded if batch_first else padded.swapaxes(0, 1)
    return [sequence[: int(length)] for sequence, length in zip(sequences, lengths, strict=True)]
