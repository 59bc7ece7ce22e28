import torch
import torch.nn as nn


class Recurrent(nn.Module):
    """Recurrent layers and cells, their states, orders of axes and directions."""

    def __init__(self, d=4, h=5, layers=2, bidirectional=True):
        super().__init__()
        self.lstm = nn.LSTM(d, h, num_layers=layers, batch_first=True, bidirectional=bidirectional)
        self.gru = nn.GRU(input_size=d, hidden_size=h)
        self.rnn = nn.RNN(d, h, nonlinearity="relu", bias=False)
        self.cell = nn.GRUCell(d, h)
        self.h0 = nn.Parameter(torch.zeros(layers * (2 if bidirectional else 1), 1, h))

    def forward(self, x, lengths):
        b, t, _ = x.shape
        h0 = self.h0.repeat(1, b, 1)
        out, (h_n, c_n) = self.lstm(x, (h0, torch.zeros_like(h0)))
        last = out[torch.arange(b), lengths - 1]
        self.gru.flatten_parameters()
        g, state = self.gru(x.transpose(0, 1))
        r = self.rnn(x.transpose(0, 1), state)[0]
        hx = x.new_zeros(b, self.cell.hidden_size)
        for step in x.unbind(1):
            hx = self.cell(step, hx)
        return last, torch.cat([h_n[0], h_n[-1]], -1), c_n, g.transpose(0, 1), r, hx
