import math

import numpy as np
import torch
import torch.nn as nn


def sinusoid_table(n, d):
    angle = np.array([[pos / np.power(10000, 2 * (i // 2) / d) for i in range(d)] for pos in range(n)])
    angle[:, 0::2] = np.sin(angle[:, 0::2])
    angle[:, 1::2] = np.cos(angle[:, 1::2])
    return torch.from_numpy(angle).to(torch.get_default_dtype()).unsqueeze(0)


class PositionalEncoding(nn.Module):
    def __init__(self, d=6, n=12, dropout=0.1):
        super().__init__()
        self.register_buffer("table", sinusoid_table(n, d))
        pe = torch.zeros(n, d)
        position = torch.arange(0, n).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d, 2) * -(math.log(10000.0) / d))
        pe[:, 0::2] = torch.sin(position * div_term)
        pe[:, 1::2] = torch.cos(position * div_term)
        self.register_buffer("pe", pe)
        self.weights = torch.tensor(np.linspace(0.0, 1.0, d).tolist())
        self.dropout = nn.Dropout(dropout)
        self.log_scale = nn.Parameter(torch.ones([]) * np.log(1 / 0.07))

    def forward(self, x):
        x = x * self.log_scale.exp() + self.pe[: x.size(1)] * math.sqrt(x.size(-1))
        x = x + self.table[:, : x.size(1)].clone().detach()
        return self.dropout(x * self.weights) / np.sqrt(2)
