"""Gradients of several batches for one update, under a condition; what is left over at the end of an epoch stays."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(50, 8)
        self.fc2 = nn.Linear(8, 3)

    def forward(self, x):
        return self.fc2(torch.tanh(self.fc1(x.flatten(1))))


def build():
    return (Net(),)


def train(model, inputs, labels):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    steps = 2
    losses = []
    optimizer.zero_grad()
    for epoch in range(4):
        for i, (x, y) in enumerate(zip(inputs, labels)):
            loss = F.cross_entropy(model(x), y)
            loss = loss / steps
            loss.backward()
            losses.append(loss.item())
            if (i + 1) % steps == 0:
                # one step for several batches
                nn.utils.clip_grad_norm_(model.parameters(), 0.5)
                optimizer.step()
                optimizer.zero_grad()
    return losses
