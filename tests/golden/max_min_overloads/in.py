import torch
from torch import nn


class Extremes(nn.Module):
    """All the things that max and min can mean."""

    def forward(self, x, y):
        largest = x.max()
        values, indices = x.max(1)
        m = torch.max(x, dim=0, keepdim=True)[0]
        both = torch.max(x, y)
        low = x.min(dim=-1).values
        where = torch.min(y, -1)[1]
        _, top = torch.max(y.data, 1)
        floor = torch.min(x, other=y)
        number = max(x.size(0), 2)
        top_row, _ = x.min(0)
        return largest, values, indices, m, both, low, where, top, floor * number, top_row, y.min()
