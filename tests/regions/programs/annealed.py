"""A term of the loss that grows with the steps, by a schedule in plain numbers."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.base = nn.Linear(50, 8)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        h = torch.tanh(self.base(x.flatten(1)))
        return self.head(h), h


def ramp_up(step, length):
    if length == 0:
        return 1.0
    current = min(max(step, 0), length)
    phase = 1.0 - current / length
    return math.exp(-5.0 * phase * phase)


def build():
    return (Net(),)


def train(model, inputs, labels):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    found = []
    for step in range(6):
        x, y = inputs[step % len(inputs)], labels[step % len(inputs)]
        out, h = model(x)
        progress = step / 6
        weight = ramp_up(step, 5) + math.sqrt(progress)
        loss = F.cross_entropy(out, y) + weight * h.pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append((loss.item(), weight))
    return found
