"""A function for an epoch that is called in a loop: clipping by norm, the model and the optimizer as parameters.

The norm of the gradients is looked at, in an epoch of whole batches and in one of micro-batches.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(50, 20), nn.GELU(), nn.LayerNorm(20), nn.Linear(20, 3))

    def forward(self, x):
        return self.layers(x)


def train_epoch(model, optimizer, inputs, labels, clip, history):
    model.train()
    total = 0
    for x, y in zip(inputs, labels):
        model.zero_grad()
        loss = F.cross_entropy(model(x), y, reduction="sum")
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        history.append(norm.item())
        total += loss.item()
        history.append(loss.item())
    return total / len(inputs)


def train_slowly(model, optimizer, inputs, labels, history):
    optimizer.zero_grad()
    for step, (x, y) in enumerate(zip(inputs, labels)):
        loss = F.cross_entropy(model(x), y) / 2
        loss.backward()
        if (step + 1) % 2 == 0:
            grad_norm = torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=0.1)
            history.append(float(grad_norm))
            optimizer.step()
            optimizer.zero_grad()


def build():
    return (Net(),)


def train(model, inputs, labels):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=0.01)
    history = []
    for epoch in range(4):
        history.append(train_epoch(model, optimizer, inputs, labels, 0.25, history))
        train_slowly(model, optimizer, inputs, labels, history)
        model.eval()
        with torch.no_grad():
            history.append(F.cross_entropy(model(inputs[0]), labels[0]).item())
    return history
