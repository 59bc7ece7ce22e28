"""Recurrent layers, cells and packed sequences."""

from torch2jax.rulebook import *


@rule("torch.nn.RNN")
def RNN(
    input_size: int,
    hidden_size: int,
    num_layers=1,
    nonlinearity="tanh",
    bias=True,
    batch_first=False,
    dropout=0.0,
    bidirectional=False,
    device: Device = None,
    dtype: Dtype = None,
) -> Module:
    """Elman network over sequences.

    >>> nn.RNN(3, 4)(f32(5, 2, 3))
    >>> nn.RNN(3, 4, 2, "relu", batch_first=True, bidirectional=True)(f32(2, 5, 3))[0]
    >>> nn.RNN(3, 4, num_layers=2, bias=False, dropout=0.3)(f32(5, 2, 3).detach(), f32(2, 2, 4).detach())  # random
    """
    return helpers.RNN(
        input_size,
        hidden_size,
        num_layers=num_layers,
        nonlinearity=nonlinearity,
        bias=bias,
        batch_first=batch_first,
        dropout=dropout,
        bidirectional=bidirectional,
        param_dtype=dtype,
        rngs=rngs,
    )


@RNN.attributes
def _(torch, flax):
    torch.input_size: int = flax.weight_ih_l0.shape[1]
    torch.hidden_size: int = flax.hidden_size
    torch.num_layers: int = flax.num_layers
    torch.bias: bool = getattr(flax, "bias_ih_l0", None) is not None
    torch.batch_first: bool = flax.batch_first
    torch.dropout: float = flax.dropout.rate
    torch.bidirectional: bool = len(flax.directions) == 2
    torch.nonlinearity: str = flax.nonlinearity


@RNN.call
def _(self, input: Tensor, hx: Tensor = None) -> (Tensor, Tensor):
    if hx is None:
        return self(input)
    return self(input, hx)


@rule("torch.nn.GRU")
def GRU(
    input_size: int,
    hidden_size: int,
    num_layers=1,
    bias=True,
    batch_first=False,
    dropout=0.0,
    bidirectional=False,
    device: Device = None,
    dtype: Dtype = None,
) -> Module:
    """Gated recurrent units over sequences.

    >>> nn.GRU(3, 4)(f32(5, 2, 3))
    >>> nn.GRU(3, 4, 2, batch_first=True, bidirectional=True)(f32(2, 5, 3))[1]
    >>> nn.GRU(3, 4, num_layers=2, bias=False)(f32(5, 2, 3), f32(2, 2, 4))
    >>> nn.GRU(3, 4, num_layers=2, dropout=1.0)(f32(5, 2, 3))
    >>> nn.GRU(3, 4)(f32(5, 3))
    """
    return helpers.GRU(
        input_size,
        hidden_size,
        num_layers=num_layers,
        bias=bias,
        batch_first=batch_first,
        dropout=dropout,
        bidirectional=bidirectional,
        param_dtype=dtype,
        rngs=rngs,
    )


@GRU.attributes
def _(torch, flax):
    torch.input_size: int = flax.weight_ih_l0.shape[1]
    torch.hidden_size: int = flax.hidden_size
    torch.num_layers: int = flax.num_layers
    torch.bias: bool = getattr(flax, "bias_ih_l0", None) is not None
    torch.batch_first: bool = flax.batch_first
    torch.dropout: float = flax.dropout.rate
    torch.bidirectional: bool = len(flax.directions) == 2


@GRU.call
def _(self, input: Tensor, hx: Tensor = None) -> (Tensor, Tensor):
    if hx is None:
        return self(input)
    return self(input, hx)


@rule("torch.nn.LSTM")
def LSTM(
    input_size: int,
    hidden_size: int,
    num_layers=1,
    bias=True,
    batch_first=False,
    dropout=0.0,
    bidirectional=False,
    proj_size=0,
    device: Device = None,
    dtype: Dtype = None,
) -> Module:
    """Long short-term memory over sequences.

    >>> nn.LSTM(3, 4)(f32(5, 2, 3))
    >>> y, (h, c) = nn.LSTM(3, 4, 2, batch_first=True, bidirectional=True)(f32(2, 5, 3))
    >>> h + c
    >>> nn.LSTM(3, 4, bias=False)(f32(5, 2, 3), (f32(1, 2, 4), f32(1, 2, 4)))
    >>> nn.LSTM(3, 4, num_layers=2, proj_size=2)(f32(5, 2, 3))
    >>> nn.LSTM(3, 4, num_layers=2, dropout=0.3)(f32(5, 2, 3).detach())  # random
    """
    return helpers.LSTM(
        input_size,
        hidden_size,
        num_layers=num_layers,
        bias=bias,
        batch_first=batch_first,
        dropout=dropout,
        bidirectional=bidirectional,
        proj_size=proj_size,
        param_dtype=dtype,
        rngs=rngs,
    )


