import torch
from torch import nn


class Attends:
    """A class that is no module itself, and whose methods run on those that derive from it."""

    scale = 2.0

    def attend(self, x):
        scores = self.query(x) @ self.key(x).transpose(1, 2) * self.temperature
        return scores.softmax(dim=-1) @ x * self.scale

    def forward(self, x):
        token = self.token.expand(x.size(0), -1, -1)
        if self.training:
            x = x + self.offset
        return self.attend(torch.cat((token, x), dim=1))


class Projections(nn.Module):
    def __init__(self, dim=5):
        super().__init__()
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(dim, dim)
        self.token = nn.Parameter(torch.randn(1, 1, dim))
        self.temperature = nn.Parameter(torch.tensor(0.5))
        self.register_buffer("offset", torch.ones(dim))


class Net(Attends, Projections):
    pass
