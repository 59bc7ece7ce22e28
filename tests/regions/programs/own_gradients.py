"""Gradients of a model's parameters that are asked for: for an update by hand, as a vector, and of some of them."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(50, 8)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        return self.head(torch.tanh(self.body(x.flatten(1))))


def build():
    return (Net(),)


def flat_gradient(model, x, y):
    loss = F.cross_entropy(model(x), y)
    grads = torch.autograd.grad(loss, model.parameters())
    return torch.cat([g.contiguous().view(-1) for g in grads])


def of_the_head(model: Net, x, y):
    params = [p for p in model.head.parameters() if p.requires_grad]
    grads = torch.autograd.grad(F.cross_entropy(model(x), y), params, retain_graph=True)
    return [g.pow(2).sum().item() for g in grads]


def train(model, inputs, labels):
    found = []
    for x, y in zip(inputs, labels):
        found += [flat_gradient(model, x, y)[3:300:7].tolist(), of_the_head(model, x, y)]
        loss = F.cross_entropy(model(x), y)
        grads = torch.autograd.grad(loss, list(model.parameters()))
        norm = sum((g**2).sum() for g in grads).sqrt()
        with torch.no_grad():
            for p, g in zip(model.parameters(), grads):
                p -= 0.5 * g / norm
        found += [loss.item(), norm.item()]
    return found
