"""A flow whose prior is a distribution that the module keeps, and one of plain numbers."""

import torch
import torch.nn as nn
from torch.distributions import MultivariateNormal, Normal


class Flow(nn.Module):
    def __init__(self, prior):
        super().__init__()
        self.prior = prior
        self.unit = Normal(0.0, 1.0)
        self.scale = nn.Linear(25, 25)
        self.shift = nn.Linear(25, 25)

    def log_prob(self, x):
        a, b = x.flatten(1).chunk(2, dim=1)
        s = torch.tanh(self.scale(a))
        z = torch.cat([a, b * s.exp() + self.shift(a)], dim=1)
        return self.prior.log_prob(z) + 0.1 * self.unit.log_prob(z).sum(1) + s.sum(1)


def build():
    return [Flow(MultivariateNormal(torch.zeros(50), torch.eye(50)))]


def train(flow: Flow, inputs, labels):
    optimizer = torch.optim.Adam(flow.parameters(), lr=0.003)
    losses = []
    for epoch in range(3):
        for x in inputs:
            loss = -flow.log_prob(x).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses
