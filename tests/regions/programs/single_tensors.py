"""Optimizers of arrays: an input that a network classifies as wanted, two arrays with rates of their own, a list of them."""

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(50, 8)
        self.fc2 = nn.Linear(8, 3)

    def forward(self, x):
        return self.fc2(torch.tanh(self.fc1(x.flatten(1))))


def build():
    return (Net(),)


def invert(model, start, labels):
    model.eval()
    x = start.clone().requires_grad_(True)
    optimizer = optim.Adam([x], lr=0.05)
    losses = []
    for step in range(10):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), labels) + 0.1 * (x - start).pow(2).mean()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            x.clamp_(-1, 1)
        losses.append(loss.item())
    return losses, x.detach().sum().item(), start.sum().item()


def regress(x, y):
    w = torch.full((50,), 0.1, dtype=x.dtype)
    b = torch.zeros(1, dtype=x.dtype)
    w.requires_grad = True
    b.requires_grad = True
    optimizer = optim.SGD([{"params": [w], "lr": 0.01}, {"params": [b]}], lr=0.1, momentum=0.9)
    losses = []
    for step in range(10):
        loss = ((x.flatten(1) @ w + b - y) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, w.sum().item(), b.item()


def factor(x):
    matrix = x.flatten(1)
    left = nn.Parameter(torch.full((6, 2), 0.1, dtype=x.dtype))
    right = nn.Parameter(torch.linspace(-1, 1, 100, dtype=x.dtype).view(2, 50))
    params = [left, right]
    optimizer = optim.AdamW(params, lr=0.05)
    losses = []
    for step in range(10):
        optimizer.zero_grad()
        error = matrix - left @ right
        loss = (error**2).mean()
        loss.backward()
        optimizer.step()
        right.data.clamp_(min=-0.5)
        losses.append(loss.item())
    return losses, left.sum().item(), right.detach().sum().item()


def train(model, inputs, labels):
    return [invert(model, inputs[0], labels[0]), regress(inputs[1], labels[1]), factor(inputs[2])]
