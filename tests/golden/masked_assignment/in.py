"""Values written where a mask is true: numbers, rows that are the same everywhere, a value for each place."""

import torch
import torch.nn as nn


class Masked(nn.Module):
    def __init__(self, dim=4):
        super().__init__()
        self.token = nn.Parameter(torch.randn(1, 1, dim))
        self.norm = nn.Linear(dim, dim)

    def forward(self, x, mask: torch.BoolTensor):
        x = x.clone()
        x[mask] = self.token
        y = self.norm(x)
        y[y > 0] = 0.5
        return x, y


def numbers(x: torch.Tensor):
    x = x.clone()
    x[torch.isnan(x / x)] = 1
    x[x * 2 < -1] = -1.0
    z = torch.ones(3, 4, dtype=torch.int64)
    z[z == 1] = 7
    z[z.sum(1) > 3] = 2
    return x, z


def of_another(x: torch.Tensor, y: torch.Tensor):
    x = x.clone()
    x[y > 0] = 3.5
    return x


def one_for_each(x: torch.Tensor, mask: torch.BoolTensor, values):
    x = x.clone()
    x[mask] = values
    return x


def truncated(x: torch.LongTensor):
    x = x.clone()
    x[x > 3] = 1.5
    return x
