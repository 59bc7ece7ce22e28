import torch
import torch.nn as nn


def shift(x, by):
    """Changes the caller's tensor, as += does on tensors."""
    x += by
    return x


def scale(x, by):
    x = x * by  # a new tensor: the caller's stays as it is
    return x


class Net(nn.Module):
    def __init__(self, d=4):
        super().__init__()
        self.fc = nn.Linear(d, d)
        self.offset = nn.Parameter(torch.ones(d))

    def forward(self, x, residual=None):
        h = self.fc(x)
        before = h.sum()
        scale(h, 3.0)
        shift(h, self.offset)
        h -= 0.5
        h /= 2
        if residual is not None:
            h += residual
        h **= 2
        return h, before, x
