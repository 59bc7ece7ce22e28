"""Losses without names, and several backward passes with one update."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(50, 3)

    def forward(self, x):
        return self.fc(x.flatten(1))

    def penalty(self):
        return self.fc.weight.pow(2).sum()


def build():
    return (Net(),)


def update(model, optimizer, x, y, scale):
    optimizer.zero_grad()
    (F.cross_entropy(model(x), y) / scale).backward()
    penalty = model.penalty()
    (0.1 * penalty).backward()
    nn.utils.clip_grad_value_(model.parameters(), clip_value=0.05)
    optimizer.step()
    return penalty.item()


def train(model, inputs, labels):
    optimizer = torch.optim.Adam(model.parameters())
    found = []
    for x, y in zip(inputs, labels):
        found.append(update(model, optimizer, x, y, 2.0))
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        loss = model(x).pow(2).mean()
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    return found