@LSTM.attributes
def _(torch, flax):
    torch.input_size: int = flax.weight_ih_l0.shape[1]
    torch.hidden_size: int = flax.hidden_size
    torch.num_layers: int = flax.num_layers
    torch.bias: bool = getattr(flax, "bias_ih_l0", None) is not None
    torch.batch_first: bool = flax.batch_first
    torch.dropout: float = flax.dropout.rate
    torch.bidirectional: bool = len(flax.directions) == 2
    torch.proj_size: int = flax.output_size if flax.output_size != flax.hidden_size else 0


@LSTM.call
def _(self, input: Tensor, hx=None) -> (Tensor, (Tensor, Tensor)):
    if hx is None:
        return self(input)
    return self(input, hx)


@rule("torch.nn.RNN.flatten_parameters", "torch.nn.GRU.flatten_parameters", "torch.nn.LSTM.flatten_parameters")
def flatten_parameters(self) -> None:
    """Where the parameters lie in memory is not the program's concern in JAX.

    >>> rnn = nn.GRU(3, 4)
    >>> rnn.flatten_parameters()
    >>> rnn(f32(5, 2, 3))[0]
    """
    return


@rule("torch.nn.RNNCell")
def RNNCell(
    input_size: int, hidden_size: int, bias=True, nonlinearity="tanh", device: Device = None, dtype: Dtype = None
) -> Module:
    """One step of an Elman network.

    >>> nn.RNNCell(3, 4)(f32(2, 3), f32(2, 4))
    >>> nn.RNNCell(3, 4, bias=False, nonlinearity="relu")(f32(2, 3))
    """
    return helpers.RNNCell(input_size, hidden_size, nonlinearity=nonlinearity, bias=bias, param_dtype=dtype, rngs=rngs)


@RNNCell.attributes
def _(torch, flax):
    torch.input_size: int = flax.weight_ih.shape[1]
    torch.hidden_size: int = flax.hidden_size
    torch.bias: bool = flax.bias_ih is not None
    torch.nonlinearity: str = flax.nonlinearity


@RNNCell.call
def _(self, input: Tensor, hx: Tensor = None) -> Tensor:
    if hx is None:
        return self(input)
    return self(input, hx)


@rule("torch.nn.GRUCell")
def GRUCell(input_size: int, hidden_size: int, bias=True, device: Device = None, dtype: Dtype = None) -> Module:
    """One step of gated recurrent units.

    >>> nn.GRUCell(3, 4)(f32(2, 3), f32(2, 4))
    >>> nn.GRUCell(3, 4, bias=False)(f32(2, 3))
    """
    return helpers.GRUCell(input_size, hidden_size, bias=bias, param_dtype=dtype, rngs=rngs)


@GRUCell.attributes
def _(torch, flax):
    torch.input_size: int = flax.weight_ih.shape[1]
    torch.hidden_size: int = flax.hidden_size
    torch.bias: bool = flax.bias_ih is not None


@GRUCell.call
def _(self, input: Tensor, hx: Tensor = None) -> Tensor:
    if hx is None:
        return self(input)
    return self(input, hx)


@rule("torch.nn.LSTMCell")
def LSTMCell(input_size: int, hidden_size: int, bias=True, device: Device = None, dtype: Dtype = None) -> Module:
    """One step of long short-term memory.

    >>> nn.LSTMCell(3, 4)(f32(2, 3), (f32(2, 4), f32(2, 4)))
    >>> h, c = nn.LSTMCell(3, 4, bias=False)(f32(2, 3))
    >>> h * c
    """
    return helpers.LSTMCell(input_size, hidden_size, bias=bias, param_dtype=dtype, rngs=rngs)


@LSTMCell.attributes
def _(torch, flax):
    torch.input_size: int = flax.weight_ih.shape[1]
    torch.hidden_size: int = flax.hidden_size
    torch.bias: bool = flax.bias_ih is not None


@LSTMCell.call
def _(self, input: Tensor, hx=None) -> (Tensor, Tensor):
    if hx is None:
        return self(input)
    return self(input, hx)


@rule("torch.nn.utils.rnn.pack_padded_sequence")
def pack_padded_sequence(input: Tensor, lengths, batch_first=False, enforce_sorted: Ignored = True):
    """Padded sequences with their lengths, for recurrent layers.

    >>> packed = nn.utils.rnn.pack_padded_sequence(f32(4, 3, 2), [4, 2, 1])
    >>> nn.utils.rnn.pad_packed_sequence(packed)[0]

    >>> packed = nn.utils.rnn.pack_padded_sequence(f32(3, 4, 2), torch.tensor([2, 4, 1]), True, enforce_sorted=False)
    >>> nn.utils.rnn.pad_packed_sequence(packed, batch_first=True)
    """
    caveat(
        "a packed sequence is kept padded: its .data has the shape of the input, and under jit "
        "pad_packed_sequence does not cut the time axis to the longest sequence"
    )
    return helpers.pack_padded_sequence(input, lengths, batch_first=batch_first)


