"""Translation with two GRUs and additive attention (Bahdanau et al., 2014)."""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax

PAD, BOS, EOS = 0, 1, 2


class Encoder(nnx.Module):
    """Bidirectional GRU. Its two final states are mixed into the first state of the decoder."""

    def __init__(self, vocab_size, emb_dim, hid_dim, n_layers=1, dropout=0.1, *, rngs: nnx.Rngs):
        self.embedding = PaddedEmbed(vocab_size, emb_dim, padding_idx=PAD, rngs=rngs)
        self.rnn = GRU(emb_dim, hid_dim, num_layers=n_layers, batch_first=True, bidirectional=True, rngs=rngs)
        self.bridge = nnx.Linear(2 * hid_dim, hid_dim, **fan_in_uniform(2 * hid_dim), rngs=rngs)
        self.dropout = nnx.Dropout(dropout, rngs=rngs)

    def __call__(self, src):
        # src: (batch, src_len)
        memory, hidden = self.rnn(self.dropout(self.embedding(src)))
        # hidden: (layers * 2, batch, hid); the top layer's two directions come last
        state = jnp.concatenate((hidden[-2, :, :], hidden[-1, :, :]), axis=1)
        return memory, jnp.tanh(self.bridge(state))


class AdditiveAttention(nnx.Module):
    def __init__(self, query_dim, key_dim, att_dim, *, rngs: nnx.Rngs):
        self.query = nnx.Linear(query_dim, att_dim, use_bias=False, **fan_in_uniform(query_dim), rngs=rngs)
        self.key = nnx.Linear(key_dim, att_dim, use_bias=False, **fan_in_uniform(key_dim), rngs=rngs)
        self.energy = nnx.Linear(att_dim, 1, use_bias=False, **fan_in_uniform(att_dim), rngs=rngs)

    def __call__(self, query, keys, mask=None):
        # query: (batch, query_dim), keys: (batch, src_len, key_dim), mask: (batch, src_len)
        src_len = keys.shape[1]
        query = jnp.tile(self.query(query)[:, None], (1, src_len, 1))
        scores = squeeze(self.energy(jnp.tanh(query + self.key(keys))), 2)
        if mask is not None:
            scores = jnp.where(mask == 0, -1e10, scores)
        return nnx.softmax(scores, axis=1)


class Decoder(nnx.Module):
    """One step: attend, read the context and the last token, update the state."""

    def __init__(self, vocab_size, emb_dim, hid_dim, dropout=0.1, *, rngs: nnx.Rngs):
        self.vocab_size = vocab_size
        self.embedding = nnx.Embed(vocab_size, emb_dim, embedding_init=nnx.initializers.normal(1.0), rngs=rngs)
        self.attention = AdditiveAttention(hid_dim, 2 * hid_dim, hid_dim, rngs=rngs)
        self.rnn = GRU(emb_dim + 2 * hid_dim, hid_dim, rngs=rngs)
        self.fc_out = nnx.Linear(
            emb_dim + 3 * hid_dim, vocab_size, **fan_in_uniform(emb_dim + 3 * hid_dim), rngs=rngs
        )
        self.dropout = nnx.Dropout(dropout, rngs=rngs)

    def __call__(self, token, state, memory, mask=None):
        # token: (batch,), state: (batch, hid)
        embedded = self.dropout(self.embedding(token[None]))  # (1, batch, emb)

        weights = self.attention(state, memory, mask)[:, None]  # (batch, 1, src_len)
        context = (weights @ memory).transpose(1, 0, 2)  # (1, batch, 2 * hid)

        output, state = self.rnn(jnp.concatenate((embedded, context), axis=2), state[None])
        features = jnp.concatenate((squeeze(output, 0), squeeze(context, 0), squeeze(embedded, 0)), axis=1)
        return self.fc_out(features), squeeze(state, 0), squeeze(weights, 1)


class Seq2Seq(nnx.Module):
    """Source ids (batch, src_len), target ids (batch, trg_len) -> scores (batch, trg_len, vocab)
    and attention weights (batch, trg_len - 1, src_len)."""

    def __init__(
        self,
        src_vocab=40,
        trg_vocab=50,
        emb_dim=20,
        hid_dim=24,
        n_layers=1,
        dropout=0.1,
        use_mask=True,
        *,
        rngs: nnx.Rngs,
    ):
        self.encoder = Encoder(src_vocab, emb_dim, hid_dim, n_layers, dropout, rngs=rngs)
        self.decoder = Decoder(trg_vocab, emb_dim, hid_dim, dropout, rngs=rngs)
        self.use_mask = use_mask

        for name, param in named_parameters(self):
            if "weight" in name:
                param[...] = nnx.initializers.normal(0.1)(rngs.params(), param.shape, param.dtype)
            else:
                param[...] = jnp.zeros_like(param)

    def create_mask(self, src):
        return src != PAD

    def __call__(self, src, trg, teacher_forcing=True):
        batch_size, trg_len = trg.shape

        # row 0 stays zero, nothing is predicted for the first token
        outputs = jnp.zeros((trg_len, batch_size, self.decoder.vocab_size))
        attentions = []

        memory, state = self.encoder(src)
        mask = self.create_mask(src) if self.use_mask else None

        token = trg[:, 0]
        for t in range(1, trg_len):
            output, state, weights = self.decoder(token, state, memory, mask)
            outputs = outputs.at[t].set(output)
            attentions.append(weights)

            # the next input is either the truth or the best guess
            top1 = output.argmax(axis=1)
            token = trg[:, t] if teacher_forcing else top1

        return outputs.swapaxes(0, 1), jnp.stack(attentions, axis=1)

    def translate(self, src, max_len):
        """The greedy translation, always `max_len` ids; those behind the first EOS are padding."""
        memory, state = self.encoder(src)
        mask = self.create_mask(src) if self.use_mask else None
        token = jnp.full((src.shape[0],), BOS, dtype=jnp.int32)
        finished = jnp.zeros_like(token, dtype=bool)
        result = []
        for _ in range(max_len):
            scores, state, _ = self.decoder(token, state, memory, mask)
            _, best = lax.top_k(scores, 1)
            token = lax.stop_gradient(squeeze(best, -1))
            token = jnp.where(finished, PAD, token)
            finished = finished | (token == EOS)
            result.append(token)
        return lax.stop_gradient(jnp.stack(result, axis=1))


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


def squeeze(x: jax.Array, axis: int | Sequence[int]) -> jax.Array:
    """`x` without the given axes, where their size is 1; axes of another size stay."""
    axes = (axis,) if isinstance(axis, int) else axis
    return x.squeeze(tuple(axis for axis in axes if x.ndim and x.shape[axis] == 1))
