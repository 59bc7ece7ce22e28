"""Gradients that are never zeroed, or looked past by a use of the model, add up as they do in PyTorch."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(50, 3)

    def forward(self, x):
        return self.fc(x.flatten(1))


def build():
    return Net(), Net()


def first(model, inputs, labels):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    losses = []
    for x, y in zip(inputs, labels):
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def train(model, other, inputs, labels):
    losses = first(model, inputs, labels)
    optimizer = torch.optim.SGD(other.parameters(), lr=0.01)
    for x, y in zip(inputs, labels):
        optimizer.zero_grad()
        loss = F.cross_entropy(other(x), y)
        loss.backward()
        with torch.no_grad():
            losses.append(other(x).sum().item())
        if loss.item() < 1.3:
            optimizer.step()
        losses.append(loss.item())
    return losses