@rule("torch.nn.utils.rnn.pad_packed_sequence")
def pad_packed_sequence(sequence, batch_first=False, padding_value=0.0, total_length=None) -> (Tensor, Tensor):
    """Sequences with padding behind their ends, and their lengths.

    >>> packed = nn.utils.rnn.pack_padded_sequence(f32(4, 3, 2), [4, 2, 1])
    >>> nn.utils.rnn.pad_packed_sequence(packed, True, padding_value=1.5, total_length=6)[0]
    """
    return helpers.pad_packed_sequence(
        sequence, batch_first=batch_first, padding_value=padding_value, total_length=total_length
    )


@rule("torch.nn.utils.rnn.pad_sequence")
def pad_sequence(sequences: Tensors, batch_first=False, padding_value=0.0, padding_side="right") -> Tensor:
    """Sequences of different lengths stacked, with padding behind their ends.

    >>> nn.utils.rnn.pad_sequence([f32(2, 3), f32(4, 3), f32(1, 3)])
    >>> nn.utils.rnn.pad_sequence([f32(2), f32(4)], batch_first=True, padding_value=0.5)
    >>> nn.utils.rnn.pad_sequence([f32(2), f32(4)], True, padding_side="left")
    """
    if padding_side != "right":
        raise Unsupported("padding_side= of pad_sequence", "flip the sequences, pad them and flip the result")
    return helpers.pad_sequence(sequences, batch_first=batch_first, padding_value=padding_value)


@rule("torch.nn.utils.rnn.pack_sequence")
def pack_sequence(sequences: Tensors, enforce_sorted: Ignored = True):
    """Sequences of different lengths, for recurrent layers.

    >>> packed = nn.utils.rnn.pack_sequence([f32(4, 2), f32(1, 2), f32(3, 2)], enforce_sorted=False)
    >>> nn.utils.rnn.pad_packed_sequence(packed)
    """
    caveat("a packed sequence is kept padded: its .data has the shape (longest, batch, ...)")
    return helpers.pack_sequence(sequences)


@rule("torch.nn.utils.rnn.unpack_sequence")
def unpack_sequence(packed_sequences) -> Tensors:
    """The sequences of a packed one.

    >>> packed = nn.utils.rnn.pack_sequence([f32(4, 2), f32(3, 2), f32(1, 2)])
    >>> nn.utils.rnn.unpack_sequence(packed)
    """
    return helpers.unpad_sequence(packed_sequences.data, packed_sequences.lengths)


@rule("torch.nn.utils.rnn.unpad_sequence")
def unpad_batch_first(padded_sequences: Tensor, lengths, batch_first: IsTrue = False) -> Tensors:
    """Sequences without what lies behind their ends.

    >>> nn.utils.rnn.unpad_sequence(f32(3, 5, 2), torch.tensor([4, 5, 1]), batch_first=True)
    """
    return helpers.unpad_sequence(padded_sequences, lengths, batch_first=True)


@rule("torch.nn.utils.rnn.unpad_sequence")
def unpad_sequence(padded_sequences: Tensor, lengths, batch_first=False) -> Tensors:
    """Sequences without what lies behind their ends.

    >>> nn.utils.rnn.unpad_sequence(f32(5, 3, 2) * 1, torch.tensor([4, 5, 1]))
    >>> nn.utils.rnn.unpad_sequence(f32(3, 5, 2) * 1, torch.tensor([4, 5, 1]), bool(1))
    """
    caveat("PyTorch leaves the padded tensor itself transposed behind, where it is not batch-first; the array stays")
    return helpers.unpad_sequence(padded_sequences, lengths, batch_first=batch_first)


@rule("torch.nn.utils.rnn.invert_permutation")
def invert_permutation(permutation: Tensor) -> Tensor:
    """Where each number stands in a permutation.

    >>> nn.utils.rnn.invert_permutation(torch.tensor([2, 0, 3, 1]))
    """
    return jnp.argsort(permutation)


@rule("torch.nn.utils.rnn.PackedSequence", "torch.nn.utils.rnn.PackedSequence.*")
def PackedSequence(*args, **kwargs):
    """The rows of sequences, one time after the other.

    >>> nn.utils.rnn.PackedSequence(f32(3, 2), torch.tensor([2, 1]))
    """
    raise Unsupported(
        "packed sequences are kept padded, without batch_sizes",
        "pad the sequences and keep their lengths, or make one with pack_padded_sequence",
    )
