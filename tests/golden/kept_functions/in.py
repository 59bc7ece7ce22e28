"""Functions that a constructor keeps in attributes, and that use parts of the module."""

import torch
from torch import nn


class Kept(nn.Module):
    def __init__(self, n=4, scale=2.0):
        super().__init__()
        self.fc = nn.Linear(n, n)
        mlp = nn.Sequential(nn.Linear(n, n), nn.ReLU())
        self.mlp = mlp
        fc = self.fc
        # twice through the same layer
        self.twice = lambda x: fc(fc(x))
        self.gated = lambda x, power=2: self.fc(x) ** power
        self.plain = lambda x: x * scale

        def deep(x):
            """Through the MLP."""
            fc = mlp(x)
            return fc + 1

        self.deep = deep

    def forward(self, x):
        return self.twice(x), self.gated(x), self.deep(x), self.plain(x)


class NotMoved(nn.Module):
    def __init__(self, scale, other=None):
        super().__init__()
        conv = nn.Conv1d(4, 4, 1)
        self.conv = conv
        self.scaled = lambda x: conv(x) * scale
        self.chosen = lambda x: self.conv(x)
        if other is not None:
            self.chosen = other

    def forward(self, x):
        return self.scaled(x) + self.chosen(x)
