import torch
from torch import nn


class Pack(nn.Module):
    """Masked writes, slices, integer and tensor indices, strides, ellipsis."""

    def __init__(self, width=6):
        super().__init__()
        self.width = width

    def forward(self, x, ids):
        x = x.clone()
        x[x < 0] = 0
        mask = x > 1
        x[mask] = x[mask] * 0.5
        out = torch.zeros(x.size(0), self.width, dtype=x.dtype)
        out[:, : x.size(1)] = x
        out[0, -1] = 3.5
        out[..., 1] += 1
        out[1:, ::2] *= 2
        out[torch.arange(x.size(0)), ids] = -1.0
        out[[0, 1]] = out[[1, 0]]
        counts = torch.zeros(self.width)
        for i in range(ids.size(0)):
            counts[ids[i]] += 1
        table = torch.empty(2, 3)
        table[0], table[1] = 1.0, torch.arange(3)
        table[:, None, 0] = 9
        return out, counts, table
