"""Language models with recurrent nets whose output layer shares the matrix of the embedding."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.autograd import Variable


class RNNModel(nn.Module):
    """Embedding, a stack of recurrent layers, and a softmax over the vocabulary.

    Ids are (time, batch); log probabilities (time * batch, ntoken) and the final state come out.
    `rnn_type` is one of LSTM, GRU, RNN_TANH, RNN_RELU.
    """

    def __init__(self, rnn_type='LSTM', ntoken=200, ninp=32, nhid=32, nlayers=2, dropout=0.5, tie_weights=True):
        super(RNNModel, self).__init__()
        self.rnn_type, self.ntoken, self.nhid, self.nlayers = rnn_type, ntoken, nhid, nlayers

        self.drop = nn.Dropout(dropout)
        self.encoder = nn.Embedding(ntoken, ninp)
        if rnn_type in ('LSTM', 'GRU'):
            self.rnn = getattr(nn, rnn_type)(ninp, nhid, nlayers, dropout=dropout)
        elif rnn_type.startswith('RNN_'):
            self.rnn = nn.RNN(ninp, nhid, nlayers, nonlinearity=rnn_type[4:].lower(), dropout=dropout)
        else:
            raise ValueError('unknown type of recurrent net: %s' % rnn_type)
        self.decoder = nn.Linear(nhid, ntoken)

        if tie_weights:
            if nhid != ninp:
                raise ValueError('tied weights need equal sizes of embedding and state')
            self.decoder.weight = self.encoder.weight
        self.init_weights()

    def init_weights(self, bound=0.1):
        self.encoder.weight.data.uniform_(-bound, bound)
        self.decoder.bias.data.zero_()
        self.decoder.weight.data.uniform_(-bound, bound)

    def forward(self, ids, hidden=None):
        if hidden is None:
            hidden = self.init_hidden(ids.size(1))
        emb = self.drop(self.encoder(ids))
        output, hidden = self.rnn(emb, hidden)
        output = self.drop(output)
        # one row for each token
        scores = self.decoder(output.view(output.size(0) * output.size(1), output.size(2)))
        return F.log_softmax(scores, dim=1), hidden

    def init_hidden(self, bsz):
        weight = next(self.parameters())
        shape = (self.nlayers, bsz, self.nhid)
        if self.rnn_type == 'LSTM':
            return (weight.new_zeros(shape), weight.new_zeros(shape))
        return weight.new_zeros(shape)


class CellLM(nn.Module):
    """The same idea with an explicit loop over an LSTMCell; ids are (batch, time)."""

    def __init__(self, vocab_size=50, embed_size=16, hidden_size=24):
        super().__init__()
        self.hidden_size = hidden_size
        self.embed = nn.Embedding(vocab_size, embed_size, padding_idx=0)
        self.cell = nn.LSTMCell(embed_size, hidden_size)
        self.proj = nn.Linear(hidden_size, embed_size)
        # scores are inner products with the embeddings, plus this
        self.out_bias = nn.Parameter(torch.zeros(vocab_size))

    def forward(self, tokens, state=None):
        batch_size, seq_len = tokens.shape
        if state is None:
            h = torch.zeros(batch_size, self.hidden_size, device=tokens.device)
            c = torch.zeros(batch_size, self.hidden_size, device=tokens.device)
        else:
            h, c = state
        x = self.embed(tokens)
        outputs = []
        for t in range(seq_len):
            h, c = self.cell(x[:, t], (h, c))
            outputs.append(h)
        out = torch.stack(outputs, dim=1)
        logits = F.linear(self.proj(out), self.embed.weight, self.out_bias)
        return logits, (h, c)

    @torch.no_grad()
    def greedy(self, tokens, steps):
        """Continue each row by the most likely tokens; the new ones are returned, (batch, steps)."""
        logits, state = self(tokens)
        token = logits[:, -1].argmax(-1)
        result = [token]
        for _ in range(steps - 1):
            logits, state = self(token.unsqueeze(1), state)
            token = logits.squeeze(1).argmax(-1)
            result.append(token)
        return torch.stack(result, 1)


def detach_state(state):
    """Cut a state, or a tuple of states, off its history."""
    if isinstance(state, torch.Tensor):
        return Variable(state.data)
    return tuple(detach_state(s) for s in state)


def into_columns(ids, bsz):
    """A long sequence of ids (n,) -> (n // bsz, bsz), what does not fit is dropped."""
    steps = ids.size(0) // bsz
    return ids[:steps * bsz].view(bsz, steps).t().contiguous()
