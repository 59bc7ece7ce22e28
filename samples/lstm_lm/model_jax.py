"""Language models with recurrent nets whose output layer shares the matrix of the embedding."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax


class RNNModel(nnx.Module):
    """Embedding, a stack of recurrent layers, and a softmax over the vocabulary.

    Ids are (time, batch); log probabilities (time * batch, ntoken) and the final state come out.
    `rnn_type` is one of LSTM, GRU, RNN_TANH, RNN_RELU.
    """

    def __init__(
        self,
        rnn_type='LSTM',
        ntoken=200,
        ninp=32,
        nhid=32,
        nlayers=2,
        dropout=0.5,
        tie_weights=True,
        *,
        rngs: nnx.Rngs,
    ):
        self.rnn_type, self.ntoken, self.nhid, self.nlayers = rnn_type, ntoken, nhid, nlayers

        self.drop = nnx.Dropout(dropout, rngs=rngs)
        self.encoder = nnx.Embed(ntoken, ninp, embedding_init=nnx.initializers.normal(1.0), rngs=rngs)
        if rnn_type in ('LSTM', 'GRU'):
            self.rnn = {"LSTM": LSTM, "GRU": GRU}[rnn_type](
                ninp, nhid, num_layers=nlayers, dropout=dropout, rngs=rngs
            )
        elif rnn_type.startswith('RNN_'):
            self.rnn = RNN(
                ninp, nhid, num_layers=nlayers, nonlinearity=rnn_type[4:].lower(), dropout=dropout, rngs=rngs
            )
        else:
            raise ValueError('unknown type of recurrent net: %s' % rnn_type)
        self.decoder = nnx.Linear(nhid, ntoken, **fan_in_uniform(nhid), rngs=rngs)

        if tie_weights:
            if nhid != ninp:
                raise ValueError('tied weights need equal sizes of embedding and state')
            self.decoder = TiedLinear(self.encoder, rngs=rngs)
        self.init_weights(rngs=rngs)

    def init_weights(self, bound=0.1, *, rngs: nnx.Rngs):
        self.encoder.embedding[...] = rngs.uniform(
            self.encoder.embedding.shape, dtype=self.encoder.embedding.dtype, minval=-bound, maxval=bound
        )
        self.decoder.bias[...] = jnp.zeros_like(self.decoder.bias[...])
        self.decoder.kernel[...] = rngs.uniform(
            self.decoder.kernel.shape, dtype=self.decoder.kernel.dtype, minval=-bound, maxval=bound
        )

    def __call__(self, ids, hidden=None):
        if hidden is None:
            hidden = self.init_hidden(ids.shape[1])
        emb = self.drop(self.encoder(ids))
        output, hidden = self.rnn(emb, hidden)
        output = self.drop(output)
        # one row for each token
        scores = self.decoder(output.reshape(output.shape[0] * output.shape[1], output.shape[2]))
        return nnx.log_softmax(scores, axis=1), hidden

    def init_hidden(self, bsz):
        weight = next(parameters(self))
        shape = (self.nlayers, bsz, self.nhid)
        if self.rnn_type == 'LSTM':
            return (jnp.zeros(shape, dtype=weight.dtype), jnp.zeros(shape, dtype=weight.dtype))
        return jnp.zeros(shape, dtype=weight.dtype)


class CellLM(nnx.Module):
    """The same idea with an explicit loop over an LSTMCell; ids are (batch, time)."""

    def __init__(self, vocab_size=50, embed_size=16, hidden_size=24, *, rngs: nnx.Rngs):
        self.hidden_size = hidden_size
        self.embed = PaddedEmbed(vocab_size, embed_size, padding_idx=0, rngs=rngs)
        self.cell = LSTMCell(embed_size, hidden_size, rngs=rngs)
        self.proj = nnx.Linear(hidden_size, embed_size, **fan_in_uniform(hidden_size), rngs=rngs)
        # scores are inner products with the embeddings, plus this
        self.out_bias = nnx.Param(jnp.zeros((vocab_size,)))

    def __call__(self, tokens, state=None):
        batch_size, seq_len = tokens.shape
        if state is None:
            h = jnp.zeros((batch_size, self.hidden_size))
            c = jnp.zeros((batch_size, self.hidden_size))
        else:
            h, c = state
        x = self.embed(tokens)
        outputs = []
        for t in range(seq_len):
            h, c = self.cell(x[:, t], (h, c))
            outputs.append(h)
        out = jnp.stack(outputs, axis=1)
        logits = self.proj(out) @ self.embed.embedding[...].T + self.out_bias[...]
        return logits, (h, c)

    def greedy(self, tokens, steps):
        """Continue each row by the most likely tokens; the new ones are returned, (batch, steps)."""
        logits, state = self(tokens)
        token = logits[:, -1].argmax(axis=-1)
        result = [token]
        for _ in range(steps - 1):
            logits, state = self(token[:, None], state)
            token = squeeze(logits, 1).argmax(axis=-1)
            result.append(token)
        return jnp.stack(result, axis=1)


def detach_state(state):
    """Cut a state, or a tuple of states, off its history."""
    if isinstance(state, jax.Array):
        return lax.stop_gradient(lax.stop_gradient(state))
    return tuple(detach_state(s) for s in state)


def into_columns(ids, bsz):
    """A long sequence of ids (n,) -> (n // bsz, bsz), what does not fit is dropped."""
    steps = ids.shape[0] // bsz
    return ids[:steps * bsz].reshape(bsz, steps).T


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


class LSTMCell(RecurrentCell):
    """One step of long short-term memory; the state is a pair (h, c) of shape (batch, hidden_size) each."""

    gates = 4

    def __call__(self, x: jax.Array, state: tuple[jax.Array, jax.Array] | None = None) -> tuple[jax.Array, jax.Array]:
        """The next pair (h, c); zeros come before the first."""
        return lstm_step(state or (self.zeros(x), self.zeros(x)), *self.project(x))


class PaddedEmbed(nnx.Embed):
    """Embedding whose row ``padding_idx`` starts at zero and gets no gradient from lookups."""

    def __init__(
        self,
        num_embeddings: int,
        features: int,
        *,
        padding_idx: int | None,
        param_dtype: Any = jnp.float32,
        rngs: nnx.Rngs,
    ) -> None:
        normal = nnx.initializers.normal(1.0)
        super().__init__(num_embeddings, features, embedding_init=normal, param_dtype=param_dtype, rngs=rngs)
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        if self.padding_idx is not None:
            self.embedding[...] = self.embedding[...].at[self.padding_idx].set(0)

    def __call__(self, inputs: jax.Array, out_sharding: Any = None) -> jax.Array:
        """Maps indices (...) to vectors (..., features)."""
        vectors = super().__call__(inputs, out_sharding)
        if self.padding_idx is None:
            return vectors
        return jnp.where((inputs == self.padding_idx)[..., None], lax.stop_gradient(vectors), vectors)


def rnn_step(
    h: jax.Array, projected: jax.Array, weight_hh: jax.Array, bias_hh: jax.Array | None, nonlinearity: str = "tanh"
) -> jax.Array:
    """The next hidden state, from this one and x @ weight_ih.T + bias_ih."""
    total = projected + linear(h, weight_hh, bias_hh)
    return nnx.relu(total) if nonlinearity == "relu" else jnp.tanh(total)


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


class TiedLinear(nnx.Module):
    """Scores (..., vocabulary) of features (..., size): inner products with the rows of an embedding, plus a bias.

    The kernel is the embedding's own Variable, of shape (vocabulary, size).
    """

    def __init__(self, embed: nnx.Embed, *, use_bias: bool = True, rngs: nnx.Rngs):
        self.kernel = embed.embedding
        bound = 1 / math.sqrt(embed.features)
        shape = (embed.num_embeddings,)
        self.bias = nnx.Param(rngs.uniform(shape, embed.param_dtype, -bound, bound)) if use_bias else None

    def __call__(self, x: jax.Array) -> jax.Array:
        """Scores of features x."""
        scores = x @ self.kernel[...].T
        return scores if self.bias is None else scores + self.bias[...]


def fan_in_uniform(in_features: int, kernel_size: int | Sequence[int] = (), groups: int = 1) -> dict[str, Any]:
    """Initializers of kernel and bias that draw from [-b, b], b = 1 / sqrt(in_features / groups * prod(kernel_size)).

    This is how PyTorch initializes linear layers and convolutions; flax would draw a normal kernel and a zero bias.
    """
    window = (kernel_size,) if isinstance(kernel_size, int) else kernel_size
    init = uniform_within(1 / math.sqrt(max(1, in_features // groups * math.prod(window))))
    return {"kernel_init": init, "bias_init": init}


class Frozen(nnx.Variable[jax.Array]):
    """A parameter that is not trained: gradients and optimizers of `wrt=nnx.Param` leave it alone."""


def parameters(module: nnx.Module) -> Iterator[nnx.Variable[jax.Array]]:
    """The parameters of a module and all below it, each once."""
    return (node for _, node in nnx.iter_graph(module) if isinstance(node, nnx.Param | Frozen))


def squeeze(x: jax.Array, axis: int | Sequence[int]) -> jax.Array:
    """`x` without the given axes, where their size is 1; axes of another size stay."""
    axes = (axis,) if isinstance(axis, int) else axis
    return x.squeeze(tuple(axis for axis in axes if x.ndim and x.shape[axis] == 1))
