"""Recurrent layers against torch."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import nnx
from torch.nn.utils import rnn as torch_rnn

from torch2jax.helpers import rnn

KINDS = {"RNN": (torch.nn.RNN, rnn.RNN), "GRU": (torch.nn.GRU, rnn.GRU), "LSTM": (torch.nn.LSTM, rnn.LSTM)}
CELLS = {
    "RNN": (torch.nn.RNNCell, rnn.RNNCell),
    "GRU": (torch.nn.GRUCell, rnn.GRUCell),
    "LSTM": (torch.nn.LSTMCell, rnn.LSTMCell),
}


def carry(theirs: torch.nn.Module, ours: nnx.Module) -> None:
    state = {name: value.numpy() for name, value in theirs.state_dict().items()}
    held = {name: variable for name, variable in vars(ours).items() if isinstance(variable, nnx.Param)}
    assert state.keys() == held.keys()
    for name, value in state.items():
        assert held[name].shape == value.shape
        held[name].set_value(jnp.asarray(value))


def pair(kind, table=KINDS, *args, **options):
    theirs = table[kind][0](*args, **options, dtype=torch.float64)
    ours = table[kind][1](*args, **options, rngs=nnx.Rngs(0))
    carry(theirs, ours)
    return theirs, ours


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"num_layers": 2, "bidirectional": True},
        {"batch_first": True, "bias": False},
        {"num_layers": 3, "batch_first": True},
    ],
)
def test_layers(agree, normal, kind, options):
    theirs, ours = pair(kind, KINDS, 3, 4, **options)
    count = options.get("num_layers", 1) * (2 if options.get("bidirectional") else 1)
    x, h, c = normal(5, 2, 3), normal(count, 2, 4), normal(count, 2, 4)
    if options.get("batch_first"):
        x = x.swapaxes(0, 1)
    agree(theirs, ours, x)
    if kind == "LSTM":
        agree(lambda x, h, c: theirs(x, (h, c)), lambda x, h, c: ours(x, (h, c)), x, h, c)
    else:
        agree(theirs, ours, x, h)


@pytest.mark.parametrize("kind", list(KINDS))
def test_parameter_gradients(normal, kind):
    theirs, ours = pair(kind, KINDS, 3, 4, num_layers=2, bidirectional=True)
    x, w = normal(5, 2, 3), normal(5, 2, 8)
    (theirs(torch.tensor(x))[0] * torch.tensor(w)).sum().backward()
    grads = nnx.grad(lambda model: (model(jnp.asarray(x))[0] * w).sum())(ours)
    for name, parameter in theirs.named_parameters():
        np.testing.assert_allclose(grads[name][...], parameter.grad.numpy(), rtol=1e-9, atol=1e-12)


def test_relu_network(agree, normal):
    theirs, ours = pair("RNN", KINDS, 3, 4, nonlinearity="relu")
    agree(theirs, ours, normal(5, 2, 3))


def test_lstm_with_projection(agree, normal):
    theirs, ours = pair("LSTM", KINDS, 3, 4, num_layers=2, proj_size=2, bidirectional=True)
    agree(theirs, ours, normal(5, 2, 3))
    agree(
        lambda x, h, c: theirs(x, (h, c)),
        lambda x, h, c: ours(x, (h, c)),
        *(normal(5, 2, 3), normal(4, 2, 2), normal(4, 2, 4)),
    )


@pytest.mark.parametrize("kind", list(KINDS))
def test_one_sequence_without_batch(agree, normal, kind):
    theirs, ours = pair(kind, KINDS, 3, 4, num_layers=2, batch_first=True)
    agree(theirs, ours, normal(5, 3))


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("batch_first", [False, True])
def test_packed_sequences(agree, normal, kind, batch_first):
    theirs, ours = pair(kind, KINDS, 3, 4, num_layers=2, bidirectional=True, batch_first=batch_first)
    lengths = [3, 6, 1]

    def run(module, model, **options):
        def go(x):
            y, state = model(module.pack_padded_sequence(x, lengths, batch_first, **options))
            return module.pad_packed_sequence(y, batch_first, padding_value=-1.0), state

        return go

    x = normal(3, 6, 3) if batch_first else normal(6, 3, 3)
    agree(run(torch_rnn, theirs, enforce_sorted=False), run(rnn, ours), x)


@pytest.mark.parametrize("total", [None, 6, 9])
def test_pad_packed_sequence_length(agree, normal, total):
    x = normal(6, 3, 2, 2)

    def run(module, **options):
        return lambda x: module.pad_packed_sequence(
            module.pack_padded_sequence(x, [6, 2, 1], **options), total_length=total
        )

    agree(run(torch_rnn), run(rnn), x)


@pytest.mark.parametrize("batch_first", [False, True])
def test_unpad_sequence(agree, normal, batch_first):
    def run(module):
        return lambda x: module.unpad_sequence(x * 1, lengths, batch_first)[1]  # torch transposes it

    lengths = torch.tensor([3, 2, 5] if batch_first else [2, 3, 1, 2, 3])
    agree(run(torch_rnn), lambda x: rnn.unpad_sequence(x, lengths.numpy(), batch_first)[1], normal(3, 5, 2))


def test_pack_sequence():
    packed = rnn.pack_sequence([jnp.ones((2, 4)), jnp.ones((3, 4))])
    assert packed.data.shape == (3, 2, 4)
    np.testing.assert_array_equal(packed.lengths, [2, 3])


@pytest.mark.parametrize("batch_first", [False, True])
def test_pad_sequence(agree, normal, batch_first):
    agree(
        lambda *parts: torch_rnn.pad_sequence(parts, batch_first, 0.5),
        lambda *parts: rnn.pad_sequence(parts, batch_first, 0.5),
        *(normal(2, 3), normal(4, 3), normal(1, 3)),
    )


@pytest.mark.parametrize("kind", list(CELLS))
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batch", [(), (2,)])
def test_cells(agree, normal, kind, bias, batch):
    theirs, ours = pair(kind, CELLS, 3, 4, bias=bias)
    x, h, c = normal(*batch, 3), normal(*batch, 4), normal(*batch, 4)
    agree(theirs, ours, x)
    if kind == "LSTM":
        agree(lambda x, h, c: theirs(x, (h, c)), lambda x, h, c: ours(x, (h, c)), x, h, c)
    else:
        agree(theirs, ours, x, h)


def test_relu_cell(agree, normal):
    theirs, ours = pair("RNN", CELLS, 3, 4, nonlinearity="relu")
    agree(theirs, ours, normal(2, 3))


def test_dropout_is_between_layers_and_in_training_only():
    model = rnn.LSTM(3, 4, 2, dropout=0.5, rngs=nnx.Rngs(0))
    x = jnp.ones((5, 2, 3))
    assert not jnp.array_equal(model(x)[0], model(x)[0])
    model.eval()
    assert jnp.array_equal(model(x)[0], model(x)[0])
    single = rnn.LSTM(3, 4, 1, dropout=0.5, rngs=nnx.Rngs(0))
    assert jnp.array_equal(single(x)[0], single(x)[0])


def test_initial_parameters_are_uniform_in_the_hidden_size():
    weights = jnp.concatenate([p.reshape(-1) for p in jax.tree.leaves(nnx.state(rnn.GRU(30, 25, rngs=nnx.Rngs(0))))])
    assert 0.19 < jnp.abs(weights).max() <= 0.2
    assert abs(weights.std() - 0.2 / 3**0.5) < 0.003


def test_mixed_precision_computes_in_the_wider_type():
    y, (h, c) = rnn.LSTM(3, 4, rngs=nnx.Rngs(0))(jnp.ones((5, 2, 3), jnp.bfloat16))
    assert y.dtype == h.dtype == c.dtype == jnp.float32
    y, _ = rnn.GRU(3, 4, param_dtype=jnp.bfloat16, rngs=nnx.Rngs(0))(jnp.ones((5, 2, 3), jnp.bfloat16))
    assert y.dtype == jnp.bfloat16


def test_layers_run_in_tree_mode_under_jit():
    model = rnn.LSTM(3, 4, 2, dropout=0.5, rngs=nnx.Rngs(0))
    step = nnx.jit(lambda model, x: model(x)[0], graph=False)
    x = jnp.ones((5, 2, 3))
    assert not jnp.array_equal(step(model, x), step(model, x))
