"""A loop over time inside the step, with a list of outputs, and a term that uses the model again behind it."""

import torch
import torch.nn as nn


class Cell(nn.Module):
    def __init__(self):
        super().__init__()
        self.into = nn.Linear(10, 6)
        self.over = nn.Linear(6, 6)
        self.out = nn.Linear(6, 1)

    def forward(self, x, h):
        h = torch.tanh(self.into(x) + self.over(h))
        return self.out(h), h


def build():
    return (Cell(),)


def train(cell, inputs, labels):
    optimizer = torch.optim.Adam(cell.parameters(), lr=0.01)
    losses = []
    h = torch.zeros(6, 6, dtype=inputs.dtype)
    for x, y in zip(inputs, labels):
        steps = x.view(6, 5, 10)
        outputs = []
        h = h.detach()
        for t in range(steps.size(1)):
            out, h = cell(steps[:, t], h)
            outputs.append(out)
        prediction = torch.cat(outputs, dim=1).mean(1)
        loss = ((prediction - y) ** 2).mean() + 0.1 * cell(steps[:, 0], h)[0].mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses += [loss.item(), h.sum().item(), len(outputs)]
    return losses
