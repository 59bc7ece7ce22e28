"""Gradients and parameters as one vector, in PyTorch's order: of two losses, of a part, and in a loop."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 3, (2, 3))
        self.head = nn.Linear(36, 3)

    def forward(self, x):
        return self.head(torch.tanh(self.conv(x)).flatten(1))


def build():
    return (Net(),)


def flat_gradient(model: Net):
    vectors = []
    for name, p in model.named_parameters():
        if p.grad is not None and "head" in name:
            vectors.append(p.grad.detach().reshape(-1))
    return torch.cat(vectors)


def flat_parameters(model):
    return torch.cat([p.data.view(-1) for p in model.parameters()])


def train(model, inputs, labels):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    found = []
    for x, y in zip(inputs, labels):
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        first = torch.cat([p.grad.flatten() for p in model.parameters()])
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        second = torch.cat([p.grad.view(-1) for p in model.parameters()])
        found += [F.cosine_similarity(first, second, dim=0).item(), first[:40].tolist(), second[-50:-2].tolist()]
        found.append(flat_gradient(model)[7:60].tolist())
        optimizer.step()
    return found + [flat_parameters(model).tolist()]
